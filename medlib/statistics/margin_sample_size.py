"""Questions before a study with a margin: how many cases show that a new model is no worse."""

from collections.abc import Callable
from math import ceil
from typing import Final

import numpy as np
from scipy import stats

from medlib.errors import InputError
from medlib.statistics._checks import as_count, as_finite, as_fraction
from medlib.statistics.noninferiority import _alpha
from medlib.statistics.paired import tango_scores, tango_variance
from medlib.statistics.power import LARGEST_STUDY, Power, SampleSize
from medlib.types import Integers

LIKELY: Final = 9.0
"""Standard deviations of a count that are summed over: what lies beyond is below 1e-16."""
NO_ROOM: Final = 1e-9
"""A true difference nearer than this to the margin is on it: 0.05 - 0.15 + 0.1 is not 0."""


def power_margin_test(
    n: int, only_new: float, only_old: float, *, margin: float, alpha: float = 0.025
) -> Power:
    """Return the power of margin_test_counts to show that a new model is non-inferior.

    only_new, only_old: the shares of cases (for sensitivity: of positive cases) that exactly one
    model gets right, as they are expected to be truly. Exact: sums the multinomial probabilities
    of all tables that the score test rejects. Assumptions as margin_test_counts.
    Raises InputError for shares that exceed 1 together, or a new model worse by the margin or more.
    """
    total = as_count(n, "n", least=1, most=LARGEST_STUDY)
    new, old, delta, level = _checked(only_new, only_old, margin, alpha)
    effect = f"non-inferiority within {delta:g} ({new:g} against {old:g} only one gets right)"
    power = _exact_power(total, new, old, delta, level)
    return Power("Tango's score test", total, power, level, effect)


def sample_size_margin_test(
    only_new: float,
    only_old: float,
    *,
    margin: float,
    power: float = 0.8,
    alpha: float = 0.025,
) -> SampleSize:
    """Return how many cases show that a new model is non-inferior, with a power that stays.

    The smallest n from which power_margin_test does not fall below power again, searched downwards
    from 1.3 times (or more, where that is too few) the formula n = ((z_a s0 + z_b s1) / (d +
    margin))^2, d the true difference, s1^2 its variance a case and s0^2 that under a difference of
    -margin. For a sensitivity n counts positive cases: divide by the prevalence for all.

    Sources: Nam 1997, Biometrics 53:1422; Liu et al. 2002, Statist. Med. 21:231.
    Raises InputError as power_margin_test, and where more than LARGEST_STUDY cases are needed.
    """
    new, old, delta, level = _checked(only_new, only_old, margin, alpha)
    aim = _aim(power, level)
    guess = _formula(new, old, delta, aim, level)
    if guess > LARGEST_STUDY:
        raise InputError(
            f"margin = {delta:g} needs about {guess:.2g} cases, more than {LARGEST_STUDY}; a "
            "margin so small cannot be shown."
        )
    # teeth of the exact power are narrow beside a large n, which may then be stepped over
    step = max(1, int(guess) // 400)
    sizes = range(max(2, int(0.6 * guess)), int(1.3 * guess) + 20, step)

    def reached(cases: int) -> float:
        return _exact_power(cases, new, old, delta, level)

    n = _smallest(reached, aim, sizes[-1], step)
    text = f"power {aim:g} to show non-inferiority within {delta:g} at {level:g} (one-sided)"
    return SampleSize(n, text, reached(n))


def _smallest(reached: Callable[[int], float], aim: float, most: int, step: int) -> int:
    """Return the smallest n, in steps below most, from which up to most power is never below aim.

    The formula can fall short of it, as where nearly all cases are concordant: then most grows.
    """
    while reached(most) < aim:
        most += step * ceil(0.3 * most / step)
        if most > LARGEST_STUDY:
            raise InputError(f"power = {aim:g} takes more than {LARGEST_STUDY} cases; ask less.")
    n = most
    while n > step and reached(n - step) >= aim:
        n -= step
    return n


def sample_size_margin_test_auc(
    auc: float,
    *,
    margin: float,
    prevalence: float,
    correlation: float = 0.5,
    difference: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.025,
) -> SampleSize:
    """Return how many cases show that a new model's AUC is non-inferior (margin_test_auc).

    auc: of the old model; the new one's is auc + difference. correlation: of both AUCs over
    studies, which is a little less than that of the scores within a class; 0 is the careful choice.
    n = ((z_a + z_b) / (difference + margin))^2 times the variance of the difference for one case,
    each AUC with DeLong's variance for normal scores of equal spread.

    Sources: Obuchowski & McClish 1997, Statist. Med. 16:1529; Liu et al. 2006, Statist. Med.
    25:1219.
    Raises InputError for values outside 0..1, and a new model worse by the margin or more.
    """
    area = as_fraction(auc, "auc", open_ends=True)
    delta = as_fraction(margin, "margin", open_ends=True)
    p = as_fraction(prevalence, "prevalence", open_ends=True)
    shared = as_finite(correlation, "correlation")
    change = as_finite(difference, "difference")
    new = as_fraction(area + change, "auc + difference", open_ends=True)
    if not 0 <= shared < 1:
        raise InputError(f"correlation = {shared:g} must be from 0 to below 1.")
    if change + delta < NO_ROOM:
        raise InputError(_worse(change, delta))
    level = _alpha(alpha)
    aim = _aim(power, level)
    old_variance, new_variance = _auc_variance(area, p), _auc_variance(new, p)
    variance = old_variance + new_variance - 2 * shared * np.sqrt(old_variance * new_variance)
    z = stats.norm.isf(level) + stats.norm.ppf(aim)
    n = ceil((z / (change + delta)) ** 2 * variance)
    reached = stats.norm.cdf((change + delta) / np.sqrt(variance / n) - stats.norm.isf(level))
    text = f"power {aim:g} to show an AUC non-inferior within {delta:g} at {level:g} (one-sided)"
    return SampleSize(n, text, float(reached))


def _checked(
    only_new: float, only_old: float, margin: float, alpha: float
) -> tuple[float, float, float, float]:
    new, old = as_fraction(only_new, "only_new"), as_fraction(only_old, "only_old")
    delta = as_fraction(margin, "margin", open_ends=True)
    level = _alpha(alpha)
    if new + old > 1:
        raise InputError(
            f"only_new + only_old = {new + old:g}; both shares are of all cases and exceed 1."
        )
    if new - old + delta < NO_ROOM:
        raise InputError(_worse(new - old, delta))
    return new, old, delta, level


def _aim(power: float, alpha: float) -> float:
    aim = as_fraction(power, "power", open_ends=True)
    if aim <= alpha:
        raise InputError(
            f"power = {aim:g} is no more than alpha = {alpha:g}, which any test has; 0.8 is usual."
        )
    return aim


def _worse(difference: float, margin: float) -> str:
    return (
        f"a true difference of {difference:g} is no better than the margin of {margin:g} below 0; "
        "no number of cases shows non-inferiority."
    )


def _exact_power(n: int, new: float, old: float, margin: float, alpha: float) -> float:
    """Return the probability of all tables that the score test rejects."""
    b, c = (_likely(n, share) for share in (new, old))
    first, second = np.meshgrid(b, c, indexing="ij")
    possible = first + second <= n
    first, second = first[possible], second[possible]
    rejected = tango_scores(first, second, n, -margin) >= stats.norm.isf(alpha)
    first, second = first[rejected], second[rejected]
    counts = np.stack([first, second, n - first - second], axis=1)
    shares = [new, old, max(0.0, 1 - new - old)]
    return float(stats.multinomial.pmf(counts, n, shares).sum()) if len(counts) else 0.0


def _likely(n: int, share: float) -> Integers:
    spread = LIKELY * np.sqrt(n * share * (1 - share)) + LIKELY
    return np.arange(max(0, int(n * share - spread)), min(n, int(n * share + spread)) + 1)


def _formula(new: float, old: float, margin: float, power: float, alpha: float) -> float:
    """Return Nam's number of cases, with the shares most likely under a difference of -margin."""
    difference = new - old
    held = tango_variance(new, old, 1, -margin)
    real = new + old - difference**2
    z = stats.norm.isf(alpha) * np.sqrt(held) + stats.norm.ppf(power) * np.sqrt(real)
    return float((z / (difference + margin)) ** 2)


def _auc_variance(auc: float, prevalence: float) -> float:
    """Return the variance of a Mann-Whitney AUC times n, for normal scores of equal spread."""
    x = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    shift = np.sqrt(2) * stats.norm.ppf(auc)
    # a positive's placement among all negatives, and a negative's among all positives
    spread = float(np.var(stats.norm.cdf(x + shift)))
    return spread * (1 / prevalence + 1 / (1 - prevalence))
