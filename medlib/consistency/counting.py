"""How many fold vectors there are, by dynamic programming over sums and sums of squares.

Enumeration lists vectors; with 25 folds there are thousands. Counting them by (sum, sum of
squares) is exact and takes a fraction of a second, and shows which spreads can occur at all.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

from medlib.consistency.grim import possible_counts
from medlib.consistency.grimmer import STANDARD_DEVIATIONS, Spread, most_squares
from medlib.consistency.reported import COVERING, Reported, Rounding, Window
from medlib.runtime.whole_numbers import as_number

MOST_ADDITIONS = 200_000_000  # about a second
MOST_VECTORS = 2**62  # beyond this the 64-bit counts could overflow


@dataclass(frozen=True)
class Spectrum:
    """Number of fold vectors for each (total, sum of squared deviations) of equal folds.

    Deviations are of counts, not of accuracies: divide by size squared for those.
    """

    folds: int
    size: int
    vectors: dict[tuple[int, Fraction], int]

    def total(self) -> int:
        """Number of vectors of any spread."""
        return sum(self.vectors.values())

    def matching(
        self,
        mean: Reported,
        sd: Reported,
        spreads: tuple[Spread, ...] = STANDARD_DEVIATIONS,
    ) -> int:
        """Number of vectors printed as this mean and spread under some convention."""
        return sum(
            number
            for (total, deviation), number in self.vectors.items()
            if any(
                self._fits(total, deviation, mean, sd, spread, rounding)
                for spread in spreads
                for rounding in COVERING
            )
        )

    def _fits(
        self,
        total: int,
        deviation: Fraction,
        mean: Reported,
        sd: Reported,
        spread: Spread,
        rounding: Rounding,
    ) -> bool:
        variance = deviation / (self.size**2 * spread.divisor(self.folds))
        pooled = Fraction(total, self.folds * self.size)
        return variance in sd.window(rounding).squared() and pooled in mean.window(rounding)

    def spreads(self, spread: Spread, within: Window | None = None) -> list[float]:
        """Every value this kind of spread can take, ascending, as a proportion.

        `within`: only vectors whose mean lies in this window.
        """
        divisor = self.size**2 * spread.divisor(self.folds)
        cases = self.folds * self.size
        found = {d for t, d in self.vectors if within is None or within.side(t, cases) == 0}
        return [float(d / divisor) ** 0.5 for d in sorted(found)]


def spectrum(folds: int, size: int, mean: Reported) -> Spectrum | None:
    """Count the vectors of equal folds whose mean is printed as `mean`.

    Returns:
        The counts, or None where they would take more than about a second.

    """
    as_number(folds, "folds", least=2)
    as_number(size, "size", least=1)
    totals = sorted(set().union(*(possible_counts(mean, folds * size, r) for r in COVERING)))
    # Errors are as good as successes, and the fewer of the two make the smaller table.
    errors = bool(totals) and 2 * totals[0] > folds * size
    sums = [folds * size - t for t in totals] if errors else totals
    if not sums or comb(folds + size, size) >= MOST_VECTORS:
        return None if sums else Spectrum(folds, size, {})
    highest = max(most_squares(folds, s, size) for s in sums)
    if folds * size * (max(sums) + 1) * (highest + 1) > MOST_ADDITIONS:
        return None
    table = _tabulate(folds, size, max(sums), highest)
    return Spectrum(folds, size, _collect(table, totals, sums, folds))


def _tabulate(folds: int, size: int, most: int, highest: int) -> np.ndarray:
    """Number of vectors by (sum, sum of squares), zeros filling up to `folds` entries."""
    table = np.zeros((folds + 1, most + 1, highest + 1), dtype=np.int64)
    table[0, 0, 0] = 1
    for value in range(1, min(size, most) + 1):
        for used in range(1, folds + 1):  # ascending, so a value may be used again
            square = value * value
            if square <= highest:
                table[used, value:, square:] += table[used - 1, :-value, : highest + 1 - square]
    counts: np.ndarray = table.sum(axis=0)
    return counts


def _collect(
    table: np.ndarray, totals: list[int], sums: list[int], folds: int
) -> dict[tuple[int, Fraction], int]:
    return {
        (total, int(q) - Fraction(s * s, folds)): int(table[s, q])
        for total, s in zip(totals, sums, strict=True)
        for q in np.flatnonzero(table[s])
    }
