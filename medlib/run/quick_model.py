"""How far a quick and fixed model gets on a cohort: as it is, by its shortcut, and without it.

The model is a logistic regression on the grey levels of images of 16 x 16 pixels: nothing about it
is chosen on the data. It is no rival of a chapter's models; it shows within seconds how much a
shortcut, or runs of one scan on both sides of a split, would give to any of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from medlib import statistics
from medlib.features.residual import Without
from medlib.learning.folds import stratified_patient_folds
from medlib.types import Bools, Floats, Integers, Labels

REPEATS: Final = 5
"""Deals into folds, seeds 0 to 4."""
FOLDS: Final = 5
FEWEST: Final = 3
"""Groups a class below which nothing can be cross-validated: two folds give no interval."""
STRENGTH: Final = 0.01
"""C of the logistic regression on standardised pixels: strongly held back, 256 pixels are many."""


class Accuracy(NamedTuple):
    """Share of images predicted right out of fold, and its 95 % interval."""

    value: float
    low: float
    high: float


def pixel_model() -> Pipeline:
    """Return the quick model, for n x 256 grey levels."""
    return make_pipeline(StandardScaler(), _regression())


def threshold_model(classes: int) -> DecisionTreeClassifier:
    """Return one threshold on one number, both chosen in training; a threshold more a class."""
    return DecisionTreeClassifier(max_leaf_nodes=classes, random_state=0)


def residual_model(shortcuts: int) -> Pipeline:
    """Return the quick model of what the last columns, the shortcuts, do not explain."""
    known = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(known, Without(shortcuts), StandardScaler(), _regression())


def _regression() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=1000)


def accuracy(
    model: Callable[[], BaseEstimator], x: Floats, labels: Labels, groups: Integers
) -> Accuracy | None:
    """Return the accuracy of a model on new groups, from 5 repeats of 5 folds that keep groups.

    x: n x columns; labels, groups: one a row. Fewer folds where a class has fewer groups; None
    where one has fewer than three. Source of the interval: `statistics.out_of_fold_interval`.
    """
    least = min(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    if least < FEWEST:
        return None
    folds = min(FOLDS, least)
    seeds = range(REPEATS)
    dealt = np.stack(
        [stratified_patient_folds(labels, groups, folds=folds, seed=seed) for seed in seeds]
    )
    right = np.stack([_right(model, x, labels, fold) for fold in dealt])
    found = statistics.out_of_fold_interval(right, dealt, groups)
    return Accuracy(found.estimate, found.low, found.high)


def _right(model: Callable[[], BaseEstimator], x: Floats, labels: Labels, fold: Integers) -> Bools:
    """Return whether each row is predicted right by the model that has not seen its fold."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # quick: near enough is enough
        predicted = cross_val_predict(model(), x, labels, cv=PredefinedSplit(fold))
    return np.asarray(predicted == labels)
