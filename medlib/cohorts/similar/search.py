"""Which pairs of many images are worth laying on one another: by small thumbnails, in all pairs.

Over the eight flips and quarter turns and over small turns, enlargements and shifts; the absolute
correlation counts, so that inverted copies are found as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from joblib import cpu_count

from medlib.cohorts.similar.aligned import affine_map, sample, standard
from medlib.types import Images, Integers, Singles

Numbers = npt.NDArray[np.int16]
Place = tuple[float, float, float, float]
"""Turn in degrees, share of a side shown, shift down and across in half sides."""

SEARCHED: Final = 24
"""Pixels a side of what the search samples."""
SEARCHED_BAND: Final = (0.8, 4)
"""Two blurs in these pixels: what is left between them has no slow changes of brightness."""
COARSE: Final = 16
"""Pixels a side of what it compares: 256 numbers an image."""
LIKELY: Final = 0.75
"""Least coarse correlation of a pair worth aligning: of 25 copies of each kind, none but those
with text across a fifth of the picture had less than 0.83."""
PARTNERS: Final = 12
"""Pairs worth aligning an image where the search is thorough."""
TURNS: Final = (-4.0, 0.0, 4.0)
"""Degrees."""
SLIGHT: Final = 0.93
"""Share of a side that a turned and enlarged copy shows."""
SHIFTS: Final = (-0.6, 0.0, 0.6)
"""Coarse pixels by which it may lie off the middle."""
CROPPED: Final = {0.85: (-1.0, 0.0, 1.0), 0.78: (-0.6, 0.0, 0.6)}
"""Shares of a side that a cropped copy shows, and coarse pixels it may lie off the middle."""
BLOCK: Final = 4096
"""Images searched at once: bounds memory to BLOCK x n correlations."""
STRIP: Final = 32
"""Of these compared at once: what is computed of them stays near the processor."""
OFF: Final = 0.8
"""Coarse pixels that a cropped copy lies off the middle, where few places are tried."""
MANY: Final = 1500
"""Images up to which all places are tried: time grows with the square of their number."""


class Effort(NamedTuple):
    """How thoroughly is searched."""

    places: tuple[Place, ...]
    partners: int
    """Pairs worth aligning an image, the likeliest first: bounds the work."""
    glance: bool
    """Whether pairs are aligned roughly first, and those that differ then are dropped."""


def likely_pairs(
    bands: Images, effort: Effort
) -> Iterator[tuple[Integers, Integers, Integers, Singles]]:
    """Yield likely pairs, a block of images at a time: frames i, images j, flips of i, maps of j.

    A copy cut out of an image is the frame, and the map says where in the image it lies. Which of
    the flips it is, is asked of likely pairs only.
    """
    n, tries = len(bands), np.array([affine_map(*place) for place in effort.places])
    every = np.arange(n)
    plain = _coarse(bands, every, np.repeat(affine_map(0, 1, 0, 0)[None], n, axis=0))
    for start in range(0, n, BLOCK):
        part = plain[start : start + BLOCK]
        best = np.zeros((len(part), n), np.float32)
        which = np.zeros((len(part), n), np.int16)
        frames = [_mirrored(part.transpose(0, *axes)) for axes in ((1, 2), (2, 1))]
        for v, place in enumerate(tries):
            moved = _mirrored(_coarse(bands, every, np.repeat(place[None], n, axis=0)))
            moved = np.ascontiguousarray(moved.transpose(0, 2, 1))  # multiplied twice as fast
            for transposed, frame in enumerate(frames):
                _keep_best(frame, moved, 2 * v + transposed, best, which)
        i, j = _likeliest(best, start, effort.partners)
        chosen = which[i - start, j].astype(np.int64)
        maps = tries[chosen // 2]
        yield i, j, _nearest_flip(plain[i], _coarse(bands, j, maps), chosen % 2), maps


def _coarse(bands: Singles, rows: Integers, maps: Singles) -> Singles:
    """Mapped images of 16 x 16 numbers, mean 0 and length 1."""
    return standard(sample(bands, rows, maps, COARSE)[0]).reshape(-1, COARSE, COARSE)


def _mirrored(stack: Singles) -> Singles:
    """4 x n x 64: parts that mirroring leaves alone, or turns to minus themselves, each way.

    Their scalar products add up to that of the images, with signs that depend on the flip: four
    flips for one product of as many numbers.
    """
    half = COARSE // 2
    top, low = stack[:, :half], stack[:, : -half - 1 : -1]
    parts: list[Singles] = [
        x[:, :, :half] + np.float32(sign) * x[:, :, : -half - 1 : -1]
        for x in (top + low, top - low)
        for sign in (1, -1)
    ]
    return np.stack(parts).reshape(4, len(stack), half**2) / np.float32(2)


def _keep_best(frame: Singles, moved: Singles, place: int, best: Singles, which: Numbers) -> None:
    """Keep where the best of four flips correlates more than any before, in strips that fit.

    Strips do not know each other: a thread a core takes them in any order.
    """

    def keep(start: int) -> None:
        strip = slice(start, start + STRIP)
        even, across, down, both = frame[:, strip] @ moved
        # max(abs(x + y), abs(x - y)) is abs(x) + abs(y)
        upright = np.abs(even + down) + np.abs(across + both)
        correlation = np.maximum(upright, np.abs(even - down) + np.abs(across - both))
        better = correlation > best[strip]
        np.copyto(best[strip], correlation, where=better)
        np.copyto(which[strip], np.int16(place), where=better)

    with ThreadPoolExecutor(cpu_count()) as pool:
        deque(pool.map(keep, range(0, len(best), STRIP)), maxlen=0)


def _nearest_flip(frames: Singles, moved: Singles, transposed: Integers) -> Integers:
    """The flip, transposed or not, at which each frame correlates most with its image."""
    turned = np.where(transposed[:, None, None] == 1, frames.transpose(0, 2, 1), frames)
    each = [np.abs((flipped(turned, k) * moved).sum(axis=(1, 2))) for k in range(4)]
    nearest: Integers = np.argmax(each, axis=0) + 4 * transposed
    return nearest


def _likeliest(best: Singles, start: int, partners: int) -> tuple[Integers, Integers]:
    rows = np.arange(len(best))
    best[rows, rows + start] = 0  # an image is no copy of itself
    few = min(partners, best.shape[1] - 1)
    j = np.argpartition(best, -few, axis=1)[:, -few:].ravel()
    i = np.repeat(rows, few)
    likely = best[i, j] >= LIKELY
    return i[likely] + start, j[likely]


def _places() -> Iterator[tuple[float, float, float, float]]:
    """Where a copy may lie in its original: turn, zoom, shift down and across in half sides."""
    for turn in TURNS:
        yield turn, 1.0, 0.0, 0.0
    for turn, down, across in product(TURNS, SHIFTS, SHIFTS):
        yield turn, SLIGHT, down * 2 / COARSE, across * 2 / COARSE
    for zoom, shifts in CROPPED.items():
        for down, across in product(shifts, shifts):
            yield 0.0, zoom, down * 2 / COARSE, across * 2 / COARSE


def flipped(stack: Images, flip: int) -> Singles:
    """Return n x s x s images in one of eight ways (bits: see `near_duplicates.FLIPS`)."""
    turned = stack.transpose(0, 2, 1) if flip & 4 else stack
    return turned[:, :: -1 if flip & 2 else 1, :: -1 if flip & 1 else 1]


def flipped_each(stack: Images, flips: Integers) -> Singles:
    """Return n x s x s images, each in its own of the eight ways."""
    out = np.empty_like(stack)
    for flip in np.unique(flips):
        out[flips == flip] = flipped(stack[flips == flip], int(flip))
    return out


def effort_for(n: int) -> Effort:
    """Return how thoroughly copies are looked for among n images."""
    return THOROUGH if n <= MANY else QUICK


def in_words(n: int) -> str:
    """Return what a quick search among n images may miss; empty where it is thorough."""
    if effort_for(n) is THOROUGH:
        return ""
    return (
        f"Among {n} images copies were looked for quickly, as there are more than {MANY}: copies "
        "that were cropped off the middle by 8 % of a side or more may be missing."
    )


def _few_places() -> Iterator[Place]:
    """Those of `_places` that find nearly as many copies: as it is, and enlarged."""
    for zoom in (1.0, SLIGHT, 0.85, 0.78):
        yield 0.0, zoom, 0.0, 0.0
    for down, across in product((-OFF, OFF), repeat=2):
        yield 0.0, 0.85, down * 2 / COARSE, across * 2 / COARSE


THOROUGH: Final = Effort(tuple(_places()), PARTNERS, glance=False)
QUICK: Final = Effort(tuple(_few_places()), 6, glance=True)
