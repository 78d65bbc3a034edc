"""Cancers, their look-alikes, and findings that mean nothing: drawn, then painted.

Every finding is made of the same few things: lobes (ellipsoids, blended), strands (thin tapered
capsules), a density that may differ between core and rim, and pits of air or specks of calcium.
What differs between a cancer and a look-alike is how they are put together, not how big, how
dense or where: size, place and density come in from outside, the same for both.
Appearance follows the Fleischner glossary (Hansell et al., Radiology 2008;246:697) and the
descriptions of spiculation and lobulation in Armato et al., Med Phys 2011;38:915 (LIDC-IDRI).
"""

from dataclasses import dataclass, replace

import numpy as np

from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.geometry import Canvas, Noise, Point, ellipsoid_distance, smooth_union
from medlib.phantom.anatomy.tissue import Tissue
from medlib.phantom.anatomy.vessels import Segments, share_of_slice
from medlib.types import Floats

CANCERS = ("solid", "part-solid", "ground-glass")
_LEVELS = 3  # planes a slice is averaged over
LOOK_ALIKES = ("benign nodule", "scar", "vessel", "granuloma", "lymph node")


@dataclass(frozen=True)
class Lobe:
    """An ellipsoid turned about z."""

    centre: Point
    semi: Point
    turn: float


@dataclass(frozen=True)
class Site:
    """Where a finding lies, how large and how dense it is: drawn without knowing its nature."""

    centre: Point
    diameter_mm: float
    density_hu: float
    subsolid: float  # 0..1, orders cases from solid to ground-glass


@dataclass(frozen=True)
class Finding:
    """A lesion or look-alike, ready to be painted."""

    name: str
    malignant: bool
    lobes: tuple[Lobe, ...]
    strands: Segments | None
    rim_hu: float
    core_hu: float
    core_share: float  # radius of the core as share of the whole
    softness_mm: float  # width of the edge
    roughness_mm: float
    specks: tuple[tuple[float, float, float, float, float], ...]  # x, y, z, radius, HU
    reach_mm: float
    centre: Point
    strand_hu: float = hu.SOLID_NODULE_HU

    @property
    def radius_mm(self) -> float:
        """Largest semi-axis of the main lobe."""
        return max(self.lobes[0].semi)


def _unit(rng: np.random.Generator, count: int) -> Floats:
    """Random directions, count x 3."""
    v = rng.standard_normal((count, 3))
    directions: Floats = v / np.linalg.norm(v, axis=1, keepdims=True)
    return directions


def _point(values: Floats) -> Point:
    return float(values[0]), float(values[1]), float(values[2])


def draw_cancer(rng: np.random.Generator, site: Site) -> Finding:
    """A cancer at a site: solid and spiculated, or with ground glass where the site says so."""
    kind = (
        "solid"
        if site.subsolid < 0.5
        else ("part-solid" if site.subsolid < 0.8 else "ground-glass")
    )
    solid = kind == "solid"
    spiky = float(rng.beta(4.5, 1.3)) if solid else float(rng.beta(1.3, 2.0))
    lobes = _lobulated(
        rng, site, count=int(rng.integers(4, 9)), depth=float(rng.uniform(0.2, 0.42))
    )
    strands = _spicules(rng, site, spiky)
    rim = site.density_hu if solid else hu.GROUND_GLASS_HU + float(rng.normal(0, 70))
    return Finding(
        name=f"{kind} cancer",
        malignant=True,
        lobes=lobes,
        strands=strands,
        rim_hu=rim,
        core_hu=rim if kind == "ground-glass" else site.density_hu,
        core_share=0.55 if kind == "part-solid" else 0.8,
        softness_mm=0.8 if solid else 2.5,
        roughness_mm=0.3 + 0.5 * spiky,
        specks=_pits(rng, site, chance=0.35),
        reach_mm=site.diameter_mm * 0.75 + 16,
        centre=site.centre,
        strand_hu=rim if kind == "ground-glass" else hu.SOLID_NODULE_HU,
    )


def _lobulated(
    rng: np.random.Generator, site: Site, *, count: int, depth: float
) -> tuple[Lobe, ...]:
    """A body with `count` smaller lobes that stand out by about `depth` of the radius."""
    r = site.diameter_mm / 2 * (1 - 0.3 * depth)  # what stands out is taken from the body
    body = rng.uniform(0.72, 0.98, 3) * r
    parts = [Lobe(site.centre, _point(body), float(rng.uniform(0, np.pi)))]
    for way in _unit(rng, count):
        size = r * float(rng.uniform(0.28, 0.55))
        where = np.asarray(site.centre) + way * (r * (1 + depth) - size) * rng.uniform(0.8, 1.0)
        parts.append(Lobe(_point(where), (size, size * float(rng.uniform(0.7, 1)), size), 0.0))
    return tuple(parts)


def _spicules(rng: np.random.Generator, site: Site, spiky: float) -> Segments | None:
    """Strands from the surface outward, tapering; the more and longer, the more spiky (0..1)."""
    r = site.diameter_mm / 2
    count = int(5 + 90 * spiky)
    way = _unit(rng, count)
    way[:, 2] *= 0.55  # they are sought, and shown, in the plane where they stand out
    foot = np.asarray(site.centre) + way * (0.7 * r)
    length = rng.gamma(2.5, (0.8 + 6.0 * spiky) / 2.5, count) + 0.3 * r
    drift = _unit(rng, count) * 0.25
    tip = foot + (way + drift) * length[:, None]
    thick = rng.uniform(0.61, 1.17, count)
    return Segments(foot, tip, np.stack([thick, 0.45 * thick], 1))


def _pits(
    rng: np.random.Generator, site: Site, *, chance: float
) -> tuple[tuple[float, float, float, float, float], ...]:
    """Bubbles of air in it (pseudocavitation), sometimes."""
    if rng.random() > chance:
        return ()
    r = site.diameter_mm / 2
    spots = []
    for way in _unit(rng, int(rng.integers(1, 4))):
        where = np.asarray(site.centre) + way * r * rng.uniform(0.1, 0.6)
        spots.append((*_point(where), float(r * rng.uniform(0.08, 0.17)), -700.0))
    return tuple(spots)


def draw_look_alike(rng: np.random.Generator, site: Site, *, kinds: dict[str, float]) -> Finding:
    """A benign finding at a site; `kinds` gives the chance of each of LOOK_ALIKES."""
    names = tuple(kinds)
    weights = np.array([kinds[n] for n in names])
    name = str(rng.choice(names, p=weights / weights.sum()))
    makers = {
        "benign nodule": _benign_nodule,
        "scar": _scar,
        "vessel": _vessel,
        "granuloma": _granuloma,
        "lymph node": _lymph_node,
    }
    return makers[name](rng, site)


def _benign(site: Site, name: str, lobes: tuple[Lobe, ...]) -> Finding:
    """A plain look-alike: homogeneous, with an edge of ordinary sharpness."""
    return Finding(
        name=name,
        malignant=False,
        lobes=lobes,
        strands=None,
        rim_hu=site.density_hu,
        core_hu=site.density_hu,
        core_share=0.8,
        softness_mm=0.8,
        roughness_mm=0.3,
        specks=(),
        reach_mm=site.diameter_mm * 0.75 + 16,
        centre=site.centre,
    )


def _benign_nodule(rng: np.random.Generator, site: Site) -> Finding:
    """Hamartoma or granuloma: smooth or gently lobulated; few strands, if any; focal inflammation
    has ground glass round it and ill-defined edges.
    """
    smooth = rng.random() < 0.5
    lobes = _lobulated(
        rng, site, count=1 if smooth else int(rng.integers(3, 6)), depth=0.0 if smooth else 0.12
    )
    spiky = float(rng.beta(1.0, 4.0)) * 0.4
    glassy = site.subsolid >= 0.5
    return replace(
        _benign(site, "benign nodule", lobes),
        strands=_spicules(rng, site, spiky) if rng.random() < 0.35 else None,
        rim_hu=hu.GROUND_GLASS_HU + float(rng.normal(0, 70)) if glassy else site.density_hu,
        core_hu=site.density_hu if site.subsolid < 0.8 else hu.GROUND_GLASS_HU,
        core_share=0.55 if glassy else 0.8,
        softness_mm=2.5 if glassy else 0.8,
        roughness_mm=float(rng.uniform(0.1, 0.5)),
        specks=_pits(rng, site, chance=0.1),
    )


def _scar(rng: np.random.Generator, site: Site) -> Finding:
    """A band with a knot in it and strands that run along the band."""
    r = site.diameter_mm / 2
    turn = float(rng.uniform(0, np.pi))
    long = np.array([np.cos(turn), np.sin(turn), rng.normal(0, 0.4)])
    lobes = [Lobe(site.centre, (r * 1.2, r * float(rng.uniform(0.45, 0.75)), r), turn)]
    for _ in range(int(rng.integers(2, 5))):
        where = np.asarray(site.centre) + long * r * rng.uniform(-1, 1) + rng.normal(0, 0.15 * r, 3)
        size = r * float(rng.uniform(0.3, 0.55))
        lobes.append(Lobe(_point(where), (size, size * 0.7, size), turn))
    count = int(rng.integers(3, 9))
    sign = rng.choice([-1.0, 1.0], count)[:, None]
    foot = np.asarray(site.centre) + sign * long * 0.6 * r + rng.normal(0, 0.2 * r, (count, 3))
    tip = foot + sign * long * rng.uniform(5, 16, (count, 1)) + rng.normal(0, 3, (count, 3))
    thick = rng.uniform(0.6, 1.2, count)
    strands = Segments(
        foot,
        tip,
        np.stack([thick, 0.5 * thick], 1),
    )
    return replace(_benign(site, "scar", tuple(lobes)), strands=strands, roughness_mm=0.7)


def _vessel(rng: np.random.Generator, site: Site) -> Finding:
    """A large vessel seen end-on, with its branches leaving it in the slice."""
    r = min(site.diameter_mm / 2, 8.0)
    c = np.asarray(site.centre)
    lean = rng.normal(0, 0.35, 2)
    axis = np.array([lean[0], lean[1], 1.0])
    starts, ends, radii = [c - 22 * axis], [c + 22 * axis], [(r, r * 0.85)]
    for _ in range(int(rng.integers(2, 5))):
        turn = rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(turn), np.sin(turn), rng.normal(0, 0.3)])
        thin = r * float(rng.uniform(0.25, 0.6))
        from_ = c + axis * rng.uniform(-4, 4)
        elbow = from_ + way * rng.uniform(8, 14) + rng.normal(0, 1.5, 3)
        starts += [from_, elbow]
        ends += [elbow, elbow + way * rng.uniform(8, 16) + rng.normal(0, 3, 3)]
        radii += [(thin * 1.3, thin), (thin, thin * 0.6)]
    strands = Segments(np.array(starts), np.array(ends), np.array(radii))
    return replace(
        _benign(site, "vessel", ()), strands=strands, strand_hu=hu.BLOOD_HU, reach_mm=45.0
    )


def _granuloma(rng: np.random.Generator, site: Site) -> Finding:
    """A small round nodule, calcified through, in its middle, or in specks."""
    r = min(site.diameter_mm / 2, 9.0)
    lobe = Lobe(site.centre, _point(r * rng.uniform(0.85, 1.0, 3)), 0.0)
    specks = []
    for way in _unit(rng, int(rng.integers(1, 5))):
        where = np.asarray(site.centre) + way * r * rng.uniform(0, 0.45)
        specks.append(
            (*_point(where), float(r * rng.uniform(0.15, 0.5)), float(rng.uniform(150, 800)))
        )
    return replace(_benign(site, "granuloma", (lobe,)), specks=tuple(specks))


def _lymph_node(rng: np.random.Generator, site: Site) -> Finding:
    """An intrapulmonary lymph node: small, flat-sided, smooth, with a septum to the pleura."""
    r = min(site.diameter_mm / 2, 7.0)
    lobe = Lobe(
        site.centre, (r, r * float(rng.uniform(0.5, 0.75)), r * 0.8), float(rng.uniform(0, np.pi))
    )
    tip = np.asarray(site.centre) + _unit(rng, 1)[0] * 14
    strands = Segments(np.asarray([site.centre]), tip[None], np.array([[0.6, 0.4]]))
    return replace(_benign(site, "lymph node", (lobe,)), strands=strands)


def paint_finding(
    canvas: Canvas,
    finding: Finding,
    *,
    inside_lung: Floats,
    noise: Noise,
    thickness_mm: float,
    count: bool,
) -> None:
    """Paint into the lung; where `count`, its share of each pixel is added to the mask."""
    where = canvas.window(finding.centre[0], finding.centre[1], finding.reach_mm)
    if where is None or abs(canvas.z - finding.centre[2]) > finding.reach_mm + thickness_mm:
        return
    near, lung = canvas.part(where), inside_lung[where]
    body, density = _body(near, finding, noise, thickness_mm)
    near.paint(body * lung, density, Tissue.FINDING)
    if finding.strands is not None:
        strand = share_of_slice(near, finding.strands, thickness_mm)
        near.paint(strand * lung * (1 - body), finding.strand_hu, Tissue.FINDING)
        body = np.maximum(body, strand)
    for x, y, z, radius, value in finding.specks:
        gap = np.sqrt((near.x - x) ** 2 + (near.y - y) ** 2 + (near.z - z) ** 2)
        near.paint(near.cover(gap - radius) * lung, value, Tissue.FINDING)
    if count:
        near.finding[:] = np.maximum(near.finding, body * lung)


def _body(
    canvas: Canvas, finding: Finding, noise: Noise, thickness_mm: float
) -> tuple[Floats, Floats]:
    """Share of each pixel in the lobes, averaged over the slice, and the HU there."""
    share, depth = np.zeros_like(canvas.hu), np.zeros_like(canvas.hu)
    if not finding.lobes:
        return share, depth
    edge = max(canvas.pixel_mm, finding.softness_mm)
    rough = noise.on(canvas, 3.6) + 0.4 * noise.on(canvas, 1.7)
    for step in range(_LEVELS):
        z = canvas.z + thickness_mm * ((step + 0.5) / _LEVELS - 0.5)
        d = finding_distance(finding, canvas.x, canvas.y, z) + finding.roughness_mm * rough
        share += np.clip(0.5 - d / edge, 0, 1) / _LEVELS
        depth += d / _LEVELS
    core = np.clip((-depth / finding.radius_mm - (1 - finding.core_share)) * 6 + 0.5, 0, 1)
    density = finding.rim_hu + core * (finding.core_hu - finding.rim_hu)
    glass = min(1.0, max(0.0, (hu.SOLID_NODULE_HU - finding.rim_hu) / 600.0))
    return share, density + (8 + 45 * glass) * rough


def finding_distance(finding: Finding, x: Floats, y: Floats, z: float) -> Floats:
    """Signed distance in mm to the lobes of a finding."""
    whole: Floats | None = None
    for lobe in finding.lobes:
        d = ellipsoid_distance(x, y, z, lobe.centre, lobe.semi, lobe.turn)
        whole = d if whole is None else smooth_union(whole, d, 1.6)
    assert whole is not None
    return whole
