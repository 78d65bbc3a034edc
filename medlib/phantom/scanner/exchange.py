"""The scanner's kernels as weights along the detector, and one image from another's kernel.

Filtering each projection and smearing it back is linear and treats all places alike, so an image
of one kernel is that of another, convolved with the ratio of the two (Kak and Slaney, section 3.3).
"""

from collections.abc import Mapping

import numpy as np
import scipy.fft

from medlib.phantom.scanner.ct import KERNELS
from medlib.phantom.scanner.projector import back_project, kept_frequencies, ramp
from medlib.types import Floats


def distance_from_middle(n: int) -> Floats:
    """Of each pixel of an n x n image, in pixels."""
    place = np.arange(n) - (n - 1) / 2
    return np.asarray(np.hypot.outer(place, place))


def in_scan_field(image: Floats) -> Floats:
    """The image above its darkest value, zero outside the circle that is scanned."""
    inside = distance_from_middle(len(image)) <= len(image) / 2 - 1
    return np.where(inside, image - image.min(), 0).astype(np.float32)


def reconstructions(rays: Floats) -> Mapping[str, Floats]:
    """The image of each kernel, n x n, from projections (views x n)."""
    n = rays.shape[1]
    m = kept_frequencies(n)
    return {
        name: back_project(rays, factor(m), matrix=n) for name, factor in KERNELS.items()
    }  # fmt: skip


def exchange(image: Floats, ours: str, wanted: str) -> Floats:
    """An image (n x n) reconstructed with kernel `ours` as the kernel `wanted` would give it."""
    n = len(image)
    frequency = 2 * np.hypot.outer(np.fft.fftfreq(n), np.fft.fftfreq(n))
    kept = frequency < 1  # up to the Nyquist frequency, beyond which neither kernel lets pass
    ratio = np.zeros((n, n))
    ratio[kept] = KERNELS[wanted](frequency[kept]) / KERNELS[ours](frequency[kept])
    return np.asarray(np.fft.ifft2(np.fft.fft2(image) * ratio).real)


def response(name: str, n: int) -> Floats:
    """What a kernel does to a ray of n samples: a factor for each of its n + 1 frequencies."""
    return np.asarray(ramp(2 * n)[: n + 1].astype(float) * KERNELS[name](kept_frequencies(n)))


def taps(name: str, n: int) -> Floats:
    """The same as 2 n weights along the detector, the middle one at index n."""
    return np.asarray(np.fft.fftshift(scipy.fft.irfft(response(name, n), 2 * n)))
