"""A simulated MR scanner: from relaxation times to a magnitude image, by way of k-space.

Signals. Spin echo: protons (1 - exp(-TR / T1)) exp(-TE / T2). With an inversion TI before it
(FLAIR: TI nulls fluid): protons |1 - 2 exp(-TI / T1) + exp(-TR / T1)| exp(-TE / T2), for TE much
shorter than TR. Sources: Haacke et al., *Magnetic Resonance Imaging* (1999), ch. 8 and 26;
Hajnal et al., J. Comput. Assist. Tomogr. 16 (1992) 841 (FLAIR).

Acquisition. The coil receives some places better than others (bias field). k-space is filled line
by line, one line a repetition, while the body moves to and fro: its shift is a phase ramp on each
line, and a periodic one makes ghosts, so many pixels apart along the rows as there are cycles in
the scan (Wood and Henkelman, Med. Phys. 12 (1985) 143). Noise is complex and Gaussian, so the
magnitude is Rician, and in air Rayleigh with mean sigma sqrt(pi / 2) (Gudbjartsson and Patz, Magn.
Reson. Med. 34 (1995) 910). The image is digitised to whole numbers, which takes away what
processors round otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from medlib.errors import InputError
from medlib.types import Array, Floats

Spectrum = NDArray[np.complex128]

FULL_SCALE = 4095
"""Largest value that is stored: 12 bits."""
GAIN = 5000.0
"""Stored value of a full signal of water; what is brighter than the scale is clipped."""


@dataclass(frozen=True)
class Sequence:
    """Times of a pulse sequence in ms; `ti` 0 is a spin echo without inversion."""

    tr: float
    te: float
    ti: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.te < self.tr and 0 <= self.ti < self.tr - self.te):
            raise InputError(
                f"a sequence of TR {self.tr}, TE {self.te} and TI {self.ti} ms cannot be played: "
                "TE and TI have to lie within TR"
            )


SEQUENCES: Mapping[str, Sequence] = MappingProxyType(
    {"t1": Sequence(500, 12), "t2": Sequence(4000, 80), "flair": Sequence(9000, 80, 2300)}
)
"""Usual weightings by name."""


def signal(sequence: Sequence, *, protons: Floats, t1: Floats, t2: Floats) -> Floats:
    """Signal of tissues with these proton densities and relaxation times (ms), same shape."""
    recovered = 1 - np.exp(-sequence.tr / t1)
    if sequence.ti:
        recovered = np.abs(1 - 2 * np.exp(-sequence.ti / t1) + np.exp(-sequence.tr / t1))
    return np.asarray(protons * recovered * np.exp(-sequence.te / t2))


@dataclass(frozen=True, kw_only=True)
class Coil:
    """How well each place is received: 1 plus a slope and a bend across the field of view."""

    slope: tuple[float, float] = (0.0, 0.0)
    bend: float = 0.0

    def bias(self, n: int) -> Floats:
        """Sensitivity of n x n pixels, above 0."""
        place = np.linspace(-1, 1, n)
        y, x = place[:, None], place[None, :]
        field = 1 + self.slope[0] * x + self.slope[1] * y + self.bend * (x * x + y * y - 2 / 3)
        return np.asarray(np.maximum(field, 0.05))


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """Matrix, noise and motion. noise: sigma of each part of the signal, water 1.

    The body moves along the rows' axis (phase encoding) by `motion` pixels of the map to either
    side, `cycles` times during the scan.
    """

    matrix: int = 256
    noise: float = 0.01
    motion: float = 0.0
    cycles: float = 8.0
    phase: float = 0.0


def acquire(
    ideal: Floats, *, coil: Coil, acquisition: Acquisition, rng: np.random.Generator
) -> Floats:
    """The magnitude image of an n x n signal map, matrix x matrix, in stored units (0 to 4095).

    The field of view is that of the map, n and matrix are even, matrix at most n. Noise of each
    stored pixel: `acquisition.noise` x GAIN in both parts.
    """
    n, m = len(ideal), acquisition.matrix
    if ideal.shape != (n, n) or n % 2 or m % 2 or not 8 <= m <= n:
        raise InputError(f"a map of {ideal.shape} cannot be scanned with {m} x {m}: use even sizes")
    real, imaginary = rng.standard_normal((2, m, m))
    k_space = centred(ideal * coil.bias(n), scipy.fft.fft2)
    first = (n - m) // 2
    k_space = k_space[first : first + m, first : first + m] * moved(n, acquisition)[:, None]
    image = centred(k_space, scipy.fft.ifft2) * (m / n) ** 2
    image = image + acquisition.noise * (real + 1j * imaginary)
    return digitised(GAIN * np.abs(image))


def moved(n: int, acquisition: Acquisition) -> Spectrum:
    """Phase of each line of k-space (matrix) while the body moves to and fro."""
    m = acquisition.matrix
    line = np.arange(m)
    shift = acquisition.motion * np.sin(
        2 * np.pi * acquisition.cycles * line / m + acquisition.phase
    )
    frequency = (line - m // 2) / n  # cycles a pixel of the map
    return np.asarray(np.exp(-2j * np.pi * frequency * shift))


def centred(image: Array, transform: Callable[[Any], Any]) -> Spectrum:
    """A Fourier transform whose origin is the middle of both arrays."""
    return np.asarray(scipy.fft.fftshift(transform(scipy.fft.ifftshift(image))))


def places(n: int, matrix: int, pixel_mm: float) -> Floats:
    """Position in mm of each row (or column) of an image whose map has n pixels of `pixel_mm`.

    The Fourier transform counts from pixel n / 2, which lies half a pixel beside the middle.
    """
    step = np.arange(matrix, dtype=np.float64) - matrix // 2
    return np.asarray(pixel_mm / 2 + step * (pixel_mm * n / matrix))


def digitised(magnitude: Floats) -> Floats:
    """Whole numbers from 0 to `FULL_SCALE`."""
    return np.asarray(np.minimum(np.rint(magnitude), FULL_SCALE))
