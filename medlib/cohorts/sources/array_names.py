"""Which array of an npz file is what: by the names that are usual, MedMNIST's first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from medlib.errors import InputError
from medlib.types import Array

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "images": ("images", "image", "imgs", "img", "x", "data", "pixels", "arr_0"),
    "labels": ("labels", "label", "y", "target", "targets", "classes", "class", "arr_1"),
    "patient_ids": ("patient_ids", "patient_id", "patients", "patient", "groups", "group"),
    "split": ("split", "splits", "set"),
}
"""Our name of an array, and those that are taken for it (case does not matter)."""
SPLITS: Final[Mapping[str, tuple[str, ...]]] = {
    "train": ("train", "training", "tr"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "te"),
}
"""Parts of a source, and how the names of their arrays begin or end."""
CHOOSE_LABEL: Final = "choose one with ?label=NUMBER after the file's name, from 0"
"""What to do about several labels an image."""


def find_arrays(arrays: Mapping[str, Array], path: Path) -> dict[str, Array]:
    """Return images and labels (patient_ids, split) of a file; parts joined, with their split.

    Raises InputError where there are no images, or no labels to them.
    """
    parts = {part: _of_part(arrays, spellings) for part, spellings in SPLITS.items()}
    parts = {part: found for part, found in parts.items() if "images" in found}
    whole = _found(arrays, lambda name: name)
    some = list(parts.values()) if "images" not in whole else [whole]
    if not some or any("labels" not in found for found in some):
        raise InputError(
            f"{path} holds {', '.join(arrays) or 'nothing'}: it needs arrays 'images' and "
            "'labels' (or train_images, train_labels, ...)."
        )
    if "images" in whole:
        return whole
    _same_shape(parts, path)
    common = [key for key in NAMES if all(key in found for found in some)]
    joined = {key: np.concatenate([found[key] for found in some]) for key in common}
    lengths = [len(found["images"]) for found in some]
    return joined | {"split": np.repeat(list(parts), lengths)}


def _of_part(arrays: Mapping[str, Array], spellings: tuple[str, ...]) -> dict[str, Array]:
    """Arrays of one part: train_images, images_train, x_train."""
    for spelling in spellings:
        for pattern in (f"{spelling}_{{}}", f"{{}}_{spelling}", f"{spelling}{{}}"):
            found = _found(arrays, pattern.format)
            if found:
                return found
    return {}


def _found(arrays: Mapping[str, Array], spelt: Any) -> dict[str, Array]:
    by_name = {name.lower(): array for name, array in arrays.items()}
    found = {}
    for ours, others in NAMES.items():
        name = next((spelt(other) for other in others if spelt(other) in by_name), None)
        if name is not None:
            found[ours] = by_name[name]
    return found


def _same_shape(parts: Mapping[str, Mapping[str, Array]], path: Path) -> None:
    shapes = {part: found["images"].shape[1:] for part, found in parts.items()}
    if len(set(shapes.values())) > 1:
        raise InputError(f"Images of {path} differ in shape ({shapes}): bring them to one.")


def one_label(labels: Array, column: str | int | None, name: str) -> Array:
    """Return one label an image of n, n x 1, one-hot n x k, or the ``column`` that is asked for.

    Raises InputError for a column that is not there; several labels an image stay as they are.
    """
    if labels.ndim == 2 and labels.shape[1] > 1:
        if column is not None:
            if not str(column).isdecimal() or int(column) >= labels.shape[1]:
                raise InputError(
                    f"label is {column!r} and {name} has {labels.shape[1]} labels an image: give a "
                    f"number from 0 to {labels.shape[1] - 1}."
                )
            return np.asarray(labels[:, int(column)])
        one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        return np.asarray(labels.argmax(axis=1)) if one_hot else labels
    if column is not None:
        raise InputError(f"{name} has one label an image: leave out label={column}.")
    return labels
