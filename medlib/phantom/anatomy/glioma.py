"""A simulated glioma: dead core, enhancing rim, oedema along white matter, and what it pushes away.

Distances are in mm, negative inside. Growth moves tissue outwards: what lay at r from the middle
before lies at (r^3 + m R^3)^(1/3) now (nothing is compressed; m is the share of the tumour that
made room for itself by pushing, R its radius). A uniform sphere in an elastic medium does the same
(Clatz et al., IEEE Trans. Med. Imaging 24 (2005) 1334, have the same in finite elements).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from medlib.phantom.anatomy.brain import Places, smooth
from medlib.phantom.anatomy.geometry import coverage, settled
from medlib.types import Floats

LUMPS: Final = 10
"""Nodes along an axis of the field that makes outlines uneven: one every 2 cm or so."""
BLUR_MM: Final = 3.0
"""Width over which one tissue passes into another."""


@dataclass(frozen=True, kw_only=True)
class Glioma:
    """Size and make of a tumour. centre and lengths in mm, `lumps` four fields on a lattice.

    uptake: contrast agent in the rim, mmol/l. pushes: share m of its volume that made room by
    pushing. relaxation: factors on T1 and T2 of core, oedema and rim.
    """

    centre: Floats
    radius: float
    rim: float
    oedema: float
    uptake: float
    pushes: float
    relaxation: Floats
    lumps: Floats


class Parts(NamedTuple):
    """Share of each voxel that is dead core, oedema and enhancing rim."""

    core: Floats
    oedema: Floats
    rim: Floats


def draw(rng: np.random.Generator, *, centre: Floats, bright: bool) -> Glioma:
    """A tumour round a point; `bright`: its rim takes up much contrast agent."""
    radius, rim, oedema = rng.uniform((13, 4.0, 5), (24, 8.0, 20))
    return Glioma(
        centre=centre,
        radius=float(radius),
        rim=float(min(rim, 0.45 * radius)),
        oedema=float(oedema),
        uptake=float(rng.uniform(0.16, 0.35) if bright else rng.uniform(0.05, 0.12)),
        pushes=float(rng.uniform(0.2, 0.5)),
        relaxation=rng.uniform(0.85, 1.15, (2, 3)),
        lumps=rng.standard_normal((4, LUMPS, LUMPS, LUMPS)),
    )


def before(glioma: Glioma, at: Places) -> Places:
    """Where the tissue that lies at these places lay before the tumour grew."""
    away = [p - c for p, c in zip(at, glioma.centre, strict=True)]
    r = np.sqrt(sum(d * d for d in away))
    pushed = np.maximum(r**3 - glioma.pushes * glioma.radius**3, 0.0)
    shrink = settled(pushed ** (1 / 3)) / np.maximum(settled(r), 1e-3)
    return Places(*(c + d * shrink for c, d in zip(glioma.centre, away, strict=True)))


def parts(glioma: Glioma, at: Places, white: Floats, brain: Floats) -> Parts:
    """Shares of the tumour's parts in each voxel; `white` and `brain`: shares of what was there.

    Oedema follows white matter; core and rim stay within the brain.
    """
    away = [p - c for p, c in zip(at, glioma.centre, strict=True)]
    r = np.sqrt(sum(d * d for d in away))
    one, two, three, four = (smooth(lumps) for lumps in glioma.lumps)
    outline = settled(r - glioma.radius * (1 + 0.45 * one))
    thickness = settled(glioma.rim * np.clip(1 + 1.0 * two, 0.15, 1.6))
    whole = coverage(outline, BLUR_MM) * brain
    core = np.minimum(coverage(outline + thickness, BLUR_MM), whole)
    reach = settled(glioma.oedema * np.maximum(1 + 1.2 * three, 0.1))
    wet = coverage(outline - reach, 2 * BLUR_MM) * np.minimum(1.25 * white, 1.0)
    oedema = np.maximum(wet * (0.9 + 0.2 * four), 0.0) * brain
    return Parts(core, np.minimum(oedema, 1.0) * (1 - whole), whole - core)
