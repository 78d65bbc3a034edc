"""GRIMMER by enumeration: which fold results give a printed mean and a printed spread.

The published tests (Anaya 2016; Allard 2018) ask only for parity and bounds. Here the vectors
of counts themselves are enumerated in whole numbers: sums and sums of squares decide, no float
does, so there is neither a false alarm nor a miss.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import sqrt

from medlib.consistency._checks import as_reported, as_sizes
from medlib.consistency.folds import FoldVector
from medlib.consistency.grim import group_sizes, group_totals, weights
from medlib.consistency.reported import COVERING, Reported, Rounding, Window
from medlib.errors import TooManyError
from medlib.runtime.whole_numbers import as_number

MOST_FOLDS = 400  # deeper than any cross-validation, shallower than Python's stack
MOST_STEPS = 300_000  # about a second
STEPS_A_TOTAL = 20  # setting up the search of one total costs as much as so many steps


class Spread(StrEnum):
    """What a number behind the sign +- may be."""

    POPULATION = "population SD"
    SAMPLE = "sample SD"
    STANDARD_ERROR = "standard error"
    POPULATION_ERROR = "standard error from the population SD"

    def divisor(self, folds: int) -> int:
        """What the sum of squared deviations is divided by, before the root is taken."""
        errors = {Spread.SAMPLE: folds - 1, Spread.STANDARD_ERROR: folds * (folds - 1)}
        return errors.get(self, folds if self is Spread.POPULATION else folds * folds)


STANDARD_DEVIATIONS = (Spread.POPULATION, Spread.SAMPLE)
STANDARD_ERRORS = (Spread.STANDARD_ERROR, Spread.POPULATION_ERROR)


@dataclass
class Steps:
    """How many more steps a search may take before it gives up aloud."""

    left: int = MOST_STEPS

    def spend(self, steps: int = 1) -> None:
        """Take so many steps."""
        self.left -= steps
        if self.left < 0:
            raise TooManyError(
                "the fold vectors cannot all be searched in a second; "
                "give the spread to fewer digits, or fewer cases or folds"
            )


def matching_vectors(
    sizes: tuple[int, ...],
    mean: Reported,
    sd: Reported | None = None,
    spread: Spread = Spread.POPULATION,
    rounding: Rounding = Rounding.EITHER,
) -> Iterator[FoldVector]:
    """Every fold vector that is printed as this mean and this spread, each once.

    The order of the folds is not part of a vector: within a size, counts fall. Vectors of
    even folds come first. Without `sd`, every vector with that mean.

    Raises:
        InputError: Sizes or printed numbers are none.
        TooManyError: More than `MOST_FOLDS` folds, or the search is too long.

    """
    sizes = as_sizes(sizes, least=1 if sd is None else 2)
    as_reported(mean, "mean")
    if sd is not None:
        as_reported(sd, "sd")
    if len(sizes) > MOST_FOLDS:
        raise TooManyError(f"{len(sizes)} folds are more than can be enumerated ({MOST_FOLDS})")
    groups, steps = group_sizes(sizes), Steps()
    ordered = tuple(sorted(sizes, reverse=True))
    reach = _reach(sizes, mean, sd, spread, rounding)
    for totals in group_totals(sizes, mean, rounding, reach) if reach else ():
        steps.spend(STEPS_A_TOTAL)
        bounds = _square_bounds(groups, totals, sd, spread, rounding)
        for correct in _search(groups, weights(groups)[1], totals, bounds, steps):
            yield FoldVector(correct, ordered)


def _reach(
    sizes: tuple[int, ...],
    mean: Reported,
    sd: Reported | None,
    spread: Spread,
    rounding: Rounding,
) -> float:
    """How far a fold can lie from the mean, generously; 0 if the spread is out of reach.

    Two folds a distance d apart make the sum of squares at least d^2 / 2. And no accuracies
    between 0 and 1 with mean m, weighted by w, make it more than m (1 - m) / min(w).
    """
    if sd is None:
        return 1.0
    squares = sd.window(rounding).squared().affine(spread.divisor(len(sizes)))
    from_half = max(Fraction(0), abs(mean.value - Fraction(1, 2)) - mean.unit)
    most = (Fraction(1, 4) - from_half**2) * sum(sizes) / min(sizes)
    return 0.0 if squares.low > most else min(1.0, sqrt(2 * squares.high) + 1e-9)


def _square_bounds(
    groups: list[tuple[int, int]],
    totals: tuple[int, ...],
    sd: Reported | None,
    spread: Spread,
    rounding: Rounding,
) -> range:
    """Which sums of squares, in units of 1 / L squared, the printed spread allows."""
    common, scale = weights(groups)
    folds = sum(number for _, number in groups)
    if sd is None:
        return range(folds * common**2 + 1)
    total = sum(s * w for s, w in zip(totals, scale, strict=True))
    variance = sd.window(rounding).squared()
    divisor = spread.divisor(folds)
    return variance.affine(common**2 * divisor, Fraction(total**2, folds)).integers()


def _search(
    groups: list[tuple[int, int]],
    scale: list[int],
    totals: tuple[int, ...],
    bounds: range,
    steps: Steps,
) -> Iterator[tuple[int, ...]]:
    """Vectors of all groups whose weighted sum of squares lies in the bounds."""
    if not groups or not bounds:
        yield from [()] if 0 in bounds else []
        return
    (size, folds), weight = groups[0], scale[0] ** 2
    rest = list(zip(groups[1:], totals[1:], scale[1:], strict=True))
    least = sum(w * w * least_squares(f, s) for (_, f), s, w in rest)
    most = sum(w * w * most_squares(f, s, m) for (m, f), s, w in rest)
    here = range(-((most - bounds.start) // weight), (bounds.stop - 1 - least) // weight + 1)
    for head, squares in _multisets(folds, size, totals[0], here, steps):
        used = weight * squares
        left = range(bounds.start - used, bounds.stop - used)
        for tail in _search(groups[1:], scale[1:], totals[1:], left, steps):
            yield head + tail


def least_squares(folds: int, total: int) -> int:
    """Smallest sum of squares of `folds` whole numbers that add up to `total`."""
    share, larger = divmod(total, folds)
    return folds * share**2 + larger * (2 * share + 1)


def most_squares(folds: int, total: int, cap: int) -> int:
    """Largest sum of squares of `folds` whole numbers from 0 to `cap` that add up to `total`."""
    full, rest = divmod(total, cap) if cap else (0, 0)
    return full * cap**2 + rest**2


def _multisets(
    folds: int, cap: int, total: int, squares: range, steps: Steps
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Falling whole numbers up to cap with this sum and a sum of squares in the range."""
    steps.spend()
    if folds == 1:
        yield from [((total,), total**2)] if total <= cap and total**2 in squares else []
    elif folds == 2:
        yield from _pairs(cap, total, squares)
    else:
        for first in _first_values(folds, cap, total, squares):
            left = range(squares.start - first**2, squares.stop - first**2)
            for tail, used in _multisets(folds - 1, first, total - first, left, steps):
                yield (first, *tail), first**2 + used


def _first_values(folds: int, cap: int, total: int, squares: range) -> range:
    """Largest numbers that leave sum and squares within reach of the others."""
    lowest = -(-total // folds)
    values = range(lowest, min(cap, total) + 1)

    def least(first: int) -> int:
        return first**2 + least_squares(folds - 1, total - first)

    def most(first: int) -> int:
        return first**2 + most_squares(folds - 1, total - first, first)

    # Both bounds rise with the largest number, so each cuts one end off the range.
    start = bisect_left(values, squares.start, key=most)
    stop = bisect_left(values, squares.stop, key=least)
    return values[start : max(start, stop)]


def _pairs(cap: int, total: int, squares: range) -> Iterator[tuple[tuple[int, int], int]]:
    """Two numbers by their difference d: the sum of squares is (total^2 + d^2) / 2."""
    low, high = 2 * squares.start - total**2, 2 * (squares.stop - 1) - total**2
    differences = range(total % 2, min(total, 2 * cap - total) + 1, 2)
    start = bisect_left(differences, low, key=lambda d: d * d)
    for d in differences[start:]:
        if d * d > high:
            return
        yield ((total + d) // 2, (total - d) // 2), (total**2 + d * d) // 2


def spreads_matched(
    vector: FoldVector, mean: Reported, sd: Reported, spreads: Iterable[Spread] = Spread
) -> dict[Spread, tuple[Rounding, ...]]:
    """Which meanings of the printed spread a vector fits, and under which conventions.

    Mean and spread must have been rounded in the same way.
    """
    found = {}
    windows = _windows(mean, sd)
    for spread in spreads:
        variance = vector.sum_of_squares / spread.divisor(len(vector.sizes))
        found[spread] = tuple(
            rounding
            for rounding, means, variances in windows
            if variance in variances and (vector.mean in means or vector.pooled in means)
        )
    return {spread: roundings for spread, roundings in found.items() if roundings}


def roundings_matched(vector: FoldVector, mean: Reported) -> tuple[Rounding, ...]:
    """The conventions under which one of the vector's two means is printed as this mean."""
    windows = {rounding: mean.window(rounding) for rounding in Rounding}
    return tuple(r for r, w in windows.items() if vector.mean in w or vector.pooled in w)


@lru_cache(maxsize=64)
def _windows(mean: Reported, sd: Reported) -> tuple[tuple[Rounding, Window, Window], ...]:
    return tuple((r, mean.window(r), sd.window(r).squared()) for r in Rounding)


def find_vectors(
    sizes: tuple[int, ...],
    mean: Reported,
    sd: Reported | None = None,
    spreads: Iterable[Spread] = STANDARD_DEVIATIONS,
    limit: int = 1000,
    roundings: Iterable[Rounding] = COVERING,
) -> tuple[list[FoldVector], bool]:
    """Vectors printed as these numbers under one of the conventions, and whether these are all.

    The default conventions cover every one there is.

    Returns:
        At most `limit` vectors, by rising spread, and True if there are no others.

    Raises:
        InputError: `limit` is no positive whole number, or as `matching_vectors`.

    """
    as_number(limit, "limit", least=1)
    found: dict[tuple[int, ...], FoldVector] = {}
    for rounding in roundings:
        for spread in spreads if sd else (Spread.POPULATION,):
            for vector in matching_vectors(sizes, mean, sd, spread, rounding):
                if len(found) == limit and vector.correct not in found:
                    return _by_spread(found), False
                found[vector.correct] = vector
    return _by_spread(found), True


def _by_spread(found: dict[tuple[int, ...], FoldVector]) -> list[FoldVector]:
    return sorted(found.values(), key=lambda v: (v.sum_of_squares, v.correct))
