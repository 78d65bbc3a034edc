"""From grey values to the few grey levels that texture matrices count."""

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.features.checks import Bools, Floats, Levels, checked_levels


def discretise(
    images: ArrayLike,
    masks: Bools | None = None,
    *,
    levels: int = 32,
    span: tuple[float, float] | None = None,
) -> Levels:
    """Return grey levels 1 to `levels` (int64, of the images' shape), 0 outside the masks.

    With `span` (low, high; the unit of the images) bins have a fixed size, the same for every
    image, and what lies beyond the ends falls into the first or last bin: for calibrated values
    such as HU. Without it each region's own range is cut into a fixed number of bins: for
    arbitrary units. A region of one value is all of level 1. Both are IBSI's (manual 2.7), but
    for the values beyond the span, which IBSI would take out of the region. Levels that do not
    occur stay empty: they are bins of a scale, not categories.

    Raises InputError for a number of levels or a span that cannot be used.
    """
    grey = np.asarray(images, dtype=np.float64)
    number = checked_levels(levels)
    region = np.ones(grey.shape, dtype=bool) if masks is None else masks
    low, width = _own_range(grey, region) if span is None else _given_range(span)
    steps = np.floor(number * ((grey - low) / width))
    return np.where(region, np.clip(steps, 0, number - 1).astype(np.int64) + 1, 0)


def _own_range(grey: Floats, region: Bools) -> tuple[Floats, Floats]:
    """Lowest value and range of each region; the range of a region of one value counts as 1."""
    axes = tuple(range(1, grey.ndim))
    low = np.where(region, grey, np.inf).min(axis=axes, keepdims=True)
    high = np.where(region, grey, -np.inf).max(axis=axes, keepdims=True)
    return low, np.where(high > low, high - low, 1.0)


def _given_range(span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"span is {span!r}; give its lower end first, in the unit of the images.")
    return low, high - low
