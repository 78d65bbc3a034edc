"""Simulated patients with a glioma, seen by MR: T1, T1 with contrast agent, T2 and FLAIR.

One anatomy (`brain`, `glioma`), one scanner (`mri`): each axial slice of each sequence goes through
k-space with coil bias, motion and Rician noise. Then the brain is cut out, as released sets of
gliomas are (the atlas has no skull). Beside the tumour there are what is easily taken for it: spots
of gliosis, bright in T2 and FLAIR, and vessels, bright after contrast agent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medlib.errors import InputError
from medlib.phantom.anatomy import brain as brains
from medlib.phantom.anatomy import glioma as gliomas
from medlib.phantom.anatomy.brain import LEVELS, SUBSTANCES, VOXEL_MM, Places
from medlib.phantom.anatomy.geometry import coverage, settled
from medlib.phantom.anatomy.glioma import Glioma
from medlib.phantom.anatomy.substances import values
from medlib.phantom.scanner import mri
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Floats

CHANNELS: Final = ("t1", "t1c", "t2", "flair")
"""What each patient is scanned with, in order; t1c: T1 after contrast agent."""
PARTS: Final = ("background", "core", "oedema", "enhancing rim")
"""What the numbers 0 to 3 of a mask mean."""
SIZES: Final = (48, 32)
"""Voxels a side that a scan can have: 4 mm and 6 mm."""
RELAXIVITY: Final = 4.0
"""Of contrast agent, per second and mmol/l: about what gadolinium chelates have at 3 T."""
NOISE: Final = 0.011
"""Sigma of each part of the signal, water 1."""
CONSTITUENTS: Final = ("grey matter", "white matter", "fluid", "necrosis", "oedema", "tumour",
                       "gliosis", "vessel")  # fmt: skip
"""What fills a voxel of the brain; 3 to 5 are the tumour's parts, in the order of a mask."""


@dataclass(frozen=True)
class SimulatedHead:
    """One patient. images: 4 x side^3 (x, y, z), whole numbers 0 to 4095, 0 outside the brain.

    mask: side^3, numbers as `PARTS`: what fills most of a voxel. glioma: what was drawn.
    """

    images: NDArray[np.uint16]
    mask: NDArray[np.uint8]
    spacing_mm: float
    glioma: Glioma


def simulate(seed: int, *, bright: bool = True, side: int = 48) -> SimulatedHead:
    """A simulated patient; the same seed gives the same bytes on every processor.

    bright: the rim takes up much contrast agent. Raises InputError for a side not in `SIZES`.
    """
    if as_number(side, "side") not in SIZES:
        raise InputError(f"side is {side}; choose {' or '.join(map(str, SIZES))}.")
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(4)]
    body, growth, others, scan = streams
    bending = brains.draw(body)
    centre = _site(growth, bending)
    glioma = gliomas.draw(growth, centre=centre, bright=bright)
    at = brains.places()
    tissue = brains.tissues(bending, gliomas.before(glioma, at))
    share = _painted(tissue, glioma, at, others)
    images = _scanned(share, glioma, side, scan)
    small = np.stack([_averaged(one, side) for one in share])
    inside = small.sum(axis=0) > 0.5
    return SimulatedHead(
        images=(images * inside).astype(np.uint16),
        mask=_mask(small),
        spacing_mm=VOXEL_MM * brains.SIDE / side,
        glioma=glioma,
    )


def _site(rng: np.random.Generator, bending: brains.Bending) -> Floats:
    """A point deep in white matter of one side, away from the brainstem, in this patient's mm."""
    at = brains.places()
    side, height = np.abs(at.x), at.z
    where = (brains.atlas()[1] > 0.8) & (side > 16) & (side < 50) & (height > -18) & (height < 50)
    candidates = np.argwhere(where)
    voxel = candidates[rng.integers(len(candidates))]
    middle = (voxel - (brains.SIDE - 1) / 2) * VOXEL_MM
    return np.asarray(middle * bending.scale + rng.uniform(-3, 3, 3))


def _painted(tissue: Floats, glioma: Glioma, at: Places, rng: np.random.Generator) -> Floats:
    """Shares of `CONSTITUENTS` in each voxel of the map, in whole parts of `LEVELS`."""
    grey, white, fluid = tissue
    brain = tissue.sum(axis=0)
    gliosis = _spots(rng, white, at, number=int(rng.integers(2, 7)), radius=(2.5, 5.0))
    vessel = _spots(rng, grey, at, number=int(rng.integers(3, 8)), radius=(2.0, 3.5))
    part = gliomas.parts(glioma, at, white, brain)
    healthy = 1 - part.core - part.oedema - part.rim
    plain = healthy * (1 - vessel)
    share = [grey * plain, white * plain * (1 - gliosis), fluid * plain, part.core, part.oedema,
             part.rim, white * plain * gliosis, brain * healthy * vessel]  # fmt: skip
    return np.asarray(np.rint(np.stack(share) * LEVELS) / LEVELS)


def _spots(
    rng: np.random.Generator,
    tissue: Floats,
    at: Places,
    *,
    number: int,
    radius: tuple[float, float],
) -> Floats:
    """Share of each voxel inside small balls whose middle lies in a tissue."""
    candidates = np.argwhere(tissue > 0.75)
    share = np.zeros(tissue.shape)
    for middle, r in zip(candidates[rng.integers(len(candidates), size=number)],
                         rng.uniform(*radius, number), strict=True):  # fmt: skip
        x, y, z = ((p - (m - (brains.SIDE - 1) / 2) * VOXEL_MM)
                   for p, m in zip(at, middle, strict=True))  # fmt: skip
        inside = coverage(settled(np.sqrt(x * x + y * y + z * z) - r), VOXEL_MM)
        share = np.maximum(share, inside)
    return share


def _relaxation(glioma: Glioma, agent: bool) -> tuple[Floats, Floats, Floats]:
    """Protons, T1 and T2 of `CONSTITUENTS`, after contrast agent or before."""
    made_of = [SUBSTANCES[name] for name in CONSTITUENTS]
    protons, t1, t2 = (values(made_of, what) for what in ("protons", "t1", "t2"))
    t1[3:6] *= glioma.relaxation[0]
    t2[3:6] *= glioma.relaxation[1]
    if agent:
        millimolar = np.zeros(len(CONSTITUENTS))
        millimolar[CONSTITUENTS.index("tumour")] = glioma.uptake
        millimolar[CONSTITUENTS.index("vessel")] = 0.6
        t1 = 1 / (1 / t1 + RELAXIVITY * millimolar / 1000)
    return protons, t1, t2


def _scanned(share: Floats, glioma: Glioma, side: int, rng: np.random.Generator) -> Floats:
    """Magnitude images of all channels: 4 x side^3."""
    slope_x, slope_y, bend = rng.uniform((-0.2, -0.2, -0.1), (0.2, 0.2, 0.25))
    coil = mri.Coil(slope=(float(slope_x), float(slope_y)), bend=float(bend))
    texture = 1 + 0.05 * brains.smooth(rng.standard_normal((24, 24, 24)))
    images = []
    for channel in CHANNELS:
        protons, t1, t2 = _relaxation(glioma, agent=channel == "t1c")
        sequence = mri.SEQUENCES[channel.removesuffix("c")]
        signal = mri.signal(sequence, protons=protons, t1=t1, t2=t2)
        ideal = np.zeros(share.shape[1:])
        for weight, one in zip(signal, share, strict=True):
            ideal += weight * one
        ideal = np.rint(ideal * texture * 2**20) / 2**20
        gain, motion, cycles, phase = rng.uniform((0.85, 0.0, 4, 0), (1.15, 0.6, 9, 2 * np.pi))
        how = mri.Acquisition(matrix=side, noise=NOISE, motion=float(motion), cycles=float(cycles),
                              phase=float(phase))  # fmt: skip
        slabs = gain * ideal.reshape(*ideal.shape[:2], side, -1).mean(axis=3)
        images.append(np.stack([mri.acquire(slabs[:, :, k], coil=coil, acquisition=how, rng=rng)
                                for k in range(side)], axis=2))  # fmt: skip
    return np.stack(images)


def _averaged(share: Floats, side: int) -> Floats:
    """Means of blocks of the map, a block a voxel of the scan."""
    n = len(share) // side
    return np.asarray(share.reshape(side, n, side, n, side, n).mean(axis=(1, 3, 5)))


def _mask(share: Floats) -> NDArray[np.uint8]:
    """Number of the part that fills most of each voxel; healthy and empty voxels are 0."""
    core, oedema, rim = share[3:6]
    rest = 1 - core - oedema - rim
    return np.asarray(np.stack([rest, core, oedema, rim]).argmax(axis=0), np.uint8)
