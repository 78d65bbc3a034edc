"""How large a nodule is in a volume, and how fast it grows between two dates."""

from typing import Final

import numpy as np
from scipy import ndimage

from medlib.detection.volumes import Spacing, check
from medlib.errors import InputError
from medlib.types import Floats, Volume

FINE_MM: Final = 1.0
"""Grid on which a volume is measured."""
SEED_MM: Final = 3.0
"""The nodule is brightest within this distance of the place that is given."""


def volume_mm3(hu: Volume, spacing: Spacing, centre_mm: Floats, reach_mm: float = 16.0) -> float:
    """Return the volume in mm3 of what is bright round a place (z, y, x in mm).

    What is nearer to the nodule's own level than to that of the lung round it, and hangs together,
    is the nodule; the voxels of its edge count by how bright they are. `reach_mm` bounds it.
    Raises InputError for a place outside, and where nothing is brighter than the lung there.
    """
    check(hu, spacing)
    if np.shape(centre_mm) != (3,) or not np.isfinite(centre_mm).all():
        raise InputError(f"The place {centre_mm} is none: give (z, y, x) in mm.")
    axis = np.arange(-reach_mm, reach_mm + FINE_MM / 2, FINE_MM)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))
    at = (grid + np.reshape(centre_mm, (3, 1, 1, 1))) / np.reshape(spacing, (3, 1, 1, 1))
    extent = (np.asarray(hu.shape) - 1) * np.asarray(spacing)
    if (np.asarray(centre_mm) < 0).any() or (np.asarray(centre_mm) > extent).any():
        raise InputError(
            f"The place {np.round(centre_mm, 1).tolist()} mm lies outside the volume of "
            f"{np.round(extent, 1).tolist()} mm: give (z, y, x) from its first voxel."
        )
    cube = ndimage.map_coordinates(np.minimum(hu, 100.0), at, order=1, mode="nearest")
    away = np.sqrt((grid**2).sum(axis=0))
    lung = float(np.percentile(cube[away <= reach_mm], 25))
    level = float(np.percentile(cube[away <= SEED_MM], 75))
    if not level > lung + 50:
        raise InputError(
            f"Nothing at {np.round(centre_mm, 1).tolist()} mm is brighter than the lung round it "
            f"({lung:.0f} HU): give the centre of a nodule."
        )
    share = np.clip((cube - lung) / (level - lung), 0, 1)
    parts, _ = ndimage.label((share > 0.5) & (away <= _reach(share, away, reach_mm)))
    numbers = parts[(away <= SEED_MM) & (parts > 0)]
    body = parts == np.bincount(numbers).argmax()
    cut = ndimage.binary_opening(body, ndimage.generate_binary_structure(3, 1))  # thin vessels off
    body = cut if cut.any() else body
    edge = ndimage.binary_dilation(body)
    return float((share * edge)[edge].sum() * FINE_MM**3)


def _reach(share: Floats, away: Floats, most_mm: float) -> float:
    """How far the nodule may reach in mm: half as far again as its mean profile stays above 1/2.

    What is beyond is a vessel or the wall of the chest.
    """
    shell = np.rint(away).astype(int)
    profile = np.bincount(shell.ravel(), share.ravel()) / np.bincount(shell.ravel())
    below = np.flatnonzero(profile < 0.5)
    radius = float(max(below[0] if len(below) else most_mm, 1))
    return min(1.5 * radius + 1, most_mm)


def doubling_days(first_mm3: float, second_mm3: float, days: float) -> float:
    """Return the volume doubling time in days; negative where it shrinks, infinite where neither.

    Growth is taken to be exponential: days * ln 2 / ln(second / first) (Schwartz, Cancer
    1961;14:1272). Raises InputError for a volume or an interval that is not above 0.

    >>> doubling_days(100, 200, 90)
    90.0
    """
    if not all(0 < number < np.inf for number in (first_mm3, second_mm3, days)):
        raise InputError(
            f"Volumes {first_mm3:g}, {second_mm3:g} mm3 and {days:g} days: give numbers above 0."
        )
    ratio = float(np.log2(second_mm3 / first_mm3))
    return days / ratio if ratio else float("inf")
