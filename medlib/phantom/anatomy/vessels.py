"""Pulmonary arteries, veins and airways: branching trees grown into each lobe.

Every new tip joins the segment that makes distance plus 0.4 of the path to the hilum
least (a simple form of constrained constructive optimisation, Schreiner & Buxbaum 1993); radii
follow Murray's law with the exponent measured in human pulmonary arteries (Huang et al., J Appl
Physiol 1996;81:2123: about 2.3 to 2.4).
"""

from dataclasses import dataclass

import numpy as np

from medlib.phantom.anatomy.geometry import Canvas, settled
from medlib.types import Floats, Integers

MURRAY_EXPONENT = 2.35
_PATH_WEIGHT = 0.4
_RELAXATION_PASSES = 3


@dataclass(frozen=True)
class Segments:
    """Tapered capsules: start and end (n x 3, mm), radii at both (n x 2, mm)."""

    start: Floats
    end: Floats
    radius: Floats

    def __len__(self) -> int:
        """How many capsules there are."""
        return len(self.start)

    @classmethod
    def join(cls, *parts: "Segments") -> "Segments":
        """All capsules of several trees."""
        return cls(
            np.concatenate([p.start for p in parts]),
            np.concatenate([p.end for p in parts]),
            np.concatenate([p.radius for p in parts]),
        )


def grow(root: Floats, tips: Floats, *, tip_radius: float, rng: np.random.Generator) -> Segments:
    """A tree from `root` (3,) to `tips` (n x 3); radii grow from `tip_radius` mm to the root."""
    position, parent = _connect(np.asarray(root, np.float64), np.asarray(tips, np.float64))
    for _ in range(_RELAXATION_PASSES):
        position = _relax(position, parent, len(tips))
    return _sized(position, parent, tip_radius, rng)


def _connect(root: Floats, tips: Floats) -> tuple[Floats, Integers]:
    """Nodes (root, then tip and fork in turn) and the parent of each, -1 for the root.

    Row n of the tables below describes the segment that ends in node n.
    """
    count = 2 * len(tips)
    position, parent = np.zeros((count, 3)), np.full(count, -1)
    start, axis = np.zeros((3, count)), np.zeros((3, count))  # a row each of x, y, z: contiguous
    square, path = np.ones(count), np.full(count, 1e9)

    def lay(node: int, above: int, base: float) -> None:
        parent[node], path[node] = above, base
        start[:, node] = position[above]
        x, y, z = (position[node] - position[above]).tolist()
        axis[:, node] = x, y, z
        square[node] = max(x * x + y * y + z * z, 1e-12)

    position[0], position[1] = root, tips[0]
    lay(1, 0, 0.0)
    for fork, tip in zip(range(2, count, 2), tips[1:], strict=True):
        gone, way, size2 = tip[:, None] - start[:, :fork], axis[:, :fork], square[:fork]
        along = np.minimum(np.maximum((gone * way).sum(0) / size2, 0.05), 0.9)
        gone -= along * way
        far = path[:fork] + along * np.sqrt(size2)
        best = int(settled(np.sqrt((gone * gone).sum(0)) + _PATH_WEIGHT * far).argmin())
        position[fork], position[fork + 1] = tip - 0.88 * gone[:, best], tip
        lay(fork, int(parent[best]), float(path[best]))
        lay(best, fork, float(far[best]))
        lay(fork + 1, fork, float(far[best]))
    return position, parent


def _relax(position: Floats, parent: Integers, tips: int) -> Floats:
    """Each branching point moves halfway to the mean of its neighbours; tips and root stay."""
    total, count = np.zeros_like(position), np.zeros(len(position))
    child = np.arange(1, len(position))
    np.add.at(total, parent[child], position[child])
    np.add.at(count, parent[child], 1)
    free = (count == 2) & (parent >= 0)
    mean = (total[free] + 2 * position[parent[free]]) / 4  # the stem pulls as hard as both branches
    moved = position.copy()
    moved[free] = 0.5 * position[free] + 0.5 * mean
    return moved


def _sized(
    position: Floats,
    parent: Integers,
    tip_radius: float,
    rng: np.random.Generator,
) -> Segments:
    """Capsules with Murray radii; each segment is bent once, so that no vessel is straight."""
    load = np.zeros(len(position))
    leaves = np.ones(len(position), bool)
    leaves[parent[1:]] = False
    load[leaves] = 1.0
    for node in _tips_first(parent):
        load[parent[node]] += load[node]
    radius = tip_radius * load ** (1 / MURRAY_EXPONENT)
    child = np.arange(1, len(position))
    a, b = position[parent[child]], position[child]
    bow = rng.normal(0.0, 0.05, a.shape) * np.linalg.norm(b - a, axis=1, keepdims=True)
    middle = (a + b) / 2 + bow
    stem = np.minimum(radius[parent[child]], 1.25 * radius[child])
    half = (stem + radius[child]) / 2
    return Segments(
        np.concatenate([a, middle]),
        np.concatenate([middle, b]),
        np.concatenate([np.stack([stem, half], 1), np.stack([half, radius[child]], 1)]),
    )


def _tips_first(parent: Integers) -> list[int]:
    """Nodes ordered so that each comes before its parent; the root is left out."""
    depth = np.zeros(len(parent), np.int64)
    pending = np.arange(1, len(parent))
    above = parent.copy()
    while len(pending):
        depth[pending] += 1
        above[pending] = parent[above[pending]]
        pending = pending[above[pending] >= 0]
    order = np.argsort(-depth, kind="stable")
    return [int(n) for n in order if n != 0]


def airways_along(arteries: Segments, *, least_mm: float, ratio: float) -> Segments:
    """Bronchi beside the arteries that are thicker than `least_mm`: same course, moved sideways."""
    big = arteries.radius[:, 1] > least_mm
    start, end, radius = arteries.start[big], arteries.end[big], arteries.radius[big] * ratio
    side = np.array([0.35, 0.9, 0.25])
    offset = side * (arteries.radius[big][:, :1] + radius[:, :1]) * 1.05
    tail = side * (arteries.radius[big][:, 1:] + radius[:, 1:]) * 1.05
    return Segments(start + offset, end + tail, radius)


def share_of_slice(canvas: Canvas, tubes: Segments, thickness_mm: float, levels: int = 3) -> Floats:
    """Share of each pixel, averaged over the slice thickness, that lies inside the capsules."""
    share = np.zeros_like(canvas.hu)
    for step in range(levels):
        z = canvas.z + thickness_mm * ((step + 0.5) / levels - 0.5)
        share += _share_of_plane(canvas, tubes, z)
    return share / levels


def _share_of_plane(canvas: Canvas, tubes: Segments, z: float) -> Floats:
    """The same on one plane: all candidate pixels of all capsules at once."""
    share = np.zeros(canvas.hu.size)
    found = _crossing(canvas, tubes, z)
    if found is None:
        return share.reshape(canvas.hu.shape)
    which, row, column = found
    start, axis = tubes.start[which], (tubes.end - tubes.start)[which]
    px = canvas.x[row, column] - start[:, 0]
    py = canvas.y[row, column] - start[:, 1]
    pz = z - start[:, 2]
    along = px * axis[:, 0] + py * axis[:, 1] + pz * axis[:, 2]
    along = np.clip(along / np.maximum((axis**2).sum(1), 1e-6), 0.0, 1.0)
    px, py, pz = px - along * axis[:, 0], py - along * axis[:, 1], pz - along * axis[:, 2]
    radius = tubes.radius[which, 0] * (1 - along) + tubes.radius[which, 1] * along
    distance = np.sqrt(px * px + py * py + pz * pz)
    pixel = canvas.pixel_mm
    # a vessel thinner than a pixel fills 2r/pixel of it, not all: both edges count
    inside = np.clip((radius - distance) / pixel + 0.5, 0, 1)
    inside -= np.clip((-radius - distance) / pixel + 0.5, 0, 1)
    np.maximum.at(share, row * canvas.hu.shape[1] + column, inside)
    return share.reshape(canvas.hu.shape)


def _crossing(
    canvas: Canvas, tubes: Segments, z: float
) -> tuple[Integers, Integers, Integers] | None:
    """(capsule, row, column) of every pixel in the boxes of the capsules that reach plane z."""
    thick = tubes.radius.max(1) + canvas.pixel_mm
    near = (np.minimum(tubes.start[:, 2], tubes.end[:, 2]) - thick < z) & (
        np.maximum(tubes.start[:, 2], tubes.end[:, 2]) + thick > z
    )
    index = np.flatnonzero(near)
    low, high = _boxes(canvas, tubes, index, z)
    extent = np.maximum(high - low, 0)
    area = extent[:, 0] * extent[:, 1]
    if area.sum() == 0:
        return None
    box = np.repeat(np.arange(len(index)), area)
    order = np.arange(len(box)) - np.repeat(np.cumsum(area) - area, area)
    row = low[box, 1] + order // extent[box, 0]
    return index[box], row, low[box, 0] + order % extent[box, 0]


def _boxes(canvas: Canvas, tubes: Segments, index: Integers, z: float) -> tuple[Integers, Integers]:
    """Pixel boxes (column, row), clipped to the grid, of the part of each capsule near plane z."""
    a, b = tubes.start[index], tubes.end[index]
    thick = tubes.radius[index].max(1) + canvas.pixel_mm
    rise = np.where(np.abs(b[:, 2] - a[:, 2]) < 1e-3, 1e-3, b[:, 2] - a[:, 2])
    one, two = (z - thick - a[:, 2]) / rise, (z + thick - a[:, 2]) / rise
    first = np.clip(np.minimum(one, two), 0, 1)[:, None]
    last = np.clip(np.maximum(one, two), 0, 1)[:, None]
    ends = np.stack([a + first * (b - a), a + last * (b - a)])
    place = np.stack(canvas.indices(ends[..., 0], ends[..., 1]), -1)
    reach = (thick / canvas.pixel_mm)[:, None]
    low = np.floor(place.min(0) - reach).astype(np.int64)
    high = np.ceil(place.max(0) + reach).astype(np.int64) + 1
    limit = canvas.hu.shape[::-1]
    return np.clip(low, 0, limit), np.clip(high, 0, limit)
