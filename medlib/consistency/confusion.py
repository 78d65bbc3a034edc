"""Which 2 x 2 tables give the sensitivity, specificity, PPV, F1 and AUC that were printed.

With the classes and the true positives given, every printed rate is a linear inequality in the
true negatives. So the tables that fit form one run for each number of true positives, found in
whole numbers: no table is missed, and 10,000 cases take well under a second.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from operator import mul

from medlib.consistency._checks import as_reports
from medlib.consistency.rates import CELLS, cuts
from medlib.consistency.reported import COVERING, Reported, Rounding, Window
from medlib.errors import InputError, TooManyError
from medlib.runtime.whole_numbers import as_number

MOST_ROWS = 51_000  # pairs of (positives, true positives); about a second


@dataclass(frozen=True)
class Table:
    """A 2 x 2 table of counts; rates are exact, None where their denominator is zero."""

    tp: int
    fn: int
    tn: int
    fp: int

    def rate(self, name: str) -> Fraction | None:
        """One of `RATES`: accuracy, sensitivity, specificity, ppv, npv, f1, prevalence.

        F1 is that of the positive class.
        """
        cells = (self.tp, self.fn, self.tn, self.fp)
        part, whole = (sum(map(mul, row, cells)) for row in CELLS[name])
        return Fraction(part, whole) if whole else None

    def half_wins(self) -> tuple[int, int]:
        """Least and most pairs (positive, negative) ranked right, in halves: ties count one.

        A pair on the two right sides of the threshold is won, one on the two wrong sides is
        lost, and pairs on the same side can fall either way. AUC is half wins / (2 P N).
        """
        positives, negatives = self.tp + self.fn, self.tn + self.fp
        return 2 * self.tp * self.tn, 2 * (positives * negatives - self.fn * self.fp)


RATES = tuple(CELLS)
"""Names of the rates that a table has."""


@dataclass(frozen=True)
class Tables:
    """The tables that fit.

    Attributes:
        total: How many there are.
        listed: The first of them.
        spans: Smallest and largest value of each rate over all of them, where defined.
        roundings: Of each listed table, the conventions that print it as the reported numbers.
        totals: How many there are under each convention.

    """

    total: int
    listed: tuple[Table, ...]
    spans: dict[str, tuple[Fraction, Fraction]]
    roundings: tuple[tuple[Rounding, ...], ...]
    totals: dict[Rounding, int]


def feasible_tables(
    positives: int | None,
    negatives: int | None,
    reported: dict[str, Reported],
    *,
    n: int | None = None,
    correct: dict[Rounding, Collection[int]] | None = None,
    limit: int = 1000,
) -> Tables:
    """All tables that are printed as the reported numbers under one convention, any of four.

    Args:
        positives: Number of positive cases; None to try every number (then give n).
        negatives: Number of negative cases; None likewise.
        reported: Printed numbers by name: any of `RATES`, and "auc". The AUC is taken to be
            of the scores that were cut at the threshold of the table. A rate with denominator
            zero is printed as no number.
        n: All cases, where the classes are not known.
        correct: For each convention, the numbers right that the printed accuracy allows, if
            they are known otherwise than from "accuracy", for instance from unequal folds.
        limit: How many tables to list.

    Raises:
        InputError: A count is no whole number, or a printed number is unknown or none.
        TooManyError: More than `MOST_ROWS` rows to go through.

    """
    as_reports(reported, (*RATES, "auc"))
    as_number(limit, "limit", least=0)
    windows = {r: {name: text.window(r) for name, text in reported.items()} for r in Rounding}
    sums = {r: None if correct is None else _runs(correct[r]) for r in Rounding}
    total, totals, ends = 0, dict.fromkeys(Rounding, 0), dict[Table, None]()
    listed: list[tuple[Table, tuple[Rounding, ...]]] = []
    for positive, negative in _classes(positives, negatives, n):
        for tp in range(positive + 1):
            row = _Row(tp, positive - tp, negative)
            fits = _fits(row, windows, sums)
            merged = _merge(set().union(*fits.values()))
            total += sum(map(len, merged))
            for rounding, runs in fits.items():
                totals[rounding] += sum(map(len, runs))
            ends |= {row.table(tn): None for run in merged for tn in (run[0], run[-1])}
            values = (tn for run in merged for tn in run)
            listed += [
                (row.table(tn), tuple(r for r in Rounding if any(tn in run for run in fits[r])))
                for tn in islice(values, limit - len(listed))
            ]
    tables, roundings = tuple(t for t, _ in listed), tuple(r for _, r in listed)
    return Tables(total, tables, _spans(ends), roundings, totals)


def _fits(
    row: "_Row",
    windows: dict[Rounding, dict[str, Window]],
    sums: dict[Rounding, list[range] | None],
) -> dict[Rounding, set[range]]:
    """Runs of true negatives under each convention; those of `COVERING` are the others' too."""
    fits = {r: _fitting(row, windows[r], sums[r]) for r in COVERING}
    halves = (Rounding.HALF_UP, Rounding.HALF_EVEN)
    tried = halves if fits[Rounding.EITHER] else ()
    return (
        {r: set[range]() for r in halves}
        | fits
        | {r: _fitting(row, windows[r], sums[r]) for r in tried}
    )


def _classes(positives: int | None, negatives: int | None, n: int | None) -> list[tuple[int, int]]:
    """Numbers of (positives, negatives) to try."""
    for name, count in (("positives", positives), ("negatives", negatives), ("n", n)):
        if count is not None:
            as_number(count, name, least=0)
    if positives is not None and negatives is not None:
        classes = [(positives, negatives)]
    elif n is not None:
        classes = [(p, n - p) for p in range(min(n, MOST_ROWS) + 1)]
    else:
        raise InputError("n is missing; give it, or the numbers of both classes")
    if sum(p + 1 for p, _ in classes) > MOST_ROWS:
        raise TooManyError("too many 2 x 2 tables to check each; give the numbers of both classes")
    return classes


@dataclass(frozen=True)
class _Row:
    """All tables with these positives, told apart by their true negatives."""

    tp: int
    fn: int
    negatives: int

    def table(self, tn: int) -> Table:
        return Table(self.tp, self.fn, tn, self.negatives - tn)


def _runs(values: Collection[int]) -> list[range]:
    """Whole numbers as runs without gaps."""
    return _merge({range(v, v + 1) for v in values})


def _merge(runs: Collection[range]) -> list[range]:
    """Runs that overlap or touch become one."""
    merged: list[range] = []
    for run in sorted(runs, key=lambda r: r.start):
        if merged and run.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, run.stop))
        else:
            merged.append(run)
    return merged


def _fitting(row: _Row, windows: dict[str, Window], sums: list[range] | None) -> set[range]:
    """Runs of true negatives for which everything fits under one convention."""
    low, high = 0, row.negatives
    for constant, slope in _inequalities(row, windows):  # constant + slope * tn >= 0
        if slope > 0:
            low = max(low, -(constant // slope))
        elif slope < 0:
            high = min(high, constant // -slope)
        elif constant < 0:
            return set()
    runs = [range(low, high + 1)]
    if sums is not None:
        runs = [range(max(low, s.start - row.tp), min(high + 1, s.stop - row.tp)) for s in sums]
    return {run for run in runs if run}


def _inequalities(row: _Row, windows: dict[str, Window]) -> Iterator[tuple[int, int]]:
    """Conditions on the true negatives of a row, as (constant, slope); fp = negatives - tn."""
    for name, window in windows.items():
        if name == "auc":
            yield from _auc_inequalities(row, window)
            continue
        for (tp, fn, tn, fp), strict in cuts(name, window):
            yield tp * row.tp + fn * row.fn + fp * row.negatives - strict, tn - fp


def _auc_inequalities(row: _Row, window: Window) -> Iterator[tuple[int, int]]:
    """The run of areas that a table allows must meet the window; see `Table.half_wins`."""
    pairs = (row.tp + row.fn) * row.negatives
    wanted = window.integers(2 * pairs)
    yield (0 if pairs and wanted else -1), 0
    yield wanted.stop - 1, -2 * row.tp
    yield 2 * (pairs - row.fn * row.negatives) - wanted.start, 2 * row.fn


def _spans(tables: Collection[Table]) -> dict[str, tuple[Fraction, Fraction]]:
    """The extremes lie at the ends of runs, since no rate turns within one."""
    spans = {}
    for rate in RATES:
        values = [v for t in tables if (v := t.rate(rate)) is not None]
        if values:
            spans[rate] = (min(values), max(values))
    return spans
