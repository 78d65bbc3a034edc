"""What a scanner does to an image, measured: noise power spectrum and modulation transfer.

Definitions follow ICRU Report 87 (2012), Radiation Dose and Image-Quality Assessment in Computed
Tomography, sections 5 and 6.
"""

import numpy as np
from scipy.signal.windows import tukey

from medlib.errors import InputError
from medlib.types import Floats, Reals

BINS_PER_PIXEL = 8  # of the edge profile; pixels lie at all distances from a round edge
EDGE_PIXELS = 16  # length of the profile on either side of the edge
TAPER = 0.8  # share of the profile that fades out: far from the edge there is only noise


def noise_power_spectrum(images: Reals, pixel_mm: float) -> tuple[Floats, Floats]:
    """Radial frequency (cycles / mm) and noise power (HU^2 mm^2) of repeated images.

    `images`: repeats x n x n of the same object, at least two; their mean is taken off, so anatomy
    drops out. Power is averaged over direction in rings 1 / (n pixel_mm) wide, zero left out.
    The integral of the two-dimensional spectrum is the variance.
    """
    if images.ndim != 3 or len(images) < 2 or images.shape[1] != images.shape[2]:
        raise InputError(f"images are {images.shape}; give repeats x n x n with 2 repeats or more")
    repeats, n = images.shape[:2]
    noise = images.astype(np.float64) - images.mean(axis=0, dtype=np.float64)
    power = (np.abs(np.fft.fft2(noise)) ** 2).sum(axis=0) / (repeats - 1) * (pixel_mm / n) ** 2
    step = np.fft.fftfreq(n) * n
    ring = np.rint(np.hypot(step[:, None], step)).astype(int).ravel()
    mean = np.bincount(ring, power.ravel()) / np.bincount(ring)
    rings = np.arange(1, n // 2)
    return rings / (n * pixel_mm), mean[rings]


def modulation_transfer(
    image: Reals,
    pixel_mm: float,
    *,
    centre_mm: tuple[float, float],
    radius_mm: float,
) -> tuple[Floats, Floats]:
    """Frequency (cycles / mm) and modulation transfer (1 at zero) across the edge of a disc.

    `image`: n x n with a disc of the given radius, `centre_mm` (y, x) from its middle, and nothing
    else within `EDGE_PIXELS` pixels of the edge. Noise biases the result; average repeats first.
    """
    n = image.shape[0]
    step = (np.arange(n) - (n - 1) / 2) * pixel_mm
    distance = np.hypot(step[:, None] - centre_mm[0], step - centre_mm[1])
    place = np.floor(((distance - radius_mm) / pixel_mm + EDGE_PIXELS) * BINS_PER_PIXEL).astype(int)
    bins = 2 * EDGE_PIXELS * BINS_PER_PIXEL
    near = (place >= 0) & (place < bins)
    counts = np.bincount(place[near], minlength=bins)
    if not counts.all():
        raise InputError(f"the edge at {radius_mm} mm is too short or leaves the image; move it in")
    edge = np.bincount(place[near], image[near], minlength=bins) / counts
    line = np.diff(edge) * tukey(bins - 1, TAPER)
    transfer = np.abs(np.fft.rfft(line))
    frequency = np.fft.rfftfreq(bins - 1, pixel_mm / BINS_PER_PIXEL)
    kept = frequency <= 0.5 / pixel_mm
    return np.asarray(frequency[kept], float), np.asarray(transfer[kept] / transfer[0], float)


def frequency_at(frequency: Floats, transfer: Floats, level: float) -> float:
    """First frequency at which the modulation transfer falls to `level` (0.5: the "MTF 50 %")."""
    below = np.flatnonzero(transfer < level)
    if not 0 < level < 1 or not len(below):
        raise InputError(f"the modulation transfer never falls to {level}; ask for another level")
    j = int(below[0])
    return float(np.interp(level, transfer[[j, j - 1]], frequency[[j, j - 1]]))
