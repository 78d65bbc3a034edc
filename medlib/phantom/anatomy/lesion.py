"""A lesion of the liver with three signs, each of which another way of imaging shows.

*Calcified*: flecks of fine calcium salts, dense to X-rays and hardly there for magnet and sound.
*Oedematous*: water in the rim of liver round it, which lengthens T1 and T2 and moves neither HU nor
echoes by much. *Solid*: cells, against a cyst of thick fluid, whose protein or old blood gives it
the HU and relaxation of tissue (as in a hyperdense cyst) while it scatters and weakens no sound.
All else, size, place, density, relaxation, is drawn without a look at the signs.
"""

from dataclasses import dataclass, replace

import numpy as np

from medlib.phantom.anatomy.shares import Shares
from medlib.phantom.anatomy.substances import CALCIUM, SUBSTANCES, Substance
from medlib.types import Floats

NAMES = ("lesion", "rim", "calcium")
FLECKS = 9
CYST_ECHO, CYST_ATTENUATION = 0.05, 0.05
"""Of thick fluid: a few echoes, little attenuation (dB / cm / MHz)."""


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What makes a lesion what it is."""

    calcified: bool
    oedematous: bool
    solid: bool


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """Place (x, y), radius, rim and outline in mm; what it is made of; flecks (x, y, radius)."""

    centre: tuple[float, float]
    radius: float
    rim: float
    waviness: Floats
    flecks: Floats
    body: Substance
    oedema: Substance
    signs: Signs


def draw_radius(rng: np.random.Generator) -> float:
    """Radius of a lesion in mm."""
    return float(rng.uniform(10, 17))


def draw(
    rng: np.random.Generator, *, centre: tuple[float, float], radius: float, signs: Signs
) -> Lesion:
    """A lesion at a place; as many numbers are drawn whatever its signs are."""
    turn, away = rng.uniform(0, 2 * np.pi, FLECKS), np.sqrt(rng.uniform(0, 0.75, FLECKS))
    flecks = np.stack(
        [
            centre[0] + radius * away * np.cos(turn),
            centre[1] + radius * away * np.sin(turn),
            rng.uniform(0.6, 1.6, FLECKS),
        ],
        axis=1,
    )
    body = Substance(
        hu=float(rng.normal(42, 6)),
        t1=float(rng.uniform(900, 1300)),
        t2=float(rng.uniform(45, 60)),
        echo=float(rng.uniform(0.45, 0.75)),
        attenuation=0.55,
        impedance=1.64,
    )
    if not signs.solid:
        body = replace(body, echo=CYST_ECHO, attenuation=CYST_ATTENUATION)
    wet = replace(SUBSTANCES["liver"], hu=54, t1=1150, t2=float(rng.uniform(52, 72)))
    return Lesion(
        centre=centre,
        radius=radius,
        rim=float(rng.uniform(4.5, 8)),
        waviness=np.stack([rng.normal(0, [0.6, 0.5, 0.4]), rng.uniform(0, 2 * np.pi, 3)], axis=1),
        flecks=flecks,
        body=body,
        oedema=wet,
        signs=signs,
    )


def substances(lesion: Lesion) -> tuple[Substance, ...]:
    """What it is made of, in the order of `NAMES`; without oedema the rim is plain liver."""
    rim = lesion.oedema if lesion.signs.oedematous else SUBSTANCES["liver"]
    return lesion.body, rim, CALCIUM


def distance(lesion: Lesion, x: Floats, y: Floats) -> Floats:
    """Signed distance to its outline."""
    dx, dy = x - lesion.centre[0], y - lesion.centre[1]
    angle = np.arctan2(dy, dx)
    reach = np.full(angle.shape, lesion.radius)
    for order, (amount, phase) in enumerate(lesion.waviness, 2):
        reach = reach + amount * np.cos(order * angle + phase)
    return np.asarray(np.hypot(dx, dy) - reach)


def paint(slab: Shares, lesion: Lesion) -> None:
    """Rim, body and flecks, as far as its signs say they are there.

    The rim is painted in every lesion: where only oedema covered the vessels beside it, their
    absence would tell of oedema in every modality.
    """
    outline = distance(lesion, slab.x, slab.y)
    slab.paint("rim", outline - lesion.rim)
    slab.paint("lesion", outline)
    if lesion.signs.calcified:
        for x, y, radius in lesion.flecks:
            slab.paint("calcium", np.hypot(slab.x - x, slab.y - y) - radius, amount=0.35)
