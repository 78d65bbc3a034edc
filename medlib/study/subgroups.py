"""Whose images a model misses: groups of patients, gaps between them, and what travels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from medlib.errors import InputError, did_you_mean
from medlib.learning import several
from medlib.learning.several import Read
from medlib.statistics import Interval
from medlib.statistics.weighted import Cases, Metric, Weights
from medlib.statistics.weighted import auc as weighted_auc
from medlib.study.several_labels import Labelled, averaged, mean_share
from medlib.types import Bools, Features, Floats, Integers

KNOWN: Final = ("pigmentation", "camera", "age", "PatientSex", "PatientAge", "sex", "site")
"""Columns that tell groups where a reader names none."""
LEAST: Final = 10
"""Patients with a label, and without, that each group needs."""
MISSING: Final = ("unknown", "nan", "none", "")
"""What stands in a column where nothing is known."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Two groups of cases by a column: what it and they are called, and who is in them."""

    name: str
    first: str
    second: str
    one: Bools
    other: Bools


def groups_of(found: Labelled, columns: str = "") -> list[Groups]:
    """Return pairs of groups by the columns named ("site,age"), or by those of `KNOWN` there are.

    Numbers are divided at their median; of more than two names the most frequent stands against
    the rest; who has nothing there is in neither. Pairs in which a group lacks patients with a
    label, or without, are left out. Raises InputError for a
    column that is not there.
    """
    asked = [name.strip() for name in columns.split(",") if name.strip()]
    table = found.cohort.table
    for name in asked:
        if name not in table:
            hint = did_you_mean(name, [str(c) for c in table], "choose another.")
            raise InputError(f"{found.cohort.name} has no column {name!r}: {hint}")
    pairs = [_pair(table[name], name) for name in asked or KNOWN if name in table]
    once = {pair.one.tobytes(): pair for pair in reversed(pairs) if pair is not None}
    return [pair for pair in reversed(once.values()) if _is_enough(pair, found)]


def _pair(column: pd.Series, name: str) -> Groups | None:
    text = column.astype(str).str.strip()
    known = (column.notna() & ~text.str.lower().isin(MISSING)).to_numpy()
    numbers = pd.to_numeric(text.str.replace(r"[Yy]$", "", regex=True), errors="coerce")
    if numbers[known].notna().all() and numbers[known].nunique() > 2:
        middle = float(numbers[known].median())
        one = (numbers < middle).to_numpy()
        return Groups(name, f"below {middle:g}", f"{middle:g} or more", one & known, ~one & known)
    counts = text[known].value_counts()
    if len(counts) < 2:
        return None
    first, second = sorted(counts.index[:2]) if len(counts) == 2 else (counts.index[0], "others")
    one = (text == first).to_numpy()
    return Groups(name, str(first), str(second), one & known, ~one & known)


def _is_enough(pair: Groups, found: Labelled) -> bool:
    return all(
        len(np.unique(found.patients[rows & (flags == k)])) >= LEAST
        for rows in (pair.one, pair.other) for flags in found.flags.T for k in (0, 1)
    )  # fmt: skip


def dealt(pair: Groups, found: Labelled, rng: np.random.Generator) -> Groups:
    """Return groups that do not differ: patients dealt at random among those with equal labels."""
    first = np.unique(found.patients, return_index=True)[1]
    kind = found.flags @ (2 ** np.arange(len(found.names)))
    side = np.where(pair.one, 1, np.where(pair.other, 2, 0))[first]
    new = side.copy()
    for k in np.unique(kind[first]):
        rows = np.flatnonzero(kind[first] == k)
        new[rows] = rng.permutation(side[rows])
    of_case = new[found.patients]
    return Groups("dealt at random", "one half", "other half", of_case == 1, of_case == 2)


def mean_auc(flags: Integers, scores: Floats, rows: Bools) -> Metric:
    """Return the mean over labels of the AUC among some of the cases, as a metric of weights."""
    cases = [
        Cases(y == 1, s, np.zeros(len(y), bool))
        for y, s in zip(flags[rows].T, scores[rows].T, strict=True)
    ]

    once = np.ones((1, int(rows.sum())))
    whole = [float(weighted_auc(once, each)[0]) for each in cases]

    def area(weights: Weights, _: Cases) -> Floats:
        with np.errstate(invalid="ignore"):
            areas = np.stack([weighted_auc(weights[:, rows], each) for each in cases])
        # a redraw without patients of a label says nothing of it: its AUC as it is
        own = np.array(whole, areas.dtype)[:, None]
        return np.asarray(np.where(np.isfinite(areas), areas, own).mean(axis=0))

    return area


def mean_rate(flags: Integers, called: Bools, rows: Bools, *, ill: bool) -> Metric:
    """Return the mean over labels of sensitivity (`ill`) or specificity among some cases."""
    return mean_share((called == (flags == 1)), (flags == int(ill)) & rows[:, None])


MEASURES: Final = ("AUC", "sensitivity", "specificity")


def _measure(name: str, flags: Integers, found: Sequence[Read], rows: Bools) -> Metric:
    if name == "AUC":
        return averaged([mean_auc(flags, each.scores, rows) for each in found])
    ill = name == "sensitivity"
    return averaged([mean_rate(flags, each.called, rows, ill=ill) for each in found])


def gaps(data: Labelled, found: Sequence[Read], pair: Groups, *, seed: int) -> dict[str, Interval]:
    """Return how much better the first group is served than the second, by each of `MEASURES`."""

    def difference(name: str) -> Metric:
        one, other = (_measure(name, data.flags, found, rows) for rows in (pair.one, pair.other))
        return lambda w, cases: one(w, cases) - other(w, cases)

    return dict(data.spans({name: difference(name) for name in MEASURES}, seed=seed))


def dealt_gaps(
    data: Labelled, found: Sequence[Read], pair: Groups, *, deals: int, seed: int
) -> dict[str, Floats]:
    """Return the same gaps of groups that were dealt at random, so many times: the null run."""
    rng, every = np.random.default_rng([seed, 19]), np.ones(len(data.flags), bool)
    nothing = Cases(np.zeros(0, bool), np.zeros(0), np.zeros(0, bool))
    drawn = [dealt(pair, data, rng) for _ in range(deals)]
    # who is in a group, as weights: all deals at once
    one, other = (
        np.stack(side).astype(float) for side in ([d.one for d in drawn], [d.other for d in drawn])
    )
    found_by = {name: _measure(name, data.flags, found, every) for name in MEASURES}
    return {name: by(one, nothing) - by(other, nothing) for name, by in found_by.items()}


def p_of(gap: float, dealt_at_random: Floats) -> float:
    """Return how often groups that do not differ have a gap as large; the gap itself counts."""
    extreme = int((np.abs(dealt_at_random) >= abs(gap) - 1e-12).sum())
    return (extreme + 1) / (len(dealt_at_random) + 1)


def here_and_there(
    data: Labelled, features: Features, fold: Integers, pair: Groups, *, seed: int
) -> Floats:
    """Return probabilities by models of the first and second group, and of both: 3 x n x labels.

    All learn from as many cases, drawn from the larger group where one is larger, the third from
    half of each; nobody is scored by a model that has seen him.
    """
    rng = np.random.default_rng([seed, 23])
    scores = np.full((3, *data.flags.shape), np.nan)
    for number in np.unique(fold):
        test = fold == number
        rows = [np.flatnonzero(part & ~test) for part in (pair.one, pair.other)]
        size = min(map(len, rows))
        drawn = [rng.permutation(own)[:size] for own in rows]
        mixed = np.concatenate([drawn[0][: size // 2], drawn[1][: size - size // 2]])
        for g, some in enumerate((*drawn, mixed)):
            chosen = np.sort(some)
            model = several.fit(features[chosen], data.flags[chosen])
            scores[g, test] = model.predict(features[test])
    return scores


def travel(
    data: Labelled, pair: Groups, scores: Sequence[Floats], *, seed: int
) -> dict[str, Interval]:
    """Return the mean AUC of models of the "own" group, of the "other" and of "both".

    And what is "lost" (own less other) and "regained" (both less other). scores: of
    `here_and_there`, one entry a deal into folds; each case is tested by all three models.
    """

    def by(models: tuple[int, int]) -> Metric:
        sides = list(zip(models, (pair.one, pair.other), strict=True))
        return averaged([mean_auc(data.flags, one[g], rows) for one in scores for g, rows in sides])

    own, other, both = by((0, 1)), by((1, 0)), by((2, 2))
    metrics: dict[str, Metric] = {
        "own": own,
        "other": other,
        "both": both,
        "lost": lambda w, cases: own(w, cases) - other(w, cases),
        "regained": lambda w, cases: both(w, cases) - other(w, cases),
    }
    return dict(data.spans(metrics, seed=seed))
