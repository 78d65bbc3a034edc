"""Features of runs and zones, by IBSI's definitions and names (manual 3.7 and 3.8)."""

from typing import Final

import numpy as np

from medlib.features.checks import Levels
from medlib.features.matrices import Sizes, directions, runs, zones
from medlib.types import Floats, Integers

RUN_NAMES: Final = (
    "short_runs_emphasis",
    "long_runs_emphasis",
    "low_grey_level_run_emphasis",
    "high_grey_level_run_emphasis",
    "short_run_low_grey_level_emphasis",
    "short_run_high_grey_level_emphasis",
    "long_run_low_grey_level_emphasis",
    "long_run_high_grey_level_emphasis",
    "grey_level_non_uniformity",
    "normalised_grey_level_non_uniformity",
    "run_length_non_uniformity",
    "normalised_run_length_non_uniformity",
    "run_percentage",
    "grey_level_variance",
    "run_length_variance",
    "run_entropy",
)
ZONE_NAMES: Final = (
    "small_zone_emphasis",
    "large_zone_emphasis",
    "low_grey_level_zone_emphasis",
    "high_grey_level_zone_emphasis",
    "small_zone_low_grey_level_emphasis",
    "small_zone_high_grey_level_emphasis",
    "large_zone_low_grey_level_emphasis",
    "large_zone_high_grey_level_emphasis",
    "grey_level_non_uniformity",
    "normalised_grey_level_non_uniformity",
    "zone_size_non_uniformity",
    "normalised_zone_size_non_uniformity",
    "zone_percentage",
    "grey_level_variance",
    "zone_size_variance",
    "zone_size_entropy",
)


def glrlm(grey: Levels, *, merged: bool = True) -> dict[str, Floats]:
    """Return the 16 run length features, each an array of n values.

    Directions are merged or averaged as in `medlib.features.glcm`. `grey` needs at least one
    pixel of level 1 or more in each image.
    """
    count = len(directions(grey.ndim - 1))
    pixels = (grey > 0).reshape(len(grey), -1).sum(axis=1)
    if merged:
        values = of_sizes(runs(grey), count * pixels)
    else:
        each = of_sizes(runs(grey, merged=False), np.repeat(pixels, count))
        values = each.reshape(len(grey), count, -1).mean(axis=1)
    return {name: values[:, k] for k, name in enumerate(RUN_NAMES)}


def glszm(grey: Levels) -> dict[str, Floats]:
    """Return the 16 size zone features, each an array of n values; `grey` as for runs."""
    pixels = (grey > 0).reshape(len(grey), -1).sum(axis=1)
    values = of_sizes(zones(grey), pixels)
    return {name: values[:, k] for k, name in enumerate(ZONE_NAMES)}


def of_sizes(found: Sizes, pixels: Levels) -> Floats:
    """Return the features (columns as `RUN_NAMES`) of as many matrices as `pixels` has entries."""
    matrices = len(pixels)
    total = np.bincount(found.matrix, found.times, matrices)
    share = found.times / total[found.matrix]

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(found.matrix, share * values, matrices), dtype=np.float64)

    i, j = found.level.astype(np.float64), found.size.astype(np.float64)
    i2, j2 = i * i, j * j
    by_level, by_size = (
        _concentration(found, found.level, matrices),
        _concentration(found, found.size, matrices),
    )
    columns = [
        *(mean(values) for values in (1 / j2, j2, 1 / i2, i2)),
        *(mean(values) for values in (1 / (i2 * j2), i2 / j2, j2 / i2, i2 * j2)),
        by_level / total,
        by_level / total**2,
        by_size / total,
        by_size / total**2,
        total / pixels,
        mean((i - mean(i)[found.matrix]) ** 2),
        mean((j - mean(j)[found.matrix]) ** 2),
        mean(-np.log2(share)),
    ]
    return np.stack(columns, axis=1)


def _concentration(found: Sizes, by: Integers, matrices: int) -> Floats:
    """Sum of squares, in each matrix, of the counts that share a level (or a size)."""
    values = int(by.max(initial=0)) + 1
    counts = np.bincount(found.matrix * values + by, found.times, matrices * values)
    return np.asarray((counts**2).reshape(matrices, values).sum(axis=1))
