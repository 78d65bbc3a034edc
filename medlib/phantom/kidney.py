"""Simulated patients whose kidney is normal or holds a cyst, a tumour or stones, seen by CT.

The body is that of the abdomen (`belly`), its kidneys are painted in levels (`kidney`, `renal`) and
averaged over the slice's thickness, so that small things lose contrast to partial volume. Each
patient's parts have random streams of their own: body, kidneys, finding, position, scan, noise.
Only the finding's own stream and what it paints know the class.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.phantom.anatomy import belly as bellies
from medlib.phantom.anatomy import kidney as kidneys
from medlib.phantom.anatomy import renal
from medlib.phantom.anatomy.belly import Belly
from medlib.phantom.anatomy.geometry import Grid
from medlib.phantom.anatomy.kidney import PHASES, SHARE_OF_PHASES, Kidney
from medlib.phantom.anatomy.renal import KINDS, Finding
from medlib.phantom.anatomy.shares import Attenuation
from medlib.phantom.anatomy.substances import SUBSTANCES, Substance
from medlib.phantom.scanner import ct
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Floats, Image

MAP: Final = Grid(1.0, 384)
"""Where anatomy is painted: 384 mm a side, 1 mm pixels."""
CROP_MM, CROP_SIZE = 84.0, 96
"""Side of the region round a kidney, in mm and in pixels."""
JITTER_MM: Final = 4.0
LEVELS: Final = 3
"""Levels that a slice's thickness is averaged over."""
MOST_SLICES: Final = 3
LEFT: Final = 1
SPARE: Final = {
    "urine": Substance(hu=6.0),
    "calcified wall": Substance(hu=420.0),
}
"""What only a kidney holds; of a finding the HU are drawn."""


@dataclass(frozen=True)
class SimulatedKidney:
    """One patient: slices x rows x columns of whole HU (float32), and what is known exactly."""

    images: Image
    pixel_mm: float
    kind: str
    phase: str
    side: str
    finding: Finding
    heights: tuple[float, ...]
    scanner: ct.Scanner


def simulate(
    seed: int, kind: str, *, task: str = "crop", slices: int = 2, matrix: int | None = None
) -> SimulatedKidney:
    """A simulated patient; the same seed and kind give the same bytes on every processor.

    kind: one of `KINDS`. task: "crop", 84 mm round the kidney in question, 96 x 96, left kidneys
    mirrored so that the spine is on the right; "slice", the whole body, 384 x 384. `slices`
    neighbours through the middle of the finding, 1 to 3; `matrix` changes rows and columns.
    Raises InputError for what cannot be simulated.
    """
    slices = _check(kind, task, slices, matrix)
    body, organ, other, lesion, position, scan, noise = (
        np.random.default_rng(s) for s in np.random.SeedSequence(as_seed(seed)).spawn(7)
    )
    belly = bellies.draw(body)
    side = int(position.integers(2))
    pair = [_kidney(rng, belly, k) for rng, k in zip((organ, other), (side, 1 - side), strict=True)]
    phase = str(scan.choice(list(PHASES), p=SHARE_OF_PHASES))
    substances = _substances(phase, scan)
    finding = renal.draw(lesion, pair[0], kind, phase)
    thickness = float(scan.choice([3.0, 5.0]))
    scanner = _scanner(scan, thickness)
    middle = finding.height + float(position.uniform(-1, 1))
    heights = tuple(middle + thickness * (k - (slices - 1) / 2) for k in range(slices))
    jitter = position.uniform(-JITTER_MM, JITTER_MM, 2)
    shown = _shown(task, matrix, pair[0], jitter)
    base = Attenuation.of(MAP, list(substances), list(substances.values()))
    bellies.paint(base, belly, 9.0)
    maps = np.stack([_level(base, pair, finding, z, thickness) for z in heights])
    maps += 4.0 * _texture(belly) * np.clip((maps + 1000) / 900, 0, 1)
    images = ct.acquire(
        maps,
        pixel_mm=MAP.pixel_mm,
        scanner=scanner,
        rng=noise,
        centre_mm=(shown.centre_mm[1], shown.centre_mm[0]),
        field_of_view_mm=shown.pixel_mm * shown.size,
        matrix=shown.size,
    )
    if task == "crop" and side == LEFT:
        images = np.ascontiguousarray(images[:, :, ::-1])
    scanner = replace(scanner, field_of_view_mm=shown.pixel_mm * shown.size, matrix=shown.size)
    which = ("right", "left")[side]
    return SimulatedKidney(images, shown.pixel_mm, kind, phase, which, finding, heights, scanner)


def _check(kind: str, task: str, slices: int, matrix: int | None) -> int:
    """Refuse what cannot be simulated; return the number of slices."""
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}; choose one of {', '.join(KINDS)}.")
    if task not in ("crop", "slice"):
        raise InputError(f"task is {task!r}; choose 'crop' or 'slice'.")
    if matrix is not None and as_number(matrix, "matrix", least=16) % 2:
        raise InputError(f"matrix is {matrix}; give an even number of at least 16.")
    number = as_number(slices, "slices")
    if number > MOST_SLICES:
        raise InputError(f"slices is {number}; give 1 to {MOST_SLICES}: stones reach no farther.")
    return number


def _kidney(rng: np.random.Generator, belly: Belly, side: int) -> Kidney:
    """The right (0) or left (1) kidney, in the place the body has for it."""
    x, y, turn, size = (float(v) for v in belly.kidneys[side])
    return kidneys.draw(rng, centre=(x, belly.spine + y), turn=turn, size=size)


def _substances(phase: str, rng: np.random.Generator) -> dict[str, Substance]:
    """Tissues with what they have taken up; some patients drank contrast medium."""
    gain, drunk, amount = rng.uniform(0.8, 1.2), rng.uniform(), rng.uniform(60, 220)
    added = {name: float(gain * more) for name, more in PHASES[phase].items()}
    added["bowel"] = added.get("bowel", 0.0) + float(amount * (drunk < 0.25))
    plain = {**SUBSTANCES, **SPARE}
    return {name: replace(s, hu=s.hu + added.get(name, 0.0)) for name, s in plain.items()}


def _scanner(rng: np.random.Generator, thickness: float) -> ct.Scanner:
    """CT scanner and protocol: soft or standard kernel, as for the abdomen."""
    kernel = str(rng.choice(["soft", "standard"]))
    mas = float(np.round(np.exp(rng.uniform(np.log(120), np.log(360)))))
    return ct.draw_scanner(
        rng, kernel=kernel, mas=mas, slice_thickness_mm=thickness, matrix=CROP_SIZE, kvp=120
    )


def _shown(task: str, matrix: int | None, kidney: Kidney, jitter: Floats) -> Grid:
    """The pixels that are reconstructed."""
    grid = MAP
    if task == "crop":
        centre = kidney.centre[0] + float(jitter[0]), kidney.centre[1] + float(jitter[1])
        grid = Grid(CROP_MM / CROP_SIZE, CROP_SIZE, centre)
    if matrix is None:
        return grid
    return Grid(grid.pixel_mm * grid.size / matrix, matrix, grid.centre_mm)


def _level(
    base: Attenuation, pair: list[Kidney], finding: Finding, z: float, thickness: float
) -> Floats:
    """HU of one slice: the kidney in question and its finding averaged over its thickness."""
    slab = replace(base, share=base.share.copy())
    kidneys.paint(slab.near(*pair[1].centre, 62), pair[1], z)
    part = slab.near(*pair[0].centre, 62)
    total = np.zeros(part.share.shape)
    for k in range(LEVELS):
        at = z + thickness * ((k + 0.5) / LEVELS - 0.5)
        level = replace(part, share=part.share.copy())
        kidneys.paint(level, pair[0], at)
        renal.paint(level, finding, at)
        total += level.share
    part.share[:] = total / LEVELS
    return slab.hu


def _texture(belly: Belly) -> Floats:
    """Fine variation of even tissue on the map, mean 0, SD about 1."""
    across, down = MAP.axes()
    return belly.grain.plane(across / 5.0, down / 5.0)
