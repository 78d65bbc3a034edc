"""Questions about two classifiers that judged the same cases."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from medlib.errors import InputError
from medlib.statistics._checks import as_binary, as_choice, as_count, as_finite, as_fraction
from medlib.statistics.outcome import Comparison, Interval
from medlib.statistics.proportions import wilson_ends
from medlib.types import Bools, Floats


def mcnemar_test(labels: ArrayLike, predicted_a: ArrayLike, predicted_b: ArrayLike) -> Comparison:
    """Return whether two classifiers differ in accuracy on the same cases (exact McNemar).

    labels and predictions are 0 or 1, one value a case. See mcnemar_counts for the test.
    Raises InputError for other values, unequal lengths or predictions that are all one class.
    """
    truth = as_binary(labels, "labels")
    right = []
    for values, name in ((predicted_a, "predicted_a"), (predicted_b, "predicted_b")):
        predicted = as_binary(values, name, length=truth.size)
        if predicted.all() or not predicted.any():
            raise InputError(
                f"{name} are all {int(predicted[0])}; a constant prediction is no classifier to "
                "compare with; if that is meant, count the cases and use mcnemar_counts."
            )
        right.append(predicted == truth)
    return mcnemar_counts(*discordant(*right), n=truth.size)


def discordant(right_a: Bools, right_b: Bools) -> tuple[int, int]:
    """Return how many cases only the first got right, and how many only the second."""
    return int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())


def mcnemar_counts(only_a: int, only_b: int, *, n: int) -> Comparison:
    """Return whether two classifiers differ, from the cases that exactly one of them got right.

    Under equal accuracy, min(only_a, only_b) follows Bin(only_a + only_b, 1/2); p is twice its
    lower tail, at most 1. So at least six discordant cases, all one way, are needed for p < 0.05.

    Assumes independent cases and two fixed classifiers. On out-of-fold predictions it ignores that
    the models share training cases, and rejects 1 to 11 % of the time at a nominal 5 % (use
    out_of_fold_test). Not for several images a patient (use paired_permutation_test with groups).

    Source: McNemar 1947, Psychometrika 12:153; exact form computed by statsmodels.
    Raises InputError for counts that are not whole or exceed n.
    """
    total = as_count(n, "n", least=1)
    a = as_count(only_a, "only_a", most=total)
    b = as_count(only_b, "only_b", most=total - a)
    p_value = float(mcnemar([[0, a], [b, 0]], exact=True).pvalue) if a + b else 1.0
    return Comparison(
        "difference in accuracy",
        (a - b) / total,
        p_value,
        "exact McNemar",
        statistic=float(min(a, b)),
        basis=f"{a} cases only the first got right, {b} only the second, of {total}",
    )


def paired_difference_interval(
    both: int,
    only_a: int,
    only_b: int,
    neither: int,
    *,
    method: Literal["tango", "newcombe"] = "tango",
    confidence: float = 0.95,
) -> Interval:
    r"""Return the interval for the difference of two accuracies on the same independent cases.

    With b = only_a, c = only_b and n cases the difference is (b - c) / n.
    *Tango* (default): all delta with |b - c - n delta| <= z sqrt(n (2 q + delta (1 - delta))), q
    the restricted maximum-likelihood share of c: q = (sqrt(B^2 - 8 n C) - B) / 4n with
    B = -b - c + (2n - b + c) delta and C = -c delta (1 - delta).
    *Newcombe*: method 10, Wilson limits of both accuracies, joined with their correlation phi
    (its numerator less n/2, not below 0, where positive).

    Assumes independent cases and fixed classifiers; for cross-validation use out_of_fold_test.

    Sources: Tango 1998, Statist. Med. 17:891; Newcombe 1998, Statist. Med. 17:2635.
    Raises InputError for counts that are not whole or all 0, and for an unknown method.
    """
    names = ("both", "only_a", "only_b", "neither")
    a, b, c, d = map(as_count, (both, only_a, only_b, neither), names)
    n = as_count(a + b + c + d, "both + only_a + only_b + neither", least=1)
    level = as_fraction(confidence, "confidence", open_ends=True)
    as_choice(method, "method", ("tango", "newcombe"))
    if method == "tango":
        low, high = _tango(b, c, n, float(stats.norm.isf((1 - level) / 2)))
    else:
        low, high = _newcombe(a, b, c, d, level)
    basis = f"{b} against {c} discordant of {n}"
    return Interval(
        "difference in accuracy", (b - c) / n, low, high, level, method.capitalize(), basis
    )


def tango_score(only_a: int, only_b: int, n: int, delta: float) -> float:
    """Return Tango's score z for H0: the difference is delta (decreasing in delta)."""
    total = as_count(n, "n", least=1)
    a = as_count(only_a, "only_a", most=total)
    b = as_count(only_b, "only_b", most=total - a)
    if abs(as_finite(delta, "delta")) > 1:
        raise InputError(f"delta = {delta:g} is no difference of proportions, which is -1 to 1.")
    return float(tango_scores(a, b, total, float(delta)))


def tango_scores(only_a: ArrayLike, only_b: ArrayLike, n: int, delta: float) -> Floats:
    """Return Tango's score of many tables of n cases at once, in the shape of only_a and only_b."""
    b, c = np.asarray(only_a, dtype=np.float64), np.asarray(only_b, dtype=np.float64)
    variance = tango_variance(b, c, n, delta)
    distance = b - c - n * delta
    certain = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    held = np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.asarray(np.where(variance > 0, distance / held, certain))


def tango_variance(only_a: ArrayLike, only_b: ArrayLike, n: int, delta: float) -> Floats:
    """Return the variance of only_a - only_b under H0: the difference is delta.

    In the shape of only_a and only_b, which may be shares (n = 1): then that of one case. From the
    share of only_b that is most likely under H0, as paired_difference_interval has it.
    """
    b, c = np.asarray(only_a, dtype=np.float64), np.asarray(only_b, dtype=np.float64)
    linear = -b - c + (2 * n - b + c) * delta
    constant = -c * delta * (1 - delta)
    q = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    return np.asarray(n * (2 * q + delta * (1 - delta)))


def _tango(b: int, c: int, n: int, z: float) -> tuple[float, float]:
    estimate = (b - c) / n

    def end(sign: int) -> float:
        def excess(delta: float) -> float:
            return min(abs(tango_score(b, c, n, delta)), 1e6) - z

        outer = float(sign)
        if estimate == outer or excess(outer) <= 0:
            return outer
        return float(optimize.brentq(excess, estimate, outer, xtol=1e-14, rtol=1e-14))

    return end(-1), end(1)


def _newcombe(a: int, b: int, c: int, d: int, level: float) -> tuple[float, float]:
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    (l1, u1), (l2, u2) = wilson_ends(p1, n, level), wilson_ends(p2, n, level)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    numerator = float(a * d - b * c)
    if numerator > 0:
        numerator = max(numerator - n / 2, 0.0)
    phi = numerator / np.sqrt(margins) if margins else 0.0

    def reach(x: float, y: float) -> float:
        return float(np.sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0)))

    difference = (b - c) / n
    low, high = difference - reach(p1 - l1, u2 - p2), difference + reach(u1 - p1, p2 - l2)
    return max(-1.0, low), min(1.0, high)  # at 1, reach is 1e-16 where it should be 0
