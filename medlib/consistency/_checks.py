"""Checks that public functions of the package make of what was not read by `parse`."""

from collections.abc import Mapping
from typing import Any

from medlib.consistency.reported import Reported
from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number


def as_rate(value: Any, name: str) -> float:
    """Return value as a float; InputError where it is no number from 0 to 1."""
    try:
        rate = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; give a number from 0 to 1") from None
    if not 0 <= rate <= 1:
        raise InputError(f"{name} is {rate}; it must be 0 to 1")
    return rate


def as_sizes(sizes: Any, *, least: int = 1) -> tuple[int, ...]:
    """Return the cases of each fold; InputError where there are fewer folds or one is empty."""
    try:
        found = tuple(as_number(size, "the size of a fold") for size in sizes)
    except TypeError:
        raise InputError(f"sizes is {sizes!r}; give the number of cases in each fold") from None
    if len(found) < least:
        raise InputError(f"sizes holds {len(found)} folds; give at least {least}")
    return found


def as_reported(value: Any, name: str) -> Reported:
    """Return a number read by `parse`; InputError for any other."""
    if not isinstance(value, Reported):
        raise InputError(f"{name} is {value!r}; read it as printed: parse('92.0%', '{name}')")
    return value


def as_reports(reported: Any, known: tuple[str, ...]) -> dict[str, Reported]:
    """Return printed numbers by name; InputError for an unknown name."""
    if not isinstance(reported, Mapping):
        raise InputError(f"reported is {reported!r}; give printed numbers by name")
    unknown = [name for name in reported if name not in known]
    if unknown:
        raise InputError(f"reported has {unknown[0]!r}; choose from {', '.join(known)}")
    return {name: as_reported(value, name) for name, value in reported.items()}
