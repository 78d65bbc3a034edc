"""Out-of-fold predictions: what a cross-validation leaves, one row a case."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medlib.errors import InputError
from medlib.learning.learner import Fitted
from medlib.statistics.threshold import called_positive
from medlib.types import Array, Bools, Floats, Integers, Labels


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions of one learner on one set of cases."""

    predictions: pd.DataFrame
    """A row a case: image_id, patient_id, label, fold, score, predicted.

    `score` is the probability of class 1. Of more than two classes there is a column a class in
    its place: score_0, score_1, ...
    """
    histories: pd.DataFrame
    """fold, epoch, split, loss, accuracy; empty for learners without epochs."""
    precision: str
    """The arithmetic of the fits: "fp32" or "bf16"."""
    models: tuple[Fitted, ...] = ()
    """The fitted learner of each fold, if asked for."""

    @property
    def labels(self) -> Labels:
        """True class of each case."""
        return self.predictions["label"].to_numpy()

    @property
    def fold(self) -> Integers:
        """The fold that tested each case."""
        return self.predictions["fold"].to_numpy()

    @property
    def scores(self) -> Floats:
        """Probability of class 1 of each case, by the model that had not seen it.

        With more than two classes, of the last class against all others: see `probabilities`.
        """
        last: Floats = self.probabilities[:, -1]
        return last

    @property
    def probabilities(self) -> Floats:
        """Probability of each class, cases x classes, by the model that had not seen the case."""
        if "score" not in self.predictions:
            return self.predictions.filter(regex=r"^score_\d+$").to_numpy()
        score = self.predictions["score"].to_numpy()
        return np.stack([1 - score, score], axis=1)

    @property
    def predicted(self) -> Integers:
        """Predicted class of each case: 1 if its score is above one half (`statistics.threshold`).

        Of more than two classes the most probable one, the first of equals.
        """
        return self.predictions["predicted"].to_numpy()

    @property
    def correct(self) -> Bools:
        """Whether each case was predicted right."""
        right: Bools = self.predicted == self.labels
        return right

    @property
    def fold_accuracy(self) -> Floats:
        """Accuracy within each fold."""
        return pd.Series(self.correct).groupby(self.predictions["fold"]).mean().to_numpy()

    @property
    def accuracy(self) -> float:
        """Share of all cases predicted right."""
        return float(self.correct.mean())


def correct_and_folds(runs: Sequence[CrossValidation]) -> tuple[Bools, Integers]:
    """Return, repeats x cases, whether each prediction is right and which fold tested the case.

    For repeats on the same cases in one order, as `statistics.out_of_fold_interval` takes them;
    InputError for no run, or for runs of other cases.
    """
    if not runs or any(
        list(run.predictions.image_id) != list(runs[0].predictions.image_id) for run in runs
    ):
        raise InputError(
            "correct_and_folds needs repeats of one cross-validation, at least one and all of the "
            "same cases in the same order; make them with cross_validate_repeatedly"
        )
    return np.stack([run.correct for run in runs]), np.stack([run.fold for run in runs])


def score_columns(scores: Floats) -> dict[str, Array]:
    """Return the columns of scores (cases, or cases x classes) and of the predicted class."""
    if scores.ndim == 1:
        return {"score": scores, "predicted": called_positive(scores).astype(np.int64)}
    columns = {f"score_{k}": column for k, column in enumerate(scores.T)}
    return {**columns, "predicted": scores.argmax(axis=1)}
