"""How images of several scanners are seen: as they come, resampled, standardised, scanned anew.

Each view is n images of one size from black (0) to white (1). No view learns from any image but
the one it shows, so that they are made once and no fold can leak through them.
"""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from scipy import ndimage

from medlib import features, imaging
from medlib.cohorts import Cohort
from medlib.errors import InputError
from medlib.models import adapted, classifiers
from medlib.phantom.scanner.ct import KERNELS
from medlib.phantom.scanner.exchange import exchange
from medlib.runtime import progress
from medlib.runtime.paths import cache_folder, write_whole
from medlib.types import Floats, Image, Images, Integers, Reals

CACHE: Final = "features"
"""Folder of features that were computed before."""
COPIES: Final = 2
"""Of each training image, scanned anew."""
ZOOM: Final = 0.15
"""Part by which a rescanned field of view is larger or smaller, at most."""
NOISE: Final = (0.004, 0.05)
"""SD of the noise that rescanning adds, in parts of the range from black to white."""
GREY: Final = (0.4, 0.25)
"""Mean and SD of an image whose grey levels are standardised."""


def has_pixel_size(cohort: Cohort) -> bool:
    """Whether every image says how many millimetres a pixel has."""
    table = cohort.table
    return "spacing_x" in table and bool(table[["spacing_x", "spacing_y"]].notna().all(axis=None))


def resampled(cohort: Cohort, size: int) -> Images:
    """The middle of each image, as many millimetres of each, at one pixel size: n x size x size.

    As many as the smallest image has. Raises InputError where pixel sizes are not recorded.
    """
    if not has_pixel_size(cohort):
        raise InputError(f"{cohort.name} does not record pixel sizes: leave resampling out.")
    table = cohort.table
    pixel = table[["spacing_y", "spacing_x"]].to_numpy(float)
    shape = table[["rows", "columns"]].to_numpy(int)
    field = float((pixel * shape).min())
    middles = (imaging.crop(cohort.pixels(i), (shape[i] - 1) * pixel[i] / 2, field,
                            spacing=tuple(pixel[i])) for i in range(len(cohort)))  # fmt: skip
    same = np.stack([imaging.resize(image, size) for image in middles])
    return imaging.to_unit(same, cohort.grey_range)


def standardised(raw: Images) -> Images:
    """Each image with the same mean and SD of grey levels (`GREY`), from 0 to 1."""
    mean, sd = (f(raw, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    grey = GREY[0] + GREY[1] * (raw - mean) / np.maximum(sd, 1e-6)
    return np.asarray(np.clip(grey, 0, 1), np.float32)


def rescanned(unit: Images, rng: np.random.Generator) -> Images:
    """Each image as another scanner might have made it: other kernel, noise and field of view.

    Kernels are exchanged by the ratio of the simulated scanner's, as if the image had its standard
    one; noise has the spectrum that filtered back-projection gives it under the new kernel.
    """
    names = sorted(KERNELS)
    kernel = rng.integers(len(names), size=len(unit))
    zoom = 1 + ZOOM * rng.uniform(-1, 1, len(unit))
    low, high = np.log(NOISE)
    noise = np.exp(rng.uniform(low, high, len(unit)))
    white = rng.standard_normal(unit.shape)
    made = [
        _scanned(image, names[k], factor, sd * grain)
        for image, k, factor, sd, grain in zip(unit, kernel, zoom, noise, white, strict=True)
    ]
    return np.clip(np.stack(made), 0, 1).astype(np.float32)


def _scanned(image: Image, kernel: str, zoom: float, grain: Floats) -> Floats:
    n = len(image)
    place = (np.arange(n) - (n - 1) / 2) * zoom + (n - 1) / 2
    at = np.stack(np.meshgrid(place, place, indexing="ij"))
    other = ndimage.map_coordinates(image.astype(np.float64), at, order=1, mode="nearest")
    return exchange(other, "standard", kernel) + shaped(grain, kernel)


def shaped(white: Floats, kernel: str) -> Floats:
    """White noise (n x n) with the spectrum of filtered back-projection, its SD as it was.

    Power rises with the frequency and falls with the square of the kernel (Kak & Slaney, ch. 5).
    """
    n = len(white)
    frequency = 2 * np.hypot.outer(np.fft.fftfreq(n), np.fft.fftfreq(n))
    inside = np.minimum(frequency, 1)
    factor = np.sqrt(frequency) * KERNELS[kernel](inside) * (frequency < 1)
    factor /= np.sqrt((factor**2).mean())
    return np.asarray(np.fft.ifft2(np.fft.fft2(white) * factor).real)


def of(cohort: Cohort, *, image_size: int, frozen_size: int, seed: int) -> dict[str, Floats]:
    """Features of each view of the images, n x k; "resampled" where pixel sizes are recorded."""
    raw = cohort.images(image_size)
    unit = imaging.to_unit(raw, cohort.grey_range)
    site = np.unique(cohort.table.site, return_inverse=True)[1]
    found = {
        "plain": frozen(unit, frozen_size),
        "standardised": frozen(standardised(raw), frozen_size),
        "adapted": frozen_adapted(unit, site, frozen_size),
        "handmade": handmade(raw, cohort.grey_range),
    }
    for number, rng in enumerate(np.random.default_rng([seed, 16]).spawn(COPIES), 1):
        found[f"rescanned {number}"] = frozen(rescanned(unit, rng), frozen_size)
    if has_pixel_size(cohort):
        found["resampled"] = frozen(resampled(cohort, image_size), frozen_size)
    return found


def frozen(unit: Images, size: int) -> Floats:
    """Features of the frozen ImageNet network, computed once for the same images."""
    return _kept("frozen", unit, (size,), lambda: classifiers.imagenet_features(unit, size=size))


def frozen_adapted(unit: Images, site: Integers, size: int) -> Floats:
    """The same with batch norm by the statistics of each site's own images."""
    made = lambda: adapted.features_by_batch(unit, site, size=size)  # noqa: E731
    return _kept("adapted", unit, (size, site.tobytes()), made)


def handmade(raw: Images, span: tuple[float, float]) -> Floats:
    """Hand-made features as chapter 12 has them, n x k."""
    made = lambda: features.extract(raw, levels=32, span=span).to_numpy()  # noqa: E731
    return _kept("handmade", raw, span, made)


def _kept(
    kind: str, images: Images, settings: tuple[object, ...], make: Callable[[], Reals]
) -> Floats:
    """What `make` gives, from the cache where it was made before from the same by the same code."""
    digest = hashlib.sha256(f"{kind} {images.shape} {settings}".encode() + images.tobytes())
    for source in (__file__, adapted.__file__, classifiers.__file__, features.__file__):
        digest.update(Path(source).read_bytes())
    path = cache_folder(CACHE) / f"{digest.hexdigest()[:32]}.npy"
    if path.is_file():
        try:
            return np.asarray(np.load(path), np.float64)
        except (OSError, ValueError):
            progress.tell(f"{path.name} was cut off; its features are computed again.")
    found, buffer = make(), io.BytesIO()
    np.save(buffer, found)
    write_whole(path, buffer.getvalue())
    return np.asarray(found, np.float64)
