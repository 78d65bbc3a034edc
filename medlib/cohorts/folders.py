"""Folders of pictures: class sub-folders, or a table of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from medlib.cohorts import archives, pictures
from medlib.cohorts.arrays import without_ids
from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.examine import examine
from medlib.cohorts.tables import match_files, read_table
from medlib.errors import InputError
from medlib.imaging import Image

SPLIT_FOLDERS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""A folder that holds only these is a split; its classes are one level below."""


@dataclass(frozen=True)
class _Pictures:
    """Reads the picture in a row's ``path``."""

    def __call__(self, row: Mapping[str, Any]) -> Image:
        return pictures.read(row["path"])


def load(
    place: str,
    *,
    patients: str | None = None,
    labels: str | None = None,
    groups: str = "copies",
    modality: str = "unknown",
    allow_mixed_patients: bool = False,
    **columns: str,
) -> Cohort:
    """Load a folder (or zip) of jpg, png, tif, bmp, gif or webp pictures of any size.

    The class is the sub-folder; below ``train``, ``test``... the sub-folder of that, and the
    split is kept. Or the class is in a table: ``labels`` or ``labels.csv`` in the folder (file,
    label[, patient_id][, site][, split]). Patients are in that table, or in ``patients`` or
    ``patients.csv`` (file, patient_id[, site]); otherwise see `without_ids` for ``groups``.
    ``label_column="..."`` and its like name columns that are not to be guessed. Raises
    InputError where the folder or a table cannot be used.
    """
    home = _inner(archives.folder(place, "images"))
    labels_path = _table_path(home, labels, "labels.csv")
    asked = {key.removesuffix("_column"): value for key, value in columns.items()}
    if labels_path:
        table = read_table(labels_path, required=("file", "label"), columns=asked)
        table = pictures_of_table(home, table, labels_path)
    else:
        table = _pictures_of_folders(home)
    patients_path = _table_path(home, patients, "patients.csv")
    if patients_path:
        table = _with_patients(table, home, patients_path, {} if labels_path else asked)
    level = "image" if allow_mixed_patients else "patient"
    name = f"images-{Path(place).stem}"
    cohort = from_pictures(table, name=name, modality=modality, label_level=level)
    if modality == "unknown":
        cohort = cohort.noted("Pictures do not record a modality or units; modality= names it.")
    return cohort if "patient_id" in table else without_ids(cohort, groups=groups)


def from_pictures(table: pd.DataFrame, *, name: str, **facts: Any) -> Cohort:
    """Return the cohort of a table with ``image_id, path, label``; every picture is read once."""
    read, refused, notes = examine(
        table, lambda row: pictures.read_with_remarks(row["path"]), pictures.UNREADABLE
    )
    for column, default in (("patient_id", ""), ("site", "unknown")):
        if column not in read:
            read[column] = default
    classes = tuple(sorted(read.label.unique(), key=pictures.natural))
    if lost := sorted(set(table.label) - set(classes)):
        raise InputError(f"No picture of class {names(lost)} in {name} can be read: copy it again.")
    acquisition = tuple(c for c in ("bytes", "rows", "columns", "site") if c in read)
    return Cohort(
        name=name,
        table=read,
        classes=classes,
        reader=_Pictures(),
        acquisition=acquisition,
        refused=refused,
        **{"notes": notes, **facts},
    )


def pictures_of_table(home: Path, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the table with ``image_id`` and ``path`` of the pictures that ``table.file`` names."""
    files = [str(p.relative_to(home).as_posix()) for p in pictures.find(home)]
    matched = match_files(table, files, path)
    return table.assign(image_id=matched, path=[str(home / file) for file in matched])


def _pictures_of_folders(home: Path) -> pd.DataFrame:
    found = list(pictures.find(home))
    if not found:
        raise InputError(
            f"{home} holds no pictures ({', '.join(sorted(pictures.SUFFIXES))}): "
            "check the folder; DICOM files are read with dicom:DIR."
        )
    parts = [path.relative_to(home).parts for path in found]
    loose = [p[0] for p in parts if len(p) == 1]
    if loose:
        raise InputError(
            f"{home} has pictures outside class folders, such as {names(loose, 1)}: put each into "
            "a sub-folder named after its class, or add labels.csv (file,label)."
        )
    split = {p[0].lower() for p in parts} <= SPLIT_FOLDERS and all(len(p) > 2 for p in parts)
    table = pd.DataFrame(
        {
            "image_id": ["/".join(p) for p in parts],
            "path": [str(path) for path in found],
            "label": [p[1 if split else 0] for p in parts],
        }
    )
    return table.assign(split=[p[0] for p in parts]) if split else table


def _inner(home: Path) -> Path:
    """Descend through a lone folder of folders, as archives often have."""
    shown = [p for p in home.iterdir() if not p.name.startswith((".", "__MACOSX"))]
    lone = len(shown) == 1 and shown[0].is_dir()
    return _inner(shown[0]) if lone and any(p.is_dir() for p in shown[0].iterdir()) else home


def _table_path(home: Path, given: str | None, standard: str) -> Path | None:
    """Of a table: as given (also relative to the folder), else the standard one if it exists."""
    if given is None:
        return home / standard if (home / standard).is_file() else None
    inside = home / given
    return inside if inside.is_file() else Path(given).expanduser()


def _with_patients(
    table: pd.DataFrame, home: Path, path: Path, columns: Mapping[str, str]
) -> pd.DataFrame:
    patients = read_table(path, required=("file", "patient_id"), columns=columns)
    files = [str(p.relative_to(home).as_posix()) for p in pictures.find(home)]
    patients = patients.assign(image_id=match_files(patients, files, path))
    lost = table.image_id[~table.image_id.isin(patients.image_id)]
    if len(lost):
        raise InputError(
            f"{path} has no row for {len(lost)} pictures: {names(lost)}; add their patients."
        )
    new = [c for c in patients if c == "image_id" or c not in table]
    return table.merge(patients[new], on="image_id", how="left", validate="one_to_one")
