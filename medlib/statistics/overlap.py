"""How well one outline agrees with another: overlap, distance of surfaces, volume.

Definitions. Dice: 2 |A and B| / (|A| + |B|). HD95: the larger of the two 95th percentiles of the
distances from one surface's voxels to the other surface. Surface Dice: share of both surfaces
within a tolerance of the other (Nikolov et al., J. Med. Internet Res. 23 (2021) e26151). Volume
error: (|A| - |B|) / |B|. MONAI computes the distances; `tests/statistics` holds them to boxes whose
numbers are known.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice

from medlib.errors import InputError
from medlib.types import Array

MEASURES: Final = ("dice", "hd95_mm", "surface_dice", "volume_error")
"""What `agreement` gives, in order."""
PERCENTILE: Final = 95


class Agreement(NamedTuple):
    """dice and surface_dice from 0 to 1, hd95_mm in mm, volume_error as part of the true volume."""

    dice: float
    hd95_mm: float
    surface_dice: float
    volume_error: float


def agreement(found: Array, truth: Array, *, spacing_mm: float, tolerance_mm: float) -> Agreement:
    """Return how well a mask (x, y, z; true inside) agrees with the true one.

    Where nothing was found though something is there, Dice and surface Dice are 0, the volume
    error -1, and HD95 the diagonal of the volume: the worst there is, so that a miss is never left
    out of a mean. Where nothing is there, nothing can be said: all are NaN.

    Raises InputError for masks of unlike shape and lengths not above 0.
    """
    a, b = np.asarray(found, bool), np.asarray(truth, bool)
    if a.shape != b.shape or a.ndim != 3:
        raise InputError(
            f"Masks of {a.shape} and {b.shape} cannot be compared; give volumes of one shape."
        )
    if not (spacing_mm > 0 and tolerance_mm > 0):
        raise InputError(
            f"spacing_mm is {spacing_mm}, tolerance_mm {tolerance_mm}: give mm above 0."
        )
    if not b.any():
        return Agreement(*[float("nan")] * 4)
    if not a.any():
        diagonal = spacing_mm * float(np.sqrt(np.square(b.shape).sum()))
        return Agreement(0.0, diagonal, 0.0, -1.0)
    overlap = 2.0 * int((a & b).sum()) / (int(a.sum()) + int(b.sum()))
    one, other = (_cut(each, a | b) for each in (a, b))
    distance = compute_hausdorff_distance(one, other, percentile=PERCENTILE, spacing=spacing_mm)
    surface = compute_surface_dice(one, other, [tolerance_mm], spacing=spacing_mm)
    volume = (int(a.sum()) - int(b.sum())) / int(b.sum())
    return Agreement(overlap, float(distance), float(surface), volume)


def _cut(mask: Array, both: Array) -> torch.Tensor:
    """The mask round where either is, a voxel of margin, as MONAI takes it: 1 x 2 x volume."""
    where = [np.flatnonzero(both.any(axis=tuple(k for k in range(3) if k != axis)))
             for axis in range(3)]  # fmt: skip
    x, y, z = (slice(int(w[0]), int(w[-1]) + 1) for w in where)
    inside = torch.from_numpy(np.pad(mask[x, y, z], 1))
    return torch.stack([~inside, inside])[None].float()


def dice_to_iou(dice: float) -> float:
    """Return the intersection over union (Jaccard) that belongs to a Dice of one case.

    >>> round(dice_to_iou(0.8), 4)
    0.6667
    """
    return dice / (2 - dice)


def iou_to_dice(iou: float) -> float:
    """Return the Dice that belongs to an intersection over union of one case.

    >>> round(iou_to_dice(0.5), 4)
    0.6667
    """
    return 2 * iou / (1 + iou)


def readings_of_a_gain(dice: float, gain: float = 0.15) -> dict[str, float]:
    """Return which Dice each reading of "improved by 15 %" would mean, from this Dice.

    Relative or in points, of Dice or of IoU. A reading above 1 is impossible.

    >>> {name: round(value, 2) for name, value in readings_of_a_gain(0.9).items()}
    {'Dice, relative': 1.03, 'Dice, points': 1.05, 'IoU, relative': 0.97, 'IoU, points': 0.98}
    """
    iou = dice_to_iou(dice)
    return {
        "Dice, relative": dice * (1 + gain),
        "Dice, points": dice + gain,
        "IoU, relative": iou_to_dice(iou * (1 + gain)),
        "IoU, points": iou_to_dice(iou + gain),
    }
