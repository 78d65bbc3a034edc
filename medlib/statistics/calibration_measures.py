"""Questions about probabilities: are they right on average, too bold, and how far off are they."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, stats
from scipy.special import expit, logit

from medlib.errors import InputError
from medlib.statistics._checks import as_fraction, as_generator, as_probabilities
from medlib.statistics._recalibration import (
    fit,
    fit_intercept,
    intercept_score,
    slope_score,
    spline_basis,
)
from medlib.statistics._sample import Patients, Sample, Seed
from medlib.statistics.metrics import NEVER_CERTAIN
from medlib.statistics.outcome import Interval
from medlib.statistics.threshold import THRESHOLD
from medlib.types import Floats, Integers

KNOTS: Final = (0.1, 0.5, 0.9)
"""Quantiles of the log odds at which the calibration curve may bend (Harrell's for three)."""
POINTS: Final = 50
"""Probabilities at which the curve is given."""
FARTHEST: Final = 1e3
"""Where the search for an end stops: beyond, the end is infinite."""
FITTED: Final = 2
"""Intercept and slope, for which redraws of the score are a little too narrow."""
OFF: Final = ("ICI", "E50", "E90")
"""Measures of how far off probabilities are, never below 0."""
ScoreOf: TypeAlias = Callable[[float, Floats, Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class CalibrationMeasures:
    """How right probabilities are, each measure with its interval, and the curve behind them.

    Attributes: in_the_large (share of positives less mean probability; 0 is right), intercept (log
    odds by which probabilities are too low, at slope 1; 0 is right), slope (1 is right, below 1
    too bold), ici, e50, e90 (mean, median and 90th percentile of |probability - curve|; 0 is
    right), curve (a row a probability: predicted, observed, low, high).
    """

    in_the_large: Interval
    intercept: Interval
    slope: Interval
    ici: Interval
    e50: Interval
    e90: Interval
    curve: pd.DataFrame

    def __str__(self) -> str:
        """Return the sentences a report would hold."""
        each = (self.in_the_large, self.intercept, self.slope, self.ici, self.e50, self.e90)
        return "; ".join(map(str, each))


def calibration_measures(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: Patients = None,
    *,
    replicates: int = 2_000,
    confidence: float = 0.95,
    seed: Seed = 0,
) -> CalibrationMeasures:
    """Return calibration in the large, intercept, slope, ICI, E50 and E90 with intervals.

    labels 0 or 1, scores probabilities, one a case; x = logit(score), kept off 0 and 1 by 1e-6.
    *intercept* a of logit P = a + x, *slope* b of logit P = a + b x, by maximum likelihood (the
    slope is infinite where one score separates the classes).
    *ICI, E50, E90*: the calibration curve is a logistic regression on a restricted cubic spline of
    x with three knots (a straight line where two of them coincide).

    Patients (groups; every case its own where None) are redrawn, of both classes together.
    Intercept and slope: all values whose score statistic lies within the normal quantiles, times
    the standard deviation of the statistic in redraws where that is above 1, as where a patient has
    several images. In the large: what probabilities moved by the ends of the intercept would add.

    ICI, E50 and E90 are never below 0 and too large in small samples, in redraws twice over, so
    that a plain bootstrap interval never holds 0. Here the low end is 0 unless a score test of the
    spline (its reference: labels drawn with these probabilities) rejects perfect calibration at
    (1 - confidence) / 2; the interval spans the percentile and the basic one.

    May be used from n = 50. In 1,000 simulated studies a setting with n = 50 (beta, uniform, normal
    and mixed scores; right, too bold, too high, bent; prevalence 0.16 to 0.5; 400 redraws; standard
    error 0.007) the intervals held the truth in 0.942 to 0.963 (in the large, intercept), 0.951 to
    0.965 (slope) and 0.964 to 0.996 (ICI, E50, E90: too careful and wide); with n = 100 and 200
    (one setting each, 1,000 and 400 studies) 0.945 to 0.990. In the large held it in 0.945 to 0.975
    of 2,000 further studies a setting (n = 50, 100 and 200), where the middle share of redraws,
    which is common, held it in 0.933 to 0.959. At a prevalence of 0.16 two studies in 100 were
    refused for want of positive cases, at 0.1 sixteen. With three copies of each of 50 patients
    (150 studies; in the large 500): 0.947 to 0.993. In six settings tried later (Student,
    Laplace, wide and narrow log odds, five scores only, too timid; 150 to 400 studies each,
    standard error up to 0.018): 0.927 to 0.996 with n = 50, 100 and 200, 0.940 to 1.000 with 30.

    Not for probabilities that were calibrated on the same cases, nor after a choice of cases by
    class: then move them first (at_prevalence).
    Sources: Cox 1958, Biometrika 45:562; Van Calster et al. 2019, BMC Med. 17:230; Austin &
    Steyerberg 2019, Statist. Med. 38:4051; Davison & Hinkley 1997, ch. 5.
    Raises InputError for scores that are no probabilities, one class, unequal lengths, and too few
    cases of a class, or patients, to redraw.
    """
    sample = Sample.check(labels, {"scores": scores}, groups, THRESHOLD, replicates)
    level = as_fraction(confidence, "confidence", open_ends=True)
    if sample.patients <= FITTED:
        raise InputError(
            f"groups holds {sample.patients} patients, too few to redraw; give three or more."
        )
    study = _study(sample.labels.astype(np.float64), sample.cases[0].scores)
    rng = as_generator(seed)
    blocks = [_measures(study, weights.astype(np.float64)) for weights in sample.redraws(rng)]
    drawn = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    basis = f"{sample.basis}, {sample.labels.sum()} positive"

    def interval(name: str, value: float, ends: tuple[float, float], how: str = "") -> Interval:
        return Interval(name, float(value), *ends, level, f"{how}redraws of patients", basis)

    seen = {name: value[0] for name, value in _measures(study, study.once).items()}
    sound = _may_be_right(study, sample.groups, sample.replicates, rng, level)
    off = {name: _off_ends(seen[name], drawn[name], level, sound) for name in OFF}
    many = sample.patients
    intercepts = _by_score(study, intercept_score, study.intercept, drawn["intercept"], many, level)
    slopes = _by_score(study, slope_score, study.slope, drawn["slope"], many, level)
    large = study.large(intercepts[0]), study.large(intercepts[1])
    return CalibrationMeasures(
        interval("calibration in the large", study.large(study.intercept), large, "score, "),
        interval("calibration intercept", study.intercept, intercepts, "score, "),
        interval("calibration slope", study.slope, slopes, "score, "),
        interval("ICI", seen["ICI"], off["ICI"]),
        interval("E50", seen["E50"], off["E50"]),
        interval("E90", seen["E90"], off["E90"]),
        _curve(study, seen["curve"], drawn["curve"], level),
    )


@dataclass(frozen=True, slots=True)
class _Study:
    """The cases, the spline of their log odds and of a grid, and what is estimated from them."""

    labels: Floats
    scores: Floats
    log_odds: Floats
    design: Floats
    grid: Floats
    grid_design: Floats
    intercept: float
    slope: float

    @property
    def once(self) -> Floats:
        """Return weights that count every case once."""
        return np.ones((1, self.labels.size))

    def large(self, intercept: float) -> float:
        """Return calibration in the large if probabilities are too low by so many log odds."""
        return float((expit(intercept + self.log_odds) - self.scores).mean())


def _study(labels: Floats, scores: Floats) -> _Study:
    scores = np.clip(as_probabilities(scores), NEVER_CERTAIN, 1 - NEVER_CERTAIN)
    x, grid = logit(scores), np.linspace(scores.min(), scores.max(), POINTS)
    knots = np.quantile(x, KNOTS)
    design, grid_design = (spline_basis(values, knots) for values in (x, logit(grid)))
    once = np.ones((1, labels.size))
    intercept = float(fit_intercept(x, labels, once)[0])
    return _Study(labels, scores, x, design, grid, grid_design, intercept, _slope(x, labels))


def _slope(log_odds: Floats, labels: Floats) -> float:
    """Return the logistic slope, infinite where one threshold separates the classes."""
    negative, positive = log_odds[labels == 0], log_odds[labels == 1]
    if positive.min() >= negative.max():
        return float("inf")
    if negative.min() >= positive.max():
        return float("-inf")
    design = np.column_stack([np.ones_like(log_odds), log_odds])
    return float(fit(design, labels, np.ones((1, labels.size)))[0, 1])


def _measures(study: _Study, w: Floats) -> dict[str, Floats]:
    """Return the measures of weighted cases; score statistics at what the sample estimates."""
    beta = fit(study.design, study.labels, w)
    slope = study.slope if np.isfinite(study.slope) else 1.0
    off = np.abs(expit(beta @ study.design.T) - study.scores)
    return {
        "intercept": intercept_score(study.intercept, study.log_odds, study.labels, w),
        "slope": slope_score(slope, study.log_odds, study.labels, w),
        "ICI": (w * off).sum(axis=1) / w.sum(axis=1),
        "E50": _weighted_quantile(off, w, 0.5),
        "E90": _weighted_quantile(off, w, 0.9),
        "curve": expit(beta @ study.grid_design.T),
    }


def _weighted_quantile(values: Floats, weights: Floats, share: float) -> Floats:
    """Return in each row the smallest value with that share of weight at or below it."""
    order = np.argsort(values, axis=1)
    upto = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    place = (upto < share * upto[:, -1:] - 1e-9).sum(axis=1)
    return np.asarray(np.take_along_axis(values, order, axis=1)[np.arange(len(values)), place])


def _middle(drawn: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _may_be_right(
    study: _Study, groups: Integers, draws: int, rng: np.random.Generator, level: float
) -> bool:
    """Return whether a score test of the spline leaves it open that all probabilities are right.

    Its reference are labels drawn with these probabilities. Labels of a patient's images are not
    independent: the statistic is divided by how much their residuals add up, 1 for one image each.
    """
    p = study.scores
    inverse = np.linalg.pinv(study.design.T * (p * (1 - p)) @ study.design, hermitian=True)

    def statistic(residual: Floats) -> float:
        excess = study.design.T @ residual
        return float(excess @ inverse @ excess)

    drawn = [statistic((rng.random(p.size) < p) - p) for _ in range(draws)]
    rest = study.labels - expit(study.design @ fit(study.design, study.labels, study.once)[0])
    shared = float((np.bincount(groups, weights=rest) ** 2).sum() / (rest**2).sum())
    limit = float(np.quantile(drawn, (1 + level) / 2))
    return statistic(study.labels - p) <= limit * max(1.0, shared)


def _off_ends(seen: float, drawn: Floats, level: float, sound: bool) -> tuple[float, float]:
    low, high = _middle(drawn, level)
    return 0.0 if sound else max(0.0, min(low, 2 * seen - high)), max(high, 2 * seen - low)


def _by_score(
    study: _Study,
    score_of: ScoreOf,
    estimate: float,
    drawn: Floats,
    patients: int,
    level: float,
) -> tuple[float, float]:
    """Return the values with an acceptable score, which falls from above 0 to below along them."""

    def score(value: float) -> float:
        return score_of(value, study.log_odds, study.labels, study.once).item()

    spread = float(drawn.std()) * np.sqrt(patients / (patients - FITTED))
    reach = float(stats.norm.isf((1 - level) / 2)) * max(1.0, spread)
    return _search(score, estimate, reach, -1), _search(score, estimate, -reach, 1)


def _search(score: Callable[[float], float], start: float, bound: float, sign: int) -> float:
    """Return where the score reaches the bound, from the estimate downwards (-1) or upwards (1)."""
    if start == sign * np.inf:
        return start
    near = start if np.isfinite(start) else -sign * FARTHEST
    step = 0.25
    while abs(step) < FARTHEST:
        far = near + sign * step
        if (score(far) - bound) * sign <= 0:
            return float(optimize.brentq(lambda value: score(value) - bound, near, far))
        near, step = far, 2 * step
    return sign * np.inf


def _curve(study: _Study, seen: Floats, drawn: Floats, level: float) -> pd.DataFrame:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return pd.DataFrame({"predicted": study.grid, "observed": seen, "low": low, "high": high})
