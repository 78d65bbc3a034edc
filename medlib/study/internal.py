"""What repeated cross-validation says of one model: recorded, and a row of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from medlib import statistics
from medlib.cohorts import Cohort
from medlib.cohorts.sources.several_labels import labels_of
from medlib.learning.crossval import CrossValidation, correct_and_folds
from medlib.results.records import Results
from medlib.statistics import Interval, metrics
from medlib.study.cases import largest_share
from medlib.types import Floats

COLUMNS = (
    "model",
    "accuracy of all repeats, 95 % interval",
    "folds of the first repeat",
    "SD over folds, mean of the repeats",
    "SD over repeats",
    "AUC, mean of the repeats, 95 %",
)
"""Columns of the table of models."""
LARGEST = "always the largest class: accuracy"
"""The column of what no model is needed for."""
BALANCED = "balanced accuracy, 95 % (guessing: {:.2f})"
"""The column of the mean of the classes' sensitivities, which no class's size can flatter."""

FEWEST_A_FOLD = 2
"""Patients of a class in each fold, from which its own cases tell the luck of the models."""


def as_text(interval: Interval) -> str:
    """Return "0.82 (0.69 to 0.90)"."""
    low, value, high = (round(x, 2) + 0.0 for x in (interval.low, interval.estimate, interval.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def record_models(
    results: Results, cases: Cohort, runs: dict[str, tuple[str, Sequence[CrossValidation]]]
) -> pd.DataFrame:
    """Record what the repeats of each model say; return the table of models for display.

    `runs`: name of the model -> (what its keys begin with, repeats). Of two classes recorded are
    KEY_accuracy, fold_sd, repeat_sd, auc, confusion, specificity, sensitivity; of more in place of
    the last four KEY_macro_auc, confusion (row by row), macro_sensitivity, kappa, and of each class
    sensitivity_CLASS and auc_CLASS. For cohorts that are not simulated also majority_accuracy (of
    always answering with the largest class), and of two classes KEY_balanced_accuracy; of one of
    several labels an image against its absence also KEY_kappa.
    """
    share = largest_share(cases)
    rows = []
    for name, (key, some) in runs.items():
        row = _record(results, cases, name, key, some)
        if share > 1 / len(cases.classes):  # of equal classes both say nothing new
            row[LARGEST] = f"{share:.2f}"
            row[BALANCED.format(1 / len(cases.classes))] = as_text(_balanced(cases, some))
        rows.append(row)
        if not cases.simulated and len(cases.classes) == 2:
            _put(results, f"{key}_balanced_accuracy", _balanced(cases, some))
        if labels_of(cases) and len(cases.classes) == 2:
            _put(results, f"{key}_kappa", kappas(cases, {name: some})[name])
    if not cases.simulated:
        results.record("majority_accuracy", share)
    return pd.DataFrame(rows)


def _record(
    results: Results, cases: Cohort, name: str, key: str, some: Sequence[CrossValidation]
) -> dict[str, str]:
    two = len(cases.classes) == 2
    correct, split = correct_and_folds(some)
    labels = cases.labels if two else None
    accuracy = statistics.out_of_fold_interval(correct, split, cases.groups, labels=labels)
    fold_sd = float(np.mean([np.std(run.fold_accuracy, ddof=1) for run in some]))
    repeat_sd = float(np.std([run.accuracy for run in some], ddof=1))
    _put(results, f"{key}_accuracy", accuracy, "C42")
    results.record(f"{key}_fold_sd", fold_sd, claims=["C43"])
    # of few values: it moves by more than its size
    results.record(f"{key}_repeat_sd", repeat_sd, claims=["C43"], compared=False)
    auc = (_two_classes if two else _several)(results, cases, key, some)
    cells = (
        name,
        as_text(accuracy),
        " ".join(f"{a:.1f}" for a in some[0].fold_accuracy),
        f"{fold_sd:.3f}",
        f"{repeat_sd:.3f}",
        as_text(auc),
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _two_classes(
    results: Results, cases: Cohort, key: str, some: Sequence[CrossValidation]
) -> Interval:
    labels, split = cases.labels, np.stack([run.fold for run in some])
    auc = statistics.out_of_fold_auc(labels, [run.scores for run in some], split, cases.groups)
    _put(results, f"{key}_auc", auc)
    counts = np.mean([metrics.confusion(labels, run.predicted).ravel() for run in some], axis=0)
    unit = "cases of one repeat, on average (TN, FP, FN, TP)"
    results.record(f"{key}_confusion", counts.tolist(), claims=["C39"], unit=unit)
    for rate, found in zip(("specificity", "sensitivity"), _rates(cases, some), strict=True):
        _put(results, f"{key}_{rate}", found, "C39")
    return auc


def _several(
    results: Results, cases: Cohort, key: str, some: Sequence[CrossValidation]
) -> Interval:
    labels, split = cases.labels, np.stack([run.fold for run in some])
    areas = _areas(cases, some)
    _put(results, f"{key}_macro_auc", areas[-1])
    counts = mean_confusion(cases, some)
    unit = f"cases of one repeat, on average; rows the true class: {', '.join(cases.classes)}"
    results.record(f"{key}_confusion", counts.ravel().tolist(), claims=["C39"], unit=unit)
    _put(results, f"{key}_macro_sensitivity", _balanced(cases, some), "C39")
    predicted = [run.predicted for run in some]
    _put(results, f"{key}_kappa", statistics.cohens_kappa(labels, predicted, split, cases.groups))
    for name, rate, area in zip(cases.classes, _rates(cases, some), areas, strict=False):
        word = "_".join(name.lower().split())
        _put(results, f"{key}_sensitivity_{word}", rate, "C39")
        _put(results, f"{key}_auc_{word}", area)
    return areas[-1]


def per_class(cases: Cohort, runs: dict[str, Sequence[CrossValidation]]) -> pd.DataFrame:
    """Return a row a model and class: images, sensitivity and AUC against the rest, 95 %."""
    rows = []
    for model, some in runs.items():
        pairs = zip(cases.classes, _rates(cases, some), _areas(cases, some), strict=False)
        for k, (name, rate, area) in enumerate(pairs):
            count = int((cases.labels == k).sum())
            rows.append((model, name, count, as_text(rate), as_text(area)))
    columns = ["model", "class", "images", "sensitivity, 95 %", "AUC against the rest, 95 %"]
    return pd.DataFrame(rows, columns=columns)


def kappas(cases: Cohort, runs: dict[str, Sequence[CrossValidation]]) -> dict[str, Interval]:
    """Return Cohen's kappa of each model's repeats with the reference standard."""
    return {
        model: statistics.cohens_kappa(
            cases.labels,
            [run.predicted for run in some],
            np.stack([run.fold for run in some]),
            cases.groups,
        )
        for model, some in runs.items()
    }


def mean_confusion(cases: Cohort, some: Sequence[CrossValidation]) -> Floats:
    """Return counts, classes x classes, of one repeat on average; rows are the true class."""
    k = len(cases.classes)
    tables = [metrics.confusion_table(cases.labels, run.predicted, classes=k) for run in some]
    return np.asarray(np.mean(tables, axis=0))


def _balanced(cases: Cohort, some: Sequence[CrossValidation]) -> Interval:
    predicted = [run.predicted for run in some]
    split = np.stack([run.fold for run in some])
    return statistics.macro_sensitivity(cases.labels, predicted, split, cases.groups)


def _areas(cases: Cohort, some: Sequence[CrossValidation]) -> tuple[Interval, ...]:
    probabilities = np.stack([run.probabilities for run in some])
    split = np.stack([run.fold for run in some])
    return statistics.one_against_rest_auc(cases.labels, probabilities, split, cases.groups)


def _rates(cases: Cohort, some: Sequence[CrossValidation]) -> list[Interval]:
    """Sensitivity of each class."""
    return [_rate(cases, some, k) for k in range(len(cases.classes))]


def _rate(cases: Cohort, some: Sequence[CrossValidation], k: int) -> Interval:
    """Sensitivity of class k, from its own cases where it has patients enough for its folds."""
    correct, split = correct_and_folds(some)
    those = cases.labels == k
    if len(np.unique(cases.groups[those])) < FEWEST_A_FOLD * len(np.unique(split)):
        predicted = [run.predicted for run in some]
        return statistics.sensitivity_of_class(cases.labels, predicted, k, split, cases.groups)
    return statistics.out_of_fold_interval(correct[:, those], split[:, those], cases.groups[those])


def _put(results: Results, key: str, found: Interval, *claims: str) -> None:
    results.record(key, found, claims=list(claims))
