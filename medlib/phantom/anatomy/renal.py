"""What is found in a kidney: nothing, a cyst, a tumour or stones.

Attenuation as textbooks have it. A simple cyst is water with a little protein, 0 to 20 HU, and
takes up no contrast medium; one in ten is hyperdense, 50 to 85 HU, and takes up none either
(Silverman et al., Radiology 292 (2019) 475). Three tumours in four are hypervascular and enhance
nearly as the cortex does, the others by 15 to 40 HU; large ones may be necrotic, some are largely
cystic. Stones have 200 to 800 HU, less than compact bone, so that the brightest pixel is no sign
of them, and lose much of it to partial volume. Size, place and height are drawn in the same way
for cysts and tumours.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.phantom.anatomy.geometry import Noise
from medlib.phantom.anatomy.kidney import PYRAMIDS, Kidney
from medlib.phantom.anatomy.shares import Attenuation
from medlib.types import Floats

KINDS: Final = ("normal", "cyst", "tumour", "stone")
"""What there is to be found, one a patient."""
UPTAKE: Final = {"none": 0.0, "corticomedullary": 1.0, "nephrographic": 0.8, "excretory": 0.5}
"""Of a hypervascular tumour in each phase, relative to the first."""
SLOW: Final = {"none": 0.0, "corticomedullary": 0.5, "nephrographic": 1.0, "excretory": 0.7}
"""The same of a hypovascular one."""
STONES: Final = 3
STONE_HEIGHT_MM: Final = 4.0
"""Least half-height of a stone, so that neighbouring slices both hold some of it."""


@dataclass(frozen=True, kw_only=True)
class Mass:
    """A cyst or a tumour: place and radii in mm, outline, and its HU in this patient's phase."""

    centre: tuple[float, float, float]
    radius: float
    waviness: Floats  # of the outline: order x (amount relative to the radius, phase)
    hu: float
    rough: float  # SD of its texture, HU
    core: float  # radius of the part without vessels, relative to its own; 0: none
    core_hu: float
    grain: Noise


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a kidney holds."""

    kind: str
    height: float  # z of its middle, mm; drawn for a normal kidney too
    mass: Mass | None
    stones: Floats  # n x (x, y, z, radius, half-height, HU)


def draw(rng: np.random.Generator, kidney: Kidney, kind: str, phase: str) -> Finding:
    """A finding of a kind; as many numbers are drawn whatever the kind is."""
    place, looks, chalk, grain = rng.spawn(4)
    height = float(place.uniform(-26, 26))
    mass = _draw_mass(place, looks, kidney, height, kind == "tumour", phase, Noise.draw(grain, 16))
    stones = _draw_stones(chalk, kidney, height)
    return Finding(
        kind=kind,
        height=height,
        mass=mass if kind in ("cyst", "tumour") else None,
        stones=stones if kind == "stone" else stones[:0],
    )


def _draw_mass(
    place: np.random.Generator,
    looks: np.random.Generator,
    kidney: Kidney,
    height: float,
    solid: bool,
    phase: str,
    grain: Noise,
) -> Mass:
    """A cyst, or if `solid` a tumour, in the outer half of the kidney or bulging from it."""
    radius = float(np.exp(place.uniform(np.log(12), np.log(24))))
    turn, deep = float(place.uniform(-1.9, 1.9)), float(place.uniform(0.4, 0.85))
    angle = turn + (0.0 if kidney.medial < 0 else np.pi)
    away = deep * float(kidney.reach(np.array(angle), height))
    amounts = np.array([0.05, 0.05, 0.04, 0.03]) if solid else np.array([0.03, 0.01, 0.0, 0.0])
    waviness = np.stack([looks.normal(0, 1, 4) * amounts, looks.uniform(0, 2 * np.pi, 4)], axis=1)
    numbers = looks.uniform(size=8)
    hu, rough, core, core_hu = (_tumour if solid else _cyst)(numbers, radius, phase)
    return Mass(
        centre=(
            kidney.centre[0] + away * float(np.cos(angle)),
            kidney.centre[1] + away * float(np.sin(angle)),
            height,
        ),
        radius=radius,
        waviness=waviness,
        hu=hu,
        rough=rough,
        core=core,
        core_hu=core_hu,
        grain=grain,
    )


def _cyst(u: Floats, radius: float, phase: str) -> tuple[float, float, float, float]:
    """HU, texture, core and HU of the core from eight numbers of 0 to 1."""
    dense = u[0] < 1 / 10
    return float(50 + 35 * u[1] if dense else 22 * u[1] - 2), 1.5, 0.0, 0.0


def _tumour(u: Floats, radius: float, phase: str) -> tuple[float, float, float, float]:
    """As `_cyst`; what a tumour takes up follows the phase."""
    plain = 28 + 14 * u[1]
    taken = (60 + 70 * u[2]) * UPTAKE[phase] if u[0] < 3 / 4 else (15 + 25 * u[2]) * SLOW[phase]
    cystic, necrotic = u[3] < 0.12, u[4] < 0.55 and radius > 9
    core = 0.8 if cystic else (0.35 + 0.3 * u[5]) * float(necrotic)
    rough = 5 + 9 * u[6] + 0.12 * taken
    return float(plain + taken), float(rough), float(core), float(8 + 16 * u[7])


def _draw_stones(rng: np.random.Generator, kidney: Kidney, height: float) -> Floats:
    """One to three stones in calyces, the first one the largest and at the height drawn."""
    number = 1 + int(rng.integers(STONES))
    calyces = rng.permutation(np.arange(1, PYRAMIDS - 1))[:STONES]
    beside, along = rng.normal(0, 1.2, (2, STONES))
    radius = np.sort(np.exp(rng.uniform(np.log(2), np.log(5.5), STONES)))[::-1]
    at = np.array([kidney.calyx(int(calyx)) for calyx in calyces])
    lower = rng.normal(0, 5, STONES) * np.array([0, 1, 1])
    stones = np.stack(
        [
            at[:, 0] + beside,
            at[:, 1] + along,
            height + lower,
            radius,
            np.maximum(radius, STONE_HEIGHT_MM),
            rng.uniform(200, 800, STONES),
        ],
        axis=1,
    )
    return stones[:number]


def paint(slab: Attenuation, finding: Finding, z: float) -> None:
    """Its level z."""
    if (mass := finding.mass) is not None:
        _paint_mass(slab.near(*mass.centre[:2], 1.4 * mass.radius + 3), mass, z)
    for x, y, middle, radius, half, hu in finding.stones:
        narrow = 1 - ((z - middle) / half) ** 2
        if narrow > 0:
            part = slab.near(float(x), float(y), float(radius) + 3)
            outline = np.hypot(part.x - x, part.y - y) - radius * float(np.sqrt(narrow))
            part.fill(float(hu), outline)


def _paint_mass(slab: Attenuation, mass: Mass, z: float) -> None:
    """A wavy ball; its texture, and inside it what has no vessels."""
    dz = z - mass.centre[2]
    narrow = 1 - (dz / mass.radius) ** 2
    if narrow <= 0:
        return
    outline = distance(mass, slab.x, slab.y, z)
    texture = mass.grain.plane(slab.x[0] / 5, slab.y[:, 0] / 5, z / 5)
    slab.fill(mass.hu + mass.rough * texture, outline)
    if mass.core > 0:
        inner = outline + mass.radius * (1 - mass.core) * (1 + 0.35 * texture)
        slab.fill(mass.core_hu, inner)


def distance(mass: Mass, x: Floats, y: Floats, z: float) -> Floats:
    """Signed distance to its outline at a height, about; a ball that is wavy across."""
    dx, dy = x - mass.centre[0], y - mass.centre[1]
    angle = np.arctan2(dy, dx)
    around = np.ones(angle.shape)
    for order, (amount, phase) in enumerate(mass.waviness, 2):
        around = around + amount * np.cos(order * angle + phase)
    narrow = max(0.0, 1 - ((z - mass.centre[2]) / mass.radius) ** 2)
    return np.asarray(np.hypot(dx, dy) - mass.radius * float(np.sqrt(narrow)) * around)
