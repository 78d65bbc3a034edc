"""The choices that a description leaves open, and all their combinations.

A choice has options; a specification takes one option of each (Steegen, Tuerlinckx, Gelman &
Vanpaemel 2016, Perspect. Psychol. Sci. 11:702).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from medlib.errors import InputError
from medlib.types import Bools


@dataclass(frozen=True)
class Choice:
    """One thing that has to be decided.

    says: the words of the text that leave it open. options: the plainest one first, a fault after
    its honest twin.
    faults: options that let test cases into the training, or count what is not independent; a
    choice among the others is a matter of taste.
    """

    name: str
    options: tuple[str, ...]
    says: str
    claim: str
    faults: tuple[str, ...] = ()


ANALYSIS: Final = (
    Choice(
        "unit",
        ("one image a patient", "several, patients whole", "several, dealt apart"),
        "50 chest CT samples",
        "C34",
        faults=("several, dealt apart",),
    ),
    Choice("folds", ("5", "10"), "5 folds", "C40"),
    Choice("crop", ("whole image", "central half"), "cropping", "C36"),
    Choice("size", ("small", "large"), "preprocessing", "C36"),
    Choice(
        "features", ("first order", "textures", "ImageNet network"), "ResNet-50 as the base", "C37"
    ),
    Choice(
        "scaling",
        ("in the fold", "on all data"),
        "normalisation (here of features; that of grey levels is not varied)",
        "C36",
        ("on all data",),
    ),
    Choice(
        "selection",
        ("none", "best 10, in the fold", "best 10, on all data"),
        "nothing",
        "C40",
        ("best 10, on all data",),
    ),
    Choice("classifier", ("ridge regression", "nearest neighbour"), "classification", "C37"),
)
"""What changes predictions. That text names ResNet-50 and 5 folds; the other features and ten folds
show what these words are worth."""

FAULTS: Final = frozenset(option for choice in ANALYSIS for option in choice.faults)
"""Options of `ANALYSIS` that are faults."""

REPORT: Final = (
    Choice("deals", ("one", "five"), "repeated 5 times, averaged", "C41"),
    Choice(
        "spread",
        ("SD over folds", "standard error over folds", "SD over deals"),
        "standard deviation 2 %",
        "C43",
        faults=("standard error over folds",),
    ),
    Choice(
        "comparator",
        ("guessing", "75 %", "first-order model", "texture model"),
        "p < 0.05",
        "C44",
    ),
    Choice(
        "test",
        (
            "corrected t over folds",
            "plain t over folds",
            "plain t over deals",
            "exact over patients",
        ),
        "t-test",
        "C44",
        faults=("plain t over folds", "plain t over deals"),
    ),
    Choice("sides", ("two", "one"), "p < 0.05", "C44"),
)
"""What changes what is said of the predictions; the deals change what is averaged, too.

A standard error over folds, and a plain t-test over them, take folds that share their training
cases, or over five deals all their cases, for independent studies.
"""


def specifications(choices: Sequence[Choice]) -> pd.DataFrame:
    """Return every combination of options, one row each, a column a choice."""
    index = pd.MultiIndex.from_product(
        [choice.options for choice in choices], names=[choice.name for choice in choices]
    )
    return index.to_frame(index=False)


def faulty(table: pd.DataFrame, choices: Sequence[Choice]) -> Bools:
    """Return whether each row of a table of specifications takes an option that is a fault."""
    wrong = [table[c.name].isin(c.faults).to_numpy() for c in choices if c.name in table]
    return np.asarray(np.any(wrong, axis=0), bool)


def worth(table: pd.DataFrame, value: str, choices: Sequence[Choice]) -> pd.DataFrame:
    """Return what each option adds to `value` against the option listed before it.

    So a fault is compared with its honest twin. Compared are rows that agree in all other choices.
    One row an option: choice, option, against, mean of the paired differences, low and high end of
    the middle 90 % of them (of the specifications at hand; no interval), share of them above and
    below 0, pairs.
    Raises InputError where a row or column is missing, or a specification is there twice.
    """
    lacking = [n for n in (*(choice.name for choice in choices), value) if n not in table]
    if lacking:
        raise InputError(f"The table has no column '{lacking[0]}'; give one.")
    names = [choice.name for choice in choices]
    if table.duplicated(names).any():
        raise InputError("A specification is in the table twice; give each once.")
    rows: list[dict[str, Any]] = []
    for choice in choices:
        others = [name for name in names if name != choice.name]
        wide = table.pivot(index=others, columns=choice.name, values=value)
        if wide.isna().to_numpy().any():
            raise InputError(
                f"'{choice.name}' cannot be compared: not every specification is in the table with "
                "each of its options; give all of them."
            )
        present = [option for option in choice.options if option in wide]
        for before, option in pairwise(present):
            gained = wide[option] - wide[before]
            rows.append(
                {
                    "choice": choice.name,
                    "option": option,
                    "against": before,
                    "mean": gained.mean(),
                    "low": gained.quantile(0.05),
                    "high": gained.quantile(0.95),
                    "up": (gained > 0).mean(),
                    "down": (gained < 0).mean(),
                    "pairs": len(gained),
                }
            )
    return pd.DataFrame(rows)
