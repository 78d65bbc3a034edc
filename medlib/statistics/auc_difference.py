"""Two AUCs of the same cases, and the limits of their difference joined from those of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from medlib.statistics._checks import as_labels, as_scores
from medlib.statistics.auc import around, delong_covariance, drawn_out, placements
from medlib.types import Floats

SUREST, LEAST_SURE = 1e-9, 0.499
"""One-sided p is looked for between these: below it is given as the first, above as 0.5."""


@dataclass(frozen=True, slots=True)
class PairedAucs:
    """Two AUCs of the same cases, DeLong's variances and correlation, and the cases of a class."""

    areas: tuple[float, float]
    variances: tuple[float, float]
    correlation: float
    positives: int
    negatives: int

    @property
    def difference(self) -> float:
        """Return the first AUC minus the second."""
        return self.areas[0] - self.areas[1]

    def turned(self) -> "PairedAucs":
        """Return the second AUC minus the first."""
        return PairedAucs(
            self.areas[::-1],
            self.variances[::-1],
            self.correlation,
            self.positives,
            self.negatives,
        )

    def ends(self, confidence: float) -> tuple[float, float]:
        """Return the limits of the difference (MOVER): from auc_interval's of either AUC."""
        (below1, above1), (below2, above2) = (self._distances(i, confidence) for i in (0, 1))
        low = self.difference - self._reach(below1, above2)
        return low, self.difference + self._reach(above1, below2)

    def p_above(self, bound: float) -> float:
        """Return the one-sided p of H0: the difference is bound or less.

        The level at which a one-sided limit of the difference meets the bound.
        """
        if self.difference < bound:
            return 1 - self.turned().p_above(-bound)

        def room(p: float) -> float:
            return self.ends(1 - 2 * p)[0] - bound

        if room(SUREST) >= 0:
            return SUREST
        return 0.5 if room(LEAST_SURE) <= 0 else float(optimize.brentq(room, SUREST, LEAST_SURE))

    def _distances(self, i: int, confidence: float) -> tuple[float, float]:
        area = self.areas[i]
        plain = around(area, float(np.sqrt(self.variances[i])), confidence, "logit")
        low, high = drawn_out(area, plain, self.positives, self.negatives, confidence)
        return max(0.0, area - low), max(0.0, high - area)

    def _reach(self, first: float, second: float) -> float:
        squares = first**2 + second**2 - 2 * self.correlation * first * second
        return float(np.sqrt(max(squares, 0.0)))


def paired_aucs(labels: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike) -> PairedAucs:
    """Return the AUCs of two scores of the same cases; InputError as delong_test does."""
    truth = as_labels(labels)
    pairs = [
        placements(truth, as_scores(scores, truth, name))
        for scores, name in ((scores_a, "scores_a"), (scores_b, "scores_b"))
    ]
    positive, negative = (np.stack(side) for side in zip(*pairs, strict=True))
    covariance: Floats = delong_covariance(positive, negative)
    first, second = np.diag(covariance).tolist()
    shared = float(covariance[0, 1] / np.sqrt(first * second)) if first > 0 < second else 0.0
    areas = positive.mean(axis=1).tolist()
    return PairedAucs(
        (areas[0], areas[1]), (first, second), shared, positive.shape[1], negative.shape[1]
    )
