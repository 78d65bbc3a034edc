"""Leaks raise: a patient, or an image and its copy, on both sides of a split."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib.cohorts.cohort import Cohort
from medlib.cohorts.similar.duplicates import find_duplicates
from medlib.errors import InputError
from medlib.types import Array


class LeakageError(InputError):
    """What a model is tested on would have been in its training."""


def assert_no_leakage(
    cohort: Cohort, folds: npt.ArrayLike, *, duplicates: pd.DataFrame | None = None
) -> None:
    """Raise LeakageError if a patient, or an image and its copy, lie in different folds.

    ``folds``: number or name of the fold, one an image. ``duplicates`` (`find_duplicates`) are
    searched for if not given. Raises InputError if there is not one fold an image.
    """
    fold = np.asarray(folds)
    assert_patients_apart(cohort.table.patient_id, fold, name=cohort.name)
    assert_copies_apart(cohort, fold, find_duplicates(cohort) if duplicates is None else duplicates)


def assert_copies_apart(cohort: Cohort, fold: Array, pairs: pd.DataFrame) -> None:
    """Raise LeakageError if an image and its copy (`find_duplicates`) lie in different folds."""
    i, j = pairs.i.to_numpy(int), pairs.j.to_numpy(int)
    crossing = np.flatnonzero(fold[i] != fold[j])
    if len(crossing):
        a, b = i[crossing[0]], j[crossing[0]]
        ids = cohort.table.image_id
        raise LeakageError(
            f"{len(crossing)} pairs of duplicate images of {cohort.name} lie in different folds, "
            f"first {ids[a]!r} (fold {fold[a]}) and {ids[b]!r} (fold {fold[b]}, "
            f"{pairs.kind.iloc[crossing[0]]}): remove the copies or keep them in one fold."
        )


def assert_patients_apart(patients: npt.ArrayLike, folds: npt.ArrayLike, *, name: str = "") -> None:
    """Raise LeakageError if images of one patient lie in different folds; names the patient.

    Both one an image. Raises InputError if their lengths differ.
    """
    patient, fold = np.asarray(patients).astype(str), np.asarray(folds)
    if patient.shape != fold.shape:
        raise InputError(
            f"There are {len(patient)} images and {fold.size} folds: give one fold an image."
        )
    spread = pd.Series(fold).groupby(patient).nunique()
    crossing = spread.index[spread > 1]
    if len(crossing):
        where = ", ".join(map(str, pd.unique(fold[patient == crossing[0]])))
        raise LeakageError(
            f"{len(crossing)} patients or groups{' of ' * bool(name)}{name} lie in several folds, "
            f"first {str(crossing[0])!r} in {where}: keep all images of a patient in one fold."
        )
