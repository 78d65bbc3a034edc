"""Which 2 x 2 tables give the sensitivity, specificity, PPV, F1 and AUC that were printed.

Every rate of a table with given row totals rises, or stays, as one more negative is called
negative. So for each number of true positives the tables that fit form one run, found by
bisection in whole numbers: no table is missed, and 10,000 cases take well under a second.
"""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from medlib.consistency.grim import TooManyError
from medlib.consistency.reported import COVERING, Reported, Rounding, Window
from medlib.errors import InputError

MOST_ROWS = 30_000  # pairs of (positives, true positives); about a second


@dataclass(frozen=True)
class Table:
    """A 2 x 2 table of counts; rates are exact, None where their denominator is zero."""

    tp: int
    fn: int
    tn: int
    fp: int

    @property
    def accuracy(self) -> Fraction | None:
        """Right of all."""
        return _ratio(self.tp + self.tn, self.tp + self.fn + self.tn + self.fp)

    @property
    def sensitivity(self) -> Fraction | None:
        """Right of the positives."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Fraction | None:
        """Right of the negatives."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> Fraction | None:
        """Positives of those called positive (precision)."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> Fraction | None:
        """Negatives of those called negative."""
        return _ratio(self.tn, self.tn + self.fn)

    @property
    def f1(self) -> Fraction | None:
        """Harmonic mean of sensitivity and PPV, for the positive class."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def prevalence(self) -> Fraction | None:
        """Positives of all."""
        return _ratio(self.tp + self.fn, self.tp + self.fn + self.tn + self.fp)

    def half_wins(self) -> tuple[int, int]:
        """Least and most pairs (positive, negative) ranked right, in halves: ties count one.

        A pair on the two right sides of the threshold is won, one on the two wrong sides is
        lost, and pairs on the same side can fall either way. AUC is half wins / (2 P N).
        """
        positives, negatives = self.tp + self.fn, self.tn + self.fp
        return 2 * self.tp * self.tn, 2 * (positives * negatives - self.fn * self.fp)


RATES = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "prevalence")


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


@dataclass(frozen=True)
class Tables:
    """The tables that fit.

    Attributes:
        total: How many there are.
        listed: The first of them.
        spans: Smallest and largest value of each rate over all of them, where defined.

    """

    total: int
    listed: tuple[Table, ...]
    spans: dict[str, tuple[Fraction, Fraction]]


def feasible_tables(
    positives: int | None,
    negatives: int | None,
    reported: dict[str, Reported],
    *,
    n: int | None = None,
    correct: dict[Rounding, Collection[int]] | None = None,
    limit: int = 1000,
) -> Tables:
    """All tables that are printed as the reported numbers under one convention.

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
        TooManyError: More than `MOST_ROWS` rows to go through.

    """
    windows = [{name: text.window(r) for name, text in reported.items()} for r in COVERING]
    sums = [None if correct is None else _runs(correct[r]) for r in COVERING]
    total, listed, ends = 0, list[Table](), dict[Table, None]()
    for positive, negative in _classes(positives, negatives, n):
        for tp in range(positive + 1):
            row = _Row(tp, positive - tp, negative)
            fits = set().union(*(_fitting(row, w, s) for w, s in zip(windows, sums, strict=True)))
            merged = _merge(fits)
            total += sum(map(len, merged))
            ends |= {row.table(tn): None for run in merged for tn in (run[0], run[-1])}
            listed += [row.table(tn) for run in merged for tn in run[: limit - len(listed)]]
    return Tables(total, tuple(listed[:limit]), _spans(ends))


def _classes(positives: int | None, negatives: int | None, n: int | None) -> list[tuple[int, int]]:
    """Numbers of (positives, negatives) to try."""
    if positives is not None and negatives is not None:
        classes = [(positives, negatives)]
    elif n is not None:
        classes = [(p, n - p) for p in range(n + 1)]
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
    whole = range(row.negatives + 1)
    if sums is None:
        starts = [whole]
    else:
        starts = [range(max(0, s.start - row.tp), min(len(whole), s.stop - row.tp)) for s in sums]
    runs = {_narrow(start, row, windows) for start in starts if start}
    return {run for run in runs if run}


def _spans(tables: Collection[Table]) -> dict[str, tuple[Fraction, Fraction]]:
    """The extremes lie at the ends of runs, since no rate turns within one."""
    spans = {}
    for rate in RATES:
        values = [v for t in tables if (v := getattr(t, rate)) is not None]
        if values:
            spans[rate] = (min(values), max(values))
    return spans


def _narrow(values: range, row: _Row, windows: dict[str, Window]) -> range:
    """The true negatives for which every rate lies in its window."""
    for name, window in windows.items():
        values = _defined(name, values, row)

        def side(tn: int, name: str = name, window: Window = window) -> int:
            return _side(name, row.table(tn), window) or 0

        start = bisect_left(values, 0, key=side)
        values = values[start : bisect_left(values, 1, lo=start, key=side)]
        if not values:
            break
    return values


def _defined(name: str, values: range, row: _Row) -> range:
    """Without the ends where a rate has no denominator; no other value can lack one."""
    while values and _side(name, row.table(values[0]), None) is None:
        values = values[1:]
    while values and _side(name, row.table(values[-1]), None) is None:
        values = values[:-1]
    return values


def _side(name: str, table: Table, window: Window | None) -> int | None:
    """-1, 0, 1 as a rate lies below, in, above its window; None where it is undefined."""
    if name == "auc":
        return _auc_side(table, window)
    value: Fraction | None = getattr(table, name)
    if value is None or window is None:
        return None if value is None else 0
    return window.side(value.numerator, value.denominator)


def _auc_side(table: Table, window: Window | None) -> int | None:
    """The same for the run of areas that the table allows: below, meeting, above the window."""
    pairs = (table.tp + table.fn) * (table.tn + table.fp)
    if not pairs or window is None:
        return 0 if pairs else None
    wanted, (least, most) = window.integers(2 * pairs), table.half_wins()
    if most < wanted.start or not wanted:
        return -1
    return int(least >= wanted.stop)
