"""Folds that keep patients whole: which case is tested when."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedGroupKFold

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Array, Integers


def stratified_patient_folds(
    labels: ArrayLike, groups: ArrayLike, *, folds: int = 5, seed: int
) -> Integers:
    """Return the fold (0, 1, ...) of each case: patients whole, classes in equal shares.

    With one case a patient, folds differ by at most one case a class. Patients named by texts count
    in the order in which they appear: what they are called decides nothing, as it differs between
    copies of the same images. Raises InputError where a class has fewer patients than folds.
    """
    folds, seed = as_number(folds, "folds", least=2), as_seed(seed)
    label, group = np.asarray(labels), np.asarray(groups)
    if group.dtype.kind not in "iuf":
        group = pd.factorize(group)[0]
    _require_patients(label, group, folds)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold = np.empty(len(label), dtype=np.int64)
    for number, (_, test) in enumerate(splitter.split(label, label, group)):
        fold[test] = number
    return fold


def _require_patients(labels: Array, groups: Array, folds: int) -> None:
    for label in np.unique(labels):
        patients = len(np.unique(groups[labels == label]))
        if patients < folds:
            raise InputError(
                f"Class {label} has {patients} patients, too few for {folds} folds; "
                "give more cases or fewer folds."
            )
