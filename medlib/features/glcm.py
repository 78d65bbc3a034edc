"""Features of grey level co-occurrence matrices, by IBSI's definitions and names (manual 3.6)."""

from functools import partial
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.features.checks import Levels
from medlib.features.matrices import cooccurrences
from medlib.types import Floats

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
SMALLEST: Final = np.finfo(np.float64).tiny
"""Stands for 0 in logarithms."""


def glcm(grey: Levels, levels: int, *, merged: bool = True) -> dict[str, Floats]:
    """Return the 25 features, each an array of n values.

    `grey` as in `medlib.features.matrices`. Directions are merged into one matrix an image (IBSI:
    2D slice-merged, or 3D merged), or features are averaged over the directions that have pairs
    (2D or 3D averaged). Of a region of one level, the correlation is 1 and both information
    correlations are 0, as pyradiomics has them; everything else follows from the definitions.

    Raises InputError for a region without two neighbouring pixels.
    """
    counts = cooccurrences(grey, levels, merged=merged).reshape(-1, levels, levels)
    pairs = counts.sum(axis=(1, 2))
    used = (pairs > 0).reshape(len(grey), -1)
    lonely = np.flatnonzero(~used.any(axis=1))
    if len(lonely):
        raise InputError(
            f"The region of image {lonely[0]} has no two neighbouring pixels, so no texture; "
            "outline a larger one."
        )
    values = of_counts(counts, np.maximum(pairs, 1)).reshape(*used.shape, -1)
    mean = values.mean(axis=1, where=used[..., None])
    return {name: mean[:, k] for k, name in enumerate(NAMES)}


def of_counts(counts: Floats, pairs: Floats) -> Floats:
    """Return the features (columns as `NAMES`) of m symmetric matrices of so many pairs each.

    Most are sums of whole numbers, divided at the end: exact, so the same on every processor.
    """
    levels = counts.shape[-1]
    i, k, s = np.arange(1.0, levels + 1), np.arange(0.0, levels), np.arange(2.0, 2 * levels + 1)
    row, difference, total = counts.sum(axis=1), _differences(counts), _sums(counts)
    mean_of = partial(_mean, pairs)
    mean, dissimilarity = mean_of(i, row), mean_of(k, difference)
    contrast = mean_of(k**2, difference)
    off = s - 2 * mean[:, None]
    tendency = mean_of(off**2, total)
    joint_entropy, row_entropy, difference_entropy, sum_entropy = (
        entropy(counted.reshape(len(counts), -1) / pairs[:, None])
        for counted in (counts, row, difference, total)
    )
    columns = [
        counts.max(axis=(1, 2)) / pairs,
        mean,
        mean_of((i - mean[:, None]) ** 2, row),
        joint_entropy,
        dissimilarity,
        mean_of((k - dissimilarity[:, None]) ** 2, difference),
        difference_entropy,
        2 * mean,
        tendency,
        sum_entropy,
        (counts**2).sum(axis=(1, 2)) / pairs**2,
        contrast,
        dissimilarity,
        *(mean_of(1 / (1 + x), difference) for x in (k, k / levels, k**2, (k / levels) ** 2)),
        mean_of(1 / k[1:] ** 2, difference[:, 1:]),
        # covariance over variance: (i + j)^2 - (i - j)^2 = 4 i j
        _ratio(tendency - contrast, tendency + contrast, of_none=1.0),
        (mean_of(s**2, total) - contrast) / 4,  # likewise
        tendency,
        mean_of(off**2 * off, total),
        mean_of((off**2) ** 2, total),
        _ratio(joint_entropy - 2 * row_entropy, row_entropy, of_none=0.0),
        np.sqrt(1 - np.exp(-2 * np.maximum(2 * row_entropy - joint_entropy, 0))),
    ]
    return np.stack(columns, axis=1)


def _mean(pairs: Floats, values: Floats, counted: Floats) -> Floats:
    """Mean of values that occur so often, in each matrix of so many pairs."""
    return np.asarray((counted * values).sum(axis=1) / pairs)


def entropy(p: Floats) -> Floats:
    """Return the entropy in bits of each row of probabilities; 0 log 0 is 0."""
    return np.asarray(-(p * np.log2(np.maximum(p, SMALLEST))).sum(axis=1))


def _differences(counts: Floats) -> Floats:
    """How often each absolute difference of two levels occurs, 0 and up."""
    found = _sums(counts[:, ::-1])[:, counts.shape[-1] - 1 :]
    found[:, 1:] *= 2  # of a symmetric matrix the other half is the same
    return found


def _sums(counts: Floats) -> Floats:
    """How often each sum of two levels occurs, 2 and up.

    In rows that are one cell shorter each row of a matrix begins a cell further right, so that
    cells of one sum stand below each other.
    """
    count, levels = counts.shape[:2]
    wide = np.zeros((count, levels, 2 * levels))
    wide[:, :, :levels] = counts
    slanted = wide.reshape(count, -1)[:, :-levels].reshape(count, levels, 2 * levels - 1)
    return np.asarray(slanted.sum(axis=1))


def _ratio(part: Floats, whole: Floats, *, of_none: float) -> Floats:
    """Part over whole, and `of_none` where the whole is 0 but for rounding."""
    there = whole > 1e-12
    return np.where(there, part / np.where(there, whole, 1), of_none)
