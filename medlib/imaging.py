"""From pixels to network input: window, resize, resample, crop, normalise.

Every function here is pure. What has to be learned from data is learned once, by
:meth:`Normaliser.fit` on training images, and then applied to any image.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from medlib.errors import InputError
from medlib.types import Image, Images

LUNG_WINDOW: Final = (-600.0, 1500.0)
"""Centre and width in HU: -1350 to 150."""
SOFT_TISSUE_WINDOW: Final = (40.0, 400.0)
"""Centre and width in HU: -160 to 240."""
LUNG_RANGE: Final = (LUNG_WINDOW[0] - LUNG_WINDOW[1] / 2, LUNG_WINDOW[0] + LUNG_WINDOW[1] / 2)
"""The same in HU from black to white."""
FULL_SCALES: Final = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""Largest grey level of fractions, and of 8, 10, 12, 14 and 16 bits."""
ROUNDING: Final = 1e-5
"""How far stored floating-point levels may exceed their scale, relative: somebody's resizing."""


def window(hu: npt.ArrayLike, centre: float, width: float) -> Images:
    """Map ``centre - width / 2 .. centre + width / 2`` to 0..1 and clip the rest.

    Any shape, HU in (or any grey level), float32 of the same shape out. This is the linear exact
    function of DICOM (PS3.3 C.11.2.1.3.2). Raises InputError if the width is not positive.

    >>> window([-1350.0, -600.0, 3000.0], *LUNG_WINDOW).tolist()
    [0.0, 0.5, 1.0]
    """
    if not width > 0:
        raise InputError(f"A window is {width:g} wide: give a width above 0, in HU.")
    grey = np.asarray(hu, dtype=np.float32)
    low = np.float32(centre - width / 2)
    shown: Images = np.clip((grey - low) / np.float32(width), 0, 1)
    return shown


def grey_range(low: float, high: float) -> tuple[float, float]:
    """Return the grey levels that count as black and white, by the extremes of what files hold.

    From 0 to the smallest of `FULL_SCALES` (beyond them, of 2**k - 1) that holds ``high``. With
    levels below 0, such as z-scores, from -s to s, with s the smallest power of 2 that holds both.
    Take the extremes of all files of a source as stored: those of resized images, or of some
    images, are no property of the source.

    >>> grey_range(0, 3000), grey_range(-2.9, 5.1)
    ((0.0, 4095.0), (-8.0, 8.0))
    """
    if low < -ROUNDING * abs(high):
        s = 2.0 ** math.ceil(math.log2(max(-low, high)) - ROUNDING)
        return -s, s
    beyond = (2.0**k - 1 for k in itertools.count(17))
    scales = itertools.chain(FULL_SCALES, beyond)
    return 0.0, next(scale for scale in scales if high <= scale * (1 + ROUNDING))


def to_unit(images: npt.ArrayLike, black_white: tuple[float, float]) -> Images:
    """Scale grey levels to 0..1 by fixed numbers: nothing is learned from any image.

    ``black_white`` is `Cohort.grey_range`, which the files decide; what lies beyond is clipped. Any
    shape; float32 of the same shape out. Raises InputError if white is not above black.

    >>> to_unit([0, 51, 255], (0, 255)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    low, high = black_white
    return window(images, (low + high) / 2, high - low)


def resize(images: npt.ArrayLike, size: int | tuple[int, int]) -> Images:
    """Resize n x h x w (or one h x w) images to ``size``, antialiased.

    The filter is a triangle that widens with the reduction, so that every input pixel counts and
    nothing finer than the new grid folds back (the filter of Pillow's ``BILINEAR``). ``size`` is
    one number for a square or (rows, columns). Returns float32. The aspect ratio is the caller's:
    see :func:`pad_square`. Raises InputError if a side is below one pixel.
    """
    stack = np.asarray(images, dtype=np.float32)
    rows, columns = (size, size) if isinstance(size, int | np.integer) else size
    if min(rows, columns) < 1 or min(stack.shape[-2:]) < 1:
        raise InputError(
            f"Cannot resize images of {stack.shape[-2]} x {stack.shape[-1]} pixels to "
            f"{rows} x {columns}: give at least 1 pixel a side."
        )
    # torch's interpolate(antialias=True) is the same filter in float32, other by up to 1e-5: every
    # network's input would change, and this floor would need torch
    down = _triangle_filter(stack.shape[-2], int(rows))  # rows x h
    across = _triangle_filter(stack.shape[-1], int(columns)).T  # w x columns
    return np.ascontiguousarray(down @ stack @ across)


@lru_cache(maxsize=256)
def _triangle_filter(old: int, new: int) -> Image:
    """Weights, new x old, each row sums to one."""
    scale = old / new
    reach = max(scale, 1.0)  # enlarging interpolates, reducing averages
    centres = (np.arange(new) + 0.5) * scale
    distance = np.abs(np.arange(old) + 0.5 - centres[:, None]) / reach
    weights = np.maximum(0.0, 1.0 - distance)
    weights /= weights.sum(axis=1, keepdims=True)
    filter_ = weights.astype(np.float32)
    filter_.setflags(write=False)  # shared by the cache
    return filter_


def resample(image: npt.ArrayLike, spacing: tuple[float, float], to: float) -> Image:
    """Resize h x w pixels of ``spacing`` (rows, columns; mm) to square pixels of ``to`` mm.

    The result is rounded to whole pixels, so the field of view changes by less than half a pixel.
    Raises InputError if a spacing is not positive.
    """
    grey = np.asarray(image, dtype=np.float32)
    if not (min(spacing) > 0 and to > 0):
        raise InputError(f"Pixel spacing {spacing} to {to} mm: give spacings above 0 mm.")
    rows, columns = (
        max(1, round(n * s / to)) for n, s in zip(grey.shape[-2:], spacing, strict=True)
    )
    return resize(grey, (rows, columns))


def pad_square(image: npt.ArrayLike, fill: float | None = None) -> Image:
    """Pad one h x w image on both sides of its short axis to a square; the image stays central.

    ``fill`` defaults to the image's own minimum (air on CT, black on most pictures).
    """
    grey = np.asarray(image, dtype=np.float32)
    side = max(grey.shape)
    before = [(side - n) // 2 for n in grey.shape]
    value = grey.min() if fill is None else fill
    square = np.full((side, side), value, dtype=np.float32)
    square[before[0] : before[0] + grey.shape[0], before[1] : before[1] + grey.shape[1]] = grey
    return square


def crop(
    image: npt.ArrayLike,
    centre: tuple[float, float],
    size: float,
    *,
    spacing: tuple[float, float] | None = None,
    fill: float | None = None,
) -> Image:
    """Cut a square of ``size`` around ``centre`` (row, column) from one h x w image.

    In pixels; or in mm from the centre of the first pixel if ``spacing`` (rows, columns; mm) is
    given. What lies outside the image is ``fill``, by default the image's minimum. Raises
    InputError if the square does not touch the image.
    """
    grey = np.asarray(image, dtype=np.float32)
    pixel = spacing or (1.0, 1.0)
    shape = [round(size / p) for p in pixel]
    first = [round(c / p - (n - 1) / 2) for c, p, n in zip(centre, pixel, shape, strict=True)]
    source = [slice(max(f, 0), max(f + n, 0)) for f, n in zip(first, shape, strict=True)]
    inside = grey[source[0], source[1]]
    if inside.size == 0:
        raise InputError(
            f"A crop of {size:g} at {tuple(centre)} lies outside the image of "
            f"{grey.shape[0]} x {grey.shape[1]} pixels: move its centre into the image."
        )
    cut = np.full(shape, grey.min() if fill is None else fill, dtype=np.float32)
    start = [max(-f, 0) for f in first]
    cut[start[0] : start[0] + inside.shape[0], start[1] : start[1] + inside.shape[1]] = inside
    return cut


@dataclass(frozen=True)
class Normaliser:
    """Clip, then subtract a mean and divide by a standard deviation, all learned in ``fit``.

    Fit on training images only: statistics of the test images are information about them.
    """

    low: float
    high: float
    mean: float
    sd: float

    @classmethod
    def fit(
        cls, images: npt.ArrayLike, *, percentiles: tuple[float, float] = (0.5, 99.5)
    ) -> Normaliser:
        """Learn the clip range (percentiles of all pixels), and mean and SD after clipping.

        ``images`` of any shape, in any unit. Raises InputError for no pixels, a value that is not
        finite, or images that are all of one grey level.
        """
        grey = np.asarray(images, dtype=np.float32)
        if grey.size == 0:
            raise InputError("There are no training images to normalise by: give at least one.")
        if not np.isfinite(grey).all():
            raise InputError("A training image holds NaN or infinity: find and remove it.")
        low, high = (float(edge) for edge in np.percentile(grey, percentiles))
        if low == high:  # a small bright thing on an even ground lies beyond the percentiles
            low, high = float(grey.min()), float(grey.max())
        clipped = np.clip(grey, low, high)
        sd = float(clipped.std(dtype=np.float64))
        if low == high or sd == 0:
            raise InputError(
                f"All training pixels have the value {low:g}: there is nothing to learn from; "
                "check the images and the window."
            )
        return cls(low, high, float(clipped.mean(dtype=np.float64)), sd)

    def apply(self, images: npt.ArrayLike) -> Images:
        """Return images of the same shape in units of the training SD, float32."""
        clipped = np.clip(np.asarray(images, dtype=np.float32), self.low, self.high)
        return (clipped - np.float32(self.mean)) / np.float32(self.sd)
