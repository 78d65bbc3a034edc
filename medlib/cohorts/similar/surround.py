"""What an image shows, apart from an even surround: the black around a round photograph."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from medlib.types import Image, Mask

SURROUND: Final = 0.02
"""Grey levels within this share of an image's range, and joined to its edge, are surround."""
RIM_OF_MASK: Final = 3
"""Thumbnail pixels next to the surround that do not count: a mask's edge is in all its images."""
SHOWN: Final = 0.1
"""Least share of the frame to compare inside; with less left, the whole frame has to do."""


def content(image: Image) -> Mask:
    """Return where an image (h x w) shows something: not its even surround, nor that one's rim.

    All of it where nothing even reaches the edge.
    """
    near = SURROUND * float(np.ptp(image))
    surround = np.zeros(image.shape, bool)
    for level in (image.min(), image.max()):
        parts, _ = ndimage.label(np.abs(image - level) <= near)
        edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        surround |= np.isin(parts, edge[edge > 0])
    shown: Mask = ~ndimage.binary_dilation(surround, iterations=RIM_OF_MASK)
    return shown
