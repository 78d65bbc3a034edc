"""Ribs and their cartilage, spine, sternum, clavicles and scapulae."""

import numpy as np

from medlib.phantom.anatomy import cage as cages
from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.cage import Cage
from medlib.phantom.anatomy.geometry import Canvas, Noise, Window, capsule_distance
from medlib.phantom.anatomy.tissue import Tissue
from medlib.phantom.anatomy.wall import RIB_LAYER_MM, Layers, Lookup
from medlib.types import Floats

_RIB_DEPTH_MM, _RIB_HALF_THICK_MM, _RIB_HALF_TALL_MM = 5.0, 3.4, 5.6
_SPINE_WINDOW_MM = 75.0


def paint_skeleton(
    canvas: Canvas, cage: Cage, tables: Layers, at: Lookup, noise: Noise, marrow: float
) -> None:
    """All bones of one slice; `marrow` shifts the HU of trabecular bone (age)."""
    grain = hu.TRABECULAR_BONE_HU + marrow + 45 * noise.on(canvas, 2.6)
    paint_ribs(canvas, cage, at, grain)
    paint_sternum(canvas, cage, at, grain)
    paint_scapulae(canvas, cage, tables, at, grain)
    paint_clavicles(canvas, cage, grain)
    paint_spine(canvas, cage, grain)


def bone(canvas: Canvas, distance: Floats, shell_mm: float, marrow: Floats, where: Window) -> None:
    """A cortical shell filled with trabecular bone."""
    canvas.paint(canvas.cover(distance), hu.CORTICAL_BONE_HU, Tissue.CORTICAL_BONE, where)
    canvas.paint(canvas.cover(distance + shell_mm), marrow[where], Tissue.TRABECULAR_BONE, where)


def rib_offset(cage: Cage, angle: Floats, z: float) -> Floats:
    """Vertical distance in mm from the axis of the nearest rib at an angle and height."""
    amount, phase = cage.rib_waviness
    fall = cage.rib_drop * (1 + np.cos(angle)) / 2
    side = np.where(angle < 0, 0.0, cage.rib_phase[1])
    place = z + fall + side + cage.rib_phase[0] + amount * np.sin(2.7 * angle + phase + z / 31.0)
    pitch = cage.rib_pitch
    offset: Floats = np.mod(place, pitch) - pitch / 2
    return offset


def paint_ribs(canvas: Canvas, cage: Cage, at: Lookup, marrow: Floats) -> None:
    """Ribs from beside the spine to the front, where they turn into cartilage."""
    near = np.flatnonzero((at.depth > -1) & (at.depth < RIB_LAYER_MM + 2))
    depth, angle = at.depth.ravel()[near], at.angle.ravel()[near]
    tall = rib_offset(cage, angle, canvas.z) * 0.94
    u, v = (depth - _RIB_DEPTH_MM) / _RIB_HALF_THICK_MM, tall / _RIB_HALF_TALL_MM
    norm = np.sqrt(u * u + v * v)
    distance = (norm - 1) * (_RIB_HALF_THICK_MM + 1.2)
    turn = np.abs(angle)
    behind = (turn - 2.88) * 120
    front = (cage.cartilage_from - turn) * 110
    sheet = np.full(at.depth.size, 1e3)
    sheet[near] = np.maximum(distance, np.maximum(front, behind))
    bone(canvas, sheet.reshape(at.depth.shape), 1.1, marrow, (slice(None), slice(None)))
    sheet[near] = np.maximum(distance, np.maximum(-front, (0.12 - turn) * 110))
    share = canvas.cover(sheet.reshape(at.depth.shape))
    canvas.paint(share, hu.CARTILAGE_HU, Tissue.CARTILAGE)


def paint_sternum(canvas: Canvas, cage: Cage, at: Lookup, marrow: Floats) -> None:
    """Manubrium, body and xiphoid: a plate in front of the cage, of changing width."""
    level = canvas.z / cage.length
    if not -105 < level < 66:
        return
    half = float(
        np.interp(level, (-105, -80, -60, 10, 28, 40, 58, 66), (4, 8, 17, 14, 14, 27, 29, 20))
    )
    thick = float(np.interp(level, (-105, -60, 25, 45, 66), (3.0, 5.0, 5.0, 6.5, 6.0)))
    where = canvas.window(
        0.0,
        -cages.radius(cage, np.zeros(1), canvas.z)[0] + cages.centre(cage, canvas.z)[1].item(),
        half + 25,
    )
    if where is None:
        return
    u, v = np.abs(canvas.x[where]) / (half * cage.width), np.abs(at.depth[where] - 6.5) / thick
    distance = ((u**3.5 + v**3.5) ** (1 / 3.5) - 1) * thick
    front = np.cos(at.angle[where]) > 0.3
    bone(canvas, np.where(front, distance, 1e3), 1.2, marrow, where)


def paint_scapulae(canvas: Canvas, cage: Cage, tables: Layers, at: Lookup, marrow: Floats) -> None:
    """Blade between the muscle layers behind, with its spine standing outward; arms raised."""
    level = canvas.z / cage.length
    if not -45 < level < 100:
        return
    low = float(np.radians(np.interp(level, (-45, -20, 60, 100), (122, 112, 100, 88))))
    high = float(np.radians(np.interp(level, (-45, -20, 60, 100), (126, 140, 146, 135))))
    turn = np.abs(at.angle)
    bed = RIB_LAYER_MM + (tables.deep + 0.5 * tables.middle)[at.index]
    wave = 2.5 * np.sin(turn * 9.0)
    across = np.maximum(low - turn, turn - high) * 120
    plump = 1.5 + 3.0 * np.exp(-(((turn - low) * 120 / 9.0) ** 2))  # thick lateral border
    blade = np.maximum(np.abs(at.depth - bed - wave) - plump, across)
    if level > 15:
        reach = min(28.0, (level - 15) * 0.9)
        lean = (turn - (low + 0.45 * (high - low))) * 120 + 0.35 * (at.depth - bed)
        ridge = np.maximum(np.abs(lean) - 2.2, np.maximum(bed - at.depth, at.depth - bed - reach))
        blade = np.minimum(blade, ridge)
    bone(canvas, blade, 1.3, marrow, (slice(None), slice(None)))


def paint_clavicles(canvas: Canvas, cage: Cage, marrow: Floats) -> None:
    """Clavicles from the manubrium outward, up and back."""
    for side in (-1.0, 1.0):
        z0 = 58.0 * cage.length
        front = float(cages.centre(cage, z0)[1] - cages.radius(cage, np.zeros(1), z0)[0])
        start = (side * 26.0 * cage.width, front - 8.0, z0, 9.5)
        elbow = (side * 66.0 * cage.width, front - 4.0, z0 + 20.0, 6.0)
        end = (side * 112.0 * cage.width, front + 42.0, z0 + 46.0, 6.5)
        if not start[2] - 12 < canvas.z < end[2] + 12:
            continue
        distance = np.minimum(
            capsule_distance(canvas.x, canvas.y, canvas.z, start, elbow),
            capsule_distance(canvas.x, canvas.y, canvas.z, elbow, end),
        )
        bone(canvas, distance, 1.8, marrow, (slice(None), slice(None)))


def paint_spine(canvas: Canvas, cage: Cage, marrow: Floats) -> None:
    """Vertebral body or disc, canal, pedicles, laminae, transverse and spinous processes."""
    y0 = cages.spine_y(cage, canvas.z)
    x0 = cage.spine_bend * float(np.sin(canvas.z / 90.0))
    where = canvas.window(x0, y0 + 25, _SPINE_WINDOW_MM)
    if where is None:
        return
    x, y = canvas.x[where] - x0, canvas.y[where] - y0
    pitch = cage.rib_pitch
    phase = (
        canvas.z + cage.rib_phase[0]
    ) % pitch - pitch / 2  # 0 at mid-body, +-pitch/2 in the disc
    grow = float(np.interp(canvas.z, (-180, 120), (1.18, 0.85))) * cage.width
    waist = 1.0 - 0.09 * float(np.cos(phase / pitch * 2 * np.pi))
    body = _vertebral_body(x, y, 16.5 * grow * waist, 13.5 * grow * waist)
    arch = _arch(x, y, phase, pitch, grow)
    bone(canvas, arch, 1.5, marrow, where)
    if abs(phase) > pitch / 2 - 2.6:
        canvas.paint(canvas.cover(body), hu.DISC_HU, Tissue.CARTILAGE, where)
    else:
        dense = 260.0 if abs(phase) > pitch / 2 - 4.5 else 0.0
        bone(canvas, body, 1.0, marrow + dense, where)
    canal = np.hypot(x / 1.15, y - 21.0 * grow) - 7.8 * grow
    canvas.paint(canvas.cover(canal), hu.SOFT_HU - 10, Tissue.SOFT, where)


def _vertebral_body(x: Floats, y: Floats, wide: float, deep: float) -> Floats:
    """Rounded block, hollow towards the canal."""
    norm = (np.abs(x / wide) ** 2.6 + np.abs(y / deep) ** 2.6) ** (1 / 2.6)
    hollow = 9.0 - np.hypot(x, y - deep - 6.5)
    distance: Floats = np.maximum((norm - 1) * deep, hollow)
    return distance


def _arch(x: Floats, y: Floats, phase: float, pitch: float, grow: float) -> Floats:
    """Everything behind the body; pedicles and transverse processes only in its upper half."""
    across = np.abs(x)

    def rod(a: tuple[float, float], b: tuple[float, float], r: float) -> Floats:
        start, end = (
            (a[0] * grow, a[1] * grow, 0.0, r * grow),
            (b[0] * grow, b[1] * grow, 0.0, r * grow),
        )
        return capsule_distance(across, y, 0.0, start, end)

    parts = [rod((13.0, 30.0), (1.0, 37.0), 3.3)]
    sink = phase / pitch  # the spinous process hangs: nearer the tip lower down
    parts.append(rod((0.0, 38.0), (0.0, 50.0 - 14.0 * sink), 2.7))
    if phase > -2:
        parts.append(rod((12.5, 9.0), (13.0, 27.0), 4.0))
        parts.append(rod((13.0, 28.0), (31.0, 36.0 + 4 * sink), 3.8))
    else:
        parts.append(rod((13.5, 27.0), (14.5, 30.0), 5.0))  # articular processes
    if -3 < phase < 9:
        parts.append(rod((19.0, 4.0), (34.0, 27.0), 3.4))  # head and neck of the rib
    whole: Floats = np.minimum.reduce(parts)
    return whole
