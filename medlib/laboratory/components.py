"""Patients, training sample, partition and seed: how much each moves a cross-validated accuracy."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number
from medlib.statistics.batches import BatchLearner, deal, out_of_fold_correct
from medlib.types import Labels, Reals

ROWS = {
    "patients": "by more patients alone",
    "training sample": "by more patients alone",
    "partition": "by repeats with new folds",
    "seed": "by every further fit",
}
"""What moves the accuracy, and what makes it smaller."""


def variance_components(
    learner: BatchLearner,
    draw: Callable[[np.random.Generator], Reals],
    labels: Labels,
    *,
    folds: int = 5,
    partitions: int = 4,
    seeds: int = 2,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the variance of one k-fold accuracy, taken apart; index: the keys of `ROWS`.

    draw returns studies (runs x n x p) from the population; labels: n, the same in all studies.
    Each study is cross-validated with each partition, and each partition with each seed: a learner
    that tosses coins must draw new ones at every call. Columns: variance; sd (its root; where the
    estimate is below 0, 0); share (of the sum of the variances, those below 0 as 0); smaller (what
    reduces it).

    Estimates are those of `components_of`, unbiased, so that a small one may come out below 0.
    Raises InputError for fewer than two partitions or seeds.
    """
    partitions = as_number(partitions, "partitions", least=0)
    seeds = as_number(seeds, "seeds", least=0)
    if min(partitions, seeds) < 2:
        raise InputError(
            f"partitions = {partitions}, seeds = {seeds}; give two or more of each, or their parts "
            "cannot be told from the rest."
        )
    dealt = deal(labels, folds=folds, repeats=partitions, rng=rng)
    features = draw(rng)
    again = [out_of_fold_correct(learner, features, labels, dealt) for _ in range(seeds)]
    return components_of(np.stack(again, axis=2))


def components_of(correct: Reals) -> pd.DataFrame:
    """Return the variance components of scores, studies x partitions x seeds x cases.

    Nested random effects of the means over cases: study, partition within study, seed within
    partition, by mean squares (Searle, Casella & McCulloch 1992, Variance Components, ch. 3). The
    study's own is split into *patients*, the variance between the cases' mean scores / cases as if
    cases were independent, and *training sample*, the rest: what cases share because models learned
    from the same patients. Raises InputError for fewer than two of anything.
    """
    if min(correct.shape) < 2:
        raise InputError(
            f"correct has shape {correct.shape}; give two or more of each: studies, "
            "partitions, seeds, cases."
        )
    partitions, seeds, cases = correct.shape[1:]
    means = correct.mean(axis=3)
    seed = float(means.var(axis=2, ddof=1).mean())
    partition = float(means.mean(axis=2).var(axis=1, ddof=1).mean()) - seed / seeds
    study = float(means.mean(axis=(1, 2)).var(ddof=1))
    study -= partition / partitions + seed / (partitions * seeds)
    patients = _between_cases(correct) / cases
    values = np.array([patients, study - patients, partition, seed])
    least = np.maximum(values, 0)
    return pd.DataFrame(
        {
            "variance": values,
            "sd": np.sqrt(least),
            "share": least / least.sum() if least.any() else least,
            "smaller": list(ROWS.values()),
        },
        index=pd.Index(ROWS, name="source"),
    )


def _between_cases(correct: Reals) -> float:
    """Return the variance between cases' expected scores, without the noise of their few fits."""
    by_partition = correct.mean(axis=2)  # studies x partitions x cases
    seen = by_partition.mean(axis=1).var(axis=1, ddof=1).mean()
    noise = by_partition.var(axis=1, ddof=1).mean() / correct.shape[1]
    return float(seen - noise)
