"""Shape of a region in a plane: what pyradiomics calls shape2D.

IBSI defines shape in three dimensions only; these are its definitions carried over to two.
"""

from typing import Final

import numpy as np
from scipy.spatial.distance import pdist
from skimage.measure import find_contours

from medlib.types import Bools, Floats

NAMES: Final = (
    "area",
    "pixel_area",
    "perimeter",
    "perimeter_to_area_ratio",
    "circularity",
    "maximum_diameter",
    "major_axis_length",
    "minor_axis_length",
    "elongation",
)


def shape(masks: Bools, spacing: tuple[float, float] = (1.0, 1.0)) -> dict[str, Floats]:
    """Return nine features of each region, n values each; lengths in the unit of `spacing`.

    `masks` are n x rows x columns, none empty; `spacing` is the distance of rows and of columns.
    The outline runs half-way between pixels inside and outside (marching squares). Circularity is
    1 for a disc and smaller for anything else. Axes are those of the ellipse with the same second
    moments; the elongation (minor over major, 1 for a disc) of a single pixel is 1.
    """
    values = np.array([of_mask(mask, np.asarray(spacing, dtype=np.float64)) for mask in masks])
    return {name: values[:, k] for k, name in enumerate(NAMES)}


def of_mask(mask: Bools, spacing: Floats) -> list[float]:
    """Return the features of one region, in the order of `NAMES`."""
    edge = np.pad(mask, 1).astype(np.float64)
    lines = find_contours(edge, 0.5)  # type: ignore[no-untyped-call]
    outlines = [line * spacing for line in lines]
    area = abs(sum(_signed_area(line) for line in outlines))
    perimeter = sum(float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in outlines)
    places = np.argwhere(mask) * spacing
    away = places - places.mean(axis=0)
    minor, major = 4 * np.sqrt(np.maximum(np.linalg.eigvalsh(away.T @ away / len(away)), 0))
    return [
        area,
        float(mask.sum() * spacing.prod()),
        perimeter,
        perimeter / area,
        2 * np.sqrt(np.pi * area) / perimeter,
        float(pdist(np.concatenate(outlines)).max()),
        major,
        minor,
        minor / major if major > 0 else 1.0,
    ]


def _signed_area(line: Floats) -> float:
    """Area within a closed line; holes run the other way round and count as negative."""
    r, c = line.T
    return 0.5 * float(np.sum(r[:-1] * c[1:] - r[1:] * c[:-1]))
