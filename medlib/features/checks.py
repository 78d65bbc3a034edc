"""What hand-made features need of images and masks, checked before anything is computed."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medlib.errors import InputError
from medlib.types import Bools, Floats

Levels = NDArray[np.integer[Any]]

MOST_LEVELS: Final = 256


def checked_images(images: ArrayLike) -> Floats:
    """Return images as n x height x width float64.

    Raises InputError for another shape, for no pixels, and for NaN or infinity.
    """
    stack = np.asarray(images, dtype=np.float64)
    if stack.ndim != 3 or not stack.size:
        raise InputError(
            f"Images have the shape {stack.shape}; give n x height x width, one channel each."
        )
    with np.errstate(all="ignore"):
        suspects = np.flatnonzero(~np.isfinite(stack.sum(axis=(1, 2))))  # or values of 1e308
    bad = [k for k in suspects if not np.isfinite(stack[k]).all()]
    if bad:
        raise InputError(f"Image {bad[0]} holds NaN or infinity; repair it or leave it out.")
    return stack


def checked_masks(masks: ArrayLike | None, shape: tuple[int, ...]) -> Bools:
    """Return masks as booleans of the images' shape; all True where there are none.

    Raises InputError for masks of another shape, for values other than 0 and 1 and for an empty
    region.
    """
    if masks is None:
        return np.broadcast_to(np.True_, shape)  # takes no memory
    found = np.asarray(masks)
    if found.shape != shape:
        raise InputError(
            f"Masks of shape {found.shape} do not match images of shape {shape}; give one mask an "
            "image, of the same height and width."
        )
    region = found.astype(bool)
    if found.dtype != bool and not np.array_equal(found, region):
        raise InputError("A mask holds values other than 0 and 1; compare it with one label first.")
    empty = np.flatnonzero(~region.reshape(len(region), -1).any(axis=1))
    if len(empty):
        raise InputError(
            f"The mask of image {empty[0]} is empty; outline a region or leave it out."
        )
    return region


def check_neighbours(region: Bools) -> None:
    """Raise InputError where a region has no two neighbouring pixels (of eight)."""
    below = region[:, 1:] & region[:, :-1]
    beside = region[:, :, 1:] & region[:, :, :-1]
    falling = region[:, 1:, 1:] & region[:, :-1, :-1]
    rising = region[:, 1:, :-1] & region[:, :-1, 1:]
    texture = [pairs.any(axis=(1, 2)) for pairs in (below, beside, falling, rising)]
    lonely = np.flatnonzero(~np.any(texture, axis=0))
    if len(lonely):
        raise InputError(
            f"The region of image {lonely[0]} has no two neighbouring pixels, so no texture; "
            "outline a larger one."
        )


def checked_levels(levels: int) -> int:
    """Return the number of grey levels; InputError unless it is a whole number of 2 to 256."""
    if not isinstance(levels, int | np.integer) or not 2 <= levels <= MOST_LEVELS:
        raise InputError(f"levels is {levels!r}; give a whole number of 2 to {MOST_LEVELS}.")
    return int(levels)
