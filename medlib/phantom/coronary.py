"""Simulated coronary calcium: a piece of vessel in fat, scanned for calcium and scanned in passing.

The gated scan has slices of 3 mm, as the Agatston score asks for; the scan in passing is one of
the chest at low dose, with slices of 5 mm, blurred by the heart's motion. Blur and noise are simple
ones: Gaussian, set by numbers below. Plaques lie along a vessel. Left out: branches, valves, metal.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy import ndimage

from medlib.runtime.whole_numbers import as_seed
from medlib.types import Floats, Volume

SIDE, DEEP, FINE_MM = 96, 60, 0.5
"""The fine map: 60 slices of 0.5 mm, 48 mm a side."""
BLOOD_HU, FAT_HU = 45.0, -90.0
VESSEL_MM: Final = 2.0
MOST_PLAQUES: Final = 16


@dataclass(frozen=True)
class Scan:
    """slice_mm; blur_mm: Gaussian SD in the plane; motion_mm: further blur along one direction;
    noise_hu: SD of the noise that is left in the image.
    """

    slice_mm: float
    blur_mm: float
    motion_mm: float
    noise_hu: float


SCANS = MappingProxyType(
    {"gated": Scan(3.0, 0.45, 0.0, 16.0), "in passing": Scan(5.0, 0.7, 1.2, 28.0)}
)
"""The scan that the score is defined on, and one of the chest made for something else."""


@dataclass(frozen=True)
class SimulatedVessel:
    """scans: whole HU as float32, slices x 96 x 96, pixels of 0.5 mm; fine: the map before."""

    scans: dict[str, Volume]
    fine: Floats
    plaques: Floats


def simulate(seed: int) -> SimulatedVessel:
    """A vessel; every fourth or so has no calcium. The same bytes on every processor."""
    body, *noise = (
        np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(4)
    )
    path, plaques = _draw(body)
    fine = _render(path, plaques)
    scans = {name: _scanned(fine, scan, own)
             for (name, scan), own in zip(SCANS.items(), noise, strict=False)}  # fmt: skip
    scans["gated again"] = _scanned(fine, SCANS["gated"], noise[2])
    return SimulatedVessel(scans, fine, plaques)


def _draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The vessel's way (amplitude, phase), and its plaques: z, angle, radius, length, HU in mm."""
    path = np.array([rng.uniform(3, 8, 2), rng.uniform(0, 2 * np.pi, 2)])
    burden = int(rng.choice([0, 1, 2, 4, 8, MOST_PLAQUES], p=[0.25, 0.2, 0.15, 0.15, 0.15, 0.1]))
    low, high = (3, 0, 0.4, 0.8, 250), (27, 2 * np.pi, 2.4, 4.5, 1200)
    plaques = rng.uniform(low, high, (MOST_PLAQUES, 5))
    plaques[:, 2] = 0.3 + 2.1 * ((plaques[:, 2] - 0.4) / 2.0) ** 2  # many small ones, few large
    return path, plaques[:burden]


def _middle(path: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Where the vessel's middle lies at a height, x and y."""
    sizes, phases = path
    return sizes[0] * np.sin(z / 12 + phases[0]), sizes[1] * np.cos(z / 15 + phases[1])


def _render(path: Floats, plaques: Floats) -> Floats:
    """The fine map: fat, vessel, plaques in its wall, with soft edges."""
    side: Floats = (np.arange(SIDE, dtype=np.float64) - (SIDE - 1) / 2) * FINE_MM
    z: Floats = (np.arange(DEEP, dtype=np.float64)[:, None, None] + 0.5) * FINE_MM
    x, y = side[None, None, :], side[None, :, None]
    mx, my = _middle(path, z)
    hu = FAT_HU + (BLOOD_HU - FAT_HU) * _cover(VESSEL_MM - np.hypot(x - mx, y - my))
    for height, angle, radius, length, density in plaques:
        px, py = (float(p[0]) for p in _middle(path, np.array([height])))
        px, py = px + 1.6 * np.cos(angle), py + 1.6 * np.sin(angle)
        at = (*_near(z, height, 1.5 * length), *_near(y, py, 2 * radius), *_near(x, px, 2 * radius))
        part, (deep, down, wide) = hu[at], at
        flat = ((x[:, :, wide] - px) ** 2 + (y[:, down] - py) ** 2) / radius**2
        away = np.sqrt(flat + ((z[deep] - height) / length) ** 2)
        part += np.maximum(density - part, 0) * _cover((1 - away) * radius)
    return np.asarray(hu)


def _near(places: Floats, middle: float, reach: float) -> tuple[slice]:
    """Where along an axis, evenly spaced, places lie within a reach and a millimetre."""
    near = np.flatnonzero(np.abs(places.ravel() - middle) < reach + 1.0)
    return (slice(int(near[0]), int(near[-1]) + 1),) if len(near) else (slice(0, 0),)


def _cover(inside: Floats) -> Floats:
    return np.clip(0.5 + inside / FINE_MM, 0, 1)


def _scanned(fine: Floats, scan: Scan, rng: np.random.Generator) -> Volume:
    """The map as this scan shows it."""
    thick = round(scan.slice_mm / FINE_MM)
    slices = len(fine) // thick
    noise = rng.standard_normal((slices, SIDE, SIDE))
    mean = fine[: slices * thick].reshape(slices, thick, SIDE, SIDE).mean(axis=1)
    across = np.hypot(scan.blur_mm, scan.motion_mm) / FINE_MM
    seen = ndimage.gaussian_filter(mean, (0, scan.blur_mm / FINE_MM, across))
    grain = ndimage.gaussian_filter(noise, (0, 0.8, 0.8))
    grain *= scan.noise_hu * 2 * 0.8 * np.sqrt(np.pi)  # a Gaussian of SD s leaves 1 / (2 s sqrt pi)
    return np.asarray(np.rint(seen + grain), np.float32)
