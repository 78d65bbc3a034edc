"""Simulated patients with a lesion of the liver, seen by CT, MRI and ultrasound, registered.

One anatomy, three scanners (`belly`, `lesion`; `ct`, `mri`, `ultrasound`). Each patient's parts
have random streams of their own: body, signs' shape, positions and each scanner's noise. The signs
of the lesion reach nothing but what fills it and its rim.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlib.errors import InputError
from medlib.phantom.anatomy import belly as bellies
from medlib.phantom.anatomy import lesion as lesions
from medlib.phantom.anatomy.geometry import Grid, Noise
from medlib.phantom.anatomy.lesion import Lesion, Signs
from medlib.phantom.anatomy.shares import Shares
from medlib.phantom.anatomy.substances import values
from medlib.phantom.scanner import ct, mri, ultrasound
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Floats, Image, Mask

MODALITIES: Final = ("ct", "mri", "ultrasound")
"""The three ways a patient is imaged."""
MAP: Final = Grid(1.0, 384)
"""Where anatomy is painted: 384 mm a side, 1 mm pixels."""
CROP_MM, CROP_SIZE = 80.0, 96
"""Side of the region round the lesion, in mm and in pixels."""
JITTER_MM: Final = 6.0


@dataclass(frozen=True)
class SimulatedAbdomen:
    """One patient: an image (float32 of whole numbers) a modality, and what is known exactly.

    ct in HU, mri 0 to 4095, ultrasound 0 to 255; all show the same square, `pixel_mm` a pixel.
    lesion: mask of the same shape. tissue: index into `names` of what fills most of each pixel.
    """

    images: dict[str, Image]
    pixel_mm: float
    lesion: Mask
    tissue: NDArray[np.uint8]
    names: tuple[str, ...]
    signs: Signs
    scanner: ct.Scanner
    probe: ultrasound.Probe


def simulate(
    seed: int, signs: Signs, *, task: str = "crop", matrix: int | None = None, sequence: str = "t2"
) -> SimulatedAbdomen:
    """A simulated patient; the same seed and signs give the same bytes on every processor.

    task: "crop", 80 mm round the lesion, 96 x 96; "slice", the whole body, 384 x 384. `matrix`
    changes rows and columns. sequence: one of `mri.SEQUENCES`. Raises InputError for others.
    """
    _check(task, matrix, sequence)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(6)]
    body, shape, position, *noise = streams
    belly = bellies.draw(body)
    radius = lesions.draw_radius(shape)
    centre = bellies.site(belly, radius + 9)
    lesion = lesions.draw(shape, centre=centre, radius=radius, signs=signs)
    jitter = position.uniform(-JITTER_MM, JITTER_MM, 2)
    looks = float(np.arctan2(centre[1], centre[0]) + position.normal(0, 0.12))
    slab = bellies.render(belly, lesion, MAP, looks)
    shown = Grid(CROP_MM / CROP_SIZE, CROP_SIZE, (centre[0] + jitter[0], centre[1] + jitter[1]))
    if task == "slice":
        shown = MAP
    if matrix is not None:
        shown = Grid(shown.pixel_mm * shown.size / matrix, matrix, shown.centre_mm)
    grain = belly.grain
    scanner = _scanner(position)
    probe = _probe(position, belly, centre, looks)
    texture = _texture(grain)
    images = {
        "ct": _ct(slab, shown, scanner, texture, noise[0]),
        "mri": _mri(slab, shown, sequence, texture, noise[1], position),
        "ultrasound": _ultrasound(slab, shown, probe, noise[2]),
    }
    return _case(images, slab, lesion, shown, scanner, probe)


def _check(task: str, matrix: int | None, sequence: str) -> None:
    """Refuse what cannot be simulated."""
    if task not in ("crop", "slice"):
        raise InputError(f"task is {task!r}; choose 'crop' or 'slice'.")
    if matrix is not None and as_number(matrix, "matrix", least=16) % 2:
        raise InputError(f"matrix is {matrix}; give an even number of at least 16.")
    if sequence not in mri.SEQUENCES:
        raise InputError(f"sequence is {sequence!r}; choose one of {', '.join(mri.SEQUENCES)}.")


def _texture(grain: Noise) -> Floats:
    """Fine variation of even tissue on the map, mean 0, SD about 1."""
    across, down = MAP.axes()
    return grain.plane(across / 5.0, down / 5.0)


def _scanner(rng: np.random.Generator) -> ct.Scanner:
    """CT scanner and protocol: soft or standard kernel, as for the liver."""
    kernel = str(rng.choice(["soft", "standard"]))
    return ct.draw_scanner(rng, kernel=kernel, slice_thickness_mm=5.0, matrix=CROP_SIZE, kvp=120)


def _probe(
    rng: np.random.Generator, belly: bellies.Belly, centre: tuple[float, float], looks: float
) -> ultrasound.Probe:
    """A probe on the skin beside the lesion, looking at it or a little past."""
    reach = float(belly.reach(np.array(looks))) - 1.0
    skin = reach * float(np.cos(looks)), reach * float(np.sin(looks))
    at = float(np.arctan2(centre[1] - skin[1], centre[0] - skin[0]))
    return ultrasound.Probe(skin=skin, towards=at + float(rng.normal(0, 0.06)))


def _ct(
    slab: Shares, shown: Grid, scanner: ct.Scanner, texture: Floats, rng: np.random.Generator
) -> Image:
    soft = slab.mixed("hu") + 4.0 * texture * (1 - slab.share[0])
    images = ct.acquire(
        soft[None],
        pixel_mm=MAP.pixel_mm,
        scanner=scanner,
        rng=rng,
        centre_mm=(shown.centre_mm[1], shown.centre_mm[0]),
        field_of_view_mm=shown.pixel_mm * shown.size,
        matrix=shown.size,
    )
    image: Image = images[0]
    return image


def _mri(
    slab: Shares,
    shown: Grid,
    sequence: str,
    texture: Floats,
    rng: np.random.Generator,
    position: np.random.Generator,
) -> Image:
    """The magnitude image, resampled to the pixels shown."""
    protons, t1, t2 = (values(slab.substances, name) for name in ("protons", "t1", "t2"))
    signal = mri.signal(mri.SEQUENCES[sequence], protons=protons, t1=t1, t2=t2)
    ideal = slab.mix(signal) * (1 + 0.04 * texture)
    slope, bend, motion, cycles, phase = position.uniform(
        (-0.2, -0.2, 0.2, 5, 0), (0.2, 0.2, 0.9, 11, 2 * np.pi)
    )
    coil = mri.Coil(slope=(float(slope), 0.1), bend=float(bend))
    how = mri.Acquisition(
        motion=float(motion), cycles=float(cycles), phase=float(phase), noise=0.012
    )
    image = mri.acquire(ideal, coil=coil, acquisition=how, rng=rng)
    across, down = shown.axes()
    first = mri.places(MAP.size, how.matrix, MAP.pixel_mm)
    return _sampled(image, first, across, down)


def _ultrasound(
    slab: Shares, shown: Grid, probe: ultrasound.Probe, rng: np.random.Generator
) -> Image:
    """The fan, scan-converted to the pixels shown."""
    x, y = probe.places()
    offset = MAP.axes()[0][0]
    at = np.stack([(y - offset) / MAP.pixel_mm, (x - offset) / MAP.pixel_mm])
    maps = {
        name: ndimage.map_coordinates(slab.mixed(name), at, order=1, mode="nearest")
        for name in ("echo", "attenuation", "impedance")
    }
    levels = ultrasound.compressed(
        ultrasound.envelope(ultrasound.Medium(**maps), probe, rng), probe
    )
    across, down = shown.axes()
    return ultrasound.scan_converted(levels, probe, across[None, :], down[:, None]).astype(
        np.float32
    )


def _sampled(image: Floats, first: Floats, across: Floats, down: Floats) -> Image:
    """An image whose pixels lie at `first` along both axes, at other positions; whole numbers."""
    step = first[1] - first[0]
    at = np.meshgrid((down - first[0]) / step, (across - first[0]) / step, indexing="ij")
    moved = ndimage.map_coordinates(image, np.stack(at), order=1, mode="nearest")
    return np.asarray(np.rint(moved), np.float32)


def _case(
    images: dict[str, Image],
    slab: Shares,
    lesion: Lesion,
    shown: Grid,
    scanner: ct.Scanner,
    probe: ultrasound.Probe,
) -> SimulatedAbdomen:
    """Put together what is returned; masks move to the pixels shown."""
    across, down = shown.axes()
    offset = MAP.axes()[0][0]
    at = np.meshgrid(
        (down - offset) / MAP.pixel_mm, (across - offset) / MAP.pixel_mm, indexing="ij"
    )
    tissue = ndimage.map_coordinates(slab.labels, np.stack(at), order=0, mode="nearest")
    outline = lesions.distance(lesion, across[None, :], down[:, None])
    return SimulatedAbdomen(
        images=images,
        pixel_mm=shown.pixel_mm,
        lesion=outline < 0,
        tissue=tissue.astype(np.uint8),
        names=slab.names,
        signs=lesion.signs,
        scanner=replace(scanner, field_of_view_mm=shown.pixel_mm * shown.size, matrix=shown.size),
        probe=probe,
    )
