"""One bench for studies of n labelled patients, of two classes or more, several images a patient.

`few_samples` has the same for two classes and one image a patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from medlib.cohorts import Cohort
from medlib.errors import InputError
from medlib.learning.crossval import train_each
from medlib.learning.folds import stratified_patient_folds
from medlib.learning.learner import Learner, Pair
from medlib.learning.network import NetworkLearner
from medlib.learning.small_studies import MOST_DRAWN, of_features
from medlib.runtime.whole_numbers import as_number
from medlib.statistics import Comparison, Interval
from medlib.statistics.out_of_fold_auc import case_shares
from medlib.study.drawn import Drawn
from medlib.types import Bools, Floats, Images, Integers, Labels, Reals

PARTS: Final = 10
"""The test side is made of so many parts, patients whole."""
LEAST_TESTED: Final = 2
"""Patients of a class on the test side: one has no interval."""


class Bench(Drawn):
    """Draws take patients (numbers as `units` has them), classes by turns."""

    def drawn(self, n: int, draws: int | None = None) -> list[Integers]:
        """Return the rows of the images of the first n patients of each draw."""
        unit = units(self.cases.labels, self.groups)[0]
        return [np.flatnonzero(np.isin(unit, order[:n])) for order in self.orders[:draws]]

    def shuffled(self, seed: int) -> Bench:
        """Return the bench with labels dealt anew on each side: nothing is left to learn.

        Labels are dealt to patients of one class each (to `units` where some have several), so a
        draw is only about balanced.
        """
        rng = np.random.default_rng([seed, 18])
        labels, unit = self.labels.copy(), units(self.labels, self.groups)[0]
        tests = np.isin(np.arange(len(labels)), self.test)
        for side in (tests, ~tests):
            _, first, place = np.unique(unit[side], return_index=True, return_inverse=True)
            labels[side] = rng.permutation(labels[side][first])[place]
        return replace(self, labels=labels)

    def features(
        self, x: Reals, n: int, draws: int | None = None, *, jobs: int = 2
    ) -> list[Floats]:
        """Return what logistic regression on features x says of the test images in each study.

        One array a draw: cases x classes.
        """
        rows = self.drawn(n, draws)
        found = of_features(x, self.labels, self.groups, rows, self.test, jobs=jobs)
        return [_both(study.test) for study in found]

    def networks(
        self, learner: NetworkLearner, images: Images, n: int, *, steps: int, draws: int, seed: int
    ) -> list[Floats]:
        """Return what a network says, trained for about so many steps, draw i from seed + i."""
        studies: list[tuple[Learner, Pair, Images, int]] = []
        for i, rows in enumerate(self.drawn(n, draws)):
            batches = max(1, round(len(rows) / learner.batch_size))
            trained: Learner = replace(learner, epochs=max(1, round(steps / batches)))
            pair = images[rows], self.labels[rows]
            studies.append((trained, pair, images[self.test], seed + i))
        return [_both(found) for found in train_each(studies)]

    def right(self, said: Sequence[Reals]) -> Floats:
        """Return whether each study is right on each test image: 1 or 0, draws x cases."""
        truth = self.labels[self.test]
        return np.array([each.argmax(axis=1) == truth for each in said], dtype=np.float64)

    def areas(self, said: Sequence[Reals]) -> Floats:
        """Return shares of the AUC of each class against the rest: classes x draws x cases.

        `mean` of one class's rows, or of their mean over classes, is an AUC with its interval.
        """
        truth = self.labels[self.test]
        sizes = np.bincount(truth)
        shares = [[case_shares(truth == k, np.asarray(each, np.float64)[:, k]) for each in said]
                  for k in range(len(sizes))]  # fmt: skip
        # `mean` weighs classes alike where DeLong's shares weigh cases alike
        return np.array(shares) * (len(sizes) * sizes / len(truth))[truth]

    def auc(self, said: Sequence[Reals], n: int) -> Interval:
        """Return the mean over classes of the AUC against the rest."""
        found = self.difference(self.areas(said).mean(axis=0), n).interval
        assert found is not None
        return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def bench(
    pool: Cohort, *, test_share: float, a_patient: int, draws: int, smallest: int, seed: int
) -> Bench:
    """Return the bench of a pool: about `test_share` of the patients test and never train.

    a_patient: images of a patient and class that are used, at most; they are spread evenly over
    those there are. smallest: patients of the smallest study. Raises InputError, before anything is
    trained, for a class with too few patients to train and to test, and for too few in all.
    """
    cases = pool.select(_thinned(pool, a_patient))
    labels, groups = cases.labels, cases.groups
    _check(cases, smallest)
    tested = _tested(labels, groups, test_share, seed)
    unit, of_unit = units(labels, groups)
    free = np.unique(unit[~tested])
    if smallest > MOST_DRAWN * len(free):
        raise InputError(
            f"{pool.name} leaves {len(free)} patients or groups to train, of which a draw may take "
            f"{MOST_DRAWN:.0%}, and the smallest study has {smallest}: add patients, or lower "
            "sizes."
        )
    rng = np.random.default_rng([seed, 18, 1])
    orders = tuple(_order(of_unit, free, rng) for _ in range(draws))
    return Bench(cases, labels, groups, np.flatnonzero(tested), orders, len(free))


def units(labels: Labels, groups: Integers) -> tuple[Integers, Integers]:
    """Return what is drawn: number of each image's patient and class, and the class of each unit.

    A patient with images of two classes is two units; on the test side patients stay whole.
    """
    classes = int(labels.max()) + 1
    found, unit = np.unique(groups * classes + labels, return_inverse=True)
    return unit, found % classes


def _thinned(pool: Cohort, most: int) -> Integers:
    """Rows of at most so many images of each patient and class, evenly spread."""
    unit, of_unit = units(pool.labels, pool.groups)
    kept = []
    for k in range(len(of_unit)):
        rows = np.flatnonzero(unit == k)
        places = np.linspace(0, len(rows) - 1, min(most, len(rows)))
        kept.append(rows[np.round(places).astype(np.int64)])
    return np.sort(np.concatenate(kept))


def _check(cases: Cohort, smallest: int) -> None:
    """Refuse classes that cannot both train and test, and studies that cannot hold them all."""
    patients = cases.table.groupby("label").patient_id.nunique()
    for name in cases.classes:
        found = int(patients.get(name, 0))
        if found < 2 * LEAST_TESTED:
            raise InputError(
                f"Class {name!r} of {cases.name} has {found} patients or groups, and this chapter "
                f"needs {2 * LEAST_TESTED} of each, {LEAST_TESTED} to train and others to test: "
                "add patients, or leave the class out with -p classes."
            )
    if smallest < 2 * len(cases.classes):
        raise InputError(
            f"The smallest study has {smallest} patients for {len(cases.classes)} classes, and two "
            f"of each are needed: give sizes from {2 * len(cases.classes)} on."
        )


def _tested(labels: Labels, groups: Integers, share: float, seed: int) -> Bools:
    """Which images test: parts of a deal of patients, at least two of each class."""
    fewest = min(len(np.unique(groups[labels == k])) for k in np.unique(labels))
    parts = min(PARTS, fewest // LEAST_TESTED)
    part = stratified_patient_folds(labels, groups, folds=parts, seed=seed)
    return np.asarray(part < np.clip(round(share * parts), 1, parts - 1))


def _order(of_unit: Integers, free: Integers, rng: np.random.Generator) -> Integers:
    """A random order of units in which classes take turns as long as they last."""
    shuffled = rng.permutation(free)
    label = of_unit[shuffled]
    turn, first = np.empty(len(shuffled), dtype=np.int64), rng.permutation(int(of_unit.max()) + 1)
    for k in np.unique(label):
        turn[label == k] = np.arange((label == k).sum())
    return shuffled[np.lexsort((first[label], turn))]


def sizes_that_fit(wanted: str, bench: Bench) -> list[int]:
    """Return the numbers of patients in a text such as "10,25", as far as draws may take them."""
    return [n for n in read_sizes(wanted) if n <= MOST_DRAWN * bench.available]


def read_sizes(wanted: str) -> list[int]:
    """Return the numbers of patients in a text such as "10,25"; InputError for what are none."""
    try:
        return sorted({as_number(int(each), "sizes", least=4) for each in wanted.split(",")})
    except ValueError as error:
        raise InputError(
            f"sizes is {wanted!r}: give numbers of patients, such as 10,25,50."
        ) from error


def unequal(bench: Bench, first: Sequence[Reals], second: Sequence[Reals], n: int) -> Comparison:
    """Return right answers of the first less those of the second, which has n patients, the more.

    Studies of one draw are nested, so draws are paired; as many as both have.
    """
    common = min(len(first), len(second))
    return bench.difference(bench.right(first[:common]) - bench.right(second[:common]), n)


def _both(said: Reals) -> Floats:
    """Cases x classes, also where two classes were told by one number."""
    found = np.asarray(said, dtype=np.float64)
    return np.stack([1 - found, found], axis=1) if found.ndim == 1 else found
