"""Checked cases of one study, and the ways to redraw their patients."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.statistics._checks import (
    MOST_REPLICATES,
    as_count,
    as_finite,
    as_generator,
    as_groups,
    as_labels,
    as_scores,
)
from medlib.statistics.threshold import called_positive
from medlib.statistics.weighted import Cases, Weights
from medlib.types import Array, Bools, Integers

Seed: TypeAlias = int | np.random.Generator
Patients: TypeAlias = Sequence[Any] | Array | None

BLOCK = 1_000_000
"""Weights held at a time: few enough to stay near the processor, enough to be fast."""
EXACT_IN_FLOAT32 = 2**24
"""Whole numbers up to here, and so counts of pairs up to here, are exact in float32."""
LEAST_WITH_BOTH = 0.95
"""Share of redraws that must hold both classes: leaving out more would change the question."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Cases (one entry a model), the patient of each case, and how many replicates are wanted."""

    cases: tuple[Cases, ...]
    groups: Integers
    replicates: int

    @classmethod
    def check(
        cls,
        labels: ArrayLike,
        scores: Mapping[str, ArrayLike],
        groups: Patients,
        threshold: float,
        replicates: int,
    ) -> "Sample":
        """Return the sample of checked arguments; InputError as the public functions say."""
        truth = as_labels(labels)
        cut = as_finite(threshold, "threshold")
        values = [as_scores(s, truth, name) for name, s in scores.items()]
        cases = tuple(Cases(truth, s, called_positive(s, cut)) for s in values)
        return cls(
            cases,
            as_groups(groups, truth.size),
            as_count(replicates, "replicates", least=100, most=MOST_REPLICATES),
        )

    @property
    def labels(self) -> Bools:
        """Return true for positive cases."""
        return self.cases[0].labels

    @property
    def patients(self) -> int:
        """Return how many patients there are."""
        return int(self.groups.max()) + 1

    @property
    def basis(self) -> str:
        """Return what results rest on, in words."""
        n = self.labels.size
        return f"n = {n}" if self.patients == n else f"{n} images of {self.patients} patients"

    def once(self) -> Weights:
        """Return the weights of the sample itself: every case once, as one replicate."""
        return np.ones((1, self.labels.size))

    def strata(self) -> list[Integers]:
        """Return the negative, the positive and the mixed patients; InputError for one alone."""
        size = np.bincount(self.groups)
        positive = np.bincount(self.groups, weights=self.labels)
        kinds = {
            "negative": positive == 0,
            "positive": positive == size,
            "mixed": (positive > 0) & (positive < size),
        }
        for kind, members in kinds.items():
            if members.sum() == 1:
                raise InputError(
                    f"groups holds one patient only whose labels are {kind}; a bootstrap needs two "
                    "or more of a kind, so that redrawing changes something."
                )
        return [np.flatnonzero(members) for members in kinds.values() if members.any()]

    def bootstrap(self, seed: Seed) -> Iterator[Weights]:
        """Yield weights (replicates x cases): patients drawn with replacement in each stratum."""
        rng = as_generator(seed)
        strata = self.strata()
        dtype = np.float32 if self.labels.size**2 <= EXACT_IN_FLOAT32 else np.float64
        for rows in self._blocks():
            times = np.zeros((rows, self.patients), dtype=dtype)
            for members in strata:
                times[:, members] = _draw_counts(rng, rows, members.size)
            yield times[:, self.groups]

    def redraws(self, seed: Seed) -> Iterator[Weights]:
        """Yield weights (replicates x cases): patients drawn with replacement, of any class.

        So the share of positive cases varies as in new studies. Draws of one class alone, in which
        most measures do not exist, are left out; InputError where they are more than 1 in 20.
        """
        rng = as_generator(seed)
        kept = 0
        for rows in self._blocks():
            times = _draw_counts(rng, rows, self.patients)[:, self.groups].astype(np.float64)
            positive = times @ self.labels
            both = (positive > 0) & (positive < times.sum(axis=1))
            kept += int(both.sum())
            yield times[both]
        if kept < LEAST_WITH_BOTH * self.replicates:
            rare = min(int(self.labels.sum()), int((~self.labels).sum()))
            raise InputError(
                f"labels hold {rare} cases of one class, too few to redraw patients "
                f"({self.replicates - kept} of {self.replicates} redraws have none); more such "
                "cases are needed."
            )

    def swaps(self, seed: Seed) -> Iterator[Weights]:
        """Yield blocks of 0 or 1 (replicates x cases), equal for all cases of a patient.

        All patterns in turn where there are no more than replicates, else random ones.
        """
        rng = as_generator(seed)
        if self.exact:
            patterns = np.arange(2**self.patients)[:, None] >> np.arange(self.patients)
            yield (patterns & 1).astype(np.float64)[:, self.groups]
            return
        for rows in self._blocks():
            bits = rng.integers(0, 2, size=(rows, self.patients), dtype=np.int8)
            yield bits.astype(np.float64)[:, self.groups]

    @property
    def exact(self) -> bool:
        """Return whether all swaps of patients can be listed."""
        return bool(2**self.patients <= self.replicates)

    def _blocks(self) -> Iterator[int]:
        size = max(1, BLOCK // self.labels.size)
        for start in range(0, self.replicates, size):
            yield min(size, self.replicates - start)


def _draw_counts(rng: np.random.Generator, rows: int, size: int) -> Integers:
    """Return how often each of size things is drawn in size draws (multinomial), rows times."""
    drawn = rng.integers(0, size, size=(rows, size), dtype=np.int32)
    drawn += np.arange(0, rows * size, size, dtype=np.int32)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
