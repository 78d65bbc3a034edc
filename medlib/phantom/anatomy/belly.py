"""An axial slice through liver, spleen and kidneys, with one lesion in the right lobe of the liver.

`draw` takes a patient's numbers from chance, `render` paints them: shares of substances on a grid,
the same for all scanners. x to the patient's left, y to the back, in mm from the body's middle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from medlib.phantom.anatomy import lesion as lesions
from medlib.phantom.anatomy.geometry import (
    Grid,
    Noise,
    bar_distance,
    capsule_distance,
    ellipse_distance,
    settled,
    smooth_union,
)
from medlib.phantom.anatomy.lesion import Lesion
from medlib.phantom.anatomy.shares import Shares
from medlib.phantom.anatomy.substances import SUBSTANCES
from medlib.types import Floats

Branch: TypeAlias = tuple[float, float, float, float]

SKIN_MM = 2.0
CANDIDATES = 64
"""Places in the liver that are tried for a lesion."""
WINDOW = 0.32
"""Radians round the probe that hold no rib: who scans looks between two."""


@dataclass(frozen=True)
class Belly:
    """One patient; lengths in mm, angles in radians from the patient's left, over the back."""

    half_width: float
    half_depth: float
    exponent: float
    waviness: Floats  # of the outline: order x (amount, phase)
    fat: float
    muscle: float
    shift: tuple[float, float]  # of organs, against each other
    liver_edge: float
    liver_wave: tuple[float, float]
    kidneys: Floats  # 2 x (x, y, turn, size)
    branches: Floats  # vessels of the liver: n x (angle, start, length, radius, bend)
    dots: Floats  # vessels cut across: n x (x, y, radius)
    bowel: Floats  # n x (x, y, radius, share of gas)
    ribs: Floats  # angles
    sites: Floats  # candidates for the lesion, n x (x, y)
    grain: Noise

    @property
    def spine(self) -> float:
        """Y of the middle of the vertebral body."""
        return self.half_depth - self.fat - 62

    def reach(self, angle: Floats) -> Floats:
        """Distance of the skin from the body's middle in a direction."""
        p = self.exponent
        c, s = np.abs(np.cos(angle)) / self.half_width, np.abs(np.sin(angle)) / self.half_depth
        reach = (c**p + s**p) ** (-1 / p)
        for order, (amount, phase) in enumerate(self.waviness, 2):
            reach = reach + amount * np.cos(order * angle + phase)
        return np.asarray(reach)


def draw(rng: np.random.Generator) -> Belly:
    """A patient as chance has it; nothing about the lesion but its possible places."""
    body, organs, tubes, bones, places, grain = rng.spawn(6)
    fat = float(body.uniform(8, 30))
    half_width = float(body.uniform(140, 158)) + fat / 2
    return Belly(
        half_width=half_width,
        half_depth=half_width * float(body.uniform(0.66, 0.74)),
        exponent=float(body.uniform(2.15, 2.5)),
        waviness=_columns(body.normal(0, [2.5, 1.8, 1.2]), body.uniform(0, 2 * np.pi, 3)),
        fat=fat,
        muscle=float(body.uniform(9, 15)),
        shift=(float(organs.normal(0, 4)), float(organs.normal(0, 4))),
        liver_edge=float(organs.uniform(10, 40)),
        liver_wave=(float(organs.uniform(2, 6)), float(organs.uniform(0, 2 * np.pi))),
        kidneys=_draw_kidneys(organs),
        branches=_draw_branches(tubes),
        dots=_columns(
            tubes.uniform(-125, 20, 18), tubes.uniform(-70, 45, 18), tubes.uniform(0.8, 2.4, 18)
        ),
        bowel=_draw_bowel(tubes),
        ribs=np.arange(12.0) * (np.pi / 6) + bones.uniform(0, 0.5),
        sites=_columns(places.uniform(-115, -25, CANDIDATES), places.uniform(-50, 30, CANDIDATES)),
        grain=Noise.draw(grain),
    )


def _draw_kidneys(rng: np.random.Generator) -> Floats:
    return _columns(
        rng.normal((-66, 66), 4),
        rng.normal(0, 5, 2),
        rng.normal((-0.4, 0.4), 0.15),
        rng.uniform(0.85, 1.1, 2),
    )


def _draw_branches(rng: np.random.Generator) -> Floats:
    return _columns(
        np.linspace(2.2, 4.1, 7) + rng.normal(0, 0.12, 7),
        rng.uniform(8, 30, 7),
        rng.uniform(30, 60, 7),
        rng.uniform(1.8, 3.6, 7),
        rng.normal(0, 0.35, 7),
    )


def _draw_bowel(rng: np.random.Generator) -> Floats:
    return _columns(
        rng.uniform(10, 95, 7),
        rng.uniform(-70, -5, 7),
        rng.uniform(11, 19, 7),
        rng.uniform(0, 0.8, 7),
    )


def _columns(*numbers: Floats) -> Floats:
    """Side by side: one row a thing."""
    return np.stack(numbers, axis=1)


def site(belly: Belly, room: float) -> tuple[float, float]:
    """The first place in the liver with so much room around it, else the roomiest."""
    x, y = belly.sites.T
    inside = settled(-liver(belly, x, y, _inner(belly, x, y)))
    fits = np.flatnonzero(inside > room)
    best = int(fits[0]) if len(fits) else int(np.argmax(inside))
    return float(x[best]), float(y[best])


def liver(belly: Belly, x: Floats, y: Floats, inner: Floats) -> Floats:
    """Signed distance to the liver, from that to the abdominal cavity (`inner`)."""
    amount, phase = belly.liver_wave
    edge = (x - belly.liver_edge + 0.45 * y + amount * np.sin(y / 17 + phase)) * 0.88
    hollow = 34 - np.hypot(x + 8, (y - belly.spine) / 1.1)
    kidney = _kidney(belly, 0, x, y)
    return np.asarray(np.maximum(np.maximum(inner + 1.5, edge), np.maximum(hollow, 5 - kidney)))


def render(belly: Belly, lesion: Lesion, grid: Grid, probe_angle: float) -> Shares:
    """The slice on a grid; `probe_angle`: where the ultrasound probe looks between ribs."""
    names = [*SUBSTANCES, *lesions.NAMES]
    slab = Shares.of(grid, names, [*SUBSTANCES.values(), *lesions.substances(lesion)])
    paint(slab, belly, probe_angle)
    lesions.paint(slab.near(*lesion.centre, lesion.radius + lesion.rim + 8), lesion)
    return slab


def paint(slab: Shares, belly: Belly, clear: float) -> None:
    """Everything but a lesion; no rib lies in the direction `clear`."""
    x, y = slab.x, slab.y
    depth = _depth(belly, x, y)
    muscle = SKIN_MM + _fat(belly, x, y) - depth
    inner = muscle + belly.muscle
    slab.paint("skin", -depth)
    slab.paint("fat", SKIN_MM - depth)
    slab.paint("muscle", muscle)
    slab.paint("fat", inner)
    _paint_ribs(slab, belly, clear)
    _paint_back(slab, belly, muscle)
    _paint_bowel(slab, belly, inner)
    _paint_spleen(slab, belly, inner)
    organ = liver(belly, x, y, inner)
    slab.paint("liver", organ)
    _paint_vessels(slab, belly, organ + 6)
    _paint_kidneys(slab, belly)
    _paint_spine(slab, belly)


def _depth(belly: Belly, x: Floats, y: Floats) -> Floats:
    """Depth below the skin, about: along the normal of the outline."""
    angle = np.arctan2(y, x)
    reach, beside = belly.reach(angle), belly.reach(angle + 1e-3)
    slope = (beside - reach) / (1e-3 * reach)
    return np.asarray((reach - np.hypot(x, y)) / np.sqrt(1 + slope**2))


def _fat(belly: Belly, x: Floats, y: Floats) -> Floats:
    """Thickness of the fat below the skin: more of it at the back."""
    return np.asarray(belly.fat * (1 + 0.25 * y / np.maximum(np.hypot(x, y), 1)))


def _inner(belly: Belly, x: Floats, y: Floats) -> Floats:
    """Signed distance to the abdominal cavity."""
    return np.asarray(SKIN_MM + _fat(belly, x, y) + belly.muscle - _depth(belly, x, y))


def _bone(slab: Shares, distance: Floats, shell: float) -> None:
    """Compact bone round marrow."""
    slab.paint("compact bone", distance)
    slab.paint("marrow", distance + shell)


def _paint_ribs(slab: Shares, belly: Belly, probe_angle: float) -> None:
    """Cross-sections of ribs in the wall of both sides, none in front of the probe."""
    for angle in belly.ribs:
        beside = abs(np.sin(angle)) < 0.72
        far = abs((angle - probe_angle + np.pi) % (2 * np.pi) - np.pi) > WINDOW
        if beside and far:
            reach = float(belly.reach(np.array(angle))) - belly.fat - SKIN_MM - 7
            centre = reach * float(np.cos(angle)), reach * float(np.sin(angle))
            part = slab.near(*centre, 16)
            _bone(part, ellipse_distance(part.x, part.y, centre, (5, 11), float(angle)), 1.3)


def _paint_back(slab: Shares, belly: Belly, muscle: Floats) -> None:
    """Muscles beside the spine."""
    for side in (-1, 1):
        erector = ellipse_distance(
            slab.x, slab.y, (side * 33, belly.spine + 40), (30, 20), side * 0.15
        )
        slab.paint("muscle", np.maximum(erector, muscle))
        part = slab.near(side * 36, belly.spine + 4, 24)
        psoas = ellipse_distance(part.x, part.y, (side * 36, belly.spine + 4), (13, 18))
        part.paint("muscle", psoas)


def _paint_bowel(slab: Shares, belly: Belly, inner: Floats) -> None:
    """Stomach and loops of bowel, with fluid below and gas in front; and the pancreas."""
    stomach = (58 + belly.shift[0], -42 + belly.shift[1], 36.0, 0.35)
    for cx, cy, radius, gas in (stomach, *belly.bowel):
        outer = ellipse_distance(slab.x, slab.y, (cx, cy), (radius * 1.15, radius * 0.9))
        outer = np.maximum(outer, inner + 2)
        slab.paint("fat", outer - 2.5)
        slab.paint("bowel", outer)
        slab.paint("fluid", outer + 3, amount=0.5)
        slab.paint("gas", np.maximum(outer + 3.5, slab.y - cy + radius * (1.0 - 1.6 * gas)))
    part = slab.near(13, belly.spine - 46, 60)
    head, neck, tail = (-22.0, belly.spine - 44), (10.0, belly.spine - 54), (48, belly.spine - 38)
    organ = smooth_union(
        bar_distance(part.x, part.y, head, neck, 10.0),
        bar_distance(part.x, part.y, neck, tail, 8.0),
        8.0,
    )
    part.paint("pancreas", organ + 1.2 * np.sin(part.x / 3.1) * np.cos(part.y / 2.7))


def _paint_spleen(slab: Shares, belly: Belly, inner: Floats) -> None:
    """Behind on the left, along the wall."""
    centre = (belly.half_width - belly.fat - 42, belly.spine - 12)
    whole = np.maximum(ellipse_distance(slab.x, slab.y, centre, (33, 52), 0.35), inner + 2)
    slab.paint("spleen", np.maximum(whole, 5 - _kidney(belly, 1, slab.x, slab.y)))


def _paint_vessels(slab: Shares, belly: Belly, bounds: Floats) -> None:
    """Aorta, inferior vena cava, and branches in the liver."""
    part = slab.near(0, belly.spine - 26, 36)
    aorta = np.hypot(part.x - 9, part.y - belly.spine + 27)
    part.paint("muscle", aorta - 11)
    part.paint("blood", aorta - 9.5)
    part.paint("blood", ellipse_distance(part.x, part.y, (-17, belly.spine - 25), (12, 8), 0.3))
    tree = np.full(bounds.shape, np.inf)
    for start, end in _tree(belly):
        np.minimum(tree, capsule_distance(slab.x, slab.y, 0.0, start, end), out=tree)
    for cx, cy, radius in belly.dots:
        np.minimum(tree, np.hypot(slab.x - cx, slab.y - cy) - radius, out=tree)
    slab.paint("blood", np.maximum(tree, bounds))


def _tree(belly: Belly) -> Iterator[tuple[Branch, Branch]]:
    """Ends (x, y, 0, radius) of the tapering pieces that run out from the hilum of the liver."""
    for angle, first, length, radius, bend in belly.branches:
        x, y = -18.0 + first * np.cos(angle), belly.spine - 48 + first * np.sin(angle)
        for turn, thick, thin in ((angle, 1.0, 0.7), (angle + bend, 0.7, 0.4)):
            start = (x, y, 0.0, thick * radius)
            x, y = x + length / 2 * np.cos(turn), y + length / 2 * np.sin(turn)
            yield start, (x, y, 0.0, thin * radius)


def _kidney(belly: Belly, side: int, x: Floats, y: Floats) -> Floats:
    """Signed distance to the right (0) or left (1) kidney."""
    cx, cy, turn, size = (float(v) for v in belly.kidneys[side])
    return ellipse_distance(x, y, (cx, belly.spine + cy), (24 * size, 30 * size), turn)


def _paint_kidneys(slab: Shares, belly: Belly) -> None:
    """Cortex, pyramids round a fatty sinus, and fat around."""
    for side in (0, 1):
        cx, cy, turn, size = (float(v) for v in belly.kidneys[side])
        part = slab.near(cx, belly.spine + cy, 45)
        x, y, outline = part.x, part.y, _kidney(belly, side, part.x, part.y)
        part.paint("fat", outline - 4)
        part.paint("renal cortex", outline)
        middle = cx + (-9 if side else 9) * size, belly.spine + cy
        for k in range(-3, 4):
            angle = turn + k * 0.75 + (0 if side else np.pi)
            at = middle[0] + 16 * size * np.cos(angle), middle[1] + 18 * size * np.sin(angle)
            pyramid = ellipse_distance(x, y, at, (6.5 * size, 4.5 * size), float(angle))
            part.paint("renal medulla", np.maximum(pyramid, outline + 5))
        part.paint("fat", ellipse_distance(x, y, middle, (9 * size, 13 * size), turn))
        part.paint("fluid", ellipse_distance(x, y, middle, (3 * size, 5 * size), turn))


def _paint_spine(slab: Shares, belly: Belly) -> None:
    """Vertebral body, arch and processes, and the fluid in the canal."""
    back = belly.spine
    part = slab.near(0, back + 20, 50)
    x, y = part.x, part.y
    _bone(part, ellipse_distance(x, y, (0, back), (24, 17)), 1.4)
    for side in (-1, 1):
        _bone(part, bar_distance(x, y, (side * 15, back + 20), (side * 38, back + 27), 3.8), 1.3)
        _bone(part, bar_distance(x, y, (side * 13, back + 16), (side * 11, back + 32), 4.2), 1.3)
    _bone(part, bar_distance(x, y, (0, back + 34), (0, back + 56), 4.0), 1.3)
    part.paint("fat", ellipse_distance(x, y, (0, back + 24), (10, 8.5)))
    part.paint("fluid", ellipse_distance(x, y, (0, back + 24), (8.5, 7)))
