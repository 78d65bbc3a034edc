"""Which fits a procedure needs: learners in, scores of the cases they had not seen out.

As in `medlib.statistics.batches` the first axis is the run: studies of n cases with the same
labels, fitted all at once. The deals are the same for all runs; cases are exchangeable, so that
changes nothing.
"""

from typing import Final, NamedTuple

import numpy as np

from medlib.errors import InputError
from medlib.statistics.batches import BatchLearner, called_right
from medlib.types import Integers, Labels, Reals

INNER: Final = 15
"""Random splits that a mean score is over: the advice of the conservative z's source."""
OUTER: Final = 10
"""Pairs of halves, likewise."""


def failing(learner: BatchLearner, share: float, rng: np.random.Generator) -> BatchLearner:
    """Return a learner whose fits fail by seed: each with probability `share` tosses coins.

    Every call, for every run, draws a seed of its own. Raises InputError for a share outside 0..1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"share = {share}; give the share of fits that fail, from 0 to 1.")

    def fit(training: Reals, labels: Labels, test: Reals) -> np.ndarray:
        predicted = learner(training, labels, test)
        fails = rng.random((len(test), 1)) < share
        return np.where(fails, rng.random(predicted.shape) < 0.5, predicted)

    return fit


def nested_scores(learner: BatchLearner, features: Reals, labels: Labels, folds: Integers) -> Reals:
    """Return what nested cross-validation needs: runs x repeats x k x n, 1 where right, else 0.

    Entry (run, r, j, i) is of case i by a fit that saw neither fold j nor the fold of i. For i in
    fold j this is the usual out-of-fold prediction. features: runs x n x p; folds: repeats x n,
    from 0. Needs k (k + 1) / 2 fits a repeat.
    """
    k = int(folds.max()) + 1
    right = np.empty((len(features), len(folds), k, len(labels)))
    for r, row in enumerate(folds):
        for one in range(k):
            for other in range(one, k):
                first, second = row == one, row == other
                test = first | second
                found = called_right(learner, features, labels, ~test, test)
                right[:, r, one, second] = found[:, second[test]]
                right[:, r, other, first] = found[:, first[test]]
    return right


class Subsampled(NamedTuple):
    """Mean scores of subsampled fits, for the conservative z."""

    whole: Reals
    """runs x inner: random splits of all cases."""
    halves: Reals
    """runs x outer x 2: means of `inner` random splits within each of two halves."""


def subsampled_scores(
    learner: BatchLearner,
    features: Reals,
    labels: Labels,
    *,
    inner: int = INNER,
    outer: int = OUTER,
    test_share: float = 0.1,
    rng: np.random.Generator,
) -> Subsampled:
    """Return the scores of Nadeau and Bengio's paired subsampling, in (2 outer + 1) inner fits.

    Every split tests as many cases of each class (`test_share` of it, one at least); a half trains
    on what is left of it. Raises InputError for a class with fewer than four cases, or a share that
    leaves a half nothing to train on.
    """
    counts = np.bincount(labels, minlength=2)
    smallest = int(counts.min())
    if smallest < 4:
        raise InputError(f"the smaller class has {smallest} cases; halves that train need four.")
    sizes = [max(1, round(test_share * int(count))) for count in counts]
    if any(size >= count // 2 for size, count in zip(sizes, counts, strict=True)):
        raise InputError(f"test_share = {test_share:g} leaves halves untrained; give less.")

    def splits(rows: Integers) -> Reals:
        return np.stack(
            [_split(learner, features, labels, rows, sizes, rng) for _ in range(inner)], axis=1
        )

    whole = splits(np.arange(len(labels)))
    halves = np.empty((len(features), outer, 2))
    for m in range(outer):
        for side, rows in enumerate(_halves(labels, rng)):
            halves[:, m, side] = splits(rows).mean(axis=1)
    return Subsampled(whole, halves)


def _halves(labels: Labels, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return two disjoint halves with as many cases of each class."""
    shuffled = [rng.permutation(np.flatnonzero(labels == c)) for c in (0, 1)]
    sides = [[rows[s * (len(rows) // 2) :][: len(rows) // 2] for rows in shuffled] for s in (0, 1)]
    return np.concatenate(sides[0]), np.concatenate(sides[1])


def _split(
    learner: BatchLearner,
    features: Reals,
    labels: Labels,
    rows: Integers,
    sizes: list[int],
    rng: np.random.Generator,
) -> Reals:
    """Return the share right of one random test set among `rows`, one value a run."""
    test = np.concatenate(
        [rng.permutation(rows[labels[rows] == c])[:size] for c, size in enumerate(sizes)]
    )
    train = np.setdiff1d(rows, test)
    return np.asarray(called_right(learner, features, labels, train, test).mean(axis=1))
