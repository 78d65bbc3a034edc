"""A simulated screening CT: a slab of lung with several nodules, and the same patient again later.

Every patient has one to four nodules and none to two things that only look like one (a scar, a
vessel seen end-on). In a patient with cancer the first nodule is the cancer, and cancers are larger
on average, as they are in screening; all else is drawn without a look at the class. Each part has a
random stream of its own, as in `medlib.phantom.chest`.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from medlib.errors import InputError
from medlib.phantom.anatomy import thorax
from medlib.phantom.anatomy.couch import draw_table
from medlib.phantom.anatomy.findings import (
    Finding,
    Lobe,
    Site,
    draw_cancer,
    draw_look_alike,
    finding_distance,
)
from medlib.phantom.anatomy.geometry import Grid, Point, Pose, settled
from medlib.phantom.anatomy.lungs import CANDIDATES
from medlib.phantom.anatomy.tissue import SOLID_NODULE_HU
from medlib.phantom.anatomy.vessels import Segments
from medlib.phantom.chest import SimulatedCase, _moved
from medlib.phantom.scanner import ct
from medlib.runtime.whole_numbers import as_number, as_seed

CANCER_MM: Final = (6.0, 20.0)
"""Smallest and largest diameter that is drawn, evenly on a logarithmic scale."""
BENIGN_MM: Final = (5.0, 14.0)
"""The same of a benign nodule."""
SMALL_MM: Final = (5.0, 10.0)
"""The same of granulomas and lymph nodes."""
KINDS: Final = {"benign nodule": 0.4, "granuloma": 0.3, "lymph node": 0.3}
"""Chance of each further nodule."""
MIMICS: Final = {"scar": 0.6, "vessel": 0.4}
"""Chance of each thing that is no nodule."""
APART_MM: Final = 22.0
"""Distance between the centres of two findings."""
MARGIN_MM: Final = 5.0
"""A nodule's centre is at least so far inside the slab."""
_FIELD_FACTOR: Final = 1.3


@dataclass(frozen=True)
class Nodule:
    """What is known of one finding of a scan.

    centre_mm: (z, y, x) from the middle of the first voxel. diameter_mm: of the ball with the
    finding's volume. density: "solid", "part-solid" or "ground-glass". wall_mm: distance from the
    surface of the lung. is_nodule: false for a scar or a vessel.
    """

    kind: str
    malignant: bool
    is_nodule: bool
    centre_mm: tuple[float, float, float]
    diameter_mm: float
    density: str
    wall_mm: float


@dataclass(frozen=True)
class Screening:
    """A simulated examination and all that is to be found in it."""

    case: SimulatedCase
    nodules: tuple[Nodule, ...]

    def told(self) -> list[dict[str, Any]]:
        """The nodules as JSON can hold them."""
        return [asdict(each) for each in self.nodules]


def simulate(
    seed: int,
    *,
    cancer: bool,
    slices: int = 24,
    matrix: int = 192,
    visit: int = 0,
    growth: float = 1.0,
    **fixed: Any,
) -> Screening:
    """A slab of so many slices; the same seed gives the same bytes.

    ``visit`` numbers the dates: the same patient and findings, another position and other noise.
    ``growth`` is the cube of the factor on all lengths of the first nodule; its volume grows by a
    little less, as the fillets between its lobes do not: compare diameters. ``fixed`` sets fields
    of the scanner. Raises InputError for what cannot be simulated.
    """
    as_number(slices, "slices", least=8)
    as_number(matrix, "matrix", least=64)
    as_number(visit, "visit", least=0)
    if not 0 < growth < np.inf:
        raise InputError(f"growth is {growth}; give a volume ratio above 0.")
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(5)]
    body, acquisition, level, places, shapes = streams
    patient = thorax.draw(body, "none")
    scanner = _scanner(acquisition, patient, matrix, fixed)
    thick = scanner.slice_thickness_mm
    low = float(level.uniform(-70, 30)) * patient.cage.length - thick * slices / 2
    found = _findings(places, shapes, patient, (low, low + thick * (slices - 1)), cancer=cancer)
    found[0] = (grown(found[0][0], growth ** (1 / 3)), *found[0][1:])
    return _examined(as_seed(seed), visit, patient, scanner, low, slices, found, cancer=cancer)


def _scanner(
    rng: np.random.Generator, patient: thorax.Patient, matrix: int, fixed: dict[str, Any]
) -> ct.Scanner:
    """A low-dose protocol, the field of view fitted to the patient."""
    chosen = {
        "field_of_view_mm": float(np.round(patient.width_mm * rng.uniform(0.92, 1.06) + 10)),
        "slice_thickness_mm": float(rng.choice([2.0, 2.5])),
        "mas": float(np.round(np.exp(rng.uniform(np.log(25), np.log(60))))),
        "kvp": 120,
        "matrix": matrix,
    }
    return ct.draw_scanner(rng, **{**chosen, **fixed})


_Found = tuple[Finding, Site, float]
"""A finding, its site, and the site's distance from the surface of the lung."""


def _findings(
    places: np.random.Generator,
    shapes: np.random.Generator,
    patient: thorax.Patient,
    slab: tuple[float, float],
    *,
    cancer: bool,
) -> list[_Found]:
    """All findings: the one in question first, then other nodules, then mimics."""
    nodules, mimics = int(places.integers(1, 5)), int(places.integers(0, 3))
    found: list[_Found] = []
    spots = places.spawn(6)
    for number, own in enumerate(shapes.spawn(6)):
        if number >= nodules and not 4 <= number < 4 + mimics:
            continue
        kind = _kind(own, number, cancer=cancer)
        site, wall = _site(spots[number], patient, slab, kind, [f[1] for f in found])
        made = draw_cancer(own, site) if kind == "cancer" else draw_look_alike(
            own, site, kinds={kind: 1.0}
        )  # fmt: skip
        found.append((made, site, wall))
    return found


def _kind(rng: np.random.Generator, number: int, *, cancer: bool) -> str:
    """What the finding of this number is; as many numbers are drawn whatever it is."""
    kinds = KINDS if number < 4 else MIMICS
    other = str(rng.choice(list(kinds), p=list(kinds.values())))
    if number:
        return other
    return "cancer" if cancer else "benign nodule"


def _site(
    rng: np.random.Generator,
    patient: thorax.Patient,
    slab: tuple[float, float],
    kind: str,
    others: list[Site],
) -> tuple[Site, float]:
    """A place in the slab with room for it, away from others; size and density."""
    small, large = {"cancer": CANCER_MM, "benign nodule": BENIGN_MM}.get(kind, SMALL_MM)
    diameter = float(np.exp(rng.uniform(np.log(small), np.log(large))))
    density, subsolid = SOLID_NODULE_HU + float(rng.normal(0, 15)), float(rng.uniform())
    lungs, lots = patient.lungs, rng.random(CANDIDATES)[patient.lungs.site_number]
    at = lungs.sites
    fits = settled(lungs.room_mm - 0.35 * diameter) > 0
    inside = (settled(at[:, 2] - slab[0]) > MARGIN_MM) & (settled(slab[1] - at[:, 2]) > MARGIN_MM)
    for other in others:
        gap = np.sqrt(((at - np.asarray(other.centre)) ** 2).sum(axis=1))
        fits &= settled(gap) > APART_MM
    best = int(np.argmin(np.where(fits & inside, lots, np.inf)))
    place = (float(at[best, 0]), float(at[best, 1]), float(at[best, 2]))
    return Site(place, diameter, density, subsolid), float(lungs.room_mm[best])


def grown(finding: Finding, factor: float) -> Finding:
    """The finding with all its lengths `factor` times as long, its centre where it was."""
    middle = np.asarray(finding.centre)

    def moved(point: Any) -> Point:
        at = middle + (np.asarray(point) - middle) * factor
        return float(at[0]), float(at[1]), float(at[2])

    lobes = tuple(
        Lobe(moved(e.centre), (e.semi[0] * factor, e.semi[1] * factor, e.semi[2] * factor), e.turn)
        for e in finding.lobes
    )
    strands = finding.strands
    if strands is not None:
        ends = [middle + (each - middle) * factor for each in (strands.start, strands.end)]
        strands = Segments(ends[0], ends[1], strands.radius)
    specks = tuple((*moved(s[:3]), s[3] * factor, s[4]) for s in finding.specks)
    reach = finding.reach_mm * max(factor, 1.0)
    return replace(finding, lobes=lobes, strands=strands, specks=specks, reach_mm=reach)


def _examined(
    seed: int,
    visit: int,
    patient: thorax.Patient,
    scanner: ct.Scanner,
    low: float,
    slices: int,
    found: list[_Found],
    *,
    cancer: bool,
) -> Screening:
    """One date: the patient is laid down anew, and the slab begins a little higher or lower."""
    position, noise = np.random.default_rng(np.random.SeedSequence([seed, 17, visit])).spawn(2)
    pose = Pose(float(position.normal(0, 0.035)), tuple(position.normal(0, 6, 2).tolist()))
    thick, field = scanner.slice_thickness_mm, scanner.field_of_view_mm
    first = low + thick * float(position.uniform(-0.5, 0.5))
    levels = tuple(first + thick * k for k in range(slices))
    size = 2 * (scanner.matrix * 3 // 4)
    grid = Grid(field * _FIELD_FACTOR / size, size)
    marked = sum(_is_nodule(f) for f, _, _ in found)
    ideal = thorax.render(
        patient,
        levels,
        grid,
        pose=pose,
        table=draw_table(position),
        thickness_mm=thick,
        findings=[f for f, _, _ in found],
        marked=marked,
    )
    shown = Grid(field / scanner.matrix, scanner.matrix)
    nodules = tuple(_nodule(each, pose, shown, first) for each in found)
    mask = _moved(ideal.finding, grid, shown, order=1) > 0.5
    spacing = (thick, shown.pixel_mm, shown.pixel_mm)
    case = SimulatedCase(
        seed=seed,
        cancer=cancer,
        hu=ct.acquire(ideal.hu, pixel_mm=grid.pixel_mm, scanner=scanner, rng=noise),
        spacing=spacing,
        lesion_mask=mask & _near(nodules[0], mask.shape, spacing) & cancer,
        finding_mask=mask,
        tissue=_moved(ideal.tissue, grid, shown, order=0).astype(np.uint8),
        z_mm=levels,
        patient=patient,
        scanner=scanner,
        finding=found[0][0].name,
    )
    return Screening(case, nodules)


def _is_nodule(finding: Finding) -> bool:
    return finding.name not in MIMICS


def _nodule(found: _Found, pose: Pose, shown: Grid, first: float) -> Nodule:
    """What is known of a finding, in the coordinates of the volume."""
    finding, site, wall = found
    x, y = pose.to_scanner(*finding.centre[:2])
    left, top = (float(axis[0]) for axis in shown.axes())
    centre = tuple(round(float(v), 3) for v in (finding.centre[2] - first, y - top, x - left))
    return Nodule(
        kind=finding.name,
        malignant=finding.malignant,
        is_nodule=_is_nodule(finding),
        centre_mm=(centre[0], centre[1], centre[2]),
        diameter_mm=round(diameter(finding), 2) if finding.lobes else round(site.diameter_mm, 2),
        density=_density(finding, site),
        wall_mm=round(wall, 2),
    )


def _density(finding: Finding, site: Site) -> str:
    """Solid, or how much of it is ground glass."""
    if finding.name not in ("benign nodule", "part-solid cancer", "ground-glass cancer"):
        return "solid"
    return ("solid", "part-solid", "ground-glass")[
        int(site.subsolid >= 0.5) + int(site.subsolid >= 0.8)
    ]


def diameter(finding: Finding, step_mm: float = 0.5) -> float:
    """Diameter in mm of the ball with the volume of the finding's lobes, by counting points."""
    reach = 1.6 * finding.radius_mm + 2
    axis = np.arange(-reach, reach + step_mm, step_mm)
    y, x = np.meshgrid(axis + finding.centre[1], axis + finding.centre[0], indexing="ij")
    inside = sum(
        int((settled(finding_distance(finding, x, y, float(z))) < 0).sum())
        for z in axis + finding.centre[2]
    )
    return float((6 * inside * step_mm**3 / np.pi) ** (1 / 3))


def _near(nodule: Nodule, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Any:
    """Voxels that can belong to this nodule and to no other."""
    axes = [np.arange(n) * s - c for n, s, c in zip(shape, spacing, nodule.centre_mm, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    return settled(np.sqrt(z * z + y * y + x * x)) < APART_MM / 2 + nodule.diameter_mm / 4
