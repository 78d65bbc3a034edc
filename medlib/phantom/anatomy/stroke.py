"""One slice of a head at the level of the basal ganglia: well, with a bleed, or with an infarct.

x to the patient's left, y to the back, mm. Values are usual ones of textbooks: grey matter 37 HU,
white matter 29, liquor 6, fresh blood 60 to 80. An infarct lies in the territory of one middle
cerebral artery and loses density over hours; in the first hour nothing is to be seen. The curve is
chosen, not measured. Left out: vessels, swelling that shifts the midline, blood outside the brain.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.phantom.anatomy.geometry import Grid
from medlib.types import Floats

KINDS: Final = ("well", "bleed", "infarct")
GREY, WHITE, LIQUOR, SCALP, SKULL, AIR = 37.0, 29.0, 6.0, 10.0, 1000.0, -1000.0
BLOOD_HU: Final = (60.0, 80.0)
HOURS: Final = (0.5, 24.0)
"""From the first sign to the scan, drawn evenly on a logarithmic axis."""
SLICE_MM: Final = 5.0
DEEPEST_HU: Final = 14.0
"""What an infarct loses in the end."""


@dataclass(frozen=True)
class Head:
    """Half axes (x, y) of the brain; size of the ventricles; which side is struck (-1 or 1).

    turn: the head's turn in radians; folds: amplitude and phase of the cortex's folds; radius and
    place: of a bleed; blood: its HU; hours: since the first sign; chalk: radius of calcified
    plexus, 0 where there is none. All is drawn, whatever the kind.
    """

    axes: tuple[float, float]
    ventricles: float
    side: int
    turn: float
    folds: Floats
    radius: float
    place: tuple[float, float]
    blood: float
    hours: float
    chalk: float


def draw(rng: np.random.Generator) -> Head:
    """A head as chance has it."""
    half, ratio, size, turn = rng.uniform((62, 1.2, 0.75, -0.06), (70, 1.3, 1.3, 0.06))
    folds = np.stack([rng.uniform(0.2, 1, 9), rng.uniform(0, 2 * np.pi, 9)])
    side = 1 if rng.random() < 0.5 else -1
    log_radius, x, y, blood, log_hours, chalk, has = rng.uniform(
        (np.log(1.5), 20, -12, BLOOD_HU[0], np.log(HOURS[0]), 1.5, 0),
        (np.log(12), 34, 16, BLOOD_HU[1], np.log(HOURS[1]), 3.5, 1),
    )
    return Head(
        (float(half), float(half * ratio)), float(size), side, float(turn), folds,
        float(np.exp(log_radius)), (float(x), float(y)), float(blood),
        float(np.round(np.exp(log_hours), 1)),
        float(chalk) if has < 0.5 else 0.0,
    )  # fmt: skip


def lost_hu(hours: float) -> float:
    """How many HU an infarct has lost so many hours after the first sign; none in the first."""
    return DEEPEST_HU * (1 - float(np.exp(-max(hours - 1.0, 0.0) / 6.0)))


def render(head: Head, kind: str, grid: Grid) -> Floats:
    """The slice in HU; InputError for a kind that is none of `KINDS`."""
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; choose one of {', '.join(KINDS)}.")
    across, down = grid.axes()
    c, s = np.cos(head.turn), np.sin(head.turn)
    x = c * across[None] + s * down[:, None]
    y = c * down[:, None] - s * across[None]
    a, b = head.axes
    ring = np.hypot(x / a, y / b)
    depth = (1 - ring) * a  # about the distance from the inner skull, positive inside
    hu = np.full(x.shape, AIR)
    for reach, value in ((13.0, SCALP), (7.0, SKULL), (0.0, LIQUOR)):
        hu = _blend(hu, depth + reach, value)
    brain = depth - 2.0
    hu = _blend(hu, brain, GREY)
    angle = np.arctan2(y, x)
    sizes, phases = head.folds
    waves = [s * np.cos((2 * k + 5) * angle + p)
             for k, (s, p) in enumerate(zip(sizes, phases, strict=True))]  # fmt: skip
    hu = _blend(hu, brain - 6.0 - 1.6 * np.sum(waves, axis=0), WHITE)
    for left in (-1, 1):
        hu = _blend(hu, _inside(x - 24 * left, y + 2, 9, 17), GREY)
        hu = _blend(hu, _inside(x - 11 * left, y - 14, 8, 12), GREY)
    if kind == "infarct":
        hu = hu - lost_hu(head.hours) * _territory(head, x, y, ring, brain)
    for left in (-1, 1):
        v = head.ventricles
        hu = _blend(hu, _inside(x - 7 * left, y + 22, 4.5 * v, 11 * v), LIQUOR)
        hu = _blend(hu, _inside(x - 17 * left, y - 36, 5 * v, 13 * v), LIQUOR)
        if head.chalk:
            hu = _blend(hu, head.chalk - np.hypot(x - 17 * left, y - 34), 140.0)
    if kind == "bleed":
        hu = _bleed(hu, head, x, y)
    return hu


def _cover(inside: Floats, soft: float = 1.0) -> Floats:
    """Share of a pixel that lies in what is positive inside, in mm."""
    return np.clip(0.5 + inside / soft, 0, 1)


def _blend(hu: Floats, inside: Floats, value: float) -> Floats:
    return hu + (value - hu) * _cover(inside)


def _inside(x: Floats, y: Floats, a: float, b: float) -> Floats:
    """About the distance from the edge of an ellipse, in mm, positive inside."""
    return np.asarray((1 - np.hypot(x / a, y / b)) * min(a, b))


def _territory(head: Head, x: Floats, y: Floats, ring: Floats, brain: Floats) -> Floats:
    """Share of each pixel in the territory of the middle cerebral artery of one side."""
    lateral = np.arctan2(y, head.side * x)
    wedge = (0.65 - np.abs(lateral - 0.05)) * np.hypot(x, y)
    return _cover(np.minimum(np.minimum(wedge, (ring - 0.3) * 60), brain), soft=4.0)


def _bleed(hu: Floats, head: Head, x: Floats, y: Floats) -> Floats:
    """Blood at the basal ganglia with a rim of wet tissue round it."""
    px, py = head.place
    dx, dy = x - head.side * px, y - py
    angle = np.arctan2(dy, dx)
    sizes, phases = head.folds
    edge = head.radius * (1 + 0.1 * np.sum(
        [s * np.cos((k + 2) * angle + p)
         for k, (s, p) in enumerate(zip(sizes[:4], phases[:4], strict=True))], axis=0))  # fmt: skip
    inside = edge - np.hypot(dx / 0.85, dy / 1.15)
    hu = _blend(hu, inside + 4.0, WHITE - 9)
    filled = min(1.0, 2 * head.radius / SLICE_MM)  # of the slice, where the bleed is smaller
    return _blend(hu, inside, head.blood * filled + GREY * (1 - filled))
