"""Scores of predictions, each from true labels (0, 1) and what was predicted.

`scores` are probabilities of class 1; a case is called positive above the threshold, not on it
(`medlib.statistics.threshold`). What is asked of many cases at once (intervals, tests) is
in `medlib.statistics`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from medlib.errors import InputError
from medlib.statistics.threshold import THRESHOLD, called_positive
from medlib.types import Floats, Integers, Labels

NEVER_CERTAIN: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logits are taken."""


def accuracy(labels: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD) -> float:
    """Return the share of cases on the right side of the threshold."""
    [[tn, _], [_, tp]] = confusion(labels, scores, threshold=threshold)
    return float(tn + tp) / len(np.asarray(labels))


def confusion(labels: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD) -> Integers:
    """Return counts, 2 x 2: rows are the true class, columns the predicted one.

    A score above the threshold is called positive. `scores` may be predicted classes 0 and 1 as
    well. [[TN, FP], [FN, TP]].
    """
    label, score = _checked(labels, scores)
    called = called_positive(score, threshold).astype(np.int64)
    return np.asarray(confusion_matrix(label, called, labels=[0, 1]))


def confusion_table(labels: ArrayLike, predicted: ArrayLike, *, classes: int) -> Integers:
    """Return counts, classes x classes: rows are the true class, columns the predicted one.

    Both are classes 0, 1, ... below `classes`; of two classes it is `confusion`. Raises InputError
    for other values or lengths.
    """
    label, given = np.asarray(labels), np.asarray(predicted)
    both = np.concatenate([label.ravel(), given.ravel()])
    if label.shape != given.shape or label.ndim != 1 or not np.isin(both, range(classes)).all():
        raise InputError(
            f"Labels of shape {label.shape} and predictions of shape {given.shape}: give one class "
            f"from 0 to {classes - 1} of each a case."
        )
    return np.asarray(confusion_matrix(label, given, labels=range(classes)))


def sensitivity(labels: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD) -> float:
    """Return the share of positive cases called positive; InputError if there are none."""
    _, [fn, tp] = confusion(labels, scores, threshold=threshold)
    return _share(tp, fn, "positive")


def specificity(labels: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD) -> float:
    """Return the share of negative cases called negative; InputError if there are none."""
    [tn, fp], _ = confusion(labels, scores, threshold=threshold)
    return _share(tn, fp, "negative")


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve: how often a positive case outscores a negative one.

    Ties count half. Raises InputError if only one class is present.
    """
    label, score = _checked(labels, scores)
    _require_both(label)
    return float(roc_auc_score(label, score))


def brier(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean squared difference of probability and label: 0 is best, 0.25 is a coin's."""
    label, score = _checked(labels, scores)
    _check_probabilities(score)
    return float(brier_score_loss(label, score, pos_label=1))


@dataclass(frozen=True)
class Calibration:
    """Whether cases given a probability p are positive in a share p of times."""

    bins: pd.DataFrame
    """A row a bin: n, predicted (mean probability), observed (share), low, high (95 %, Wilson)."""


def calibration(labels: ArrayLike, scores: ArrayLike, *, bins: int = 5) -> Calibration:
    """Return reliability in bins of equal numbers of cases; bins without cases are left out.

    Slope and intercept, with their intervals, are in `statistics.calibration_measures`. Raises
    InputError if only one class is present or scores are no probabilities.
    """
    label, score = _checked(labels, scores)
    _require_both(label)
    _check_probabilities(score)
    if not isinstance(bins, (int, np.integer)) or bins < 1:
        raise InputError(f"bins is {bins!r}; give a whole number, 1 or more.")
    return Calibration(_reliability(label, score, bins))


def _reliability(label: Labels, score: Floats, bins: int) -> pd.DataFrame:
    # scikit-learn's calibration_curve cuts at quantiles: ties make unequal bins, and it gives no n
    order = np.argsort(score, kind="stable")
    rows = []
    for part in np.array_split(order, min(bins, len(order))):
        positive = int(label[part].sum())
        low, high = proportion_confint(positive, len(part), method="wilson")
        rows.append((len(part), score[part].mean(), positive / len(part), low, high))
    return pd.DataFrame(rows, columns=["n", "predicted", "observed", "low", "high"])


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[Integers, Floats]:
    label, score = _numbers(labels, "Labels"), _numbers(scores, "Scores")
    if label.ndim != 1 or label.shape != score.shape or not len(label):
        raise InputError(
            f"Labels of shape {label.shape} and scores of shape {score.shape} do not pair up; "
            "give one of each a case."
        )
    if not np.isin(label, (0, 1)).all():
        raise InputError(f"Labels are {np.unique(label).tolist()}; give 0 and 1 only.")
    if not np.isfinite(score).all():
        missing = np.flatnonzero(~np.isfinite(score))[0]
        raise InputError(
            f"Score {missing} is {score[missing]}; give a finite number for each case."
        )
    return label.astype(np.int64), score


def _numbers(values: ArrayLike, name: str) -> Floats:
    """Return an array of numbers; complex ones, dates and masked values are none."""
    try:
        given = np.asanyarray(values)
        if given.dtype.kind not in "cmM" and not np.ma.is_masked(given):
            return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    raise InputError(f"{name} hold what is no number; give one number a case.")


def _require_both(label: Labels) -> None:
    if label.min() == label.max():
        raise InputError(f"All labels are {label[0]}; give cases of both classes.")


def _check_probabilities(score: Floats) -> None:
    if score.min() < 0 or score.max() > 1:
        raise InputError(
            f"Scores run from {score.min():g} to {score.max():g}; give probabilities, 0 to 1."
        )


def _share(part: int, rest: int, kind: str) -> float:
    if part + rest == 0:
        raise InputError(f"There are no {kind} cases; give some of both classes.")
    return float(part / (part + rest))
