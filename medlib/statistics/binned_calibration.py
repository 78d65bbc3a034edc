"""Questions about the calibration error in bins (ECE): how large, and how much of it is chance."""

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number
from medlib.statistics._checks import as_generator, as_labels, as_probabilities, as_scores
from medlib.statistics._sample import Seed
from medlib.types import Floats, Integers


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike, *, bins: int = 10) -> float:
    """Return the ECE of probabilities: |share of positives - mean probability|, mean over bins.

    Bins of equal width over 0..1, each weighed by its cases. Never below 0, so chance alone lifts
    it: see `chance_calibration_error`. Better measures: calibration_measures. Source: Naeini,
    Cooper & Hauskrecht 2015, AAAI. Raises InputError for scores that are no probabilities.
    """
    truth = as_labels(labels)
    values = as_probabilities(as_scores(scores, truth))
    return float(_error(truth[None].astype(np.float64), values, _bin(values, bins))[0])


def chance_calibration_error(
    scores: ArrayLike, *, bins: int = 10, replicates: int = 1000, seed: Seed = 0
) -> float:
    """Return the ECE to expect where every one of these probabilities is exactly right.

    Labels are drawn from the probabilities. An ECE no larger than this shows nothing.
    Source: Broecker 2012, Clim. Dyn. 39:655 (the bias). Raises InputError as above.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise InputError("scores must be a flat list of numbers without gaps; repair them.")
    values = as_probabilities(values)
    rng = as_generator(seed)
    drawn = rng.random((as_number(replicates, "replicates"), values.size)) < values
    return float(_error(drawn.astype(np.float64), values, _bin(values, bins)).mean())


def _bin(scores: Floats, bins: int) -> Integers:
    bins = as_number(bins, "bins")
    return np.minimum((scores * bins).astype(np.int64), bins - 1)


def _error(labels: Floats, scores: Floats, of_bin: Integers) -> Floats:
    """Return the ECE of each row of labels."""
    members = np.eye(int(of_bin.max()) + 1)[of_bin]
    return np.asarray(np.abs((labels - scores) @ members).sum(axis=1) / scores.size)
