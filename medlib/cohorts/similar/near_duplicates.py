"""Copies found in spite of flips, turns, crops, inversion, burned-in text and compression.

*Search*: thumbnails of 16 pixels, without slow changes of brightness, are compared in all pairs
(`search.py`). *Align*: the likeliest partners of each image are laid on it by an affine map, in
Gauss-Newton steps that give little weight to what does not fit (Baker & Matthews 2004, Int J
Comput Vis 56:221). *Confirm*: the two must agree in fine detail, block by block (`agreement`), over
the whole frame and once more inside what both show, and there in larger parts as well (`likeness`).
Where images have an even surround, search and alignment
are done twice, with it and without: a round mask is the same in many images, leads the search
astray, and makes no copies. Among more than 1,500 images the search is quicker and finds a little
less (`in_words`): fewer places and partners, a rough alignment first, and without the surround only
images of which it is a tenth. What is found and missed: `duplicates.py`; how: `aligned.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import ndimage
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from medlib.cohorts.similar.aligned import (
    ALIGNED,
    ALIGNED_BAND,
    agreement,
    align,
    between,
    detail_agreement,
    likeness,
    sample,
    standard,
    without_slope,
)
from medlib.cohorts.similar.remembered import Pairs, remembered
from medlib.cohorts.similar.search import (
    SEARCHED,
    SEARCHED_BAND,
    Effort,
    effort_for,
    flipped_each,
    likely_pairs,
)
from medlib.cohorts.similar.surround import SHOWN, content
from medlib.imaging import resize
from medlib.types import Images, Integers, Mask, Singles

Found = dict[tuple[int, int], tuple[str, float]]
"""Kind and agreement of each pair."""

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
GLANCE: Final = 0.85
"""Least agreement at a glance of pairs worth a closer look: 183 changed copies of 12 LUNA16
patches all had 0.95; of 545 other pairs that are alike at 16 pixels, nine of ten less than 0.86."""
ROUGHLY: Final = 4
"""Gauss-Newton steps before that, at 16 pixels."""
MOST_SHOWN: Final = 0.9
"""Share of the frame above which a surround is left in, of many images."""
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
    effort = effort_for(len(stack))
    for rows, images in _seen(stack, effort):
        with threadpool_limits(1):  # one thread a core is what the search takes itself
            likely = list(likely_pairs(images.searched, effort))
        for i, j, flip, maps in likely:
            for way in (i < j, i > j):  # what agrees one way is not laid on the other way as well
                pairs = _Pairs(i[way], j[way], flip[way], maps[way])
                _confirm(images, rows, pairs, found, glancing=effort.glance)
    return [(i, j, kind, c) for (i, j), (kind, c) in sorted(found.items())]


class _Pairs(NamedTuple):
    """Images j that may be copies of images i, flipped and mapped like this."""

    i: Integers
    j: Integers
    flip: Integers
    maps: Singles

    def some(self, rows: Integers) -> _Pairs:
        return _Pairs(self.i[rows], self.j[rows], self.flip[rows], self.maps[rows])


def _confirm(
    images: _Images, rows: Integers, likely: _Pairs, found: Found, *, glancing: bool
) -> None:
    """Add the pairs that agree once they are aligned to what was found."""
    names = np.sort([rows[likely.i], rows[likely.j]], axis=0).T.tolist()
    new = np.array([at for at, pair in enumerate(names) if tuple(pair) not in found], np.int64)
    if glancing:
        parts = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
        kept = [part[_at_a_glance(images, likely.some(part)) >= GLANCE] for part in parts]
        new = np.concatenate([new[:0], *kept])
    for start in range(0, len(new), BATCH):
        part = new[start : start + BATCH]
        sign, agreed = _compare(images, *likely.some(part))
        for at in np.flatnonzero(agreed >= AGREEING):
            kind = _kind(int(likely.flip[part[at]]), sign[at] < 0)
            i, j = names[part[at]]
            found[i, j] = kind, float(min(agreed[at], 1))


@dataclass(frozen=True)
class _Images:
    """n thumbnails of mean 0 and SD 1, where they show something (1, not 0), and their bands."""

    full: Images  # n x 48 x 48
    shown: Images  # n x 48 x 48
    soft: Images  # n x 32 x 32
    softly_shown: Images  # n x 32 x 32
    searched: Images  # n x 24 x 24


def _seen(stack: Images, effort: Effort) -> Iterator[tuple[Integers, _Images]]:
    """The images as they are, and by what they show where they have an even surround; their rows.

    The surround is alike in all images, so it misleads; but it is not always seen alike in a copy.
    """
    shown = np.stack([content(image) for image in stack]).astype(np.float32)
    shown[shown.mean(axis=(1, 2)) < SHOWN] = 1
    full = standard(stack.reshape(len(stack), -1)).reshape(stack.shape) * stack.shape[1]
    every = np.arange(len(stack))
    yield every, _bands(full, shown, np.ones_like(shown))
    if effort.glance:
        every = np.flatnonzero(shown.mean(axis=(1, 2)) < MOST_SHOWN)
    if len(every) > 1 and not shown[every].all():
        yield every, _bands(full[every], shown[every], shown[every])


def _bands(full: Images, shown: Images, known: Images) -> _Images:
    soft, softly_shown = _inside(full, known, ALIGNED, ALIGNED_BAND)
    searched = _inside(full, known, SEARCHED, SEARCHED_BAND)[0]
    return _Images(full, shown, soft, softly_shown, searched)


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
    frame = flipped_each(images.full[i], flip) * sign[:, None, None]
    other = other.reshape(frame.shape)
    agreed = np.where(inside.mean(axis=1) >= COVERED, agreement(frame, other, inside), 0)
    likely = np.flatnonzero(agreed >= AGREEING)
    if len(likely):
        shown = flipped_each(images.shown[i[likely]], flip[likely]).reshape(len(likely), -1)
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
    template = flipped_each(images.soft[i], flip).reshape(len(i), -1)
    known = flipped_each(images.softly_shown[i], flip).reshape(len(i), -1)
    moved = sample(images.soft, j, maps, ALIGNED)[0]
    opposed = (standard(template) * standard(moved)).sum(axis=1) < 0
    sign: Singles = np.where(opposed, -1, 1).astype(np.float32)
    return sign, align(template * sign[:, None], known, images.soft, j, maps)


def _at_a_glance(images: _Images, pairs: _Pairs) -> Singles:
    """How far pairs agree in detail, once they are roughly aligned: -1 to 1, of inverted ones too.

    In a tenth of the time of `_compare`.
    """
    i, j, flip, maps = pairs
    if not len(i):
        return np.empty(0, np.float32)
    template, known = (
        _halved(flipped_each(stack[i], flip)) for stack in (images.soft, images.softly_shown)
    )
    moved = sample(images.soft, j, maps, ALIGNED // 2)[0]
    opposed = (standard(template) * standard(moved)).sum(axis=1) < 0
    sign = np.where(opposed, -1, 1).astype(np.float32)
    known = (known > 0.99).astype(np.float32)
    maps = align(template * sign[:, None], known, images.soft, j, maps, steps=ROUGHLY)
    frame = resize(flipped_each(images.full[i], flip), ALIGNED) * sign[:, None, None]
    other, inside = sample(images.full, j, maps, ALIGNED, rim=RIM)
    return detail_agreement(frame, other.reshape(frame.shape), inside)


def _halved(stack: Singles) -> Singles:
    """Means of 2 x 2 pixels, one row an image."""
    half = stack.shape[1] // 2
    means: Singles = stack.reshape(-1, half, 2, half, 2).mean(axis=(2, 4))
    return means.reshape(len(stack), -1)
