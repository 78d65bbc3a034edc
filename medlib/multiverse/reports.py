"""What each analysis of a multiverse would report: accuracy, spread, p.

The same predictions can be averaged over one deal of the folds or five, their spread can be taken
over folds or deals, and p can be asked against several comparators by several tests.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from medlib import statistics
from medlib.errors import InputError
from medlib.multiverse.analyses import Analyses
from medlib.multiverse.choices import REPORT
from medlib.statistics.paired import discordant
from medlib.types import Array, Bools, Floats, Integers

DEALS: Final = {"one": 1, "five": 5}
"""How many deals each option averages."""
_, SPREADS, COMPARATORS, TESTS, SIDES = (choice.options for choice in REPORT)
MODELS: Final = dict(zip(COMPARATORS[2:], ("first order", "textures"), strict=True))
"""Features of the models with which the deep features are compared."""
CLASSIFIER: Final = "ridge regression"
"""Classifier of these models."""
DEEP: Final = "ImageNet network"
"""The features that are compared with the hand-made ones."""


class Ps(NamedTuple):
    """Two-sided p, one-sided p for being better than the comparator, and by how much it is."""

    two: float
    one: float
    difference: float


def outcomes(analyses: Analyses, *, deals: str = "one") -> pd.DataFrame:
    """Return the table of specifications with accuracy and the three spreads of `REPORT`.

    Accuracy is the mean over images and deals. Spreads are sample SDs (divided by one less than
    their number); with one deal there is none over deals (NaN). Raises InputError where fewer
    deals were analysed.
    """
    rows = []
    for correct, fold in _parts(analyses, deals):
        over_folds, over_deals = fold_means(correct, fold), correct.mean(axis=1)
        sd = float(over_folds.std(ddof=1))
        several = len(over_deals) > 1
        spread = float(over_deals.std(ddof=1)) if several else np.nan
        rows.append((correct.mean(), sd, sd / np.sqrt(over_folds.size), spread))
    found = pd.DataFrame(rows, columns=["accuracy", *SPREADS])
    return analyses.table.assign(deals=deals, **{str(name): found[name] for name in found})


def p_values(analyses: Analyses, *, deals: str = "one") -> pd.DataFrame:
    """Return p of every specification against every comparator by every test, two- and one-sided.

    One row a p-value: the options of the specification, deals, number (its row), comparator, test,
    sides, p, difference (in accuracy, above 0 where the analysis is better).

    The t-tests are over the folds of all deals, or over the means of the deals (only of five). The
    exact one counts patients, right if more than half of their predictions are: binomial, or
    McNemar's against a model. The models, ridge regression on first-order or texture features under
    otherwise the same choices, are comparators of the deep features only.
    """
    rows = []
    parts = list(_parts(analyses, deals))
    partners = {name: _partners(analyses.table, features) for name, features in MODELS.items()}
    for number, (correct, fold) in enumerate(parts):
        references: dict[str, float | Bools] = {COMPARATORS[0]: 0.5, COMPARATORS[1]: 0.75}
        for name, partner in partners.items():
            if number in partner:
                references[name] = parts[partner[number]][0]
        for comparator, test, p in _of_one(correct, fold, analyses.patient[number], references):
            rows += [
                (number, comparator, test, s, p_, p.difference)
                for s, p_ in zip(SIDES, p[:2], strict=True)
            ]
    names = ["number", "comparator", "test", "sides", "p", "difference"]
    long = pd.DataFrame(rows, columns=names)
    return analyses.table.assign(deals=deals).merge(long, left_index=True, right_on="number")


def all_reports(analyses: Analyses, *, deals: str = "one") -> pd.DataFrame:
    """Return every p of `p_values` with accuracy and spreads of `outcomes`, and `significant`.

    A report is significant where p is below 0.05 and the analysis is better than its comparator.
    """
    said = outcomes(analyses, deals=deals)[["accuracy", *SPREADS]]
    table = p_values(analyses, deals=deals).merge(said, left_on="number", right_index=True)
    return table.assign(significant=(table["p"] < 0.05) & (table["difference"] > 0))


def printed_as_two(spread: pd.Series) -> pd.Series:
    """Return whether each spread is printed as 2 %."""
    return (spread >= 0.015) & (spread < 0.025)


def fold_means(correct: Bools, fold: Integers) -> Floats:
    """Return the accuracy of each fold of each deal, in one row; correct, fold: deals x images."""
    means = [
        np.bincount(one, right) / np.bincount(one) for right, one in zip(correct, fold, strict=True)
    ]
    return np.concatenate(means)


def t_test(values: Floats, *, shared: float = 0.0) -> Ps:
    """Return p of the mean of J values, its variance being (1/J + shared) of theirs.

    shared = 0 is `statistics.naive_t`, n_test / n_train is `statistics.corrected_t`; unlike them it
    calls values that are all alike, and not 0, certain, as programs for statistics do.
    """
    mean, sd, count = float(values.mean()), float(values.std(ddof=1)), values.size
    if sd <= 1e-12:
        return Ps(0.0, float(mean < 0), mean) if abs(mean) > 1e-12 else Ps(1.0, 0.5, 0.0)
    t = mean / (sd * np.sqrt(1 / count + shared))
    two, one = 2 * special.stdtr(count - 1, -abs(t)), special.stdtr(count - 1, -t)
    return Ps(float(two), float(one), mean)


def _parts(analyses: Analyses, deals: str) -> Iterator[tuple[Bools, Integers]]:
    """Yield correct and fold of each specification, as many deals as are asked for."""
    if deals not in DEALS:
        raise InputError(f"deals is '{deals}'; choose {' or '.join(DEALS)}.")
    number = DEALS[deals]
    if len(analyses.correct[0]) < number:
        raise InputError(
            f"{number} deals are asked for and {len(analyses.correct[0])} were analysed; give "
            f"analyse(..., deals={number})."
        )
    for correct, fold in zip(analyses.correct, analyses.fold, strict=True):
        yield correct[:number], fold[:number]


def _partners(table: pd.DataFrame, features: str) -> dict[int, int]:
    """Return, for each row of the deep features, that of the model on `features` to compare."""
    names = [name for name in table if name not in ("features", "classifier")]
    keys = list(table[names].itertuples(index=False, name=None))
    made = (table["features"] == features) & (table["classifier"] == CLASSIFIER)
    row_of = {keys[row]: row for row in np.flatnonzero(made)}
    deep = np.flatnonzero(table["features"] == DEEP)
    return {int(row): int(row_of[keys[row]]) for row in deep}


def _of_one(
    correct: Bools, fold: Integers, patient: Integers, references: Mapping[str, float | Bools]
) -> Iterator[tuple[str, str, Ps]]:
    """Yield comparator, test and p of one specification."""
    folds, deals = fold_means(correct, fold), correct.mean(axis=1)
    right, overlap = _patients_right(correct, patient), 1 / (fold.max())  # n_test / n_train
    for comparator, reference in references.items():
        if isinstance(reference, float):
            over = folds - reference, deals - reference
            exact = _binomial(int(right.sum()), right.size, reference)
        else:
            over = folds - fold_means(reference, fold), deals - reference.mean(axis=1)
            theirs = _patients_right(reference, patient)
            exact = _mcnemar(*discordant(right, theirs), right.size)
        yield comparator, TESTS[0], t_test(over[0], shared=overlap)
        yield comparator, TESTS[1], t_test(over[0])
        if len(deals) > 1:
            yield comparator, TESTS[2], t_test(over[1])
        yield comparator, TESTS[3], exact


def _patients_right(correct: Bools, patient: Integers) -> Bools:
    number = np.unique(patient, return_inverse=True)[1]
    share: Array = np.bincount(number, correct.mean(axis=0)) / np.bincount(number)
    return share > 0.5 + 1e-9


@cache
def _binomial(right: int, n: int, reference: float) -> Ps:
    two = statistics.binomial_test(right, n, reference).p_value
    return Ps(two, float(stats.binom.sf(right - 1, n, reference)), right / n - reference)


@cache
def _mcnemar(only_one: int, only_other: int, n: int) -> Ps:
    two = statistics.mcnemar_counts(only_one, only_other, n=n)
    one = float(stats.binom.sf(only_one - 1, only_one + only_other, 0.5))
    return Ps(two.p_value, one, two.difference)
