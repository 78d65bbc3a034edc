"""Heads for a waiting list: scores for blood and infarct, and who waits because of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import joblib
import numpy as np

from medlib.learning.crossval import cross_validate
from medlib.learning.frozen import FeatureLearner
from medlib.phantom.stroke import LEVEL, simulate
from medlib.runtime.whole_numbers import as_seed
from medlib.statistics.queueing import arrivals, settled_in, waits
from medlib.study.screening import Scored
from medlib.types import Array, Bools, Floats, Images


@dataclass(frozen=True)
class Heads:
    """images (HU), kinds and hours since the first sign, one a patient."""

    images: Images
    kinds: Array
    hours: Floats


def heads(numbers: dict[str, int], *, seed: int = 0, jobs: int = 2) -> Heads:
    """Simulate so many heads of each kind, in turn; none shares its seed with another."""
    kinds = [kind for kind, number in numbers.items() for _ in range(number)]
    first = as_seed(seed)
    seeds = [int(np.random.SeedSequence([first, 5, i]).generate_state(1)[0])
             for i in range(len(kinds))]  # fmt: skip
    made = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(simulate)(own, kind=kind) for own, kind in zip(seeds, kinds, strict=True)
    )
    return Heads(np.stack([head.hu for head in made]), np.array(kinds),
                 np.array([head.head.hours for head in made]))  # fmt: skip


def scored(found: Heads, kind: str, against: Sequence[str], *, folds: int, seed: int) -> Scored:
    """Return out-of-fold scores of a kind against others, of frozen features, brain window."""
    rows = np.isin(found.kinds, [kind, *against])
    labels = (found.kinds[rows] == kind).astype(np.int64)
    names = np.array([f"head {i}" for i in np.flatnonzero(rows)])
    run = cross_validate(
        FeatureLearner(window=LEVEL), (found.images[rows], labels, names, names), folds=folds,
        seed=seed,
    )  # fmt: skip
    return Scored(run.scores, labels, run.fold)


@dataclass(frozen=True)
class Waits:
    """Mean minutes until somebody reads, of one simulated list: first come, and by flags.

    Means of bleeds, of flagged bleeds, of bleeds the model missed, of all others, and of all.
    """

    in_turn: dict[str, float]
    by_flag: dict[str, float]


def waiting(
    sensitivity: float, specificity: float, *, bleeds: float, load: float, takes: float,
    scans: int, seed: int, lists: int = 20,
) -> list[Waits]:  # fmt: skip
    """Return waits in so many simulated lists of one reader; flagged scans are read first.

    bleeds: their share of all heads; load: share of the time the reader is busy (0..1); takes:
    minutes a scan. Both orders have the same scans. The first tenth of a list is not counted.
    """
    found = []
    for stream in np.random.default_rng([as_seed(seed), 92]).spawn(lists):
        come, chance = stream.spawn(2)
        list_ = arrivals(scans, every=takes / load, takes=takes, rng=come)
        ill, luck = chance.random((2, scans))
        bleed = ill < bleeds
        flagged = luck < np.where(bleed, sensitivity, 1 - specificity)
        counted = settled_in(list_)
        means = [
            _means(own[counted], bleed[counted], flagged[counted])
            for own in (waits(list_), waits(list_, ~flagged))
        ]
        found.append(Waits(*means))
    return found


def _means(wait: Floats, bleed: Bools, flagged: Bools) -> dict[str, float]:
    parts = {
        "bleeds": bleed,
        "bleeds flagged": bleed & flagged,
        "bleeds missed": bleed & ~flagged,
        "all others": ~bleed,
        "everybody": np.ones_like(bleed),
    }
    return {name: float(wait[part].mean()) if part.any() else float("nan")
            for name, part in parts.items()}  # fmt: skip
