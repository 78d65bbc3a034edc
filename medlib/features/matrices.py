"""Co-occurrences, runs and zones of a whole cohort, counted at once.

Grey levels come as n x (slices x) rows x columns, 1 and up, with 0 outside the region of
interest; each image is counted by itself. Everything works in two dimensions and in three.
"""

import math
from functools import cache
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from skimage.measure import label

from medlib.features.checks import Levels
from medlib.types import Floats, Integers

Offset = tuple[int, ...]

CHUNK: Final = 1 << 16
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


def cooccurrences(grey: Levels, levels: int, *, merged: bool = True) -> Floats:
    """Return symmetric counts of neighbouring levels at distance 1 (Chebyshev).

    n x levels x levels with directions merged, else n x directions x levels x levels.
    """
    parts = [_pairs(grey[few], levels, merged) for few in _chunks(grey)]
    counts = np.concatenate(parts)[..., 1:, 1:]
    return np.asarray(counts + counts.swapaxes(-1, -2), dtype=np.float64)


def _chunks(grey: Levels) -> list[slice]:
    """Return slices of as many images as are counted at a time."""
    count = max(1, CHUNK // int(np.prod(grey.shape[1:])))
    return [slice(i, i + count) for i in range(0, len(grey), count)]


def _grid(grey: Levels) -> Levels:
    """Return images as rows of pixels, with a 0 after the end of each axis.

    The neighbour of every pixel in one direction is then the same number of entries further on
    (see `_steps`), and beyond an edge it is 0.
    """
    longer = np.zeros((len(grey), *(size + 1 for size in grey.shape[1:])), dtype=grey.dtype)
    longer[:, *(slice(size) for size in grey.shape[1:])] = grey
    return longer.reshape(len(grey), -1)


@cache
def _steps(shape: tuple[int, ...]) -> list[int]:
    """How many entries further on in a grid the neighbour in each direction is."""
    strides = [math.prod(size + 1 for size in shape[axis + 1 :]) for axis in range(len(shape))]
    return [int(np.dot(offset, strides)) for offset in directions(len(shape))]


def _pairs(grey: Levels, levels: int, merged: bool) -> Integers:
    """Counts of (level, neighbour's level): a number for each pair, and how often it occurs.

    n x (directions x) levels + 1 x levels + 1: level 0, outside, is counted too, which is quicker
    than to leave it out. Numbers are of the smallest type that holds them, to fit into the cache.
    """
    values, count = levels + 1, len(grey)
    cells = values * values
    kind = np.min_scalar_type(count * cells)
    other = _grid(grey.astype(kind))
    own = other * kind.type(values) + (np.arange(count) * cells).astype(kind)[:, None]
    own, other = own.ravel(), other.ravel()
    steps = _steps(grey.shape[1:])
    last = len(own) - max(steps)  # beyond there are only ends of axes
    tables = [
        np.bincount(own[:last] + other[step:][:last], minlength=count * cells) for step in steps
    ]
    if merged:
        return np.asarray(sum(tables)).reshape(count, values, values)
    return np.stack(tables).reshape(-1, count, values, values).swapaxes(0, 1)


def runs(grey: Levels, *, merged: bool = True) -> Sizes:
    """Return runs of equal level along each direction.

    One matrix an image; not merged one an image and direction, image * directions + direction.
    """
    each = 1 if merged else len(directions(grey.ndim - 1))
    return _joined({few.start * each: _runs(grey[few], each) for few in _chunks(grey)})


def _runs(grey: Levels, each: int) -> Sizes:
    """Runs of a few images, with so many matrices each."""
    values = int(grey.max()) + 1
    grid = _grid(_keys(grey, each * values))
    found = [_runs_along(grid, step) for step in _steps(grey.shape[1:])]
    keys = [key + number % each * values for number, (key, _) in enumerate(found)]
    return _counted(np.concatenate(keys), np.concatenate([size for _, size in found]), values)


def _runs_along(grid: Levels, step: int) -> tuple[Levels, Integers]:
    """Key and length of each run of equal keys that are `step` entries apart.

    With every `step`-th entry put side by side the lines of this direction follow one another, a 0
    or more between them, and a run ends where a key differs from the next.
    """
    rows = -(-grid.shape[1] // step)
    filled = np.zeros((len(grid), rows * step), dtype=grid.dtype)
    filled[:, : grid.shape[1]] = grid
    lines = filled.reshape(len(grid), rows, step).swapaxes(1, 2).ravel()
    starts = np.append(0, np.flatnonzero(lines[1:] != lines[:-1]) + 1)
    keys, lengths = lines[starts[:-1]], np.diff(starts)  # what starts last is an end of an axis
    inside = keys > 0
    return keys[inside], lengths[inside]


def zones(grey: Levels) -> Sizes:
    """Return connected zones of equal level (8 neighbours in a plane, 26 in a volume)."""
    return _joined({few.start: _zones(grey[few]) for few in _chunks(grey)})


def _zones(grey: Levels) -> Sizes:
    """Zones of a few images; their keys differ, so none reaches into the next image."""
    values = int(grey.max()) + 1
    keys = _keys(grey, values)
    number = label(  # type: ignore[no-untyped-call]
        keys.reshape(-1, *grey.shape[2:]), background=0, connectivity=grey.ndim - 1
    ).ravel()
    size = np.bincount(number)
    key = np.zeros_like(size)
    key[number] = keys.ravel()
    return _counted(key[1:], size[1:], values)


def _keys(grey: Levels, apart: int) -> Integers:
    """Number each image and level, image * apart + level; 0 outside."""
    first = np.arange(0, len(grey) * apart, apart).reshape(-1, *(1,) * (grey.ndim - 1))
    return np.where(grey > 0, first + grey, 0)


def _counted(keys: Integers, size: Integers, values: int) -> Sizes:
    """Put equal entries together, in order; only sizes that occur are counted, for they are few."""
    sizes = np.flatnonzero(np.bincount(size))
    column = np.zeros(int(size.max(initial=0)) + 1, dtype=np.int64)
    column[sizes] = np.arange(len(sizes))
    times = np.bincount(keys * len(sizes) + column[size])
    found = np.flatnonzero(times)
    key, place = np.divmod(found, max(1, len(sizes)))
    return Sizes(key // values, key % values, sizes[place], times[found])


def _joined(parts: dict[int, Sizes]) -> Sizes:
    """One after the other the matrices of all chunks, given by the number of their first."""
    moved = [part._replace(matrix=part.matrix + first) for first, part in parts.items()]
    return Sizes(*(np.concatenate(fields) for fields in zip(*moved, strict=True)))
