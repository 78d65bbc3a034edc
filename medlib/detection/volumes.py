"""Volumes with a spacing in mm, and cubes cut from them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import ndimage

from medlib.errors import InputError
from medlib.types import Floats, Mask, Volume

Spacing = Sequence[float]
"""(dz, dy, dx) in mm."""

THICKEST_MM: Final = 5.0
"""Slices thicker than this hold a small nodule in one or two of them: there is no third axis."""
ALIKE: Final = 1e-3
"""How far, relative, the spacings of an isotropic volume may differ."""


def check(volume: Volume, spacing: Spacing) -> None:
    """Raise InputError unless the volume has three axes, finite values and a spacing each."""
    if volume.ndim != 3:
        raise InputError(f"The volume has shape {volume.shape}: give slices x rows x columns.")
    known = len(spacing) == 3 and all(s is not None and np.isfinite(s) and s > 0 for s in spacing)
    if not known:
        raise InputError(
            f"The spacing of a volume of shape {volume.shape} is {tuple(spacing)}: give (dz, dy, "
            "dx), all above 0 mm; without it nothing has a size."
        )
    if not np.isfinite(volume).all():
        raise InputError(f"The volume of shape {volume.shape} holds NaN or infinity: remove it.")


def isotropic(volume: Volume, spacing: Spacing, to_mm: float = 2.0) -> Volume:
    """Return the volume on a grid of `to_mm` along every axis, by linear interpolation.

    The middle of the first voxel stays where it is, so positions in mm stay the same. Raises
    InputError for a spacing that is missing, and for slices thicker than `THICKEST_MM`.
    """
    check(volume, spacing)
    if max(spacing) > THICKEST_MM:
        raise InputError(
            f"The spacing {tuple(float(s) for s in spacing)} mm is too anisotropic to look for "
            f"nodules: give slices of {THICKEST_MM:g} mm or thinner."
        )
    shape = [
        int((n - 1) * s / to_mm + 1e-6) + 1 for n, s in zip(volume.shape, spacing, strict=True)
    ]
    scale = [to_mm / s for s in spacing]
    moved: Volume = ndimage.affine_transform(
        np.asarray(volume, np.float32), scale, output_shape=shape, order=1, mode="nearest"
    )
    return moved


def check_isotropic(volume: Volume, spacing: Spacing) -> float:
    """Return the one spacing in mm; InputError where the axes have several."""
    check(volume, spacing)
    if max(spacing) - min(spacing) > ALIKE * max(spacing):
        raise InputError(
            f"The spacing {tuple(float(s) for s in spacing)} mm is anisotropic: resample the "
            "volume with `isotropic` first."
        )
    return float(spacing[0])


def check_mask(volume: Volume, mask: Mask) -> None:
    """Raise InputError unless the mask has the volume's shape and holds something."""
    if mask.shape != volume.shape:
        raise InputError(
            f"The mask has shape {mask.shape} and the volume {volume.shape}: give both on one grid."
        )
    if not mask.any():
        raise InputError(f"The mask of shape {mask.shape} is empty: there is nowhere to look.")


def cubes(volume: Volume, centres: Floats, size: int) -> Volume:
    """Return n x size x size x size float32 cut round voxels (n x 3), what lies outside repeated.

    The voxel itself is at index size // 2. Raises InputError where there are no centres.
    """
    if len(centres) == 0:
        raise InputError("There is no candidate to cut out: lower the threshold of detection.")
    half = size // 2
    padded = np.pad(np.asarray(volume, np.float32), half + 1, mode="edge")
    first = np.rint(centres).astype(int) + 1
    return np.stack([padded[z : z + size, y : y + size, x : x + size] for z, y, x in first])
