"""A breast between two plates: its outline, its glandular tissue, and what may lie in it.

A map is what one view projects: how much of each tissue a ray passes. x runs from the chest wall
(0) to the nipple, y along it, in mm. Two views share the breast and the finding; their texture is
drawn apart, for plates press the same tissue into another pattern.

Glandular tissue follows a power law: the spectrum of mammograms falls about as 1 / f^3 (Burgess,
Jacobson & Judy 2001, Med. Phys. 28:419). Left out: ducts, ligaments, vessels, skin folds, implants.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.types import Floats

VIEWS: Final = ("CC", "MLO")
"""From above, and from the side at 45 degrees."""
DENSITIES: Final = {"A": 0.08, "B": 0.22, "C": 0.42, "D": 0.65}
"""Density class, and the share of glandular tissue in its middle."""
USUAL: Final = (0.1, 0.4, 0.4, 0.1)
"""About how many women have each density."""
KINDS: Final = ("none", "benign mass", "mass", "calcifications", "mass and calcifications")
"""What may lie in the breast; the last three are cancers."""
SLOPE: Final = 3.0
"""Exponent of the spectrum of the texture."""
PIXEL_MM: Final = 0.25
ROWS, COLUMNS = 768, 512
"""Of the map: 192 mm along the chest wall, 128 mm to the nipple."""


@dataclass(frozen=True)
class Breast:
    """reach: chest wall to nipple; half: half its width; thickness: between the plates; all mm."""

    density: str
    glandular: float
    reach: float
    half: float
    thickness: float


@dataclass(frozen=True)
class Finding:
    """What lies where: depth from the chest wall, lateral and upward from the middle, in mm.

    waves: amplitude and phase of the outline's waves; specks: calcifications as offsets (depth,
    lateral, up) and diameters in mm, n x 4.
    """

    kind: str
    place: tuple[float, float, float]
    diameter: float
    waves: Floats
    spicules: Floats
    specks: Floats

    def seen(self, view: str) -> tuple[float, float]:
        """Where its middle lies in a view (x, y)."""
        depth, lateral, up = self.place
        return depth, _across(view, lateral, up)


@dataclass(frozen=True)
class Rays:
    """Millimetres that the ray of each pixel passes, rows x columns: all tissue, and of it mass.

    share: glandular share of what is no mass; calcium: mm of calcification.
    """

    thickness: Floats
    share: Floats
    mass: Floats
    calcium: Floats


def draw(rng: np.random.Generator, density: str | None = None) -> Breast:
    """A breast as chance has it; as many random numbers whatever the density asked for."""
    drawn = str(rng.choice(list(DENSITIES), p=USUAL))
    if density is not None and density not in DENSITIES:
        raise InputError(f"density is {density!r}; choose one of {', '.join(DENSITIES)}.")
    name = density or drawn
    spread, reach, wide, thick = rng.uniform((-0.15, 70, 0.62, 40), (0.15, 105, 0.8, 65))
    share = DENSITIES[name] * (1 + float(spread))
    return Breast(name, share, float(reach), float(reach * wide), float(thick))


def draw_finding(rng: np.random.Generator, breast: Breast, kind: str) -> Finding:
    """A finding of this kind at a place where glandular tissue is; "none" has a place too."""
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; choose one of {', '.join(KINDS)}.")
    depth, lateral, up, diameter = rng.uniform((0.3, -0.4, -0.4, 8), (0.7, 0.4, 0.4, 18))
    waves = np.stack([rng.uniform(0, 0.07, 6), rng.uniform(0, 2 * np.pi, 6)])
    lines = np.stack([rng.uniform(0, 2 * np.pi, 12), rng.uniform(0.4, 1.1, 12)])
    offsets = rng.uniform(-5, 5, (14, 3))
    specks = np.column_stack([offsets, rng.uniform(0.25, 0.55, 14)])
    if kind == "benign mass":
        waves, lines = waves * [[0.15], [1]], lines[:, :0]
    place = (depth * breast.reach, lateral * breast.half, up * breast.half)
    return Finding(kind, place, float(diameter), waves, lines, specks)


def axes() -> tuple[Floats, Floats]:
    """Positions of the map's columns (x) and rows (y), in mm."""
    across: Floats = (np.arange(COLUMNS, dtype=np.float64) + 0.5) * PIXEL_MM
    down: Floats = (np.arange(ROWS, dtype=np.float64) - (ROWS - 1) / 2) * PIXEL_MM
    return across, down


def texture(rng: np.random.Generator, shape: tuple[int, int] = (ROWS, COLUMNS)) -> Floats:
    """Noise whose power falls as 1 / f^3: mean 0, SD 1 over many draws."""
    white = rng.standard_normal(shape)
    down, across = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    frequency = np.hypot(down, across)
    frequency[0, 0] = np.inf
    gain = frequency ** (-SLOPE / 2)
    full = np.hypot(down, np.fft.fftfreq(shape[1])[None])
    full[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(white) * gain, s=shape)
    return np.asarray(field / np.sqrt(np.mean(full**-SLOPE)))


def render(breast: Breast, finding: Finding, view: str, rng: np.random.Generator) -> Rays:
    """What the rays of one view pass; `rng` draws the texture of this view."""
    if view not in VIEWS:
        raise InputError(f"view is {view!r}; choose one of {', '.join(VIEWS)}.")
    across, down = axes()
    x, y = across[None], down[:, None]
    inwards = 1 - np.hypot(x / breast.reach, y / breast.half)  # 0 on the skin
    rim = np.clip(inwards * breast.half / 14.0, 0, 1)
    thickness = breast.thickness * np.sqrt(1 - (1 - rim) ** 2)
    centre = np.clip(inwards * 3.0, 0, 1) * np.clip(1.3 - 0.5 * np.abs(inwards - 0.5), 0, 1)
    odds = np.log(breast.glandular / (1 - breast.glandular)) + 0.9 * texture(rng)
    share = centre / (1 + np.exp(-odds))
    if view == "MLO":
        muscle = np.clip((34.0 - x - 0.45 * (y + breast.half)) / 6.0, 0, 1)
        share = np.maximum(share, 0.9 * muscle)
    mass, lines = _mass(finding, view, x, y)
    share = np.minimum(share + lines, 1.0)
    return Rays(thickness, share, np.minimum(mass, thickness), _calcium(finding, view, x, y))


def _across(view: str, lateral: float, up: float) -> float:
    """Position along the chest wall in a view; up is towards smaller y."""
    return lateral if view == "CC" else (lateral - up) / float(np.sqrt(2))


def _mass(finding: Finding, view: str, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Millimetres of mass on each ray, and the share of tissue in its spicules."""
    mass, lines = np.zeros((2, *np.broadcast(x, y).shape))
    if "mass" not in finding.kind:
        return mass, lines
    column, row = finding.seen(view)
    wide, high = (np.abs(each) < 1.5 * finding.diameter for each in (x[0] - column, y[:, 0] - row))
    across, down = x[:, wide] - column, y[high] - row
    angle, distance = np.arctan2(down, across), np.hypot(across, down)
    turned = 0.0 if view == "CC" else 1.0
    here = np.ix_(high, wide)
    mass[here] = _chord(finding, angle, distance, turned)
    lines[here] = _spicules(finding, angle, distance, turned)
    return mass, lines


def _chord(finding: Finding, angle: Floats, distance: Floats, turned: float) -> Floats:
    """Length of each ray in a ball whose outline is wavy."""
    waves = [s * np.cos((k + 2) * angle + p + turned)
             for k, (s, p) in enumerate(zip(*finding.waves, strict=True))]  # fmt: skip
    radius = finding.diameter / 2 * (1 + np.sum(waves, axis=0))
    return np.asarray(2 * np.sqrt(np.clip(radius**2 - distance**2, 0, None)))


def _spicules(finding: Finding, angle: Floats, distance: Floats, turned: float) -> Floats:
    """Share of tissue in lines that leave the mass and grow thin."""
    lines = np.zeros(angle.shape)
    for direction, length in finding.spicules.T:
        off = angle - direction - turned
        along = np.clip((distance * np.cos(off) / (finding.diameter / 2) - 0.7) / length, 0, None)
        thick = 0.2 + 0.5 * np.clip(1 - along, 0, 1)
        across = np.exp(-((distance * np.sin(off) / thick) ** 2))
        inside = (np.cos(off) > 0) & (along > 0)
        lines = np.maximum(lines, 0.2 * across * inside * np.clip(1 - along, 0, 1))
    return lines


def _calcium(finding: Finding, view: str, x: Floats, y: Floats) -> Floats:
    """Millimetres of calcium on each ray: balls, each blurred to what a pixel can show."""
    total = np.zeros(np.broadcast(x, y).shape)
    if "calcifications" not in finding.kind:
        return total
    column, row = finding.seen(view)
    blur = 0.18
    for depth, lateral, up, diameter in finding.specks:
        across, down = x[0] - column - depth, y[:, 0] - row - _across(view, lateral, up)
        wide, high = (np.abs(each) < 8 * blur for each in (across, down))
        peak = np.pi / 6 * diameter**3 / (2 * np.pi * blur**2)
        fall = [np.exp(-(each**2) / (2 * blur**2)) for each in (down[high], across[wide])]
        total[np.ix_(high, wide)] += peak * np.outer(*fall)
    return total
