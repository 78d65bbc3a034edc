"""Folders of DICOM series with a table of labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.sources import archives, levels
from medlib.cohorts.sources.examine import examine
from medlib.cohorts.sources.pictures import natural
from medlib.cohorts.sources.several_labels import read_labels, refuse_label
from medlib.cohorts.sources.tables import class_folders, match_files, refuse_repeats, table_path
from medlib.cohorts.sources.volumes import places
from medlib.dicom import DicomError, Scan, read_image, scan
from medlib.dicom.geometry import Frame, stack
from medlib.dicom.header import Header
from medlib.dicom.tags import NUMBER_TAGS, TEXT_TAGS
from medlib.errors import InputError
from medlib.types import Image

KEYS: Final = ("file", "series_uid", "patient_id")
"""Columns that say what a label is of; the most exact one that the table has counts."""
NO_RESCALE: Final = "no RescaleSlope"
"""How the warning begins of a CT file that does not say what its values mean."""
NO_LABELS: Final = (
    "There is no labels table {0}/labels.csv, nor sub-folders of a class and several patients "
    "each: write a csv with columns patient_id (or series_uid, or file) and label, or name one "
    "with ?labels=PATH after the cohort."
)
"""What a folder without labels is told."""
SERIES_FOR_PATIENTS: Final = (
    "No patient ids are recorded: each series counts as its own patient, which makes every "
    "estimate too good if patients have several; give patient ids in a labels.csv if you have them."
)
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
    label: str | None = None,
    label_columns: str | None = None,
    slice: str | int = "middle",
    full_scale: float | str | None = None,
    allow_mixed_patients: bool = False,
    **columns: str,
) -> Cohort:
    """Load DICOM series at any depth of a folder (or zip), with labels from a csv or sub-folders.

    Without a csv, the sub-folder is the class, as in `folders.load`. ``labels``, or ``labels.csv``
    in the folder, has a column label and one of file, series_uid or patient_id; site and others
    may follow; ``label_column="..."`` and its like name columns that are not to be guessed;
    ``label`` chooses one of several labels an image and ``label_columns`` says which columns are
    labels (`read_labels`). A label of a file makes that file an image; a label of a series or
    patient makes each series one
    image: ``slice`` is "middle", "all", or the number of the slice along the normal.
    ``full_scale``: the grey level of white of other files than CT, where it is not to be taken
    from the files (see `levels.settle`). Files that cannot be read are listed in ``refused``.
    Raises InputError where the folder or the table cannot be used.
    """
    home = archives.folder(place, "dicom")
    asked = {key.removesuffix("_column"): value for key, value in columns.items()}
    path = _labels_path(home, labels)
    table = None
    if path is None:
        refuse_label(label, label_columns, home)
    else:
        table = read_labels(path, columns=asked, label=label, among=label_columns)
    found = scan(home)
    table = _labels_of_folders(found) if table is None else table
    cohort = from_series(
        found,
        table,
        path or home,
        name=f"dicom-{Path(place).stem}",
        slice=slice,
        full_scale=full_scale,
        label_level="image" if allow_mixed_patients else "patient",
    )
    if path is not None:
        return cohort
    if _nameless(found):
        cohort = replace(cohort, patient_id_kind="surrogate").noted(SERIES_FOR_PATIENTS)
    ids = list(cohort.table.image_id)
    order = sorted(range(len(ids)), key=lambda i: natural(ids[i]))
    return cohort.select(order)  # that of pictures in such folders: equal draws, equal numbers


def _labels_of_folders(found: Scan) -> pd.DataFrame:
    """One row a series with its class; a file, where series have several folders or patients."""
    _require_images(found, len(found.refused))
    paths = [h.path.relative_to(found.folder) for h in found.headers]
    parts = [path.parts for path in paths]
    while parts and len({p[0] for p in parts}) == 1 and all(len(p) > 2 for p in parts):
        parts = [p[1:] for p in parts]  # a lone folder of folders, as archives often have
    classes = class_folders(parts)
    patients = [header.patient_id for header in found.headers]
    if classes is None or not _are_classes(classes.label, patients):
        raise InputError(NO_LABELS.format(found.folder))
    table = classes.assign(
        file=[path.as_posix() for path in paths],
        series_uid=[header.series_uid for header in found.headers],
    )
    if _nameless(found):
        table = table.assign(patient_id=table.series_uid)
    whose = table.assign(patient=patients).groupby("series_uid")[["label", "patient"]]
    if (whose.nunique() > 1).any(axis=None):
        return table.drop(columns="series_uid")
    return table.drop(columns="file").drop_duplicates("series_uid")


def _are_classes(folders: pd.Series, patients: list[str]) -> bool:
    """Two folders at least, and none of one patient's own: that is no class."""
    pairs = pd.DataFrame({"folder": folders, "patient": patients}).drop_duplicates()
    alone = ~pairs.folder.duplicated(keep=False) & ~pairs.patient.duplicated(keep=False)
    return folders.nunique() > 1 and not alone.any()


def from_series(
    found: Scan,
    table: pd.DataFrame,
    path: Path,
    *,
    name: str,
    slice: str | int = "middle",
    full_scale: float | str | None = None,
    **facts: Any,
) -> Cohort:
    """Return the cohort of the series that were found, with labels in ``table`` (of ``path``)."""
    home = found.folder
    refused = found.refused[found.refused.file.astype(str) != str(path)]
    _require_images(found, len(refused))
    _stop_if_most_are_refused(refused, found)
    key = _key(table, path)
    images = _images(found, key, slice, set(table[key]))
    labelled = _labelled(images, table, key, path, refused, home)
    read, damaged, notes, grey = examine(labelled, _decode, (DicomError,))
    lost = 0 if key != "file" else len(table) - labelled.file.nunique()
    if lost:
        notes += (f"{lost} files of {path.name} cannot be read and are left out.",)
    if without := len(images) - len(labelled):
        notes += (f"{without} images have no row in {path.name} and are left out.",)
    units, reason = _units(read, grey)
    scale = levels.settle(grey, units=units, full_scale=full_scale, rest=" of the files")
    notes += reason + scale.notes
    if len(refused):
        notes += (f"{len(refused)} files are no readable images: {names(refused.file)}.",)
    return Cohort(
        name=name,
        table=read.assign(site=_site(read)),
        classes=tuple(sorted(read.label.unique(), key=natural)),
        reader=_Slices(),
        modality="/".join(sorted(read.modality.unique())),
        units=scale.units,
        grey_range=scale.black_white,
        acquisition=(*(c for c in ACQUISITION if c in read), "site"),
        refused=pd.concat([refused.astype(str), damaged], ignore_index=True),
        **{"notes": notes, **facts},
    )


def _nameless(found: Scan) -> bool:
    """No file names a patient."""
    return not any(header.patient_id.strip() for header in found.headers)


def _require_images(found: Scan, n: int) -> None:
    """Raise InputError where there is no image and n files were refused."""
    if not found.headers:
        why = f" ({n} files were refused)" if n else ""
        raise InputError(f"{found.folder} holds no readable DICOM image{why}: check the folder.")


def _units(read: pd.DataFrame, grey: pd.DataFrame) -> tuple[str | None, tuple[str, ...]]:
    """HU of CT, unless no file says how to get them and none has a value of air or fat."""
    if set(read.modality) != {"CT"}:
        return None, ()
    if grey.low.min() < 0 or not read.warnings.str.contains(NO_RESCALE, regex=False).all():
        return "HU", ()
    why = "CT without rescale and without values below 0: grey levels, not Hounsfield units."
    return None, (why,)


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


def _labels_path(home: Path, labels: str | None) -> Path | None:
    """Where the table is; None where none is named and the folder has none."""
    path = table_path(home, labels, "labels.csv")
    if path is not None and not path.is_file():
        raise InputError(f"There is no labels table {path}: check the path after labels=.")
    return path


def _decode(row: Mapping[str, Any]) -> tuple[Image, tuple[str, ...], levels.Stored]:
    return _Slices()(row), (), levels.Stored()


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
    return [frames[place] for place in places(len(frames), slice, f"series {uid}")]


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
