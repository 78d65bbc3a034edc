"""Heart, great vessels, airways and oesophagus as chains of tapered capsules and ellipsoids.

Positions are those of an average adult (mm; x left, y back, z up from the carina), read off
textbook sections (Webb et al. 2014; Weir & Abrahams, *Imaging Atlas of Human Anatomy*, 5th ed.);
`draw_mediastinum` scales, bends and jitters them, so that no two hearts or arches are alike.
"""

from dataclasses import dataclass

import numpy as np

from medlib.phantom.anatomy.cage import Cage
from medlib.phantom.anatomy.geometry import (
    Point,
    capsule_distance,
    ellipsoid_distance,
    smooth_union,
)
from medlib.types import Floats

Node = tuple[float, float, float, float]  # x, y, z, radius

# What flows in each chain: "left" and "right" hearts enhance at different times.
_TUBES: dict[str, tuple[str, tuple[Node, ...]]] = {
    "ascending aorta": (
        "left",
        ((2, -16, -72, 14), (-13, -24, -45, 15), (-17, -25, -15, 15), (-14, -22, 12, 14.5)),
    ),
    "aortic arch": (
        "left",
        ((-14, -22, 12, 14.5), (-5, -12, 25, 13.5), (9, 5, 31, 13), (22, 22, 27, 12.5)),
    ),
    "descending aorta": (
        "left",
        (
            (22, 22, 27, 12.5),
            (27, 36, 10, 12),
            (28, 40, -30, 11.5),
            (23, 41, -90, 11),
            (12, 42, -180, 10.5),
        ),
    ),
    "brachiocephalic artery": ("left", ((-4, -12, 34, 6.5), (-13, -4, 60, 6), (-24, 4, 110, 5))),
    "left carotid": ("left", ((4, -2, 38, 4.2), (13, 2, 65, 3.8), (17, 6, 120, 3.5))),
    "left subclavian": (
        "left",
        ((17, 13, 36, 5), (25, 16, 70, 4.8), (38, 14, 96, 4.6), (70, 0, 112, 4.4)),
    ),
    "superior vena cava": ("vein", ((-30, -20, 45, 8), (-32, -16, 0, 9), (-31, -12, -48, 10))),
    "right brachiocephalic vein": (
        "vein",
        ((-30, -20, 45, 8), (-36, -18, 75, 7), (-42, -14, 110, 6)),
    ),
    "left brachiocephalic vein": (
        "vein",
        ((-29, -22, 44, 7.5), (-8, -33, 50, 6.5), (20, -26, 64, 6.5), (34, -14, 100, 6)),
    ),
    "azygos": (
        "vein",
        (
            (-6, 41, -170, 3),
            (-8, 41, -10, 3.8),
            (-13, 35, 9, 4),
            (-26, 14, 13, 4.5),
            (-31, -6, 8, 4.5),
        ),
    ),
    "pulmonary trunk": (
        "right",
        ((10, -46, -86, 15), (16, -47, -60, 13), (21, -40, -35, 13.5), (21, -24, -18, 13)),
    ),
    "right pulmonary artery": (
        "right",
        ((20, -22, -20, 12), (-8, -4, -25, 10.5), (-34, 3, -28, 9.5), (-46, 8, -36, 7.5)),
    ),
    "left pulmonary artery": (
        "right",
        ((21, -22, -17, 12), (34, 0, -9, 11), (46, 16, -16, 9), (48, 20, -32, 7.5)),
    ),
    "inferior vena cava": ("vein", ((-24, 2, -95, 10), (-23, 10, -125, 11), (-20, 16, -190, 11))),
    "right superior pulmonary vein": ("left", ((-48, -6, -42, 5.5), (-20, 5, -58, 7.5))),
    "right inferior pulmonary vein": ("left", ((-42, 20, -74, 5.5), (-18, 12, -66, 7.5))),
    "left superior pulmonary vein": ("left", ((44, -8, -36, 5.5), (18, 4, -55, 7.5))),
    "left inferior pulmonary vein": ("left", ((42, 22, -70, 5.5), (18, 13, -65, 7.5))),
    "oesophagus": (
        "oesophagus",
        ((2, 29, 130, 6), (5, 33, 45, 6), (4, 32, 0, 6.5), (9, 32, -60, 6.5), (18, 30, -130, 7.5)),
    ),
    "thymus": (
        "fat",
        (
            (-4, -36, 60, 12),
            (0, -42, 30, 13),
            (2, -44, 0, 12),
            (4, -48, -40, 11),
            (8, -56, -75, 14),
        ),
    ),
    "pretracheal fat": (
        "fat",
        ((-14, 4, 60, 12), (-15, 2, 30, 12), (-14, 2, 0, 11), (-10, 2, -20, 9)),
    ),
    "window fat": (
        "fat",
        ((12, 18, 60, 12), (14, 10, 20, 12), (16, 14, -5, 11), (4, 28, -25, 12), (6, 26, -60, 10)),
    ),
    "epicardial fat": ("fat", ((2, -22, -20, 15), (4, -24, -60, 20), (10, -28, -100, 22))),
    "subcarinal fat": (
        "fat",
        ((0, 14, 5, 12), (2, 12, -30, 15), (4, 22, -60, 14), (10, 24, -130, 9)),
    ),
    "left paravertebral fat": ("fat", ((14, 40, 130, 7), (16, 44, 0, 7), (12, 44, -190, 8))),
    "trachea": (
        "airway",
        ((-1, 12, 135, 8.3), (-1, 15, 60, 8.8), (-2, 18, 12, 9.2), (-2, 19, 2, 9)),
    ),
    "right main bronchus": (
        "airway",
        ((-4, 19, 0, 7.4), (-19, 20, -13, 6.8), (-33, 19, -24, 6.2), (-38, 20, -48, 5.2)),
    ),
    "left main bronchus": (
        "airway",
        ((1, 19, 0, 7), (22, 21, -16, 6.1), (41, 23, -28, 5.4), (45, 24, -48, 4.6)),
    ),
}

_CHAMBERS: dict[str, tuple[str, Point, Point, float]] = {
    "left atrium": ("left", (0, 6, -62), (31, 18, 21), 0.0),
    "right atrium": ("vein", (-34, -20, -82), (23, 26, 34), 0.2),
    "right ventricle": ("right", (8, -53, -90), (42, 25, 36), 0.35),
    "left ventricle wall": ("wall", (41, -26, -98), (33, 43, 37), -0.75),
    "left ventricle": ("left", (39, -24, -96), (21, 32, 27), -0.75),
}

_BLEND_MM = 10.0  # fillet of the pleura between neighbouring organs
_FAT_MM = {"airway": 2.5, "fat": 2.0, "oesophagus": 2.0}  # fat round an organ; else 3.5
_REACH_MM = 30.0  # organs further than this above or below a slice cannot touch its outline


@dataclass(frozen=True)
class Tube:
    """A chain of tapered capsules."""

    name: str
    flow: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Chamber:
    """An ellipsoid turned about z."""

    name: str
    flow: str
    centre: Point
    semi: Point
    turn: float


@dataclass(frozen=True)
class Node3:
    """A lymph node: centre and semi-axes in mm."""

    centre: Point
    semi: Point


@dataclass(frozen=True)
class Mediastinum:
    """All organs between the lungs, in patient coordinates."""

    tubes: tuple[Tube, ...]
    chambers: tuple[Chamber, ...]
    lymph_nodes: tuple[Node3, ...]
    fat_mm: float
    waves: tuple[tuple[float, float, float], ...]  # wave number, phase, amplitude of the outline
    junction_mm: float  # where left and right lung meet in front
    oesophagus_air: float  # radius in mm of the air in it


def draw_mediastinum(rng: np.random.Generator, cage: Cage, age: float) -> Mediastinum:
    """Organs scaled to the cage, each moved, turned and sized on its own; age widens the aorta."""
    scale = (cage.width, cage.depth, cage.length)
    widen = float(rng.normal(1.0, 0.06)) * (0.9 + 0.2 * (age - 40) / 40)
    heart = float(np.clip(rng.normal(1.0, 0.08), 0.85, 1.25))
    axis = float(rng.normal(0.0, 0.2))
    shift = rng.normal(0.0, 2.5, 3)
    bend = {name: rng.normal(0.0, 2.2, 3) for name in _TUBES}
    thick = {name: float(rng.normal(1.0, 0.07)) for name in _TUBES}

    def tube(name: str, flow: str, nodes: tuple[Node, ...]) -> Tube:
        factor = thick[name] * (widen if "aort" in name else 1.0)
        return Tube(name, flow, _bent(nodes, scale, shift, bend[name], factor))

    def chamber(name: str, flow: str, at: Point, semi: Point, turn: float) -> Chamber:
        jitter = rng.normal(0.0, 2.5, 3) + shift
        where = tuple(float(v * s + j) for v, s, j in zip(at, scale, jitter, strict=True))
        size = tuple(float(v * s * heart) for v, s in zip(semi, scale, strict=True))
        return Chamber(name, flow, _point(where), _point(size), turn + axis)

    return Mediastinum(
        tubes=tuple(tube(n, flow, nodes) for n, (flow, nodes) in _TUBES.items()),
        chambers=tuple(chamber(n, *c) for n, c in _CHAMBERS.items()),
        lymph_nodes=_draw_nodes(rng, scale),
        fat_mm=float(rng.uniform(0.0, 5.0)),
        waves=tuple(
            (float(rng.uniform(0.04, 0.16)), float(rng.uniform(0, 6.28)), float(rng.normal(0, 1.6)))
            for _ in range(6)
        ),
        junction_mm=float(rng.normal(2.0, 3.5)),
        oesophagus_air=float(max(0.0, rng.normal(0.5, 1.8))),
    )


def _point(values: tuple[float, ...]) -> Point:
    return values[0], values[1], values[2]


def _bent(
    nodes: tuple[Node, ...], scale: Point, shift: Floats, bend: Floats, factor: float
) -> tuple[Node, ...]:
    """Nodes scaled and shifted; the middle of the chain bows by `bend`, its ends hold."""
    share = np.sin(np.linspace(0.0, np.pi, len(nodes)))
    return tuple(
        (
            float(x * scale[0] + shift[0] + s * bend[0]),
            float(y * scale[1] + shift[1] + s * bend[1]),
            float(z * scale[2] + s * bend[2]),
            float(r * factor * scale[0]),
        )
        for (x, y, z, r), s in zip(nodes, share, strict=True)
    )


_NODE_STATIONS: tuple[Point, ...] = (
    (-14, 8, 22), (10, 22, -12), (18, -8, 12), (0, 30, -25), (-28, 8, -8), (34, 6, -25),
    (-10, -38, 30),
)  # fmt: skip


def _draw_nodes(rng: np.random.Generator, scale: Point) -> tuple[Node3, ...]:
    """Normal lymph nodes, short axis 2 to 5 mm, at some of the usual stations."""
    chosen = [at for at in _NODE_STATIONS if rng.random() < 0.6]
    return tuple(
        Node3(
            _point(tuple(float(v * s + rng.normal(0, 2)) for v, s in zip(at, scale, strict=True))),
            _point(tuple(float(v) for v in rng.uniform((2.5, 2.0, 3.0), (6.0, 4.0, 8.0)))),
        )
        for at in chosen
    )


def tube_distance(tube: Tube, x: Floats, y: Floats, z: Floats | float) -> Floats:
    """Signed distance in mm to a chain of capsules."""
    parts = [
        capsule_distance(x, y, z, a, b)
        for a, b in zip(tube.nodes[:-1], tube.nodes[1:], strict=True)
        if _near(z, min(a[2], b[2]), max(a[2], b[2]))
    ]
    return np.minimum.reduce(parts) if parts else np.full(np.shape(x), 1e3)


def _near(z: Floats | float, low: float, high: float) -> bool:
    """Whether anything between the heights `low` and `high` can matter at z."""
    return bool(np.any((low - _REACH_MM < z) & (z < high + _REACH_MM)))


def chamber_distance(chamber: Chamber, x: Floats, y: Floats, z: Floats | float) -> Floats:
    """Signed distance in mm to a heart chamber."""
    return ellipsoid_distance(x, y, z, chamber.centre, chamber.semi, chamber.turn)


def envelope(
    organs: Mediastinum, x: Floats, y: Floats, z: Floats | float, spine: float | Floats
) -> Floats:
    """Signed distance in mm to what the two lungs wrap: organs, their fat, and the spine.

    `spine` is the y of the vertebral body's centre.
    """
    ripple = sum(a * np.sin(k * (y + 0.7 * z) + p) for k, p, a in organs.waves)
    behind = (
        np.hypot(x, np.minimum(y - spine, 0.0) * 0.9) - 20.0 - 0.12 * np.maximum(y - spine, 0.0)
    )
    neck = np.maximum(np.asarray(z, np.float64) - 55.0, 0.0) * 0.45  # the apices lie apart
    pad = np.clip(-50.0 - np.asarray(z, np.float64), 0.0, 40.0) * 0.3  # fat before the heart
    before = np.abs(x - organs.junction_mm) - 1.5 - organs.fat_mm * 0.5 - neck - pad
    whole: Floats = behind
    for tube in organs.tubes:
        if _near(z, min(n[2] for n in tube.nodes), max(n[2] for n in tube.nodes)):
            fat = _FAT_MM.get(tube.flow, 3.5 + organs.fat_mm)
            whole = smooth_union(whole, tube_distance(tube, x, y, z) - fat, _BLEND_MM)
    for chamber in organs.chambers:
        c = chamber.centre[2]
        if _near(z, c - chamber.semi[2], c + chamber.semi[2]):
            near = chamber_distance(chamber, x, y, z) - 3.0 - organs.fat_mm
            whole = smooth_union(whole, near, _BLEND_MM)
    return smooth_union(whole + ripple, np.maximum(before, y), _BLEND_MM)
