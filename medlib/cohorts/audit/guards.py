"""Guards against leaks that a table of patients and folds cannot show; each raises LeakageError.

`audit.py` guards what is in the images: patients, copies. Here are the leaks of the analysis: a
step fitted on test rows, labels used outside the folds, shortcuts, time, a flattering test set,
an epoch picked on the test fold. The types are those of Kapoor & Narayanan 2023, Patterns 4:100804.
A guard that stays silent proves nothing; each docstring says what it cannot see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from medlib.cohorts.audit.leaks import LeakageError
from medlib.cohorts.audit.recorded import Recorded
from medlib.cohorts.audit.shortcuts import GRID, PERMUTATIONS, in_the_middle, interval_p
from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_generator, as_number
from medlib.statistics import holm
from medlib.statistics._checks import as_fraction, as_groups
from medlib.statistics.dealing import deal_by_images, score_by_patient
from medlib.types import Array, Floats, Integers

__all__ = [
    "Recorded",
    "assert_chance_when_permuted",
    "assert_epoch_not_picked",
    "assert_like_population",
    "assert_no_shortcuts",
    "assert_past_before_future",
    "choose_epoch",
]

DRAWS: Final = 9999
"""Random test samples that a given one is compared with: p down to 0.0001."""
VALIDATION: Final = ("val", "dev", "tun", "inner")
"""How the name of a split that is no test begins: validation, development, tuning, inner."""


def assert_chance_when_permuted(
    accuracy: Callable[[Array], float | Array],
    labels: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    *,
    permutations: int = 20,
    level: float = 0.01,
    seed: int = 0,
) -> Floats:
    """Return what a pipeline scores on dealt labels; raise LeakageError if above chance.

    ``accuracy(labels)`` must run the *whole* analysis (selection, scaling, oversampling, split,
    fit, test) with the labels given: with dealt labels nothing is there to be found. All images of
    one of the ``groups`` get one label. It returns either a prediction (class or score) of each
    case, then scored by the AUC with every patient counted once, chance 0.5; or the share that was
    right, then held to the larger class's share of the images in each deal. With a share, classes
    keep their numbers of images; and if these are unequal, as many deals again give each class
    equally many, since a share hides what is found of a rare class.

    Above chance means: mean excess of the deals, one-sided t-test at ``level`` (at half of it
    with two kinds of deals); a spread below that of coin tosses, one a patient, is taken for luck
    and replaced by it. Returned are the deals with the classes as they are.

    Sees leaks through labels, copies and patients; sees no shortcut, drift or biased sample, as
    those need the true labels. Source: Ojala & Garriga 2010, JMLR 11:1833 (its first test).
    Raises InputError for one class, unequal lengths, a patient with two labels, fewer than 5
    permutations, or a share that is none (a percentage, not a number).
    """
    label = np.asarray(labels)
    patient = np.arange(label.size) if groups is None else np.asarray(groups)
    first, where = _one_label_each(label, patient)
    alpha = as_fraction(level, "level", open_ends=True)
    permutations = as_number(permutations, "permutations", least=5)
    deals = _Deals(accuracy, label[first], where, permutations, as_generator(seed))
    found, chance = deals.scores(equal=False)
    kinds = [(found, chance)]
    if deals.unequal and not deals.predicts:
        kinds.append(deals.scores(equal=True))
    for scores, expected in kinds:
        _hold_to_chance(scores, expected, len(first), alpha / len(kinds))
    return found


@dataclass
class _Deals:
    """Runs a pipeline on dealt labels."""

    pipeline: Callable[[Array], float | Array]
    of_patient: Array
    where: Integers
    times: int
    rng: np.random.Generator
    predicts: bool = False

    @property
    def unequal(self) -> bool:
        """Whether one class has more images than another, by more than one in twenty of all."""
        images = np.unique(self.of_patient[self.where], return_counts=True)[1]
        return bool(np.ptp(images) > len(self.where) / 20)

    def scores(self, *, equal: bool) -> tuple[Floats, Floats]:
        """Return what each deal scores, and its chance."""
        images = np.bincount(self.where)
        pairs = [
            self._score(deal_by_images(self.of_patient, images, self.rng, equal=equal)[self.where])
            for _ in range(self.times)
        ]
        found, chance = np.array(pairs, dtype=np.float64).T
        return found, chance

    def _score(self, dealt: Array) -> tuple[float, float]:
        given = np.asarray(self.pipeline(dealt))
        if given.ndim:
            self.predicts = True
            return score_by_patient(given, dealt, self.where), 0.5
        share = as_fraction(given, "accuracy(labels)")  # NaN would pass as not above chance
        return share, np.unique(dealt, return_counts=True)[1].max() / len(dealt)


def _hold_to_chance(found: Floats, chance: Floats, patients: int, level: float) -> None:
    """Raise LeakageError if scores lie above the chance of their deals."""
    excess, mean = found - chance, float(chance.mean())
    spread = max(excess.std(ddof=1), np.sqrt(mean * (1 - mean) / patients)) / np.sqrt(len(found))
    p = float(stats.t.sf(excess.mean() / spread, len(found) - 1))
    if p < level:
        raise LeakageError(
            f"With labels dealt at random the pipeline still scores {found.mean():.3f} (chance "
            f"{mean:.3f}, {len(found)} permutations, p = {p:.1g}): labels or copies of test "
            "cases reach its training; move every step into the folds and keep patients whole."
        )


def _one_label_each(label: Array, patient: Array) -> tuple[Integers, Integers]:
    """The first image of each patient and the patient of each image."""
    if label.shape != patient.shape:
        raise InputError(f"There are {label.size} labels and {patient.size} groups: give one each.")
    if len(np.unique(as_groups(label, label.size, "labels"))) < 2:
        raise InputError(f"All {label.size} labels are of one class: give two classes.")
    _, first, where = np.unique(
        as_groups(patient, label.size), return_index=True, return_inverse=True
    )
    mixed = label[first][where] != label
    if mixed.any():
        raise InputError(
            f"Patient {str(patient[mixed][0])!r} has two labels: permute one label a patient."
        )
    return first, where


def assert_no_shortcuts(table: pd.DataFrame, *, beyond: float = 0.7, level: float = 0.05) -> None:
    """Raise LeakageError if a statistic that is no disease tells the classes apart.

    ``table``: `Audit.shortcuts`. A statistic counts if its AUC is beyond ``beyond`` (or below
    1 - beyond) *and* its p, adjusted for the number of statistics (Holm), is below ``level``.
    Where the permutations cannot resolve a p-value, that of the statistic's interval is used.

    A real sign of disease may be among the statistics (a large tumour is bright): then say so and
    raise ``beyond``. Sees nothing that is neither in the table nor in one pixel.
    Raises InputError unless 0.5 < beyond < 1.
    """
    if not 0.5 < beyond < 1:
        raise InputError(f"beyond is {beyond}: give an AUC between 0.5 and 1.")
    if table.empty:
        return
    table = table.reset_index(drop=True)
    adjusted = np.asarray(holm([_resolved(row) for row in table.to_dict("records")]).adjusted)
    found = table[((table.auc - 0.5).abs() > beyond - 0.5) & (adjusted < level)]
    if len(found):
        worst = found.iloc[0]
        alone = "by themselves" if in_the_middle(worst.statistic) else "without the disease"
        raise LeakageError(
            f"{len(found)} of {len(table)} statistics tell the classes apart {alone}, "
            f"first {worst.statistic!r}, AUC {worst.auc:.2f} ({worst.low:.2f} to "
            f"{worst.high:.2f}), adjusted p = {adjusted[found.index[0]]:.1g}: "
            "remove it from images and inputs, or collect cases in which it does not differ."
        )


def _resolved(row: Mapping[Any, Any]) -> float:
    """The permutation p, or where it is as small as can be, that of the interval if smaller."""
    p = float(row["p"])
    if p > 1.5 / (PERMUTATIONS + 1):
        return p
    looked_at = GRID**2 if str(row["statistic"]).startswith("best of") else 1
    return min(p, looked_at * interval_p(row["auc"], row["low"], row["high"]))


def assert_past_before_future(dates: npt.ArrayLike, test: npt.ArrayLike) -> None:
    """Raise LeakageError if a training case is as late as a test case, or later.

    ``dates``: dates (numpy, pandas or text as 2024-05-31) or numbers; ``test``: a mask. Both one
    a case. Sees only the dates given: an image relabelled after follow-up keeps its old date.
    Raises InputError for unequal lengths, unknown dates, or a split with one side only.
    """
    when, tested = pd.Series(np.asarray(dates)), np.asarray(test, dtype=bool)
    if when.shape != tested.shape:
        raise InputError(f"There are {len(when)} dates and {tested.size} cases: give one each.")
    if not pd.api.types.is_numeric_dtype(when):
        when = pd.to_datetime(when, errors="coerce")
    if when.isna().any():
        raise InputError(f"Case {int(when.isna().argmax())} has no date: leave it out or date it.")
    if tested.all() or not tested.any():
        raise InputError("All cases lie on one side of the split: mark some as test cases.")
    start = when[tested].min()
    late = when[~tested] >= start
    if late.any():
        raise LeakageError(
            f"{int(late.sum())} of {len(late)} training cases are not older than the first test "
            f"case ({_day(start)}), the latest {_day(when[~tested].max())}: "
            "train on the past, test on the future."
        )


def _day(when: Any) -> str:
    return f"{when:%Y-%m-%d}" if isinstance(when, pd.Timestamp) else f"{when:g}"


def assert_like_population(
    test: npt.ArrayLike, population: Mapping[Any, float], *, level: float = 0.01, seed: int = 0
) -> float:
    """Return p that a random sample of the population is as unlike it as the test cases are.

    ``test``: class, finding, site... of each test case; ``population``: the shares (any positive
    scale) of these in the patients the claim is about. Raises LeakageError below ``level``
    (chi-square, 9,999 simulated samples), naming the kind of case that is farthest from its share.

    Sees only what is named: nothing of cases that were excluded before they got into a table.
    Raises InputError for an empty test set, shares that are not positive, or an unknown kind.
    """
    kinds, share = list(population), np.array(list(population.values()), dtype=np.float64)
    if not len(kinds) or not np.isfinite(share).all() or (share <= 0).any():
        raise InputError(f"population is {dict(population)}: give each kind a positive share.")
    given = pd.Series(np.asarray(test))
    unknown = sorted(set(given) - set(kinds), key=str)
    if unknown or given.empty:
        raise InputError(
            f"The {len(given)} test cases are {unknown or 'none'}, the population {kinds}: "
            "name every kind of case in the population."
        )
    share /= share.sum()
    seen = given.value_counts().reindex(kinds, fill_value=0).to_numpy()
    drawn = as_generator(seed).multinomial(len(given), share, size=DRAWS)
    distance = ((drawn - len(given) * share) ** 2 / share).sum(axis=1)
    observed = ((seen - len(given) * share) ** 2 / share).sum()
    p = float((1 + (distance >= observed - 1e-9).sum()) / (1 + DRAWS))
    if p < level:
        far = int(np.argmax(np.abs(seen / len(given) - share)))
        raise LeakageError(
            f"The {len(given)} test cases are no fair sample of the population (p = {p:.1g}): "
            f"{seen[far] / len(given):.0%} are {kinds[far]!r} instead of {share[far]:.0%}: "
            "draw them at random, or claim only what was sampled."
        )
    return p


def choose_epoch(
    history: pd.DataFrame,
    *,
    split: str,
    chosen_on: npt.ArrayLike | None = None,
    tested_on: npt.ArrayLike | None = None,
) -> int:
    """Return the epoch of highest accuracy (the first of equals) on a *validation* split.

    ``history``: epoch, split, accuracy. ``chosen_on``, ``tested_on``: the patients (or cases) of
    the split and of the test; give both, since names prove nothing. Raises LeakageError if they
    share one, or if a word of the split's name is test, in whatever spelling. Without patients,
    only names that begin with val, dev, tun or inner are taken.

    Raises InputError for a split or accuracy the history lacks, a name that says neither, one list.
    """
    _not_the_test(split, chosen_on, tested_on)
    part = history[history["split"] == split]
    if part.empty:
        known = ", ".join(map(str, history["split"].unique())) or "nothing"
        raise InputError(f"The history has no split {split!r}, only {known}: score it first.")
    means = part.groupby("epoch")["accuracy"].mean()
    if means.isna().any():  # argmax would choose the epoch without an accuracy
        raise InputError(f"Epoch {means.isna().idxmax()} of {split!r} has no accuracy: score it.")
    return int(means.index.to_numpy()[means.to_numpy().argmax()])


def _not_the_test(
    split: str, chosen_on: npt.ArrayLike | None, tested_on: npt.ArrayLike | None
) -> None:
    if (chosen_on is None) != (tested_on is None):
        raise InputError("Only one of chosen_on and tested_on is given: give both or neither.")
    if not isinstance(split, str):
        raise InputError(f"split is {split!r}: give the name of a split of the history.")
    given = chosen_on is not None
    shared = given and bool(np.isin(np.asarray(chosen_on), np.asarray(tested_on)).any())
    name = split.lower()
    if shared or "test" in name or "测试" in name:
        raise LeakageError(
            "The epoch would be chosen on the test cases, which would then flatter it: fix it "
            "beforehand, or choose it on a validation part of the training cases."
        )
    if not given and not name.strip(" _-").startswith(VALIDATION):
        raise InputError(
            f"Split {split!r} does not say that it is no test: call it validation, or give the "
            "patients of both as chosen_on and tested_on."
        )


def assert_epoch_not_picked(
    histories: pd.DataFrame, epochs: Mapping[int, int], *, level: float = 0.01
) -> float:
    """Return p that epochs chosen without the test folds would all sit at their best accuracy.

    ``histories``: fold, epoch, split, accuracy; ``epochs``: the one reported for each fold. An
    epoch chosen blindly hits its fold's highest test accuracy as often as that occurs among the
    epochs; the product over folds is p. Raises LeakageError below ``level`` if every fold is at
    its best.

    Cannot see one epoch picked for all folds together (p is then at least one in the number of
    epochs), nor a picked network or seed: only a choice made before testing rules these out.
    Raises InputError for folds or epochs that the histories lack.
    """
    tests = histories[histories["split"] == "test"].pivot(
        index="epoch", columns="fold", values="accuracy"
    )
    for fold, epoch in epochs.items():
        if fold not in tests or epoch not in tests.index:
            raise InputError(f"The histories have no epoch {epoch} of fold {fold}: give what ran.")
    curves = [(tests[fold].dropna(), epoch) for fold, epoch in epochs.items()]
    if len(set(epochs.values())) == 1 or any(c[epoch] < c.max() for c, epoch in curves):
        return 1.0
    p = float(np.prod([(curve == curve.max()).mean() for curve, _ in curves]))
    if p < level:
        raise LeakageError(
            f"All {len(curves)} folds report the epoch of their highest test accuracy (by luck: "
            f"p = {p:.1g}): fix the epoch beforehand, or choose it on a validation part of the "
            "training cases."
        )
    return p
