"""Questions about the area under the ROC curve: how sure is it, do two models differ in it."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from medlib.errors import InputError
from medlib.statistics._checks import as_choice, as_fraction, as_labels, as_scores
from medlib.statistics.outcome import Comparison, Interval
from medlib.types import Bools, Floats

DRAWN_FROM, DRAWN_WHOLLY = 0.95, 0.99
"""AUCs from which on an interval is drawn out, little at first so that none jumps, then wholly."""

ALMOST_ONE = 1 - 1e-9
"""Where the search for an end begins: at an AUC of 1 itself the variance is 0 too."""


def auc_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    confidence: float = 0.95,
    scale: Literal["logit", "linear"] = "logit",
) -> Interval:
    """Return the AUC of independent cases with DeLong's interval.

    AUC = P(positive scores higher) + P(tie) / 2. With the placements V10 (of each positive among
    the negatives) and V01 (of each negative among the positives):
    Var = var(V10) / n1 + var(V01) / n0, variances with n - 1. "linear" gives AUC +- z SE; "logit"
    (default) sets the interval on log(AUC / (1 - AUC)), stays inside 0..1 and covers better near 1.

    Near 1 few pairs are out of order, so the variance is often too small, and at 1 it is 0. From
    0.95 on each end is drawn out towards that of Newcombe's score interval where that lies farther
    out, wholly from 0.99 on (below 0.05 likewise), so the lower end no longer jumps up as the first
    pairs fall out of order. In simulation (10 + 10, 25 + 25, 50 + 50 cases, AUC 0.9 to 0.999) it
    held the true AUC in 0.936 to 0.994 of 3000 draws for normal, logistic, exponential and partly
    hidden positives (DeLong's alone: from 0.876), and in 0.876 at the least where a few positives
    score below every negative.

    Assumes independent cases: not for several images a patient (use cluster_bootstrap). Does not
    see that cross-validated scores come from several models (use out_of_fold_auc).

    Sources: DeLong et al. 1988, Biometrics 44:837; Sun & Xu 2014 (ranks); Pepe 2003 (logit);
    Newcombe 2006, Statistics in Medicine 25:559 (method 5).
    Raises InputError for NaN or constant scores, one class, fewer than two cases in a class.
    """
    truth = as_labels(labels)
    values = as_scores(scores, truth)
    level = as_fraction(confidence, "confidence", open_ends=True)
    as_choice(scale, "scale", ("logit", "linear"))
    positive, negative = placements(truth, values)
    area = float(positive.mean())
    variance = delong_covariance(positive[None], negative[None]).item()
    basis = f"{positive.size} positive, {negative.size} negative"
    plain = around(area, float(np.sqrt(variance)), level, scale)
    low, high = drawn_out(area, plain, positive.size, negative.size, level)
    method = f"DeLong, {scale} scale" + (
        ", drawn out to Newcombe's" if (low, high) != plain else ""
    )
    return Interval("AUC", area, low, high, level, method, basis)


def around(area: float, se: float, level: float, scale: str) -> tuple[float, float]:
    """The ends z standard errors around an AUC, on a "linear" or "logit" scale."""
    z = float(stats.norm.isf((1 - level) / 2))
    if area in (0.0, 1.0):  # no pair, or every pair, out of order: the variance is 0
        return area, area
    if scale == "linear":
        return max(0.0, area - z * se), min(1.0, area + z * se)
    centre, half = np.log(area / (1 - area)), z * se / (area * (1 - area))
    return float(1 / (1 + np.exp(half - centre))), float(1 / (1 + np.exp(-half - centre)))


def drawn_out(
    area: float, ends: tuple[float, float], n1: int, n0: int, level: float
) -> tuple[float, float]:
    """The ends, near an AUC of 0 or 1 drawn out to those of the score interval."""
    if area < 0.5:
        low, high = drawn_out(1 - area, (1 - ends[1], 1 - ends[0]), n1, n0, level)
        return 1 - high, 1 - low
    share = min(1.0, max(0.0, (area - DRAWN_FROM) / (DRAWN_WHOLLY - DRAWN_FROM)))
    if not share:
        return ends
    low, high = score_ends(area, n1, n0, level)
    return (
        ends[0] - share * max(0.0, ends[0] - low),
        ends[1] + share * max(0.0, high - ends[1]),
    )


def score_ends(area: float, n1: int, n0: int, level: float) -> tuple[float, float]:
    """The AUCs that lie z of *their* standard errors from the one seen, below and above.

    The variance at an AUC of t is t (1 - t) / (n1 n0) times `shared_cases`.
    Source: Newcombe 2006, Statistics in Medicine 25:559, method 5.
    """
    z = float(stats.norm.isf((1 - level) / 2))

    def beyond(t: float) -> float:
        return (t - area) ** 2 - z**2 * t * (1 - t) * shared_cases(t, n1 + n0) / (n1 * n0)

    def end(outer: float, near: float) -> float:
        if beyond(near) >= 0:  # at next to no confidence the end is the AUC seen
            return area
        return float(optimize.brentq(beyond, outer, near))

    low = end(0, min(area, ALMOST_ONE)) if area > 0 else 0.0
    high = end(1, max(area, 1 - ALMOST_ONE)) if area < 1 else 1.0
    return low, high


def shared_cases(area: float, n: float) -> float:
    """Return how many times the variance of an AUC is that of as many unrelated pairs of cases.

    Hanley and McNeil's for exponential scores, with half of all n cases, N, as the size of either
    class: 1 + (N - 1) ((1 - t) / (2 - t) + t / (1 + t)) at an AUC of t (Newcombe 2006).
    """
    return 1 + (n / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))


def delong_test(
    labels: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike, *, confidence: float = 0.95
) -> Comparison:
    """Return whether two models rank the same independent cases equally well.

    z = (AUC_a - AUC_b) / sqrt(Var_a + Var_b - 2 Cov_ab), the covariance from the paired placements
    of each case under both models; two-sided normal p and the matching interval.

    Not for models of which one is nested in the other and fitted on the same cases (the statistic
    is then not normal: Demler et al. 2012), nor for several images a patient (use paired_bootstrap
    with groups). Source: DeLong et al. 1988, Biometrics 44:837.
    Raises InputError as auc_interval does, and where the difference has no variance.
    """
    truth = as_labels(labels)
    pairs = [
        placements(truth, as_scores(scores, truth, name))
        for scores, name in ((scores_a, "scores_a"), (scores_b, "scores_b"))
    ]
    level = as_fraction(confidence, "confidence", open_ends=True)
    positive, negative = (np.stack(side) for side in zip(*pairs, strict=True))
    difference = float(positive[0].mean() - positive[1].mean())
    basis = f"AUC {positive[0].mean():.3f} against {positive[1].mean():.3f}"
    if np.array_equal(positive[0], positive[1]) and np.array_equal(negative[0], negative[1]):
        return Comparison("difference in AUC", 0.0, 1.0, "DeLong", basis=basis + ", same ranking")
    contrast = np.array([1.0, -1.0])
    variance = float(contrast @ delong_covariance(positive, negative) @ contrast)
    if variance <= 1e-15:
        raise InputError(
            "scores_a and scores_b differ by the same amount in every case, so their difference in "
            "AUC has no variance; use paired_permutation_test."
        )
    se = float(np.sqrt(variance))
    z, half = difference / se, float(stats.norm.isf((1 - level) / 2)) * se
    span = Interval(
        "difference in AUC", difference, difference - half, difference + half, level, "DeLong"
    )
    p_value = float(2 * stats.norm.sf(abs(z)))
    return Comparison(
        "difference in AUC", difference, p_value, "DeLong", statistic=z, interval=span, basis=basis
    )


def placements(labels: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return each positive's share of negatives below it, each negative's of positives above.

    Ties count one half. Both means are the AUC. From ranks, in O(n log n) (Sun & Xu 2014).
    Raises InputError where a class has fewer than two cases, for then it has no variance.
    """
    n1, n0 = int(labels.sum()), int((~labels).sum())
    if min(n0, n1) < 2:
        raise InputError(
            f"labels hold {n1} positive and {n0} negative cases; an interval for the AUC needs two "
            "of each."
        )
    ranks = stats.rankdata(scores)
    above = (ranks[labels] - stats.rankdata(scores[labels])) / n0
    below = 1 - (ranks[~labels] - stats.rankdata(scores[~labels])) / n1
    return np.asarray(above), np.asarray(below)


def delong_covariance(positive: Floats, negative: Floats) -> Floats:
    """Return DeLong's covariance (models x models) of the AUCs from placements (models x cases).

    positive, negative: of the cases of each class, as `placements` gives them for each model.
    """
    return np.asarray(
        np.atleast_2d(np.cov(positive)) / positive.shape[1]
        + np.atleast_2d(np.cov(negative)) / negative.shape[1]
    )
