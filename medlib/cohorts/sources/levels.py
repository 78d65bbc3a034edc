"""The grey levels that a source's files hold, and which of them count as black and white.

The scale of images is a property of their files. It is decided once, by the extremes of all files
of a source as stored, and no resizing or choice of images changes it. Equal pixels get an equal
scale whatever container they are in: 12 bits in a 16-bit PNG are 12 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import names
from medlib.errors import InputError
from medlib.imaging import FULL_SCALES, LUNG_RANGE, grey_range
from medlib.types import Array, Image

COLUMNS: Final = ("low", "high", "bright", "container")
"""Of each image: extremes, level of its bright parts, and how the file stores pixels."""
GRID: Final = 64
"""Rows and columns, about, that the level of bright parts is taken from."""
BRIGHT: Final = 99
"""Percentile of an image's levels that stands for its bright parts."""
DARK: Final = 1 / 8
"""Share of white below which the bright parts of the median image are called dark."""


class Stored(NamedTuple):
    """How a file stores pixels, and extremes of all it holds, where they go beyond the image.

    An image is one slice of a volume, and the luma of a colour is below its brightest channel.
    """

    container: str = ""
    low: float = np.inf
    high: float = -np.inf

    @classmethod
    def of(cls, values: Array) -> Stored:
        """Return it for the stored values of a file, of any shape."""
        kind = "floating-point" if values.dtype.kind == "f" else f"{8 * values.dtype.itemsize} bits"
        if values.dtype.itemsize == 1 or not values.size:
            return cls(kind)  # white is 255
        return cls(kind, float(values.min()), float(values.max()))


@dataclass(frozen=True)
class Scale:
    """Which grey levels count as black and white; units in words; notes to the reader.

    `factors`: what the values of each container are multiplied by; empty where nothing is.
    """

    black_white: tuple[float, float]
    units: str
    notes: tuple[str, ...] = ()
    factors: Mapping[str, float] = field(default_factory=dict)


def measure(image: Image, stored: Stored = Stored()) -> dict[str, Any]:  # noqa: B008, immutable
    """Return what is to be known of one image's levels: a value for each of `COLUMNS`."""
    step = max(1, min(image.shape) // GRID)
    ends = np.percentile(image[::step, ::step], [100 - BRIGHT, BRIGHT])
    low, high = min(float(image.min()), stored.low), max(float(image.max()), stored.high)
    facts = (low, high, float(np.abs(ends).max()), stored.container)
    return dict(zip(COLUMNS, facts, strict=True))


def settle(
    levels: pd.DataFrame,
    *,
    units: str | None = None,
    full_scale: float | str | None = None,
    rest: str = "",
) -> Scale:
    """Return the scale of the images whose `measure` stands in the rows of ``levels``.

    ``units="HU"``: the lung window. ``full_scale``: what counts as white, where a reader knows
    better than the files. ``rest`` is added to the units in words. Raises InputError for a
    full_scale that is no number above 0 or is given for HU, and for containers that have no
    common scale.
    """
    if units == "HU" and full_scale is not None:
        raise InputError(
            "full_scale says which grey level is white, and these images are in Hounsfield units, "
            "which the lung window scales: leave it out."
        )
    if units == "HU":
        return Scale(LUNG_RANGE, "HU")
    levels, factors, mixed = _one_scale(levels)
    low, high = float(levels.low.min()), float(levels.high.max())
    black, white = grey_range(low, high)
    beyond: tuple[str, ...] = ()
    if full_scale is not None:
        white = _number(full_scale)
        black = -white if black < 0 else 0.0
        beyond = _beyond(levels, black, white)
    words = units or (f"grey level 0-{white:g}" if black == 0 else f"values {black:g} to {white:g}")
    notes = (*mixed, *_said(low, high, black, white, full_scale), *beyond)
    return Scale((black, white), words + rest, notes + _dark(levels, white), factors)


def _number(given: float | str) -> float:
    try:
        white = float(given)
    except ValueError:
        white = 0.0
    if not 0 < white < np.inf:
        raise InputError(f"full_scale is {given!r}: give the grey level of white, such as 4095.")
    return white


def _one_scale(
    levels: pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, float], tuple[str, ...]]:
    """Bring the levels of several containers to that with the highest white."""
    ends = {
        str(kind): grey_range(float(some.low.min()), float(some.high.max()))
        for kind, some in levels.groupby("container")
    }
    if len(set(ends.values())) == 1:
        return levels, {}, ()
    if any(black < 0 for black, _ in ends.values()):
        raise InputError(
            f"Files with values below 0 are mixed with others ({names(ends)}): convert all of them "
            "to one kind."
        )
    top = max(white for _, white in ends.values())
    factors = {kind: top / white for kind, (_, white) in ends.items()}
    factor = levels.container.map(factors)
    scaled = levels.assign(**{c: levels[c] * factor for c in ("low", "high", "bright")})
    told = ", ".join(f"{kind} (white {white:g})" for kind, (_, white) in sorted(ends.items()))
    note = (
        f"Files of different kinds are mixed: {told}; each kind is scaled to white {top:g}. If "
        "the kind goes with the class, it gives the class away."
    )
    return scaled, factors, (note,)


def _said(
    low: float, high: float, black: float, white: float, full_scale: float | str | None
) -> tuple[str, ...]:
    if black == 0 and white == FULL_SCALES[1]:
        return ()
    held = f"All files together hold grey levels from {low:.6g} to {high:.6g}"
    why = "as given with full_scale" if full_scale is not None else "by a fixed rule"
    if black < 0:
        return (
            f"{held}: {black:g} counts as black and {white:g} as white, {why}. If they are "
            "Hounsfield units of CT, add ?units=HU to the cohort's name.",
        )
    return (f"{held}: 0 counts as black and {white:g} as white, {why}.",)


def _beyond(levels: pd.DataFrame, black: float, white: float) -> tuple[str, ...]:
    clipped = int(((levels.high > white) | (levels.low < black)).sum())
    if not clipped:
        return ()
    return (f"{clipped} of {len(levels)} images hold levels beyond full_scale: they are clipped.",)


def _dark(levels: pd.DataFrame, white: float) -> tuple[str, ...]:
    share = float(levels.bright.median()) / white
    if share >= DARK:
        return ()
    better = grey_range(0, float(levels.bright.max()))[1]
    hint = f", such as ?full_scale={better:g}" if better < white else ""
    return (
        f"These images use a small part of their scale: in half of them 99 of 100 pixels lie below "
        f"{share:.1%} of white ({white:g}). On a fixed scale they are nearly black, in figures as "
        "for features and networks: look at how they were exported, or say which level is white "
        f"with ?full_scale=NUMBER after the cohort's name{hint}.",
    )
