"""Coronary calcium by the method of Agatston, exact against its definition.

Agatston et al. 1990, J. Am. Coll. Cardiol. 15:827: in each slice of 3 mm, every connected region
of at least 130 HU and 1 mm2 counts its area in mm2 times a weight of 1 to 4 by its highest value.
Which vessel a region lies in is the caller's to say, by a mask.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from medlib.errors import InputError
from medlib.types import Floats, Integers, Masks, Volume

THRESHOLD_HU: Final = 130.0
LEAST_MM2: Final = 1.0
SLICE_MM: Final = 3.0
"""The thickness for which the score is defined."""
WEIGHTS: Final = (130.0, 200.0, 300.0, 400.0)
"""Highest HU from which a region weighs 1, 2, 3 and 4."""
RISK: Final = ("0", "1-10", "11-100", "101-400", ">400")
"""Classes of the score in common use."""
_ENDS: Final = (0.0, 10.0, 100.0, 400.0)
_TOUCHING: Final = np.ones((3, 3))  # corners count as touching


def agatston(
    hu: Volume, pixel_mm: tuple[float, float], *, slice_mm: float = SLICE_MM,
    mask: Masks | None = None,
) -> float:  # fmt: skip
    """Return the Agatston score of slices x rows x columns; mask: pixels that may count.

    pixel_mm: (rows, columns). The score of slices of another thickness is scaled by thickness / 3
    mm, as is usual, and is then no more than close to the definition. Raises InputError for shapes
    and sizes that fit nothing, and for values that are no numbers.
    """
    area, highest = _regions(hu, pixel_mm, slice_mm, mask)
    counts = area >= LEAST_MM2 - 1e-9
    return float((area[counts] * weight(highest[counts])).sum() * slice_mm / SLICE_MM)


def weight(highest: ArrayLike) -> Integers:
    """Return the weight of regions by their highest value in HU: 0 below 130, then 1 to 4."""
    return np.searchsorted(WEIGHTS, np.asarray(highest, dtype=float), side="right").astype(np.int64)


def risk_class(score: ArrayLike) -> Integers:
    """Return the class of each score as an index into `RISK`; 0 to 1, ends excluded, is "1-10"."""
    values = np.asarray(score, dtype=float)
    if not np.all(values >= 0):
        raise InputError("A calcium score is below 0, or no number; give scores from 0.")
    return np.searchsorted(_ENDS, values, side="left").astype(np.int64)


def _regions(
    hu: Volume, pixel_mm: tuple[float, float], slice_mm: float, mask: Masks | None
) -> tuple[Floats, Floats]:
    """Area in mm2 and highest HU of each connected region, slice by slice."""
    if hu.ndim != 3:
        raise InputError(f"hu is {hu.shape}; it must be slices x rows x columns.")
    if mask is not None and mask.shape != hu.shape:
        raise InputError(f"The mask is {mask.shape}, the slices are {hu.shape}: make them alike.")
    if len(pixel_mm) != 2 or not all(0 < size < np.inf for size in (*pixel_mm, slice_mm)):
        raise InputError(f"pixel_mm is {pixel_mm} and slice_mm {slice_mm}: all must be above 0.")
    if not np.isfinite(hu).all():
        raise InputError("The slices hold NaN or infinity, which has no density; give numbers.")
    bright = hu >= THRESHOLD_HU
    if mask is not None:
        bright &= np.asarray(mask, dtype=bool)
    areas: list[Floats] = [np.zeros(0)]
    peaks: list[Floats] = [np.zeros(0)]
    for own, values in zip(bright, hu, strict=True):
        labels, number = ndimage.label(own, structure=_TOUCHING)
        pixels = np.bincount(labels.ravel(), minlength=number + 1)[1:]
        highest = ndimage.maximum(values, labels, np.arange(1, number + 1))
        areas.append(pixels.astype(np.float64) * (pixel_mm[0] * pixel_mm[1]))
        peaks.append(np.asarray(highest, dtype=np.float64).reshape(-1))
    return np.concatenate(areas), np.concatenate(peaks)
