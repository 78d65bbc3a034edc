"""What shows below the diaphragm on the lowest chest slices: liver, spleen, stomach."""

import numpy as np

from medlib.phantom.anatomy import cage as cages
from medlib.phantom.anatomy import tissue as hu
from medlib.phantom.anatomy.cage import Cage
from medlib.phantom.anatomy.geometry import Canvas, Noise, ellipsoid_distance
from medlib.phantom.anatomy.heart import Contrast
from medlib.phantom.anatomy.tissue import Tissue
from medlib.types import Floats


def paint_abdomen(
    canvas: Canvas, cage: Cage, depth: Floats, noise: Noise, contrast: Contrast
) -> None:
    """Organs under the domes, in the fat that is already there."""
    below = -cages.diaphragm_distance(cage, canvas.x, canvas.y, canvas.z)
    if float(below.min()) > 0:
        return
    x, y, z = canvas.x, canvas.y, canvas.z
    given = contrast.phase != "none"
    inside = np.maximum(below + 1.5, depth + 2.0)
    muscle = np.maximum(below, depth + 0.5)
    canvas.paint(canvas.cover(np.maximum(muscle, -(inside + 1.0))), hu.MUSCLE_HU, Tissue.MUSCLE)
    grain = 6 * noise.on(canvas, 14.0)
    liver = np.maximum(inside, (x - 28 + 0.35 * y) * 0.9)
    canvas.paint(canvas.cover(liver), hu.LIVER_HU + (45 if given else 0) + grain, Tissue.LIVER)
    spleen = np.maximum(
        inside + 1.5, ellipsoid_distance(x, y, z, (92.0, 48.0, -165.0), (34.0, 44.0, 48.0), 0.5)
    )
    canvas.paint(canvas.cover(spleen), hu.SPLEEN_HU + (65 if given else 0), Tissue.SPLEEN)
    stomach = np.maximum(
        inside + 1.5, ellipsoid_distance(x, y, z, (62.0, -14.0, -160.0), (42.0, 46.0, 48.0), 0.3)
    )
    canvas.paint(canvas.cover(stomach), hu.MUSCLE_HU, Tissue.MUSCLE)
    canvas.paint(canvas.cover(stomach + 4.0), hu.FLUID_HU + 10, Tissue.SOFT)
    gas = np.maximum(stomach + 4.5, y + 22)
    canvas.paint(canvas.cover(gas), hu.AIR_HU, Tissue.AIRWAY)
