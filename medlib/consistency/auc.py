"""What an area under the ROC curve says, and does not say, about accuracy."""

from dataclasses import dataclass
from math import sqrt

from medlib.consistency._checks import as_rate
from medlib.errors import InputError


@dataclass(frozen=True)
class AccuracyBounds:
    """Accuracies that an AUC allows at a prevalence.

    Attributes:
        auc: The area.
        prevalence: Proportion of positives.
        lowest: Of any threshold, however badly chosen.
        lowest_at_best: Of the best threshold, on the least fortunate curve.
        highest: Of the best threshold, on the most fortunate curve.
        trivial: What calling every case by the commoner class gets.

    """

    auc: float
    prevalence: float
    lowest: float
    lowest_at_best: float
    highest: float
    trivial: float

    def __str__(self) -> str:
        """One sentence."""
        return (
            f"AUC {self.auc:.3f} at a prevalence of {100 * self.prevalence:.3g} % allows an "
            f"accuracy of {100 * self.lowest_at_best:.1f} to {100 * self.highest:.1f} % at the "
            f"best threshold; calling every case by the commoner class gets "
            f"{100 * self.trivial:.1f} %"
        )


def accuracy_bounds(auc: float, prevalence: float) -> AccuracyBounds:
    """Sharp bounds on accuracy for a given AUC and prevalence.

    Write A for the AUC, q for the prevalence, u for sensitivity, v for specificity, so that
    accuracy = q u + (1 - q) v. The ROC curve rises, through (1 - v, u).

    1. The rectangle below and right of that point lies under the curve and the rectangle above
       and left of it lies over it: u v <= A <= 1 - (1 - u)(1 - v). Steps attain both.
    2. Highest. On u v = A accuracy is convex, so its maximum is at an end, u = 1 or v = 1:
       1 - (1 - A) min(q, 1 - q).
    3. Lowest at any threshold. On (1 - u)(1 - v) = 1 - A accuracy is concave, so its minimum is
       at an end, u = 0 or v = 0: A min(q, 1 - q).
    4. Lowest at the best threshold. If no threshold beats a, with a >= max(q, 1 - q), the curve
       stays below the line q u + (1 - q) v = a. That line cuts off the corner of perfect
       classification: a triangle with sides (1 - a)/(1 - q) and (1 - a)/q. So
       A <= 1 - (1 - a)^2 / (2 q (1 - q)), and a >= 1 - sqrt(2 q (1 - q) (1 - A)). The line
       itself is the curve that attains it (scores with ties, or ever more cases).

    Points 2 and 4 are the picture behind Cortes and Mohri 2004 (NIPS 16), who give the mean of
    the AUC at a fixed error rate; the bounds here are exact for any curve.

    Raises:
        InputError: AUC outside 0 to 1, or prevalence not strictly between 0 and 1.

    Examples:
        >>> print(accuracy_bounds(0.944, 0.5))  # doctest: +ELLIPSIS
        AUC 0.944 at a prevalence of 50 % allows an accuracy of 83.3 to 97.2 % at the best ...

    """
    auc = as_rate(auc, "auc")
    prevalence = as_rate(prevalence, "prevalence")
    if prevalence in (0, 1):
        raise InputError(f"prevalence is {prevalence:g}; it must lie between 0 and 1")
    rarer = min(prevalence, 1 - prevalence)
    trivial = 1 - rarer
    corner = 1 - sqrt(2 * prevalence * (1 - prevalence) * (1 - auc))
    return AccuracyBounds(
        auc=auc,
        prevalence=prevalence,
        lowest=auc * rarer,
        lowest_at_best=max(trivial, corner),
        highest=1 - (1 - auc) * rarer,
        trivial=trivial,
    )


def auc_bounds(sensitivity: float, specificity: float) -> tuple[float, float]:
    """Smallest and largest AUC of a curve through one operating point.

    u v and 1 - (1 - u)(1 - v); see `accuracy_bounds`, point 1.

    Raises:
        InputError: A rate outside 0 to 1.

    """
    u, v = as_rate(sensitivity, "sensitivity"), as_rate(specificity, "specificity")
    return u * v, 1 - (1 - u) * (1 - v)
