"""Simulated chest CT with or without cancer: one call gives image, reference mask and parameters.

Each part of a case has a random stream of its own, all spawned from the seed, and so has each organ
and each slice: what one of them draws cannot shift the numbers of another. Patient, position,
table, scanner, incidental findings, and the place, size and density of the finding come from
streams that never see the class; only the last stream, which shapes the finding, does.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlib.errors import InputError
from medlib.phantom.anatomy import thorax
from medlib.phantom.anatomy.couch import Table, draw_table
from medlib.phantom.anatomy.findings import Finding, Site, draw_cancer, draw_look_alike
from medlib.phantom.anatomy.geometry import Grid, Pose, settled
from medlib.phantom.anatomy.lungs import CANDIDATES
from medlib.phantom.anatomy.tissue import SOLID_NODULE_HU
from medlib.phantom.scanner import ct
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Array, Bools

Task = Literal["crop", "slice", "volume"]
Stratum = Literal["default", "hard"]

CROP_MM = 50.0
_CROP_SIZE = 64  # 0.78 mm pixels: spicules of 1 to 2 mm stay visible
_CROP_DETECTOR_MM, _CROP_MAP_SIZE = 0.65, 720  # scan field 468 mm
_CROP_COARSE = 3  # outside the region of the crop the map needs no finer pixels than this many
_FIELD_FACTOR = 1.3  # scan field over field of view, so that what is not shown still casts shadows
_LOOK_ALIKE_SHARE = 0.5  # controls that have a look-alike, on whole slices

# Chance of each look-alike in a control.
_KINDS: dict[str, dict[str, float]] = {
    "default": {"benign nodule": 0.76, "scar": 0.14, "vessel": 0.1},
    "hard": {
        "benign nodule": 0.6,
        "scar": 0.15,
        "vessel": 0.1,
        "granuloma": 0.05,
        "lymph node": 0.1,
    },
}


@dataclass(frozen=True)
class SimulatedCase:
    """One simulated examination.

    hu: whole HU as float32, slices x rows x columns. spacing: (dz, dy, dx) mm. lesion_mask: bool,
    same shape, true where a cancer is (empty in controls). finding_mask: the same for cancers and
    look-alikes. tissue: uint8 labels (`medlib.phantom.anatomy.tissue.Tissue`). z_mm: level of each
    slice above the carina. finding: name of the lesion or look-alike, "none" where there is none.
    """

    seed: int
    cancer: bool
    hu: Array
    spacing: tuple[float, float, float]
    lesion_mask: Bools
    finding_mask: Bools
    tissue: NDArray[np.uint8]
    z_mm: tuple[float, ...]
    patient: thorax.Patient
    scanner: ct.Scanner
    finding: str


def simulate(
    seed: int,
    *,
    cancer: bool,
    task: Task = "crop",
    stratum: Stratum = "default",
    slices: int = 24,
    matrix: int | None = None,
    contrast: str | None = None,
    **fixed: Any,
) -> SimulatedCase:
    """A simulated patient with a cancer, or a control; the same seed gives the same bytes.

    task: "crop", 50 mm round a cancer or a look-alike, 1 x 64 x 64; "slice", the whole slice
    through it, or at such a level in a control, 1 x 256 x 256; "volume", `slices` neighbouring
    slices, one of them through it. stratum: "default" (solid, 15 to 30 mm) or "hard" (6 to 15 mm,
    part-solid, ground-glass). `matrix` changes rows and columns; `contrast` fixes the phase of
    contrast medium; `fixed` sets fields of `Scanner`, of a crop also its side, `field_of_view_mm`.
    Raises InputError for a value that is none of these.
    """
    _check(seed, task, stratum, slices, matrix)
    case = _Draw.of(seed, task, stratum, cancer=cancer, contrast=contrast, fixed=fixed)
    if task == "crop":
        return _crop(case, matrix or _CROP_SIZE)
    return _whole(case, slices if task == "volume" else 1, matrix or 256)


def _check(seed: int, task: str, stratum: str, slices: int, matrix: int | None) -> None:
    """Refuse what cannot be simulated."""
    as_seed(seed)
    if task not in ("crop", "slice", "volume"):
        raise InputError(f"task is {task!r}; choose 'crop', 'slice' or 'volume'.")
    if stratum not in _KINDS:
        raise InputError(f"stratum is {stratum!r}; choose 'default' or 'hard'.")
    as_number(slices, "slices")
    if matrix is not None and as_number(matrix, "matrix", least=16) % 2:
        raise InputError(f"matrix is {matrix}; give an even number of at least 16.")


@dataclass(frozen=True)
class _Draw:
    """Everything drawn for one case, and the stream left for the noise."""

    seed: int
    cancer: bool
    patient: thorax.Patient
    pose: Pose
    table: Table
    scanner: ct.Scanner
    centre_jitter: tuple[float, float]
    level_jitter: float
    findings: tuple[Finding, ...]  # the one in question first, then incidental ones
    site: Site
    noise: np.random.Generator

    @classmethod
    def of(
        cls,
        seed: int,
        task: str,
        stratum: str,
        *,
        cancer: bool,
        contrast: str | None,
        fixed: dict[str, Any],
    ) -> "_Draw":
        """Spawn the streams and draw; `cancer` reaches nothing but `_finding`."""
        streams = [np.random.default_rng(s) for s in np.random.SeedSequence(int(seed)).spawn(7)]
        body, position, acquisition, incidental, place, shape, noise = streams
        patient = thorax.draw(body, contrast)
        pose, table, jitter, level = _position(position)
        scanner = _scanner(acquisition, patient, task, fixed)
        site = _site(place, patient, stratum)
        others = _incidental(incidental, patient, site)
        finding = _finding(shape, site, task, stratum, cancer=cancer)
        return cls(
            seed=int(seed),
            cancer=cancer,
            patient=patient,
            pose=pose,
            table=table,
            scanner=scanner,
            centre_jitter=jitter,
            level_jitter=level,
            findings=((finding,) if finding else ()) + others,
            site=site,
            noise=noise,
        )

    @property
    def marked(self) -> int:
        """How many of the findings the mask shows: the one in question, if there is one."""
        return int(bool(self.findings) and self.findings[0].centre == self.site.centre)

    @property
    def name(self) -> str:
        """Name of the finding in question."""
        return self.findings[0].name if self.marked else "none"


def _position(rng: np.random.Generator) -> tuple[Pose, Table, tuple[float, float], float]:
    """How the patient lies, on what, and how far the finding is off the middle of a crop."""
    pose = Pose(float(rng.normal(0, 0.035)), (float(rng.normal(0, 7)), float(rng.normal(0, 6))))
    jitter = (float(rng.uniform(-6, 6)), float(rng.uniform(-6, 6)))
    return pose, draw_table(rng), jitter, float(rng.uniform(-0.5, 0.5))


def _scanner(
    rng: np.random.Generator, patient: thorax.Patient, task: str, fixed: dict[str, Any]
) -> ct.Scanner:
    """Scanner and protocol; the field of view is fitted to the patient, as radiographers do."""
    field = float(np.round(patient.width_mm * rng.uniform(0.92, 1.12) + 10))
    thin = float(rng.choice([1.0, 1.25, 2.0]))
    chosen: dict[str, Any] = {"field_of_view_mm": field}
    if task == "crop":
        chosen = {"field_of_view_mm": CROP_MM, "slice_thickness_mm": thin}
    return ct.draw_scanner(rng, **{**chosen, **fixed})


def _site(rng: np.random.Generator, patient: thorax.Patient, stratum: str) -> Site:
    """Place, size and density of the finding, for cancers and look-alikes alike."""
    low, high = (15.0, 30.0) if stratum == "default" else (6.0, 15.0)
    diameter = float(rng.uniform(low, high))
    lungs = patient.lungs
    length = patient.cage.length
    level = lungs.sites[:, 2]
    wide = settled(lungs.room_mm - 0.35 * diameter) > 0
    fits = wide & (settled(np.abs(level) - 85 * length) < 0)
    lots = rng.random(CANDIDATES)[lungs.site_number]  # drawn before it is known which ones fit
    at = lungs.sites[np.argmin(np.where(fits, lots, np.inf))]
    return Site(
        centre=(float(at[0]), float(at[1]), float(at[2])),
        diameter_mm=diameter,
        density_hu=SOLID_NODULE_HU + float(rng.normal(0, 15)) + 0.15 * (patient.contrast.left - 40),
        subsolid=float(rng.uniform(0.0, 1.0)) if stratum == "hard" else 0.0,
    )


def _incidental(
    rng: np.random.Generator, patient: thorax.Patient, site: Site
) -> tuple[Finding, ...]:
    """Up to three findings that mean nothing, away from the one in question."""
    found = []
    for own in rng.spawn(int(rng.poisson(0.8))):
        lungs = patient.lungs
        at = lungs.sites[np.argmin(own.random(CANDIDATES)[lungs.site_number])]
        place = Site(tuple(float(v) for v in at), float(own.uniform(4, 9)), 40.0, 0.0)  # type: ignore[arg-type]
        kinds = {"granuloma": 0.4, "lymph node": 0.3, "scar": 0.3}
        finding = draw_look_alike(own, place, kinds=kinds)
        if settled(np.asarray(np.linalg.norm(at - np.asarray(site.centre)))) > 45:
            found.append(finding)
    return tuple(found)


def _finding(
    rng: np.random.Generator, site: Site, task: str, stratum: str, *, cancer: bool
) -> Finding | None:
    """The only place where the class decides anything."""
    present = rng.random() < _LOOK_ALIKE_SHARE
    if cancer:
        return draw_cancer(rng, site)
    if task == "crop" or present:
        return draw_look_alike(rng, site, kinds=_KINDS[stratum])
    return None


def _crop(case: _Draw, size: int) -> SimulatedCase:
    """A square round the finding: a coarse map of the whole slice, fine where the crop lies."""
    z, field = case.site.centre[2], case.scanner.field_of_view_mm
    x, y = case.pose.to_scanner(*case.site.centre[:2])
    middle = (x + case.centre_jitter[0], y + case.centre_jitter[1])
    fine = _fine_grid(middle, field)
    near = _render(case, (z,), fine)
    coarse = Grid(_CROP_DETECTOR_MM * _CROP_COARSE, _CROP_MAP_SIZE // _CROP_COARSE)
    whole = np.repeat(np.repeat(_render(case, (z,), coarse).hu, _CROP_COARSE, 1), _CROP_COARSE, 2)
    left, top = _corner(fine)
    whole[:, top : top + fine.size, left : left + fine.size] = near.hu
    hu = ct.acquire(
        whole,
        pixel_mm=_CROP_DETECTOR_MM,
        scanner=case.scanner,
        rng=case.noise,
        centre_mm=(middle[1], middle[0]),
        matrix=size,
    )
    return _case(case, hu, (z,), near, fine, Grid(field / size, size, middle))


def _fine_grid(middle: tuple[float, float], field: float) -> Grid:
    """The part of the detector-fine map that a crop round `middle` needs, on whole map pixels."""
    size = 2 * int(field * 0.8 / _CROP_DETECTOR_MM)
    edge = (_CROP_MAP_SIZE - size) // 2
    step = [int(np.clip(np.round(v / _CROP_DETECTOR_MM), -edge, edge)) for v in middle]
    return Grid(_CROP_DETECTOR_MM, size, (step[0] * _CROP_DETECTOR_MM, step[1] * _CROP_DETECTOR_MM))


def _corner(fine: Grid) -> tuple[int, int]:
    """Column and row of the fine grid's first pixel in the whole map."""
    offset = (_CROP_MAP_SIZE - fine.size) // 2
    column, row = (round(v / _CROP_DETECTOR_MM) + offset for v in fine.centre_mm)
    return column, row


def _whole(case: _Draw, slices: int, matrix: int) -> SimulatedCase:
    """Whole slices; the level of the finding is one of them, anywhere in the stack."""
    thick = case.scanner.slice_thickness_mm
    under = int((case.level_jitter + 0.5) * slices) if slices > 1 else 0
    levels = tuple(case.site.centre[2] + thick * (k - under) for k in range(slices))
    scanner = replace(case.scanner, matrix=matrix)
    size = 2 * (matrix * 3 // 4)
    field = scanner.field_of_view_mm
    grid = Grid(field * _FIELD_FACTOR / size, size)
    ideal = _render(case, levels, grid)
    hu = ct.acquire(ideal.hu, pixel_mm=grid.pixel_mm, scanner=scanner, rng=case.noise)
    shown = Grid(field / matrix, matrix)
    return _case(replace(case, scanner=scanner), hu, levels, ideal, grid, shown)


def _render(case: _Draw, levels: tuple[float, ...], grid: Grid) -> thorax.Rendered:
    """The ideal slices of a case."""
    return thorax.render(
        case.patient,
        levels,
        grid,
        pose=case.pose,
        table=case.table,
        thickness_mm=case.scanner.slice_thickness_mm,
        findings=case.findings,
        marked=case.marked,
    )


def _case(
    case: _Draw,
    hu: Array,
    levels: tuple[float, ...],
    ideal: thorax.Rendered,
    drawn: Grid,
    shown: Grid,
) -> SimulatedCase:
    """Put together what is returned; labels and masks move to the pixels shown."""
    finding = _moved(ideal.finding, drawn, shown, order=1) > 0.5
    return SimulatedCase(
        seed=case.seed,
        cancer=case.cancer,
        hu=hu,
        spacing=(case.scanner.slice_thickness_mm, shown.pixel_mm, shown.pixel_mm),
        lesion_mask=finding & case.cancer,
        finding_mask=finding,
        tissue=_moved(ideal.tissue, drawn, shown, order=0).astype(np.uint8),
        z_mm=levels,
        patient=case.patient,
        scanner=case.scanner,
        finding=case.name,
    )


def _moved(stack: Array, drawn: Grid, shown: Grid, *, order: int) -> Array:
    """Slices resampled from the grid they were drawn on to the grid that is shown."""
    x, y = shown.axes()
    first = [v[0] for v in drawn.axes()]
    rows, columns = (y - first[1]) / drawn.pixel_mm, (x - first[0]) / drawn.pixel_mm
    at = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    moved = [ndimage.map_coordinates(s, at, order=order, mode="constant") for s in stack]
    return np.stack(moved)
