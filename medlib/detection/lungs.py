"""Where the lungs are: air inside the body, closed over vessels and nodules at its edge."""

from typing import Final

import numpy as np
from scipy import ndimage

from medlib.detection.volumes import Spacing, check_isotropic
from medlib.errors import InputError
from medlib.types import Mask, Volume

AIR_BELOW_HU: Final = -400.0
"""What is darker is air or lung."""
SMALLEST_ML: Final = 40.0
"""Smaller pockets of air are bowel or airway."""
CLOSED_MM: Final = 10.0
"""Gaps up to this radius are closed: vessels, and nodules that touch the pleura."""


def segment(hu: Volume, spacing: Spacing) -> Mask:
    """Return the mask of the lungs, same shape as the isotropic volume.

    Air that touches the left, right, front or back of the field is outside the body. Raises
    InputError where no lung is found. Method: thresholding and morphology (Hu, Hoffman and
    Reinhardt, IEEE Trans Med Imaging 2001;20:490).
    """
    step = check_isotropic(hu, spacing)
    air = hu < AIR_BELOW_HU
    inside = air & ~_outside(air)
    parts, _ = ndimage.label(inside)
    size = np.bincount(parts.ravel()) * step**3 / 1000
    size[0] = 0
    lungs = (size >= SMALLEST_ML)[parts]
    if not lungs.any():
        raise InputError(
            f"No lung of {SMALLEST_ML:g} ml or more in a volume of shape {hu.shape} at {step:g} "
            "mm: give a chest CT in HU."
        )
    return _closed(lungs, round(CLOSED_MM / step))


def _outside(air: Mask) -> Mask:
    """Air that touches the edge of the field, also where the chest wall is a voxel thin."""
    parts, _ = ndimage.label(ndimage.binary_erosion(air, border_value=1))
    edges = [parts[:, 0], parts[:, -1], parts[:, :, 0], parts[:, :, -1]]
    touching = np.unique(np.concatenate([each.ravel() for each in edges]))
    return np.asarray(ndimage.binary_dilation(np.isin(parts, touching[touching > 0]), iterations=2))


def _closed(mask: Mask, radius: int) -> Mask:
    """Dilated and eroded by a ball, by distances, and holes of each slice filled."""
    room = np.pad(mask, radius + 1)
    grown = ndimage.distance_transform_edt(~room) <= radius
    shrunk = ndimage.distance_transform_edt(grown) > radius
    inner = (slice(radius + 1, -radius - 1),) * 3
    closed = shrunk[inner] | mask
    return np.stack([ndimage.binary_fill_holes(each) for each in closed])
