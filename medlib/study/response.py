"""The same lesion outlined twice: how often it seems to grow, and how much growth is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from medlib.features.recist import VOLUME_GROWTH, longest_diameter, progressed, volume
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Bools, Floats, Masks

PIXEL_MM, SLICE_MM, SIDE, DEEP = 0.8, 2.5, 64, 20
EDGES: Final = {"sharp": 0.3, "fair": 0.8, "blurred": 1.5}
"""How far outside or inside the true edge an outline lies as a whole: SD in mm, by the edge."""
WOBBLE_MM: Final = 0.5
"""SD of an outline from place to place."""


@dataclass(frozen=True)
class Measured:
    """Longest diameter in mm and volume in mm3 of lesions, patients x lesions."""

    diameter: Floats
    volume: Floats

    def progression(self, later: Measured) -> dict[str, Bools]:
        """Return for each patient whether sums grew as RECIST asks, and volumes by 73 %."""
        before, now = self.volume.sum(axis=1), later.volume.sum(axis=1)
        called = progressed(self.diameter.sum(axis=1), later.diameter.sum(axis=1))
        return {"diameter": np.asarray(called), "volume": now >= (1 + VOLUME_GROWTH) * before}


@dataclass(frozen=True)
class Lesions:
    """Ellipsoids: half axes in mm (patients x lesions x 3), and how each lies in the slice."""

    axes: Floats
    turn: Floats

    def grown(self, share: float) -> Lesions:
        """Return the lesions with every diameter longer by this share."""
        return Lesions(self.axes * (1 + share), self.turn)


def lesions(patients: int, each: int, *, diameter: float, seed: int) -> Lesions:
    """Draw lesions whose longest diameter lies within a fifth of this one, in mm."""
    rng = np.random.default_rng([as_seed(seed), 93])
    longest = diameter / 2 * rng.uniform(0.8, 1.2, (patients, each))
    ratio = rng.uniform(0.7, 1, (patients, each, 2))
    axes = np.stack([longest, longest * ratio[..., 0], longest * ratio[..., 1]], axis=-1)
    return Lesions(axes, rng.uniform(0, np.pi, (patients, each)))


def outlined(true: Lesions, edge_mm: float, rng: np.random.Generator) -> Measured:
    """Return what is measured when the edge is drawn outside or inside the true one, SD edge_mm."""
    patients, each = true.turn.shape
    shift = edge_mm * rng.standard_normal((patients,))  # the same for all lesions of a patient
    found = np.empty((2, patients, each))
    for i in range(patients):
        for j in range(each):
            wobble = rng.standard_normal((DEEP, SIDE, SIDE))
            mask = _mask(true.axes[i, j], float(true.turn[i, j]), shift[i], wobble)
            found[0, i, j] = longest_diameter(mask, (PIXEL_MM, PIXEL_MM))
            found[1, i, j] = volume(mask, (PIXEL_MM, PIXEL_MM), SLICE_MM)
    return Measured(found[0], found[1])


def _mask(axes: Floats, turn: float, shift: float, wobble: Floats) -> Masks:
    """The outline as drawn: the true edge, moved by `shift` mm and by a wobble."""
    side = (np.arange(SIDE) - (SIDE - 1) / 2) * PIXEL_MM
    z = ((np.arange(DEEP) - (DEEP - 1) / 2) * SLICE_MM)[:, None, None]
    x, y = side[None, None, :], side[None, :, None]
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    away = np.sqrt((u / axes[0]) ** 2 + (v / axes[1]) ** 2 + (z / axes[2]) ** 2)
    outside = (away - 1) * np.sqrt(u**2 + v**2 + z**2) / np.maximum(away, 1e-9)  # along the ray
    smooth = ndimage.gaussian_filter(wobble, (1.0, 3.0, 3.0))
    drawn = np.asarray(outside < shift + WOBBLE_MM * smooth / smooth.std())
    labels, number = ndimage.label(drawn)
    if number > 1:  # the lesion, not a stray pixel
        drawn = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return drawn
