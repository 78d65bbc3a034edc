"""Small images laid on one another by affine maps, and how far they then agree in fine detail."""

from __future__ import annotations

from functools import lru_cache
from math import isqrt
from typing import Final

import numpy as np
from scipy import ndimage

from medlib.types import Images, Integers, Mask, Singles

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
LARGER_BAND: Final = (1.5, 5.0)
"""Two blurs in thumbnail pixels: vessels, lesions and mottling lie between them."""
SOFTER: Final = (0.7, 1.2, 1.8)
"""Blurs tried on the sharper of two images: a copy of half the size has lost its edges."""
BLOCKS: Final = 4
"""Blocks a side, of 12 thumbnail pixels."""


def affine_map(turn: float, zoom: float, down: float, across: float) -> Singles:
    """2 x 3 affine map of (row, column, 1); 0 is the middle of the image, -1 and 1 its edges."""
    t = np.deg2rad(turn)
    linear = zoom * np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    return np.column_stack([linear, [down, across]]).astype(np.float32)


def grid(side: int) -> Singles:
    """side*side x 3: row, column and 1 of each pixel."""
    middles = (np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1
    row, column = np.meshgrid(middles, middles, indexing="ij")
    return np.column_stack([row.ravel(), column.ravel(), np.ones(side**2, np.float32)])


def sample(
    stack: Images, rows: Integers, maps: Singles, side: int, rim: float = 0
) -> tuple[Singles, Mask]:
    """Grey levels of images ``rows`` at mapped pixels, m x side*side, and which lie inside its rim.

    Bilinear. As `ndimage.map_coordinates` in three dimensions, but twenty times as fast.
    """
    size = stack.shape[1]
    places = maps @ grid(side).T  # m x 2 x side*side
    at = np.clip((places + 1) * (size / 2) - 0.5, 0, size - 1.001)
    low = at.astype(np.int64)
    down, across = np.moveaxis((at - low).astype(np.float32), 1, 0)
    corner = rows[:, None] * size**2 + low[:, 0] * size + low[:, 1]
    grey = stack.reshape(-1)
    upper = grey[corner] * (1 - across) + grey[corner + 1] * across
    lower = grey[corner + size] * (1 - across) + grey[corner + size + 1] * across
    return upper * (1 - down) + lower * down, (np.abs(places) <= 1 - 2 * rim / size).all(axis=1)


def align(
    template: Singles,
    known: Singles,
    stack: Images,
    rows: Integers,
    maps: Singles,
    *,
    steps: int = STEPS,
) -> Singles:
    """Maps that lay images ``rows`` on the templates (m x side*side), from maps that nearly do."""
    side = isqrt(template.shape[1])
    slopes = np.gradient(template.reshape(-1, side, side), 2 / side, axis=(1, 2))
    change = np.stack(slopes, axis=1).reshape(len(template), 2, 1, -1) * grid(side).T
    change = change.reshape(len(template), 6, -1)  # of the template with each number of the map
    for _ in range(steps):
        moved, inside = sample(stack, rows, maps, side)
        residual, weight = _residual(template, moved, inside * known)
        weighted = change * weight[:, None]
        square = weighted @ change.transpose(0, 2, 1)
        firm = np.trace(square, axis1=1, axis2=2)[:, None, None] * DAMPING + 1e-6
        step = np.linalg.solve(square + firm * np.eye(6), weighted @ residual[:, :, None])
        maps = _undone(maps, np.clip(step.reshape(-1, 2, 3), -FARTHEST, FARTHEST))
    return maps


def _residual(template: Singles, moved: Singles, weight: Singles) -> tuple[Singles, Singles]:
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


def _undone(maps: Singles, step: Singles) -> Singles:
    """Each map after the inverse of (identity + step)."""
    last = np.tile(np.array([0, 0, 1], np.float32), (len(maps), 1, 1))
    moved = np.concatenate([step, last], axis=1) + np.diag([1, 1, 0]).astype(np.float32)
    composed = np.concatenate([maps, last], axis=1) @ np.linalg.inv(moved)
    return composed[:, :2].astype(np.float32)


def agreement(a: Singles, b: Singles, inside: Mask) -> Singles:
    """Return how far n pairs of aligned images agree in fine detail, -1 to 1.

    a, b: n x s x s; inside: n x s*s, where b has pixels. It is the correlation of detail in the
    middle one of 4 x 4 blocks, each weighted by the square root of its contrast: half of what is to
    be seen agrees at least as well. So a text over one block does not hide a copy, and two slices
    that share one outline are none. The sharper image is blurred as far as fits best.
    """
    fine, coarse = FINE_BAND
    known = inside.reshape(a.shape).astype(np.float32)
    sharp_a, sharp_b = (between(x, fine, coarse, known) for x in (a, b))
    best = _middle_block(sharp_a, sharp_b, known)
    for softer in SOFTER:
        blur = float(np.hypot(fine, softer))
        best = np.maximum(best, _middle_block(sharp_a, between(b, blur, coarse, known), known))
        best = np.maximum(best, _middle_block(between(a, blur, coarse, known), sharp_b, known))
    return best


def detail_agreement(a: Singles, b: Singles, inside: Mask) -> Singles:
    """Return `agreement` of n x s x s images as they are; s is a multiple of 4."""
    known = inside.reshape(a.shape).astype(np.float32)
    sharp_a, sharp_b = (between(x, *FINE_BAND, known) for x in (a, b))
    return _middle_block(sharp_a, sharp_b, known)


def _middle_block(a: Singles, b: Singles, known: Singles) -> Singles:
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
    agreed: Singles = np.where(
        below[:, -1] > 0, np.take_along_axis(correlation, chosen, 1)[:, 0], 0
    )
    return agreed


def likeness(a: Singles, b: Singles, inside: Mask) -> Singles:
    """Return the correlation of n pairs of aligned images inside a mask, -1 to 1.

    a, b: n x s x s; inside: n x s*s. Of what is larger than fine detail and smaller than organs,
    once a quadratic slope of brightness is taken away.
    """
    known = inside.reshape(a.shape).astype(np.float32)
    bands = [between(without_slope(x, known), *LARGER_BAND, known) for x in (a, b)]
    together: Singles = np.multiply(*(standard(x.reshape(inside.shape)) for x in bands)).sum(axis=1)
    return together


def _blocks(stack: Images) -> Singles:
    """Return n x 16 blocks x pixels."""
    side = stack.shape[1] // BLOCKS
    parts = stack.reshape(-1, BLOCKS, side, BLOCKS, side).transpose(0, 1, 3, 2, 4)
    return parts.reshape(len(stack), BLOCKS**2, side**2)


def between(stack: Images, fine: float, coarse: float, known: Singles | None = None) -> Singles:
    """What is left of n x s x s images between two blurs, in pixels, of known pixels (1, not 0)."""
    stack = stack - stack.mean(axis=(1, 2), keepdims=True)  # an even image is exactly 0
    if known is None:
        soft = _blurred(stack, fine)
        return soft - _blurred(soft, coarse)
    soft = _mean_of_known(stack, known, fine)
    detail: Singles = (soft - _mean_of_known(soft, known, coarse)) * known
    return detail


def without_slope(stack: Images, known: Singles) -> Singles:
    """Return n x s x s images less the quadratic that fits what is known (1, not 0) best.

    Lamps light the middle of a photograph more than its edge, in all photographs alike.
    """
    row, column, one = grid(stack.shape[1]).T
    terms = np.stack([one, row, column, row * row, row * column, column * column])
    weight = known.reshape(len(stack), 1, -1) * terms
    square = weight @ terms.T + 1e-3 * np.eye(len(terms), dtype=np.float32)
    fitted = np.linalg.solve(square, weight @ stack.reshape(len(stack), -1, 1))
    slope = (fitted.transpose(0, 2, 1) @ terms).reshape(stack.shape)
    return np.asarray((stack - slope) * known, dtype=np.float32)


def _mean_of_known(stack: Images, known: Singles, width: float) -> Singles:
    share = np.maximum(_blurred(known, width), np.float32(1e-3))
    return np.asarray(_blurred(stack * known, width) / share, dtype=np.float32)


def _blurred(stack: Images, width: float) -> Singles:
    """As `ndimage.gaussian_filter` of each image, but several times as fast on small images."""
    across = _blur(stack.shape[-1], width)
    return np.asarray(across @ stack @ across.T, dtype=np.float32)


@lru_cache(maxsize=64)
def _blur(side: int, width: float) -> Singles:
    """Weights, side x side, each row sums to one."""
    matrix = ndimage.gaussian_filter1d(np.eye(side), width, axis=0, mode="nearest")
    return np.asarray(matrix, dtype=np.float32)


def standard(rows: Singles) -> Singles:
    """One row an image, mean 0 and length 1; an even image is 0 and correlates with nothing."""
    even = 1e-4 * np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Singles = np.where(length > even, rows / np.maximum(length, 1e-12), 0)
    return unit
