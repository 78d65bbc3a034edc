"""Folders of pictures and volumes: class sub-folders, or a table of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.sources import archives, levels, pictures, volumes
from medlib.cohorts.sources.arrays import known_units, without_ids
from medlib.cohorts.sources.examine import examine
from medlib.cohorts.sources.several_labels import read_labels, refuse_label
from medlib.cohorts.sources.tables import class_folders, match_files, read_table, table_path
from medlib.errors import InputError
from medlib.types import Image

SUFFIXES = (*pictures.SUFFIXES, *volumes.SUFFIXES)
"""How the names of files that are read end."""
UNREADABLE = (*pictures.UNREADABLE, *volumes.UNREADABLE)
"""What a damaged one raises."""


@dataclass(frozen=True)
class _Pictures:
    """Reads the picture, or the slice of a volume, in a row's ``path``; `factors` a container."""

    factors: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, row: Mapping[str, Any]) -> Image:
        grey, _, stored = _read(row)
        return grey * np.float32(self.factors.get(stored.container, 1))


def _read(row: Mapping[str, Any]) -> tuple[Image, tuple[str, ...], levels.Stored]:
    if volumes.is_volume(row["path"]):
        grey, stored = volumes.read_slice(row["path"], int(row["slice"]))
        return grey, (), stored
    return pictures.read_picture(row["path"])


def load(
    place: str,
    *,
    patients: str | None = None,
    labels: str | None = None,
    label: str | None = None,
    label_columns: str | None = None,
    groups: str = "copies",
    slice: str | int = "middle",
    units: str | None = None,
    full_scale: float | str | None = None,
    modality: str = "unknown",
    allow_mixed_patients: bool = False,
    **columns: str,
) -> Cohort:
    """Load a folder (or zip) of pictures (jpg, png, tif, pgm...) or volumes (NIfTI, NRRD).

    The class is the sub-folder; below ``train``, ``test``... the sub-folder of that, and the
    split is kept. Or the class is in a table: ``labels`` or ``labels.csv`` in the folder (file,
    label[, patient_id][, site][, split]), where ``label`` chooses one of several labels an image
    and ``label_columns`` says which columns are labels (`read_labels`). Patients are in that table,
    or in ``patients`` or
    ``patients.csv`` (file, patient_id[, site]); otherwise see `without_ids` for ``groups``.
    ``label_column="..."`` and its like name columns that are not to be guessed. Of a volume
    ``slice`` is "middle", "all" (its slices are then one patient) or a number from 0. ``units``:
    "HU" where values are Hounsfield units. ``full_scale``: the grey level of white, where it is
    not to be taken from the files (see `levels.settle`). Raises InputError where the folder or a
    table cannot be used.
    """
    home = _inner(archives.folder(place, "images"))
    labels_path = table_path(home, labels, "labels.csv")
    asked = {key.removesuffix("_column"): value for key, value in columns.items()}
    if labels_path:
        table = read_labels(
            labels_path, required=("file",), columns=asked, label=label, among=label_columns
        )
        table = pictures_of_table(home, table, labels_path)
    else:
        refuse_label(label, label_columns, home)
        table = _pictures_of_folders(home)
    patients_path = table_path(home, patients, "patients.csv")
    if patients_path:
        table = _with_patients(table, home, patients_path, {} if labels_path else asked)
    level = "image" if allow_mixed_patients else "patient"
    name = f"images-{Path(place).stem}"
    cohort = from_pictures(
        slices(table, slice),
        name=name,
        units=known_units(units),
        full_scale=full_scale,
        modality=modality,
        label_level=level,
    )
    if modality == "unknown":
        cohort = cohort.noted("Pictures do not record a modality or units; modality= names it.")
    return cohort if "patient_id" in table else without_ids(cohort, groups=groups)


def from_pictures(
    table: pd.DataFrame,
    *,
    name: str,
    units: str | None = None,
    full_scale: float | str | None = None,
    **facts: Any,
) -> Cohort:
    """Return the cohort of a table with ``image_id, path, label``; every picture is read once."""
    read, refused, notes, grey = examine(table, _read, UNREADABLE)
    for column, default in (("patient_id", ""), ("site", "unknown")):
        if column not in read:
            read[column] = default
    classes = tuple(sorted(read.label.unique(), key=pictures.natural))
    if lost := sorted(set(table.label) - set(classes)):
        raise InputError(f"No picture of class {names(lost)} in {name} can be read: copy it again.")
    scale = levels.settle(grey, units=units, full_scale=full_scale)
    if scale.factors:
        read["container"] = grey.container
    acquisition = tuple(c for c in ("bytes", "rows", "columns", "site", "container") if c in read)
    return Cohort(
        name=name,
        table=read,
        classes=classes,
        reader=_Pictures(scale.factors),
        units=scale.units,
        grey_range=scale.black_white,
        acquisition=acquisition,
        refused=refused,
        **{"notes": (*scale.notes, *notes), **facts},
    )


def slices(table: pd.DataFrame, wanted: str | int) -> pd.DataFrame:
    """One row a slice of each volume; pictures, and what cannot be read, keep their one row."""
    kept = [_places(path, wanted) for path in table.path]
    if not any(volumes.is_volume(path) for path in table.path):
        volumes.refuse_slice(wanted, "the folder holds pictures")
        return table
    rows = table.loc[np.repeat(table.index, [len(places) for places in kept])]
    rows = rows.reset_index(drop=True).assign(slice=[k for places in kept for k in places])
    if str(wanted) == "all":
        number = [f"#{k + 1}" if volumes.is_volume(p) else "" for p, k in _of(rows)]
        rows["image_id"] += number
    return rows


def _of(rows: pd.DataFrame) -> Iterator[tuple[str, int]]:
    yield from zip(rows.path, rows.slice, strict=True)


def _places(path: str, wanted: str | int) -> list[int]:
    if not volumes.is_volume(path):
        return [0]
    try:
        n = len(volumes.read(path).values)
    except volumes.UNREADABLE:
        return [0]  # refused with its reason when it is read
    return volumes.places(n, wanted, path)


def pictures_of_table(home: Path, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the table with ``image_id`` and ``path`` of the pictures that ``table.file`` names."""
    files = [str(p.relative_to(home).as_posix()) for p in pictures.find(home, SUFFIXES)]
    matched = match_files(table, files, path)
    return table.assign(image_id=matched, path=[str(home / file) for file in matched])


def _pictures_of_folders(home: Path) -> pd.DataFrame:
    found = list(pictures.find(home, SUFFIXES))
    if not found:
        raise InputError(
            f"{home} holds no pictures ({', '.join(SUFFIXES)}): "
            "check the folder; DICOM files are read with dicom:DIR."
        )
    parts = [path.relative_to(home).parts for path in found]
    classes = class_folders(parts)
    if classes is None:
        loose = [p[0] for p in parts if len(p) == 1]
        raise InputError(
            f"{home} has pictures outside class folders, such as {names(loose, 1)}: put each into "
            "a sub-folder named after its class, or add labels.csv (file,label)."
        )
    return classes.assign(image_id=["/".join(p) for p in parts], path=[str(p) for p in found])


def _inner(home: Path) -> Path:
    """Descend through a lone folder of folders, as archives often have."""
    shown = [p for p in home.iterdir() if not p.name.startswith((".", "__MACOSX"))]
    lone = len(shown) == 1 and shown[0].is_dir()
    return _inner(shown[0]) if lone and any(p.is_dir() for p in shown[0].iterdir()) else home


def _with_patients(
    table: pd.DataFrame, home: Path, path: Path, columns: Mapping[str, str]
) -> pd.DataFrame:
    patients = read_table(path, required=("file", "patient_id"), columns=columns)
    files = [str(p.relative_to(home).as_posix()) for p in pictures.find(home, SUFFIXES)]
    patients = patients.assign(image_id=match_files(patients, files, path))
    lost = table.image_id[~table.image_id.isin(patients.image_id)]
    if len(lost):
        raise InputError(
            f"{path} has no row for {len(lost)} pictures: {names(lost)}; add their patients."
        )
    new = [c for c in patients if c == "image_id" or c not in table]
    return table.merge(patients[new], on="image_id", how="left", validate="one_to_one")
