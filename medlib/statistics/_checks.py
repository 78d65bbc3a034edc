"""Checks every public function of the package makes before it computes anything."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_generator as as_generator
from medlib.types import Array, Bools, Floats, Integers

MOST_CASES = 10**12
"""No study has more; from about 9e15 on, a count is no longer exact as a float."""
LARGEST = 1e150
"""Of all numbers taken: the square of a larger one is infinite."""
LEAST_FRACTION = 1e-12
"""Of a level, a power or a prevalence: nearer to 0 nothing is computed with any digit right."""
MOST_REPLICATES = 10_000_000
"""Redraws that are still kept in memory, and waited for."""


def as_count(value: Any, argument: str, *, least: int = 0, most: int = MOST_CASES) -> int:
    """Return value as an int; InputError where it is no whole number within [least, most]."""
    try:
        if isinstance(value, bool | np.bool_ | str | bytes):
            raise TypeError
        number = int(value) if float(value).is_integer() else operator.index(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{argument} = {value!r} is not a whole number; give the count of cases."
        ) from None
    if not least <= number <= most:
        bound = f"at least {least}" if number < least else f"from {least} to {most}"
        raise InputError(f"{argument} = {number} is outside its range; it must be {bound}.")
    return number


def as_choice(value: Any, argument: str, choices: Sequence[str]) -> str:
    """Return value; InputError, which lists the choices, where it is none of them."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{argument} = {value!r} is unknown; choose {' or '.join(choices)}.")
    return value


def as_fraction(value: Any, argument: str, *, open_ends: bool = False) -> float:
    """Return value as a float in [0, 1] (in (0, 1) with open ends); InputError otherwise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{argument} = {value!r} is not a number; give a fraction.") from None
    inside = LEAST_FRACTION <= number < 1 if open_ends else 0 <= number <= 1
    if not inside:
        ends = "between 0 and 1 (both excluded)" if open_ends else "from 0 to 1"
        hint = f"; {number:g} % is written {number / 100:g}" if 1 < number <= 100 else ""
        raise InputError(f"{argument} = {number:g} is no fraction {ends}{hint}.")
    return number


def as_finite(value: Any, argument: str) -> float:
    """Return value as a finite float; InputError otherwise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{argument} = {value!r} is not a number; give one number.") from None
    if not np.isfinite(number):
        raise InputError(f"{argument} = {number} is not finite; give a real number.")
    return number


def as_floats(
    values: ArrayLike, argument: str, fault: str = "holds something that is not a number"
) -> Floats:
    """Return a float array of any shape; InputError for what only looks like numbers.

    Complex numbers, dates and masked values would otherwise be turned into numbers they are not.
    """
    try:
        given = np.asarray(values)
        rows = values if isinstance(values, (list, tuple)) else [values]
        if given.dtype.kind not in "cmM" and not any(map(np.ma.is_masked, rows)):
            return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{argument} {fault}: {values!r}.")


def as_numbers(values: ArrayLike, argument: str, *, length: int | None = None) -> Floats:
    """Return a one-dimensional float array; InputError where empty, NaN or of other length."""
    numbers = as_floats(values, argument)
    if numbers.ndim != 1 or numbers.size == 0:
        raise InputError(
            f"{argument} has shape {numbers.shape}; give one value a case in a flat list."
        )
    bad = np.flatnonzero(~(np.abs(numbers) < LARGEST))
    if bad.size:
        raise InputError(
            f"{argument}[{bad[0]}] = {numbers[bad[0]]} ({bad.size} such values); "
            "remove or repair the cases whose value is missing or beyond any measure."
        )
    if length is not None and numbers.size != length:
        raise InputError(
            f"{argument} has {numbers.size} values where {length} are needed; give one a case."
        )
    return numbers


def as_table(values: ArrayLike, argument: str, form: str = "repeats x folds") -> Floats:
    """Return a two-dimensional finite float array; InputError, which says its form, otherwise."""
    table = as_floats(values, argument, "is no table of numbers")
    if table.ndim != 2 or table.size == 0:
        raise InputError(f"{argument} has shape {table.shape}; give {form}.")
    as_numbers(table.ravel(), argument)
    return table


def as_binary(values: ArrayLike, argument: str, *, length: int | None = None) -> Bools:
    """Return a bool array from values that are all 0 or 1; InputError otherwise."""
    numbers = as_numbers(values, argument, length=length)
    bad = np.flatnonzero((numbers != 0) & (numbers != 1))
    if bad.size:
        raise InputError(
            f"{argument}[{bad[0]}] = {numbers[bad[0]]:g} is neither 0 (negative) nor 1 (positive)."
        )
    return np.asarray(numbers == 1)


def as_labels(values: ArrayLike, argument: str = "labels") -> Bools:
    """Return true for positive cases; InputError where a class is missing."""
    labels = as_binary(values, argument)
    if labels.all() or not labels.any():
        raise InputError(
            f"{argument} are all {int(labels[0])}; both classes are needed, negative (0) and "
            "positive (1)."
        )
    return labels


def as_scores(values: ArrayLike, labels: Bools, argument: str = "scores") -> Floats:
    """Return one finite score a case; InputError where lengths differ or all scores are equal."""
    scores = as_numbers(values, argument, length=labels.size)
    if np.all(scores == scores[0]):
        raise InputError(
            f"{argument} are all {scores[0]:g}; constant predictions rank nothing, so there is "
            "nothing to test."
        )
    return scores


def as_probabilities(values: Floats, argument: str = "scores") -> Floats:
    """Return the values; InputError where one lies outside 0..1."""
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        raise InputError(f"{argument} run from {low:g} to {high:g}; give probabilities, 0 to 1.")
    return values


def as_groups(
    groups: Sequence[Any] | Array | None, length: int, argument: str = "groups"
) -> Integers:
    """Return a number 0..G-1 a case from patient ids (every case its own patient where None)."""
    if groups is None:
        return np.arange(length)
    try:
        ids = np.asarray(groups)
    except ValueError:
        raise InputError(f"{argument} is no flat list; give one a case.") from None
    if ids.shape != (length,):
        raise InputError(
            f"{argument} has shape {ids.shape} where {length} values are needed; give one a case."
        )
    if ids.dtype.kind == "f" and not np.isfinite(ids).all():
        raise InputError(f"{argument} holds NaN; leave no case without a value.")
    try:
        return np.asarray(np.unique(ids, return_inverse=True)[1], dtype=np.int64)
    except TypeError:  # None, or numbers among texts
        raise InputError(
            f"{argument} holds values that cannot be compared (missing ones, or numbers among "
            "texts); give every case one, all of them numbers or all texts."
        ) from None
