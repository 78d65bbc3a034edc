"""A simulated CT scanner on the bench: a chest from top to bottom, tissues, noise, sharpness.

The test objects are those of quality control: a cylinder of water, and a rod in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from medlib.phantom.anatomy import thorax, tissue
from medlib.phantom.anatomy.couch import draw_table
from medlib.phantom.anatomy.geometry import Grid, Pose
from medlib.phantom.scanner import ct, quality
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Floats, Images

Spectrum = tuple[Floats, Floats]

PIXEL_MM = 1.25
"""Side of a pixel in the images of the test objects."""
NOMINAL = {
    tissue.Tissue.AIR: tissue.AIR_HU,
    tissue.Tissue.LUNG: tissue.LUNG_HU,
    tissue.Tissue.FAT: tissue.FAT_HU,
    tissue.Tissue.MUSCLE: tissue.MUSCLE_HU,
    tissue.Tissue.TRABECULAR_BONE: tissue.TRABECULAR_BONE_HU,
    tissue.Tissue.CORTICAL_BONE: tissue.CORTICAL_BONE_HU,
}
"""Tissues that are measured, with the HU that they are drawn with."""
_FIELD = 256  # pixels a side of these images
_MIDDLE = slice(96, 160)  # of an image: nothing but the object, and far from its edge
_ROD_MM, _ROD_HU, _OFF_CENTRE = 60.0, 200, (1.7, 3.3)  # (y, x): an edge at all distances
_SCAN_FIELD = 1.3  # over the field shown, so that what is not shown still casts shadows
_RIM = 2  # pixels of an organ's rim, shared with the neighbour


@dataclass(frozen=True)
class ChestScan:
    """A few slices through a whole chest, first the highest.

    hu: slices x rows x columns. tissue: labels of the same shape. z_mm: level of each slice above
    the carina. pixel_mm: side of a pixel. scanner: what made them.
    """

    hu: Images
    tissue: NDArray[np.uint8]
    z_mm: tuple[float, ...]
    pixel_mm: float
    scanner: ct.Scanner


def whole_chest(seed: int, *, slices: int = 6, mas: float = 150.0, matrix: int = 256) -> ChestScan:
    """Slices of one healthy simulated patient, evenly from the top of the lungs to their bottom.

    Raises InputError for a seed or counts that are none.
    """
    slices, matrix = as_number(slices, "slices", least=2), as_number(matrix, "matrix", least=16)
    body, couch, noise = np.random.default_rng(as_seed(seed)).spawn(3)
    patient, table = thorax.draw(body), draw_table(couch)
    heights = patient.lungs.sites[:, 2]
    levels = tuple(float(z) for z in np.linspace(heights.max() - 12, heights.min() + 12, slices))
    field = round(1.08 * patient.width_mm + 10)
    scanner = ct.Scanner(mas=mas, field_of_view_mm=field, matrix=matrix)
    size = 2 * (matrix * 3 // 4)
    drawn, shown = Grid(field * _SCAN_FIELD / size, size), Grid(field / matrix, matrix)
    ideal, labels = (
        thorax.render(patient, levels, grid, pose=Pose(), table=table, thickness_mm=5.0)
        for grid in (drawn, shown)
    )
    hu = ct.acquire(ideal.hu, pixel_mm=drawn.pixel_mm, scanner=scanner, rng=noise)
    return ChestScan(hu, labels.tissue, levels, shown.pixel_mm, scanner)


def tissue_values(scan: ChestScan) -> pd.DataFrame:
    """HU of each tissue of `NOMINAL`, as drawn and as measured: tissue, nominal, mean, sd, pixels.

    The rim of a tissue is left out; cortical bone is all rim and is taken whole.
    """
    rows = []
    for label, nominal in NOMINAL.items():
        inside = scan.tissue == label
        if label != tissue.Tissue.CORTICAL_BONE:
            inside = ndimage.binary_erosion(inside, np.ones((1, 3, 3)), iterations=_RIM)
        values = scan.hu[inside & (scan.hu > ct.PADDING_HU)]
        name = label.name.lower().replace("_", " ")
        rows.append((name, nominal, values.mean(), values.std(), values.size))
    return pd.DataFrame(rows, columns=["tissue", "nominal", "mean", "sd", "pixels"])


def noise(kernel: str, mas: float, *, repeats: int = 4, seed: int = 0) -> np.float32:
    """SD in HU of a pixel of water between repeated images of a cylinder of 24 cm."""
    images = _images(_water(), ct.Scanner(kernel=kernel, mas=mas), repeats, seed)
    return np.float32(images[:, _MIDDLE, _MIDDLE].std(axis=0, ddof=1).mean())


def sharpness(kernel: str, *, mas: float = 100.0, seed: int = 0) -> tuple[Spectrum, Spectrum]:
    """Noise power spectrum, and modulation transfer at the edge of a rod in the water.

    Each is (frequency in 1/mm, values), as `medlib.phantom.scanner.quality` has them.
    """
    y, x = _places()
    rod = (x - _OFF_CENTRE[1]) ** 2 + (y - _OFF_CENTRE[0]) ** 2 < _ROD_MM**2
    ideal = np.where(rod, _ROD_HU, _water()).astype(np.float32)
    images = _images(ideal, ct.Scanner(kernel=kernel, mas=mas), 8, seed)
    power = quality.noise_power_spectrum(images[:, _MIDDLE, _MIDDLE], PIXEL_MM)
    edge = quality.modulation_transfer(
        images.mean(axis=0), PIXEL_MM, centre_mm=_OFF_CENTRE, radius_mm=_ROD_MM
    )
    return power, edge


def _places() -> tuple[Images, Images]:
    """Y and x of the pixels of the ideal objects, mm."""
    y, x = np.mgrid[-191.5:192, -191.5:192].astype(np.float32)
    return y, x


def _water() -> Images:
    """A cylinder of water of 24 cm in air, HU, pixels of 1 mm."""
    y, x = _places()
    return np.where(x**2 + y**2 < 120**2, 0, -1000).astype(np.float32)


def _images(ideal: Images, scanner: ct.Scanner, repeats: int, seed: int) -> Images:
    """Repeated images of the same object, repeats x n x n, HU."""
    scanner = replace(scanner, field_of_view_mm=PIXEL_MM * _FIELD, matrix=_FIELD)
    stack = np.repeat(
        ideal[None].astype(np.float64), as_number(repeats, "repeats", least=2), axis=0
    )
    rng = np.random.default_rng(as_seed(seed))
    return ct.acquire(stack, pixel_mm=1.0, scanner=scanner, rng=rng)
