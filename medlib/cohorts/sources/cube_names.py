"""What the channels, patients and parts of volumes with masks are called, and which there are."""

from __future__ import annotations

from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.types import Array, Integers

MOST_LABELS: Final = 12
"""Different numbers in a mask; more are a picture, not a mask."""
MOST_CHANNELS: Final = 16
UNNAMED: Final = ("", "nan", "none", "<na>")
"""Texts that stand for a patient id that is not there."""


def check_channels(
    given: tuple[str, ...], expected: tuple[str, ...], images: Array, name: str
) -> tuple[str, ...]:
    """Return names of the channels; those of the file have to be those expected, in order."""
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


def numbers_of(masks: Array, mask_labels: str, name: str) -> tuple[Integers, Integers]:
    """Return the numbers that masks hold, ascending, and those they may hold; background first."""
    found = np.unique(masks)
    known = masks.dtype.kind in "biuf"
    if not known or not np.isfinite(found).all() or (found != np.rint(found)).any():
        raise InputError(
            f"The masks of {name}, {masks.shape}, hold {len(found)} different values such as "
            f"{found[:3].tolist()}: give whole numbers, one a part, 0 for the background."
        )
    if len(found) > MOST_LABELS or abs(found).max() > np.iinfo(np.int32).max:
        raise InputError(
            f"The masks of {name}, {masks.shape}, hold {len(found)} different values from "
            f"{found[0]:g} to {found[-1]:g}: give at most {MOST_LABELS}, small ones, one a part."
        )
    found = found.astype(np.int64)
    if 0 not in found or found[0] < 0:
        raise InputError(
            f"The masks of {name}, {masks.shape}, hold {found.tolist()}: give 0 to the background, "
            "and to each part a number above 0."
        )
    if not mask_labels:
        return found, found
    try:
        allowed = np.unique([int(part) for part in mask_labels.split(",")])
    except ValueError as error:
        raise InputError(f"mask_labels is {mask_labels!r}: give numbers, 0,1,2,3.") from error
    if outside := sorted(set(found.tolist()) - set(allowed.tolist())):
        raise InputError(
            f"The masks of {name}, {masks.shape}, hold {outside} outside mask_labels "
            f"{allowed.tolist()}: correct them, or name all numbers."
        )
    return found, allowed


def parts_of(
    names: Array | None, numbers: Integers, allowed: Integers, name: str
) -> tuple[str, ...]:
    """Return the names of the numbers, the background first."""
    if names is None:
        if len(numbers) == 2:
            return ("background", "the part outlined")
        return ("background", *(f"part {n}" for n in numbers[1:]))
    given = texts(names)
    for those in (allowed, numbers):  # a part may be in no mask
        whole = ["background"] * (len(given) == len(those) - 1) + given
        if len(whole) == len(those) and len(set(whole)) == len(whole):
            return tuple(whole[k] for k in np.searchsorted(those, numbers))
    raise InputError(
        f"{name} has label_names {', '.join(given)} for masks that hold {numbers.tolist()}: give a "
        "name of its own to each number, in this order."
    )


def texts(given: Array | tuple[str, ...]) -> list[str]:
    """Return names as texts without blanks at their ends; bytes are read as UTF-8."""
    flat = np.atleast_1d(given).ravel().tolist()
    return [
        (one.decode("utf-8", "backslashreplace") if isinstance(one, bytes) else str(one)).strip()
        for one in flat
    ]


def patient_ids(given: Array, images: Array, name: str) -> Array:
    """Return the patient of each case as text; InputError where one has none."""
    ids = texts(given)
    if unnamed := [i for i, one in enumerate(ids) if one.lower() in UNNAMED]:
        raise InputError(
            f"{len(unnamed)} of the {len(ids)} patient_ids of {name}, images of {images.shape}, "
            f"are empty, first that of case {unnamed[0]}: name the patient of every case, so that "
            "none trains and tests."
        )
    return np.array(ids)
