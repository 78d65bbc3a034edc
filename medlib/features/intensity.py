"""First-order features by IBSI's definitions and names (manual 3.3 and 3.4)."""

from typing import Final

import numpy as np

from medlib.features.checks import Levels
from medlib.features.glcm import entropy
from medlib.types import Bools, Floats

NAMES: Final = (
    "mean",
    "variance",
    "skewness",
    "kurtosis",
    "median",
    "minimum",
    "10th_percentile",
    "90th_percentile",
    "maximum",
    "interquartile_range",
    "range",
    "mean_absolute_deviation",
    "robust_mean_absolute_deviation",
    "median_absolute_deviation",
    "energy",
    "root_mean_square",
)
SHARES: Final = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
"""Percentiles, as shares."""


def intensity(images: Floats, masks: Bools, grey: Levels, levels: int) -> dict[str, Floats]:
    """Return 16 features of the grey values and 2 of the histogram of levels, n values each.

    Kurtosis is that in excess of a normal distribution; skewness and kurtosis of a region of one
    value are 0, as in pyradiomics. IBSI's coefficients of variation and of dispersion are left
    out: they divide by values that are 0 for water.
    """
    values = np.array([of_values(x[m]) for x, m in zip(images, masks, strict=True)])
    shares = histogram(grey, levels)
    return {name: values[:, k] for k, name in enumerate(NAMES)} | {
        "discretised_entropy": entropy(shares),
        "discretised_uniformity": (shares**2).sum(axis=1),
    }


def of_values(x: Floats) -> list[float]:
    """Return the features of one region's grey values, in the order of `NAMES`."""
    x = np.sort(x)  # so that sums do not depend on where values lie, and parts are slices
    mean, low, high = x.mean(), x[0], x[-1]
    p10, p25, median, p75, p90 = np.interp(SHARES * (len(x) - 1), np.arange(len(x)), x)
    middle = x[np.searchsorted(x, p10) : np.searchsorted(x, p90, side="right")]
    middle = middle if len(middle) else np.array([median])  # two values have none between
    away = x - mean
    squared = away * away
    variance = squared.mean() if high > low else 0.0
    cubed, fourth = (squared * away).mean(), (squared * squared).mean()
    energy = (x * x).sum()
    return [
        mean,
        variance,
        cubed / variance**1.5 if variance > 0 else 0.0,
        fourth / variance**2 - 3 if variance > 0 else 0.0,
        median,
        low,
        p10,
        p90,
        high,
        p75 - p25,
        high - low,
        abs(away).mean(),
        abs(middle - middle.mean()).mean(),
        abs(x - median).mean(),
        energy,
        (energy / len(x)) ** 0.5,
    ]


def histogram(grey: Levels, levels: int) -> Floats:
    """Return the share of each level in each image's region, n x levels."""
    codes = grey.reshape(len(grey), -1) + np.arange(len(grey))[:, None] * (levels + 1)
    counts = np.bincount(codes.ravel(), minlength=len(grey) * (levels + 1))
    inside = counts.reshape(len(grey), -1)[:, 1:].astype(np.float64)
    return np.asarray(inside / inside.sum(axis=1, keepdims=True))
