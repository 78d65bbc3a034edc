"""What benches for studies of n patients share: who trains in which order, who tests, and scores.

Every way of learning gets the same draws and is tested on the same other patients, so differences
are paired.
"""

from __future__ import annotations

from dataclasses import dataclass

from medlib.cohorts import Cohort
from medlib.statistics import Comparison, Interval, crossed_interval, crossed_test
from medlib.types import Integers, Labels, Reals


@dataclass(frozen=True)
class Drawn:
    """Images of which some test, and the order in which each draw takes the others.

    labels, groups: one an image of `cases`; test: rows that test; orders: of each draw, in the
    numbers of the bench; available: how many there are to draw.
    """

    cases: Cohort
    labels: Labels
    groups: Integers
    test: Integers
    orders: tuple[Integers, ...]
    available: int

    def mean(self, scores: Reals, n: int) -> Interval:
        """Return the mean of scores (draws x test images) at n, classes weighing the same."""
        return crossed_interval(scores, *self.tested, shared=n / self.available)

    def difference(self, scores: Reals, n: int) -> Comparison:
        """Return whether differences (draws x test images) at n, or up to n, have a mean of 0."""
        return crossed_test(scores, *self.tested, shared=n / self.available)

    @property
    def tested(self) -> tuple[Labels, Integers]:
        """Label and group of each test image."""
        return self.labels[self.test], self.groups[self.test]
