"""Lesions measured twice: longest diameter, volume, and the response they stand for.

RECIST 1.1 (Eisenhauer et al. 2009, Eur. J. Cancer 45:228): longest diameters in the plane of a
slice are added up; progression is a growth of at least 20 % over the smallest sum so far and of at
least 5 mm, partial response a shrinkage of at least 30 % from the first sum. Only target lesions
are judged here: new lesions and other lesions, which count too, are for the reader.
"""

from typing import Final

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from medlib.errors import InputError
from medlib.types import Bools, Floats, Masks

RESPONSES: Final = ("complete response", "partial response", "stable", "progression")
GROWTH, LEAST_MM, SHRINKAGE = 0.2, 5.0, 0.3
VOLUME_GROWTH: Final = round((1 + GROWTH) ** 3 - 1, 3)
"""By how much a ball's volume grows when its diameter grows by 20 %: 73 %."""


def longest_diameter(mask: Masks, pixel_mm: tuple[float, float]) -> float:
    """Return the longest distance in mm, from outer edge to outer edge, in any one slice.

    mask: slices x rows x columns; pixel_mm: (rows, columns). Raises InputError for an empty mask.
    """
    _check(mask, pixel_mm)
    return max(_diameter(own, pixel_mm) for own in mask if own.any())


def volume(mask: Masks, pixel_mm: tuple[float, float], slice_mm: float) -> float:
    """Return the volume in mm3 of a mask, slices x rows x columns."""
    _check(mask, (*pixel_mm, slice_mm))
    return float(np.count_nonzero(mask) * np.prod(pixel_mm) * slice_mm)


def response(first: float, smallest: float, now: float) -> str:
    """Return the response of target lesions from sums of diameters in mm; see `RESPONSES`.

    first: before treatment; smallest: so far, `first` included; now. Progression comes before a
    partial response, and what had gone and is back has progressed, however small (Appendix III).
    Raises InputError for a first sum that is not above 0, sums below 0 and a smallest one above the
    first.
    """
    if not (0 <= smallest <= first and 0 < first < np.inf and 0 <= now < np.inf):
        raise InputError(
            f"Sums of diameters are {first}, {smallest} and {now} mm: the first is above 0, none "
            "is below 0, and the smallest so far is at most the first."
        )
    if progressed(smallest, now) or smallest == 0 < now:
        return RESPONSES[3]
    if now == 0:
        return RESPONSES[0]
    return RESPONSES[1] if now <= (1 - SHRINKAGE) * first + 1e-9 else RESPONSES[2]


def progressed(before: float | Floats, now: float | Floats) -> bool | Bools:
    """Return whether sums of diameters in mm grew by at least 20 % and by at least 5 mm."""
    grown = np.asarray(now) - np.asarray(before)
    called = (grown >= GROWTH * np.asarray(before) - 1e-9) & (grown >= LEAST_MM - 1e-9)
    return bool(called) if called.ndim == 0 else called


def _diameter(own: Masks, pixel_mm: tuple[float, float]) -> float:
    """Of one slice: between corners of pixels, of which only the hull can be the farthest."""
    rows, columns = np.nonzero(own)
    corners = np.concatenate(
        [np.column_stack([rows + a, columns + b]) for a in (0, 1) for b in (0, 1)]
    ) * np.asarray(pixel_mm)
    return float(pdist(corners[ConvexHull(corners).vertices]).max())


def _check(mask: Masks, sizes: tuple[float, ...]) -> None:
    if mask.ndim != 3:
        raise InputError(f"The mask is {mask.shape}; it must be slices x rows x columns.")
    if not mask.any():
        raise InputError("The mask is empty: there is no lesion to measure.")
    if not all(0 < size < np.inf for size in sizes):
        raise InputError(f"Pixels and slices measure {sizes} mm: all must be above 0.")
