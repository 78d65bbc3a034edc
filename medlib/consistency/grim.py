"""GRIM: which whole numbers of cases give a printed mean.

Brown and Heathers 2017, Social Psychological and Personality Science 8:363. An accuracy is a
count over a count, so with few cases most printed percentages cannot occur.
"""

from collections.abc import Iterator
from itertools import accumulate, groupby
from math import lcm, prod
from operator import mul

import numpy as np

from medlib.consistency._checks import as_reported, as_sizes, as_whole
from medlib.consistency.reported import Reported, Rounding
from medlib.errors import TooManyError
from medlib.types import Array

MOST_STEPS = 1_000_000  # about a second
MOST_TOTALS = 2_000_000  # of all groups but the last; half a second, for they are added in numpy
MOST_IN_INT64 = 2**62
"""Sums that may exceed this are made of Python integers, which do not overflow."""
TOO_MANY = (
    "folds of unequal size allow too many combinations here to check each; "
    "give a number of cases that the folds divide, or the mean to more digits"
)
"""Why unequal folds cannot be checked, and what to do."""


def possible_counts(mean: Reported, units: int, rounding: Rounding = Rounding.EITHER) -> range:
    """The numbers right, of `units`, that are printed as `mean`; empty if there is none.

    Examples:
        >>> from medlib.consistency import parse
        >>> list(possible_counts(parse("92%", "mean"), 250))
        [229, 230, 231]

    """
    as_reported(mean, "mean")
    counts = mean.window(rounding).integers(as_whole(units, "units", least=0))
    return range(max(0, counts.start), max(0, min(units + 1, counts.stop)))


def group_sizes(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Folds of one size together: (size, number of folds), largest first."""
    return [(size, len(list(same))) for size, same in groupby(sorted(sizes, reverse=True))]


def weights(groups: list[tuple[int, int]]) -> tuple[int, list[int]]:
    """A common denominator L of all fold accuracies, and L / size for each group."""
    common = lcm(*(size for size, _ in groups))
    return common, [common // size for size, _ in groups]


def group_totals(
    sizes: tuple[int, ...],
    mean: Reported,
    rounding: Rounding = Rounding.EITHER,
    reach: float = 1.0,
) -> Iterator[tuple[int, ...]]:
    """How many can have been right in the folds of each size, together.

    With folds of unequal size there are two means, the one over all cases and the one over
    the folds; a total passes if either is printed as `mean`. Totals whose groups are most
    alike come first.

    Args:
        sizes: Cases in each fold.
        mean: Printed mean.
        rounding: How it was shortened.
        reach: Accuracies of groups farther than this from the mean may be left out.

    Raises:
        TooManyError: The folds have so many sizes that the totals cannot be gone through.

    """
    for head, runs in _heads(sizes, mean, rounding, reach):
        for last in sorted(set().union(*runs)):
            yield (*head, last)


def fold_counts(
    sizes: tuple[int, ...], mean: Reported, rounding: Rounding = Rounding.EITHER
) -> list[int]:
    """The numbers right over all folds that are printed as `mean`, ascending.

    Raises:
        TooManyError: As `group_totals`.

    """
    sizes = as_sizes(sizes)
    as_reported(mean, "mean")
    if len(set(sizes)) == 1:
        return list(possible_counts(mean, sum(sizes), rounding))
    capacities = [size * folds for size, folds in group_sizes(sizes)]
    if prod(c + 1 for c in capacities[:-1]) > MOST_TOTALS:
        raise TooManyError(TOO_MANY)
    marks = np.zeros(sum(sizes) + 2, dtype=np.int64)  # +1 where a run of counts begins, -1 after it
    heads = _sums(capacities[:-1], [1] * len(capacities[:-1]))
    for weight, sums in _means(sizes, mean, rounding):
        used, last = _sums(capacities[:-1], weight[:-1]), weight[-1]
        low = np.maximum(0, -((used - sums.start) // last)).astype(np.int64)
        high = np.minimum(capacities[-1], (sums.stop - 1 - used) // last).astype(np.int64)
        some = low <= high
        np.add.at(marks, (heads + low)[some], 1)
        np.add.at(marks, (heads + high)[some] + 1, -1)
    return [int(count) for count in np.flatnonzero(np.cumsum(marks) > 0)]


def _sums(capacities: list[int], weight: list[int]) -> Array:
    """The weighted sum of every combination of totals, in a fixed order; exact."""
    fits = sum(map(mul, capacities, weight)) < MOST_IN_INT64
    sums = np.zeros(1, dtype=np.int64 if fits else object)
    for capacity, each in zip(capacities, weight, strict=True):
        steps = np.arange(capacity + 1).astype(sums.dtype) * each
        sums = (sums[:, None] + steps).ravel()
    return sums


def _means(
    sizes: tuple[int, ...], mean: Reported, rounding: Rounding
) -> list[tuple[list[int], range]]:
    """Both means in whole numbers: each group's weight, and which weighted sums are printed so."""
    groups = group_sizes(sizes)
    common, scale = weights(groups)
    window = mean.window(rounding)
    means = [([1] * len(groups), window.integers(sum(sizes)))]
    if len(groups) > 1:
        means.append((scale, window.integers(common * len(sizes))))
    return [(weight, sums) for weight, sums in means if sums]


def _heads(
    sizes: tuple[int, ...], mean: Reported, rounding: Rounding, reach: float
) -> Iterator[tuple[tuple[int, ...], list[range]]]:
    """Totals of all groups but the last, and the runs of totals of the last that complete them."""
    means = _means(sizes, mean, rounding)
    capacities = [size * folds for size, folds in group_sizes(sizes)]
    near = [_near(mean, capacity, reach) for capacity in capacities[:-1]]
    for tried, head in enumerate(_prefixes(capacities, means, near)):
        if tried * len(capacities) > MOST_STEPS:
            raise TooManyError(TOO_MANY)
        yield head, [_completing(head, weight, sums, capacities[-1]) for weight, sums in means]


def _prefixes(
    capacities: list[int], means: list[tuple[list[int], range]], near: list[list[int]]
) -> Iterator[tuple[int, ...]]:
    """Totals of the first groups that the rest can still complete to one of the means."""
    rests = [_rests(capacities, weight) for weight, _ in means]

    def extend(head: tuple[int, ...], sums: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        place = len(head)
        reachable = (
            s < wanted.stop and s + rest[place] >= wanted.start
            for s, rest, (_, wanted) in zip(sums, rests, means, strict=True)
        )
        if not any(reachable):
            return
        if place == len(near):
            yield head
            return
        for count in near[place]:
            added = (s + count * w[place] for s, (w, _) in zip(sums, means, strict=True))
            yield from extend((*head, count), tuple(added))

    return extend((), (0,) * len(means))


def _rests(capacities: list[int], weight: list[int]) -> list[int]:
    """The most that the groups from each place on can add to a weighted sum."""
    each = [c * w for c, w in zip(capacities, weight, strict=True)]
    return [*accumulate(reversed(each))][::-1]


def _completing(head: tuple[int, ...], weight: list[int], sums: range, capacity: int) -> range:
    """The run of totals of the last group that bring the weighted sum into the range."""
    used, last = sum(map(mul, head, weight)), weight[-1]
    low = max(0, -((used - sums.start) // last))
    high = min(capacity, (sums.stop - 1 - used) // last)
    return range(low, max(low, high + 1))


def _near(mean: Reported, capacity: int, reach: float) -> list[int]:
    """Counts of `capacity` within reach of the printed mean, nearest first."""
    centre, width = float(mean.value), reach + float(mean.unit)
    low = max(0, int((centre - width) * capacity) - 1)
    high = min(capacity, int((centre + width) * capacity) + 1)
    return sorted(range(low, high + 1), key=lambda count: abs(count - centre * capacity))
