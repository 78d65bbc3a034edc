"""Questions before a study: how many cases, and what can so many cases see."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import get_args

import numpy as np
from scipy import optimize, stats

from medlib.errors import InputError
from medlib.statistics._checks import as_choice, as_count, as_finite, as_fraction
from medlib.statistics.proportions import ProportionMethod, proportion_interval
from medlib.types import Floats, Integers

LARGEST_STUDY = 100_000
"""Cases beyond which a sample size is not searched for: no study would be that large."""


@dataclass(frozen=True, slots=True)
class Power:
    """The probability that a test of given size finds a difference that is there."""

    test: str
    n: int
    power: float
    alpha: float
    effect: str

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        return (
            f"with n = {self.n}, {self.test} at {self.alpha:g} finds {self.effect} with "
            f"probability {self.power:.3f}"
        )


@dataclass(frozen=True, slots=True)
class SampleSize:
    """The smallest number of cases that reaches an aim, and what it reaches exactly."""

    n: int
    aim: str
    reached: float

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        return f"n = {self.n} cases for {self.aim} (reached: {self.reached:.4f})"


def sample_size_for_interval(
    proportion: float,
    half_width: float,
    *,
    method: ProportionMethod = "wald",
    confidence: float = 0.95,
) -> SampleSize:
    """Return how many independent cases give an interval of +- half_width around a proportion.

    Wald: n = ceil(z^2 p (1 - p) / h^2), the textbook answer (707 for 0.92 +- 0.02). Any other
    method: the smallest n from which the interval at round(n p) successes stays that narrow.

    The width is what to expect if the proportion is as guessed; not a promise. Not for clustered
    cases: multiply by 1 + (images a patient - 1) x their correlation.
    Raises InputError for a proportion or half-width outside 0..1.
    """
    as_choice(method, "method", get_args(ProportionMethod))
    p = as_fraction(proportion, "proportion", open_ends=True)
    half = as_fraction(half_width, "half_width", open_ends=True)
    level = as_fraction(confidence, "confidence", open_ends=True)
    aim = f"{p:g} +- {half:g} at {100 * level:g} % ({method})"
    wald = float(stats.norm.isf((1 - level) / 2) ** 2 * p * (1 - p) / half**2)
    if method == "wald":
        n = ceil(wald - 1e-9)
        return SampleSize(n, aim, half * float(np.sqrt(wald / n)))

    if wald > LARGEST_STUDY:
        raise InputError(
            f"half_width = {half:g} needs about {wald:.2g} cases, more than {LARGEST_STUDY}."
        )

    def reached(n: int) -> float:
        return proportion_interval(round(n * p), n, method=method, confidence=level).width / 2

    # Wide enough for the discreteness of round(n p) and for the strictest method at small n.
    top = ceil(1.5 * wald + 10 / half + 10)
    n = next((n for n in range(top, 0, -1) if reached(n) > half), 0) + 1
    return SampleSize(n, aim, reached(n))


def power_mcnemar(n: int, only_a: float, only_b: float, *, alpha: float = 0.05) -> Power:
    """Return the power of the exact McNemar test, or what so many cases can see.

    only_a, only_b: the shares of cases that exactly one of two classifiers gets right. Exact, by
    enumeration: the number of discordant cases is Bin(n, only_a + only_b), and given m of them the
    first wins Bin(m, only_a / (only_a + only_b)).

    Assumes independent cases and fixed classifiers. Not after the fact with the shares observed:
    that "power" only restates the p-value. Raises InputError for shares that exceed 1 together.
    """
    total = as_count(n, "n", least=1, most=LARGEST_STUDY)
    a, b, level = _shares(only_a, only_b, alpha)
    effect = f"{a:g} against {b:g} of cases only one gets right"
    power = float(_mcnemar_power(np.array([total]), a, b, level)[0])
    return Power("the exact McNemar test", total, power, level, effect)


def sample_size_mcnemar(
    only_a: float, only_b: float, *, power: float = 0.8, alpha: float = 0.05
) -> SampleSize:
    """Return how many cases the exact McNemar test needs to reach a power, and to keep it.

    Exact power is a saw-tooth in n, so the answer is the smallest n from which it stays at or above
    the aim (searched to 1.2 times the normal approximation of Connor 1987, Biometrics 43:207, plus
    100, beyond which the teeth are too small to matter; to as many again where the aim is not
    reached there). Assumptions as power_mcnemar.
    Raises InputError for equal shares (no n is enough) and where LARGEST_STUDY is exceeded.
    """
    a, b, level = _shares(only_a, only_b, alpha)
    aim = as_fraction(power, "power", open_ends=True)
    if a == b:
        raise InputError(f"only_a = only_b = {a:g}: there is no difference to find, at any n.")
    guess = _connor(a, b, aim, level)
    if guess > LARGEST_STUDY:
        raise InputError(
            f"only_a = {a:g} against only_b = {b:g} needs about {guess:.2g} cases, more than "
            f"{LARGEST_STUDY}; a difference so small is not worth a study."
        )
    sizes = range(max(int(0.5 * guess), 1), int(1.2 * guess) + 101)
    if len(sizes) > 2000:  # far from the small-sample teeth: the last tooth is within 2 %
        sizes = range(int(0.97 * guess), int(1.03 * guess) + 100)
    n, reached = stays_at(aim, sizes, lambda some: _mcnemar_power(np.array(some), a, b, level))
    text = f"power {aim:g} of the exact McNemar test at {level:g}, {a:g} against {b:g}"
    return SampleSize(n, text, reached)


def stays_at(aim: float, sizes: range, power_of: Callable[[range], Floats]) -> tuple[int, float]:
    """Return the smallest size from which power does not fall below an aim again, and its power.

    power_of gives the power of each size. Where the last one is still below the aim, as where
    hardly any case is discordant, the search goes on among larger ones.
    """
    while True:
        reached = power_of(sizes)
        below = np.flatnonzero(reached < aim)
        first = int(below[-1]) + 1 if below.size else 0
        if first < len(sizes):
            return sizes[first], float(reached[first])
        sizes = range(sizes[-1] + sizes.step, 2 * sizes[-1] + sizes.step + 1, sizes.step)


def _shares(only_a: float, only_b: float, alpha: float) -> tuple[float, float, float]:
    a, b = as_fraction(only_a, "only_a"), as_fraction(only_b, "only_b")
    if a + b > 1 or a + b == 0:
        raise InputError(
            f"only_a + only_b = {a + b:g}; the two shares of discordant cases must lie between 0 "
            "and 1 together."
        )
    return a, b, as_fraction(alpha, "alpha", open_ends=True)


def _connor(a: float, b: float, power: float, alpha: float) -> float:
    discordant, difference = a + b, a - b
    reject = stats.norm.isf(alpha / 2) * np.sqrt(discordant)
    find = stats.norm.ppf(power) * np.sqrt(max(discordant - difference**2, 0.0))
    return float(((reject + find) / difference) ** 2)


def _mcnemar_power(sizes: Integers, a: float, b: float, alpha: float) -> Floats:
    """Return the exact power for each number of cases, summed over likely discordant counts."""
    discordant = a + b
    spread = 10 * np.sqrt(sizes.max() * discordant * (1 - discordant)) + 20
    low = max(0, int(sizes.min() * discordant - spread))
    high = min(int(sizes.max()), int(sizes.max() * discordant + spread))
    m = np.arange(low, high + 1)
    critical = stats.binom.ppf(alpha / 2, m, 0.5)
    critical = np.where(stats.binom.cdf(critical, m, 0.5) <= alpha / 2, critical, critical - 1)
    share = a / discordant
    rejects = stats.binom.cdf(critical, m, share) + stats.binom.sf(m - critical - 1, m, share)
    rejects = np.where(critical < 0, 0.0, rejects)
    return np.array([stats.binom.pmf(m, n, discordant) @ rejects for n in sizes])


def power_two_proportions(n: int, p_a: float, p_b: float, *, alpha: float = 0.05) -> Power:
    """Return the power to tell two proportions apart in two separate groups of n cases each.

    Normal approximation of the two-sided chi-squared test, as R's power.prop.test (the rejections
    in the wrong direction not counted): Phi((sqrt(n) |p_a - p_b| - z sqrt(2 p (1 - p))) /
    sqrt(p_a (1 - p_a) + p_b (1 - p_b))) with p the mean of both.

    Not for two classifiers on the same cases (use power_mcnemar, which needs fewer cases), nor for
    expected counts below 5. Raises InputError for proportions outside 0..1 or both 0 or both 1.
    """
    total = as_count(n, "n", least=1)
    a, b = as_fraction(p_a, "p_a"), as_fraction(p_b, "p_b")
    level = as_fraction(alpha, "alpha", open_ends=True)
    power = _two_proportions(total, a, b, level)
    test = "the test of two proportions (n in each group)"
    return Power(test, total, power, level, f"{a:g} against {b:g}")


def _two_proportions(n: float, a: float, b: float, alpha: float) -> float:
    alternative = np.sqrt(a * (1 - a) + b * (1 - b))
    if alternative == 0:
        raise InputError(
            f"p_a = {a:g} and p_b = {b:g} leave no chance variation; give a proportion inside 0..1."
        )
    mean = (a + b) / 2
    threshold = stats.norm.isf(alpha / 2) * np.sqrt(2 * mean * (1 - mean))
    return float(stats.norm.cdf((np.sqrt(n) * abs(a - b) - threshold) / alternative))


def detectable_difference(
    n: int, discordant: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the smallest true difference in accuracy that n shared cases show with given power.

    discordant: share of cases on which exactly one of the two classifiers is right. Solves
    power_mcnemar(n, (discordant + d) / 2, (discordant - d) / 2) = power for d in (0, discordant].
    Raises InputError where even d = discordant, every disagreement one way, is not enough.
    """
    total = as_count(n, "n", least=1, most=LARGEST_STUDY)
    share = as_fraction(discordant, "discordant", open_ends=True)
    aim = as_fraction(power, "power", open_ends=True)
    level = as_fraction(as_finite(alpha, "alpha"), "alpha", open_ends=True)

    def excess(d: float) -> float:
        sides = (share + d) / 2, (share - d) / 2
        return float(_mcnemar_power(np.array([total]), *sides, level)[0]) - aim

    if excess(0.0) >= 0:
        raise InputError(f"power = {aim:g} is reached without any difference; 0.8 is usual.")
    if excess(share) < 0:
        raise InputError(
            f"n = {total} cases with discordant = {share:g} never reach power {aim:g}, even if "
            "every disagreement goes one way; more cases are needed."
        )
    return float(optimize.brentq(excess, 0.0, share, xtol=1e-12))
