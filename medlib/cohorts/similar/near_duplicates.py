"""Copies found in spite of flips, turns, crops, inversion, burned-in text and compression.

*Search*: thumbnails of 16 pixels, without slow changes of brightness, are compared in all pairs,
over the eight flips and quarter turns and over small turns, enlargements and shifts; the absolute
correlation counts, so inverted copies are found as well. *Align*: the likeliest partners of each
image are laid on it by an affine map, in Gauss-Newton steps that give little weight to what does
not fit (Baker & Matthews 2004, Int J Comput Vis 56:221). *Confirm*: the two must agree in fine
detail, block by block (`agreement`), over the whole frame and once more inside what both show, and
there in larger parts as well (`likeness`). Where images have an even surround, search and alignment
are done twice, with it and without: a round mask is the same in many images, leads the search
astray, and makes no copies. What is found and missed: `duplicates.py`; how: `aligned.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from joblib import cpu_count
from scipy import ndimage
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from medlib.cohorts.similar.aligned import (
    ALIGNED,
    ALIGNED_BAND,
    affine_map,
    agreement,
    align,
    between,
    likeness,
    sample,
    standard,
    without_slope,
)
from medlib.cohorts.similar.remembered import Pairs, remembered
from medlib.cohorts.similar.surround import SHOWN, content
from medlib.imaging import resize
from medlib.types import Images, Integers, Mask, Singles

Found = dict[tuple[int, int], tuple[str, float]]
"""Kind and agreement of each pair."""
Numbers = npt.NDArray[np.int16]

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
"""Pairs worth aligning an image, the likeliest first: bounds the work to 12 n alignments."""
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
BATCH: Final = 256
"""Pairs aligned at once."""
AGREEING: Final = 0.96
"""Least agreement of copies."""
INSIDE: Final = 0.8
"""Least agreement of copies inside what they show: less, as less is left to compare."""
ALIKE: Final = 0.9
"""Least correlation there of what is larger than detail. Of 1,803 times that the edge of a round
mask made different photographs of 13 pixels agree, 4 reached it; of 785 times that a copy inside a
mask was laid on its original, all but 11."""
EDGE: Final = 4
"""Thumbnail pixels beyond its rim that the edge of a mask may take: in images of 12 pixels."""
COVERED: Final = 0.6
"""Least share of the frame that an aligned image fills."""
RIM: Final = 1.5
"""Thumbnail pixels at the edge that do not count: in a turned copy they mix with its filling."""

FLIPS: Final = (
    "near",
    "flipped left-right",
    "flipped up-down",
    "turned by 180 degrees",
    "flipped along a diagonal",
    "turned by 90 degrees",
    "turned by 90 degrees",
    "flipped along a diagonal",
)
"""Bits of the index: 4 transposed, then 2 upside down, then 1 left to right."""


def near_duplicates(stack: Images) -> Pairs:
    """Return (i, j, kind, agreement) of near duplicates among n thumbnails, i < j.

    stack: n x 48 x 48. kind: one of `FLIPS`, for inverted grey levels with "inverted". Of an image
    with more copies than `PARTNERS` not all pairs are listed, but each copy is in at least one.
    """
    return remembered(stack, _found) if len(stack) > 1 else []


def _found(stack: Images) -> Pairs:
    found: Found = {}
    for images in _seen(stack):
        with threadpool_limits(1):  # one thread a core is what `_keep_best` takes itself
            likely = list(_search(images))
        for i, j, flip, maps in likely:
            for way in (i < j, i > j):  # what agrees one way is not laid on the other way as well
                _confirm(images, i[way], j[way], flip[way], maps[way], found)
    return [(i, j, kind, c) for (i, j), (kind, c) in sorted(found.items())]


def _confirm(
    images: _Images, all_i: Integers, all_j: Integers, flips: Integers, maps: Singles, found: Found
) -> None:
    """Add the pairs that agree once they are aligned to what was found."""
    pairs = list(zip(*np.sort([all_i, all_j], axis=0).tolist(), strict=True))
    new = np.array([row for row, pair in enumerate(pairs) if pair not in found], np.int64)
    for start in range(0, len(new), BATCH):
        rows = new[start : start + BATCH]
        sign, agreed = _compare(images, all_i[rows], all_j[rows], flips[rows], maps[rows])
        for at in np.flatnonzero(agreed >= AGREEING):
            kind = _kind(int(flips[rows[at]]), sign[at] < 0)
            found[pairs[rows[at]]] = kind, float(min(agreed[at], 1))


@dataclass(frozen=True)
class _Images:
    """n thumbnails of mean 0 and SD 1, where they show something (1, not 0), and their bands."""

    full: Images  # n x 48 x 48
    shown: Images  # n x 48 x 48
    soft: Images  # n x 32 x 32
    softly_shown: Images  # n x 32 x 32
    searched: Images  # n x 24 x 24


def _seen(stack: Images) -> Iterator[_Images]:
    """The images as they are, and by what they show where they have an even surround.

    The surround is alike in all images, so it misleads; but it is not always seen alike in a copy.
    """
    shown = np.stack([content(image) for image in stack]).astype(np.float32)
    shown[shown.mean(axis=(1, 2)) < SHOWN] = 1
    full = standard(stack.reshape(len(stack), -1)).reshape(stack.shape) * stack.shape[1]
    for known in (np.ones_like(shown), shown):
        if known is not shown or not shown.all():
            soft, softly_shown = _inside(full, known, ALIGNED, ALIGNED_BAND)
            searched = _inside(full, known, SEARCHED, SEARCHED_BAND)[0]
            yield _Images(full, shown, soft, softly_shown, searched)


def _inside(
    full: Singles, shown: Singles, side: int, band: tuple[float, float]
) -> tuple[Singles, Singles]:
    """A band of smaller images, 0 outside what they show."""
    small = resize(full, side)
    if shown.all():
        return between(small, *band), np.ones_like(small)
    known = (resize(shown, side) > 0.99).astype(np.float32)
    return between(without_slope(small, known), *band, known), known


def _kind(flip: int, inverted: bool) -> str:
    if not inverted:
        return FLIPS[flip]
    return f"{FLIPS[flip]}, inverted" if flip else "inverted"


def _compare(
    images: _Images, i: Integers, j: Integers, flip: Integers, maps: Singles
) -> tuple[Singles, Singles]:
    """The sign of images j against flipped images i, and how far they agree once aligned."""
    sign, maps = _laid_on(images, i, j, flip, maps)
    side = images.full.shape[1]
    other, inside = sample(images.full, j, maps, side, rim=RIM)
    frame = _flipped_each(images.full[i], flip) * sign[:, None, None]
    other = other.reshape(frame.shape)
    agreed = np.where(inside.mean(axis=1) >= COVERED, agreement(frame, other, inside), 0)
    likely = np.flatnonzero(agreed >= AGREEING)
    if len(likely):
        shown = _flipped_each(images.shown[i[likely]], flip[likely]).reshape(len(likely), -1)
        both = inside[likely] & (sample(images.shown, j[likely], maps[likely], side)[0] > 0.99)
        both &= shown > 0.99
        differ = ~_same_inside(frame[likely], other[likely], both)
        agreed[likely[differ & (both.mean(axis=1) >= SHOWN)]] = 0
    return sign, agreed


def _same_inside(frame: Singles, other: Singles, both: Mask) -> Mask:
    """Whether aligned images agree in detail and in larger parts, inside what both show."""
    same: Mask = agreement(frame, other, both) >= INSIDE
    if same.any():
        same[same] = likeness(frame[same], other[same], _deeper(both[same])) >= ALIKE
    return same


def _deeper(both: Mask) -> Mask:
    """Without the edge of a mask, which is wide in an enlarged image, where enough is left."""
    side = int(np.sqrt(both.shape[1]))
    cross = ndimage.generate_binary_structure(2, 1)[None]
    square = both.reshape(-1, side, side)
    eroded = ndimage.binary_erosion(square, cross, iterations=EDGE, border_value=1)
    deep: Mask = eroded.reshape(both.shape)
    return np.where(deep.mean(axis=1, keepdims=True) >= SHOWN, deep, both)


def _laid_on(
    images: _Images, i: Integers, j: Integers, flip: Integers, maps: Singles
) -> tuple[Singles, Singles]:
    """The sign of images j against flipped images i, and the maps that lay them on those."""
    template = _flipped_each(images.soft[i], flip).reshape(len(i), -1)
    known = _flipped_each(images.softly_shown[i], flip).reshape(len(i), -1)
    moved = sample(images.soft, j, maps, ALIGNED)[0]
    opposed = (standard(template) * standard(moved)).sum(axis=1) < 0
    sign: Singles = np.where(opposed, -1, 1).astype(np.float32)
    return sign, align(template * sign[:, None], known, images.soft, j, maps)


def _search(images: _Images) -> Iterator[tuple[Integers, Integers, Integers, Singles]]:
    """Yield likely pairs, a block of images at a time: frames i, images j, flips of i, maps of j.

    A copy cut out of an image is the frame, and the map says where in the image it lies. Which of
    the flips it is, is asked of likely pairs only.
    """
    bands = images.searched
    n, tries = len(bands), np.array([affine_map(*place) for place in _places()])
    every = np.arange(n)
    plain = _coarse(bands, every, np.repeat(affine_map(0, 1, 0, 0)[None], n, axis=0))
    for start in range(0, n, BLOCK):
        part = plain[start : start + BLOCK]
        best = np.zeros((len(part), n), np.float32)
        which = np.zeros((len(part), n), np.int16)
        frames = [_mirrored(part.transpose(0, *axes)) for axes in ((1, 2), (2, 1))]
        for v, place in enumerate(tries):
            moved = _mirrored(_coarse(bands, every, np.repeat(place[None], n, axis=0)))
            for transposed, frame in enumerate(frames):
                _keep_best(frame, moved.transpose(0, 2, 1), 2 * v + transposed, best, which)
        i, j = _likeliest(best, start)
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
    each = [np.abs((_flipped(turned, k) * moved).sum(axis=(1, 2))) for k in range(4)]
    nearest: Integers = np.argmax(each, axis=0) + 4 * transposed
    return nearest


def _likeliest(best: Singles, start: int) -> tuple[Integers, Integers]:
    rows = np.arange(len(best))
    best[rows, rows + start] = 0  # an image is no copy of itself
    few = min(PARTNERS, best.shape[1] - 1)
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


def _flipped(stack: Images, flip: int) -> Singles:
    turned = stack.transpose(0, 2, 1) if flip & 4 else stack
    return turned[:, :: -1 if flip & 2 else 1, :: -1 if flip & 1 else 1]


def _flipped_each(stack: Images, flips: Integers) -> Singles:
    out = np.empty_like(stack)
    for flip in np.unique(flips):
        out[flips == flip] = _flipped(stack[flips == flip], int(flip))
    return out
