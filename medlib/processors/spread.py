"""How far a chapter's numbers move between runs, and the tolerance that follows from it.

Measured, not chosen: the runs are those of `medlib.processors.runs`, and `on_record` keeps what
they say. A number that never moved is exact.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from medlib.errors import InputError
from medlib.results.records import Record, Results, Value

MARGIN: Final = 1.5
"""Tolerance over range seen. One further run of a normal number differs from a given one by more
than 1.5 ranges in 1 of 320 where eleven runs were seen, 1 of 108 with eight, 1 of 7 with three."""

LEAST: Final = 1e-4
"""Least tolerance of a number that moves at all, as a share of it. Where one borderline case in
thousands turned, a range seen in three runs says little about a fourth; and nobody reads the fifth
digit of a width."""

SEEN: Final = 0.01
"""Least tolerance of a number with an interval, as a share of half of it. Nobody sees less, and one
case more or less moves a proportion of up to ten thousand cases by more."""


@dataclass(frozen=True)
class Moved:
    """A number that was not the same in all runs."""

    key: str
    values: Mapping[str, Value]
    """By name of the profile."""
    interval: tuple[float, float] | None
    tolerance: float | None
    """None where it cannot be given a tolerance: a text, a truth or a length that changed."""

    @property
    def half_interval(self) -> float | None:
        """Half the width of the interval, which a tolerance must not exceed."""
        return None if self.interval is None else (self.interval[1] - self.interval[0]) / 2

    @property
    def most(self) -> float:
        """The largest tolerance that says something: half the interval, else the number itself.

        Of a list, its smallest place: all places share one tolerance.
        """
        if self.half_interval is not None:
            return self.half_interval
        return float(np.abs(np.array(list(self.values.values()), dtype=float)).max(axis=0).min())

    @property
    def is_chaotic(self) -> bool:
        """Whether a check with this tolerance would say nothing: record a mean over draws."""
        return self.tolerance is None or self.tolerance > self.most


def moved(runs: Mapping[str, Results]) -> list[Moved]:
    """Each number of a chapter that differs between runs (by profile), in the order recorded.

    Numbers that are not compared, such as times, and identities are left out. Raises InputError
    where a run recorded other keys than the first.
    """
    first, *others = runs.values()
    for name, other in zip(list(runs)[1:], others, strict=True):
        if list(other.records) != list(first.records):
            raise InputError(f"{first.notebook} records other keys under '{name}'; run all anew")
    found = []
    for key, record in first.records.items():
        values = {name: run[key].value for name, run in runs.items()}
        if is_compared(record) and any(value != record.value for value in values.values()):
            found.append(Moved(key, values, record.interval, tolerance(list(values.values()))))
    return found


def tolerance(values: list[Value]) -> float | None:
    """`MARGIN` times the range of numbers (of lists: the largest of their places), rounded up.

    Of a single number at least `LEAST` of it.
    """
    if any(isinstance(v, str | bool) for v in values):
        return None
    try:
        table = np.array(values, dtype=float)
    except ValueError:  # lists of different lengths
        return None
    least = LEAST * abs(float(table[0])) if table.ndim == 1 and np.ptp(table) else 0.0
    return _rounded_up(max(least, MARGIN * float(np.ptp(table, axis=0).max())))


def floors(found: Sequence[Moved], committed: Mapping[str, Record]) -> dict[str, float]:
    """Return the least tolerance of each compared number that has an interval, moved or not.

    Of a hundred numbers that training moves some lie close in a few runs by luck, and would then
    fail on the next machine. So where training moves a number, by more than `SEEN` of half its
    interval, its tolerance is no smaller a share of that half than that of the middle one of these
    in the chapter; every other number has `SEEN`.
    """
    halves = {key: (record.interval[1] - record.interval[0]) / 2
              for key, record in committed.items()
              if record.interval is not None and is_compared(record)}  # fmt: skip
    shares = {one.key: one.tolerance / halves[one.key] for one in found
              if one.tolerance is not None and halves.get(one.key)}  # fmt: skip
    trained = {key: share for key, share in shares.items() if share > SEEN}
    usual = float(np.median(list(trained.values()))) if trained else SEEN
    return {key: half * (usual if key in trained else SEEN) for key, half in halves.items()}


def _rounded_up(value: float) -> float:
    """To two significant digits, upwards."""
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / step - 1e-9) * step:.2g}")


def is_compared(record: Record) -> bool:
    """Whether a number is held to a tolerance: no time, no picture's list, no identity."""
    return record.compared and record.below is None


def largest_step(one: Moved, names: list[str]) -> float:
    """Range over the runs of these profiles; 0 for one run or none, infinite for texts."""
    values = [one.values[name] for name in names if name in one.values]
    if len(values) < 2:
        return 0.0
    numbers = [value for value in values if type(value) in (int, float)]  # a truth is no number
    if len(numbers) == len(values):
        return float(np.ptp(np.array(numbers, dtype=float)))
    found = tolerance(values)
    return math.inf if found is None else found / MARGIN
