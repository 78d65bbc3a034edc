"""What diabetes leaves in the retina: microaneurysms, haemorrhages, hard exudates, wool spots.

Grades as on the International Clinical Diabetic Retinopathy scale, without the proliferative one:
1 microaneurysms only; 2 haemorrhages and exudates beside them; 3 many of all. The numbers of
lesions a grade are ours, chosen by eye.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.phantom.anatomy.geometry import settled
from medlib.types import Floats

KINDS: Final = ("microaneurysm", "haemorrhage", "exudate", "wool spot")
GRADES: Final = ("none", "mild", "moderate", "severe")
NUMBERS: Final = {
    1: ((3, 12), (0, 0), (0, 0), (0, 0)),
    2: ((8, 24), (3, 12), (0, 18), (0, 1)),
    3: ((16, 40), (14, 40), (6, 45), (1, 4)),
}
"""Least and most lesions of each kind, by grade."""
RADII_MM: Final = ((0.03, 0.07), (0.07, 0.26), (0.04, 0.13), (0.16, 0.32))
"""Least and largest radius of each kind."""


@dataclass(frozen=True)
class Lesions:
    """One row a lesion: kind (index into KINDS), place (x, y mm), half-axes (mm), turn (rad)."""

    kind: Floats
    place: Floats
    axes: Floats
    turn: Floats

    def __len__(self) -> int:
        """How many there are."""
        return len(self.kind)


def draw(
    rng: np.random.Generator, grade: int, *, disc: Floats, fovea: Floats, reach_mm: float
) -> Lesions:
    """The lesions of a grade (0 to 3), within `reach_mm` of the middle and off the disc."""
    if grade == 0:
        return Lesions(np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    rows = []
    for kind, (least, most) in enumerate(NUMBERS[grade]):
        number = int(rng.integers(least, most + 1))
        cluster = rng.uniform(-2.2, 2.2, 2) + fovea  # exudates gather round a leak
        spread = rng.uniform(0.4, 1.1)
        for _ in range(number):
            place = _place(rng, disc, reach_mm)
            near = cluster + spread * rng.normal(0, 1, 2)
            small, large = RADII_MM[kind]
            radius = small + (large - small) * rng.uniform() ** 2
            flame = rng.uniform() < 0.4 and kind == 1
            stretch = 2.4 if flame else rng.uniform(1.0, 1.4)
            at = near if kind == 2 else place
            turn = np.arctan2(*(at - disc)[::-1]) if flame else rng.uniform(0, np.pi)
            rows.append([kind, *at, radius * np.sqrt(stretch), radius / np.sqrt(stretch), turn])
    table = np.array(rows)
    return Lesions(table[:, 0], table[:, 1:3], table[:, 3:5], table[:, 5])


def _place(rng: np.random.Generator, disc: Floats, reach: float) -> Floats:
    """A place within reach and off the disc; the draws are the same however many are refused."""
    tries = rng.uniform(-reach, reach, (12, 2))
    free = (settled(np.hypot(*tries.T)) < reach) & (settled(np.hypot(*(tries - disc).T)) > 1.3)
    place: Floats = tries[int(np.argmax(free))]
    return place


def shares(lesions: Lesions, x: Floats, y: Floats, pixel_mm: float) -> Floats:
    """How far each kind fills each pixel, 0..1: kinds x rows (`y`, mm) x columns (`x`, mm)."""
    filled = np.zeros((len(KINDS), len(y), len(x)))
    for kind, (px, py), (a, b), turn in zip(
        lesions.kind, lesions.place, lesions.axes, lesions.turn, strict=True
    ):
        soft = 2.5 if int(kind) == 3 else 1.0  # wool spots fade at their edge
        columns, rows = (_near(g, at, a + 2 * soft * pixel_mm) for g, at in ((x, px), (y, py)))
        dx, dy = x[columns][None] - px, y[rows][:, None] - py
        u = (np.cos(turn) * dx + np.sin(turn) * dy) / a
        v = (np.cos(turn) * dy - np.sin(turn) * dx) / b
        distance = (np.sqrt(u * u + v * v) - 1) * np.sqrt(a * b)
        share = np.clip(0.5 - distance / (soft * pixel_mm), 0, 1)
        share *= min(1.0, a / (0.5 * pixel_mm)) * min(1.0, b / (0.5 * pixel_mm))
        part = filled[int(kind), rows, columns]
        np.maximum(part, share, out=part)
    return filled


def _near(grid: Floats, at: float, reach: float) -> slice:
    """The part of an axis within reach of a place."""
    step = grid[1] - grid[0]
    low = int(np.clip(np.floor((at - reach - grid[0]) / step), 0, len(grid)))
    return slice(low, int(np.clip(np.ceil((at + reach - grid[0]) / step) + 1, 0, len(grid))))
