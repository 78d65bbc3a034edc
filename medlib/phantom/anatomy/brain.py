"""The brain of the MNI152 head that nilearn ships, bent into one patient's.

The atlas (ICBM 152, nonlinear, symmetric, 2009a: Fonov et al., NeuroImage 54 (2011) 313) is the
mean of 152 people, without skull and scalp, as 8-bit maps of grey and white matter; what is left of
the brain is fluid. Maps are averaged to 2 mm in whole numbers, and bent by a smooth field.

Sources of T1 and T2 at 3 T (ms): white and grey matter, Stanisz et al., Magn. Reson. Med. 54 (2005)
507. Fluid, proton densities (water 1) and what a tumour is made of are round numbers in the order
that textbooks give.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from scipy import ndimage

from medlib.phantom.anatomy.geometry import settled
from medlib.phantom.anatomy.substances import Substance
from medlib.types import Floats, Integers

SIDE: Final = 96
"""Voxels a side of the map that anatomy is painted on."""
VOXEL_MM: Final = 2.0
CENTRE: Final = (98, 117, 77)
"""Voxel of the 1 mm atlas in the middle of the brain, which the map is centred on."""
LEVELS: Final = 1024
"""Shares are kept in whole parts of this: what processors round otherwise ends here."""
TISSUES: Final = ("grey matter", "white matter", "fluid")
BEND_MM: Final = 3.0
"""Standard deviation of how far people's brains bend away from the atlas, along each axis."""
NODES: Final = 6
"""Of the bending field along an axis."""

SUBSTANCES: Mapping[str, Substance] = MappingProxyType(
    {
        "air": Substance(hu=-1000, protons=0),
        "grey matter": Substance(hu=38, t1=1820, t2=99, protons=0.82),
        "white matter": Substance(hu=30, t1=1084, t2=69, protons=0.70),
        "fluid": Substance(hu=8, t1=4000, t2=1500, protons=1.0),
        "necrosis": Substance(hu=20, t1=2600, t2=300, protons=0.92),
        "oedema": Substance(hu=20, t1=1650, t2=130, protons=0.80),
        "tumour": Substance(hu=40, t1=1500, t2=115, protons=0.82),
        "gliosis": Substance(hu=28, t1=1450, t2=120, protons=0.78),
        "vessel": Substance(hu=42, t1=1932, t2=60, protons=0.60),
    }
)


@dataclass(frozen=True)
class Bending:
    """How a brain differs from the atlas: scale along each axis, and a field on a lattice in mm."""

    scale: Floats
    lattice: Floats


def draw(rng: np.random.Generator) -> Bending:
    """A person's brain."""
    return Bending(rng.uniform(0.94, 1.03, 3), rng.standard_normal((3, NODES, NODES, NODES)))


class Places(NamedTuple):
    """Positions in mm from the middle of the map, x to the right ear, y forward, z up."""

    x: Floats
    y: Floats
    z: Floats


def places() -> Places:
    """Positions of all voxels of the map: side x 1 x 1, 1 x side x 1, 1 x 1 x side."""
    axis = (np.arange(SIDE, dtype=np.float64) - (SIDE - 1) / 2) * VOXEL_MM
    return Places(axis[:, None, None], axis[None, :, None], axis[None, None, :])


def smooth(lattice: Floats, sides: tuple[int, int, int] = (SIDE, SIDE, SIDE)) -> Floats:
    """A field through the nodes of a lattice that spans the map: quadratic B-splines."""
    field = lattice
    for axis, side in enumerate(sides):
        field = np.moveaxis(np.tensordot(_weights(side, lattice.shape[axis]), field, (1, axis)),
                            0, axis)  # fmt: skip
    return np.asarray(field)


def _weights(side: int, nodes: int) -> Floats:
    """Of each node at each of `side` places: a row adds up to 1 but for the margins."""
    place = np.linspace(0.5, nodes - 1.5, side)
    gap = np.abs(place[:, None] - np.arange(nodes)[None, :])
    return np.where(gap < 0.5, 0.75 - gap * gap, 0.5 * np.clip(1.5 - gap, 0, None) ** 2)


def tissues(bending: Bending, at: Places) -> Floats:
    """Shares of `TISSUES` at positions of this patient's head: 3 x positions, whole parts of 1.

    Positions are mm of the map after whatever pushes tissue about; beyond the brain all are 0.
    """
    field = [BEND_MM * smooth(one) / SPREAD for one in bending.lattice]
    # Where the atlas shows what lies here.
    source = [p / s + f for p, s, f in zip(at, bending.scale, field, strict=True)]
    index = np.stack([settled(s) / VOXEL_MM + (SIDE - 1) / 2 for s in source])
    found = [ndimage.map_coordinates(one, index, order=1, mode="constant") for one in atlas()]
    return np.asarray(np.rint(np.stack(found) * LEVELS) / LEVELS)


SPREAD: Final = 0.42
"""Standard deviation of `smooth` of independent normal nodes, about."""


@lru_cache(maxsize=1)
def atlas() -> Floats:
    """Shares of grey matter, white matter and fluid in 2 mm voxels: 3 x SIDE x SIDE x SIDE."""
    from nilearn import datasets  # a second to start, and only brains need it

    grey, white, brain = (
        np.rint(load(resolution=1).get_fdata() * 255).astype(np.int64)
        for load in (
            datasets.load_mni152_gm_template,
            datasets.load_mni152_wm_template,
            datasets.load_mni152_brain_mask,
        )
    )
    fluid = np.maximum(brain - grey - white, 0)
    return np.stack([_halved(_centred(one)) / (8 * 255) for one in (grey, white, fluid)])


def _centred(atlas: Integers) -> Integers:
    """The cube of 2 x SIDE voxels of 1 mm round the middle of the brain; beyond the atlas 0."""
    cube = np.zeros((2 * SIDE,) * 3, np.int64)
    first = [c - SIDE for c in CENTRE]
    here = tuple(slice(max(0, -f), min(2 * SIDE, n - f))
                 for f, n in zip(first, atlas.shape, strict=True))  # fmt: skip
    there = tuple(slice(s.start + f, s.stop + f) for s, f in zip(here, first, strict=True))
    cube[here] = atlas[there]
    return cube


def _halved(cube: Integers) -> Integers:
    """Sums of 2 x 2 x 2 voxels, in whole numbers."""
    n = len(cube) // 2
    return np.asarray(cube.reshape(n, 2, n, 2, n, 2).sum(axis=(1, 3, 5)))
