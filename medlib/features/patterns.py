"""Local binary patterns, gradients and wavelets: scikit-image and PyWavelets do the work."""

from typing import Final

import numpy as np
import pywt
from skimage.feature import hog as gradients_of
from skimage.feature import local_binary_pattern

from medlib.errors import InputError
from medlib.features.checks import Levels
from medlib.types import Floats

NEIGHBOURS: Final = 8
CELLS: Final = 4
"""Cells a side in which orientations are counted."""
ORIENTATIONS: Final = 8
WAVELET: Final = "coif1"
"""Coiflet of two vanishing moments, pyradiomics' choice too."""
DEPTH: Final = 2
"""Levels of the wavelet decomposition."""
SMALLEST: Final = 20
"""Pixels a side that two levels of the wavelet need."""


def lbp(grey: Levels) -> dict[str, Floats]:
    """Return shares of the 10 uniform rotation-invariant patterns of 8 neighbours at radius 1.

    `grey` is n x rows x columns of levels, 0 outside the region; patterns of pixels inside count.
    Pattern k of 0 to 8 has k neighbours at least as bright, 9 is any other (Ojala et al. 2002).
    """
    kinds = NEIGHBOURS + 2
    # below and right of all regions nothing counts; beyond its edge an image is taken as 0 too
    rows, columns = (int(np.flatnonzero((grey > 0).any(axis=(0, k)))[-1]) + 2 for k in (2, 1))
    part = grey[:, :rows, :columns]
    counts = np.array([np.bincount(_patterns(image)[image > 0], minlength=kinds) for image in part])
    shares = counts / counts.sum(axis=1, keepdims=True)
    return {f"pattern_{k}": shares[:, k] for k in range(kinds)}


def _patterns(image: Levels) -> Levels:
    """Return the pattern of each pixel, 0 to 9."""
    found: Levels = local_binary_pattern(image, NEIGHBOURS, 1, "uniform").astype(np.int64)  # type: ignore[no-untyped-call]
    return found


def hog(images: Floats) -> dict[str, Floats]:
    """Return histograms of oriented gradients: 4 x 4 cells of 8 orientations of 0 to 180 degrees.

    The 128 values of an image are divided by their common length (Dalal and Triggs 2005, one
    block), so contrast does not matter; an even image gives 0. The whole image is used, whatever
    the mask. Raises InputError for images of less than 8 pixels a side.
    """
    rows, columns = images.shape[1:]
    if min(rows, columns) < 2 * CELLS:
        raise InputError(f"Images of {rows} x {columns} pixels are too small for 4 x 4 cells.")
    cell = (rows // CELLS, columns // CELLS)
    inside = images[:, : cell[0] * CELLS, : cell[1] * CELLS]
    found = np.array([gradients_of(x, ORIENTATIONS, cell, (CELLS, CELLS), "L2") for x in inside])
    keys = [(r, c, o) for r in range(CELLS) for c in range(CELLS) for o in range(ORIENTATIONS)]
    return {f"row_{r}_column_{c}_orientation_{o}": found[:, k] for k, (r, c, o) in enumerate(keys)}


def wavelet(images: Floats) -> dict[str, Floats]:
    """Return mean magnitude and standard deviation of the coefficients of each sub-band.

    Two levels of the coiflet, edges mirrored; L is low-pass, H high-pass, rows first. The whole
    image is used, whatever the mask. In the unit of the images. Raises InputError for images
    that are too small.
    """
    if min(images.shape[1:]) < SMALLEST:
        raise InputError(
            f"Images of {images.shape[1]} x {images.shape[2]} pixels are too small for wavelets of "
            f"{DEPTH} levels; give at least {SMALLEST} pixels a side or leave them out."
        )
    features, low = {}, images
    for depth in range(1, DEPTH + 1):
        low, bands = pywt.dwt2(low, WAVELET, mode="symmetric", axes=(1, 2))
        for name, band in zip(("HL", "LH", "HH"), bands, strict=True):
            features[f"{name}_{depth}_mean_magnitude"] = abs(band).mean(axis=(1, 2))
            features[f"{name}_{depth}_standard_deviation"] = band.std(axis=(1, 2))
    features[f"LL_{DEPTH}_standard_deviation"] = low.std(axis=(1, 2))
    return features
