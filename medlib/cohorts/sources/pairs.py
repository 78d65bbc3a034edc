"""A folder with one sub-folder a modality: the same file name is the same patient's image.

    DIR/ct/p001.png   DIR/mri/p001.png   DIR/labels.csv   with the columns file,label[,patient_id]

Names are compared without their suffix, so that ct/p001.png and mri/p001.nii.gz pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.modalities import FirstOf
from medlib.cohorts.sources import archives, pictures
from medlib.cohorts.sources.arrays import without_ids
from medlib.cohorts.sources.folders import SUFFIXES, from_pictures, slices
from medlib.cohorts.sources.tables import read_table, refuse_repeats, table_path
from medlib.errors import InputError

LEAST: Final = 2
"""Fewest modalities, and fewest modalities that have to share an image."""


def load(
    place: str,
    *,
    labels: str | None = None,
    groups: str = "copies",
    slice: str | int = "middle",
    full_scale: float | str | None = None,
    allow_mixed_patients: bool = False,
    **columns: str,
) -> Cohort:
    """Load pairs (or triples...) of pictures or volumes, a sub-folder a modality.

    ``labels``, or ``labels.csv`` in the folder, has a row an image: file (with or without suffix),
    label[, patient_id][, site]. An image may lack in some modalities, not in all. Options are those
    of `folders.load`. Raises InputError where there is one modality only, where no image is in two
    of them, or where an image of the table is in none.
    """
    home = archives.folder(place, "pairs")
    found = _files(home)
    table_file = table_path(home, labels, "labels.csv")
    if table_file is None:
        raise InputError(
            f"{home} has no labels.csv: add one with the columns file,label and, if you have them, "
            "patient_id and site."
        )
    asked = {key.removesuffix("_column"): value for key, value in columns.items()}
    table = read_table(table_file, required=("file", "label"), columns=asked)
    table["image_id"] = [_stem(file.replace("\\", "/"), found) for file in table.file]
    refuse_repeats(table, "image_id", table_file)
    _require_pairs(home, table, found)
    _require_some(home, table, found, table_file)
    views = _views(table, found, slice, full_scale, modality_level=allow_mixed_patients)
    cohort = _together(f"pairs-{home.stem}", table, views)
    ignored = _without_row(table, found)
    if ignored:
        cohort = cohort.noted(
            f"{len(ignored)} images have no row in {table_file.name} and are left out: "
            f"{names(ignored)}."
        )
    return cohort if "patient_id" in table else without_ids(cohort, groups=groups)


def _files(home: Path) -> dict[str, dict[str, str]]:
    """Of each modality: path by name without suffix. Raises InputError for fewer than two."""
    folders = sorted((p for p in home.iterdir() if p.is_dir()), key=pictures.natural)
    found = {p.name: dict(_named(p)) for p in folders if not p.name.startswith((".", "__MACOSX"))}
    found = {name: files for name, files in found.items() if files}
    if len(found) < LEAST:
        raise InputError(
            f"{home} has {f'one modality only ({names(found)})' if found else 'no modality'}: put "
            "the images of each modality into a sub-folder of its own, under the same file names."
        )
    return found


def _named(folder: Path) -> Iterator[tuple[str, str]]:
    """Name without suffix, and path, of each picture below a folder; InputError for two alike."""
    seen: dict[str, Path] = {}
    for path in pictures.find(folder, SUFFIXES):
        name = without_suffix(path.relative_to(folder).as_posix())
        if name in seen:
            raise InputError(
                f"{folder} has two images of one name, {seen[name].name} and {path.name}: keep one."
            )
        seen[name] = path
        yield name, str(path)


def without_suffix(name: str) -> str:
    """Return a file's name (with its folders) without the suffix of a picture or volume."""
    low = name.lower()
    ends = sorted((s for s in SUFFIXES if low.endswith(s)), key=len)
    return name[: len(name) - len(ends[-1])] if ends else name


def _stem(file: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """The name that pairs, of a row that may name a suffix and the folder of a modality."""
    name = without_suffix(file.removeprefix("./"))
    first, _, rest = name.partition("/")
    return rest if rest and first in found else name


def _require_pairs(home: Path, table: pd.DataFrame, found: Mapping[str, Mapping[str, str]]) -> None:
    """Raise InputError where a modality shares no image of the table with any other."""
    wanted = set(table.image_id)
    for name, files in found.items():
        others = {stem for other in found if other != name for stem in found[other]}
        if not wanted & set(files) & others:
            example = " and ".join(repr(next(iter(files))) for files in found.values())
            raise InputError(
                f"The modalities of {home} do not pair: no labelled image of {name!r} is in "
                f"another sub-folder too (names are such as {example}); give the images of one "
                "patient the same file name in each."
            )


def _require_some(
    home: Path, table: pd.DataFrame, found: Mapping[str, Mapping[str, str]], path: Path
) -> None:
    """Raise InputError for rows whose image is in no modality."""
    there = {stem for files in found.values() for stem in files}
    lost = table.image_id[~table.image_id.isin(there)]
    if len(lost):
        raise InputError(
            f"{path} names {len(lost)} images that are in no modality ({', '.join(found)}): "
            f"{names(lost)}; restore the files or take the rows out."
        )


def _views(
    table: pd.DataFrame,
    found: Mapping[str, Mapping[str, str]],
    slice: str | int,
    full_scale: float | str | None,
    *,
    modality_level: bool,
) -> dict[str, Cohort]:
    """A cohort a modality, of the images it has."""
    views = {}
    for name, files in found.items():
        own = table[table.image_id.isin(files)].reset_index(drop=True)
        own = slices(own.assign(path=[files[stem] for stem in own.image_id]), slice)
        views[name] = from_pictures(
            own,
            name=name,
            full_scale=full_scale,
            modality=name,
            label_level="image" if modality_level else "patient",
        )
    return views


def _together(name: str, table: pd.DataFrame, views: Mapping[str, Cohort]) -> Cohort:
    """The cohort of all images; each shows the first modality that has it."""
    rows = pd.concat([view.table.assign(shown=key) for key, view in views.items()])
    by_image = rows.groupby("image_id", sort=False).sha256.agg("".join)
    first = rows.drop_duplicates("image_id").set_index("image_id")
    first = first.loc[[stem for stem in table.image_id if stem in first.index]].reset_index()
    first["sha256"] = [
        hashlib.sha256(by_image[stem].encode()).hexdigest() for stem in first.image_id
    ]
    for key, view in views.items():
        first[f"has {key}"] = first.image_id.isin(view.table.image_id).astype(int)
    leading = next(iter(views.values()))
    refused = pd.concat([view.refused.assign(tag=key) for key, view in views.items()])
    lacking = "; ".join(f"{key} {int((first[f'has {key}'] == 0).sum())}" for key in views)
    notes = tuple(f"{key}: {note}" for key, view in views.items() for note in view.notes)
    return Cohort(
        name=name,
        table=first,
        classes=tuple(sorted(first.label.unique(), key=pictures.natural)),
        reader=FirstOf({key: view.reader for key, view in views.items()}),
        modality=", ".join(views),
        units="each modality in its own",
        grey_range=leading.grey_range,
        label_level=leading.label_level,
        acquisition=tuple(f"has {key}" for key in views),
        refused=refused.reset_index(drop=True),
        notes=(f"Images that lack, by modality: {lacking}.", *notes),
        views=views,
    )


def _without_row(table: pd.DataFrame, found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Names of images in some modality that the table does not have."""
    every = {stem for files in found.values() for stem in files}
    return sorted(every - set(table.image_id), key=pictures.natural)
