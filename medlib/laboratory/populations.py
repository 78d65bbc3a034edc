"""Studies as large as wanted, drawn from the features of a few hundred real or simulated images."""

import numpy as np

from medlib.errors import InputError
from medlib.laboratory.side_by_side import Population
from medlib.runtime.whole_numbers import as_number
from medlib.types import Integers, Labels, Reals


def blended_population(
    scans: Reals,
    labels: Labels,
    *,
    patients: int,
    studies: int,
    new: int = 2000,
    rng: np.random.Generator,
) -> Population:
    """Return studies of patients blended from two patients of one class each.

    scans: 2 x pool x p, features of two scans of each patient; labels: class of each, 0 or 1. A
    blend is m + (x - m) / sqrt(2) + (y - m) / sqrt(2), with m the mean of the class and x, y two of
    its patients, drawn anew each time: so means and covariances of the classes stay, and the
    population is far larger than the pool. A coin tells for each patient which scan which learner
    sees, so the two are exactly as good. `patients` and `new` are dealt to both classes alike.

    Raises InputError for scans of another shape, a class with fewer than two patients, and odd
    numbers of patients or none.
    """
    if scans.ndim != 3 or scans.shape[:2] != (2, len(labels)):
        raise InputError(
            f"scans has shape {scans.shape}; give 2 x {len(labels)} x features, two scans each."
        )
    patients, new = as_number(patients, "patients", least=0), as_number(new, "new", least=0)
    studies = as_number(studies, "studies")
    odd = patients % 2 or new % 2 or min(patients, new) < 2
    if odd or min(np.bincount(labels, minlength=2)) < 2:
        raise InputError(
            f"patients = {patients}, new = {new}: give even numbers, 2 or more, and two or more "
            "pool patients of each class."
        )

    def draw(runs: int, size: int) -> tuple[Reals, Integers]:
        wanted = np.repeat([0, 1], size // 2)
        coin = rng.integers(0, 2, (runs, size))
        halves = [_choose(labels, wanted, runs, rng) for _ in range(2)]
        mean = np.stack([scans[:, labels == c].mean(axis=(0, 1)) for c in (0, 1)])[wanted]
        sides = np.stack([coin, 1 - coin])
        parts = [(scans[sides, rows] - mean) / np.sqrt(2) for rows in halves]
        return mean + parts[0] + parts[1], wanted

    seen, wanted = draw(studies, patients)
    fresh, of_fresh = draw(1, new)
    return Population((seen[0], seen[1]), wanted, fresh[0, 0], of_fresh)


def _choose(labels: Labels, wanted: Integers, runs: int, rng: np.random.Generator) -> Integers:
    """Return, runs x patients, a random patient of the pool of each wanted class."""
    pools = [np.flatnonzero(labels == c) for c in (0, 1)]
    return np.stack([rng.choice(pools[c], runs) for c in wanted], axis=1)
