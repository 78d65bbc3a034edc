"""Questions before a prediction model: how many cases to develop it, how many to validate it."""

from dataclasses import dataclass
from math import ceil, exp, log, log1p

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from medlib.errors import InputError
from medlib.statistics._checks import as_count, as_finite, as_fraction, as_numbers
from medlib.statistics.auc import shared_cases
from medlib.statistics.power import SampleSize
from medlib.types import Floats

Z = float(special.ndtri(0.975))
"""The normal quantile of a 95 % interval, which all criteria here use."""
NARROWEST = 1e-6
"""Of the intervals that may be asked for: no study is large enough for a narrower one."""
NODES = 100_000
"""Quantiles that stand for a distribution of scores: enough for six digits."""


@dataclass(frozen=True, slots=True)
class SampleSizes:
    """The cases each criterion asks for; a study needs the most of them.

    Attributes: criteria (a SampleSize each, by name), prevalence (the positive share assumed).
    """

    criteria: dict[str, SampleSize]
    prevalence: float

    @property
    def n(self) -> int:
        """Return the cases that satisfy every criterion."""
        return max(size.n for size in self.criteria.values())

    @property
    def positives(self) -> int:
        """Return how many positive cases are expected among n."""
        return ceil(self.n * self.prevalence)

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        each = ", ".join(f"{name} {size.n}" for name, size in self.criteria.items())
        return f"n = {self.n} cases, {self.positives} of them positive ({each})"


def sample_size_for_development(
    parameters: int,
    *,
    prevalence: float,
    cox_snell: float | None = None,
    auc: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> SampleSizes:
    """Return how many cases a model of so many candidate parameters needs to be developed.

    With the Cox-Snell R2 that the model is expected to reach (given, or from its AUC):
    *shrinkage*: n = parameters / ((S - 1) ln(1 - R2 / S)), so that effects shrink by 1 - S at most;
    *optimism*: the same with S = R2 / (R2 + optimism max R2), so that Nagelkerke's R2 drops by no
    more than that in new cases, max R2 = 1 - (p^p (1 - p)^(1 - p))^2;
    *overall risk*: n = (1.96 / margin)^2 p (1 - p).

    For regressions: every parameter tried counts, selected or not. A network has no such number;
    what this returns for the features of its last layer is no less than it needs.

    Sources: Riley et al. 2019, Statist. Med. 38:1276; 2020, BMJ 368:m441. As R's pmsampsize, which
    rounds on the way (by 1 % at most). Raises InputError where neither or both of cox_snell and auc
    are given, and for an R2 that the prevalence does not allow.
    """
    count = as_count(parameters, "parameters", least=1)
    p = _likely(prevalence)
    if (cox_snell is None) == (auc is None):
        raise InputError("give either cox_snell or auc, the performance the model should reach.")
    r2 = cox_snell_from_auc(auc, prevalence=p) if auc is not None else cox_snell
    r2 = as_fraction(r2, "cox_snell", open_ends=True)
    limit = 1 - exp(2 * (p * log(p) + (1 - p) * log(1 - p)))
    aim = as_fraction(shrinkage, "shrinkage", open_ends=True)
    drop = as_fraction(optimism, "optimism", open_ends=True)
    half = as_fraction(margin, "margin", open_ends=True)
    if r2 >= min(limit, aim):
        raise InputError(
            f"cox_snell = {r2:g} is more than {min(limit, aim):.3f}, the most that a prevalence of "
            f"{p:g} and a shrinkage of {aim:g} allow; give a smaller R2."
        )
    small_drop = r2 / (r2 + drop * limit)
    risk = ceil(Z**2 * p * (1 - p) / half**2)
    return SampleSizes(
        {
            "shrinkage": _for_shrinkage(count, r2, aim, f"a shrinkage of {aim:g}"),
            "optimism": _for_shrinkage(count, r2, small_drop, f"an optimism of {drop:g} in R2"),
            "overall risk": SampleSize(
                risk, f"an overall risk +- {half:g}", Z * (p * (1 - p) / risk) ** 0.5
            ),
        },
        p,
    )


def _for_shrinkage(parameters: int, r2: float, shrinkage: float, aim: str) -> SampleSize:
    n = ceil(parameters / ((shrinkage - 1) * log1p(-r2 / shrinkage)))
    return SampleSize(n, aim, shrinkage)


def cox_snell_from_auc(auc: float, *, prevalence: float) -> float:
    """Return the Cox-Snell R2 of a calibrated model with this AUC.

    For a linear predictor that is normal with equal variance in both classes: R2 = 1 - exp(-2 I), I
    the mean gain in log-likelihood a case over the prevalence alone. Integrated over quantiles
    where Riley, Van Calster & Collins 2021 (Statist. Med. 40:859) simulate.
    Raises InputError for an AUC of 1/2 or less or a prevalence outside 0..1.
    """
    p = _likely(prevalence)
    sides = _binormal_log_odds(_as_auc(auc), p)
    lost = p * np.logaddexp(0, -sides[1]).mean() + (1 - p) * np.logaddexp(0, sides[0]).mean()
    entropy = -p * log(p) - (1 - p) * log(1 - p)
    return float(1 - np.exp(-2 * (entropy - lost)))


def sample_size_for_validation(
    *,
    prevalence: float,
    auc: float,
    scores: ArrayLike | None = None,
    observed_expected_width: float = 0.2,
    slope_width: float = 0.2,
    auc_width: float = 0.1,
    threshold: float | None = None,
    net_benefit_width: float = 0.2,
) -> SampleSizes:
    """Return how many cases show a finished model's performance with intervals so wide (95 %).

    scores: probabilities that the model is expected to give in the new population (those of an
    earlier study, or quantiles of a distribution); where None, calibrated ones, binormal with this
    AUC and prevalence. *O/E*: the interval exp(+- z SE) of a ratio of 1, n = (1 - p) / (p SE^2).
    *slope*: from the information of a logistic regression on their log odds, for a slope of 1.
    *AUC*: Newcombe's variance. *net benefit* (where a threshold is given): of net benefit over
    prevalence, with sensitivity and specificity as the scores imply.

    Source: Riley et al. 2021, Statist. Med. 40:4230. As R's pmvalsampsize, which simulates the
    scores. Raises InputError for widths of 0 or less, scores outside 0..1 or all equal, and a
    threshold above all of them.
    """
    p = _likely(prevalence)
    area = _as_auc(auc)
    log_odds, weights = _expected_log_odds(scores, area, p)
    widths = {
        "observed_expected_width": observed_expected_width,
        "slope_width": slope_width,
        "auc_width": auc_width,
        "net_benefit_width": net_benefit_width,
    }
    for name, width in widths.items():
        if not isinstance(width, (int, float)) or as_finite(width, name) < NARROWEST:
            raise InputError(f"{name} = {width!r} is no width; give one above 0, such as 0.1.")
    se = float(np.arcsinh(observed_expected_width / 2)) / Z
    sizes = {
        "O/E": _size((1 - p) / p, se, f"O/E within an interval of {observed_expected_width:g}"),
        "slope": _size(
            _slope_variance(log_odds, weights),
            slope_width / (2 * Z),
            f"a calibration slope within an interval of {slope_width:g}",
        ),
        "AUC": _for_auc(area, p, auc_width),
    }
    if threshold is not None:
        cut = as_fraction(threshold, "threshold", open_ends=True)
        variance = _net_benefit_variance(log_odds, weights, p, cut)
        aim = f"net benefit / prevalence within an interval of {net_benefit_width:g}"
        sizes["net benefit"] = _size(variance, net_benefit_width / (2 * Z), aim)
    return SampleSizes(sizes, p)


def _size(variance: float, se: float, aim: str) -> SampleSize:
    """Return the cases for a standard error, from the variance of one case."""
    n = max(1, ceil(variance / se**2 - 1e-9))
    return SampleSize(n, aim, float(np.sqrt(variance / n)))


def _likely(prevalence: float) -> float:
    p = as_fraction(prevalence, "prevalence", open_ends=True)
    if not 1e-9 <= p <= 1 - 1e-9:
        raise InputError(f"prevalence = {p!r} leaves one class without cases; give a rate of both.")
    return p


def _as_auc(auc: float) -> float:
    area = as_fraction(auc, "auc", open_ends=True)
    if area <= 0.5:
        raise InputError(f"auc = {area:g} is no better than chance; give one above 0.5.")
    return area


def _binormal_log_odds(auc: float, p: float) -> Floats:
    """Return the calibrated log odds of negatives and positives, 2 x NODES quantiles."""
    shift = float(np.sqrt(2) * stats.norm.ppf(auc))
    x = stats.norm.ppf((np.arange(NODES) + 0.5) / NODES)
    return np.asarray(log(p / (1 - p)) + shift * np.stack([x, x + shift]) - shift**2 / 2)


def _expected_log_odds(scores: ArrayLike | None, auc: float, p: float) -> tuple[Floats, Floats]:
    """Return log odds and the share of cases that each stands for."""
    if scores is None:
        sides = _binormal_log_odds(auc, p)
        return sides.ravel(), np.repeat([1 - p, p], NODES) / NODES
    values = as_numbers(scores, "scores")
    if np.any((values <= 0) | (values >= 1)):
        raise InputError("scores hold values outside 0..1 (ends excluded); give probabilities.")
    if np.ptp(values) == 0:
        raise InputError(f"scores are all {values[0]:g}; give those of a model.")
    return np.asarray(special.logit(values)), np.full(values.size, 1 / values.size)


def _slope_variance(log_odds: Floats, weights: Floats) -> float:
    """Return the variance of a logistic slope times n, where intercept is 0 and slope 1."""
    each = weights * special.expit(log_odds) * special.expit(-log_odds)
    i00, i01, i11 = each.sum(), each @ log_odds, each @ log_odds**2
    information = i00 * i11 - i01**2
    if not information > 0:
        raise InputError("scores are all next to 0 or 1, so no slope can be seen; give others.")
    return float(i00 / information)


def _for_auc(auc: float, p: float, width: float) -> SampleSize:
    """Return the smallest n whose interval is so narrow (variance: Newcombe 2006)."""

    def reached(n: float) -> float:
        variance = auc * (1 - auc) * shared_cases(auc, n) / (n**2 * p * (1 - p))
        return float(2 * Z * np.sqrt(variance))

    low, high = 1, 2
    while reached(high) > width:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reached(middle) > width else (low, middle)
    return SampleSize(high, f"an AUC within an interval of {width:g}", reached(high))


def _net_benefit_variance(log_odds: Floats, weights: Floats, p: float, threshold: float) -> float:
    """Return the variance of net benefit over prevalence, times n."""
    positive, called = special.expit(log_odds) * weights, log_odds > special.logit(threshold)
    negative = weights - positive
    if not called.any():
        raise InputError(f"threshold = {threshold:g} is above all scores; give one among them.")
    se = positive[called].sum() / positive.sum()
    sp = negative[~called].sum() / negative.sum()
    w = (1 - p) / p * threshold / (1 - threshold)
    false = w**2 * (sp * (1 - sp) / (1 - p) + (1 - sp) ** 2 / (p * (1 - p)))
    return float(se * (1 - se) / p + false)
