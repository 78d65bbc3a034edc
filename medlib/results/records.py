"""Every number the book states: recorded by a notebook, read back by pages, compared on re-runs.

A file of results is JSON: ``{notebook, cohort, parameters, environment, records}``, each record
``{key, value, unit, interval, kind, claims, compared, below}``, and after `medlib run` on real data
``audit`` (`medlib.run.data_check`). Values are rounded to eight significant digits. How far a
number may move on another machine was measured: see `medlib.processors.spread`.
"""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import pandas as pd

from medlib.errors import InputError
from medlib.results.machine import environment
from medlib.runtime.paths import cache_folder, write_whole
from medlib.statistics.outcome import Comparison, Interval, Spread

PARTS = ("cohort", "parameters", "environment")
HELD = ("unit", "kind", "below", "compared")  # of a record, beside its value and interval
ENDS = 0.3
"""How far an interval's end may move beyond its number's tolerance, in widths: the models' part of
a variance is itself an estimate. 1.5 times the most seen in ten runs of chapter 12, 0.2."""
TRAINED = 0.1
"""Tolerance, as a share of half the interval, from which on training moves a number. Its ends need
only hold the former number then: widths over three to five trainings differ up to fourfold."""
Value = float | int | bool | str | list[Any]
Kind = Literal["confidence interval", "quantile range", "range"]
"""What the two ends beside a value are: of its 95 % confidence interval, of the middle 95 % of
several studies, draws or repeats, or the lowest and highest of several possibilities."""
CONFIDENCE: Final[Kind] = "confidence interval"
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
OLD_KINDS: Final[Mapping[tuple[str, str], Kind | None]] = {
    ("11_what_a_network_sees", "first_layer_noise_smoothness"): "quantile range",
    ("03_cohort", "baseline_.+"): "quantile range",
    ("04_resnet50_cv", "(scratch|features)_draws_mean"): "quantile range",
    ("08_significance", "(typeI|coverage)_.+"): "range",
    ("08_significance", "text_share_significant_.+"): None,  # of p, another quantity
    ("02_reported_numbers", "ppv_at_1_1_percent"): "range",
    ("02_reported_numbers", "draws_mean"): "quantile range",
    ("06_leakage", "random_labels_fold_sd_.+"): "quantile range",
}
"""Notebook and pattern of the keys whose ends were no confidence interval in files written before
a record said what its ends are; None where they were no ends of the value at all."""


@dataclass(frozen=True)
class Record:
    """One number: what it is called, what it is, which statements it bears on.

    interval, kind: two ends, and what they are the ends of; both None where there are none.
    compared: whether another computer is held to it. Not to what describes the computer (seconds,
    bandwidth, energy), nor to lists kept for a picture, which are held by a summary beside them.
    below: of an identity, the most by which rounding can break it. Another computer is held to this
    bound; the value itself is the rounding of one processor.
    """

    key: str
    value: Value
    unit: str = ""
    interval: tuple[float, float] | None = None
    claims: tuple[str, ...] = ()
    compared: bool = True
    below: float | None = None
    kind: Kind | None = None


@dataclass
class Results:
    """The numbers of one notebook on one cohort, written whole by `save`."""

    notebook: str
    cohort: Mapping[str, Any]
    parameters: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=environment)
    records: dict[str, Record] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None

    def record(
        self,
        key: str,
        value: Any,
        *,
        unit: str = "",
        interval: Sequence[float] | None = None,
        kind: Kind = CONFIDENCE,
        points: bool = False,
        claims: Sequence[str] = (),
        compared: bool = True,
        below: float | None = None,
    ) -> Value:
        """Keep one number under `key` and return it, rounded as it will be read back.

        `value` may be an `Interval`, a `Comparison` or a `Spread`, which bring their ends and what
        these are. Of a number, `kind` says what `interval` is, if it is no 95 % confidence
        interval: see `Kind`. `points` turns a share into percentage points.
        `compared=False` is for what describes the computer, such as seconds; `below` for how far
        the two sides of an identity differ: see `Record`. Raises InputError for a key used twice, a
        value that is not finite or not below its bound, an interval that does not hold two
        ordered numbers, or an unknown kind.
        """
        if key in self.records:
            raise InputError(f"{self.notebook} records '{key}' twice; give each number its own key")
        if kind not in KINDS:
            raise InputError(f"the kind of '{key}' is '{kind}'; choose {', '.join(KINDS)}")
        if isinstance(value, Interval | Comparison | Spread):
            value, interval, kind = _parts(value)
        if points:
            value, interval = 100 * value, interval and [100 * end for end in interval]
            unit = unit or "percentage points"
        ends = None if interval is None else _interval(key, interval)
        plain = _plain(key, value)
        if below is not None and not _is_below(plain, below):
            raise InputError(f"'{key}' of {self.notebook} is {plain}, not below {below:g}")
        meant = kind if ends else None
        self.records[key] = Record(key, plain, unit, ends, tuple(claims), compared, below, meant)
        return plain

    def __getitem__(self, key: str) -> Record:
        """The record under `key`; InputError names the keys there are."""
        if key not in self.records:
            raise InputError(
                f"no result '{key}' in {self.notebook} on {self.cohort.get('name')}; "
                f"there are: {', '.join(self.records)}"
            )
        return self.records[key]

    def save(self, path: Path | None = None) -> Path:
        """Write all records as JSON, whole or not at all, and return where (see `location`)."""
        target = path or location(self.notebook, str(self.cohort["name"]))
        return write_whole(target, json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n")

    def table(self) -> pd.DataFrame:
        """All records as a table for display: key, value, its ends, what they are, unit, claims."""
        rows = [
            (r.key, _shown(r.value), "" if r.interval is None else _shown(list(r.interval)),
             r.kind or "", r.unit, " ".join(r.claims))
            for r in self.records.values()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["key", "value", "ends", "kind", "unit", "claims"])

    def as_dict(self) -> dict[str, Any]:
        """The form that goes to disk."""
        return {
            "notebook": self.notebook,
            "cohort": dict(self.cohort),
            "parameters": dict(self.parameters),
            "environment": dict(self.environment),
            "records": [vars(record) for record in self.records.values()],
            **({} if self.audit is None else {"audit": dict(self.audit)}),
        }


def location(notebook: str, cohort: str) -> Path:
    """Where `save` writes: MEDLIB_RESULTS (a folder, or a file ending in .json), else the cache.

    Only `medlib execute` points it at the committed `results/`, so playing with a notebook never
    changes a number of the book.
    """
    target = os.environ.get("MEDLIB_RESULTS")
    if target and target.endswith(".json"):
        return Path(target)
    return (Path(target) if target else cache_folder("results")) / cohort / f"{notebook}.json"


def read(path: Path) -> Results:
    """Results from a file that `save` wrote; InputError where it is missing or not such a file."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        records = {r["key"]: _read_record(content["notebook"], r) for r in content.pop("records")}
        if not all(isinstance(content[name], dict) for name in PARTS):
            raise ValueError(f"{', '.join(PARTS)} have to be tables of names and values")
        return Results(**content, records=records)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} holds no results ({error}); make it with `medlib run`") from error


def read_all(folder: Path) -> dict[tuple[str, str], Results]:
    """All results below `folder` (COHORT/NN_name.json), by (cohort, notebook)."""
    found = sorted(Path(folder).glob("*/*.json"))
    return {(path.parent.name, path.stem): read(path) for path in found}


def compare(
    fresh: Results, committed: Results, tolerances: Mapping[str, float] = MappingProxyType({})
) -> list[str]:
    """One sentence for each record that vanished, is new, or moved by more than its tolerance.

    A number without a tolerance has to be the same, and its interval too; one recorded with
    `compared=False` may be any, one with a bound any below it. Other patients, parameters (but the
    precision, which is the processor's) or units are told as well.
    """
    where = f"{committed.notebook} on {committed.cohort.get('name')}"
    other = [
        f"{where}: the run has other {name}, {of(fresh)} instead of {of(committed)}"
        for name, of in (("patients", _patients), ("parameters", compared_parameters))
        if of(fresh) != of(committed)
    ]
    gone = [f"{where}: '{k}' vanished" for k in committed.records if k not in fresh.records]
    new = [f"{where}: '{k}' is new" for k in fresh.records if k not in committed.records]
    moved = [
        f"{where}: '{key}' was {_in_words(old)}, is {_in_words(fresh.records[key])}, "
        f"tolerance {tolerances.get(key, 0)}"
        for key, old in committed.records.items()
        if key in fresh.records and not _agrees(fresh.records[key], old, tolerances.get(key, 0))
    ]
    return other + gone + new + moved


def _patients(run: Results) -> Any:
    return run.cohort.get("content_hash")


def compared_parameters(run: Results) -> dict[str, Any]:
    """The parameters of a run but for the precision, which is the processor's."""
    return {name: value for name, value in run.parameters.items() if name != "precision"}


def _in_words(record: Record) -> str:
    ends = "" if record.interval is None else f" ({record.interval[0]} to {record.interval[1]})"
    return f"{record.value}{ends}{record.unit and ' '}{record.unit}"


def _agrees(fresh: Record, old: Record, tolerance: float) -> bool:
    if any(getattr(fresh, part) != getattr(old, part) for part in HELD):
        return False
    if old.below is not None:
        return _is_below(fresh.value, old.below)
    near = is_close(fresh.value, old.value, tolerance)
    return not old.compared or (near and _same_ends(fresh, old, tolerance))


def _same_ends(fresh: Record, old: Record, tolerance: float) -> bool:
    if fresh.interval is None or old.interval is None:
        return fresh.interval is old.interval
    (low, high), width = fresh.interval, old.interval[1] - old.interval[0]
    if tolerance > TRAINED * width / 2 and isinstance(old.value, int | float):
        return low - tolerance <= old.value <= high + tolerance
    reach = tolerance + ENDS * width if tolerance else 0.0
    return is_close([low, high], list(old.interval), reach)


def _is_below(value: Value, bound: float) -> bool:
    number = None if isinstance(value, bool | str | list) else value
    return number is not None and abs(number) < bound < math.inf


def _parts(found: Interval | Comparison | Spread) -> tuple[float, Sequence[float] | None, Kind]:
    """Value, ends, and what these are."""
    match found:
        case Spread():
            return found.value, (found.low, found.high), found.kind
        case Interval():
            return found.estimate, (found.low, found.high), CONFIDENCE
        case Comparison(interval=span):
            ends = None if span is None else (span.low, span.high)
            return found.difference, ends, CONFIDENCE


def _interval(key: str, interval: Sequence[float]) -> tuple[float, float]:
    match _plain(key, interval):
        case [int() | float() as low, int() | float() as high] if low <= high:
            return float(low), float(high)
    raise InputError(f"the interval of '{key}' is reversed or not two numbers: {interval}")


def _plain(key: str, value: Any) -> Value:
    """Numpy and Python numbers as JSON can hold them; anything else is refused."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(key, v) for v in value]
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.8g}")
    raise InputError(f"the value of '{key}' is {value!r}; record a finite number, a text or a list")


def _shown(value: Value) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _read_record(notebook: str, content: dict[str, Any]) -> Record:
    key, ends = content["key"], content["interval"]
    kind = content["kind"] if "kind" in content else _old_kind(notebook, key)
    if ends is not None and kind is not None and kind not in KINDS:
        raise ValueError(f"'{key}' has ends of an unknown kind, '{kind}'")
    if ends is None or kind is None:
        ends = kind = None
    return Record(
        **{
            **content,
            "value": _plain(key, content["value"]),
            "interval": None if ends is None else (float(ends[0]), float(ends[1])),
            "kind": kind,
            "claims": tuple(content["claims"]),
        }
    )


def _old_kind(notebook: str, key: str) -> Kind | None:
    """What the ends of a number are in a file that does not say so."""
    known = (
        kind
        for (name, pattern), kind in OLD_KINDS.items()
        if name == notebook and re.fullmatch(pattern, key)
    )
    return next(known, CONFIDENCE)


def is_close(a: Value, b: Value, tolerance: float = 0.0) -> bool:
    """Whether two values differ by no more than a tolerance (lists: in each place)."""
    if isinstance(a, list) and isinstance(b, list):
        pairs = zip(a, b, strict=False)
        return len(a) == len(b) and all(is_close(x, y, tolerance) for x, y in pairs)
    if isinstance(a, str | bool) or isinstance(b, str | bool | list) or isinstance(a, list):
        return a == b
    # the last digit written may differ by rounding alone
    return abs(a - b) <= tolerance + 1e-7 * max(abs(a), abs(b))
