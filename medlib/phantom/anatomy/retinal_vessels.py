"""Vessels of the retina: an arterial and a venous tree that grow from the optic disc.

Four trunks of each tree bend round the macula; then each point that wants blood joins the vessel
that reaches it most easily without turning back, at an acute angle (a simple form of constrained
constructive optimisation, Schreiner & Buxbaum 1993). Widths follow Murray's law: the cube of a
vessel's radius is the sum of the cubes of its branches (Murray, PNAS 1926;12:207).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.phantom.anatomy.geometry import settled
from medlib.types import Floats, Integers

MURRAY_EXPONENT: Final = 3.0
STEP_MM: Final = 0.12
"""Distance of neighbouring nodes."""
SPACING_MM: Final = 0.95
"""Mean distance of the points that want blood, of one tree."""
AVASCULAR_MM: Final = 0.55
"""Radius of the zone round the fovea without vessels."""
ARCADE: Final = 2.2
"""Width of the temporal arcades, mm: their parabola is y^2 = ARCADE * distance from the disc."""
_BACKWARD: Final = 0.75
"""How much longer the way to a point behind a vessel's direction counts."""


@dataclass(frozen=True)
class Tree:
    """Nodes of a tree: position (n x 2, mm), parent (-1 of the first), radius (n, mm)."""

    position: Floats
    parent: Integers
    radius: Floats

    def segments(self) -> tuple[Floats, Floats, Floats]:
        """Start and end (n x 2) and mean radius (n) of each piece between two nodes."""
        child = np.flatnonzero(self.parent >= 0)
        above = self.parent[child]
        radius = (self.radius[child] + np.minimum(self.radius[above], 1.3 * self.radius[child])) / 2
        return self.position[above], self.position[child], radius


def grow(
    rng: np.random.Generator,
    *,
    disc: Floats,
    fovea: Floats,
    reach_mm: float,
    tip_mm: float,
    wide: float = 1.0,
) -> Tree:
    """A tree from the disc's centre to all places within `reach_mm` of the middle; x temporal.

    disc, fovea: (x, y) in mm; tip_mm: mean radius of its last branches; wide: of its arcades.
    """
    position, parent, direction = _trunks(rng, disc, reach_mm, wide)
    tips = _tips(rng, disc, fovea, reach_mm)
    bends = rng.normal(0, 0.16, len(tips))
    parents = [parent]
    size = len(position)
    room = size + len(tips) * 40
    all_nodes, all_ways = np.zeros((room, 2)), np.zeros((room, 2))
    all_nodes[:size], all_ways[:size] = position, direction
    for tip, bend in zip(tips, bends, strict=True):
        start = _nearest(all_nodes[:size], all_ways[:size], tip, fovea)
        path, way = _path(all_nodes[start], all_ways[start], tip, float(bend))
        more = min(len(path), room - size)
        above = np.r_[start, np.arange(size, size + more - 1)]
        all_nodes[size : size + more], all_ways[size : size + more] = path[:more], way[:more]
        parents.append(above)
        size += more
    joined = np.concatenate(parents).astype(np.int64)
    thick = tip_mm * np.exp(rng.normal(0, 0.08))
    return Tree(all_nodes[:size], joined, thick * _load(joined) ** (1 / MURRAY_EXPONENT))


def _trunks(
    rng: np.random.Generator, disc: Floats, reach: float, wide: float
) -> tuple[Floats, Integers, Floats]:
    """Nodes, parents and directions of the four trunks; the first node is the disc's centre."""
    nodes, parents, ways, size = [disc[None]], [np.array([-1])], [np.array([[1.0, 0.0]])], 1
    wide = wide * ARCADE * float(np.exp(rng.normal(0, 0.12)))
    shapes = rng.normal(0, 1, (4, 4))
    for k, (up, temporal) in enumerate(((-1, True), (1, True), (-1, False), (1, False))):
        along = np.arange(1, round(0.72 * reach / 0.05)) * 0.05
        if temporal:
            x, y = disc[0] + along**2 / (wide * np.exp(0.1 * shapes[k, 0])), disc[1] + up * along
        else:
            x = disc[0] - along * (0.55 + 0.12 * shapes[k, 0]) - 0.02 * along**2
            y = disc[1] + up * along
        sway = 0.13 * np.sin(1.5 * along + 3 * shapes[k, 1]) + 0.07 * np.sin(
            3.4 * along + 3 * shapes[k, 0]
        )
        sway *= np.minimum(along / 1.2, 1)
        course = np.stack([x + sway * shapes[k, 2], y + 0.6 * sway * shapes[k, 3]], axis=1)
        course = _even(np.concatenate([disc[None], course]))
        inside = settled(np.hypot(*course.T)) < reach + 1.0
        course = course[: max(3, int(np.argmin(inside)) if not inside.all() else len(course))]
        n = len(course) - 1
        nodes.append(course[1:])
        parents.append(np.r_[0, np.arange(size, size + n - 1)])
        ways.append(_directions(course))
        size += n
    return np.concatenate(nodes), np.concatenate(parents), np.concatenate(ways)


def _tips(rng: np.random.Generator, disc: Floats, fovea: Floats, reach: float) -> Floats:
    """Points that want blood: a jittered lattice, the ones near the disc first."""
    half = int(np.ceil((reach + 1) / SPACING_MM))
    lattice = np.arange(-half, half + 1) * SPACING_MM
    points = np.stack(np.meshgrid(lattice, lattice), axis=-1).reshape(-1, 2)
    points = points + rng.uniform(-0.5, 0.5, points.shape) * SPACING_MM
    from_fovea, from_disc = (np.hypot(*(points - at).T) for at in (fovea, disc))
    kept = (
        (settled(np.hypot(*points.T)) < reach + 1)
        & (settled(from_fovea) > AVASCULAR_MM)
        & (settled(from_disc) > 1.2)
    )
    order = np.argsort(settled(from_disc[kept]), kind="stable")
    return points[kept][order]


def _nearest(nodes: Floats, ways: Floats, tip: Floats, fovea: Floats) -> int:
    """The node from which the tip is reached best: near, ahead, and not across the fovea."""
    gap = tip - nodes
    far = np.sqrt((gap * gap).sum(axis=1)) + 1e-6
    turn = 1 - (gap * ways).sum(axis=1) / far
    middle = (nodes + tip) / 2 - fovea
    across = 2.0 * np.maximum(0.0, 1.1 - np.sqrt((middle * middle).sum(axis=1)))
    return int(settled(far * (1 + _BACKWARD * turn) + across).argmin())


def _path(start: Floats, way: Floats, tip: Floats, bend: float) -> tuple[Floats, Floats]:
    """Nodes and directions of a curved way from a node, leaving it at an acute angle."""
    gap = tip - start
    side = np.array([-gap[1], gap[0]]) * bend
    handle = start + 0.35 * float(np.hypot(*gap)) * way + side
    t = np.linspace(0, 1, 24)[:, None]
    course = (1 - t) ** 2 * start + 2 * t * (1 - t) * handle + t**2 * tip
    course = _even(course)
    return course[1:], _directions(course)


def _even(course: Floats) -> Floats:
    """The same course with nodes about `STEP_MM` apart."""
    pieces = np.hypot(*np.diff(course, axis=0).T)
    length = np.r_[0, np.cumsum(pieces)]
    count = max(2, int(settled(length[-1] / STEP_MM)) + 1)
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, course[:, k]) for k in (0, 1)], axis=1)


def _directions(course: Floats) -> Floats:
    """Unit vectors along a course, of all its nodes but the first."""
    step = np.diff(course, axis=0)
    return np.asarray(step / (np.hypot(*step.T)[:, None] + 1e-9))


def _load(parent: Integers) -> Floats:
    """How many tips each node feeds; a parent comes before its children."""
    load = np.zeros(len(parent))
    leaf = np.ones(len(parent), bool)
    leaf[parent[1:]] = False
    load[leaf] = 1.0
    for node in range(len(parent) - 1, 0, -1):
        load[parent[node]] += load[node]
    return load


def density(tree: Tree, x: Floats, y: Floats, pixel_mm: float) -> Floats:
    """Thickness of blood on a grid in mm: rows `y` by columns `x` (mm), partial volume counted."""
    start, end, radius = tree.segments()
    reach = radius + pixel_mm
    low, high = np.minimum(start, end) - reach[:, None], np.maximum(start, end) + reach[:, None]
    first = [
        np.clip(np.ceil((low[:, k] - g[0]) / pixel_mm), 0, len(g)) for k, g in ((0, x), (1, y))
    ]
    last = [
        np.clip(np.floor((high[:, k] - g[0]) / pixel_mm) + 1, 0, len(g))
        for k, g in ((0, x), (1, y))
    ]
    width, height = (np.maximum(b - a, 0).astype(int) for a, b in zip(first, last, strict=True))
    area = width * height
    which = np.repeat(np.arange(len(area)), area)
    order = np.arange(len(which)) - np.repeat(np.cumsum(area) - area, area)
    row = first[1].astype(int)[which] + order // np.maximum(width, 1)[which]
    column = first[0].astype(int)[which] + order % np.maximum(width, 1)[which]
    blood = np.zeros(len(y) * len(x))
    np.maximum.at(blood, row * len(x) + column, _chord(
        x[column], y[row], start[which], (end - start)[which], radius[which], pixel_mm
    ))  # fmt: skip
    return blood.reshape(len(y), len(x))


def _chord(
    x: Floats, y: Floats, start: Floats, axis: Floats, radius: Floats, pixel_mm: float
) -> Floats:
    """Blood above a pixel of a vessel of that radius, mm, averaged over the pixel."""
    px, py = x - start[:, 0], y - start[:, 1]
    along = (px * axis[:, 0] + py * axis[:, 1]) / np.maximum((axis**2).sum(axis=1), 1e-6)
    along = np.minimum(np.maximum(along, 0.0), 1.0)
    gx, gy = px - along * axis[:, 0], py - along * axis[:, 1]
    distance = np.sqrt(gx * gx + gy * gy)
    inside = np.clip((radius - distance) / pixel_mm + 0.5, 0, 1)
    inside -= np.clip((-radius - distance) / pixel_mm + 0.5, 0, 1)
    return np.asarray(inside * 1.6 * radius)  # the mean chord of a circle is pi / 2 of its radius
