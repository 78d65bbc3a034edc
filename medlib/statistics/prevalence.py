"""Questions about prevalence: what a result is worth where fewer are ill than in the study."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from medlib.statistics._checks import as_choice, as_count, as_fraction, as_numbers, as_probabilities
from medlib.statistics.outcome import Interval
from medlib.statistics.proportions import predictive_values
from medlib.types import Floats

PredictiveMethod: TypeAlias = Literal["score", "logit"]


@dataclass(frozen=True, slots=True)
class PredictiveIntervals:
    """What a positive (ppv) and a negative result (npv) are worth at one prevalence."""

    prevalence: float
    ppv: Interval
    npv: Interval

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        return f"at a prevalence of {self.prevalence:.3g}: {self.ppv}; {self.npv}"


def predictive_value_intervals(
    true_positive: int,
    false_negative: int,
    true_negative: int,
    false_positive: int,
    *,
    prevalence: float,
    method: PredictiveMethod = "score",
    confidence: float = 0.95,
) -> PredictiveIntervals:
    r"""Return PPV and NPV at a prevalence with intervals, from the counts of a study of any mix.

    Sensitivity and specificity come from the counts; the prevalence is that of the place where the
    test will be used, taken as known. PPV hangs on the ratio (1 - specificity) / sensitivity alone,
    NPV on (1 - sensitivity) / specificity.
    *score* (default): the ratio's interval by inverting the score test of two proportions.
    *logit*: of Mercaldo, Lau & Zhou, logit(PPV) +- z sqrt((1 - se) / (se n1) + sp / ((1 - sp) n0)),
    NPV likewise; where a count is 0, after adding z^2 / 2 to every count, as they advise.

    Coverage by enumeration, eight pairs of sensitivity and specificity from 0.6 to 0.98: score
    0.911 to 0.967 with 25 + 25 cases, 0.921 to 0.968 with 50 + 50, 0.914 to 0.984 with 10 + 40;
    logit 0.725 to 0.959, 0.854 to 0.963 and 0.09 to 0.967. Where a class has few cases and no
    mistake, what logit adds leaves out the truth, and even the estimate: use score there.

    Assumes independent cases, and that sensitivity and specificity carry over to the new place:
    with milder cases (spectrum) they do not. Not for counts out of a cross-validation.
    Sources: Koopman 1984, Biometrics 40:513; Mercaldo et al. 2007, Statist. Med. 26:2170.
    Raises InputError for counts that are not whole, a class without cases, a prevalence of 0 or 1,
    and where no result of one kind occurred.
    """
    names = ("true_positive", "false_negative", "true_negative", "false_positive")
    given = (true_positive, false_negative, true_negative, false_positive)
    tp, fn, tn, fp = map(as_count, given, names)
    n1 = as_count(tp + fn, "true_positive + false_negative", least=1)
    n0 = as_count(tn + fp, "true_negative + false_positive", least=1)
    pi = as_fraction(prevalence, "prevalence", open_ends=True)
    level = as_fraction(confidence, "confidence", open_ends=True)
    as_choice(method, "method", ("score", "logit"))
    seen = predictive_values(tp / n1, tn / n0, prevalence=pi)
    ends = _score_ratio if method == "score" else _logit_ratio
    z = float(stats.norm.isf((1 - level) / 2))
    basis = f"sensitivity {tp} of {n1}, specificity {tn} of {n0}, prevalence {pi:g}"
    name = "score of the likelihood ratio" if method == "score" else "Mercaldo's logit"

    def interval(quantity: str, value: float, ratio: tuple[float, float], odds: float) -> Interval:
        high, low = (1 / (1 + odds * r) for r in ratio)
        return Interval(quantity, value, low, high, level, name, basis)

    odds = (1 - pi) / pi
    return PredictiveIntervals(
        pi,
        interval("PPV", seen.ppv, ends((fp, n0), (tp, n1), z), odds),
        interval("NPV", seen.npv, ends((fn, n1), (tn, n0), z), 1 / odds),
    )


def at_prevalence(scores: ArrayLike, *, studied: float, target: float) -> Floats:
    """Return probabilities for a place where the disease is rarer or commoner than in the study.

    Log odds are moved by logit(target) - logit(studied) (Bayes), one value a case. Right if the
    probabilities were calibrated at the studied prevalence and cases of a class are alike in both
    places. Raises InputError for scores or prevalences outside 0..1.
    """
    values = as_probabilities(as_numbers(scores, "scores"))
    here = as_fraction(studied, "studied", open_ends=True)
    there = as_fraction(target, "target", open_ends=True)
    shift = special.logit(there) - special.logit(here)
    return np.asarray(special.expit(special.logit(values) + shift))


def _score(first: tuple[float, int], second: tuple[float, int], ratio: float) -> float:
    """Return the score z for H0: the first proportion is ratio times the second (Koopman)."""
    (x1, n1), (x2, n2) = first, second
    linear = ratio * n1 + x1 + n2 + ratio * x2
    p2 = linear - np.sqrt(max(linear**2 - 4 * (n1 + n2) * ratio * (x1 + x2), 0.0))
    p2 /= 2 * (n1 + n2) * ratio
    p1 = ratio * p2
    variance = p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2
    distance = x1 / n1 - ratio * x2 / n2
    return float(distance / np.sqrt(variance)) if variance > 1e-300 else 0.0


def _score_ratio(first: tuple[int, int], second: tuple[int, int], z: float) -> tuple[float, float]:
    """Return the ratios of two proportions that the score test does not reject, least and most."""
    (x1, n1), (x2, n2) = first, second

    def beyond(log_ratio: float) -> float:
        return abs(_score(first, second, float(np.exp(log_ratio)))) - z

    # the score is 0 at the ratio seen; where a count is 0 that is 0 or infinite, and far off here
    centre = float(np.log(max(x1, 0.5) / n1 * n2 / max(x2, 0.5)))
    least, most = centre - 30, centre + 30
    below, above = most if x2 == 0 else centre, least if x1 == 0 else centre
    low = 0.0 if x1 == 0 else float(np.exp(optimize.brentq(beyond, least, below)))
    high = np.inf if x2 == 0 else float(np.exp(optimize.brentq(beyond, above, most)))
    return low, high


def _logit_ratio(first: tuple[int, int], second: tuple[int, int], z: float) -> tuple[float, float]:
    (x1, n1), (x2, n2) = ((float(x), float(n)) for x, n in (first, second))
    if x1 in (0, n1) or x2 in (0, n2):
        x1, x2, n1, n2 = x1 + z**2 / 2, x2 + z**2 / 2, n1 + z**2, n2 + z**2
    p1, p2 = x1 / n1, x2 / n2
    half = z * np.sqrt((1 - p1) / (p1 * n1) + (1 - p2) / (p2 * n2))
    return float(p1 / p2 * np.exp(-half)), float(p1 / p2 * np.exp(half))
