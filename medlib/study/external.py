"""One test on cases kept apart: a model fitted on all development cases predicts them once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from medlib import statistics
from medlib.cohorts import Cohort
from medlib.cohorts.sources.several_labels import labels_of
from medlib.learning.crossval import CrossValidation, train_and_test
from medlib.learning.learner import Learner
from medlib.results.records import Results
from medlib.statistics import Interval
from medlib.study.cases import largest_share
from medlib.study.internal import as_text

FEWEST = 2
"""Cases of a class, and of all others, without which there is no interval of an AUC."""


def external_tests(
    results: Results,
    learners: dict[str, tuple[str, Learner]],
    development: Cohort,
    external: Cohort,
    *,
    seed: int,
) -> pd.DataFrame:
    """Fit each model on all development cases, predict the external ones once, record, tabulate.

    `learners`: name of the model -> (what its keys begin with, learner). Recorded, each with a 95 %
    interval by patient (Wilson's, DeLong's): KEY_external_accuracy, balanced_accuracy; of two
    classes auc, sensitivity, specificity; of more kappa, macro_auc, and sensitivity_CLASS; of one
    of several labels kappa too. What the test lacks the cases for is left out. external_images and
    external_majority_accuracy say what it is worth. Returns a row a model and measure.
    """
    results.record("external_images", len(external))
    results.record("external_majority_accuracy", largest_share(external))
    rows = []
    for name, (key, learner) in learners.items():
        run = train_and_test(learner, development, external, seed=seed)
        for measure, found in measures(run, external):
            word = "_".join(measure.lower().replace("sensitivity of ", "sensitivity_").split())
            results.record(f"{key}_external_{word}", found)
            rows.append((name, measure, as_text(found), found.basis))
    return pd.DataFrame(rows, columns=["model", "measure", "external test, 95 %", "of"])


def measures(run: CrossValidation, external: Cohort) -> Iterator[tuple[str, Interval]]:
    """Yield each measure of one model's predictions with its interval, as far as it exists."""
    labels, groups, k = external.labels, external.groups, len(external.classes)
    yield "accuracy", statistics.accuracy_of_cases(run.correct[None], None, groups)
    sizes = np.bincount(labels, minlength=k)
    if sizes.min() >= FEWEST:
        predicted = run.predicted[None]
        yield "balanced accuracy", statistics.macro_sensitivity(labels, predicted, None, groups)
        if k == 2:
            yield "AUC", statistics.binary_auc(labels, run.scores, groups)
        if k > 2 or labels_of(external):
            yield "kappa", statistics.cohens_kappa(labels, predicted, None, groups)
        if k > 2:
            scores = run.probabilities[None]
            area = statistics.one_against_rest_auc(labels, scores, None, groups)[-1]
            yield "macro AUC", area
    for number, name in enumerate(external.classes):
        those = labels == number
        if len(np.unique(groups[those])) < FEWEST:
            continue
        rate = statistics.accuracy_of_cases(run.correct[None, those], None, groups[those])
        word = ("specificity", "sensitivity")[number] if k == 2 else f"sensitivity of {name}"
        yield word, rate
