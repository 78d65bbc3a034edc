"""Volumes with masks from an npz file: arrays found by name, and refused where they do not fit.

What is refused is told with the shapes, before anything is trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medlib.cohorts.sources import cube_files
from medlib.cohorts.sources.cube_names import (
    MOST_CHANNELS,
    check_channels,
    numbers_of,
    parts_of,
    patient_ids,
    texts,
)
from medlib.errors import InputError
from medlib.types import Array, Bools, Floats, Integers, Singles

LEAST: Final = 8
"""Voxels along a side, below which a volume is a slice or a speck."""
EVEN: Final = 0.01
"""Part by which the sides of a voxel may differ and still count as equal."""


class Cubes(NamedTuple):
    """images: n x channels x x x y x z; masks: n x x x y x z, numbers of `parts`; ids: n texts.

    notes: what was changed on the way, as sentences.
    """

    images: Singles
    masks: NDArray[np.uint8]
    ids: Array
    spacing_mm: float
    channels: tuple[str, ...]
    parts: tuple[str, ...]
    notes: tuple[str, ...] = ()


def load(place: str, *, expected: tuple[str, ...], mask_labels: str, longest: int) -> Cubes:
    """Return the volumes and masks of a file; options behind its name: ``?spacing_mm=1``.

    Raises InputError as `cube_files.read` and `check` do.
    """
    path, arrays = cube_files.read(place)
    return check(arrays, path.stem, expected=expected, mask_labels=mask_labels, longest=longest)


def check(
    arrays: Mapping[str, Array],
    name: str,
    *,
    expected: tuple[str, ...] = (),
    mask_labels: str = "",
    longest: int = 48,
) -> Cubes:
    """Return arrays named as `cube_files.NAMES`, held to all that training takes for granted.

    Raises InputError for masks of another shape than the volumes, a spacing that is missing or not
    the same along all axes, a mask without anything in it, channels in another number or order than
    expected, numbers outside `mask_labels`, a part that one patient alone has, volumes that show
    nothing, and copies of one volume under two patients.
    """
    images, masks = np.asarray(arrays["images"]), np.asarray(arrays["masks"])
    _check_shapes(images, masks, arrays["patient_ids"], name)
    spacing = _spacing(arrays.get("spacing_mm"), images.shape, name)
    names = check_channels(tuple(texts(arrays.get("channels", ()))), expected, images, name)
    numbers, allowed = numbers_of(masks, mask_labels, name)
    parts = parts_of(arrays.get("label_names"), numbers, allowed, name)
    ids = patient_ids(arrays["patient_ids"], images, name)
    factor = _factor(images.shape, longest, name)
    volumes = np.stack([_blocks(_single(image, i, name), factor).mean(axis=(2, 4, 6))
                        for i, image in enumerate(images)])  # fmt: skip
    _check_copies(images, ids, name)
    coded = np.stack([_most(mask, numbers, factor) for mask in masks])
    notes = _notes(masks, coded, numbers, factor, images.shape)
    _check_content(coded, parts, ids, name, factor, longest)
    return Cubes(volumes, coded, ids, spacing * factor, names, parts, notes)


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
        hint = f"give masks of {wanted}, a number for each voxel"
        if masks.shape == images.shape[1:2] + images.shape[2:]:
            hint = "the channels come first; swap its first two axes, (n, channels, x, y, z)"
        raise InputError(
            f"The masks of {name} have shape {masks.shape} and its images {images.shape}: {hint}."
        )
    if images.dtype.kind not in "biuf":
        raise InputError(
            f"The images of {name}, {images.shape}, are of type {images.dtype}: save real numbers."
        )
    count, shape = len(images), np.shape(patients)
    if shape not in ((count,), (count, 1)):
        raise InputError(
            f"{name} has {np.size(patients)} patient_ids, {shape}, for images of {images.shape}: "
            f"give {count}, one a case."
        )


def _single(image: Array, case: int, name: str) -> Singles:
    """A volume in single precision; it has to be finite and show something."""
    with np.errstate(over="ignore"):
        single = image.astype(np.float32)
    if wrong := int((~np.isfinite(single)).sum()):
        raise InputError(
            f"Case {case} of the images of {name}, {image.shape}, holds NaN, infinity or numbers "
            f"beyond 3e38 in {wrong} of {single.size} voxels: put the number of the background "
            "there, or leave the case out."
        )
    if single.min() == single.max():
        raise InputError(
            f"Case {case} of the images of {name}, {image.shape}, is {single.flat[0]:g} "
            "everywhere: put its volume there, or leave the case out."
        )
    return single


def _check_copies(images: Array, ids: Array, name: str) -> None:
    """One volume under two patients would train and test."""
    first: dict[str, int] = {}
    for i, image in enumerate(images):
        other = first.setdefault(hashlib.sha256(image.tobytes()).hexdigest(), i)
        if ids[other] != ids[i]:
            raise InputError(
                f"Cases {other} and {i} of {name}, images of {images.shape}, are the same volume, "
                f"of patients {ids[other]} and {ids[i]}: leave one out, or give both one patient "
                "id, so that it does not train and test."
            )


def _spacing(given: Array | None, shape: tuple[int, ...], name: str) -> float:
    """The side of a voxel in mm, the same along all axes and in all cases."""
    if given is None:
        raise InputError(
            f"{name} has images of {shape} and no spacing_mm: without it no distance can be given; "
            "add an array spacing_mm to the file, or ?spacing_mm=1 behind its name."
        )
    try:
        sides = np.array([float(side) for side in np.ravel(given).tolist()])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The spacing_mm of {name} is {np.ravel(given).tolist()}: give numbers of mm."
        ) from error
    n = shape[0]
    if np.shape(given) not in ((), (1,), (3,), (n,), (n, 1), (n, 3)):
        raise InputError(
            f"The spacing_mm of {name} has shape {np.shape(given)} for images of {shape}: give one "
            f"number, three (x, y, z), or as many for each case, ({n}, 3)."
        )
    if not (np.isfinite(sides).all() and sides.min() > 0):
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


def _factor(shape: tuple[int, ...], longest: int, name: str) -> int:
    """Voxels a side that become one, so that no side is longer than `longest`."""
    factor = -(-max(shape[2:]) // longest)
    if min(shape[2:]) // factor < LEAST:
        down = f", averaged down by {factor} so that no side exceeds longest={longest}" * (
            factor > 1
        )
        raise InputError(
            f"The images of {name} have shape {shape}{down}: less than {LEAST} voxels are left "
            "along a side; give cubes, cut round what is outlined, or slices as thin as pixels."
        )
    return factor


def _blocks(volume: Array, factor: int) -> Array:
    """A volume (channels x x x y x z) with each axis cut into blocks; margins are cut."""
    sides = [n // factor for n in volume.shape[1:]]
    inner = volume[(slice(None), *(slice(0, n * factor) for n in sides))]
    return inner.reshape(len(volume), *(size for n in sides for size in (n, factor)))


def _most(mask: Array, numbers: Integers, factor: int) -> NDArray[np.uint8]:
    """Place among the numbers of what fills most of each block of a mask."""
    if factor == 1:
        return np.searchsorted(numbers, mask).astype(np.uint8)
    shares = [_blocks((mask == k)[None], factor)[0].mean(axis=(1, 3, 5)) for k in numbers]
    found: NDArray[np.uint8] = np.argmax(shares, axis=0).astype(np.uint8)
    return found


def _notes(
    masks: Array, coded: NDArray[np.uint8], numbers: Integers, factor: int, shape: tuple[int, ...]
) -> tuple[str, ...]:
    """What averaging down did, as a sentence; nothing where voxels stayed as they are."""
    if factor == 1:
        return ()
    stored = np.array([[(mask == k).any() for k in numbers[1:]] for mask in masks])
    lost = int((stored & ~parts_there(coded, len(numbers))).sum())
    of = int(stored.sum())
    gone = f"; {lost} of {of} outlined parts were too small for it and are lost" if lost else ""
    return (
        f"Volumes of {' x '.join(map(str, shape[2:]))} voxels were averaged down by {factor} "
        f"along each axis (parameter longest){gone}.",
    )


def _check_content(
    masks: NDArray[np.uint8],
    parts: tuple[str, ...],
    ids: Array,
    name: str,
    factor: int,
    longest: int,
) -> None:
    """Something in each mask, and each part in two patients or more."""
    there = parts_there(masks, len(parts)) if len(parts) > 1 else np.zeros((len(masks), 1), bool)
    down = ""
    if factor > 1:
        down = f", averaged down by {factor} (a parameter longest above {longest} keeps more)"
    empty = np.flatnonzero(~there.any(axis=1))
    if empty.size:
        raise InputError(
            f"{empty.size} of the masks of {name}, {masks.shape}{down}, are empty, first that of "
            f"case {empty[0]} (patient {ids[empty[0]]}): outline what is there, or leave such "
            "cases out."
        )
    for part, has in zip(parts[1:], there.T, strict=True):
        patients = np.unique(ids[has])
        if len(patients) < 2:
            raise InputError(
                f"Part {part!r} of the masks of {name}, {masks.shape}{down}, is there in "
                f"{len(patients)} patient{'s' * (len(patients) != 1)}: what is learned from one "
                "cannot be tested on another; add patients, or join it with another part."
            )
