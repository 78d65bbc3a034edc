"""Volumes with masks: what a network that draws outlines learns from and is judged by.

One way in, `load_segmented`: the simulated heads, or an npz file of a reader's own cubes. What does
not fit together is refused before anything is trained, with the shapes in the sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medlib.cohorts import is_simulated, load
from medlib.cohorts.cohort import Cohort
from medlib.cohorts.sources import archives, head
from medlib.cohorts.sources.arrays import UNREADABLE
from medlib.errors import InputError, did_you_mean
from medlib.phantom.head import CHANNELS, PARTS
from medlib.types import Array, Bools, Integers, Labels, Singles

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "images": ("images", "image", "imgs", "volumes", "x", "data", "arr_0"),
    "masks": ("masks", "mask", "segmentations", "segmentation", "seg", "labels", "y", "arr_1"),
    "patient_ids": ("patient_ids", "patient_id", "patients", "patient", "groups", "ids"),
    "spacing_mm": ("spacing_mm", "spacing", "voxel_mm", "voxel_size", "zooms"),
    "channels": ("channels", "channel_names", "modalities", "sequences"),
    "label_names": ("label_names", "classes", "class_names"),
}
"""Our name of an array in an npz file, and those that are taken for it (case does not matter)."""
NEEDED: Final = ("images", "masks", "patient_ids")
MOST_LABELS: Final = 12
"""Different numbers in a mask; more are a picture, not a mask."""
MOST_CHANNELS: Final = 16
EVEN: Final = 0.01
"""Part by which the sides of a voxel may differ and still count as equal."""


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
        numbers = np.arange(1, len(self.parts))
        flat = self.masks.reshape(len(self), -1)
        return np.stack([(flat == k).any(axis=1) for k in numbers], axis=1)


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

    Raises InputError, with the shapes, for what does not fit: see `check`.
    """
    expected = tuple(name.strip() for name in channels.split(",") if name.strip())
    if is_simulated(spec):
        found = _simulated(spec, seed, per_class)
        _check_channels(found.channels, expected, found.images, found.cases.name)
        return found
    kind, _, place = spec.strip().partition(":")
    if kind != "npz":
        hint = did_you_mean(kind, ("npz", head.NAME), "give npz:FILE.")
        raise InputError(f"This chapter needs volumes with masks, and {spec!r} has none: {hint}")
    path, options = _place(place)
    arrays = _arrays(path) | options
    return check(arrays, path.stem, expected=expected, mask_labels=mask_labels, longest=longest)


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


def _place(place: str) -> tuple[Path, dict[str, Array]]:
    """The file, and what stands behind its name: ``?spacing_mm=1``."""
    query = ""
    if not Path(place).exists():
        place, _, query = place.partition("?")
    path, options = archives.existing(place, "npz"), dict(parse_qsl(query))
    if unknown := [name for name in options if name not in NAMES["spacing_mm"]]:
        raise InputError(f"npz has no option {unknown[0]!r} here: spacing_mm=NUMBER is one.")
    try:
        return path, {
            "spacing_mm": np.array([float(v) for v in options.values()])
        } if options else {}
    except ValueError as error:
        raise InputError(f"spacing_mm of {path.name} is no number ({error}): give mm.") from error


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file by our names."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            by_name = {name.lower(): stored[name] for name in stored.files}
    except UNREADABLE as error:
        raise InputError(f"{path} is no readable npz file ({error}): copy it again.") from error
    found = {
        ours: next(by_name[name] for name in theirs if name in by_name)
        for ours, theirs in NAMES.items()
        if any(name in by_name for name in theirs)
    }
    if lacking := [name for name in NEEDED if name not in found]:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in by_name.items())
        raise InputError(
            f"{path.name} holds {shapes or 'nothing'} and lacks {', '.join(lacking)}: it needs "
            "images (n, channels, x, y, z), masks (n, x, y, z) and patient_ids (n)."
        )
    return found


def check(
    arrays: Mapping[str, Array],
    name: str,
    *,
    expected: tuple[str, ...] = (),
    mask_labels: str = "",
    longest: int = 48,
) -> Segmented:
    """Return arrays named as `NAMES` as `Segmented`, held to all that training takes for granted.

    Raises InputError for masks of another shape than the volumes, a spacing that is missing or not
    the same along all axes, a mask without anything in it, channels in another number or order than
    expected, numbers outside `mask_labels`, and a part that one patient alone has.
    """
    images, masks = np.asarray(arrays["images"]), np.asarray(arrays["masks"])
    _check_shapes(images, masks, arrays["patient_ids"], name)
    spacing = _spacing(arrays.get("spacing_mm"), images.shape, name)
    given = tuple(str(c) for c in np.atleast_1d(arrays.get("channels", ())).ravel())
    names = _check_channels(given, expected, images, name)
    numbers = _numbers(masks, mask_labels, name)
    parts = _parts(arrays.get("label_names"), numbers)
    coded = np.searchsorted(numbers, masks).astype(np.uint8)
    factor = -(-max(images.shape[2:]) // longest)
    images, coded = _smaller(images.astype(np.float32), coded, len(numbers), factor)
    ids = np.asarray(arrays["patient_ids"]).reshape(-1).astype(str)
    cases = _as_cohort(images, coded, ids, name)
    found = Segmented(images, coded, cases.groups, spacing * factor, names, parts, cases)
    _check_content(found, ids, name)
    return found


def _check_shapes(images: Array, masks: Array, patients: Array, name: str) -> None:
    if images.ndim != 5 or 0 in images.shape:
        raise InputError(
            f"The images of {name} have shape {images.shape}: give (n, channels, x, y, z), with "
            "one channel as (n, 1, x, y, z)."
        )
    last = images.shape[-1] <= MOST_CHANNELS < images.shape[1]
    if last or (
        masks.shape == images.shape[:4] and masks.shape != images.shape[:1] + images.shape[2:]
    ):
        raise InputError(
            f"The images of {name} have shape {images.shape} for masks of {masks.shape}: the "
            "channels come last; move them behind the first axis, (n, channels, x, y, z)."
        )
    if masks.shape == (len(images), 1, *images.shape[2:]):
        raise InputError(
            f"The masks of {name} have shape {masks.shape}: leave out the channel, (n, x, y, z)."
        )
    if masks.shape != images.shape[:1] + images.shape[2:]:
        raise InputError(
            f"The masks of {name} have shape {masks.shape} and its images {images.shape}: give "
            f"masks of {images.shape[:1] + images.shape[2:]}, a number for each voxel."
        )
    if np.asarray(patients).size != len(images):
        raise InputError(
            f"{name} has {np.asarray(patients).size} patient_ids for images of {images.shape}: "
            f"give {len(images)}, one a case."
        )
    if images.dtype.kind not in "biuf" or not np.isfinite(images).all():
        raise InputError(
            f"The images of {name}, {images.shape}, hold NaN, infinity or no numbers: mend them."
        )


def _spacing(given: Array | None, shape: tuple[int, ...], name: str) -> float:
    """The side of a voxel in mm, the same along all axes and in all cases."""
    if given is None:
        raise InputError(
            f"{name} has images of {shape} and no spacing_mm: without it no distance can be given; "
            "add an array spacing_mm to the file, or ?spacing_mm=1 behind its name."
        )
    sides = np.asarray(given, dtype=np.float64).ravel()
    if not sides.size or not (np.isfinite(sides).all() and sides.min() > 0):
        raise InputError(f"The spacing_mm of {name} is {sides.tolist()}: give mm above 0.")
    if np.ptp(sides) > EVEN * sides.min():
        raise InputError(
            f"The voxels of {name}, images of {shape}, are not cubes of one size: spacing_mm from "
            f"{sides.min():g} to {sides.max():g}; resample all cases to one spacing along x, y "
            "and z first."
        )
    return float(sides[0])


def _check_channels(
    given: tuple[str, ...], expected: tuple[str, ...], images: Array, name: str
) -> tuple[str, ...]:
    """Names of the channels; those of the file have to be those expected, in order."""
    number = images.shape[1]
    if number > MOST_CHANNELS or (given and len(given) != number):
        raise InputError(
            f"The images of {name} have shape {images.shape}, {number} channels, and "
            f"{len(given) or 'no'} names of channels: give a name a channel."
        )
    if expected and len(expected) != number:
        raise InputError(
            f"The images of {name} have shape {images.shape}, {number} channels, and "
            f"{len(expected)} are expected ({', '.join(expected)}): give these, in this order."
        )
    lower = [c.lower() for c in given]
    if expected and given and lower != [c.lower() for c in expected]:
        raise InputError(
            f"The channels of {name}, images of {images.shape}, are {', '.join(given)}, and "
            f"{', '.join(expected)} are expected: bring them into this order."
        )
    return given or expected or tuple(f"channel {k}" for k in range(1, number + 1))


def _numbers(masks: Array, mask_labels: str, name: str) -> Integers:
    """The numbers that masks may hold, ascending; background first."""
    found = np.unique(masks)
    if (
        masks.dtype.kind not in "biuf"
        or (found != np.rint(found)).any()
        or len(found) > MOST_LABELS
    ):
        raise InputError(
            f"The masks of {name}, {masks.shape}, hold {len(found)} different values such as "
            f"{found[:3].tolist()}: give whole numbers, one a part, 0 for the background."
        )
    if not mask_labels:
        if 0 not in found:
            raise InputError(
                f"The masks of {name}, {masks.shape}, hold {found.tolist()} and no 0: give 0 to "
                "the background."
            )
        return found.astype(np.int64)
    try:
        allowed = np.unique([int(part) for part in mask_labels.split(",")])
    except ValueError as error:
        raise InputError(f"mask_labels is {mask_labels!r}: give numbers, 0,1,2,3.") from error
    if outside := sorted(set(found.tolist()) - set(allowed.tolist())):
        raise InputError(
            f"The masks of {name}, {masks.shape}, hold {outside} outside mask_labels "
            f"{allowed.tolist()}: correct them, or name all numbers."
        )
    return allowed[np.isin(allowed, found)].astype(np.int64)


def _parts(names: Array | None, numbers: Integers) -> tuple[str, ...]:
    """Names of the numbers, the background first."""
    given = [] if names is None else [str(n) for n in np.asarray(names).ravel()]
    if len(given) == len(numbers):
        return tuple(given)
    if len(given) == len(numbers) - 1:
        return ("background", *given)
    if len(numbers) == 2:
        return ("background", "the part outlined")
    return ("background", *(f"part {n}" for n in numbers[1:]))


def _smaller(
    images: Singles, masks: NDArray[np.uint8], number: int, factor: int
) -> tuple[Singles, NDArray[np.uint8]]:
    """Means of blocks of `factor` voxels a side, and what fills most of each; margins are cut."""
    if factor == 1:
        return images, masks
    sides = [n // factor for n in masks.shape[1:]]
    cut = tuple(slice(0, n * factor) for n in sides)
    blocks = [size for n in sides for size in (n, factor)]
    averaged = images[(slice(None), slice(None), *cut)].reshape(*images.shape[:2], *blocks)
    stack = [(masks[(slice(None), *cut)] == k).reshape(len(masks), *blocks).mean(axis=(2, 4, 6))
             for k in range(number)]  # fmt: skip
    return averaged.mean(axis=(3, 5, 7)), np.argmax(stack, axis=0).astype(np.uint8)


def _as_cohort(images: Singles, masks: NDArray[np.uint8], ids: Array, name: str) -> Cohort:
    """One row a case: who it is, and a hash of its volumes and mask."""
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
                  modality="volumes", units="as stored")  # fmt: skip


def _check_content(found: Segmented, ids: Array, name: str) -> None:
    """Something in each mask, and each part in two patients or more."""
    empty = np.flatnonzero(~found.present.any(axis=1))
    if empty.size:
        raise InputError(
            f"{empty.size} of the masks of {name}, {found.masks.shape}, are empty, first that of "
            f"case {empty[0]} (patient {ids[empty[0]]}): outline what is there, or leave such "
            "cases out."
        )
    for k, part in enumerate(found.parts[1:]):
        patients = np.unique(found.patients[found.present[:, k]])
        if len(patients) < 2:
            raise InputError(
                f"Part {part!r} of the masks of {name}, {found.masks.shape}, is there in "
                f"{len(patients)} patient: what is learned from one cannot be tested on another; "
                "add patients, or join it with another part."
            )


def deal(patients: Integers, *, test_share: float, fewest: int, seed: int) -> tuple[Labels, Labels]:
    """Return the rows of cases that train and that test: whole patients, shuffled by the seed.

    Raises InputError where either side has fewer than `fewest` patients.
    """
    every = np.unique(patients)
    order = np.random.default_rng([seed, 20]).permutation(every)
    number = round(test_share * len(every))
    if min(number, len(every) - number) < fewest:
        raise InputError(
            f"{len(every)} patients give {len(every) - number} for training and {number} for the "
            f"test, and each needs {fewest}: add patients, or change test_share."
        )
    tested = np.isin(patients, order[:number])
    return np.flatnonzero(~tested), np.flatnonzero(tested)
