"""Co-occurrences, runs and zones of a whole cohort, counted at once.

Grey levels come as n x (slices x) rows x columns, 1 and up, with 0 outside the region of
interest; each image is counted by itself. Everything works in two dimensions and in three.
"""

from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from medlib.features.checks import Floats, Levels

Integers = NDArray[np.int64]
Offset = tuple[int, ...]
Slices = tuple[slice, ...]

CHUNK: Final = 1 << 15
"""Pixels counted at a time: their codes stay in the processor's cache."""


class Sizes(NamedTuple):
    """Sparse matrices of grey level by size of run or zone: one entry a level and size."""

    matrix: Integers
    """The matrix an entry belongs to: an image, or an image and direction."""
    level: Integers
    size: Integers
    times: Integers
    """How often it occurs."""


def directions(dimensions: int) -> list[Offset]:
    """Return one of each pair of opposite neighbours: 4 directions in a plane, 13 in a volume."""
    every = product((-1, 0, 1), repeat=dimensions)
    return [offset for offset in every if offset > (0,) * dimensions]


def shifted(shape: tuple[int, ...], offset: Offset) -> tuple[Slices, Slices]:
    """Return slices of an image's pixels that have a neighbour at `offset`, and of these."""
    here = tuple(slice(max(0, -d), size - max(0, d)) for d, size in zip(offset, shape, strict=True))
    there = tuple(
        slice(max(0, d), size - max(0, -d)) for d, size in zip(offset, shape, strict=True)
    )
    return here, there


def cooccurrences(grey: Levels, levels: int, *, merged: bool = True) -> Floats:
    """Return symmetric counts of neighbouring levels at distance 1 (Chebyshev).

    n x levels x levels with directions merged, else n x directions x levels x levels.
    """
    count = max(1, CHUNK // int(np.prod(grey.shape[1:])))
    parts = [_pairs(grey[i : i + count], levels, merged) for i in range(0, len(grey), count)]
    counts = np.concatenate(parts)
    return counts + counts.swapaxes(-1, -2)


def _pairs(grey: Levels, levels: int, merged: bool) -> Floats:
    """Counts of (level, neighbour's level): a number for each pair, and how often it occurs."""
    values = levels + 1  # 0, outside, is counted too and dropped: quicker than to leave it out
    cells = values * values
    other = grey.astype(np.int64)
    own = (np.arange(len(grey)) * cells).reshape(-1, *(1,) * (grey.ndim - 1)) + other * values
    found = []
    for offset in directions(grey.ndim - 1):
        here, there = shifted(grey.shape[1:], offset)
        codes = own[:, *here] + other[:, *there]
        found.append(np.bincount(codes.ravel(), minlength=len(grey) * cells))
    tables = np.stack(found).reshape(len(found), len(grey), values, values)[..., 1:, 1:]
    return np.asarray(tables.sum(axis=0) if merged else tables.swapaxes(0, 1), dtype=np.float64)


def runs(grey: Levels, *, merged: bool = True) -> Sizes:
    """Return runs of equal level along each direction.

    One matrix an image; not merged one an image and direction, image * directions + direction.
    """
    every = directions(grey.ndim - 1)
    parts = [_runs_along(grey, offset) for offset in every]
    groups = [
        part[0] if merged else part[0] * len(every) + number for number, part in enumerate(parts)
    ]
    return _counted(
        np.concatenate(groups), *(np.concatenate([p[k] for p in parts]) for k in (1, 2))
    )


def _runs_along(grey: Levels, offset: Offset) -> tuple[Integers, Integers, Integers]:
    """Image, level and length of each run in one direction."""
    here, there = shifted(grey.shape[1:], offset)
    equal = (grey[:, *here] == grey[:, *there]) & (grey[:, *here] > 0)
    goes_on, goes_back = (np.zeros(grey.shape, dtype=bool) for _ in range(2))
    goes_on[:, *here], goes_back[:, *there] = equal, equal
    length = _lengths(goes_on, offset)
    first = np.nonzero((grey > 0) & ~goes_back)
    return first[0].astype(np.int64), grey[first].astype(np.int64), length[first]


def _lengths(goes_on: NDArray[np.bool_], offset: Offset) -> Integers:
    """How many pixels of the same level follow at each pixel, itself counted.

    Planes across the direction are taken from the last to the first, each one knows the next.
    """
    axis = next(i for i, d in enumerate(offset) if d) + 1
    rest = tuple(d for i, d in enumerate(offset, start=1) if i != axis)
    length = np.ones(goes_on.shape, dtype=np.int64)
    planes, further = np.moveaxis(length, axis, 0), np.moveaxis(goes_on, axis, 0)
    here, there = shifted(planes.shape[2:], rest)
    for i in range(len(planes) - 2, -1, -1):
        planes[i][:, *here] += planes[i + 1][:, *there] * further[i][:, *here]
    return length


def zones(grey: Levels) -> Sizes:
    """Return connected zones of equal level (8 neighbours in a plane, 26 in a volume)."""
    count, rows = len(grey), grey.shape[1] + 1
    apart = np.zeros((count, rows, *grey.shape[2:]), dtype=np.int64)  # an empty row between images
    apart[:, :-1] = grey
    number = label(  # type: ignore[no-untyped-call]
        apart.reshape(-1, *grey.shape[2:]), background=0, connectivity=grey.ndim - 1
    ).ravel()
    size = np.bincount(number)
    level, image = np.zeros((2, len(size)), dtype=np.int64)
    level[number] = apart.ravel()
    image[number] = np.repeat(np.arange(count), apart[0].size)
    return _counted(image[1:], level[1:], size[1:])


def _counted(matrix: Integers, level: Integers, size: Integers) -> Sizes:
    """Put equal entries together."""
    levels, sizes = int(level.max(initial=0)) + 1, int(size.max(initial=0)) + 1
    codes, times = _tally((matrix * levels + level) * sizes + size)
    return Sizes(codes // (levels * sizes), codes // sizes % levels, codes % sizes, times)


def _tally(codes: Integers) -> tuple[Integers, Integers]:
    """Different codes in order, and how often each occurs; sorted only where they lie far apart."""
    if codes.max(initial=0) > 8 * len(codes):
        return np.unique(codes, return_counts=True)
    times = np.bincount(codes)
    found = np.flatnonzero(times)
    return found, times[found]
