"""A simulated CT scanner: from Hounsfield units as they should be to those a scan would show.

The map of each slice becomes attenuation at the beam's effective energy and is projected; photons
are counted with Poisson and electronic noise, the tube current following the thickness of the body
from view to view; filtered back-projection with a named kernel makes the image, in whole HU. The
detector's pitch is the pixel of the map, so the map decides what can be resolved, and kernels are
given relative to its Nyquist frequency.

The same seed gives the same image on any processor. Random numbers are drawn before anything is
computed and then only scaled, so what a processor rounds in the last of 16 digits moves a pixel by
some 1e-10 HU and no more, and digitising to whole HU takes that away
(`tests/processors/test_processors.py`).

What is left out: the spectrum (beam hardening is taken to be corrected), scatter, the bow-tie
filter, the cone of the beam and the helical path; slices do not mix, so thickness acts through the
number of photons and the map has to be averaged over the slice beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from medlib.errors import InputError
from medlib.phantom.scanner.projector import back_project, kept_frequencies, project
from medlib.types import Floats, Image

PADDING_HU = -1024.0  # written outside the scan field, for every patient and scanner alike
# Photons a view, mAs and mm2 of detector at 120 kVp and 360 views, with nothing in the way; chosen
# so that 100 mAs and the standard kernel leave a noise of about 8 HU in the heart at 5 mm.
PHOTONS = 1000.0
WATER_PER_MM: Mapping[int, float] = MappingProxyType(
    # NIST attenuation of water at 55, 61, 68 and 73 keV, about the effective energy of each kVp
    {80: 0.0215, 100: 0.0204, 120: 0.0195, 140: 0.0189}
)


def _soft(m: Floats) -> Floats:
    return np.asarray(np.cos(np.pi / 2 * m) ** 2)


def _standard(m: Floats) -> Floats:
    return np.asarray(np.cos(np.pi / 2 * m**2) ** 2)


def _sharp(m: Floats) -> Floats:
    return np.asarray((1 + 0.5 * np.sin(np.pi * m) ** 2) * np.cos(np.pi / 2 * m**4) ** 2)


# Factor at frequency m of the Nyquist frequency; flat at zero, else tissue would change its value.
KERNELS = MappingProxyType({"soft": _soft, "standard": _standard, "sharp": _sharp})


@dataclass(frozen=True)
class Model:
    """What distinguishes one simulated make of scanner from another."""

    manufacturer: str
    electronic_noise: float  # counts
    efficiency: float  # share of the photons that are detected


MODELS = MappingProxyType(
    {
        "Simulated A": Model("Simulated Works One", 8.0, 1.0),
        "Simulated B": Model("Simulated Works One", 6.0, 1.15),
        "Simulated C": Model("Simulated Works Two", 10.0, 0.9),
        "Simulated D": Model("Simulated Works Three", 7.0, 1.05),
    }
)


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """A scanner with its protocol; every field can be a DICOM tag.

    kvp: 80, 100, 120 or 140. mas: tube current times rotation time. matrix: even.
    field_of_view_mm: side of the square that is shown. electronic_noise: SD in counts.
    """

    manufacturer: str = "Simulated Works One"
    model: str = "Simulated A"
    kernel: str = "standard"
    kvp: int = 120
    mas: float = 100.0
    slice_thickness_mm: float = 5.0
    field_of_view_mm: float = 360.0
    matrix: int = 256
    views: int = 360
    electronic_noise: float = 8.0
    efficiency: float = 1.0

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise InputError(f"kernel {self.kernel!r} is unknown; use one of {', '.join(KERNELS)}")
        if self.kvp not in WATER_PER_MM:
            raise InputError(f"kvp {self.kvp} is unknown; use one of {list(WATER_PER_MM)}")
        for name in ("mas", "slice_thickness_mm", "field_of_view_mm", "views", "efficiency"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"{name} is {getattr(self, name)}; it must be positive")
        if not 0 <= self.electronic_noise < np.inf:
            raise InputError(f"electronic_noise is {self.electronic_noise}; it cannot be negative")
        for name in (self.manufacturer, self.model):
            if not name.startswith("Simulated"):
                raise InputError(f"a scanner called {name!r} must say so: 'Simulated ...'")
        _check_matrix(self.matrix)

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel of the shown image."""
        return self.field_of_view_mm / self.matrix

    def photons(self, pitch_mm: float) -> float:
        """Expected counts of an unattenuated ray on a detector of this pitch."""
        area = pitch_mm * self.slice_thickness_mm
        per_view = PHOTONS * 360 / self.views * (self.kvp / 120) ** 2
        return per_view * self.mas * area * self.efficiency


def draw_scanner(rng: np.random.Generator, **fixed: Any) -> Scanner:
    """A scanner and protocol as chance has it; `fixed` sets fields by name.

    Nothing about the patient comes in, so the scanner cannot give a class away. As many random
    numbers are taken whatever is fixed, so that what follows does not change with it.
    """
    unknown = set(fixed) - {field.name for field in fields(Scanner)}
    if unknown:
        raise InputError(f"a Scanner has no {', '.join(sorted(unknown))}")
    model = str(rng.choice(list(MODELS)))
    drawn = {
        "model": model,
        "kernel": str(rng.choice(list(KERNELS), p=[0.3, 0.45, 0.25])),
        "kvp": int(rng.choice([100, 120, 140], p=[0.2, 0.7, 0.1])),
        "mas": float(np.round(np.exp(rng.uniform(np.log(50), np.log(250))))),
        "slice_thickness_mm": float(rng.choice([2.5, 3.0, 5.0])),
        "field_of_view_mm": float(np.round(rng.uniform(320, 420))),
    }
    return Scanner(**{**drawn, **_of_model(str(fixed.get("model", model))), **fixed})


def _of_model(model: str) -> dict[str, Any]:
    """The fields of `Scanner` that its model decides."""
    return vars(MODELS[model]).copy() if model in MODELS else {}


def acquire(
    hu: Floats,
    *,
    pixel_mm: float,
    scanner: Scanner,
    rng: np.random.Generator,
    centre_mm: tuple[float, float] = (0.0, 0.0),
    field_of_view_mm: float | None = None,
    matrix: int | None = None,
) -> Image:
    """The slices as the scanner would show them: whole HU as float32, slices x matrix x matrix.

    `hu`: slices x n x n at effective energy, n even; the scan field is the circle inscribed in it,
    and what lies outside is not seen and shown as `PADDING_HU`. `centre_mm`, `field_of_view_mm`
    and `matrix` ask for a targeted reconstruction: a square around (y, x) from the middle of the
    field, from the projections of the whole body; by default the scanner's own around the middle.
    Details finer than the detector's pitch (`pixel_mm`) or the pixels shown are not there.
    """
    hu = _checked_map(hu, pixel_mm)
    size = scanner.matrix if matrix is None else _check_matrix(matrix)
    field = scanner.field_of_view_mm if field_of_view_mm is None else field_of_view_mm
    if not 0 < field < np.inf:
        raise InputError(f"field_of_view_mm is {field}; it must be positive")
    scale = field / size / pixel_mm
    centre = (float(centre_mm[0]) / pixel_mm, float(centre_mm[1]) / pixel_mm)
    window = KERNELS[scanner.kernel](kept_frequencies(hu.shape[-1], scale))
    outside = ~scan_field(size, scale, radius=hu.shape[-1] / 2, centre=centre)
    images = np.empty((len(hu), size, size), np.float32)
    for ideal, image, stream in zip(hu, images, rng.spawn(len(hu)), strict=True):
        rays = measure(ideal, pixel_mm=pixel_mm, scanner=scanner, rng=stream)
        per_pitch = back_project(rays, window, matrix=size, scale=scale, centre=centre)
        image[:] = digitised(per_pitch * (1000 / (WATER_PER_MM[scanner.kvp] * pixel_mm)) - 1000)
        image[outside] = PADDING_HU
    return images


def digitised(hu: Floats) -> Floats:
    """Whole HU, as scanners store them."""
    return np.asarray(np.rint(hu))


def measure(
    ideal: Floats, *, pixel_mm: float, scanner: Scanner, rng: np.random.Generator
) -> Floats:
    """What the detector reports for one slice: -log of transmission, views x n, with noise."""
    n = ideal.shape[-1]
    quantum, electronic = rng.standard_normal((2, scanner.views, n))
    water = WATER_PER_MM[scanner.kvp] * pixel_mm
    attenuation = np.maximum(1 + ideal / 1000, 0) * water
    attenuation[~scan_field(n, 1.0, radius=n / 2)] = 0
    ideal_rays = project(attenuation, scanner.views)
    unattenuated = scanner.photons(pixel_mm) * tube_current(ideal_rays)[:, None]
    counts = photons_counted(unattenuated * np.exp(-ideal_rays), quantum)
    counts += scanner.electronic_noise * electronic
    # Half a count keeps the logarithm of few photons nearly unbiased.
    return np.asarray(np.log(unattenuated) - np.log(np.maximum(counts, 1) + 0.5))


def photons_counted(expected: Floats, normal: Floats) -> Floats:
    """Counts of mean `expected`, Poisson to third order, from standard normal numbers; not whole.

    A sampler of Poisson numbers rejects on the mean it is given: a last digit of the mean makes
    another random stream. This transform of numbers drawn beforehand does not: Cornish and
    Fisher's expansion (Revue de l'Institut International de Statistique 5 (1938) 307), whose mean,
    variance and skewness are those of a Poisson number to 2 % from 5 counts on; electronic noise
    is larger below.
    """
    spread = np.sqrt(np.maximum(expected, 1))
    bend = (normal * normal - 1) * (1 / 6 - normal / (72 * spread))
    return np.asarray(np.maximum(expected + spread * normal + bend, 0))


def tube_current(rays: Floats) -> Floats:
    """Each view's share of the tube current (mean 1), more where the body is thicker.

    Automatic exposure control: the root of the attenuation in the densest ray gives the least
    noise for the dose (Gies et al., Medical Physics 26 (1999) 2235).
    """
    dense = rays.max(axis=1)
    share = np.exp((dense - dense.max()) / 2)
    return np.asarray(share / share.mean())


def scan_field(
    matrix: int, scale: float, *, radius: float, centre: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which pixels lie in the scan field; lengths in pitches, `centre` (y, x)."""
    step = (np.arange(matrix) - (matrix - 1) / 2) * scale
    y, x = step[:, None] + centre[0], step[None, :] + centre[1]
    return np.asarray(y**2 + x**2 <= radius**2)


def _check_matrix(matrix: int) -> int:
    if matrix < 8 or matrix % 2:
        raise InputError(f"matrix is {matrix}; it must be even and at least 8")
    return matrix


def _checked_map(hu: Floats, pixel_mm: float) -> Floats:
    if hu.ndim != 3 or hu.shape[1] != hu.shape[2] or hu.shape[1] % 2:
        raise InputError(f"hu is {hu.shape}; it must be slices x n x n with n even")
    if not np.isfinite(hu).all():
        raise InputError("hu has values that are not finite; every pixel needs a number")
    if not 0 < pixel_mm < np.inf:
        raise InputError(f"pixel_mm is {pixel_mm}; it must be positive")
    return np.asarray(hu, np.float64)
