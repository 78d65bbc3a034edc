"""Chest wall: muscles in layers, fat, breasts, skin, and the table the patient lies on.

Outside the inner wall of the cage everything is a layer whose thickness depends on angle and
height. Thicknesses are tabulated once per slice over the angle and looked up per pixel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlib.phantom.anatomy import cage as cages
from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.cage import Cage
from medlib.phantom.anatomy.couch import Table, table_top
from medlib.phantom.anatomy.geometry import Canvas, Noise, bump, smooth_union
from medlib.phantom.anatomy.tissue import Tissue
from medlib.types import Floats

RIB_LAYER_MM = 9.5  # pleura to outer face of the ribs
SKIN_MM = 1.8
_ANGLES = np.linspace(-np.pi, np.pi, 1440, endpoint=False)
_DEGREES = np.abs(np.degrees(_ANGLES))

# Each muscle: layer, centre and half-width of angle (degrees from the front), centre and
# half-width of height (mm from the carina), thickness (mm). Arms are raised.
_MUSCLES: dict[str, tuple[int, float, float, float, float, float]] = {
    "pectoralis minor": (0, 46, 17, 45, 40, 8),
    "serratus anterior": (0, 92, 34, -45, 80, 7),
    "subscapularis": (0, 122, 27, 45, 62, 17),
    "erector spinae": (0, 169, 16, -40, 260, 27),
    "rectus abdominis": (0, 10, 22, -160, 60, 8),
    "external oblique": (0, 60, 40, -150, 55, 8),
    "pectoralis major": (1, 43, 33, 28, 62, 13),
    "latissimus dorsi": (1, 107, 24, -25, 95, 12),
    "infraspinatus": (1, 127, 20, 40, 60, 16),
    "trapezius": (1, 162, 26, 30, 120, 8),
    "latissimus low": (1, 140, 26, -120, 70, 6),
    "teres and deltoid": (1, 98, 22, 85, 45, 34),
    "shoulder front": (1, 62, 26, 105, 38, 22),
}


@dataclass(frozen=True)
class Wall:
    """Thickness of muscle and fat, breasts, roughness of the outline, streaks of fat."""

    muscle: float
    muscles: tuple[tuple[float, float, float], ...]  # per muscle: angle shift, size right, left
    bellies: tuple[tuple[float, float, float], ...]  # waves along each muscle: number, phase, share
    gap_mm: float  # fat between muscle layers
    fat_mm: float
    fat_hills: tuple[tuple[float, float, float, float, float], ...]  # angle, width, z, height, mm
    breast: tuple[float, float, float]  # thickness mm, angle (rad), height z; 0 mm: none
    gland: float  # share of glandular tissue
    axilla_mm: float
    folds: tuple[tuple[float, float, float], ...]  # angle, depth mm, tilt with height
    streaks: float  # share of muscle replaced by fat
    cover_mm: float  # how far a sheet lies above the chest; 0: none


def draw_wall(rng: np.random.Generator, *, female: bool, age: float) -> Wall:
    """A chest wall drawn from the spread between adults."""
    fat = float(np.clip(rng.lognormal(np.log(13.0 if female else 10.0), 0.5), 3.0, 38.0))
    strong = float(
        np.clip(rng.normal(0.88 if female else 1.05, 0.15) - 0.002 * (age - 60), 0.6, 1.5)
    )
    breast_mm = float(np.clip(rng.normal(16 + 0.9 * fat, 9), 6, 60)) if female else 0.0
    return Wall(
        muscle=strong,
        muscles=tuple(
            (float(rng.normal(0, 3)), float(rng.normal(1, 0.12)), float(rng.normal(1, 0.12)))
            for _ in _MUSCLES
        ),
        bellies=tuple(
            (float(rng.uniform(4, 11)), float(rng.uniform(0, 6.28)), float(rng.uniform(0.08, 0.3)))
            for _ in _MUSCLES
        ),
        gap_mm=float(rng.uniform(0.8, 3.5)) + 0.05 * fat,
        fat_mm=fat,
        fat_hills=_draw_hills(rng, fat),
        breast=(breast_mm, float(rng.uniform(0.75, 1.1)), float(rng.normal(-45, 12))),
        gland=float(np.clip(rng.normal(0.55 - 0.006 * (age - 40), 0.2), 0.02, 0.9)),
        axilla_mm=float(rng.uniform(10, 26)) + 0.5 * fat,
        folds=tuple(
            (
                float(s * rng.uniform(1.15, 1.75)),
                float(max(0, rng.normal(2, 5))),
                float(rng.normal(0, 0.004)),
            )
            for s in (-1, 1)
        ),
        cover_mm=float(rng.uniform(2, 14)) * float(rng.random() < 0.6),
        streaks=float(np.clip(rng.normal(0.1 + 0.004 * (age - 50), 0.08), 0.02, 0.4)),
    )


def _draw_hills(
    rng: np.random.Generator, fat: float
) -> tuple[tuple[float, float, float, float, float], ...]:
    """Where the fat is thicker or thinner: angle, width, height z, its extent, mm."""
    return tuple(
        (
            float(rng.uniform(-np.pi, np.pi)),
            float(rng.uniform(0.12, 0.5)),
            float(rng.uniform(-150, 110)),
            float(rng.uniform(25, 80)),
            float(rng.normal(0, 0.22)) * (fat + 4),
        )
        for _ in range(14)
    )


@dataclass(frozen=True)
class Layers:
    """Tables over the angle for one slice: radius of the cage and thicknesses outward, in mm."""

    cage: Floats
    steep: Floats  # cosine between radial and normal direction
    deep: Floats
    middle: Floats
    shallow: Floats
    fat: Floats
    gap: Floats  # fat on the ribs, also in `deep` and `middle`

    def skin(self) -> Floats:
        """Depth of the skin's outer face from the cage's inner wall."""
        return RIB_LAYER_MM + self.deep + self.shallow + self.middle + self.fat


def layers(wall: Wall, cage: Cage, z: float) -> Layers:
    """The tables of one slice at height z."""
    inner = cages.radius(cage, _ANGLES, z)
    slope = np.gradient(inner, _ANGLES)
    thick = [np.zeros_like(_ANGLES), np.zeros_like(_ANGLES)]
    for (layer, at, wide, height, tall, mm), change, (number, phase, share) in zip(
        _MUSCLES.values(), wall.muscles, wall.bellies, strict=True
    ):
        level = float(np.exp(-(abs((z / cage.length - height) / tall) ** 4)))
        side = np.where(_ANGLES < 0, change[1], change[2])
        # two unequal slopes: a muscle is no rectangle
        belly = bump(_DEGREES, at + change[0], wide, 4.0) * (
            0.75 + 0.25 * np.cos((_DEGREES - at) / wide * 1.3)
        )
        belly = belly * (1 + share * np.sin(number * _ANGLES + phase + z / 17.0))
        thick[layer] += (mm * wall.muscle * level) * side * belly
    gap = _gap(wall, z)
    return Layers(
        cage=inner,
        steep=1 / np.sqrt(1 + (slope / inner) ** 2),
        deep=thick[0],
        shallow=thick[1],
        middle=gap + _axilla(wall, cage, z),
        fat=_fat(wall, cage, z),
        gap=gap,
    )


def _gap(wall: Wall, z: float) -> Floats:
    """Fat between muscle layers: in places plenty, in places none."""
    waves = sum(
        np.sin((k + 2) * _ANGLES + phase + z / (15.0 + 3 * k))
        for k, (_, phase, _) in enumerate(wall.bellies[:6])
    )
    gap: Floats = wall.gap_mm * np.clip(0.7 + 0.55 * waves, 0.0, 3.0)
    return gap


def _axilla(wall: Wall, cage: Cage, z: float) -> Floats:
    """Fat of the armpit between the muscle layers."""
    level = float(np.exp(-(((z / cage.length - 62) / 48) ** 2)))
    return wall.axilla_mm * level * bump(_DEGREES, 80.0, 17.0, 2.0)


def _fat(wall: Wall, cage: Cage, z: float) -> Floats:
    """Thickness of subcutaneous fat with skin: thin over sternum and spine, hilly elsewhere."""
    profile = 0.55 + 0.75 * bump(_DEGREES, 95, 50, 2.0) + 0.3 * bump(_DEGREES, 150, 22, 2.0)
    profile = profile - 0.25 * bump(_DEGREES, 0, 14, 2.0) - 0.2 * bump(_DEGREES, 180, 10, 2.0)
    fat = wall.fat_mm * profile + SKIN_MM + 1.0
    for at, wide, height, tall, mm in wall.fat_hills:
        turn = np.abs(_ANGLES - at)
        hill = bump(np.minimum(turn, 2 * np.pi - turn), 0.0, wide, 2.0)
        fat = fat + mm * float(np.exp(-(((z - height) / tall) ** 2))) * hill
    fat = fat + _breast(wall, cage, z)
    for at, depth, tilt in wall.folds:
        fat = fat - depth * bump(_ANGLES, at + tilt * z, 0.05, 2.0)
    return np.maximum(fat, SKIN_MM + 1.0)


def _breast(wall: Wall, cage: Cage, z: float) -> Floats:
    """Breasts of a patient lying on her back: flattened and fallen sideways."""
    mm, at, height = wall.breast
    rise = 1 - ((z - height * cage.length) / 78.0) ** 2
    if mm == 0 or rise <= 0:
        return np.zeros_like(_ANGLES)
    breast: Floats = mm * rise**0.6 * bump(np.abs(_ANGLES), at, 0.5, 4.0)
    return breast


@dataclass(frozen=True)
class Lookup:
    """Where each pixel lies in the layers: table index, depth from the cage's inner wall (mm)."""

    index: NDArray[np.intp]
    depth: Floats
    angle: Floats


def look_up(canvas: Canvas, cage: Cage, tables: Layers) -> Lookup:
    """Polar position of every pixel of the canvas."""
    r, angle = cages.polar(cage, canvas.x, canvas.y, canvas.z)
    step = len(_ANGLES) / (2 * np.pi)
    index = ((angle + np.pi) * step + 0.5).astype(np.intp) % len(_ANGLES)
    return Lookup(index, (r - tables.cage[index]) * tables.steep[index], angle)


def paint_wall(
    canvas: Canvas, wall: Wall, tables: Layers, at: Lookup, noise: Noise, table: Table
) -> Floats:
    """Skin, fat and muscles; returns the signed distance to the patient's surface in mm."""
    surface = _surface(canvas, tables, at, table)
    if wall.cover_mm > 0:
        _paint_sheet(canvas, wall, surface)
    canvas.paint(canvas.cover(surface), hu.SKIN_HU, Tissue.SKIN)
    grain = noise.on(canvas, 9.0)
    septa = hu.FAT_HU + 4.0 * grain
    canvas.paint(canvas.cover(surface + SKIN_MM), septa, Tissue.FAT)
    if wall.breast[0] > 0:
        _paint_gland(canvas, wall, surface, at, grain)
    _paint_muscles(canvas, wall, tables, at, surface, noise)
    return surface


def _paint_sheet(canvas: Canvas, wall: Wall, surface: Floats) -> None:
    """Folds of the sheet or gown over the front of the chest."""
    wave = np.sin(canvas.x / 9.0 + canvas.z / 5.0) + np.sin(canvas.x / 23.0 + canvas.z / 30.0)
    lift = wall.cover_mm * (1.0 + 0.4 * wave)
    thread = np.abs(surface - np.maximum(lift, 0.5)) - 0.5
    front = canvas.y < -30
    canvas.paint(canvas.cover(thread) * front, -870.0, Tissue.AIR)


def _surface(canvas: Canvas, tables: Layers, at: Lookup, table: Table) -> Floats:
    """Outline: the outermost layer, pressed flat where the patient lies on the table."""
    free = at.depth - tables.skin()[at.index]
    pressed = canvas.down[:, None] - table_top(table, canvas.across)[None, :]
    return -smooth_union(-free, -pressed, 14.0)


def _paint_gland(canvas: Canvas, wall: Wall, surface: Floats, at: Lookup, grain: Floats) -> None:
    """Glandular tissue: islands in the fat of the breast, denser towards the nipple."""
    mm, angle, height = wall.breast
    level = 1 - ((canvas.z - height) / 60.0) ** 2
    if level <= 0:
        return
    inside = bump(np.abs(at.angle), angle, 0.3, 4.0) * (surface < -6) * (surface > -mm * 0.8)
    share = inside * np.clip(wall.gland * level + 0.3 * grain - 0.25, 0, 1)
    canvas.paint(share, hu.SOFT_HU, Tissue.SOFT)


def _paint_muscles(
    canvas: Canvas, wall: Wall, tables: Layers, at: Lookup, surface: Floats, noise: Noise
) -> None:
    """Intercostal layer, deep and shallow muscles, fat planes between, streaks of fat within."""
    deep, middle, shallow = (t[at.index] for t in (tables.deep, tables.middle, tables.shallow))
    grain = noise.on(canvas, 5.0, (0.8, 1.2, 2.0))
    streak = np.clip((grain - 1.9) * 0.7 + wall.streaks * 1.6, 0, 0.9)
    flesh = hu.MUSCLE_HU + streak * (hu.FAT_HU - hu.MUSCLE_HU)
    d = at.depth
    bands = (
        (1.0, RIB_LAYER_MM - 1.0 + 0 * deep),
        (RIB_LAYER_MM + tables.gap[at.index] * 0.4, RIB_LAYER_MM + deep),
        (RIB_LAYER_MM + deep + middle, RIB_LAYER_MM + deep + middle + shallow),
    )
    for low, high in bands:
        inside = np.maximum(np.maximum(low - d, d - high), surface + SKIN_MM + 1.5)
        canvas.paint(canvas.cover(inside), flesh, Tissue.MUSCLE)
