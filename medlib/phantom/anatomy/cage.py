"""Rib cage, diaphragm and lungs as functions of position; also what bounds the lobes.

The inner wall of the cage is a polar curve R(angle, z) round a centre that follows the spine:
a superellipse whose axes change with height, with bumps that differ from patient to patient.
Angles are measured from the front, positive to the patient's left; heights from the carina.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from medlib.phantom.anatomy.geometry import bump, settled
from medlib.types import Floats

# Inner half-width, half-depth and centre (mm) of an average adult cage at full inspiration,
# read off textbook sections (Webb et al. 2014) from apex to costophrenic recess.
_LEVELS = (-220.0, -170.0, -130.0, -90.0, -40.0, 0.0, 30.0, 60.0, 85.0, 105.0, 120.0, 132.0)
_HALF_WIDTH = PchipInterpolator(
    _LEVELS, (124.0, 130.0, 134.0, 134.0, 130.0, 124.0, 117.0, 105.0, 90.0, 74.0, 60.0, 46.0)
)
_HALF_DEPTH = PchipInterpolator(
    _LEVELS, (90.0, 95.0, 98.0, 98.0, 95.0, 89.0, 81.0, 68.0, 53.0, 38.0, 27.0, 18.0)
)
_CENTRE_Y = PchipInterpolator(
    _LEVELS, (4.0, 3.0, 1.0, -1.0, -1.0, 2.0, 7.0, 15.0, 23.0, 30.0, 34.0, 36.0)
)


@dataclass(frozen=True)
class Cage:
    """Size and shape of the rib cage (factors on the average adult) and of the diaphragm."""

    width: float
    depth: float
    length: float
    exponent: float
    bumps: tuple[tuple[float, float, float], ...]  # angle (rad), width (rad), height (share of R)
    dome_right: float  # height of the right dome above the average, mm
    dome_left: float
    rib_pitch: float  # vertical distance of ribs, mm
    rib_drop: float  # fall of a rib from spine to front, mm
    rib_phase: tuple[float, float]  # right, left, mm
    rib_waviness: tuple[float, float]  # mm, phase
    cartilage_from: float  # angle (rad) where rib turns into cartilage
    spine_bend: float  # sideways bow of the spine, mm


def draw_cage(rng: np.random.Generator) -> Cage:
    """A cage drawn from the spread between adults."""
    bumps = tuple(
        (float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.25, 0.6)), float(h))
        for h in rng.normal(0.0, 0.018, 6)
    )
    width = float(rng.normal(1.0, 0.055))
    return Cage(
        width=width,
        depth=float(np.clip(width * rng.normal(1.0, 0.075), 0.82, 1.22)),
        length=float(rng.normal(1.0, 0.06)),
        exponent=float(rng.uniform(2.0, 2.35)),
        bumps=bumps,
        dome_right=float(rng.normal(0.0, 12.0)),
        dome_left=float(rng.normal(0.0, 12.0)),
        rib_pitch=float(rng.uniform(23.0, 27.5)),
        rib_drop=float(rng.uniform(105.0, 145.0)),
        rib_phase=(float(rng.uniform(0, 27)), float(rng.normal(0.0, 3.0))),
        rib_waviness=(float(rng.uniform(1.0, 3.5)), float(rng.uniform(0, 6.28))),
        cartilage_from=float(np.radians(rng.uniform(26.0, 42.0))),
        spine_bend=float(rng.normal(0.0, 3.0)),
    )


def centre(cage: Cage, z: Floats | float) -> tuple[Floats, Floats]:
    """Centre (x, y) in mm of the polar curve at height z."""
    level = np.asarray(z, np.float64) / cage.length
    y = _CENTRE_Y(level) * cage.depth
    return 0 * y, y


def radius(cage: Cage, angle: Floats, z: Floats | float) -> Floats:
    """Distance in mm of the inner wall from the centre, shape of `angle`."""
    level = np.asarray(z, np.float64) / cage.length
    a, b = _HALF_WIDTH(level) * cage.width, _HALF_DEPTH(level) * cage.depth
    n = cage.exponent
    norm = np.abs(np.sin(angle) / a) ** n + np.abs(np.cos(angle) / b) ** n
    shape: Floats = np.ones_like(angle)
    for at, wide, high in cage.bumps:
        turn = np.abs(angle - at)
        shape = shape + high * bump(np.minimum(turn, 2 * np.pi - turn), 0.0, wide, 2.0)
    turn = np.abs(angle)
    gutter = bump(turn, 2.32, 0.36, 2.0)  # the lung reaches back beside the spine
    front = bump(turn, 0.0, 0.42, 2.0) + bump(turn, 0.8, 0.4, 2.0)  # narrower in front: an egg
    side = bump(turn, 1.85, 0.5, 2.0)
    curve: Floats = norm ** (-1 / n) * (shape + 0.05 * gutter + 0.015 * side - 0.045 * front)
    return curve


def polar(cage: Cage, x: Floats, y: Floats, z: Floats | float) -> tuple[Floats, Floats]:
    """(distance from the centre in mm, angle from the front in radians) of points."""
    cx, cy = centre(cage, z)
    dx, dy = x - cx, y - cy
    return np.hypot(dx, dy), np.arctan2(dx, -dy)


def wall_depth(cage: Cage, x: Floats, y: Floats, z: Floats | float) -> Floats:
    """Distance in mm outward from the inner wall, negative inside the cage."""
    r, angle = polar(cage, x, y, z)
    return r - radius(cage, angle, z)


def spine_y(cage: Cage, z: Any) -> Any:
    """Where along y the centre of the vertebral body lies at height(s) z: thoracic kyphosis."""
    level = z / cage.length
    return cage.depth * (58.0 - 0.00115 * (level + 35.0) ** 2) + 2.0


def dome_height(cage: Cage, x: Floats, y: Floats) -> Floats:
    """Height z in mm of the diaphragm over (x, y)."""
    right = -92.0 + cage.dome_right - 62 * ((x + 62) / 72) ** 2 - 55 * ((y + 12) / 85) ** 2
    left = -106.0 + cage.dome_left - 62 * ((x - 68) / 70) ** 2 - 55 * ((y + 8) / 85) ** 2
    top: Floats = np.maximum(right, left)
    return np.maximum(top, -220.0) * cage.length


def diaphragm_distance(cage: Cage, x: Floats, y: Floats, z: Floats | float) -> Floats:
    """About the distance in mm to the diaphragm, negative above it."""
    distance: Floats = (dome_height(cage, x, y) - z) * 0.6  # the domes slope: 0.6 ~ cos of slope
    return distance


@dataclass(frozen=True)
class Fissures:
    """Planes, gently curved, that part the lobes: height at the hilum, slopes, curvature."""

    oblique_right: tuple[float, float, float, float]
    oblique_left: tuple[float, float, float, float]
    horizontal: tuple[float, float, float, float]
    visible: float  # HU added where a fissure lies in the slice


def draw_fissures(rng: np.random.Generator) -> Fissures:
    """Fissures drawn from the spread between adults; some hardly visible."""

    def plane(height: float, back: float, side: float) -> tuple[float, float, float, float]:
        return (
            float(rng.normal(height, 6)),
            float(rng.normal(back, 0.12)),
            float(rng.normal(side, 0.06)),
            float(rng.normal(0.0, 0.0016)),
        )

    return Fissures(
        oblique_right=plane(-35.0, 1.05, 0.1),
        oblique_left=plane(-28.0, 1.1, 0.1),
        horizontal=plane(-22.0, -0.12, -0.06),
        visible=float(rng.uniform(60.0, 230.0)),
    )


def fissure_distances(
    fissures: Fissures, x: Floats, y: Floats, z: Floats | float
) -> tuple[Floats, Floats]:
    """Signed distance in mm above the oblique and above the horizontal fissure.

    The horizontal fissure exists on the right, in front of the oblique one; elsewhere its
    distance is large.
    """
    right = x < 0
    wave = 4 * np.sin(x / 23.0 + 1.0) + 3 * np.sin(y / 31.0)

    def above(plane: tuple[float, float, float, float]) -> Floats:
        height, back, side, bow = plane
        lateral = np.abs(x) - 60
        surface = height + back * y + side * lateral + bow * lateral * lateral + wave
        distance: Floats = (z - surface) / float(np.sqrt(1 + back**2))
        return distance

    oblique = np.where(right, above(fissures.oblique_right), above(fissures.oblique_left))
    horizontal = above(fissures.horizontal)
    return oblique, np.where(right & (oblique > 0), horizontal, 1e3)


def lobe(fissures: Fissures, x: Floats, y: Floats, z: Floats | float) -> Floats:
    """Lobe number: right upper 0, middle 1, lower 2; left upper 3, lower 4."""
    oblique, horizontal = (settled(d) for d in fissure_distances(fissures, x, y, z))
    right = np.where(oblique <= 0, 2, np.where(horizontal > 0, 0, 1))
    # 1e3 marks "no horizontal fissure here", which is above it
    return np.where(x < 0, right, np.where(oblique > 0, 3, 4))
