"""A simulated ultrasound scanner with a curved probe: speckle, attenuation, shadows, log scale.

Each cell of a fan of beams holds many scatterers whose echoes arrive with random phases, so their
sum is a complex Gaussian number; the pulse (along the beam) and the beam (across it) smear these
sums, and the envelope of what arrives is Rayleigh: mean over SD is 1.91 wherever tissue is even
(Burckhardt, IEEE Trans. Sonics Ultrason. 25 (1978) 1; Wagner et al., ibid. 30 (1983) 156). Steps of
impedance along a beam add an echo of their own. Sound weakens on its way there and back; the
machine amplifies late echoes as if all were liver (time-gain compensation), so what lies behind
fluid comes out too bright and what lies behind bone or gas is dark. Noise is added before the
logarithm. Left out: refraction, reverberation, side lobes, phase aberration, the change of the
beam's width with focus, and the lower frequency of late echoes.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from medlib.errors import InputError
from medlib.types import Floats

Echoes = NDArray[np.complex128]

WHITE = 255
"""Largest grey level."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A curved probe; lengths in mm, angles in radians, in the frame of the map.

    skin: (x, y) where its middle touches; towards: angle of its axis, from x to y. radius: of its
    face. half_angle: of the fan. depth: how far it looks. mhz: frequency. pulse and beam: standard
    deviations of the point-spread function, in mm along and in radians across. gain_db: what the
    time-gain compensation makes up for, dB / cm / MHz. range_db: what the grey levels span, the
    brightest `head_db` above even liver. noise: of the receiver, liver at the probe 1.
    """

    skin: tuple[float, float]
    towards: float
    radius: float = 40.0
    half_angle: float = 0.6
    depth: float = 150.0
    mhz: float = 3.5
    pulse: float = 0.4
    beam: float = 0.011
    gain_db: float = 0.55
    range_db: float = 60.0
    head_db: float = 18.0
    noise: float = 2e-4
    beams: int = 256
    step: float = 0.25

    def __post_init__(self) -> None:
        for name in ("radius", "half_angle", "depth", "mhz", "pulse", "beam", "range_db", "step"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"{name} of a probe is {getattr(self, name)}; it must be positive")

    @property
    def depths(self) -> Floats:
        """Distance of each sample from the face of the probe, in mm."""
        return np.asarray(np.arange(round(self.depth / self.step)) * self.step, np.float64)

    @property
    def angles(self) -> Floats:
        """Angle of each beam from the axis."""
        return np.asarray(np.linspace(-self.half_angle, self.half_angle, self.beams), np.float64)

    @property
    def apex(self) -> tuple[float, float]:
        """The point behind the skin in which all beams meet."""
        along = np.cos(self.towards), np.sin(self.towards)
        return self.skin[0] - self.radius * along[0], self.skin[1] - self.radius * along[1]

    def places(self) -> tuple[Floats, Floats]:
        """X and y of each sample: depths x beams, in mm."""
        reach = (self.radius + self.depths)[:, None]
        turn = self.towards + self.angles[None, :]
        return self.apex[0] + reach * np.cos(turn), self.apex[1] + reach * np.sin(turn)

    def samples(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Where points lie in the fan: fractional (sample, beam)."""
        dx, dy = x - self.apex[0], y - self.apex[1]
        c, s = np.cos(self.towards), np.sin(self.towards)
        along, across = c * dx + s * dy, c * dy - s * dx
        depth = np.hypot(along, across) - self.radius
        spacing = 2 * self.half_angle / (self.beams - 1)
        return depth / self.step, (np.arctan2(across, along) + self.half_angle) / spacing


@dataclass(frozen=True)
class Medium:
    """What sound meets in each sample of a fan (depths x beams): as `Substance` names them."""

    echo: Floats
    attenuation: Floats
    impedance: Floats


def envelope(medium: Medium, probe: Probe, rng: np.random.Generator) -> Floats:
    """Amplitude of the echoes after time-gain compensation: depths x beams, even liver about 1."""
    shape = medium.echo.shape
    scatter, receiver = _complex(rng, shape), _complex(rng, shape)
    echoes = medium.echo * scatter + _interfaces(medium.impedance)
    smeared = _smear(echoes, probe) * way(medium.attenuation, probe)
    made_up = 10 ** (2 * probe.gain_db * probe.mhz * probe.depths[:, None] / 10 / 20)
    return np.asarray(np.abs(smeared + probe.noise * receiver) * made_up)


def way(attenuation: Floats, probe: Probe) -> Floats:
    """Share of the amplitude that is left after the way to each sample and back."""
    decibel = 2 * probe.mhz * np.cumsum(attenuation, axis=0) * probe.step / 10
    return np.asarray(10 ** (-decibel / 20))


def compressed(amplitude: Floats, probe: Probe) -> Floats:
    """Grey levels 0 to 255 of amplitudes: their logarithm, over `range_db`; whole numbers."""
    decibel = 20 * np.log10(np.maximum(amplitude, 1e-12))
    share = (decibel - probe.head_db) / probe.range_db + 1
    return np.asarray(np.rint(np.clip(share, 0, 1) * WHITE))


def scan_converted(levels: Floats, probe: Probe, x: Floats, y: Floats) -> Floats:
    """Grey levels of a fan at points (x, y) in mm; black outside of it; whole numbers."""
    at = np.stack(np.broadcast_arrays(*probe.samples(x, y)))
    return np.asarray(np.rint(ndimage.map_coordinates(levels, at, order=1, cval=0.0)))


def _complex(rng: np.random.Generator, shape: tuple[int, ...]) -> Echoes:
    """Complex numbers of variance 1."""
    real, imaginary = rng.standard_normal((2, *shape))
    return np.asarray((real + 1j * imaginary) / np.sqrt(2))


def _interfaces(impedance: Floats) -> Floats:
    """Echo of steps of impedance along the beam, in parts of even liver's.

    Liver scatters back some thousandth of what a mirror would: a reflection of 1 % stands out.
    """
    step = np.diff(impedance, axis=0, prepend=impedance[:1])
    mean = impedance + np.concatenate([impedance[:1], impedance[:-1]])
    return np.asarray(np.clip(40 * step / np.maximum(mean, 1e-3), -8, 8))


def _smear(echoes: Echoes, probe: Probe) -> Echoes:
    """The point-spread function: Gaussian along and across, scaled to keep the variance."""
    across = probe.beam / (2 * probe.half_angle / (probe.beams - 1))
    sigma = probe.pulse / probe.step, across
    spectrum = scipy.fft.fft2(echoes)
    gain = np.ones(echoes.shape)
    for axis, width in enumerate(sigma):
        frequency = np.fft.fftfreq(echoes.shape[axis])
        pass_band = np.exp(-2 * (np.pi * frequency * width) ** 2)
        pass_band /= np.sqrt(np.mean(pass_band**2))  # of noise, the power stays
        gain = gain * np.expand_dims(pass_band, 1 - axis)
    return np.asarray(scipy.fft.ifft2(spectrum * gain))
