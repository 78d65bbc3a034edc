"""Features of grey level co-occurrence matrices, by IBSI's definitions and names (manual 3.6)."""

from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.features.checks import Floats, Levels
from medlib.features.matrices import cooccurrences

NAMES: Final = (
    "joint_maximum",
    "joint_average",
    "joint_variance",
    "joint_entropy",
    "difference_average",
    "difference_variance",
    "difference_entropy",
    "sum_average",
    "sum_variance",
    "sum_entropy",
    "angular_second_moment",
    "contrast",
    "dissimilarity",
    "inverse_difference",
    "normalised_inverse_difference",
    "inverse_difference_moment",
    "normalised_inverse_difference_moment",
    "inverse_variance",
    "correlation",
    "autocorrelation",
    "cluster_tendency",
    "cluster_shade",
    "cluster_prominence",
    "information_correlation_1",
    "information_correlation_2",
)


def glcm(grey: Levels, levels: int, *, merged: bool = True) -> dict[str, Floats]:
    """Return the 25 features, each an array of n values.

    `grey` as in `medlib.features.matrices`. Directions are merged into one matrix an image (IBSI:
    2D slice-merged, or 3D merged), or features are averaged over the directions that have pairs
    (2D or 3D averaged). Of a region of one level, the correlation is 1 and both information
    correlations are 0, as pyradiomics has them; everything else follows from the definitions.

    Raises InputError for a region without two neighbouring pixels.
    """
    counts = cooccurrences(grey, levels, merged=merged)
    counts = counts.reshape(len(grey), -1, levels, levels)
    pairs = counts.sum(axis=(2, 3))
    lonely = np.flatnonzero(~pairs.any(axis=1))
    if len(lonely):
        raise InputError(
            f"The region of image {lonely[0]} has no two neighbouring pixels, so no texture; "
            "outline a larger one."
        )
    has_pairs = pairs.ravel() > 0
    matrices = counts.reshape(-1, levels, levels)[has_pairs] / pairs.ravel()[has_pairs, None, None]
    values = np.zeros((len(has_pairs), len(NAMES)))
    values[has_pairs] = of_probabilities(matrices)
    mean = values.reshape(len(grey), -1, len(NAMES)).sum(axis=1)
    mean /= has_pairs.reshape(len(grey), -1).sum(axis=1)[:, None]
    return {name: mean[:, k] for k, name in enumerate(NAMES)}


def of_probabilities(p: Floats) -> Floats:
    """Return the features (columns as `NAMES`) of m symmetric matrices that sum to 1."""
    levels = p.shape[-1]
    i = np.arange(1, levels + 1, dtype=np.float64)
    row = p.sum(axis=2)
    mean = row @ i
    variance = row @ i**2 - mean**2
    difference, total = _diagonals(p)
    k = np.arange(levels, dtype=np.float64)
    centred = np.arange(2, 2 * levels + 1) - 2 * mean[:, None]
    cluster = [np.einsum("ms,ms->m", total, centred**power) for power in (2, 3, 4)]
    joint_entropy, row_entropy = entropy(p.reshape(len(p), -1)), entropy(row)
    dissimilarity, contrast = difference @ k, difference @ k**2
    auto = ((p @ i) * i).sum(axis=1)
    columns = [
        p.max(axis=(1, 2)),
        mean,
        variance,
        joint_entropy,
        dissimilarity,
        contrast - dissimilarity**2,
        entropy(difference),
        2 * mean,
        cluster[0],
        entropy(total),
        (p**2).sum(axis=(1, 2)),
        contrast,
        dissimilarity,
        difference @ (1 / (1 + k)),
        difference @ (1 / (1 + k / levels)),
        difference @ (1 / (1 + k**2)),
        difference @ (1 / (1 + (k / levels) ** 2)),
        difference[:, 1:] @ k[1:] ** -2.0,
        _ratio(auto - mean**2, variance, of_none=1.0),
        auto,
        *cluster,
        _ratio(joint_entropy - 2 * row_entropy, row_entropy, of_none=0.0),
        np.sqrt(1 - np.exp(-2 * np.maximum(2 * row_entropy - joint_entropy, 0))),
    ]
    return np.stack(columns, axis=1)


def entropy(p: Floats) -> Floats:
    """Return the entropy in bits of each row of probabilities; 0 log 0 is 0."""
    return np.asarray(-(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1))


def _diagonals(p: Floats) -> tuple[Floats, Floats]:
    """Probability of each absolute difference of two levels, and of each sum."""
    levels = p.shape[-1]
    i, j = np.indices((levels, levels)).reshape(2, -1)
    flat = p.reshape(len(p), -1)
    return flat @ np.eye(levels)[abs(i - j)], flat @ np.eye(2 * levels - 1)[i + j]


def _ratio(part: Floats, whole: Floats, *, of_none: float) -> Floats:
    """Part over whole, and `of_none` where the whole is 0 but for rounding."""
    there = whole > 1e-12
    return np.where(there, part / np.where(there, whole, 1), of_none)
