"""Lungs: outline, parenchyma, fissures, and the trees of vessels and airways in each lobe."""

from dataclasses import dataclass, field

import numpy as np

from medlib.phantom.anatomy import cage as cages
from medlib.phantom.anatomy import mediastinum as organs
from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.cage import Cage, Fissures
from medlib.phantom.anatomy.geometry import Canvas, Noise, settled
from medlib.phantom.anatomy.mediastinum import Mediastinum
from medlib.phantom.anatomy.tissue import Tissue
from medlib.phantom.anatomy.vessels import Segments, airways_along, grow, share_of_slice
from medlib.types import Floats, Integers

CANDIDATES = 9000  # points among which tips of vessels and places of findings are chosen
_TIPS_PER_LITRE = 250.0  # endings of each tree per litre of lung
_TIP_RADIUS_MM = 0.6


@dataclass(frozen=True)
class Lungs:
    """Density and texture of the parenchyma, fissures, vessels and bronchi."""

    density_hu: float
    gravity_hu: float  # back minus front
    texture_hu: float
    emphysema: float  # 0..1
    fissures: Fissures
    vessels: Segments = field(repr=False)
    bronchi_outer: Segments = field(repr=False)
    bronchi_inner: Segments = field(repr=False)
    sites: Floats = field(repr=False)  # points (n x 3) spread evenly through both lungs
    site_number: Integers = field(repr=False)  # of each site among the CANDIDATES drawn
    room_mm: Floats = field(repr=False)  # distance of each site from the lung's surface


def lung_distance(
    cage: Cage, depth: Floats, wrapped: Floats, x: Floats, y: Floats, z: Floats | float
) -> Floats:
    """Signed distance in mm to the lungs, from depth in the cage and distance to `wrapped`."""
    above = cages.diaphragm_distance(cage, x, y, z)
    distance: Floats = np.maximum(np.maximum(depth + 0.8, -wrapped), above)
    return distance


def draw_lungs(rng: np.random.Generator, cage: Cage, mediastinum: Mediastinum) -> Lungs:
    """Parenchyma and trees of a patient."""
    filling, growth, rng = rng.spawn(3)
    fissures = cages.draw_fissures(rng)
    points, number, room, litres = _fill(filling, cage, mediastinum)
    deep = settled(room) > 3.0
    arteries, veins = _trees(growth, cage, fissures, points[deep], number[deep], litres)
    lumen = float(rng.uniform(0.8, 0.88))
    outer = airways_along(arteries, least_mm=1.6, ratio=float(rng.uniform(0.85, 1.0)))
    inner = Segments(outer.start, outer.end, outer.radius * lumen)
    emphysema = float(np.clip(rng.normal(-0.2, 0.4), 0.0, 1.0))
    return Lungs(
        density_hu=hu.LUNG_HU + float(rng.normal(0, 18)) - 35 * emphysema,
        gravity_hu=float(rng.uniform(15, 60)),
        texture_hu=float(rng.uniform(8, 18)),
        emphysema=emphysema,
        fissures=fissures,
        vessels=Segments.join(arteries, veins),
        bronchi_outer=outer,
        bronchi_inner=inner,
        sites=points,
        site_number=number,
        room_mm=room,
    )


def _fill(
    rng: np.random.Generator, cage: Cage, mediastinum: Mediastinum
) -> tuple[Floats, Integers, Floats, float]:
    """Points spread evenly through the lungs.

    Also their numbers among those drawn, their distance from the surface, and the volume in litres.
    """
    low = np.array([-150.0, -125.0, -190.0]) * [cage.width, cage.depth, cage.length]
    high = np.array([150.0, 125.0, 135.0]) * [cage.width, cage.depth, cage.length]
    at = rng.uniform(low, high, (CANDIDATES, 3))
    x, y, z = at.T
    depth = cages.wall_depth(cage, x, y, z)
    wrapped = organs.envelope(mediastinum, x, y, z, cages.spine_y(cage, z))
    room = -lung_distance(cage, depth, wrapped, x, y, z)
    inside = np.flatnonzero(settled(room) > 0.5)
    litres = float(np.prod(high - low)) * len(inside) / CANDIDATES / 1e6
    return at[inside], inside, room[inside], litres


# Where artery, vein and bronchus of each lobe enter it (mm, average adult): see cage.lobe.
_GATES: Floats = np.array(
    [(-48, 0, -8), (-52, -18, -48), (-50, 22, -55), (50, -8, -10), (52, 26, -45)], np.float64
)
_ROOTS = {"right": (-42.0, 5.0, -32.0), "left": (46.0, 12.0, -20.0)}


def _trees(
    rng: np.random.Generator,
    cage: Cage,
    fissures: Fissures,
    points: Floats,
    number: Integers,
    litres: float,
) -> tuple[Segments, Segments]:
    """An arterial and a venous tree in each lobe."""
    streams = iter(rng.spawn(2 * len(_GATES)))
    belongs = cages.lobe(fissures, *points.T)
    scale = np.array([cage.width, cage.depth, cage.length])
    density = float(rng.normal(1.0, 0.12)) * _TIPS_PER_LITRE * litres / len(points)
    trees: dict[str, list[Segments]] = {"artery": [], "vein": []}
    for place, gate in enumerate(_GATES):
        own = belongs == place
        count = max(8, int(density * own.sum()))
        main = _ROOTS["right" if place < 3 else "left"]
        for kind, drop in (("artery", np.zeros(3)), ("vein", np.array([0.0, -9.0, -24.0]))):
            rng = next(streams)
            # each candidate draws its lot before it is known which of them lie in the lobe
            lots = rng.random(CANDIDATES)[number[own]]
            tips = points[own][np.argsort(lots, kind="stable")[:count]]
            entry = (gate + drop + rng.normal(0, 3, 3)) * scale
            tip_radius = _TIP_RADIUS_MM * float(rng.normal(1, 0.06))
            tree = grow(entry, tips, tip_radius=tip_radius, rng=rng)
            stem = float(tree.radius.max())
            start = (np.asarray(main) + drop * 1.2) * scale
            link = Segments(np.array([start]), np.array([entry]), np.array([[stem * 1.1, stem]]))
            trees[kind] += [tree, link]
    return Segments.join(*trees["artery"]), Segments.join(*trees["vein"])


def paint_lungs(
    canvas: Canvas,
    lungs: Lungs,
    distance: Floats,
    noise: Noise,
    thickness_mm: float,
    vessel_hu: float,
) -> Floats:
    """Parenchyma, fissures and vessels; returns the share of lung in each pixel."""
    share = canvas.cover(distance)
    canvas.paint(share, _parenchyma(canvas, lungs, distance, noise), Tissue.LUNG)
    inside = canvas.cover(distance - 1.0)
    tree = share_of_slice(canvas, lungs.vessels, thickness_mm) * inside
    canvas.paint(tree, vessel_hu, Tissue.BLOOD)
    return share


def _parenchyma(canvas: Canvas, lungs: Lungs, distance: Floats, noise: Noise) -> Floats:
    """HU of lung without visible vessels: gravity, lobules, emphysema, fissures."""
    y = canvas.y
    value = lungs.density_hu + lungs.gravity_hu * (y / 90.0)
    value += lungs.texture_hu * (noise.on(canvas, 11.0) + 0.8 * noise.on(canvas, 4.0))
    if lungs.emphysema > 0:
        holes = np.clip(noise.on(canvas, 7.0) - 1.6 + lungs.emphysema, 0, 1)
        value += holes * (hu.AIR_HU + 25 - value) * 0.8
    back = np.clip((y - 55) / 30, 0, 1) * np.clip((6 + distance) / 6, 0, 1)
    value += 90 * back  # dependent density next to the pleura behind
    for above in cages.fissure_distances(lungs.fissures, canvas.x, y, canvas.z):
        value += lungs.fissures.visible * np.clip(1 - np.abs(above) / 1.3, 0, 1)
    return value
