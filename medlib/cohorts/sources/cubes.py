"""Volumes with masks from an npz file: arrays found by name, and refused where they do not fit.

What is refused is told with the shapes, before anything is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from medlib.cohorts.sources import archives
from medlib.cohorts.sources.arrays import UNREADABLE
from medlib.errors import InputError
from medlib.types import Array, Bools, Floats, Integers, Singles

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


class Cubes(NamedTuple):
    """images: n x channels x x x y x z; masks: n x x x y x z, numbers of `parts`; ids: n texts."""

    images: Singles
    masks: NDArray[np.uint8]
    ids: Array
    spacing_mm: float
    channels: tuple[str, ...]
    parts: tuple[str, ...]


def load(place: str, *, expected: tuple[str, ...], mask_labels: str, longest: int) -> Cubes:
    """Return the volumes and masks of a file; options behind its name: ``?spacing_mm=1``.

    Raises InputError for a file that is no npz or lacks an array, and as `check` does.
    """
    path, options = _place(place)
    arrays = _arrays(path) | options
    return check(arrays, path.stem, expected=expected, mask_labels=mask_labels, longest=longest)


def _place(place: str) -> tuple[Path, dict[str, Array]]:
    """The file, and what stands behind its name: ``?spacing_mm=1``."""
    query = ""
    if not Path(place).exists():
        place, _, query = place.partition("?")
    path, options = archives.existing(place, "npz"), dict(parse_qsl(query))
    if unknown := [name for name in options if name not in NAMES["spacing_mm"]]:
        raise InputError(f"npz has no option {unknown[0]!r} here: spacing_mm=NUMBER is one.")
    try:
        spacing = np.array([float(value) for value in options.values()])
    except ValueError as error:
        raise InputError(f"spacing_mm of {path.name} is no number ({error}): give mm.") from error
    return path, {"spacing_mm": spacing} if spacing.size else {}


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
) -> Cubes:
    """Return arrays named as `NAMES`, held to all that training takes for granted.

    Raises InputError for masks of another shape than the volumes, a spacing that is missing or not
    the same along all axes, a mask without anything in it, channels in another number or order than
    expected, numbers outside `mask_labels`, and a part that one patient alone has.
    """
    images, masks = np.asarray(arrays["images"]), np.asarray(arrays["masks"])
    _check_shapes(images, masks, arrays["patient_ids"], name)
    spacing = _spacing(arrays.get("spacing_mm"), images.shape, name)
    given = tuple(str(c) for c in np.atleast_1d(arrays.get("channels", ())).ravel())
    names = check_channels(given, expected, images, name)
    numbers = _numbers(masks, mask_labels, name)
    parts = _parts(arrays.get("label_names"), numbers)
    coded = np.searchsorted(numbers, masks).astype(np.uint8)
    ids = np.asarray(arrays["patient_ids"]).reshape(-1).astype(str)
    factor = -(-max(images.shape[2:]) // longest)
    images, coded = _smaller(images.astype(np.float32), coded, len(numbers), factor)
    _check_content(coded, parts, ids, name)
    return Cubes(images, coded, ids, spacing * factor, names, parts)


def parts_there(masks: NDArray[np.uint8], number: int) -> Bools:
    """Whether each case has each part but the background: n x (number - 1)."""
    flat = masks.reshape(len(masks), -1)
    return np.stack([(flat == k).any(axis=1) for k in range(1, number)], axis=1)


def _check_shapes(images: Array, masks: Array, patients: Array, name: str) -> None:
    if images.ndim != 5 or 0 in images.shape:
        raise InputError(
            f"The images of {name} have shape {images.shape}: give (n, channels, x, y, z), with "
            "one channel as (n, 1, x, y, z)."
        )
    wanted = images.shape[:1] + images.shape[2:]
    last = images.shape[-1] <= MOST_CHANNELS < images.shape[1]
    if last or wanted != masks.shape == images.shape[:4]:
        raise InputError(
            f"The images of {name} have shape {images.shape} for masks of {masks.shape}: the "
            "channels come last; move them behind the first axis, (n, channels, x, y, z)."
        )
    if masks.shape == (len(images), 1, *images.shape[2:]):
        raise InputError(
            f"The masks of {name} have shape {masks.shape}: leave out the channel, (n, x, y, z)."
        )
    if masks.shape != wanted:
        raise InputError(
            f"The masks of {name} have shape {masks.shape} and its images {images.shape}: give "
            f"masks of {wanted}, a number for each voxel."
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
            f"{sides.min():g} to {sides.max():g}; {_cure(sides)}."
        )
    return float(sides[0])


def _cure(sides: Floats) -> str:
    """What makes cubes of these voxels: two calls where all cases have the same three sides."""
    of_cases = sides.reshape(-1, 3) if sides.size % 3 == 0 else sides[:, None]
    least = float(sides.min())
    if of_cases.shape[1] != 3 or np.ptp(of_cases, axis=0).max() > EVEN * least:
        return "resample every case to one spacing along x, y and z first"
    by = ", ".join(f"{side / least:.4g}" for side in of_cases[0])
    how = "mode='nearest', grid_mode=True)"
    return (
        f"resample them first, with scipy.ndimage.zoom: images = zoom(images, (1, 1, {by}), "
        f"order=1, {how}, masks = zoom(masks, (1, {by}), order=0, {how}, spacing_mm = {least:g}"
    )


def check_channels(
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


def _check_content(masks: NDArray[np.uint8], parts: tuple[str, ...], ids: Array, name: str) -> None:
    """Something in each mask, and each part in two patients or more."""
    there = parts_there(masks, len(parts)) if len(parts) > 1 else np.zeros((len(masks), 1), bool)
    empty = np.flatnonzero(~there.any(axis=1))
    if empty.size:
        raise InputError(
            f"{empty.size} of the masks of {name}, {masks.shape}, are empty, first that of "
            f"case {empty[0]} (patient {ids[empty[0]]}): outline what is there, or leave such "
            "cases out."
        )
    for part, has in zip(parts[1:], there.T, strict=True):
        patients = np.unique(ids[has])
        if len(patients) < 2:
            raise InputError(
                f"Part {part!r} of the masks of {name}, {masks.shape}, is there in "
                f"{len(patients)} patient: what is learned from one cannot be tested on another; "
                "add patients, or join it with another part."
            )
