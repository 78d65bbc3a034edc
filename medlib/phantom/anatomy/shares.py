"""Which share of each pixel is filled by which substance: one picture that every scanner sees.

Scanners mix signals, not tissues: a pixel half fat, half liver has the mean of their signals, and
not the signal of a tissue of mean T1. So a patient is kept as shares, and each scanner mixes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from medlib.phantom.anatomy.geometry import Grid, Window, coverage
from medlib.phantom.anatomy.substances import Substance, values
from medlib.types import Floats, Integers

MARGIN_MM = 2.0


@dataclass
class Shares:
    """A slice, or a part of one, while it is painted: shares that add up to 1 in every pixel.

    x: 1 x columns, to the patient's left, and y: rows x 1, to the back, in mm. share: substances x
    rows x columns, in the order of `names` and `substances`; the first one fills all there is in
    the beginning.
    """

    pixel_mm: float
    x: Floats
    y: Floats
    names: tuple[str, ...]
    substances: tuple[Substance, ...]
    share: Floats

    @classmethod
    def of(cls, grid: Grid, names: Sequence[str], substances: Sequence[Substance]) -> "Shares":
        """A slice filled with the first substance."""
        share = np.zeros((len(names), grid.size, grid.size))
        share[0] = 1
        x, y = grid.axes()
        return cls(grid.pixel_mm, x[None, :], y[:, None], tuple(names), tuple(substances), share)

    def near(self, x: float, y: float, half: float) -> Self:
        """The square of half-width `half` mm round a point; what is painted there is painted here.

        A lesser organ need not be looked for in the whole slice.
        """
        columns = _between(self.x[0], x, half)
        rows = _between(self.y[:, 0], y, half)
        part = self.share[:, rows, columns]
        return replace(self, x=self.x[:, columns], y=self.y[rows], share=part)

    def paint(self, name: str, distance: Floats, *, amount: float = 1.0) -> None:
        """Fill what lies inside a surface (signed distance in mm) with a substance.

        `amount` is the share it takes there: the rest stays what it was.
        """
        where = self._close(distance)
        if where is None:
            return
        cover = amount * coverage(distance[where], self.pixel_mm)
        part = self.share[(slice(None), *where)]
        part *= 1 - cover
        part[self.names.index(name)] += cover

    def _close(self, distance: Floats) -> Window | None:
        """The rows and columns that a surface reaches, if any."""
        close = distance < MARGIN_MM
        rows, columns = np.flatnonzero(close.any(axis=1)), np.flatnonzero(close.any(axis=0))
        if not len(rows):
            return None
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def mixed(self, name: str) -> Floats:
        """Mean of one property over what fills each pixel: rows x columns."""
        return self.mix(values(self.substances, name))

    def mix(self, of_substance: Floats) -> Floats:
        """The mean of any number a substance: rows x columns. Summed in order, without a BLAS."""
        total = np.zeros(self.share.shape[1:])
        for weight, share in zip(of_substance, self.share, strict=True):
            total += weight * share
        return total

    @property
    def labels(self) -> Integers:
        """Index of the substance that fills most of each pixel."""
        return np.asarray(self.share.argmax(axis=0), dtype=np.int64)


@dataclass
class Attenuation(Shares):
    """A slice for X-rays alone: `share` holds one plane, the HU of what was painted so far.

    Of one property the mixture can be carried instead of its shares, in a fraction of the time:
    `mixed("hu")` of `Shares` is the same to rounding.
    """

    @classmethod
    def of(cls, grid: Grid, names: Sequence[str], substances: Sequence[Substance]) -> "Attenuation":
        """A slice filled with the first substance."""
        hu = np.full((1, grid.size, grid.size), float(substances[0].hu))
        x, y = grid.axes()
        return cls(grid.pixel_mm, x[None, :], y[:, None], tuple(names), tuple(substances), hu)

    def paint(self, name: str, distance: Floats, *, amount: float = 1.0) -> None:
        """See `Shares.paint`."""
        self.fill(float(self.substances[self.names.index(name)].hu), distance, amount=amount)

    def fill(self, hu: float | Floats, distance: Floats, *, amount: float = 1.0) -> None:
        """Fill what lies inside a surface with HU: one number, or one a pixel of this part."""
        where = self._close(distance)
        if where is None:
            return
        cover = amount * coverage(distance[where], self.pixel_mm)
        part = self.share[(0, *where)]
        part += cover * ((hu if isinstance(hu, float) else hu[where]) - part)

    @property
    def hu(self) -> Floats:
        """The slice: rows x columns, HU."""
        plane: Floats = self.share[0]
        return plane


def _between(axis: Floats, middle: float, half: float) -> slice:
    """The indices of an axis within `half` of the middle."""
    first, last = np.searchsorted(axis, (middle - half, middle + half))
    return slice(int(first), int(last))
