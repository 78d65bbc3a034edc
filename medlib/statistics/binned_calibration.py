"""Questions about the calibration error in bins (ECE): how large, and how much of it is chance."""

import numpy as np
from numpy.typing import ArrayLike

from medlib.runtime.whole_numbers import as_number
from medlib.statistics._checks import (
    MOST_REPLICATES,
    as_generator,
    as_labels,
    as_numbers,
    as_probabilities,
)
from medlib.statistics._sample import BLOCK, Seed
from medlib.types import Floats, Integers


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike, *, bins: int = 10) -> float:
    """Return the ECE of probabilities: |share of positives - mean probability|, mean over bins.

    Bins of equal width over 0..1, each weighed by its cases. Never below 0, so chance alone lifts
    it: see `chance_calibration_error`. Better measures: calibration_measures. Source: Naeini,
    Cooper & Hauskrecht 2015, AAAI. Raises InputError for scores that are no probabilities, and
    labels of one class.
    """
    truth = as_labels(labels)
    values = as_probabilities(as_numbers(scores, "scores", length=truth.size))
    return float(_error(truth[None].astype(np.float64), values, _bin(values, bins))[0])


def chance_calibration_error(
    scores: ArrayLike, *, bins: int = 10, replicates: int = 1000, seed: Seed = 0
) -> float:
    """Return the ECE to expect where every one of these probabilities is exactly right.

    Labels are drawn from the probabilities. An ECE no larger than this shows nothing, and one a
    little larger hardly more: about half of all right models have one above their mean.
    Source: Broecker 2012, Clim. Dyn. 39:655 (the bias). Raises InputError for scores that are no
    probabilities.
    """
    values = as_probabilities(as_numbers(scores, "scores"))
    rng, of_bin = as_generator(seed), _bin(values, bins)
    number = as_number(replicates, "replicates", most=MOST_REPLICATES)
    size = max(1, BLOCK // values.size)
    total = 0.0
    for start in range(0, number, size):
        drawn = rng.random((min(size, number - start), values.size)) < values
        total += float(_error(drawn.astype(np.float64), values, of_bin).sum())
    return total / number


def _bin(scores: Floats, bins: int) -> Integers:
    bins = as_number(bins, "bins")
    within = np.minimum((scores * bins).astype(np.int64), bins - 1)
    return np.asarray(np.unique(within, return_inverse=True)[1], np.int64)  # empty ones left out


def _error(labels: Floats, scores: Floats, of_bin: Integers) -> Floats:
    """Return the ECE of each row of labels."""
    members = np.eye(int(of_bin.max()) + 1)[of_bin]
    return np.asarray(np.abs((labels - scores) @ members).sum(axis=1) / scores.size)
