"""Arrays in memory or in an npz file (also MedMNIST's) as a cohort."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib.cohorts.cohort import Cohort, pixel_hash
from medlib.cohorts.similar import surrogate
from medlib.cohorts.similar.duplicates import joined, thumbnails
from medlib.cohorts.sources import archives, levels
from medlib.cohorts.sources.array_names import CHOOSE_LABEL, find_arrays, one_label
from medlib.cohorts.sources.pictures import to_grey
from medlib.cohorts.sources.several_labels import MARK, classes_of, none_chosen
from medlib.cohorts.sources.volumes import places, refuse_slice
from medlib.errors import InputError
from medlib.types import Array, Image, Integers

UNREADABLE = (OSError, ValueError, EOFError, BadZipFile, AttributeError, TypeError, zlib.error,
              MemoryError, NotImplementedError, SyntaxError)  # fmt: skip
"""What numpy raises for a file that is no npz, damaged, or claims a size beyond reason."""


@dataclass(frozen=True)
class _Stack:
    """Reads image ``index`` of an array n x h x w or n x h x w x channels (colour to grey)."""

    images: Array

    def __call__(self, row: Mapping[str, Any]) -> Image:
        image = np.asarray(self.images[row["index"]])
        grey = to_grey(image)[0] if image.ndim == 3 else image.astype(np.float32)
        return np.ascontiguousarray(grey)


def from_arrays(
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    patient_ids: npt.ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    name: str = "arrays",
    split: npt.ArrayLike | None = None,
    slice: str | int = "middle",
    units: str | None = None,
    full_scale: float | str | None = None,
    allow_mixed_patients: bool = False,
    **facts: Any,
) -> Cohort:
    """Return a cohort of n x h x w (grey) or n x h x w x 3 (colour) images, or n x d x h x w.

    ``labels`` are class names, or indices into ``classes``. Without ``patient_ids`` each image
    is a surrogate group of its own, copies of an image being one. ``facts`` are fields of
    `Cohort` (modality, licence...). Of volumes ``slice`` is "middle" or a number from 0 along the
    first axis. ``units`` "HU", and ``full_scale``: as in `levels.settle`. Raises InputError for
    unequal lengths, a wrong shape, NaN, or labels beyond the classes.
    """
    stack, label = _of_two_dimensions(np.asarray(images), slice, name), np.asarray(labels)
    _check_shapes(name, stack, label, patient_ids, split)
    text = _class_names(name, label, classes)
    order = tuple(classes) if classes is not None else tuple(sorted(set(text), key=_number))
    reader = _Stack(stack)
    table = pd.DataFrame({"image_id": [f"{i:05d}" for i in range(len(stack))]})
    table = table.assign(label=text, site="unknown", index=np.arange(len(stack)))
    table["sha256"] = [pixel_hash(reader({"index": i})) for i in range(len(stack))]
    table["patient_id"] = (
        "" if patient_ids is None else np.asarray(patient_ids).reshape(-1).astype(str)
    )
    if split is not None:
        table["split"] = np.asarray(split).reshape(-1)
    level = "image" if allow_mixed_patients or patient_ids is None else "patient"
    grey = pd.DataFrame([levels.measure(reader({"index": i})) for i in range(len(stack))])
    scale = levels.settle(grey, units=units, full_scale=full_scale)
    cohort = Cohort(
        name=name,
        table=table,
        classes=order,
        reader=reader,
        label_level=level,
        units=scale.units,
        grey_range=scale.black_white,
        **facts,
    ).noted(*scale.notes)
    return without_ids(cohort) if patient_ids is None else cohort


def without_ids(cohort: Cohort, *, groups: str = "copies") -> Cohort:
    """Return the cohort with surrogate groups for patients, said so in its notes.

    ``groups="copies"``: one an image, duplicates joined; ``"exact"``: only those of equal
    pixels. ``"runs"``: runs of similar successive images, for slices listed scan by scan. Raises
    InputError for another name.
    """
    table = cohort.table
    if groups == "runs":
        numbers = surrogate.runs(thumbnails(cohort), table.label)
        how = "runs of similar successive images stand in for patients"
    elif groups in {"copies", "exact"}:
        exact = groups == "exact"
        stack = None if exact else thumbnails(cohort)
        numbers = surrogate.copies(stack, table.sha256)
        if "slice" in table:  # slices of one volume
            numbers = _with_equal(numbers, pd.factorize(table.path)[0])
        how = (
            "each image counts as its own patient (copies of one image as one), which makes every "
            "estimate too good if patients have several; give patient ids if you have them"
        )
        if alike := len(table) - len(np.unique(numbers)):
            how += f" ({alike} images count as copies: look at them with medlib audit --pairs)"
    else:
        raise InputError(f'groups is {groups!r}: choose "copies", "exact" or "runs".')
    table["patient_id"] = surrogate.named(numbers, table.label)
    noted = cohort.noted(f"No patient ids are recorded: {how}.")
    return replace(noted, table=table, patient_id_kind="surrogate", label_level="image")


def _with_equal(groups: Integers, other: Integers) -> Integers:
    """Groups joined where images are in one group of either kind."""
    n = len(groups)
    nodes = n + groups.max() + 1
    links = np.concatenate([n + groups, nodes + other])
    each = np.tile(np.arange(n), 2)
    return joined(each, links, n=int(nodes + other.max() + 1))[:n]


def load(
    place: str,
    *,
    groups: str = "copies",
    names: str | None = None,
    label: str | int | None = None,
    slice: str | int = "middle",
    units: str | None = None,
    full_scale: float | str | None = None,
    modality: str = "unknown",
    allow_mixed_patients: bool = False,
) -> Cohort:
    """Load images, labels and patients, where there are some, from an npz file.

    Arrays are found by the names that are usual for them (`array_names.NAMES`). MedMNIST's
    ``train_images, train_labels, val_...`` are joined and the split kept in the table. ``names``:
    class names of the numbers, in order, separated by commas. ``label``: which column of several
    labels an image, from 0. ``slice, units, full_scale``: as in `from_arrays`. Raises InputError
    for a file that is no npz or lacks an array.
    """
    path = archives.existing(place, "npz")
    found = find_arrays(_read(path), path)
    chosen = one_label(found["labels"], label, path.name)
    several = _several(found["labels"])
    if label is None and chosen.ndim == 2 and chosen.shape[1] > 1 and several is not None:
        raise none_chosen(several, f"{path.name} gives")
    of_label = None if label is None or several is None else classes_of(f"label {int(label)}")
    cohort = from_arrays(
        found["images"],
        chosen,
        patient_ids=found.get("patient_ids"),
        split=found.get("split"),
        classes=names.split(",") if names else of_label,
        name=f"npz-{path.stem}",
        modality=modality,
        slice=slice,
        units=known_units(units),
        full_scale=full_scale,
        allow_mixed_patients=allow_mixed_patients,
    )
    if several is not None and label is not None:
        cohort = replace(cohort, table=cohort.table.join(several.add_prefix(MARK)))
    return without_ids(cohort, groups=groups) if groups != "copies" else cohort


def _several(labels: Array) -> pd.DataFrame | None:
    """Several labels an image, 0 or 1, a column each, by number; None where there are none."""
    if labels.ndim != 2 or labels.shape[1] < 2 or not np.isin(labels, (0, 1)).all():
        return None
    return pd.DataFrame(labels.astype(np.int64), columns=[str(k) for k in range(labels.shape[1])])


def known_units(units: str | None) -> str | None:
    """Return the units a reader names: "HU" or none; raises InputError for others."""
    if units is None or units.upper() == "HU":
        return units and "HU"
    raise InputError(f"units is {units!r}: write HU for Hounsfield units, or leave it out.")


def _read(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except UNREADABLE as error:
        raise InputError(f"{path} is no readable npz file ({error}): copy it again.") from error


def _of_two_dimensions(stack: Array, slice: str | int, name: str) -> Array:
    """From any usual order of axes to n x h x w or n x h x w x 3; what is unusual is left as it is.

    One channel is none; channels may come first; of volumes one slice along the first axis.
    """
    if stack.ndim == 5 and 1 in (stack.shape[1], stack.shape[-1]):
        stack = stack[:, 0] if stack.shape[1] == 1 else stack[..., 0]
    if stack.ndim == 4 and stack.shape[-1] != 3 and min(stack.shape[1:]) > 4:
        if str(slice) == "all":
            raise InputError(f"{name} holds volumes: choose one slice of each with slice=NUMBER.")
        return stack[:, places(stack.shape[1], slice, f"each volume of {name}")[0]]
    refuse_slice(slice, f"{name} holds images")
    if stack.ndim != 4 or stack.shape[-1] == 3 or 0 in stack.shape:
        return stack
    if stack.shape[-1] == 1 or stack.shape[1] == 1:
        return stack[..., 0] if stack.shape[-1] == 1 else stack[:, 0]
    if stack.shape[1] == 3 and stack.shape[-1] > 4:
        return np.moveaxis(stack, 1, -1)
    return stack


def _check_shapes(name: str, stack: Array, *columns: npt.ArrayLike | None) -> None:
    grey, colour = stack.ndim == 3, stack.ndim == 4 and stack.shape[-1] == 3
    if not (grey or colour) or 0 in stack.shape:
        raise InputError(
            f"The images of {name} have shape {stack.shape}: give n x rows x columns, "
            "or n x rows x columns x 3 for colour."
        )
    for what, given in zip(("label", "patient", "split"), columns, strict=True):
        if given is not None:
            _check_column(name, what, np.asarray(given), len(stack))
    if stack.dtype.kind not in "biuf" or not np.isfinite(stack).all():
        raise InputError(f"The images of {name} hold NaN or no numbers: find and remove them.")


def _check_column(name: str, what: str, values: Array, n: int) -> None:
    """One value an image: n, or n x 1 as in MedMNIST; none of them NaN."""
    if values.shape[:1] != (n,):
        found = len(values) if values.ndim else "a single one"
        raise InputError(f"{name} has {n} images and {found} {what}s: give one {what} an image.")
    if values.size != n:
        choose = CHOOSE_LABEL if what == "label" else "give one an image"
        raise InputError(f"{name} has {values.size // n} {what}s an image: {choose}.")
    missing = int(pd.isna(values).sum())
    if missing:
        raise InputError(f"{name} has {missing} images without {what} (NaN): fill or remove them.")


def _class_names(name: str, label: Array, classes: Sequence[str] | None) -> list[str]:
    values = label.reshape(len(label))
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)  # 1.0 is class 1
    if values.dtype.kind in "biu" and classes is not None:
        if values.min() < 0 or values.max() >= len(classes):
            raise InputError(
                f"{name} has labels {values.min()} to {values.max()} and {len(classes)} classes: "
                "name every class."
            )
        return [classes[int(value)] for value in values]
    return [str(int(v)) if values.dtype.kind in "biu" else str(v) for v in values]


def _number(text: str) -> tuple[float, str]:
    """Sort key: 2 before 10, numbers before words."""
    return (float(text) if text.isdecimal() else float("inf")), text
