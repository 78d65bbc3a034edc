"""A simulated chest: `draw` a patient from a generator, `render` slices of it; both pure.

Patient coordinates follow DICOM: x to the left, y to the back, z to the head, mm, 0 at the
carina. What is drawn here knows nothing of cancer: findings are added by `chest.simulate`, from
other generators.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medlib.phantom.anatomy import cage as cages
from medlib.phantom.anatomy import mediastinum as organs
from medlib.phantom.anatomy import skeleton, vessels
from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy import wall as walls
from medlib.phantom.anatomy.abdomen import paint_abdomen
from medlib.phantom.anatomy.cage import Cage
from medlib.phantom.anatomy.couch import Table, paint_table
from medlib.phantom.anatomy.findings import Finding, paint_finding
from medlib.phantom.anatomy.geometry import Canvas, Grid, Noise, Pose, Window
from medlib.phantom.anatomy.heart import Contrast, draw_contrast, paint_mediastinum
from medlib.phantom.anatomy.lungs import Lungs, draw_lungs, lung_distance, paint_lungs
from medlib.phantom.anatomy.mediastinum import Mediastinum
from medlib.phantom.anatomy.tissue import Tissue
from medlib.phantom.anatomy.wall import Wall
from medlib.types import Bools, Floats


@dataclass(frozen=True)
class Patient:
    """Everything that decides how a simulated chest looks, except cancer and its look-alikes."""

    sex: str
    age: int
    cage: Cage
    wall: Wall
    mediastinum: Mediastinum
    lungs: Lungs
    contrast: Contrast
    marrow_hu: float
    noise: Noise = field(repr=False)

    @property
    def width_mm(self) -> float:
        """Outer width of the chest at the level of the carina, without the arms."""
        depth = walls.layers(self.wall, self.cage, -20.0).skin()
        return 2 * float(cages.radius(self.cage, np.full(1, 1.57), -20.0)[0] + depth[1080])


@dataclass(frozen=True)
class Rendered:
    """Slices x n x n: ideal HU, tissue labels (uint8), share of finding."""

    hu: Floats
    tissue: NDArray[np.uint8]
    finding: Floats


def draw(rng: np.random.Generator, contrast: str | None = None) -> Patient:
    """An adult drawn from the spread between adults; each organ has a stream of its own.

    `contrast` fixes the phase of contrast medium (`heart.PHASES`) and changes nothing else.
    """
    who, ribs, middle, outside, inside, blood, lattice = rng.spawn(7)
    female = bool(who.random() < 0.45)
    age = int(np.clip(who.normal(62, 10), 35, 88))
    cage = cages.draw_cage(ribs)
    mediastinum = organs.draw_mediastinum(middle, cage, age)
    return Patient(
        sex="F" if female else "M",
        age=age,
        cage=cage,
        wall=walls.draw_wall(outside, female=female, age=age),
        mediastinum=mediastinum,
        lungs=draw_lungs(inside, cage, mediastinum),
        contrast=draw_contrast(blood, contrast),
        marrow_hu=float(who.normal(0, 25) - 2.0 * (age - 60)),
        noise=Noise.draw(lattice),
    )


def render(
    patient: Patient,
    z_mm: Sequence[float],
    grid: Grid,
    *,
    pose: Pose,
    table: Table,
    thickness_mm: float = 3.0,
    findings: Sequence[Finding] = (),
    marked: int = 0,
) -> Rendered:
    """Ideal slices at the levels `z_mm`; the first `marked` findings make up the mask."""
    done = []
    for z in z_mm:
        canvas = Canvas.blank(grid, pose, float(z))
        render_slice(canvas, patient, table, thickness_mm, findings, marked)
        done.append(canvas)
    return Rendered(
        hu=np.stack([c.hu for c in done]),
        tissue=np.stack([c.tissue for c in done]),
        finding=np.stack([c.finding for c in done]),
    )


def render_slice(
    canvas: Canvas,
    patient: Patient,
    table: Table,
    thickness_mm: float,
    findings: Sequence[Finding],
    marked: int,
) -> None:
    """Paint one slice, from the outside in."""
    cage = patient.cage
    paint_table(canvas, table)
    tables = walls.layers(patient.wall, cage, canvas.z)
    at = walls.look_up(canvas, cage, tables)
    walls.paint_wall(canvas, patient.wall, tables, at, patient.noise, table)
    skeleton.paint_skeleton(canvas, cage, tables, at, patient.noise, patient.marrow_hu)
    where = _bounds(at.depth < 2.0)
    if where is not None:
        _paint_inside(canvas.part(where), patient, at.depth[where], thickness_mm, findings, marked)


def _bounds(inside: Bools) -> Window | None:
    """The smallest window round what is true, if anything is."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if len(rows) == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _paint_inside(
    canvas: Canvas,
    patient: Patient,
    depth: Floats,
    thickness_mm: float,
    findings: Sequence[Finding],
    marked: int,
) -> None:
    """Everything within the rib cage, given the depth of each pixel from its inner wall."""
    cage, lungs, noise = patient.cage, patient.lungs, patient.noise
    spine = cages.spine_y(cage, canvas.z)
    bony = (np.abs(canvas.x) < 22) & (canvas.y > spine - 17)
    canvas.paint(canvas.cover(depth) * ~bony, hu.FAT_HU, Tissue.FAT)
    paint_abdomen(canvas, cage, depth, noise, patient.contrast)
    wrapped = organs.envelope(patient.mediastinum, canvas.x, canvas.y, canvas.z, spine)
    distance = lung_distance(cage, depth, wrapped, canvas.x, canvas.y, canvas.z)
    share = paint_lungs(canvas, lungs, distance, noise, thickness_mm, patient.contrast.vessel_hu)
    paint_mediastinum(canvas, patient.mediastinum, patient.contrast, depth)
    walls_ = vessels.share_of_slice(canvas, lungs.bronchi_outer, thickness_mm)
    canvas.paint(walls_, hu.SOFT_HU, Tissue.SOFT)
    lumen = vessels.share_of_slice(canvas, lungs.bronchi_inner, thickness_mm)
    canvas.paint(lumen, hu.AIR_HU, Tissue.AIRWAY)
    for number, finding in enumerate(findings):
        paint_finding(
            canvas,
            finding,
            inside_lung=share,
            noise=noise,
            thickness_mm=thickness_mm,
            count=number < marked,
        )
