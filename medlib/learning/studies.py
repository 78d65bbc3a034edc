"""A pool dealt into disjoint studies: what smaller studies of its patients would have found."""

import numpy as np

from medlib.types import Integers


def deal(y: Integers, n: int, seed: int) -> list[Integers]:
    """Disjoint studies of about n rows, each with the pool's shares of both classes, as its rows.

    Together they hold every row once. `y` has classes 0 and 1; n is at most the number of rows.
    """
    rng = np.random.default_rng([seed, 7])
    negative, positive = (rng.permutation(np.flatnonzero(y == k)) for k in (0, 1))
    order, parts = np.append(negative, positive), max(1, len(y) // n)
    return [np.sort(order[i::parts]) for i in range(parts)]  # class by class, dealt in turn


def sizes(
    y: Integers, group: Integers, first: int, least: int, seed: int
) -> tuple[list[int], list[int]]:
    """Sizes of studies that a pool holds: `first`, twice as many, ... and last the whole pool.

    The second list has sizes left out: some study has fewer than `least` patients (groups) of a
    class. Studies of every size but the last are at least two.
    """
    wanted = [n for n in (first * 2**k for k in range(32)) if 2 * n <= len(y)]
    kept = [n for n in wanted if all(_fewest(y[s], group[s]) >= least for s in deal(y, n, seed))]
    return [*kept, len(y)], [n for n in wanted if n not in kept]


def _fewest(y: Integers, group: Integers) -> int:
    """Patients of the class that has fewer of them."""
    return min(len(np.unique(group[y == k])) for k in (0, 1))
