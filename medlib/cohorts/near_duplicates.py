"""Copies found in spite of flips, turns, crops, inversion, burned-in text and compression.

*Search*: thumbnails of 16 pixels, without slow changes of brightness, are compared in all pairs,
over the eight flips and quarter turns and over small turns, enlargements and shifts; the absolute
correlation counts, so inverted copies are found as well. *Align*: the likeliest partners of each
image are laid on it by an affine map, in Gauss-Newton steps that give little weight to what does
not fit (Baker & Matthews 2004, Int J Comput Vis 56:221). *Confirm*: the two must agree in fine
detail, block by block (`agreement`), over the whole frame and once more inside what either shows:
a round mask or a black surround is the same in many images and makes no copies. What each step
finds and misses: `duplicates.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from medlib.cohorts.surround import SHOWN, content
from medlib.imaging import Image, resize

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SEARCHED: Final = 24
"""Pixels a side of what the search samples."""
SEARCHED_BAND: Final = (0.8, 4)
"""Two blurs in these pixels: what is left between them has no slow changes of brightness."""
COARSE: Final = 16
"""Pixels a side of what it compares: 256 numbers an image."""
LIKELY: Final = 0.75
"""Least coarse correlation of a pair worth aligning: of 25 copies of each kind, none but those
with text across a fifth of the picture had less than 0.83."""
PARTNERS: Final = 8
"""Pairs worth aligning an image, the likeliest first: bounds the work to 8 n alignments."""
TURNS: Final = (-4.0, 0.0, 4.0)
"""Degrees."""
ZOOM: Final = 0.93
"""Share of a side that an enlarged copy shows."""
SHIFTS: Final = (-0.6, 0.0, 0.6)
"""Coarse pixels by which an enlarged copy may lie off the middle."""
BLOCK: Final = 1024
"""Images searched at once: bounds memory to BLOCK x n correlations."""
BATCH: Final = 256
"""Pairs aligned at once."""
ALIGNED: Final = 32
"""Pixels a side of what is aligned."""
ALIGNED_BAND: Final = (0.7, 5)
"""Two blurs in these pixels, likewise."""
STEPS: Final = 10
"""Gauss-Newton steps; the last ones move an edge by less than a hundredth of a pixel."""
DAMPING: Final = 2e-4
"""Added to the normal equations, in parts of their trace: an even image gives singular ones."""
FARTHEST: Final = 0.1
"""Most that one step changes a number of the map, whose unit is half a side."""
FINE_BAND: Final = (0.7, 2.0)
"""Two blurs in thumbnail pixels: detail is what lies between them. The first takes away what
compression adds, the second what all slices of an organ share."""
SOFTER: Final = (0.7, 1.2, 1.8)
"""Blurs tried on the sharper of two images: a copy of half the size has lost its edges."""
BLOCKS: Final = 4
"""Blocks a side, of 12 thumbnail pixels."""
AGREEING: Final = 0.96
"""Least agreement of copies."""
INSIDE: Final = 0.9
"""Least agreement of copies inside what they show: less, as less is left to compare."""
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


def near_duplicates(stack: Image) -> list[tuple[int, int, str, float]]:
    """Return (i, j, kind, agreement) of near duplicates among n thumbnails, i < j.

    stack: n x 48 x 48. kind: one of `FLIPS`, for inverted grey levels with "inverted". Of an image
    with more than 8 copies not all pairs are listed, but each copy is in at least one.
    """
    found: dict[tuple[int, int], tuple[str, float]] = {}
    if len(stack) < 2:
        return []
    shown = np.stack([content(image) for image in stack]).astype(np.float32)
    stack = _standard(stack.reshape(len(stack), -1)).reshape(stack.shape) * stack.shape[1]
    soft = _between(resize(stack, ALIGNED), *ALIGNED_BAND)
    for all_i, all_j, all_flips, all_maps in _search(stack):
        for start in range(0, len(all_i), BATCH):
            now = slice(start, start + BATCH)
            i, j, flip, maps = all_i[now], all_j[now], all_flips[now], all_maps[now]
            sign, agreed = _compare(stack, shown, soft, i, j, flip, maps)
            for row in np.flatnonzero(agreed >= AGREEING):
                pair = int(min(i[row], j[row])), int(max(i[row], j[row]))
                if agreed[row] > found.get(pair, ("", 0.0))[1]:
                    found[pair] = _kind(int(flip[row]), sign[row] < 0), float(min(agreed[row], 1))
    return [(i, j, kind, c) for (i, j), (kind, c) in sorted(found.items())]


def _kind(flip: int, inverted: bool) -> str:
    if not inverted:
        return FLIPS[flip]
    return f"{FLIPS[flip]}, inverted" if flip else "inverted"


def _compare(
    stack: Image, shown: Image, soft: Image, i: Rows, j: Rows, flip: Rows, maps: Image
) -> tuple[Image, Image]:
    """The sign of images j against flipped images i, and how far they agree once aligned."""
    template = _flipped_each(soft[i], flip).reshape(len(i), -1)
    moved = _sample(soft, j, maps, ALIGNED)[0]
    sign = np.where((_standard(template) * _standard(moved)).sum(axis=1) < 0, -1, 1)
    sign = sign.astype(np.float32)[:, None]
    maps = _align(template * sign, soft, j, maps)
    other, inside = _sample(stack, j, maps, stack.shape[1], rim=RIM)
    frame, other = (
        _flipped_each(stack[i], flip) * sign[:, :, None],
        other.reshape(-1, *stack[0].shape),
    )
    agreed = np.where(inside.mean(axis=1) >= COVERED, agreement(frame, other, inside), 0)
    likely = np.flatnonzero(agreed >= AGREEING)
    if not len(likely):
        return sign[:, 0], agreed
    both = inside[likely] & (_sample(shown, j[likely], maps[likely], stack.shape[1])[0] > 0.99)
    both &= _flipped_each(shown[i[likely]], flip[likely]).reshape(both.shape) > 0.99
    differ = agreement(frame[likely], other[likely], both) < INSIDE
    agreed[likely[differ & (both.mean(axis=1) >= SHOWN)]] = 0
    return sign[:, 0], agreed


def agreement(a: Image, b: Image, inside: Mask) -> Image:
    """Return how far n pairs of aligned images agree in fine detail, -1 to 1.

    a, b: n x s x s; inside: n x s*s, where b has pixels. It is the correlation of detail in the
    middle one of 4 x 4 blocks, each weighted by the square root of its contrast: half of what is to
    be seen agrees at least as well. So a text over one block does not hide a copy, and two slices
    that share one outline are none. The sharper image is blurred as far as fits best.
    """
    fine, coarse = FINE_BAND
    known = inside.reshape(a.shape).astype(np.float32)
    sharp_a, sharp_b = (_between(x, fine, coarse, known) for x in (a, b))
    best = _middle_block(sharp_a, sharp_b, known)
    for softer in SOFTER:
        blur = float(np.hypot(fine, softer))
        best = np.maximum(best, _middle_block(sharp_a, _between(b, blur, coarse, known), known))
        best = np.maximum(best, _middle_block(_between(a, blur, coarse, known), sharp_b, known))
    return best


def _middle_block(a: Image, b: Image, known: Image) -> Image:
    a, b, w = (_blocks(x) for x in (a, b, known))
    total = np.maximum(w.sum(axis=2, keepdims=True), 1)
    a, b = ((x - (x * w).sum(axis=2, keepdims=True) / total) * w for x in (a, b))
    contrast = np.sqrt((a * a).sum(axis=2) * (b * b).sum(axis=2))
    correlation = (a * b).sum(axis=2) / np.maximum(contrast, 1e-9)
    weight = np.sqrt(contrast) * (w.mean(axis=2) > 0.5)
    order = np.argsort(correlation, axis=1)
    below = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    middle = (below < below[:, -1:] / 2).sum(axis=1)[:, None]
    chosen = np.take_along_axis(order, np.minimum(middle, len(order[0]) - 1), axis=1)
    agreed: Image = np.where(below[:, -1] > 0, np.take_along_axis(correlation, chosen, 1)[:, 0], 0)
    return agreed


def _blocks(stack: Image) -> Image:
    """Return n x 16 blocks x pixels."""
    side = stack.shape[1] // BLOCKS
    parts = stack.reshape(-1, BLOCKS, side, BLOCKS, side).transpose(0, 1, 3, 2, 4)
    return parts.reshape(len(stack), BLOCKS**2, side**2)


def _search(stack: Image) -> Iterator[tuple[Rows, Rows, Rows, Image]]:
    """Yield likely pairs, a block of images at a time: frames i, images j, flips of i, maps of j.

    A copy cut out of an image is the frame, and the map says where in the image it lies.
    """
    bands = _between(resize(stack, SEARCHED), *SEARCHED_BAND)
    n, every = len(bands), np.arange(len(bands))
    tries = [_map(*place) for place in _places()]
    plain = _sample(bands, every, np.repeat(_map(0, 1, 0, 0)[None], n, axis=0), COARSE)[0]
    for start in range(0, n, BLOCK):
        part = plain[start : start + BLOCK].reshape(-1, COARSE, COARSE)
        frames = [_standard(_flipped(part, k).reshape(len(part), -1)) for k in range(len(FLIPS))]
        best = np.zeros((len(part), n), np.float32)
        which = np.zeros((len(part), n), np.int16)
        for v, place in enumerate(tries):
            moved = _standard(_sample(bands, every, np.repeat(place[None], n, axis=0), COARSE)[0])
            for k, frame in enumerate(frames):
                correlation = np.abs(frame @ moved.T)
                better = correlation > best
                np.copyto(best, correlation, where=better)
                which[better] = v * len(FLIPS) + k
        i, j = _likeliest(best, start)
        chosen = which[i - start, j].astype(np.int64)
        yield i, j, chosen % len(FLIPS), np.array(tries)[chosen // len(FLIPS)]


def _likeliest(best: Image, start: int) -> tuple[Rows, Rows]:
    rows = np.arange(len(best))
    best[rows, rows + start] = 0  # an image is no copy of itself
    few = min(PARTNERS, best.shape[1] - 1)
    j = np.argpartition(best, -few, axis=1)[:, -few:].ravel()
    i = np.repeat(rows, few)
    likely = best[i, j] >= LIKELY
    return i[likely] + start, j[likely]


def _places() -> Iterator[tuple[float, float, float, float]]:
    """Where a copy may lie in its original: turn, zoom, shift down, shift across."""
    for turn in TURNS:
        yield turn, 1.0, 0.0, 0.0
    for turn, down, across in product(TURNS, SHIFTS, SHIFTS):
        yield turn, ZOOM, down, across


def _map(turn: float, zoom: float, down: float, across: float) -> Image:
    """2 x 3 affine map of (row, column, 1); 0 is the middle of the image, -1 and 1 its edges."""
    t = np.deg2rad(turn)
    linear = zoom * np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    shift = np.array([down, across]) * 2 / COARSE
    return np.column_stack([linear, shift]).astype(np.float32)


def _grid(side: int) -> Image:
    """side*side x 3: row, column and 1 of each pixel."""
    middles = (np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1
    row, column = np.meshgrid(middles, middles, indexing="ij")
    return np.column_stack([row.ravel(), column.ravel(), np.ones(side**2, np.float32)])


def _sample(stack: Image, rows: Rows, maps: Image, side: int, rim: float = 0) -> tuple[Image, Mask]:
    """Grey levels of images ``rows`` at mapped pixels, m x side*side, and which lie inside its rim.

    Bilinear. As `ndimage.map_coordinates` in three dimensions, but twenty times as fast.
    """
    size = stack.shape[1]
    places = maps @ _grid(side).T  # m x 2 x side*side
    at = np.clip((places + 1) * (size / 2) - 0.5, 0, size - 1.001)
    low = at.astype(np.int64)
    down, across = np.moveaxis((at - low).astype(np.float32), 1, 0)
    corner = rows[:, None] * size**2 + low[:, 0] * size + low[:, 1]
    grey = stack.reshape(-1)
    upper = grey[corner] * (1 - across) + grey[corner + 1] * across
    lower = grey[corner + size] * (1 - across) + grey[corner + size + 1] * across
    return upper * (1 - down) + lower * down, (np.abs(places) <= 1 - 2 * rim / size).all(axis=1)


def _align(template: Image, stack: Image, rows: Rows, maps: Image) -> Image:
    """Maps that lay images ``rows`` on the templates (m x 32*32), from maps that nearly do."""
    slopes = np.gradient(template.reshape(-1, ALIGNED, ALIGNED), 2 / ALIGNED, axis=(1, 2))
    change = np.stack(slopes, axis=1).reshape(len(template), 2, 1, -1) * _grid(ALIGNED).T
    change = change.reshape(len(template), 6, -1)  # of the template with each number of the map
    for _ in range(STEPS):
        moved, inside = _sample(stack, rows, maps, ALIGNED)
        residual, weight = _residual(template, moved, inside.astype(np.float32))
        weighted = change * weight[:, None]
        square = weighted @ change.transpose(0, 2, 1)
        firm = np.trace(square, axis1=1, axis2=2)[:, None, None] * DAMPING + 1e-6
        step = np.linalg.solve(square + firm * np.eye(6), weighted @ residual[:, :, None])
        maps = _undone(maps, np.clip(step.reshape(-1, 2, 3), -FARTHEST, FARTHEST))
    return maps


def _residual(template: Image, moved: Image, weight: Image) -> tuple[Image, Image]:
    """Moved minus template once contrast is matched, and weights small where that is large."""
    known = weight
    for _ in range(2):
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1)
        a, b = (x - (x * weight).sum(axis=1, keepdims=True) / total for x in (template, moved))
        power = (weight * b * b).sum(axis=1, keepdims=True)
        residual = b * ((weight * a * b).sum(axis=1, keepdims=True) / np.maximum(power, 1e-9)) - a
        spread = np.sqrt((weight * residual**2).sum(axis=1, keepdims=True) / total) + 1e-6
        weight = known / (1 + (residual / (2 * spread)) ** 2)
    return residual, weight


def _undone(maps: Image, step: Image) -> Image:
    """Each map after the inverse of (identity + step)."""
    last = np.tile(np.array([0, 0, 1], np.float32), (len(maps), 1, 1))
    moved = np.concatenate([step, last], axis=1) + np.diag([1, 1, 0]).astype(np.float32)
    composed = np.concatenate([maps, last], axis=1) @ np.linalg.inv(moved)
    return composed[:, :2].astype(np.float32)


def _flipped(stack: Image, flip: int) -> Image:
    turned = stack.transpose(0, 2, 1) if flip & 4 else stack
    return turned[:, :: -1 if flip & 2 else 1, :: -1 if flip & 1 else 1]


def _flipped_each(stack: Image, flips: Rows) -> Image:
    out = np.empty_like(stack)
    for flip in np.unique(flips):
        out[flips == flip] = _flipped(stack[flips == flip], int(flip))
    return out


def _between(stack: Image, fine: float, coarse: float, known: Image | None = None) -> Image:
    """What is left of n x s x s images between two blurs, in pixels, of known pixels (1, not 0)."""
    weight = np.ones((1, *stack.shape[1:]), np.float32) if known is None else known

    def blurred(images: Image, width: float) -> Image:
        near: Image = ndimage.gaussian_filter(images * weight, (0, width, width), mode="nearest")
        share = ndimage.gaussian_filter(weight, (0, width, width), mode="nearest")
        mean: Image = near / np.maximum(share, 1e-3).astype(np.float32)
        return mean

    soft = blurred(stack, fine)
    detail: Image = soft - blurred(soft, coarse)
    return detail


def _standard(rows: Image) -> Image:
    """One row an image, mean 0 and length 1; an even image is 0 and correlates with nothing."""
    even = 1e-4 * np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    standard: Image = np.where(length > even, rows / np.maximum(length, 1e-12), 0)
    return standard
