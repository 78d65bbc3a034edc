"""What moved, kept number by number in `results/COHORT/spread/NN_name.json`.

A file holds the machine, the parameters of the chapter and the profiles, each compared number as it
was measured (`numbers`), the values of those that moved (`moved`), and the profiles of numbers that
not all profiles were run for since they changed (`fewer`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from medlib import results
from medlib.errors import InputError
from medlib.processors.profiles import AGAIN, NATIVE, Profile
from medlib.processors.spread import SEEN, Moved, floors, is_compared, moved, tolerance
from medlib.results.records import Record, Results, Value
from medlib.runtime.paths import project_root, write_whole

SURPRISING: Final = 3.0
"""Times a tolerance: what differs by more on another processor was made by other text or code."""

Values = dict[str, dict[str, Value]]
"""By number and profile."""


def location(notebook: str, cohort: str, root: Path | None = None) -> Path:
    """Where the spread of a chapter is kept."""
    return (root or project_root()) / "results" / cohort / "spread" / f"{notebook}.json"


def write(
    runs: Mapping[str, Results], profiles: Mapping[str, Profile], root: Path | None = None
) -> Path:
    """Keep what moved, with the machine and the profiles it was seen on.

    Number by number, runs on record stay beside the new ones as long as the number is the same: the
    committed one and, on the same processor, a fresh native run lie within its tolerance, or equal
    it where the chapter's parameters are others now. That fresh run then counts as a further one.
    Of two runs of one profile the one farther from that number stays. Runs on another processor
    carry its name and may widen tolerances. Raises InputError where they differ by more than
    SURPRISING of these and by more than half the interval.
    """
    moved(runs)  # refuses runs of different texts
    first = next(iter(runs.values()))
    content = _content(first, root)
    here = _processor(first.environment)
    suffix = "" if not content or here == _processor(content["machine"]) else f" ({here})"
    kept = _still_true(content, first, root, elsewhere=bool(suffix))
    fresh: Values = {
        key: {name: run[key].value for name, run in runs.items()}
        for key, record in first.records.items()
        if is_compared(record)
    }
    values = {key: _joined(kept.get(key, {}), new, suffix) for key, new in fresh.items()}
    known = {NATIVE.name: NATIVE, AGAIN.name: AGAIN, **profiles}
    meanings = {name: known[name.removesuffix(suffix)].meaning for name in _profiles(values)
                if name.removesuffix(suffix) in known}  # fmt: skip
    whole = _as_content(first, values, {**content.get("profiles", {}), **meanings})
    whole["machine"] = content["machine"] if kept else dict(first.environment)
    text = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
    return write_whole(location(first.notebook, str(first.cohort["name"]), root), text)


def read(notebook: str, cohort: str, root: Path | None = None) -> list[Moved]:
    """What was seen to move in a chapter, each number with the interval committed today.

    Raises InputError where nobody has looked.
    """
    path = location(notebook, cohort, root)
    if not path.is_file():
        raise InputError(f"{path} is not there; make it with `make processors`")
    content = json.loads(path.read_text(encoding="utf-8"))
    committed = _committed(notebook, cohort, root)
    return [_moved(one, committed) for one in content["moved"]]


def tolerances(notebook: str, cohort: str, root: Path | None = None) -> dict[str, float]:
    """The tolerance of each number that may move; what is not named is exact.

    As measured, or the least that `floors` allows where that is more.
    """
    found = read(notebook, cohort, root)
    least = floors(found, _committed(notebook, cohort, root))
    own = {one.key: one.tolerance or 0.0 for one in found}
    return {key: max(own.get(key, 0.0), least.get(key, 0.0)) for key in own | least}


def former(committed: Results, root: Path | None = None) -> list[str]:
    """Numbers whose tolerance on record was measured around another value, or not at all."""
    content = _content(committed, root)
    allowed = _tolerances(content, committed)
    compared = {key: r.value for key, r in committed.records.items() if is_compared(r)}
    measured: dict[str, Value] = content.get("numbers", {})
    return [
        key
        for key in {**measured, **compared}
        if key not in measured
        or key not in compared
        or not results.is_close(compared[key], measured[key], allowed.get(key, 0.0))
    ]


def _content(run: Results, root: Path | None) -> dict[str, Any]:
    path = location(run.notebook, str(run.cohort["name"]), root)
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return content


def _committed(notebook: str, cohort: str, root: Path | None) -> Mapping[str, Record]:
    path = (root or project_root()) / "results" / cohort / f"{notebook}.json"
    return results.read(path).records if path.is_file() else {}


def _tolerances(content: Mapping[str, Any], run: Results) -> dict[str, float]:
    """Of the numbers on record; none where they were measured with other parameters.

    A mean over eight networks says nothing of how far one over five moves, however near they lie.
    """
    if content.get("parameters") != results.compared_parameters(run):
        return {}
    return {one["key"]: one["tolerance"] or 0.0 for one in content.get("moved", [])}


def _still_true(
    content: Mapping[str, Any], fresh: Results, root: Path | None, *, elsewhere: bool
) -> Values:
    """The values on record of the numbers that are the same today."""
    if not content:
        return {}
    committed = _committed(fresh.notebook, str(fresh.cohort["name"]), root)
    own, kept = _tolerances(content, fresh), {}
    reaches = _surprising(own, committed) if elsewhere else own
    for key, values in _values(content).items():
        base, reach = values[NATIVE.name], reaches.get(key, 0.0)
        if key not in fresh.records or key not in committed or not is_compared(committed[key]):
            continue
        if not results.is_close(committed[key].value, base, own.get(key, 0.0)):
            continue
        if results.is_close(fresh[key].value, base, reach):
            kept[key] = values
        elif elsewhere:
            raise InputError(
                f"{fresh.notebook}: '{key}' was {base}, is {fresh[key].value}, farther apart than "
                f"{reach:.2g}; another processor with the same text cannot move it so far"
            )
    return kept


def _surprising(own: Mapping[str, float], committed: Mapping[str, Record]) -> dict[str, float]:
    """How far another processor may move each number: SURPRISING times its tolerance.

    What no run has moved yet may move too: by half its interval, a bare number by a hundredth.
    """
    return {key: max(SURPRISING * own.get(key, 0.0), _further(record))
            for key, record in committed.items()}  # fmt: skip


def _further(record: Record) -> float:
    if record.interval is not None:
        return (record.interval[1] - record.interval[0]) / 2
    return SEEN * abs(record.value) if isinstance(record.value, int | float) else 0.0


def _joined(kept: Mapping[str, Value], fresh: Mapping[str, Value], suffix: str) -> dict[str, Value]:
    """A number's values on record with new ones, under names that tell them apart."""
    if not kept:
        return dict(fresh)
    first = NATIVE.name if suffix else AGAIN.name
    names = {name: (first if name == NATIVE.name else name) + suffix for name in fresh}
    base, joined = kept[NATIVE.name], dict(kept)
    for name, value in fresh.items():
        # what a profile gave once it may give again: a later, luckier run narrows no tolerance
        seen = joined.get(names[name], value)
        joined[names[name]] = max(value, seen, key=lambda one: tolerance([base, one]) or 0.0)
    return joined


def _profiles(values: Values) -> list[str]:
    """All profiles, in the order they came."""
    return list(dict.fromkeys(name for one in values.values() for name in one))


def _as_content(first: Results, values: Values, meanings: Mapping[str, str]) -> dict[str, Any]:
    profiles = _profiles(values)
    return {
        "notebook": first.notebook,
        "machine": {},
        "parameters": results.compared_parameters(first),
        "profiles": {name: meanings[name] for name in profiles},
        "numbers": {key: one[NATIVE.name] for key, one in values.items()},
        "fewer": {key: list(one) for key, one in values.items() if len(one) < len(profiles)},
        "moved": [
            _as_dict(key, one, first.records[key].interval)
            for key, one in values.items()
            if any(value != one[NATIVE.name] for value in one.values())
        ],
    }


def _values(content: Mapping[str, Any]) -> Values:
    """Every number under every profile it was run under."""
    changed = {one["key"]: one["values"] for one in content["moved"]}
    fewer, every = content["fewer"], list(content["profiles"])
    return {
        key: changed.get(key) or dict.fromkeys(fewer.get(key, every), value)
        for key, value in content["numbers"].items()
    }


def _as_dict(
    key: str, values: dict[str, Value], interval: tuple[float, float] | None
) -> dict[str, Any]:
    return {
        "key": key,
        "tolerance": tolerance(list(values.values())),
        "interval": interval,
        "values": values,
    }


def _moved(content: Mapping[str, Any], committed: Mapping[str, Record]) -> Moved:
    known = committed.get(content["key"])
    ends = known.interval if known else content["interval"]
    interval = None if ends is None else (float(ends[0]), float(ends[1]))
    return Moved(content["key"], content["values"], interval, content["tolerance"])


def _processor(machine: Mapping[str, Any]) -> str:
    return str(machine.get("processor"))
