"""How far a chapter's numbers move between runs, and the tolerance that follows from it.

Measured, not chosen: the runs are those of `medlib.processors.runs`, and `make processors` writes
what they say to `results/COHORT/spread/NN_name.json`. A number that never moved is exact.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from medlib import results
from medlib.errors import InputError
from medlib.paths import project_root, write_whole
from medlib.processors.profiles import AGAIN, NATIVE, Profile
from medlib.results import Record, Results, Value

MARGIN: Final = 1.5
"""Tolerance over range seen. One further run of a normal number differs from a given one by more
than 1.5 ranges in 1 of 320 where eleven runs were seen, 1 of 108 with eight, 1 of 7 with three."""

SURPRISING: Final = 3.0
"""Times a tolerance: what differs by more on another processor was made by other text or code."""


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
        if _is_compared(record) and any(value != record.value for value in values.values()):
            found.append(Moved(key, values, record.interval, tolerance(list(values.values()))))
    return found


def tolerance(values: list[Value]) -> float | None:
    """`MARGIN` times the range of numbers (of lists: the largest of their places), rounded up."""
    if any(isinstance(v, str | bool) for v in values):
        return None
    try:
        table = np.array(values, dtype=float)
    except ValueError:  # lists of different lengths
        return None
    return _rounded_up(MARGIN * float(np.ptp(table, axis=0).max()))


def _rounded_up(value: float) -> float:
    """To two significant digits, upwards."""
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / step - 1e-9) * step:.2g}")


def location(notebook: str, cohort: str, root: Path | None = None) -> Path:
    """Where the spread of a chapter is kept."""
    return (root or project_root()) / "results" / cohort / "spread" / f"{notebook}.json"


def write(
    runs: Mapping[str, Results], profiles: Mapping[str, Profile], root: Path | None = None
) -> Path:
    """Keep what moved, with the machine and the profiles it was seen on.

    Runs on record stay beside the new ones if they belong to the committed numbers. On the same
    processor these have to come again within their tolerances, else text or code has changed, and
    a fresh native run then counts as a further one; runs on another processor carry its name, and
    may widen tolerances. Raises InputError where they differ by more than SURPRISING tolerances.
    """
    first = next(iter(runs.values()))
    kept, content = _on_record(first, root or project_root())
    here = _processor(first.environment)
    suffix = "" if not content or here == _processor(content["machine"]) else f" ({here})"
    further = AGAIN.name if kept and not suffix else NATIVE.name
    names = {name: (further if name == NATIVE.name else name) + suffix for name in runs}
    every = {**kept, **{names[name]: run for name, run in runs.items()}}
    meanings = {names[name]: _meaning(names[name], profiles[name]) for name in runs}
    content = {
        "notebook": first.notebook,
        "machine": content["machine"] if content else dict(first.environment),
        "numbers": _fingerprint(next(iter(every.values()))),
        "profiles": {**(content["profiles"] if content else {}), **meanings},
        "moved": [_as_dict(one) for one in moved(every)],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return write_whole(location(first.notebook, str(first.cohort["name"]), root), text)


def _on_record(fresh: Results, root: Path) -> tuple[dict[str, Results], dict[str, Any]]:
    """Runs that were kept, and the file they are in; nothing where they are of other numbers."""
    cohort = str(fresh.cohort["name"])
    path = location(fresh.notebook, cohort, root)
    numbers = root / "results" / cohort / f"{fresh.notebook}.json"
    if not (path.is_file() and numbers.is_file()):
        return {}, {}
    committed, content = results.read(numbers), json.loads(path.read_text(encoding="utf-8"))
    if content.get("numbers") != _fingerprint(committed):
        return {}, {}
    elsewhere = _processor(fresh.environment) != _processor(content["machine"])
    times = SURPRISING if elsewhere else 1.0
    allowed = {one["key"]: times * (one["tolerance"] or 0.0) for one in content["moved"]}
    faults = results.compare(fresh, committed, allowed)
    if elsewhere and any(one["key"] in fault for one in content["moved"] for fault in faults):
        raise InputError(f"{faults[0]}; another processor with the same text cannot move it so far")
    if not elsewhere and faults:
        return {}, {}
    values = {one["key"]: one["values"] for one in content["moved"]}
    return {name: _as_run(committed, values, name) for name in content["profiles"]}, content


def _meaning(name: str, profile: Profile) -> str:
    return AGAIN.meaning if name == AGAIN.name else profile.meaning


def _as_run(committed: Results, values: Mapping[str, Any], profile: str) -> Results:
    """The numbers of a run on record: those that moved, and the others as committed."""
    records = {
        key: replace(record, value=values.get(key, {}).get(profile, record.value))
        for key, record in committed.records.items()
    }
    return replace(committed, records=records)


def _fingerprint(run: Results) -> str:
    """A hash of the numbers that are compared."""
    pairs = [[key, r.value] for key, r in run.records.items() if _is_compared(r)]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def _processor(machine: Mapping[str, Any]) -> str:
    return str(machine.get("processor"))


def _is_compared(record: Record) -> bool:
    return record.compared and record.below is None


def is_of(committed: Results, root: Path | None = None) -> bool:
    """Whether the spread on record was measured around these numbers, not around former ones."""
    path = location(committed.notebook, str(committed.cohort["name"]), root)
    content = json.loads(path.read_text(encoding="utf-8"))
    return bool(content["numbers"] == _fingerprint(committed))


def read(notebook: str, cohort: str, root: Path | None = None) -> list[Moved]:
    """What was seen to move in a chapter; InputError where nobody has looked."""
    path = location(notebook, cohort, root)
    if not path.is_file():
        raise InputError(f"{path} is not there; make it with `make processors`")
    content = json.loads(path.read_text(encoding="utf-8"))
    return [_moved(one) for one in content["moved"]]


def tolerances(notebook: str, cohort: str, root: Path | None = None) -> dict[str, float]:
    """The tolerance of each number that may move; what is not named is exact."""
    return {one.key: one.tolerance or 0.0 for one in read(notebook, cohort, root)}


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


def _as_dict(one: Moved) -> dict[str, Any]:
    return {
        "key": one.key,
        "tolerance": one.tolerance,
        "interval": one.interval,
        "values": dict(one.values),
    }


def _moved(content: Mapping[str, Any]) -> Moved:
    ends = content["interval"]
    interval = None if ends is None else (float(ends[0]), float(ends[1]))
    return Moved(content["key"], content["values"], interval, content["tolerance"])
