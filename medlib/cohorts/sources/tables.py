"""Label tables (csv, xlsx): find the columns, check the rows, match them with files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from unicodedata import normalize
from zipfile import BadZipFile

import pandas as pd

from medlib.cohorts.cohort import names
from medlib.errors import InputError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "file": ("filename", "filepath", "path", "image", "imageid", "imagepath", "imagefile"),
    "series_uid": ("seriesinstanceuid", "series", "seriesuid"),
    "patient_id": ("patient", "pid", "patientid", "subject", "subjectid", "case", "caseid"),
    "label": ("class", "diagnosis", "target", "category", "classlabel", "finding", "y"),
    "site": ("institution", "institutionname", "centre", "center", "hospital"),
    "split": ("set", "partition", "subset"),
}
"""Our name of a column, and others (lower case, letters and digits only) taken for it."""

SHEETS = (".xlsx", ".xlsm")
"""How the names of spreadsheets end whose first sheet is read."""
SPREADSHEETS = (".xls", ".ods", ".numbers")
"""How those end that are not read."""
_SAVE_AS = (
    "{} is a spreadsheet of a kind that is not read: save it as xlsx or csv and give that file."
)
SPLIT_FOLDERS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""A folder that holds only these is a split; its classes are one level below."""


def read_table(
    path: Path, *, required: Iterable[str] = (), columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read a csv of any delimiter or the first sheet of an xlsx, all values as text.

    Standard columns get our names; ``columns`` maps our names to those of the table where they are
    not to be guessed. Raises InputError if the file is missing or empty, a required column is
    lacking, or a value in one is empty.
    """
    if not path.is_file():
        raise InputError(f"There is no labels table {path}: give the path of a csv or xlsx file.")
    if path.suffix.lower() in SPREADSHEETS:
        raise InputError(_SAVE_AS.format(path))
    read = _of_sheet if path.suffix.lower() in SHEETS else _parse
    table = read(path).rename(columns=str.strip)
    if table.empty:
        raise InputError(f"{path} has no rows: add one for each image or patient.")
    table = table.rename(columns=_renaming(path, [str(c) for c in table], columns or {}))
    return require_columns(table.map(str.strip), path, required)


def require_columns(table: pd.DataFrame, path: Path, required: Iterable[str]) -> pd.DataFrame:
    """Return the table; raises InputError for a column that is lacking or has an empty value."""
    for name in required:
        if name not in table:
            raise InputError(
                f"{path} lacks a column {name!r} (it has {', '.join(map(str, table))}): "
                f"add it, or say which one it is with ?{name}_column=NAME after the cohort."
            )
        empty = table.index[table[name] == ""]
        if len(empty):
            raise InputError(
                f"{path} has an empty {name} in {len(empty)} rows, first in line {empty[0] + 2}: "
                "fill it or remove the row."
            )
    return table


def _parse(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text(encoding="utf-8-sig")
        first_line = text.split("\n", 1)[0]
        mark = max(",;\t", key=first_line.count)
        table = pd.read_csv(
            path, sep=mark, dtype=str, keep_default_na=False, encoding="utf-8-sig", engine="c"
        )
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as e:
        raise InputError(
            f"{path} is no table of text with commas ({e}): save it as csv, encoded as UTF-8."
        ) from e
    return table


def _of_sheet(path: Path) -> pd.DataFrame:
    """The first sheet, each cell as `cell_text` has it; rows without any are left out."""
    try:
        cells = pd.read_excel(path, dtype=object, na_filter=False, engine="openpyxl")
    except (BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as e:
        raise InputError(
            f"{path} is no readable spreadsheet ({e}): open it and save it anew as xlsx or csv."
        ) from e
    texts = cells.rename(columns=str).map(cell_text)
    return texts[(texts != "").any(axis=1)]


def cell_text(value: object) -> str:
    """Return what a csv of the same table holds: 7 and not 7.0, 2024-03-01, TRUE, 0.1.

    A number has 15 digits at most, as a spreadsheet shows it; text stays as it is.
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return "" if value != value else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    return str(value)


def _renaming(path: Path, present: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """From the table's names to ours; what is asked for goes before what is guessed."""
    renaming = {}
    for ours, theirs in columns.items():
        if theirs not in present:
            raise InputError(
                f"{path} has no column {theirs!r} for {ours} (it has {', '.join(present)}): "
                "name one of these."
            )
        renaming[theirs] = ours
        if ours in present and theirs != ours:
            renaming[ours] = f"{ours} (not used)"
    plain = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in present}
    for ours, others in ALIASES.items():
        if ours in columns or ours in present:
            continue
        for alias in (ours.replace("_", ""), *others):
            match = [n for n in present if plain[n] == alias and n not in renaming]
            if match:
                renaming[match[0]] = ours
                break
    return renaming


def table_path(home: Path, given: str | None, standard: str) -> Path | None:
    """Of a table: as given (also relative to the folder), else the standard one if it exists.

    An xlsx counts too; raises InputError where another spreadsheet stands in its place.
    """
    if given is not None:
        inside = home / given
        return inside if inside.is_file() else Path(given).expanduser()
    if (home / standard).is_file():
        return home / standard
    for suffix in (*SHEETS, *SPREADSHEETS):
        sheet = (home / standard).with_suffix(suffix)
        if sheet.is_file() and suffix in SHEETS:
            return sheet
        if sheet.is_file():
            raise InputError(_SAVE_AS.format(sheet))
    return None


def class_folders(parts: Sequence[tuple[str, ...]]) -> pd.DataFrame | None:
    """Return ``label`` (and ``split``) of relative paths, by their parts; None if one is loose.

    The label is the first folder; where all of these are train, val, test and the like, they are
    the split, and the label is the folder below.
    """
    if any(len(p) == 1 for p in parts):
        return None
    split = {p[0].lower() for p in parts} <= SPLIT_FOLDERS and all(len(p) > 2 for p in parts)
    table = pd.DataFrame({"label": [p[1 if split else 0] for p in parts]})
    return table.assign(split=[p[0] for p in parts]) if split else table


def refuse_repeats(table: pd.DataFrame, key: str, path: Path) -> None:
    """Raise InputError if two rows of a table have the same key, naming them."""
    repeated = table[key][table[key].duplicated()].unique()
    if len(repeated):
        raise InputError(
            f"{path} has more than one row for {names(repeated)}: keep one row for each {key}."
        )


def match_files(table: pd.DataFrame, files: list[str], path: Path) -> list[str]:
    """Return, for each row of ``table.file``, the one of ``files`` (relative paths) it names.

    By path, or by the end of the path where only one file fits, or without suffix. A letter with
    an accent may be one character or two: macOS and others write file names differently. Raises
    InputError naming rows without a file, rows that fit several, and repeated rows.
    """
    ends: dict[str, list[str]] = {}
    for file in files:
        parts = normalize("NFC", file).split("/")
        stem = [*parts[:-1], parts[-1].removesuffix(".gz").rsplit(".", 1)[0]]
        for spelling in {*_endings(parts), *_endings(stem)}:
            ends.setdefault(spelling, []).append(file)
    asked = [re.sub(r"^(\./)+", "", name.replace("\\", "/")) for name in table.file]
    exact = set(files)
    fits = [[n] if n in exact else ends.get(normalize("NFC", n), []) for n in asked]
    lost = [name for name, fit in zip(asked, fits, strict=True) if not fit]
    if lost:
        raise InputError(
            f"{path} names {len(lost)} files that are not there: {names(lost)}; "
            "correct the names or restore the files."
        )
    unclear = [name for name, fit in zip(asked, fits, strict=True) if len(fit) > 1]
    if unclear:
        raise InputError(
            f"{path} names files that fit several: {names(unclear)}; write them with their folder."
        )
    matched = [fit[0] for fit in fits]
    refuse_repeats(pd.DataFrame({"file": matched}), "file", path)
    return matched


def _endings(parts: list[str]) -> list[str]:
    return ["/".join(parts[i:]) for i in range(len(parts))]
