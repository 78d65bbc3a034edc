"""One bench for learning curves: the same draws and the same test patients for every learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from medlib.cohorts import Cohort
from medlib.errors import InputError
from medlib.learning import small_studies
from medlib.learning.crossval import train_each
from medlib.learning.learner import Learner, Pair
from medlib.learning.network import NetworkLearner
from medlib.learning.small_studies import Study
from medlib.runtime.whole_numbers import as_number
from medlib.statistics import Comparison, crossed_test
from medlib.study.drawn import Drawn
from medlib.types import Floats, Images, Integers, Reals

LEAST_DRAWS: Final = 2
"""Without a second one nobody knows how far draws differ."""
LEAST_TESTED: Final = 2
"""Patients of each class."""


class Bench(Drawn):
    """Draws take rows, as many of each class."""

    def drawn(self, n: int, draws: int | None = None) -> list[Integers]:
        """Return the training rows of each study of n."""
        return [order[:n] for order in self.orders[:draws]]

    def shuffled(self, seed: int) -> Bench:
        """Return the bench with labels dealt anew, by patient: nothing is left to learn.

        Where patients have images of both classes, images are dealt. The rows stay, so draws and
        test are only about balanced.
        """
        rng = np.random.default_rng([seed, 41])
        _, first, patient = np.unique(self.groups, return_index=True, return_inverse=True)
        of_patient = self.labels[first]
        if np.array_equal(of_patient[patient], self.labels):
            return replace(self, labels=rng.permutation(of_patient)[patient])
        return replace(self, labels=rng.permutation(self.labels))

    def features(self, x: Reals, n: int, draws: int | None = None) -> list[Study]:
        """Return logistic regression on features x (a row a case) in each study of n."""
        rows = self.drawn(n, draws)
        return small_studies.of_features(x, self.labels, self.groups, rows, self.test)

    def networks(
        self, learner: NetworkLearner, images: Images, n: int, *, draws: int, steps: int, seed: int
    ) -> list[Study]:
        """Return a network trained for about `steps` in each study of n, draw i from seed + i.

        However many cases there are: fewer cases are seen more often.

        Raises InputError for fewer than two draws, or more than there are.
        """
        as_number(draws, "network_draws", least=LEAST_DRAWS, most=len(self.orders))
        batches = max(1, round(n / learner.batch_size))
        trained: Learner = replace(learner, epochs=max(1, round(steps / batches)))
        studies: list[tuple[Learner, Pair, Images, int]] = []
        for i, rows in enumerate(self.drawn(n, draws)):
            others = images[np.concatenate([rows, self.test])]
            studies.append((trained, (images[rows], self.labels[rows]), others, seed + i))
        return [Study(found[:n], found[n:]) for found in train_each(studies)]

    def right(self, studies: Sequence[Study]) -> Floats:
        """Return whether each study is right on each test case: 1 or 0, draws x cases."""
        truth = self.labels[self.test] == 1
        return np.array([(study.test > 0.5) == truth for study in studies], dtype=np.float64)

    def training(self, studies: Sequence[Study], n: int) -> Floats:
        """Return the accuracy of each study on its own training cases."""
        pairs = zip(studies, self.drawn(n), strict=False)
        return np.array([((study.training > 0.5) == self.labels[rows]).mean()
                         for study, rows in pairs])  # fmt: skip

    def gap(self, studies: Sequence[Study], n: int) -> Comparison:
        """Return training less test accuracy."""
        own, right = self.training(studies, n), self.right(studies)
        return crossed_test(right, *self.tested, training=own, shared=n / self.available)


def bench(
    pool: Cohort,
    *,
    test_share: float,
    test_images: int,
    draws: int,
    a_patient: int,
    seed: int,
) -> Bench:
    """Return the bench of a pool: see `small_studies.apart` and `draws`.

    The test has at most `test_images` images, of each class alike, of each patient one before a
    second one. Raises InputError as those do, for fewer than two draws, and where fewer than two
    patients of a class test.
    """
    as_number(draws, "draws", least=LEAST_DRAWS)
    labels, groups = pool.labels, pool.groups
    test = small_studies.apart(labels, groups, test_share, seed=seed)
    options = {"a_patient": test_images, "seed": seed}
    [tested] = small_studies.draws(labels, groups, np.flatnonzero(test), number=1, **options)
    orders = small_studies.draws(
        labels, groups, np.flatnonzero(~test), number=draws, a_patient=a_patient, seed=seed
    )
    tested = tested[: 2 * (test_images // 2)]
    if min(len(np.unique(groups[tested[labels[tested] == k]])) for k in (0, 1)) < LEAST_TESTED:
        raise InputError(
            f"{len(tested)} images would test, of fewer than two patients of a class: raise "
            "test_share or test_images, or add patients."
        )
    used = np.unique(np.concatenate([tested, *orders]))
    place = [np.searchsorted(used, rows) for rows in (tested, *orders)]
    cases = pool.select(used)
    return Bench(cases, labels[used], groups[used], place[0], tuple(place[1:]), len(orders[0]))


def curve(bench: Bench, studies: dict[int, Sequence[Study]]) -> pd.DataFrame:
    """Return a row for each n: training and test accuracy with ends, and their gap."""
    rows = []
    for n, found in studies.items():
        own, test = bench.training(found, n), bench.mean(bench.right(found), n)
        gap = bench.gap(found, n).interval
        assert gap is not None
        low, high = (float(q) for q in np.quantile(own, (0.025, 0.975)))
        rows.append((n, own.mean(), low, high, test.estimate, test.low, test.high,
                     gap.estimate, gap.low, gap.high))  # fmt: skip
    columns = ["n", "training", "training_low", "training_high", "test", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "gap", "gap_low", "gap_high"])
