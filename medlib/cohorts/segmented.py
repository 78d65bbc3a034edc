"""Volumes with masks: what a network that draws outlines learns from and is judged by.

One way in, `load_segmented`: the simulated heads, or an npz file of a reader's own cubes. What does
not fit together is refused before anything is trained, with the shapes in the sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medlib.cohorts import is_simulated, load
from medlib.cohorts.cohort import Cohort
from medlib.cohorts.sources import cube_names, cubes, head
from medlib.errors import InputError, did_you_mean
from medlib.phantom.head import CHANNELS, PARTS
from medlib.types import Bools, Integers, Singles


@dataclass(frozen=True)
class Segmented:
    """Volumes of patients with the outline of what is looked for; frozen.

    images: n x channels x x x y x z float32. masks: n x x x y x z, 0 (background) and 1, 2, ... as
    `parts` names them. patients: number of the patient of each case. cases: the same as a `Cohort`
    of one row a case, which results name as their data.
    """

    images: Singles
    masks: NDArray[np.uint8]
    patients: Integers
    spacing_mm: float
    channels: tuple[str, ...]
    parts: tuple[str, ...]
    cases: Cohort

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.images)

    @property
    def present(self) -> Bools:
        """Whether each case has each part but the background: n x parts."""
        return cubes.parts_there(self.masks, len(self.parts))


def load_segmented(
    spec: str,
    *,
    seed: int = 0,
    per_class: int | None = None,
    channels: str = "",
    mask_labels: str = "",
    longest: int = 48,
) -> Segmented:
    """Return the volumes of ``spec``: "phantom-head-mri", or "npz:FILE" of a reader's own.

    FILE holds images (n x channels x x x y x z), masks (n x x x y x z), patient_ids, spacing_mm
    (one number, or three alike; also ``npz:FILE?spacing_mm=1``) and, where there are some, names of
    channels and of parts. ``channels``: those expected, in order, separated by commas;
    ``mask_labels``: the numbers that a mask may hold, the background first; empty: what the file
    holds. Cubes longer than ``longest`` voxels are averaged down by a whole factor.

    Raises InputError, with the shapes, for what does not fit: see `cubes.check`.
    """
    expected = tuple(name.strip() for name in channels.split(",") if name.strip())
    if is_simulated(spec):
        found = _simulated(spec, seed, per_class)
        cube_names.check_channels(found.channels, expected, found.images, found.cases.name)
        return found
    kind, _, place = spec.strip().partition(":")
    if kind != "npz":
        hint = did_you_mean(kind, ("npz", head.NAME), "give npz:FILE.")
        raise InputError(f"This chapter needs volumes with masks, and {spec!r} has none: {hint}")
    read = cubes.load(place, expected=expected, mask_labels=mask_labels, longest=longest)
    cases = _as_cohort(read, Path(place.partition("?")[0]).stem)
    return Segmented(read.images, read.masks, cases.groups, read.spacing_mm, read.channels,
                     read.parts, cases)  # fmt: skip


def _simulated(spec: str, seed: int, per_class: int | None) -> Segmented:
    if spec.partition("?")[0] != head.NAME:
        raise InputError(
            f"{spec!r} has no masks of volumes: name {head.NAME} or npz:FILE for this chapter."
        )
    cases = load(spec, seed=seed, per_class=per_class)
    images, masks, spacing = [], [], 0.0
    for path in cases.table.path:
        with np.load(path) as kept:
            images.append(kept["images"].astype(np.float32))
            masks.append(kept["mask"])
            spacing = float(kept["spacing_mm"])
    return Segmented(np.stack(images), np.stack(masks), cases.groups, spacing, CHANNELS, PARTS,
                     cases)  # fmt: skip


def _as_cohort(read: cubes.Cubes, name: str) -> Cohort:
    """One row a case: who it is, and a hash of its volumes and mask."""
    images, masks, ids = read.images, read.masks, read.ids
    hashes = [
        hashlib.sha256(a.tobytes() + m.tobytes()).hexdigest()
        for a, m in zip(images, masks, strict=True)
    ]
    table = pd.DataFrame({"image_id": [f"{i:05d}" for i in range(len(ids))], "patient_id": ids})
    table = table.assign(label="outlined", site="unknown", sha256=hashes, row=range(len(ids)))
    middle = images.shape[-1] // 2

    def slice_of(row: Mapping[str, Any]) -> Singles:
        return np.ascontiguousarray(images[row["row"], 0, :, :, middle])

    return Cohort(name=f"npz-{name}", table=table, classes=("outlined",), reader=slice_of,
                  modality="volumes", units="as stored", notes=read.notes,
                  grey_range=(float(images.min()), float(images.max())))  # fmt: skip


def deal(
    patients: Integers, *, test_share: float, fewest: int, seed: int, most: int | None = None
) -> tuple[Integers, Integers]:
    """Return the rows of cases that train and that test: whole patients, shuffled by the seed.

    Of more than `most` patients, so many are drawn. Raises InputError where either side has fewer
    than `fewest` patients.
    """
    every = np.unique(patients)
    order = np.random.default_rng([seed, 20]).permutation(every)[:most]
    number = round(test_share * len(order))
    if min(number, len(order) - number) < fewest:
        raise InputError(
            f"{len(order)} patients give {len(order) - number} for training and {number} for the "
            f"test, and each needs {fewest}: add patients, or change test_share."
        )
    tested, trains = (np.isin(patients, some) for some in (order[:number], order[number:]))
    return np.flatnonzero(trains), np.flatnonzero(tested)
