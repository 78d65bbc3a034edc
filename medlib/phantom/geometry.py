"""Distances, partial volume and painting on an axial grid: the tools every organ is drawn with.

Axes follow DICOM: x to the patient's left, y to the back, z to the head, in mm. A distance is
negative inside. All grids are float32; scalars are Python floats, since a ``numpy.float64`` scalar
would silently promote a grid to double precision.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlib.errors import InputError

Array = NDArray[Any]  # float32 unless said otherwise
Window = tuple[slice, slice]
Point = tuple[float, float, float]

EVERYWHERE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Grid:
    """A square of `size` x `size` pixels of `pixel_mm`, centred on `centre_mm` (x, y)."""

    pixel_mm: float
    size: int
    centre_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not self.pixel_mm > 0 or self.size < 1:
            raise InputError(
                f"A grid needs pixel_mm > 0 and size >= 1, not {self.pixel_mm} and {self.size}."
            )

    def axes(self) -> tuple[Array, Array]:
        """Positions of pixel centres along x and y in mm, each float32 of length `size`."""
        offset = (np.arange(self.size, dtype=np.float32) - (self.size - 1) / 2) * self.pixel_mm
        return offset + self.centre_mm[0], offset + self.centre_mm[1]


@dataclass(frozen=True)
class Pose:
    """How the patient lies in the scanner: roll in radians, shift (x, y) in mm."""

    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def to_patient(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Scanner coordinates -> patient coordinates."""
        c, s = float(np.cos(self.roll)), float(np.sin(self.roll))
        x, y = x - self.shift[0], y - self.shift[1]
        return c * x + s * y, c * y - s * x

    def to_scanner(self, x: float, y: float) -> tuple[float, float]:
        """Patient coordinates -> scanner coordinates."""
        c, s = float(np.cos(self.roll)), float(np.sin(self.roll))
        return c * x - s * y + self.shift[0], c * y + s * x + self.shift[1]


@dataclass
class Canvas:
    """One axial slice while it is painted: HU, labels, share of finding; patient coordinates."""

    grid: Grid
    pose: Pose
    z: float
    x: Array = field(init=False, repr=False)
    y: Array = field(init=False, repr=False)
    hu: Array = field(init=False, repr=False)
    tissue: NDArray[np.uint8] = field(init=False, repr=False)
    finding: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        x, y = self.grid.axes()
        self.x, self.y = self.pose.to_patient(x[None, :], y[:, None])
        self.hu = np.full(self.x.shape, -1000.0, np.float32)
        self.tissue = np.zeros(self.x.shape, np.uint8)
        self.finding = np.zeros(self.x.shape, np.float32)

    def window(self, x: float, y: float, half: float) -> Window | None:
        """Index ranges of the square of half-width `half` mm round a patient point, if any."""
        column, row = self.indices(x, y)
        reach = half / self.grid.pixel_mm + 1
        bounds = [
            (max(0, int(np.floor(v - reach))), min(self.grid.size, int(np.ceil(v + reach)) + 1))
            for v in (row, column)
        ]
        if any(low >= high for low, high in bounds):
            return None
        return slice(*bounds[0]), slice(*bounds[1])

    def indices(self, x: float, y: float) -> tuple[float, float]:
        """Fractional (column, row) of a patient point."""
        sx, sy = self.pose.to_scanner(x, y)
        middle = (self.grid.size - 1) / 2
        column = (sx - self.grid.centre_mm[0]) / self.grid.pixel_mm + middle
        return column, (sy - self.grid.centre_mm[1]) / self.grid.pixel_mm + middle

    def cover(self, distance: Array) -> Array:
        """Share of each pixel inside a surface, from its signed distance in mm."""
        return coverage(distance, self.grid.pixel_mm)

    def paint(
        self, share: Array, hu: float | Array, label: int, where: Window = EVERYWHERE
    ) -> None:
        """Mix a tissue into `where` by its `share` of each pixel (0..1)."""
        view = self.hu[where]
        view += share * (hu - view)
        self.tissue[where][share > 0.5] = label


def coverage(distance: Array, pixel_mm: float) -> Array:
    """Share of a pixel inside a locally straight edge, from the signed distance of its centre."""
    return np.clip(0.5 - distance / pixel_mm, 0.0, 1.0)


def smooth_union(a: Array, b: Array, blend_mm: float) -> Array:
    """Union of two distances with a fillet of about `blend_mm` (Quilez's polynomial minimum)."""
    h = np.maximum(blend_mm - np.abs(a - b), 0.0)
    return np.minimum(a, b) - h * h * (0.25 / blend_mm)


def ellipsoid_distance(
    x: Array, y: Array, z: float | Array, centre: Point, semi: Point, turn: float = 0.0
) -> Array:
    """Approximate signed distance to an ellipsoid turned by `turn` radians about z."""
    c, s = float(np.cos(turn)), float(np.sin(turn))
    dx, dy = x - centre[0], y - centre[1]
    u, v, w = (c * dx + s * dy) / semi[0], (c * dy - s * dx) / semi[1], (z - centre[2]) / semi[2]
    radius = np.sqrt(u * u + v * v + w * w)
    slope = np.sqrt((u / semi[0]) ** 2 + (v / semi[1]) ** 2 + (w / semi[2]) ** 2)
    distance: Array = radius * (radius - 1) / np.maximum(slope, 1e-6)
    return distance


def capsule_distance(
    x: Array, y: Array, z: float | Array, start: Sequence[float], end: Sequence[float]
) -> Array:
    """Signed distance to a tapered capsule; `start` and `end` are (x, y, z, radius)."""
    axis = [float(e - s) for s, e in zip(start[:3], end[:3], strict=True)]
    length2 = max(sum(v * v for v in axis), 1e-6)
    px, py, pz = x - start[0], y - start[1], z - start[2]
    along = np.clip((px * axis[0] + py * axis[1] + pz * axis[2]) / length2, 0.0, 1.0)
    gx, gy, gz = px - along * axis[0], py - along * axis[1], pz - along * axis[2]
    radius = start[3] + along * (end[3] - start[3])
    distance: Array = np.sqrt(gx * gx + gy * gy + gz * gz) - radius
    return distance


def bump(angle: Array, centre: float, width: float, power: float = 4.0) -> Array:
    """A hill of height 1 at `centre`; a higher `power` flattens its top and steepens its sides."""
    hill: Array = np.exp(-(np.abs((angle - centre) / width) ** power))
    return hill


@dataclass(frozen=True)
class Noise:
    """Smooth random field of mean 0 and SD about 1, periodic, defined everywhere by its lattice."""

    lattice: Array = field(repr=False)

    @classmethod
    def draw(cls, rng: np.random.Generator, side: int = 24) -> "Noise":
        """A field with side^3 independent normal nodes."""
        return cls(rng.standard_normal((side, side, side)).astype(np.float32) * 1.6)

    def plane(self, x: Array, y: Array, z: float, scale_mm: float) -> Array:
        """Values at (x, y) on the plane z, nodes `scale_mm` apart."""
        side = self.lattice.shape[0]
        level, part = divmod(z / scale_mm, 1.0)
        low, high = int(level) % side, (int(level) + 1) % side
        sheet = (1 - part) * self.lattice[low] + part * self.lattice[high]
        points = np.stack([y / scale_mm, x / scale_mm])
        values: Array = ndimage.map_coordinates(sheet, points, order=1, mode="grid-wrap")
        return values
