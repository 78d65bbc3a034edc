"""Out-of-fold predictions as a table that others read: one row a case and repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import Cohort
from medlib.cohorts.predictions import SCORE
from medlib.learning.crossval import CrossValidation

LOSSLESS: Final = "%.9g"
"""Digits that tell any two single-precision numbers apart."""


def out_of_fold_table(runs: Sequence[CrossValidation], cases: Cohort) -> pd.DataFrame:
    """Return image_id, patient_id, label, repeat and fold (from 1), a score a class, predicted.

    label and predicted are class names; the columns of scores are `score_` and the class, the
    negative one first where there are two. One row a case and repeat, repeats one after the other.
    """
    names = np.array(cases.classes)
    parts = []
    for number, run in enumerate(runs, 1):
        table = run.predictions[["image_id", "patient_id"]].assign(
            label=names[run.labels], repeat=number, fold=run.fold + 1
        )
        table[score_columns(cases.classes)] = run.probabilities
        parts.append(table.assign(predicted=names[run.predicted]))
    return pd.concat(parts, ignore_index=True)


def score_columns(classes: Sequence[str]) -> list[str]:
    """Return the names of the columns of scores."""
    return [f"{SCORE}{name}" for name in classes]


def as_csv(table: pd.DataFrame) -> str:
    """Return the table as text of a csv file, with all digits of its scores."""
    return str(table.to_csv(index=False, float_format=LOSSLESS, lineterminator="\n"))
