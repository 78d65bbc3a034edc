"""A learning step that remembers the rows it was fitted on, and knows copies of them again."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import NearestNeighbors

from medlib.cohorts.audit.leaks import LeakageError
from medlib.errors import InputError
from medlib.types import Bools, Floats

CLOSER: Final = 1e-4
"""Of the distance that rows usually keep: what a copy differs by, at most."""
CHANCE: Final = 1e-6
"""Two rows of p unrelated columns are f times closer than usual about f ** p of the time."""


class Recorded(BaseEstimator):  # type: ignore[misc]
    """A scikit-learn step (or whole model) that remembers the rows it was fitted on.

    Wrap the *first* learning step of a pipeline, so that rows come as they are in the data.
    `assert_unseen(rows)` then says whether test rows were among them, or rows so much closer to
    one of them than they are to each other (1e-4 of the median distance to the nearest other one,
    columns by their SD) that they are its copy: in single precision, rounded, or with noise of
    rounding. With one column, only 1e-6 of it. It cannot see what was learned from the test rows
    before they came here, nor copies that were scaled or otherwise changed in between.
    """

    def __init__(self, step: Any) -> None:
        self.step = step

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None, **options: Any) -> Self:
        """Fit a copy of the step, and remember the rows."""
        self.seen_ = _rows(X)
        self.step_ = clone(self.step).fit(X, y, **options)
        return self

    def transform(self, X: npt.ArrayLike) -> Any:
        """Return what the fitted step makes of the rows."""
        return self.step_.transform(X)

    def predict(self, X: npt.ArrayLike) -> Any:
        """Return the fitted step's prediction of each row."""
        return self.step_.predict(X)

    def predict_proba(self, X: npt.ArrayLike) -> Any:
        """Return the fitted step's probability of each class, a row each."""
        return self.step_.predict_proba(X)

    def assert_unseen(self, X: npt.ArrayLike) -> None:
        """Raise LeakageError if any of these rows was fitted on.

        Raises InputError before any fit, and for rows of other columns or without numbers.
        """
        name = type(self.step).__name__
        if not hasattr(self, "seen_"):
            raise InputError(f"{name} has not been fitted: fit it before asking what it has seen.")
        asked = _rows(X)
        if asked.shape[1] != self.seen_.shape[1] or not len(asked):
            raise InputError(
                f"{name} was fitted on {self.seen_.shape[1]} columns and asked about rows of shape "
                f"{asked.shape}: give at least one row of the same columns."
            )
        known = _copied(self.seen_, asked)
        if known.any():
            raise LeakageError(
                f"{name} was fitted on {known.sum()} of {len(known)} test rows, first row "
                f"{known.argmax()}: fit it inside each fold, on the training rows only."
            )


def _rows(X: npt.ArrayLike) -> Floats:
    try:
        rows = np.array(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("The rows hold something that is no number: encode it first.") from None
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))


def _copied(seen: Floats, asked: Floats) -> Bools:
    """Whether each row asked about is a copy of one seen; missing values must be the same."""
    gaps = np.isnan(seen)
    count = np.maximum((~gaps).sum(axis=0), 1)
    centre = np.where(gaps, 0, seen).sum(axis=0) / count
    spread = np.sqrt((np.where(gaps, 0, seen - centre) ** 2).sum(axis=0) / count)
    spread[spread <= 1e-12 * np.abs(centre)] = 1  # an even column: rounding is no spread
    known, new = (np.nan_to_num((rows - centre) / spread) for rows in (seen, asked))
    search = NearestNeighbors(n_neighbors=1).fit(known)
    distance, nearest = search.kneighbors(new)
    same_gaps = (gaps[nearest[:, 0]] == np.isnan(asked)).all(axis=1)
    exact = (known[nearest[:, 0]] == new).all(axis=1)
    close: Bools = distance[:, 0] <= _tolerance(known)
    return np.asarray(same_gaps & (exact | close))


def _tolerance(known: Floats) -> float:
    """A small part of the median distance of distinct rows to their nearest other one."""
    distinct = np.unique(known, axis=0)
    if len(distinct) < 3:
        return 0.0
    usual = NearestNeighbors(n_neighbors=1).fit(distinct).kneighbors()[0]
    return float(np.median(usual) * min(CLOSER, CHANCE ** (1 / known.shape[1])))
