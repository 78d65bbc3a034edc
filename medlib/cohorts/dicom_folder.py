"""Folders of DICOM series with a table of labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from medlib.cohorts import archives
from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.examine import examine
from medlib.cohorts.pictures import natural
from medlib.cohorts.tables import match_files, read_table, refuse_repeats
from medlib.dicom import DicomError, Scan, read_image, scan
from medlib.dicom.geometry import Frame, stack
from medlib.dicom.header import Header
from medlib.dicom.tags import NUMBER_TAGS, TEXT_TAGS
from medlib.errors import InputError
from medlib.imaging import Image

KEYS: Final = ("file", "series_uid", "patient_id")
"""Columns that say what a label is of; the most exact one that the table has counts."""
ACQUISITION: Final = ("rows", "columns", "bytes", "spacing_y", *TEXT_TAGS, *NUMBER_TAGS)
"""Columns that say how an image was taken."""


@dataclass(frozen=True)
class _Slices:
    """Reads frame ``frame`` of the DICOM file in a row's ``path``; CT in HU."""

    def __call__(self, row: Mapping[str, Any]) -> Image:
        pixels = read_image(row["path"])
        return pixels[int(row["frame"])] if pixels.ndim == 3 else pixels


def load(
    place: str,
    *,
    labels: str | None = None,
    slice: str | int = "middle",
    allow_mixed_patients: bool = False,
    **columns: str,
) -> Cohort:
    """Load DICOM series at any depth of a folder (or zip), with labels from a csv.

    ``labels``, or ``labels.csv`` in the folder, has a column label and one of file, series_uid
    or patient_id; site and others may follow; ``label_column="..."`` and its like name columns
    that are not to be guessed. A label of a file makes that file an image; a label of a series
    or patient makes each series one image: ``slice`` is "middle", "all", or the number of the
    slice along the normal. Files that cannot be read are listed in ``refused``. Raises
    InputError where the folder or the table cannot be used.
    """
    home = archives.folder(place, "dicom")
    asked = {key.removesuffix("_column"): value for key, value in columns.items()}
    path = _labels_path(home, labels)
    table = read_table(path, required=("label",), columns=asked)
    name = f"dicom-{Path(place).stem}"
    level = "image" if allow_mixed_patients else "patient"
    return from_series(scan(home), table, path, name=name, slice=slice, label_level=level)


def from_series(
    found: Scan,
    table: pd.DataFrame,
    path: Path,
    *,
    name: str,
    slice: str | int = "middle",
    **facts: Any,
) -> Cohort:
    """Return the cohort of the series that were found, with labels in ``table`` (of ``path``)."""
    home = found.folder
    refused = found.refused[found.refused.file.astype(str) != str(path)]
    if not found.headers:
        why = f" ({len(refused)} files were refused)" if len(refused) else ""
        raise InputError(f"{home} holds no readable DICOM image{why}: check the folder.")
    _stop_if_most_are_refused(refused, found)
    key = _key(table, path)
    images = _images(found, key, slice, set(table[key]))
    labelled = _labelled(images, table, key, path, refused, home)
    read, damaged, notes = examine(labelled, _decode, (DicomError,))
    lost = 0 if key != "file" else len(table) - labelled.file.nunique()
    if lost:
        notes += (f"{lost} files of {path.name} cannot be read and are left out.",)
    if without := len(images) - len(labelled):
        notes += (f"{without} images have no row in {path.name} and are left out.",)
    if len(refused):
        notes += (f"{len(refused)} files are no readable images: {names(refused.file)}.",)
    return Cohort(
        name=name,
        table=read.assign(site=_site(read)),
        classes=tuple(sorted(read.label.unique(), key=natural)),
        reader=_Slices(),
        modality="/".join(sorted(read.modality.unique())),
        units="HU" if set(read.modality) == {"CT"} else "grey levels of the files",
        acquisition=(*(c for c in ACQUISITION if c in read), "site"),
        refused=pd.concat([refused.astype(str), damaged], ignore_index=True),
        **{"notes": notes, **facts},
    )


def _stop_if_most_are_refused(refused: pd.DataFrame, found: Scan) -> None:
    """Of files that look like DICOM by their name; readme and preview files do not count."""
    suffix = refused.file.map(lambda file: Path(str(file)).suffix.lower())
    broken = refused[suffix.isin(("", ".dcm", ".dicom", ".ima")) | suffix.str[1:].str.isdigit()]
    if len(broken) > len(found.headers):
        first = broken.iloc[0]
        raise InputError(
            f"{len(broken)} of {len(broken) + len(found.headers)} DICOM files in {found.folder} "
            f"cannot be read, such as {str(first.file)!r} ({first.reason}): check that the copy "
            "is complete."
        )


def _key(table: pd.DataFrame, path: Path) -> str:
    """Name the column that says what a label is of."""
    for key in KEYS:
        if key in table:
            return key
    raise InputError(
        f"{path} lacks a column file, series_uid or patient_id (it has "
        f"{', '.join(map(str, table))}): add one, so that labels find their images."
    )


def _labels_path(home: Path, labels: str | None) -> Path:
    path = home / "labels.csv" if labels is None else Path(labels).expanduser()
    if labels is not None and (home / labels).is_file():
        path = home / labels
    if not path.is_file():
        raise InputError(
            f"There is no labels table {path}: write a csv with columns patient_id (or series_uid, "
            "or file) and label, or name one with ?labels=PATH after the cohort."
        )
    return path


def _decode(row: Mapping[str, Any]) -> tuple[Image, tuple[str, ...]]:
    return _Slices()(row), ()


def _images(found: Scan, key: str, slice: str | int, labelled: set[str]) -> pd.DataFrame:
    """One row an image: which file and frame, and the header's facts."""
    facts = found.files.set_index("path", drop=False)
    rows = []
    for uid, headers in found.by_series.items():
        has_label = key == "file" or facts.loc[str(headers[0].path), key] in labelled
        wanted = slice if has_label or not str(slice).isdigit() else "middle"
        for frame in _frames(uid, headers, key, wanted):
            path = frame.header.path
            file = Path(os.path.relpath(path, found.folder)).as_posix()
            number = f"#{frame.number + 1}" if frame.header.layout.frames > 1 else ""
            row = {"image_id": file + number, "file": file, "frame": frame.number}
            rows.append({**facts.loc[str(path)], **row})
    return pd.DataFrame(rows)


def _frames(uid: str, headers: list[Header], key: str, slice: str | int) -> list[Frame]:
    """Every frame if labels are of files; else those of a series in order along the normal."""
    if key == "file":
        return [Frame(header, i) for header in headers for i in range(header.layout.frames)]
    frames = stack(headers).frames
    return [frames[place] for place in _places(len(frames), slice, uid)]


def _places(n: int, slice: str | int, uid: str) -> list[int]:
    text = str(slice)
    if text == "middle":
        return [n // 2]
    if text == "all":
        return list(range(n))
    if not text.isdigit():
        raise InputError(f'slice is {slice!r}: give "middle", "all" or a number from 0.')
    if int(text) >= n:
        raise InputError(f"slice is {text} and series {uid} has {n} slices: give a lower number.")
    return [int(text)]


def _labelled(
    images: pd.DataFrame,
    table: pd.DataFrame,
    key: str,
    path: Path,
    refused: pd.DataFrame,
    home: Path,
) -> pd.DataFrame:
    """Join images and labels; the patient of the header counts where the table names none."""
    if key == "file":
        damaged = [Path(os.path.relpath(str(file), home)).as_posix() for file in refused.file]
        known = list(dict.fromkeys([*images.file, *damaged]))
        table = table.assign(file=match_files(table, known, path))
    else:
        refuse_repeats(table, key, path)
        lost = table[key][~table[key].isin(images[key])]
        if len(lost) > len(refused):  # fewer may be hidden in files that cannot be read
            raise InputError(
                f"{path} names {len(lost)} of {key} that {home} does not hold: {names(lost)}; "
                "correct the table or restore the files."
            )
    told = [c for c in ("patient_id", "site", "split", "label") if c in table and c != key]
    kept = images.drop(columns=[c for c in told if c in images])
    extra = [c for c in table if c not in kept or c == key]
    joined = kept.merge(table[extra], on=key, how="inner", validate="many_to_one")
    if joined.empty:
        raise InputError(f"No image of {home} has a row in {path}: compare their {key}.")
    _require_patients(joined, home)
    return joined


def _require_patients(joined: pd.DataFrame, home: Path) -> None:
    nameless = joined.file[joined.patient_id.fillna("").str.strip() == ""]
    if len(nameless):
        raise InputError(
            f"{len(nameless)} images of {home} have no patient id, such as {names(nameless, 1)}: "
            "add a column patient_id to the labels table."
        )


def _site(table: pd.DataFrame) -> pd.Series:
    given = table["site"] if "site" in table else table["InstitutionName"]
    site = given.astype(object).where(given.notna(), "").astype(str).str.strip()
    return site.where(site != "", "unknown")
