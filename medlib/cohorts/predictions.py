"""Predictions of somebody's model, one row a case, from a csv file: no images are needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from medlib.cohorts.sources.tables import read_table
from medlib.errors import InputError
from medlib.types import Floats, Integers, Labels

SCORE: Final = "score_"
"""How the columns begin that `medlib run` writes, one a class: score_normal, score_malignant."""


@dataclass(frozen=True)
class Predictions:
    """What a model said of cases that it had not seen.

    Attributes: labels (0 or 1, one a case), scores (probability of 1), groups (which patient each
    case is of: 0, 1, ...), patient_ids (whether the file named them; else each row is a patient),
    classes (names of 0 and 1), repeats (of a cross-validation in the file; the first one is used).
    """

    labels: Labels
    scores: Floats
    groups: Integers
    patient_ids: bool
    classes: tuple[str, str] = ("0", "1")
    repeats: int = 1

    def identity(self) -> dict[str, Any]:
        """Return what a result needs to name its data, as `Cohort.identity` does.

        What a table of predictions cannot tell (modality, licence, citation) is "unknown".
        """
        digits = hashlib.sha256()
        for part in (self.labels, self.scores, self.groups):
            digits.update(np.ascontiguousarray(part).tobytes())
        notes = [f"SHA-256 of labels, scores and patients {digits.hexdigest()}"]
        if not self.patient_ids:
            notes.append("No patient ids are given: each row is taken for a patient.")
        if self.repeats > 1:
            notes.append(f"The file holds {self.repeats} repeats of each case; the first is used.")
        negative, positive = np.bincount(self.labels, minlength=2).tolist()
        return {
            "name": "predictions",
            "classes": list(self.classes),
            "images": len(self.labels),
            "patients": int(self.groups.max()) + 1,
            "images_per_class": dict(zip(self.classes, (negative, positive), strict=True)),
            "sites": 0,
            "patient_id_kind": "recorded" if self.patient_ids else "unknown",
            "simulated": False,
            **dict.fromkeys(("modality", "units", "licence", "citation"), "unknown"),
            "refused_files": 0,
            "notes": notes,
        }


def read_predictions(path: Path | str) -> Predictions:
    """Return the predictions of a csv file: columns label (0 or 1), score and, if any, patient_id.

    score is the probability of label 1, from 0 to 1. Or as `medlib run` leaves them: label is a
    class name, `score_` and a class name head two columns of probabilities, the positive class
    last, and repeat numbers the repeats of a cross-validation, of which the first is read. Other
    columns are not read. Raises InputError, with the line, for a file or column that is missing,
    other values, and one class alone.
    """
    file = Path(path)
    table, classes, repeats = _plain(file, read_table(file))
    for name in ("label", "score"):
        if name not in table:
            raise InputError(
                f"{file} lacks a column '{name}' (it has {', '.join(map(str, table))}): give label "
                "(0 or 1) and score (the probability of 1), one row a case."
            )
    labels = _numbers(file, table["label"])
    _refuse(file, table["label"], ~labels.isin([0, 1]), "0 or 1")
    scores = _numbers(file, table["score"])
    _refuse(file, table["score"], ~scores.between(0, 1), "a probability, from 0 to 1")
    if labels.nunique() < 2:
        raise InputError(f"{file} has label {labels.iloc[0]:g} only; give cases of both.")
    named = "patient_id" in table
    if named:
        _refuse(file, table["patient_id"], table["patient_id"] == "", "a patient")
    groups = pd.factorize(table["patient_id"])[0] if named else np.arange(len(table))
    return Predictions(
        np.asarray(labels, dtype=np.int64),
        np.asarray(scores, dtype=np.float64),
        groups.astype(np.int64),
        named,
        classes,
        repeats,
    )


def _plain(file: Path, table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, str], int]:
    """Return a table with label 0 or 1 and score, the names of both classes, and its repeats."""
    columns = [str(name) for name in table if str(name).startswith(SCORE)]
    if "score" in table or "label" not in table or not columns:
        return table, ("0", "1"), 1
    if len(columns) != 2:
        raise InputError(
            f"{file} has scores of {len(columns)} classes ({', '.join(columns)}), and two are "
            "asked for: run the chapter that made it with -p classes NEGATIVE,POSITIVE."
        )
    negative, positive = (name.removeprefix(SCORE) for name in columns)
    known = table.label.isin([negative, positive])
    _refuse(file, table.label, ~known, f"{negative!r} or {positive!r} as its scores are named")
    plain = table.assign(label=(table.label == positive).astype(int).astype(str))
    plain = plain.assign(score=table[columns[1]])
    if "repeat" not in table:
        return plain, (negative, positive), 1
    first = plain[table.repeat == table.repeat.iloc[0]]
    return first, (negative, positive), int(table.repeat.nunique())


def _numbers(file: Path, column: pd.Series[str]) -> pd.Series[float]:
    values = pd.to_numeric(column, errors="coerce").astype(float)
    _refuse(file, column, ~values.between(-np.inf, np.inf), "a number (with a point, 0.83)")
    return values


def _refuse(file: Path, column: pd.Series[str], wrong: pd.Series[bool], wanted: str) -> None:
    """Raise InputError for the first wrong value, with its line in the file."""
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        line = int(column.index[first]) + 2
        raise InputError(
            f"{file} has the {column.name} '{column.iloc[first]}' in line {line}, not {wanted}"
            f" ({int(wrong.sum())} such rows): correct or remove them."
        )
