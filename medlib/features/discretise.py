"""From grey values to the few grey levels that texture matrices count."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.features.checks import Levels, checked_levels
from medlib.types import Bools, Floats

CHUNK: Final = 1 << 16
"""Pixels treated at a time: what is computed of them on the way stays in the processor's cache."""


def discretise(
    images: ArrayLike,
    masks: Bools | None = None,
    *,
    levels: int = 32,
    span: tuple[float, float] | None = None,
) -> Levels:
    """Return grey levels 1 to `levels` (int16, of the images' shape), 0 outside the masks.

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
    fixed = None if span is None else _given_range(span)
    found = np.empty(grey.shape, dtype=np.int16)
    count = max(1, CHUNK // int(np.prod(grey.shape[1:])))
    for i in range(0, len(grey), count):
        part, region = grey[i : i + count], None if masks is None else masks[i : i + count]
        low, width = fixed or _own_range(part, region)
        steps = part - low
        steps /= width
        steps *= number
        found[i : i + count] = np.clip(steps, 0, number - 1, out=steps)  # of 0 and up: floor
        found[i : i + count] += 1
        if region is not None:
            found[i : i + count][~region] = 0
    return found


def _own_range(grey: Floats, region: Bools | None) -> tuple[Floats, Floats]:
    """Lowest value and range of each region; the range of a region of one value counts as 1."""
    axes = tuple(range(1, grey.ndim))
    inside = True if region is None else region
    low = grey.min(axis=axes, keepdims=True, where=inside, initial=np.inf)
    high = grey.max(axis=axes, keepdims=True, where=inside, initial=-np.inf)
    return low, np.where(high > low, high - low, 1.0)


def _given_range(span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"span is {span!r}; give its lower end first, in the unit of the images.")
    return low, high - low
