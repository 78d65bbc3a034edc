"""Hand-made features: numbers computed from an image by a formula that someone wrote down.

Names and definitions follow the Image Biomarker Standardisation Initiative (IBSI; Zwanenburg et
al. 2020), which published a digital phantom with the values that software should give for it;
the tests compare with them. Texture matrices of a whole cohort are counted at once.

>>> import numpy as np
>>> images = np.arange(2 * 32 * 32, dtype=float).reshape(2, 32, 32) % 7
>>> extract(images, families=["glcm"], levels=8).shape
(2, 25)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.features.checks import (
    Levels,
    check_neighbours,
    checked_images,
    checked_levels,
    checked_masks,
)
from medlib.features.discretise import discretise
from medlib.features.glcm import glcm
from medlib.features.intensity import intensity
from medlib.features.matrices import cooccurrences
from medlib.features.patterns import hog, lbp, wavelet
from medlib.features.shape import shape
from medlib.features.sizes import glrlm, glszm
from medlib.types import Bools, Floats

__all__ = [
    "FAMILIES",
    "cooccurrences",
    "discretise",
    "extract",
    "glcm",
    "glrlm",
    "glszm",
    "hog",
    "intensity",
    "lbp",
    "shape",
    "wavelet",
]

FINE_LEVELS: Final = 256
"""Grey levels that local binary patterns are read from."""
BLOCK: Final = 1 << 18
"""Pixels whose features are computed at once: more would wait for memory."""
KEPT: Final = 1 << 24
"""Bytes, more than any array that a block needs."""


@dataclass(frozen=True)
class _Cases:
    """What features are computed from."""

    images: Floats
    masks: Bools
    levels: int
    span: tuple[float, float] | None
    merged: bool
    spacing: tuple[float, float]

    @cached_property
    def grey(self) -> Levels:
        return self.discretised(self.levels)

    def discretised(self, levels: int) -> Levels:
        masks = None if self.masks.all() else self.masks  # quicker
        return discretise(self.images, masks, levels=levels, span=self.span)


_FAMILIES: Final[dict[str, Callable[[_Cases], dict[str, Floats]]]] = {
    "intensity": lambda c: intensity(c.images, c.masks, c.grey, c.levels),
    "glcm": lambda c: glcm(c.grey, c.levels, merged=c.merged),
    "glrlm": lambda c: glrlm(c.grey, merged=c.merged),
    "glszm": lambda c: glszm(c.grey),
    "lbp": lambda c: lbp(c.discretised(FINE_LEVELS)),
    "hog": lambda c: hog(c.images),
    "wavelet": lambda c: wavelet(c.images),
    "shape": lambda c: shape(c.masks, c.spacing),
}
FAMILIES: Final = tuple(_FAMILIES)
"""Families of features by name; shape needs masks."""


def extract(
    images: ArrayLike,
    masks: ArrayLike | None = None,
    *,
    families: Sequence[str] | None = None,
    levels: int = 32,
    span: tuple[float, float] | None = None,
    merged: bool = True,
    spacing: tuple[float, float] = (1.0, 1.0),
) -> pd.DataFrame:
    """Return the features, one row an image, columns named FAMILY_FEATURE, all finite float64.

    `images` are n x height x width, in any unit. `masks` (same shape, 0 and 1) choose the pixels
    that intensity, texture and patterns are computed from; gradients and wavelets use the whole
    image. Without `families` all are computed, shape only where there are masks. `levels` and
    `span` as in `discretise`, `merged` as in `glcm`, `spacing` (rows, columns) as in `shape`.

    Raises InputError, before anything is computed, for images or masks that cannot be used, and
    for a family that does not exist.
    """
    stack = checked_images(images)
    wanted = _wanted(families, masks is not None)
    region = checked_masks(masks, stack.shape)
    if masks is not None and "glcm" in wanted:
        check_neighbours(region)
    number, count = checked_levels(levels), max(1, BLOCK // stack[0].size)
    _keep_memory()
    parts = []
    for i in range(0, len(stack), count):
        few = slice(i, i + count)
        parts.append(
            _columns(_Cases(stack[few], region[few], number, span, merged, spacing), wanted)
        )
    return pd.DataFrame({name: np.concatenate([p[name] for p in parts]) for name in parts[0]})


def _keep_memory() -> None:
    """Let each block use the memory of the one before.

    The C library of Linux gives large arrays back to the system when they are freed, and getting
    them anew takes a third of the time, until it has seen a larger one freed: mallopt(3),
    M_MMAP_THRESHOLD. Elsewhere this does nothing.
    """
    np.empty(KEPT, dtype=np.uint8)


def _columns(cases: _Cases, wanted: Sequence[str]) -> dict[str, Floats]:
    return {
        f"{family}_{name}": values
        for family in wanted
        for name, values in _FAMILIES[family](cases).items()
    }


def _wanted(families: Sequence[str] | None, with_masks: bool) -> list[str]:
    if families is None:
        return [family for family in FAMILIES if with_masks or family != "shape"]
    unknown = [family for family in families if family not in FAMILIES]
    if unknown:
        raise InputError(
            f"There is no family of features '{unknown[0]}'; choose from {', '.join(FAMILIES)}."
        )
    if "shape" in families and not with_masks:
        raise InputError("Shape is that of a region; give masks, or leave the family out.")
    return list(families)
