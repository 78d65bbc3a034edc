"""One bench for studies of n labelled patients, of two classes or more, several images a patient.

Every way of learning gets the same draws of patients and is tested on the same other patients, so
differences are paired. `few_samples` has the same for two classes and one image a patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from medlib import statistics
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
from medlib.types import Floats, Images, Integers, Labels, Reals

PARTS: Final = 10
"""The test side is made of so many parts, patients whole."""
LEAST_TESTED: Final = 2
"""Patients of a class on the test side: one has no interval."""


@dataclass(frozen=True)
class Bench:
    """Images of which some test, and the order in which each draw takes patients.

    labels, groups: one an image of `cases`; test: rows that test; orders: patients (numbers as in
    `groups`) of each draw, classes by turns; available: how many patients there are to draw.
    """

    cases: Cohort
    labels: Labels
    groups: Integers
    test: Integers
    orders: tuple[Integers, ...]
    available: int

    def drawn(self, n: int, draws: int | None = None) -> list[Integers]:
        """Return the rows of the images of the first n patients of each draw."""
        return [np.flatnonzero(np.isin(self.groups, order[:n])) for order in self.orders[:draws]]

    def shuffled(self, seed: int) -> Bench:
        """Return the bench with labels dealt anew by patient, on each side: nothing to learn."""
        rng = np.random.default_rng([seed, 18])
        labels = self.labels.copy()
        tests = np.isin(np.arange(len(labels)), self.test)
        for side in (tests, ~tests):
            _, first, patient = np.unique(self.groups[side], return_index=True, return_inverse=True)
            labels[side] = rng.permutation(labels[side][first])[patient]
        return replace(self, labels=labels)

    def features(self, x: Reals, n: int, draws: int | None = None) -> list[Floats]:
        """Return what logistic regression on features x says of the test images in each study.

        One array a draw: cases x classes.
        """
        found = of_features(x, self.labels, self.groups, self.drawn(n, draws), self.test)
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

    def mean(self, scores: Reals, n: int) -> Interval:
        """Return the mean of scores (draws x test images), classes weighing the same."""
        return statistics.crossed_interval(scores, *self._who, shared=n / self.available)

    def auc(self, said: Sequence[Reals], n: int) -> Interval:
        """Return the mean over classes of the AUC against the rest."""
        found = self.difference(self.areas(said).mean(axis=0), n).interval
        assert found is not None
        return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))

    def difference(self, scores: Reals, n: int) -> Comparison:
        """Return whether differences (draws x test images) have a mean of 0."""
        return statistics.crossed_test(scores, *self._who, shared=n / self.available)

    @property
    def _who(self) -> tuple[Labels, Integers]:
        return self.labels[self.test], self.groups[self.test]


def bench(pool: Cohort, *, test_share: float, draws: int, smallest: int, seed: int) -> Bench:
    """Return the bench of a pool: about `test_share` of the patients test and never train.

    smallest: patients of the smallest study. Raises InputError, before anything is trained, for a
    class with too few patients to train and to test, and for a patient with images of two classes.
    """
    labels, groups = pool.labels, pool.groups
    _, first, patient = np.unique(groups, return_index=True, return_inverse=True)
    if not np.array_equal(labels[first][patient], labels):
        raise InputError(
            f"{pool.name} has patients with images of several classes, and this chapter draws "
            "patients by their class: give each patient one label."
        )
    of_patient = labels[first]
    for name, found in zip(pool.classes, np.bincount(of_patient, minlength=len(pool.classes)),
                           strict=True):  # fmt: skip
        if found < 2 * LEAST_TESTED:
            raise InputError(
                f"Class {name!r} of {pool.name} has {found} patients or groups, and this chapter "
                f"needs {2 * LEAST_TESTED} of each, {LEAST_TESTED} to train and others to test: "
                "add patients, or leave the class out with -p classes."
            )
    if smallest < 2 * len(pool.classes):
        raise InputError(
            f"The smallest study has {smallest} patients for {len(pool.classes)} classes, and two "
            f"of each are needed: give sizes from {2 * len(pool.classes)} on."
        )
    tested = _tested(of_patient, test_share, seed)
    rng = np.random.default_rng([seed, 18, 1])
    orders = tuple(_order(of_patient, np.flatnonzero(~tested), rng) for _ in range(draws))
    available = int((~tested).sum())
    if smallest > MOST_DRAWN * available:
        raise InputError(
            f"{pool.name} leaves {available} patients to train, of which a draw may take "
            f"{MOST_DRAWN:.0%}, and the smallest study has {smallest}: add patients, or lower "
            "sizes."
        )
    return Bench(pool, labels, groups, np.flatnonzero(tested[groups]), orders, available)


def _tested(of_patient: Integers, share: float, seed: int) -> np.ndarray:
    """Which patients test: parts of a stratified deal, but at least two of each class."""
    parts = min(PARTS, int(np.bincount(of_patient).min()) // LEAST_TESTED)
    part = stratified_patient_folds(of_patient, np.arange(len(of_patient)), folds=parts, seed=seed)
    return np.asarray(part < np.clip(round(share * parts), 1, parts - 1))


def _order(of_patient: Integers, patients: Integers, rng: np.random.Generator) -> Integers:
    """A random order of patients in which classes take turns as long as they last."""
    shuffled = rng.permutation(patients)
    turn = np.empty(len(shuffled), dtype=np.int64)
    classes = np.unique(of_patient[shuffled])
    for k in classes:
        mine = of_patient[shuffled] == k
        turn[mine] = np.arange(mine.sum())
    place = rng.permutation(len(classes))[np.searchsorted(classes, of_patient[shuffled])]
    return shuffled[np.lexsort((place, turn))]


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


def _both(said: Reals) -> Floats:
    """Cases x classes, also where two classes were told by one number."""
    found = np.asarray(said, dtype=np.float64)
    return np.stack([1 - found, found], axis=1) if found.ndim == 1 else found
