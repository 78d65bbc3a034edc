"""Painting of the mediastinum: blood with or without contrast medium, heart, airways, nodes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.geometry import Canvas, ellipsoid_distance
from medlib.phantom.anatomy.mediastinum import Mediastinum, Tube, chamber_distance, tube_distance
from medlib.phantom.anatomy.tissue import Tissue
from medlib.types import Floats

_AIRWAY_WALL_MM = 1.3
_NEAR_MM = 6.0


@dataclass(frozen=True)
class Contrast:
    """HU of blood in the veins, the right heart and the left heart; phase is a name."""

    phase: str
    vein: float
    right: float
    left: float
    wall: float

    @property
    def vessel_hu(self) -> float:
        """HU of vessels in the lung: arteries and veins together."""
        return 0.5 * (self.right + self.left)


PHASES: Final = ("none", "arterial", "venous")
"""Before contrast medium, while it fills the arteries, and when it has reached the veins."""


def draw_contrast(rng: np.random.Generator, phase: str | None = None) -> Contrast:
    """Half of the patients without contrast medium, the others in one of two phases.

    Or all in the given `phase`; as many random numbers are taken. Raises InputError for another.
    """
    drawn = str(rng.choice(PHASES, p=[0.5, 0.2, 0.3]))
    phase = drawn if phase is None else phase
    if phase not in PHASES:
        raise InputError(f"contrast is {phase!r}; choose one of {', '.join(PHASES)}.")
    vary = rng.normal(1.0, 0.15, 3)
    levels = {"none": (0, 0, 0, 0), "arterial": (260, 240, 210, 35), "venous": (115, 110, 115, 55)}
    vein, right, left, wall = levels[phase]
    return Contrast(
        phase,
        hu.BLOOD_HU + vein * float(vary[0]),
        hu.BLOOD_HU + right * float(vary[1]),
        hu.BLOOD_HU + left * float(vary[2]),
        hu.HEART_WALL_HU + wall,
    )


def paint_mediastinum(
    canvas: Canvas, organs: Mediastinum, contrast: Contrast, depth: Floats
) -> None:
    """Organs from the heart outward; airways last, since they are seen through what covers them."""
    inside = canvas.cover(depth + 1.0)
    blood = {"vein": contrast.vein, "right": contrast.right, "left": contrast.left}
    _paint_chambers(canvas, organs, contrast, inside, blood)
    _paint_nodes(canvas, organs, inside)
    for tube in organs.tubes:
        if not _reaches(tube, canvas.z) or tube.flow in ("fat", "airway"):
            continue
        distance = tube_distance(tube, canvas.x, canvas.y, canvas.z)
        if tube.flow == "oesophagus":
            canvas.paint(canvas.cover(distance) * inside, hu.SOFT_HU, Tissue.SOFT)
            air = distance + 6.5 - organs.oesophagus_air
            canvas.paint(canvas.cover(air) * (organs.oesophagus_air > 0.8), -800.0, Tissue.AIRWAY)
        else:
            canvas.paint(canvas.cover(distance) * inside, blood[tube.flow], Tissue.BLOOD)
    _paint_airways(canvas, organs)


def _paint_airways(canvas: Canvas, organs: Mediastinum) -> None:
    """Trachea and main bronchi: one lumen, with no wall where they join."""
    near = [t for t in organs.tubes if t.flow == "airway" and _reaches(t, canvas.z)]
    if not near:
        return
    each = [tube_distance(t, canvas.x, canvas.y, canvas.z) for t in near]
    lumen = np.minimum.reduce(each)
    canvas.paint(canvas.cover(lumen - _AIRWAY_WALL_MM), hu.SOFT_HU, Tissue.SOFT)
    canvas.paint(canvas.cover(lumen), hu.AIR_HU, Tissue.AIRWAY)


def _reaches(tube: Tube, z: float) -> bool:
    """Whether a chain of capsules comes near the level z."""
    low = min(n[2] - n[3] for n in tube.nodes)
    high = max(n[2] + n[3] for n in tube.nodes)
    return low - _NEAR_MM < z < high + _NEAR_MM


def _paint_chambers(
    canvas: Canvas, organs: Mediastinum, contrast: Contrast, inside: Floats, blood: dict[str, float]
) -> None:
    """Heart chambers, a thin wall round the thin-walled ones."""
    near = [c for c in organs.chambers if abs(canvas.z - c.centre[2]) < c.semi[2] + _NEAR_MM]
    distances = {c.name: chamber_distance(c, canvas.x, canvas.y, canvas.z) for c in near}
    for c in near:
        shell = distances[c.name] - (0.0 if c.flow == "wall" else 2.0)
        canvas.paint(canvas.cover(shell) * inside, contrast.wall, Tissue.HEART_WALL)
    for c in near:
        if c.flow != "wall":
            distance = distances[c.name]
            if c.name == "right ventricle" and "left ventricle wall" in distances:
                distance = np.maximum(distance, 0.5 - distances["left ventricle wall"])
            canvas.paint(canvas.cover(distance) * inside, blood[c.flow], Tissue.BLOOD)


def _paint_nodes(canvas: Canvas, organs: Mediastinum, inside: Floats) -> None:
    """Lymph nodes in the mediastinal fat."""
    for node in organs.lymph_nodes:
        if abs(canvas.z - node.centre[2]) < node.semi[2] + 2:
            distance = ellipsoid_distance(canvas.x, canvas.y, canvas.z, node.centre, node.semi)
            canvas.paint(canvas.cover(distance) * inside, hu.SOFT_HU, Tissue.SOFT)
