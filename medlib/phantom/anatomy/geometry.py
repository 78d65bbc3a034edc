"""Distances, partial volume and painting on an axial grid: the tools every organ is drawn with.

Axes follow DICOM: x to the patient's left, y to the back, z to the head, in mm. A distance is
negative inside. All grids are float64: what another processor
rounds otherwise is then some 1e-13 mm, which no image of whole HU shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlib.errors import InputError
from medlib.types import Floats

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

    def axes(self) -> tuple[Floats, Floats]:
        """Positions of pixel centres along x and y in mm, each of length `size`."""
        offset: Floats = (
            np.arange(self.size, dtype=np.float64) - (self.size - 1) / 2
        ) * self.pixel_mm
        return offset + self.centre_mm[0], offset + self.centre_mm[1]


@dataclass(frozen=True)
class Pose:
    """How the patient lies in the scanner: roll in radians, shift (x, y) in mm."""

    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def to_patient(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Scanner coordinates -> patient coordinates."""
        c, s = float(np.cos(self.roll)), float(np.sin(self.roll))
        x, y = x - self.shift[0], y - self.shift[1]
        return c * x + s * y, c * y - s * x

    def to_scanner(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Patient coordinates -> scanner coordinates."""
        c, s = float(np.cos(self.roll)), float(np.sin(self.roll))
        return c * x - s * y + self.shift[0], c * y + s * x + self.shift[1]


@dataclass
class Canvas:
    """An axial slice, or a part of one, while it is painted.

    x, y: patient coordinates; hu, tissue, finding (share of a finding in question): rows x columns.
    """

    pose: Pose
    z: float
    pixel_mm: float
    across: Floats  # scanner x of the columns
    down: Floats  # scanner y of the rows
    x: Floats
    y: Floats
    hu: Floats
    tissue: NDArray[np.uint8]
    finding: Floats

    @classmethod
    def blank(cls, grid: Grid, pose: Pose, z: float) -> "Canvas":
        """A slice full of air."""
        across, down = grid.axes()
        x, y = pose.to_patient(across[None, :], down[:, None])
        air = np.full(x.shape, -1000.0)
        labels, none = np.zeros(x.shape, np.uint8), np.zeros(x.shape)
        return cls(pose, z, grid.pixel_mm, across, down, x, y, air, labels, none)

    def part(self, where: Window) -> "Canvas":
        """The rows and columns of `where`; what is painted there is painted here."""
        return Canvas(
            self.pose,
            self.z,
            self.pixel_mm,
            self.across[where[1]],
            self.down[where[0]],
            self.x[where],
            self.y[where],
            self.hu[where],
            self.tissue[where],
            self.finding[where],
        )

    def window(self, x: float, y: float, half: float) -> Window | None:
        """Index ranges of the square of half-width `half` mm round a patient point, if any."""
        column, row = self.indices(x, y)
        reach = half / self.pixel_mm + 1
        bounds = [
            (max(0, int(np.floor(v - reach))), min(size, int(np.ceil(v + reach)) + 1))
            for v, size in zip((row, column), self.hu.shape, strict=True)
        ]
        if any(low >= high for low, high in bounds):
            return None
        return slice(*bounds[0]), slice(*bounds[1])

    def indices(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Fractional (column, row) of patient points."""
        sx, sy = self.pose.to_scanner(x, y)
        column = (sx - float(self.across[0])) / self.pixel_mm
        return column, (sy - float(self.down[0])) / self.pixel_mm

    def cover(self, distance: Floats) -> Floats:
        """Share of each pixel inside a surface, from its signed distance in mm."""
        return coverage(distance, self.pixel_mm)

    def paint(
        self, share: Floats, hu: float | Floats, label: int, where: Window = EVERYWHERE
    ) -> None:
        """Mix a tissue into `where` by its `share` of each pixel (0..1)."""
        view = self.hu[where]
        view += share * (hu - view)
        self.tissue[where][share > 0.5] = label


def settled(value: Floats) -> Floats:
    """Lengths in mm to a millionth: what decides between two branches has no last digits."""
    rounded: Floats = np.round(value, 6)
    return rounded


def coverage(distance: Floats, pixel_mm: float) -> Floats:
    """Share of a pixel inside a locally straight edge, from the signed distance of its centre."""
    share: Floats = np.minimum(np.maximum(0.5 - distance / pixel_mm, 0.0), 1.0)
    return share


def smooth_union(a: Floats, b: Floats, blend_mm: float) -> Floats:
    """Union of two distances with a fillet of about `blend_mm` (Quilez's polynomial minimum)."""
    h = np.maximum(blend_mm - np.abs(a - b), 0.0)
    union: Floats = np.minimum(a, b) - h * h * (0.25 / blend_mm)
    return union


def ellipsoid_distance(
    x: Floats, y: Floats, z: float | Floats, centre: Point, semi: Point, turn: float = 0.0
) -> Floats:
    """Approximate signed distance to an ellipsoid turned by `turn` radians about z."""
    c, s = float(np.cos(turn)), float(np.sin(turn))
    dx, dy = x - centre[0], y - centre[1]
    u, v, w = (c * dx + s * dy) / semi[0], (c * dy - s * dx) / semi[1], (z - centre[2]) / semi[2]
    radius = np.sqrt(u * u + v * v + w * w)
    slope = np.sqrt((u / semi[0]) ** 2 + (v / semi[1]) ** 2 + (w / semi[2]) ** 2)
    distance: Floats = radius * (radius - 1) / np.maximum(slope, 1e-6)
    return distance


def capsule_distance(
    x: Floats, y: Floats, z: float | Floats, start: Sequence[float], end: Sequence[float]
) -> Floats:
    """Signed distance to a tapered capsule; `start` and `end` are (x, y, z, radius)."""
    axis = [float(e - s) for s, e in zip(start[:3], end[:3], strict=True)]
    length2 = max(sum(v * v for v in axis), 1e-6)
    px, py, pz = x - start[0], y - start[1], z - start[2]
    along = np.clip((px * axis[0] + py * axis[1] + pz * axis[2]) / length2, 0.0, 1.0)
    gx, gy, gz = px - along * axis[0], py - along * axis[1], pz - along * axis[2]
    radius = start[3] + along * (end[3] - start[3])
    distance: Floats = np.sqrt(gx * gx + gy * gy + gz * gz) - radius
    return distance


def bump(angle: Floats, centre: float, width: float, power: float = 4.0) -> Floats:
    """A hill of height 1 at `centre`; a higher `power` flattens its top and steepens its sides."""
    hill: Floats = np.exp(-(np.abs((angle - centre) / width) ** power))
    return hill


@dataclass(frozen=True)
class Noise:
    """Smooth random field of mean 0 and SD about 1, periodic, defined everywhere by its lattice."""

    lattice: Floats = field(repr=False)

    @classmethod
    def draw(cls, rng: np.random.Generator, side: int = 32) -> "Noise":
        """A field with side^3 independent normal nodes."""
        return cls(rng.standard_normal((side, side, side)) * 2.1)

    def on(self, canvas: Canvas, scale_mm: float, stretch: Point = (1.0, 1.0, 1.0)) -> Floats:
        """Values on a canvas, nodes `scale_mm` apart, wider along x, y, z by `stretch`.

        Lives in scanner coordinates, so that a plane is two matrix products, not a look-up a pixel.
        """
        x, y = canvas.across / (scale_mm * stretch[0]), canvas.down / (scale_mm * stretch[1])
        return self.plane(x, y, canvas.z / (scale_mm * stretch[2]))

    def plane(self, x: Floats, y: Floats, z: float = 0.0) -> Floats:
        """Values at columns x and rows y of a plane at height z, all in nodes: rows x columns."""
        side = len(self.lattice)
        level = _weights(np.array([z]), side)[0]
        sheet = np.tensordot(level, self.lattice, axes=1)
        values: Floats = _weights(y, side) @ sheet @ _weights(x, side).T
        return values


def _weights(place: Floats, side: int) -> Floats:
    """Quadratic B-spline weights of periodic nodes 0..side-1 at positions: positions x nodes."""
    gap = np.abs(place[:, None] - np.arange(side)[None, :]) % side
    gap = np.minimum(gap, side - gap)
    weights: Floats = np.where(gap < 0.5, 0.75 - gap * gap, 0.5 * np.clip(1.5 - gap, 0, None) ** 2)
    return weights


def ellipse_distance(
    x: Floats, y: Floats, centre: tuple[float, float], semi: tuple[float, float], turn: float = 0.0
) -> Floats:
    """Return the signed distance to an ellipse in mm, about; negative inside."""
    return ellipsoid_distance(x, y, 0.0, (*centre, 0.0), (*semi, 1e6), turn)


def bar_distance(
    x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float], radius: float
) -> Floats:
    """Return the signed distance to a rounded bar in mm; negative inside."""
    return capsule_distance(x, y, 0.0, (*start, 0.0, radius), (*end, 0.0, radius))
