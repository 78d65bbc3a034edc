"""What a chapter leaves for its reader beside the notebook and its numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import Cohort
from medlib.learning.crossval import CrossValidation
from medlib.learning.learner import Learner
from medlib.runtime import progress
from medlib.runtime.paths import write_whole
from medlib.takehome.card import card_of
from medlib.takehome.figures import calibration_figure, png_of, roc_figure, svg_of
from medlib.takehome.likeness import SIZE, Likeness
from medlib.takehome.out_of_fold_table import as_csv, out_of_fold_table
from medlib.takehome.stored_model import StoredModel, fingerprints, save_model
from medlib.takehome.weights import FittedModel, fit_on_all

VARIABLE: Final = "MEDLIB_TAKEHOME"
"""Environment variable: the folder for what is taken home; `medlib run` sets it."""
WHAT: Final = {
    "predictions.csv": "out-of-fold predictions, a row a case and repeat",
    "roc.svg": "ROC curve with its band",
    "calibration.svg": "calibration with intervals",
    "model.safetensors": "the model, fitted on all cases",
    "model.json": "what it is, takes and reaches; read this first",
}


def hand_over(
    models: Mapping[str, tuple[str, Learner, Sequence[CrossValidation]]],
    cases: Cohort,
    *,
    seed: int,
    source: str,
) -> pd.DataFrame | None:
    """Fit each model on all cases and write what a reader takes home; return a list of it.

    `models`: sub-folder -> name in words, learner, repeats of its cross-validation on `cases`;
    the first one, which the chapter is about, goes into no sub-folder. `source`: the cohort as it
    was asked for. Writes to the folder that MEDLIB_TAKEHOME names; without it, as where the book
    or JupyterLab runs the chapter, nothing is done and None returned.
    """
    asked = os.environ.get(VARIABLE)
    if not asked:
        return None
    likeness = Likeness.fit(cases.images(SIZE), _folds(models), cases.units)
    rows = []
    for number, (key, (name, learner, runs)) in enumerate(models.items()):
        place = f"{key}/" if number else ""
        folder = Path(asked) / place
        write_whole(folder / "predictions.csv", as_csv(out_of_fold_table(runs, cases)))
        _figures(folder, name, runs, cases)
        fitted = _fitted(learner, cases, name, seed)
        card = card_of(learner, fitted, runs, cases, seed=seed, source=source)
        seen = fingerprints(cases.table.sha256.tolist())
        save_model(StoredModel(card, fitted, likeness, seen), folder)
        rows += [(f"{place}{file}", f"{name}: {what}") for file, what in WHAT.items()]
    return pd.DataFrame(rows, columns=["file", "what it is"])


def _folds(
    models: Mapping[str, tuple[str, Learner, Sequence[CrossValidation]]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the fold of each case in the first repeat of the first model."""
    _, _, runs = next(iter(models.values()))
    return runs[0].fold


def _figures(folder: Path, name: str, runs: Sequence[CrossValidation], cases: Cohort) -> None:
    for file, draw in (("roc", roc_figure), ("calibration", calibration_figure)):
        described = draw(runs, cases, name)
        write_whole(folder / f"{file}.svg", svg_of(described))
        write_whole(folder / f"{file}.png", png_of(described))


def _fitted(learner: Learner, cases: Cohort, name: str, seed: int) -> FittedModel:
    """Fit on all cases; there is nothing to watch, since none is left."""
    epochs = max(1, learner.epochs)
    with progress.shown(epochs, "training on all cases") as file:
        return fit_on_all(
            learner,
            cases.images(learner.size),
            cases.labels,
            seed=seed,
            report=lambda row: progress.say(
                file, f"{name} on all cases: epoch {row['epoch']} of {epochs}"
            ),
        )
