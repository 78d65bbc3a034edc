"""The procedures of the literature on the same studies: how often each errs, how wide it is."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from medlib.errors import InputError
from medlib.laboratory import procedures
from medlib.laboratory.designs import INNER, OUTER, Subsampled, nested_scores, subsampled_scores
from medlib.runtime.whole_numbers import as_number
from medlib.statistics.batches import (
    BatchLearner,
    Ends,
    accuracy_intervals,
    deal,
    out_of_fold_correct,
    p_values,
)
from medlib.types import Bools, Integers, Labels, Reals


class Population(NamedTuple):
    """Studies of two equally good learners, and new patients to see how good they are."""

    features: tuple[Reals, Reals]
    """What each learner sees of each study, runs x n x p; exchange them and nothing changes."""
    labels: Labels
    """n, the same in all studies."""
    new_features: Reals
    """m x p, patients of the same population in no study, as one of the learners sees them."""
    new_labels: Integers


@dataclass(frozen=True)
class _Scores:
    """Scores of one learner, or differences of two, in the design of each procedure."""

    repeated: Reals
    nested: Reals
    subsampled: Subsampled

    def __sub__(self, other: "_Scores") -> "_Scores":
        parts = zip(self.subsampled, other.subsampled, strict=True)
        return _Scores(
            self.repeated - other.repeated,
            self.nested - other.nested,
            Subsampled(*(a - b for a, b in parts)),
        )

    def __and__(self, other: "_Scores") -> "_Scores":
        """Return the runs of both, one after the other."""
        parts = zip(self.subsampled, other.subsampled, strict=True)
        return _Scores(
            np.concatenate([self.repeated, other.repeated]),
            np.concatenate([self.nested, other.nested]),
            Subsampled(*(np.concatenate(pair) for pair in parts)),
        )


def compare(
    learner: BatchLearner,
    population: Population,
    *,
    folds: int = 5,
    repeats: int = 10,
    nested_repeats: int = 10,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return a row a procedure, held to 95 %: fits, level, coverage, width, and of_model.

    fits: how many each needs; level: share of studies where it calls the two learners different;
    coverage: share of intervals, of either learner, that hold the expected accuracy they aim at,
    that of models of (k - 1) n / k cases, or, for the conservative z, of 0.9 n, for nested
    cross-validation of all n; width: mean width of the interval; of_model: share that holds the
    accuracy, on new patients, of the one model that the same study's n cases give.

    Raises InputError for learners that do not see studies of one shape.
    """
    first, second = population.features
    if first.shape != second.shape:
        raise InputError(f"features have shapes {first.shape} and {second.shape}; give equal ones.")
    repeats, nested_repeats = (as_number(n, "repeats") for n in (repeats, nested_repeats))
    labels = population.labels
    dealt = deal(labels, folds=folds, repeats=max(repeats, nested_repeats), rng=rng)
    subsamples = int(rng.integers(2**32))
    one, other = (
        _Scores(
            out_of_fold_correct(learner, features, labels, dealt[:repeats]),
            nested_scores(learner, features, labels, dealt[:nested_repeats]),
            # one seed, so that both learners are tested on the same cases
            subsampled_scores(learner, features, labels, rng=np.random.default_rng(subsamples)),
        )
        for features in (first, second)
    )
    both = one & other
    models = np.concatenate([_of_models(learner, population, seen) for seen in (first, second)])
    significant = _significant(one - other, dealt, repeats)
    usual, aims = float(both.repeated.mean()), _aims(both, models)
    rows = {
        name: {
            "fits": _fits(name, folds, repeats, nested_repeats),
            "level": float(np.mean(significant.get(name, np.nan))),
            "coverage": float(_holds(ends, aims.get(name, usual)).mean()),
            "width": float((ends[1] - ends[0]).mean()),
            "of_model": float(_holds(ends, models).mean()),
        }
        for name, ends in _ends(both, dealt, repeats).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("procedure")


def _aims(scores: _Scores, models: Reals) -> dict[str, float]:
    """Return the accuracy that an interval is meant to hold, where it is not that of k folds."""
    return {
        "nested cross-validation": float(models.mean()),
        "conservative z": float(scores.subsampled.whole.mean()),
    }


def _ends(scores: _Scores, dealt: Integers, repeats: int) -> dict[str, Ends]:
    """Return the interval of each procedure for the accuracy of one learner, one a run."""
    folds = dealt[:repeats]
    usual = accuracy_intervals(scores.repeated, folds)
    k = int(folds.max()) + 1
    return {
        "Wilson, one run": usual["Wilson, one run"],
        **_rivals(scores, dealt, repeats),
        "out-of-fold": usual[f"out-of-fold interval, {repeats} x {k}"],
        "out-of-fold, one model": usual[f"out-of-fold interval of a model, {repeats} x {k}"],
    }


def _rivals(scores: _Scores, dealt: Integers, repeats: int) -> dict[str, Ends]:
    """Return the intervals that need no more than scores or their differences."""
    nested = dealt[: scores.nested.shape[1]]
    return {
        "Bayle's CLT, one run": procedures.bayle_ends(scores.repeated[:, 0]),
        "corrected t, one run": procedures.corrected_t_ends(scores.repeated[:, :1], dealt[:1]),
        "corrected t, all repeats": procedures.corrected_t_ends(scores.repeated, dealt[:repeats]),
        "conservative z": procedures.conservative_z_ends(*scores.subsampled),
        "nested cross-validation": procedures.nested_ends(scores.nested, nested),
    }


def _significant(difference: _Scores, dealt: Integers, repeats: int) -> dict[str, Bools]:
    """Return 1 where a procedure calls the two learners different at 5 %, one a run, by name."""
    p = p_values(difference.repeated, dealt[:repeats])
    k = int(dealt.max()) + 1
    rivals = _rivals(difference, dealt, repeats)
    return {
        "Wilson, one run": p["exact McNemar, one run"] < 0.05,
        **{name: ~_holds(ends, 0.0) for name, ends in rivals.items()},
        "out-of-fold": p[f"out-of-fold test, {repeats} x {k}"] < 0.05,
    }


def _holds(ends: Ends, truth: float | Reals) -> Bools:
    inside: Bools = (ends[0] <= truth + 1e-12) & (truth <= ends[1] + 1e-12)
    return inside


def _of_models(learner: BatchLearner, population: Population, features: Reals) -> Reals:
    """Return how accurate on new patients the model of all cases of each study is."""
    new = np.broadcast_to(population.new_features, (len(features), *population.new_features.shape))
    predicted = learner(features, population.labels, new)
    share: Reals = (predicted == (population.new_labels == 1)).mean(axis=1)
    return share


def _fits(name: str, folds: int, repeats: int, nested_repeats: int) -> int:
    counts = {
        "conservative z": (2 * OUTER + 1) * INNER,
        "nested cross-validation": nested_repeats * folds * (folds + 1) // 2,
    }
    return counts.get(name, folds if "one run" in name else repeats * folds)
