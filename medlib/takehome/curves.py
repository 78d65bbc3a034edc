"""The ROC curve of a cross-validation with a band that holds at each false-positive rate."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medlib.statistics import out_of_fold_interval
from medlib.statistics.proportions import wilson_ends
from medlib.types import Bools, Floats, Integers

CONFIDENCE: Final = 0.95
POINTS: Final = 40
"""Steps of false-positive rate, at most: more can hardly be seen."""


def roc_band(
    labels: ArrayLike, scores: ArrayLike, folds: ArrayLike, groups: ArrayLike
) -> pd.DataFrame:
    """Return the ROC curve averaged over repeats: false_positive_rate, sensitivity, low, high.

    scores, folds: repeats x cases; labels: 0 or 1; groups: patient of each case. The threshold of
    each repeat is set so that k of its negative cases lie above; a tie with one does not.

    The band takes at each false-positive rate Wilson's interval for that rate (as many cases as
    there are negative patients), and within it the lowest and highest end of the interval for the
    sensitivity (`out_of_fold_interval`). So it allows for both, and covers more than CONFIDENCE at
    a single rate; all rates together less. Raises InputError as out_of_fold_interval does.
    """
    truth, values = np.asarray(labels) == 1, np.asarray(scores, dtype=np.float64)
    split, patient = np.asarray(folds), np.asarray(groups)
    rows = [
        (rate, *_sensitivity(values[:, truth] > above, split[:, truth], patient[truth]))
        for rate, above in _thresholds(values[:, ~truth])
    ]
    curve = pd.DataFrame(rows, columns=["false_positive_rate", "sensitivity", "low", "high"])
    return curve.assign(**_widened(curve, len(np.unique(patient[~truth]))))


def _thresholds(negative: Floats) -> list[tuple[float, Floats]]:
    """Return false-positive rates, and for each the threshold of every repeat (repeats x 1)."""
    n = negative.shape[1]
    falling = np.sort(negative, axis=1)[:, ::-1]
    counts = np.unique(np.linspace(0, n, min(n, POINTS) + 1).round().astype(int))
    return [
        (k / n, falling[:, k : k + 1] if k < n else np.full((len(negative), 1), -np.inf))
        for k in counts
    ]


def _sensitivity(found: Bools, folds: Integers, groups: Integers) -> tuple[float, float, float]:
    interval = out_of_fold_interval(found, folds, groups, confidence=CONFIDENCE)
    return interval.estimate, interval.low, interval.high


def _widened(curve: pd.DataFrame, negatives: int) -> dict[str, Floats]:
    """Return low and high ends over all false-positive rates that each one may really be."""
    rates = curve.false_positive_rate.to_numpy()
    lowest, highest = wilson_ends(rates, negatives, CONFIDENCE)
    low = np.interp(lowest, rates, np.maximum.accumulate(curve.low))
    high = np.interp(highest, rates, np.maximum.accumulate(curve.high))
    return {"low": low, "high": high}
