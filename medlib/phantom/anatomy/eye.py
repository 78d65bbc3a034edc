"""The back of an eye: disc and cup, macula, pigment, vessels and lesions, as layers of a grid.

Light passes lens and retina, comes back from choroid and sclera, and is absorbed on both ways by
what lies there: melanin, blood, the yellow pigment of the macula and that of the lens (after
Delori & Pflibsen, Appl Opt 1989;28:1061). Absorbances are optical densities (log10) of the double
pass in three broad bands, red, green and blue; their order follows the literature, their size was
set by eye. x runs to the temporal side, y down, in mm on the retina, 0 the middle of the field.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.phantom.anatomy import retinal_lesions, retinal_vessels
from medlib.phantom.anatomy.geometry import Noise
from medlib.phantom.anatomy.retinal_lesions import Lesions
from medlib.phantom.anatomy.retinal_vessels import Tree
from medlib.types import Floats

PIGMENTATIONS: Final = {"lighter": 0.28, "darker": 1.0}
"""Mean melanin of the choroid, in units of the darker group."""
GROUND: Final = np.array([0.64, 0.22, 0.145])
"""Reflectance without melanin in red, green and blue: sclera under the blood of the choroid."""
MELANIN: Final = np.array([0.34, 0.44, 0.50])
BLOOD: Final = np.array([0.14, 0.42, 0.42])
"""Of a vessel 0.1 mm thick."""
YELLOW: Final = np.array([0.0, 0.03, 0.20])
"""Of the lens of an old eye; a fifth of it also in the fovea."""
DISC: Final = np.array([0.88, 0.58, 0.42])
CUP: Final = np.array([0.95, 0.88, 0.74])
EXUDATE: Final = np.array([0.90, 0.68, 0.30])
WOOL: Final = np.array([0.85, 0.62, 0.48])
"""Reflectances of what is bright."""


@dataclass(frozen=True)
class Eye:
    """One eye, as drawn.

    disc, fovea: centres (x, y) in mm; disc_mm: half-axes of the disc, across and down; cup_ratio:
    vertical cup-to-disc ratio; melanin: of the choroid; age in years; haze: share of light that the
    lens scatters, 0..1; grade of diabetic retinopathy, 0 to 3.
    """

    disc: Floats
    fovea: Floats
    disc_mm: tuple[float, float]
    cup_ratio: float
    cup_shift: Floats
    melanin: float
    age: float
    haze: float
    grade: int
    arteries: Tree
    veins: Tree
    lesions: Lesions
    grain: Noise


@dataclass(frozen=True)
class Layers:
    """An eye on a grid: reflectance (h x w x 3), and masks or shares of what is known exactly."""

    reflectance: Floats
    vessels: Floats
    disc: Floats
    cup: Floats
    lesions: Floats


def draw(
    streams: list[np.random.Generator],
    *,
    pigmentation: str,
    age: float,
    grade: int,
    glaucoma: bool,
    cataract: bool,
    reach_mm: float,
) -> Eye:
    """An eye from five streams: body, vessels, lesions, texture, diseases of disc and lens."""
    body, vessels, lesions, texture, disease = streams
    middle = body.normal(0, 0.22, 2)
    fovea = np.array([1.35, 0.25]) + middle
    disc = fovea + np.array([-4.7, -0.45]) + body.normal(0, 0.16, 2)
    half = 0.92 * float(np.exp(body.normal(0, 0.07)))
    melanin = PIGMENTATIONS[pigmentation] * float(np.exp(body.normal(0, 0.22)))
    shift = body.normal(0, 0.05, 2)
    arteries, veins = (
        retinal_vessels.grow(
            vessels, disc=disc, fovea=fovea, reach_mm=reach_mm, tip_mm=tip, wide=wide
        )
        for tip, wide in ((0.020, 1.25), (0.026, 0.85))
    )
    marks = retinal_lesions.draw(lesions, grade, disc=disc, fovea=fovea, reach_mm=reach_mm)
    return Eye(
        disc, fovea, (0.93 * half, half), _cup_ratio(disease, glaucoma), shift, melanin, age,
        _haze(disease, cataract, age), grade, arteries, veins, marks, Noise.draw(texture),
    )  # fmt: skip


def _cup_ratio(rng: np.random.Generator, glaucoma: bool) -> float:
    """Vertical cup-to-disc ratio: about 0.4 in health, 0.7 in glaucoma, with an overlap."""
    healthy, ill = 0.38 + 0.11 * rng.normal(), 0.68 + 0.10 * rng.normal()
    return float(np.clip(ill if glaucoma else healthy, 0.1, 0.92))


def _haze(rng: np.random.Generator, cataract: bool, age: float) -> float:
    """Share of light scattered: a little more with age, more with a cataract; they overlap."""
    clear, cloudy = 0.05 + 0.06 * np.abs(rng.normal()), 0.16 + 0.34 * rng.uniform() ** 1.5
    return float((cloudy if cataract else clear) + 0.05 * max(0.0, (age - 50) / 40))


def render(eye: Eye, x: Floats, y: Floats) -> Layers:
    """The eye on a grid of columns `x` and rows `y` (mm)."""
    pixel = float(x[1] - x[0])
    across, down = x[None, :], y[:, None]
    grain = [eye.grain.plane(x / s, y / s, z) for s, z in ((0.16, 3.0), (0.7, 9.0), (3.0, 17.0))]
    from_fovea = np.hypot(across - eye.fovea[0], down - eye.fovea[1])
    macula = np.exp(-((from_fovea / 0.9) ** 2))
    pigment = eye.melanin * (1 + 0.04 * grain[1] + 0.08 * grain[2]) + 0.65 * macula
    ground = 10 ** -(np.maximum(pigment, 0)[..., None] * MELANIN) * GROUND
    ground *= (1 + 0.025 * grain[0] + (0.05 - 0.03 * min(eye.melanin, 1)) * grain[1])[..., None]
    edge, hollow = _disc(eye, across, down)
    disc, cup = (np.clip(0.5 - d / (2.2 * pixel), 0, 1) for d in (edge, hollow))
    ground = _mix(ground, DISC * (1 + 0.03 * grain[1])[..., None], disc)
    ground = _mix(ground, CUP, 0.85 * cup * disc)
    filled = retinal_lesions.shares(eye.lesions, x, y, pixel)
    ground = _mix(_mix(ground, EXUDATE, 0.9 * filled[2]), WOOL, 0.6 * filled[3])
    blood = [retinal_vessels.density(tree, x, y, pixel) for tree in (eye.arteries, eye.veins)]
    thick = np.maximum(0.66 * blood[0], blood[1]) / 0.1
    red = 0.55 * filled[0] + 0.75 * filled[1]
    yellow = 0.2 * macula + max(0.0, (eye.age - 20) / 60)
    loss = np.maximum(thick, red)[..., None] * BLOOD + yellow[..., None] * YELLOW
    return Layers(ground * 10**-loss, np.maximum(*blood), disc, cup * disc, filled)


def _disc(eye: Eye, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Signed distance, about, to the edge of the disc and to that of the cup, mm."""
    distances = []
    for ratio, shift in ((1.0, 0 * eye.cup_shift), (eye.cup_ratio, eye.cup_shift)):
        a, b = (ratio * half for half in eye.disc_mm)
        u, v = (x - eye.disc[0] - shift[0]) / a, (y - eye.disc[1] - shift[1]) / b
        distances.append((np.sqrt(u * u + v * v) - 1) * b)
    return distances[0], distances[1]


def _mix(ground: Floats, colour: Floats, share: Floats) -> Floats:
    return ground + share[..., None] * (colour - ground)
