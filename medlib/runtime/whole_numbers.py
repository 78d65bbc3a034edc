"""Seeds and counts as a reader gives them: whole numbers, or one sentence says what to give."""

import operator
from typing import Any, Final

import numpy as np

from medlib.errors import InputError

LAST_SEED: Final = 2**32 - 1
"""The greatest seed that every library takes: scikit-learn's generator has 32 bits."""
MOST: Final = 10**9
"""Of patients, pixels, folds, repeats: more of any are a slip."""


def as_seed(seed: Any) -> int:
    """Return a seed as an int; InputError for what is no whole number from 0 to 2**32 - 1."""
    return as_number(seed, "seed", least=0, most=LAST_SEED)


def as_number(value: Any, argument: str, *, least: int = 1, most: int = MOST) -> int:
    """Return a whole number as an int; InputError for all else, or beyond its limits.

    True, None, texts and floats are no whole numbers, 5.0 neither: they come of a slip.
    """
    number = _whole(value)
    limits = f"from {least} to {most}" if most != MOST else f"of at least {least}"
    if most == MOST and number is not None and number > most:
        limits += f" and at most {most}"
    if number is None or not least <= number <= most:
        raise InputError(f"{argument} is {value!r}; give a whole number {limits}.")
    return number


def as_generator(seed: Any) -> np.random.Generator:
    """Return the generator that a seed starts, or the one given; InputError for any other seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    number = _whole(seed)
    if number is None or number < 0:
        raise InputError(
            f"seed = {seed!r} starts no random numbers; give a whole number from 0 or a numpy "
            "Generator."
        )
    return np.random.default_rng(number)


def _whole(value: Any) -> int | None:
    """The value where it is a whole number by its type, not by its looks."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
