"""Pairs of learners that are equally good by symmetry: exchange the two and nothing changes.

Whatever difference a test finds between them is a false alarm. (Two halves of one fixed list of
features would not do: one half really is better.)
"""

from typing import TypeAlias

import joblib
import numpy as np

from medlib.statistics import batches
from medlib.statistics.batches import BatchLearner
from medlib.types import Floats, Integers

Pair: TypeAlias = tuple[BatchLearner, Floats]
"""One way to learn, and what each of two learners sees of the same studies, 2 x runs x n x p."""


def equal_pairs(labels: Integers, runs: int, rng: np.random.Generator) -> dict[str, Pair]:
    """Return textbook learners on random numbers, by name; labels: n, the same in all studies.

    The last two are hard: learners that share what they see, and one whose answers jump.
    """
    return {
        "nearest mean, separate features": (
            batches.nearest_mean, _separate(labels, runs, 10, 2.6, rng)),
        "discriminant, separate features": (
            batches.discriminant, _separate(labels, runs, 5, 2.9, rng)),
        "ridge, two noisy encoders": (
            batches.ridge, _encoders(labels, runs, 30, 20, rng)),
        "discriminant, shared features": (
            batches.discriminant, _sharing(labels, runs, 5, 10, rng)),
        "1 nearest neighbour, separate features": (
            batches.nearest_neighbour, _separate(labels, runs, 5, 2.2, rng)),
    }  # fmt: skip


def _separate(
    labels: Integers, runs: int, features: int, shift: float, rng: np.random.Generator
) -> Floats:
    """Two sensors that see different features of the same patients, equally informative."""
    x = rng.standard_normal((2, runs, len(labels), features))
    x[:, :, labels == 1] += shift / np.sqrt(features)
    return x


def _sharing(
    labels: Integers, runs: int, common: int, own: int, rng: np.random.Generator
) -> Floats:
    """Both learners see the same informative features, and noise of their own."""
    first = _separate(labels, runs, common, 2.5, rng)[0]
    seen = np.broadcast_to(first, (2, *first.shape))
    return np.concatenate([seen, rng.standard_normal((*seen.shape[:3], own))], axis=3)


def _encoders(
    labels: Integers, runs: int, features: int, factors: int, rng: np.random.Generator
) -> Floats:
    """Two readings of the same patients by one encoder, with fresh noise each."""
    hidden = rng.standard_normal((runs, len(labels), factors))
    hidden[:, labels == 1, :4] += 4.5 / 2
    seen = hidden @ rng.standard_normal((factors, features)) / np.sqrt(factors)
    noisy: Floats = np.maximum(seen + rng.standard_normal((2, *seen.shape)), 0)
    return noisy


def two_scans(
    scans: Floats, labels: Integers, *, per_class: int, runs: int, rng: np.random.Generator
) -> tuple[Floats, Integers]:
    """Return studies of patients that were scanned twice, 2 x runs x n x p, and labels, n.

    scans: 2 x pool x p, features of both scans; labels: class of each patient of the pool. A study
    takes `per_class` patients of each class, or all of the smaller one, and a coin tells for each
    which scan goes to which learner.
    """
    of_class = [np.flatnonzero(labels == k) for k in (0, 1)]
    each = min(per_class, *map(len, of_class))
    drawn = np.stack(
        [np.concatenate([rng.permutation(pool)[:each] for pool in of_class]) for _ in range(runs)]
    )
    coin = rng.integers(0, 2, drawn.shape)
    return np.stack([scans[coin, drawn], scans[1 - coin, drawn]]), np.repeat([0, 1], each)


def judge(pair: Pair, labels: Integers, dealt: Integers) -> Floats:
    """Return where both learners are right out of fold, 2 x runs x repeats x n, one thread each."""
    learner, seen = pair
    both = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(batches.out_of_fold_correct)(learner, x, labels, dealt) for x in seen
    )
    return np.stack(both)


def power_at(
    cases: int, worse: float, *, runs: int, repeats: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return how much less accurate the worse of two learners is, and how often that is found.

    Nearest-mean learners on separate features, one right in about 92 % of cases; the classes of
    the other lie nearer by `worse`. Compared by the out-of-fold test over five folds.
    """
    labels = np.repeat([0, 1], cases // 2)
    dealt = batches.deal(labels, folds=5, repeats=repeats, rng=rng)
    right = []
    for shift in (2.99, 2.99 - worse):
        x = rng.standard_normal((runs, cases, 10))
        x[:, labels == 1] += shift / np.sqrt(10)
        right.append(batches.out_of_fold_correct(batches.nearest_mean, x, labels, dealt))
    p = batches.p_values(right[0] - right[1], dealt)[f"out-of-fold test, {repeats} x 5"]
    return float(right[0].mean() - right[1].mean()), float((p < 0.05).mean())
