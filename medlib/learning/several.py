"""One network, several diseases: a frozen body and a last layer with a sigmoid a disease.

As the body is frozen, training the last layer is one logistic regression a disease: the loss is a
sum over diseases, and no weight is in two of its parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.learning.folds import stratified_patient_folds
from medlib.runtime.arithmetic import one_thread
from medlib.types import Bools, Features, Floats, Integers

STRENGTH: Final = 0.01
"""C of the logistic regressions: features are thousands and cases hundreds."""
Make = Callable[[], Any]
"""Makes an untrained classifier with scikit-learn's `fit` and `predict_proba`."""
INNER: Final = 3
"""Folds of the training cases in which thresholds are set."""


class Read(NamedTuple):
    """Probability of each label and whether it was called, both cases x labels."""

    scores: Floats
    called: Bools


class LastLayer(NamedTuple):
    """A trained last layer, one model a label; a number where training cases were all alike."""

    models: tuple[Any, ...]

    def predict(self, features: Features) -> Floats:
        """Return the probability of each label, cases x labels."""
        columns = [
            np.full(len(features), model) if isinstance(model, float)
            else model.predict_proba(features)[:, 1]
            for model in self.models
        ]  # fmt: skip
        return np.stack(columns, axis=1)


def fit(features: Features, flags: Integers, make: Make | None = None) -> LastLayer:
    """Train the last layer; flags: cases x labels, 1 where a case has a label."""
    return LastLayer(tuple(_one(features, column, make or logistic) for column in flags.T))


def logistic() -> Pipeline:
    """Return what every output of the last layer is before training."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))


def _one(features: Features, y: Integers, make: Make) -> Any:
    if len(np.unique(y)) < 2:
        return float(y.mean())
    with one_thread():
        return make().fit(features, y)


def rarest(flags: Integers) -> Integers:
    """Return the number (from 1) of the rarest label each case has, 0 without any; for dealing."""
    count = np.where(flags == 1, flags.sum(axis=0), len(flags) + 1)
    return np.where(flags.any(axis=1), 1 + count.argmin(axis=1), 0).astype(np.int64)


def deal(flags: Integers, patients: Integers, *, folds: int, seed: int) -> Integers:
    """Return the fold of each case, patients whole, each label in about equal shares."""
    return stratified_patient_folds(rarest(flags), patients, folds=folds, seed=seed)


def scores_of(
    features: Features, flags: Integers, fold: Integers, make: Make | None = None
) -> Floats:
    """Return out-of-fold probabilities, cases x labels; `make` gives another kind of model."""
    scores = np.empty(flags.shape)
    for number in np.unique(fold):
        test = fold == number
        scores[test] = fit(features[~test], flags[~test], make).predict(features[test])
    return scores


def read(
    features: Features,
    flags: Integers,
    patients: Integers,
    fold: Integers,
    *,
    specificity: float,
    seed: int,
) -> Read:
    """Return out-of-fold probabilities, and calls at a specificity that training cases were given.

    Each fold's thresholds come from a cross-validation inside its training cases.
    """
    scores, called = np.empty(flags.shape), np.empty(flags.shape, bool)
    for number in np.unique(fold):
        test = fold == number
        x, y = features[~test], flags[~test]
        inner = deal(y, patients[~test], folds=INNER, seed=seed)
        cut = thresholds(scores_of(x, y, inner), y, specificity)
        scores[test] = fit(x, y).predict(features[test])
        called[test] = scores[test] > cut
    return Read(scores, called)


def thresholds(scores: Floats, flags: Integers, specificity: float) -> Floats:
    """Return a threshold a label: the lowest that leaves so many without it uncalled."""
    return np.array(
        [
            np.quantile(s[y == 0], specificity, method="higher")
            for s, y in zip(scores.T, flags.T, strict=True)
        ]
    )
