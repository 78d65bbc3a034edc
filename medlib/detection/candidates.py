"""Candidates: places in the lungs that look like a bright ball of some size, best first."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from medlib.detection.volumes import Spacing, check_isotropic, check_mask
from medlib.errors import InputError
from medlib.types import Floats, Integers, Mask, Volume

DIAMETERS_MM: Final = (4.0, 6.0, 9.0, 13.0, 19.0)
"""Of the balls that are looked for."""
CLIPPED_HU: Final = (-1000.0, -300.0)
"""Ground glass stands out nearly as much as vessels here, which else hide all that is faint."""
MERGED_MM: Final = 6.0
"""Candidates nearer than this are one, the stronger."""


@dataclass(frozen=True)
class Candidates:
    """Places (n x 3, mm from the middle of the first voxel), strength and diameter, best first."""

    centre_mm: Floats
    strength: Floats
    diameter_mm: Floats

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.centre_mm)


def find(
    hu: Volume, lungs: Mask, spacing: Spacing, *, most: int = 40, least: float = 15.0
) -> Candidates:
    """Return up to `most` candidates of an isotropic volume, strongest first.

    Places are peaks of the scale-normalised Laplacian of Gaussian, highest over `DIAMETERS_MM`
    (Lindeberg, Int J Comput Vis 1998;30:79): a ball answers most to the Gaussian of sigma =
    diameter / (2 sqrt 3). The strength is the weakest of the three curvatures there, in HU: a ball
    bends down along every axis, a vessel does not along its own. Raises InputError for a mask of
    another shape, an empty one, and where no peak is as high as `least`.
    """
    step = check_isotropic(hu, spacing)
    check_mask(hu, lungs)
    clipped = np.clip(hu, *CLIPPED_HU)
    sigmas = [d / (2 * np.sqrt(3)) / step for d in DIAMETERS_MM]
    smooth = np.stack([ndimage.gaussian_filter(clipped, s, mode="nearest") for s in sigmas])
    answer = np.stack([-(s**2) * ndimage.laplace(v) for s, v in zip(sigmas, smooth, strict=True)])
    best = np.where(lungs, answer.max(axis=0), -np.inf)
    places = np.argwhere((best == ndimage.maximum_filter(best, size=3)) & (best >= least))
    if len(places) == 0:
        raise InputError(
            f"No candidate in a volume of shape {hu.shape}: nothing in the lungs stands out by "
            f"{least:g} HU; lower `least`."
        )
    scale = answer[:, *places.T].argmax(axis=0)
    slope, bend = _derivatives(smooth, scale, places)
    weakest = -np.linalg.eigvalsh(bend)[:, 2]  # ascending; a tube does not bend along its axis
    strength = np.asarray(sigmas)[scale] ** 2 * np.maximum(weakest, 0)
    order = np.argsort(-strength, kind="stable")
    top = places - np.clip(
        np.linalg.solve(bend - 1e-3 * np.eye(3), slope[..., None])[..., 0], -1, 1
    )
    chosen = order[_apart(top[order] * step, most)]
    return Candidates(top[chosen] * step, strength[chosen], np.asarray(DIAMETERS_MM)[scale[chosen]])


def _derivatives(smooth: Volume, scale: Integers, places: Integers) -> tuple[Floats, Floats]:
    """Gradient (n x 3) and Hessian (n x 3 x 3) at each place, in the volume of its scale."""
    padded = np.pad(smooth, ((0, 0), (1, 1), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    unit = np.eye(3, dtype=np.int64)

    def at(move: Integers) -> Floats:
        z, y, x = (places + 1 + move).T
        return np.asarray(padded[scale, z, y, x])

    slope, bend = np.empty((len(places), 3)), np.empty((len(places), 3, 3))
    for i, a in enumerate(unit):
        slope[:, i] = (at(a) - at(-a)) / 2
        bend[:, i, i] = at(a) + at(-a) - 2 * at(0 * a)
        for j, b in enumerate(unit[:i]):
            mixed = (at(a + b) - at(a - b) - at(b - a) + at(-a - b)) / 4
            bend[:, i, j] = bend[:, j, i] = mixed
    return slope, bend


def _apart(centres: Floats, most: int) -> Integers:
    """Rows, in order, that are `MERGED_MM` or more from each row kept before; at most so many."""
    kept: list[int] = []
    for row, centre in enumerate(centres):
        if len(kept) == most:
            break
        if not kept or np.linalg.norm(centres[kept] - centre, axis=1).min() >= MERGED_MM:
            kept.append(row)
    return np.asarray(kept, dtype=np.int64)


def match(centre_mm: Floats, nodule_mm: Floats, diameter_mm: Floats) -> Integers:
    """Return the nodule that each candidate hits, -1 for none: LUNA16's rule.

    A candidate hits a nodule whose centre is no farther than the nodule's radius; of several the
    nearest. Sources: Setio et al., Med Image Anal 2017;42:1.
    """
    hit = np.full(len(centre_mm), -1, dtype=np.int64)
    if len(nodule_mm) == 0 or len(centre_mm) == 0:
        return hit
    gap = np.linalg.norm(centre_mm[:, None] - nodule_mm[None], axis=2)
    gap = np.where(gap <= diameter_mm / 2, gap, np.inf)
    near = np.isfinite(gap.min(axis=1))
    hit[near] = gap.argmin(axis=1)[near]
    return hit
