"""Questions about one proportion: how sure is it, is it a given value, what is a positive worth."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, overload

import numpy as np
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from medlib.errors import InputError
from medlib.statistics._checks import as_choice, as_count, as_fraction
from medlib.statistics.outcome import Comparison, Interval
from medlib.types import Reals

ProportionMethod: TypeAlias = Literal["wilson", "clopper-pearson", "jeffreys", "wald"]

_NAMES = {
    "wilson": ("wilson", "Wilson"),
    "clopper-pearson": ("beta", "Clopper-Pearson"),
    "jeffreys": ("jeffreys", "Jeffreys"),
    "wald": ("normal", "Wald"),
}


def proportion_interval(
    successes: int,
    n: int,
    *,
    method: ProportionMethod = "wilson",
    confidence: float = 0.95,
    quantity: str = "proportion",
) -> Interval:
    r"""Return the interval for a proportion of independent cases, as 46 right of 50.

    With p = x/n and z the normal quantile:
    *Wilson* (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), the default;
    *Clopper-Pearson* from beta quantiles, never below its level, wider than needed;
    *Jeffreys* beta(x + 1/2, n - x + 1/2), with the end at 0 or 1 where x = 0 or n;
    *Wald* p +- z sqrt(p(1-p)/n), shown because papers use it: it fails for small n or p near 1.

    Wilson's 95 % interval holds p, by enumeration for n = 10 to 200, in 0.951 to 0.954 on average
    and in 0.916 at the least where one or more misses (and hits) are expected. Where fewer are it
    can fall to 0.836, at 0.17 expected misses (p = 0.9965 for n = 50): there use Clopper-Pearson.

    Assumes independent cases and one fixed rule that made the predictions. Not for slices of the
    same patient (use cluster_bootstrap), and for cross-validation it leaves out that the models
    share their training cases: see out_of_fold_interval.

    Source: Brown, Cai & DasGupta 2001, Statist. Sci. 16:101. Computed by statsmodels.
    Raises InputError for counts that are not whole or exceed n, and for an unknown method.
    """
    total = as_count(n, "n", least=1)
    count = as_count(successes, "successes", most=total)
    level = as_fraction(confidence, "confidence", open_ends=True)
    code, name = _NAMES[as_choice(method, "method", tuple(_NAMES))]
    low, high = proportion_confint(count, total, alpha=1 - level, method=code)
    if count == 0:
        low = 0.0
    if count == total:
        high = 1.0
    basis = f"{count} of {total}"
    return Interval(quantity, count / total, float(low), float(high), level, name, basis)


@overload
def wilson_ends(p: float, n: float, confidence: float) -> tuple[float, float]: ...
@overload
def wilson_ends(p: Reals, n: float | Reals, confidence: float) -> tuple[Reals, Reals]: ...
def wilson_ends(
    p: float | Reals, n: float | Reals, confidence: float
) -> tuple[float | Reals, float | Reals]:
    """Return Wilson's limits for a proportion of n cases, where n need not be whole, or for many.

    Many: p is an array of any shape, n one number or an array of that shape, and so are both ends.
    """
    z2 = float(special.ndtri((1 + confidence) / 2)) ** 2
    centre, half = p + z2 / (2 * n), np.sqrt(z2 * p * (1 - p) / n + z2**2 / (4 * n**2))
    low = np.maximum(0.0, (centre - half) / (1 + z2 / n))
    high = np.minimum(1.0, (centre + half) / (1 + z2 / n))
    return (low, high) if np.ndim(low) else (float(low), float(high))


def binomial_test(successes: int, n: int, reference: float) -> Comparison:
    """Return whether a proportion of independent cases differs from a reference (exact, two-sided).

    p = sum of the probabilities under Bin(n, reference) of all counts that are no more probable
    than the one seen. Against chance (0.5) it says little: 33 of 50 is already "significant".

    Not for correlated cases, nor for a reference that was itself estimated (use mcnemar or
    paired_difference_interval on the same cases). Computed by SciPy; equals R's binom.test.
    Raises InputError for impossible counts or a reference outside 0..1.
    """
    total = as_count(n, "n", least=1)
    count = as_count(successes, "successes", most=total)
    p0 = as_fraction(reference, "reference")
    p_value = float(stats.binomtest(count, total, p0).pvalue)
    return Comparison(
        f"proportion minus {p0:g}",
        count / total - p0,
        p_value,
        "exact binomial",
        basis=f"{count} of {total}",
    )


@dataclass(frozen=True, slots=True)
class PredictiveValues:
    """What a positive and a negative result are worth at one prevalence."""

    sensitivity: float
    specificity: float
    prevalence: float
    ppv: float
    npv: float

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        return (
            f"at a prevalence of {self.prevalence:.3g}, a positive result is right with probability"
            f" {self.ppv:.3f} (PPV) and a negative one with {self.npv:.3f} (NPV)"
        )


def predictive_values(
    sensitivity: float, specificity: float, *, prevalence: float
) -> PredictiveValues:
    """Return PPV and NPV at a prevalence: what a positive is worth where cancer is rare.

    Bayes, with prevalence pi: PPV = se pi / (se pi + (1 - sp)(1 - pi)) and
    NPV = sp (1 - pi) / (sp (1 - pi) + (1 - se) pi).

    Assumes that sensitivity and specificity carry over to the new population; with another mix of
    stages (spectrum) they do not. Raises InputError for values outside 0..1, or where no result of
    one kind can occur, so that its predictive value does not exist.
    """
    se = as_fraction(sensitivity, "sensitivity")
    sp = as_fraction(specificity, "specificity")
    pi = as_fraction(prevalence, "prevalence")
    positive = se * pi + (1 - sp) * (1 - pi)
    negative = sp * (1 - pi) + (1 - se) * pi
    if positive == 0 or negative == 0:
        kind = "positive" if positive == 0 else "negative"
        raise InputError(
            f"with sensitivity = {se:g}, specificity = {sp:g} and prevalence = {pi:g} no result is "
            f"ever {kind}, so its predictive value does not exist; change one of the three."
        )
    ppv, npv = se * pi / positive, sp * (1 - pi) / negative
    return PredictiveValues(se, sp, pi, ppv, npv)
