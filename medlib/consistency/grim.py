"""GRIM: which whole numbers of cases give a printed mean.

Brown and Heathers 2017, Social Psychological and Personality Science 8:363. An accuracy is a
count over a count, so with few cases most printed percentages cannot occur.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby, product
from math import lcm, prod

from medlib.consistency.reported import Reported, Rounding
from medlib.errors import InputError

MOST_COMBINATIONS = 400_000  # about a second


class TooManyError(InputError):
    """The exact answer needs more steps than a reader would wait for."""


def possible_counts(mean: Reported, units: int, rounding: Rounding = Rounding.EITHER) -> range:
    """The numbers right, of `units`, that are printed as `mean`; empty if there is none.

    Examples:
        >>> from medlib.consistency import parse
        >>> list(possible_counts(parse("92%", "mean"), 250))
        [229, 230, 231]

    """
    counts = mean.window(rounding).integers(units)
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
    groups = group_sizes(sizes)
    capacities = [size * folds for size, folds in groups]
    heads, last = capacities[:-1], capacities[-1]
    ranges = [_near(mean, capacity, reach) for capacity in heads]
    if prod(map(len, ranges)) * max(1, int(last * mean.unit)) > MOST_COMBINATIONS:
        raise TooManyError(
            "folds of unequal size allow too many combinations here to check each; "
            "give a number of cases that the folds divide, or the mean to more digits"
        )
    for head in product(*ranges):
        for total in sorted(_last_totals(groups, head, mean, rounding)):
            if 0 <= total <= last:
                yield (*head, total)


def _near(mean: Reported, capacity: int, reach: float) -> list[int]:
    """Counts of `capacity` within reach of the printed mean, nearest first."""
    centre, width = float(mean.value), reach + float(mean.unit)
    low = max(0, int((centre - width) * capacity) - 1)
    high = min(capacity, int((centre + width) * capacity) + 1)
    return sorted(range(low, high + 1), key=lambda count: abs(count - centre * capacity))


def _last_totals(
    groups: list[tuple[int, int]], head: tuple[int, ...], mean: Reported, rounding: Rounding
) -> set[int]:
    """Totals of the last group that complete the others, under either meaning of the mean."""
    common, scale = weights(groups)
    folds = sum(number for _, number in groups)
    cases = sum(size * number for size, number in groups)
    window = mean.window(rounding)
    totals = {count - sum(head) for count in window.integers(cases)}
    if len(groups) == 1:
        return totals
    over_folds = sum(s * w for s, w in zip(head, scale[:-1], strict=True))
    last = groups[-1][0]
    shifted = window.affine(folds * last, -Fraction(over_folds * last, common))
    return totals | set(shifted.integers())


def fold_counts(
    sizes: tuple[int, ...], mean: Reported, rounding: Rounding = Rounding.EITHER
) -> list[int]:
    """The numbers right over all folds that are printed as `mean`, ascending."""
    if len(set(sizes)) == 1:
        return list(possible_counts(mean, sum(sizes), rounding))
    return sorted({sum(totals) for totals in group_totals(sizes, mean, rounding)})
