"""A simulated mammography unit: from what rays pass to grey levels as they are shown.

Rays are weakened as at 20 keV (Johns & Yaffe 1987, Phys. Med. Biol. 32:675: fat 0.46, glandular
tissue 0.80, carcinoma 0.84 per cm); photons are counted with noise drawn beforehand. Shown is what
a ray lost beyond what fat of the same thickness takes, as units do that even out the thickness.
Left out: scatter, the spectrum, the focal spot.
"""

from typing import Final

import numpy as np

from medlib.types import Floats, Image

FAT, GLANDULAR, CARCINOMA, CALCIUM = 0.0456, 0.0802, 0.0844, 1.8
"""Attenuation per mm; that of calcifications is chosen."""
PHOTONS: Final = 60_000.0
"""A pixel, before the breast."""
BLACK_TO_WHITE: Final = (0.0, 4095.0)
LIFT, GAIN = 250.0, 1300.0
"""Grey level of pure fat, and grey levels for each unit of attenuation beyond it."""


def acquire(
    *, thickness: Floats, share: Floats, mass: Floats, calcium: Floats, rng: np.random.Generator
) -> Image:
    """Grey levels 0 to 4095, whole numbers as float32; 0 where there is no breast.

    thickness, mass and calcium: mm that each ray passes of all tissue, of carcinoma, of calcium;
    share: glandular share of what is no carcinoma.
    """
    noise = rng.standard_normal(thickness.shape)
    lost = (
        (FAT + (GLANDULAR - FAT) * share) * (thickness - mass)
        + CARCINOMA * mass
        + CALCIUM * calcium
    )
    expected = PHOTONS * np.exp(-lost)
    counts = np.maximum(expected + np.sqrt(expected) * noise, 1.0)
    beyond = np.log(PHOTONS / counts) - FAT * thickness
    grey = np.clip(np.rint(LIFT + GAIN * beyond), *BLACK_TO_WHITE)
    return np.where(thickness > 0, grey, 0.0).astype(np.float32)
