"""A kidney in axial slices at any height: cortex, pyramids, sinus, pelvis, and what the phase does.

`draw` takes a kidney's numbers from chance, `paint` puts one level of it into a slice. Nothing here
knows of the finding: dense urine, calcified arteries, a wide pelvis and specks of cysts, which can
be taken for one, come in kidneys of all classes alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from medlib.phantom.anatomy.geometry import (
    Point,
    bar_distance,
    ellipse_distance,
)
from medlib.phantom.anatomy.shares import Attenuation
from medlib.types import Floats

PHASES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "none": MappingProxyType({}),
        "corticomedullary": MappingProxyType(
            {"blood": 190, "renal cortex": 130, "renal medulla": 35, "liver": 15, "spleen": 80,
             "pancreas": 55, "bowel": 30}
        ),
        "nephrographic": MappingProxyType(
            {"blood": 95, "renal cortex": 125, "renal medulla": 115, "liver": 50, "spleen": 60,
             "pancreas": 45, "bowel": 30}
        ),
        "excretory": MappingProxyType(
            {"blood": 60, "renal cortex": 75, "renal medulla": 85, "liver": 40, "spleen": 40,
             "pancreas": 30, "bowel": 20, "urine": 500}
        ),
    }
)  # fmt: skip
"""What contrast medium adds to each tissue, in HU, by the phase of the scan: rounded from the
course of enhancement over time in Cohan et al., Radiology 196 (1995) 445, and textbooks."""
SHARE_OF_PHASES: Final = (0.1, 0.25, 0.55, 0.1)
SEMI_MM: Final = (24.0, 30.0)
"""Half of its width and depth at the middle."""
HALF_HEIGHT_MM: Final = 56.0
PYRAMIDS: Final = 7
FLECKS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Kidney:
    """One kidney; lengths in mm, angles in radians from the patient's left, over the back."""

    centre: tuple[float, float]
    medial: float  # -1 or 1: towards the spine along x
    turn: float
    size: float
    waviness: Floats  # of the outline: order x (amount, phase)
    pyramids: Floats  # n x (angle, size)
    sinus: float
    dilated: float  # pelvis and calyces, 0 to 1
    flecks: Floats  # calcified wall of its arteries: n x (x, y, z, radius)
    speck: Floats  # a cyst too small to be a finding: x, y, z, radius (0: none)

    def reach(self, angle: Floats, z: float) -> Floats:
        """Distance of the outline from the centre in a direction, at a height."""
        c, s = np.cos(angle - self.turn), np.sin(angle - self.turn)
        a, b = (each * self.size * self.level(z) for each in SEMI_MM)
        reach = 1 / np.sqrt((c / a) ** 2 + (s / b) ** 2)
        for order, (amount, phase) in enumerate(self.waviness, 2):
            reach = reach + amount * np.cos(order * angle + phase + z / 14)
        return np.asarray(reach)

    def level(self, z: float) -> float:
        """How wide it is at a height, of its widest."""
        return float(np.sqrt(max(0.02, 1 - (z / (HALF_HEIGHT_MM * self.size)) ** 2)))

    def calyx(self, number: int) -> tuple[float, float]:
        """Where the tip of a pyramid drains, seen from above."""
        angle = float(self.pyramids[number, 0])
        x, y = self.middle
        away = 9 * self.size
        return x + away * float(np.cos(angle)), y + 1.15 * away * float(np.sin(angle))

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the sinus."""
        return self.centre[0] + 8 * self.medial * self.size, self.centre[1]


def draw(
    rng: np.random.Generator, *, centre: tuple[float, float], turn: float, size: float
) -> Kidney:
    """A kidney as chance has it; as many numbers are drawn whatever comes of them."""
    medial = 1.0 if centre[0] < 0 else -1.0
    lateral = 0.0 if medial < 0 else np.pi
    wide, calcified, speckled = rng.uniform(size=3)
    angles = lateral + turn + np.linspace(-2.2, 2.2, PYRAMIDS) + rng.normal(0, 0.12, PYRAMIDS)
    away, along = rng.uniform(14, 34, FLECKS), rng.normal(0, 3, FLECKS)
    flecks = np.stack(
        [
            centre[0] + medial * away,
            centre[1] + along,
            rng.uniform(-14, 14, FLECKS),
            rng.uniform(0.7, 1.8, FLECKS),
        ],
        axis=1,
    )
    place, height, radius = rng.uniform(-1.4, 1.4), rng.uniform(-25, 25), rng.uniform(1.8, 3.6)
    speck = np.array(
        [
            centre[0] + 17 * size * np.cos(lateral + place),
            centre[1] + 20 * size * np.sin(lateral + place),
            height,
            radius,
        ]
    )
    return Kidney(
        centre=centre,
        medial=medial,
        turn=turn,
        size=size,
        waviness=np.stack(
            [rng.normal(0, [0.9, 0.9, 0.6, 0.5]), rng.uniform(0, 2 * np.pi, 4)], axis=1
        ),
        pyramids=np.stack([angles, rng.uniform(0.75, 1.2, PYRAMIDS)], axis=1),
        sinus=float(rng.uniform(0.7, 1.25)),
        dilated=float(rng.uniform(0.2, 1)) * float(wide < 0.12),
        flecks=flecks[: 3 if calcified < 0.15 else 0],
        speck=speck * np.array([1, 1, 1, float(speckled < 0.1)]),
    )


def distance(kidney: Kidney, x: Floats, y: Floats, z: float) -> Floats:
    """Signed distance to its outline, about."""
    dx, dy = x - kidney.centre[0], y - kidney.centre[1]
    return np.asarray(np.hypot(dx, dy) - kidney.reach(np.arctan2(dy, dx), z))


def paint(slab: Attenuation, kidney: Kidney, z: float) -> None:
    """Its level z, with the fat around it, over what was there."""
    x, y, size = slab.x, slab.y, kidney.size
    outline = distance(kidney, x, y, z)
    slab.paint("fat", np.minimum(outline - 4, _plain(kidney, x, y) - 3))
    slab.paint("renal cortex", outline)
    for angle, swelling in kidney.pyramids:
        at = (
            kidney.middle[0] + 15.5 * size * float(np.cos(angle)),
            kidney.middle[1] + 17.5 * size * float(np.sin(angle)),
        )
        part = slab.near(*at, 14)
        semi = 6.5 * size * float(swelling), 4.6 * size * float(swelling)
        pyramid = ellipse_distance(part.x, part.y, at, semi, float(angle))
        part.paint("renal medulla", np.maximum(pyramid, distance(kidney, part.x, part.y, z) + 4.5))
    _paint_sinus(slab.near(*kidney.middle, 52), kidney, z)
    for cx, cy, cz, radius in kidney.flecks:
        _paint_ball(slab, "calcified wall", z, (cx, cy, cz), radius, 0.8)
    if kidney.speck[3] > 0:
        cx, cy, cz, radius = (float(v) for v in kidney.speck)
        _paint_ball(slab, "fluid", z, (cx, cy, cz), radius, 1.0)


def _paint_sinus(slab: Attenuation, kidney: Kidney, z: float) -> None:
    """Fat that opens to the spine, vessels, and the collecting system, which may be wide."""
    size = kidney.size
    open_ = 1 - (z / (40 * size)) ** 2
    if open_ <= 0.05:
        return
    grow = float(np.sqrt(open_)) * size * kidney.sinus
    cx, cy = kidney.middle
    part = slab.near(cx, cy, 36)
    x, y = part.x, part.y
    part.paint("fat", ellipse_distance(x, y, (cx, cy), (8.5 * grow, 12 * grow), kidney.turn))
    gate = cx + 14 * kidney.medial * size, cy
    part.paint("fat", ellipse_distance(x, y, gate, (10 * size, 5.5 * grow)))
    far = kidney.centre[0] + 46 * kidney.medial * size
    for lift, radius in ((-3.5, 3.2), (2.5, 1.8)):
        slab.paint(
            "blood",
            bar_distance(slab.x, slab.y, (cx, cy + lift), (far, cy + 2.5 * lift), radius * grow),
        )
    wide = kidney.dilated
    pelvis = (cx + 5 * kidney.medial, cy + 1.0)
    part.paint(
        "urine", ellipse_distance(x, y, pelvis, ((3 + 7 * wide) * grow, (4 + 6 * wide) * grow))
    )
    for number in range(1, PYRAMIDS - 1, 2):
        at = kidney.calyx(number)
        part.paint("urine", bar_distance(x, y, pelvis, at, 0.9 + 2.2 * wide))
        part.paint("urine", np.hypot(x - at[0], y - at[1]) - (1.5 + 4.5 * wide) * grow)


def _plain(kidney: Kidney, x: Floats, y: Floats) -> Floats:
    """The ellipse at the middle, whose place it has in the body whatever the level."""
    semi = (SEMI_MM[0] * kidney.size, SEMI_MM[1] * kidney.size)
    return ellipse_distance(x, y, kidney.centre, semi, kidney.turn)


def _paint_ball(
    slab: Attenuation, name: str, z: float, centre: Point, radius: float, amount: float
) -> None:
    """A small ball, as far as it reaches this height."""
    part, high = slab.near(*centre[:2], radius + 3), z - centre[2]
    away = np.sqrt((part.x - centre[0]) ** 2 + (part.y - centre[1]) ** 2 + high**2)
    part.paint(name, away - radius, amount=amount)
