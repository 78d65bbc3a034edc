"""Many small studies from one pool, all tested on the same other patients: for learning curves."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from medlib.errors import InputError
from medlib.learning.folds import stratified_patient_folds
from medlib.runtime.whole_numbers import as_number
from medlib.runtime.workers import Bound
from medlib.types import Bools, Floats, Integers, Reals

STRENGTHS: Final = (0.0001, 0.001, 0.01, 0.1, 1.0)
"""Of logistic regression (its C), among which inner folds choose: the smaller, the stronger."""
MOST_DRAWN: Final = 0.75
"""Share of the training side that a draw may take: beyond it, any two draws are nearly the same."""
PARTS: Final = 10
"""The test side is made of so many parts."""
INNER: Final = 4


class Study(NamedTuple):
    """What one model said: of its own training cases, and of the cases tested."""

    training: Reals
    """P(positive) of the training cases, or another score that is positive above 1/2; of more than
    two classes cases x classes, and the largest counts."""
    test: Reals


def apart(labels: Integers, groups: Integers, share: float, *, seed: int) -> Bools:
    """Return which images test: about this share of the patients, none of whom trains.

    Raises InputError where a class has fewer than 10 patients.
    """
    for k in np.unique(labels):
        found = len(np.unique(groups[labels == k]))
        if found < PARTS:
            raise InputError(
                f"Class {k} has {found} patients or groups and a learning curve needs at least "
                f"{PARTS} of each, some to train and others to test: add patients."
            )
    part = stratified_patient_folds(labels, groups, folds=PARTS, seed=seed)
    return np.asarray(part < np.clip(round(share * PARTS), 1, PARTS - 1))


def draws(
    labels: Integers, groups: Integers, rows: Integers, *, number: int, a_patient: int, seed: int
) -> list[Integers]:
    """Return so many random orders of training cases; the first n of one are its study of n.

    Classes take turns, so every even n has as many of both. Of each patient and class at most
    `a_patient` images are used, the second ones after the first ones of all patients.
    """
    rng = np.random.default_rng([seed, 14])
    return [_order(labels, groups, rng.permutation(rows), a_patient) for _ in range(number)]


def _order(labels: Integers, groups: Integers, rows: Integers, a_patient: int) -> Integers:
    of_class = []
    for k in (0, 1):
        mine = rows[labels[rows] == k]
        before: dict[int, int] = {}
        turn = np.empty(len(mine), dtype=np.int64)
        for i, patient in enumerate(groups[mine].tolist()):
            turn[i] = before[patient] = before.get(patient, -1) + 1
        kept = np.flatnonzero(turn < a_patient)
        of_class.append(mine[kept[np.argsort(turn[kept], kind="stable")]])
    fewest = min(map(len, of_class))
    return np.stack([each[:fewest] for each in of_class], axis=1).ravel()


def sizes_that_fit(wanted: str, available: int) -> list[int]:
    """Return the numbers of training cases in a text such as "10,25", as far as they fit.

    available: training cases there are (`draws`). Odd ones lose one case. Raises InputError for
    what are no numbers from 4 up, and where not even the smallest fits.
    """
    try:
        sizes = sorted({2 * (as_number(int(each), "sizes", least=4) // 2)
                        for each in wanted.split(",")})  # fmt: skip
    except ValueError as error:
        raise InputError(
            f"sizes is {wanted!r}: give numbers of training cases, such as 10,25,50."
        ) from error
    fitting = [n for n in sizes if n <= MOST_DRAWN * available]
    if not fitting:
        raise InputError(
            f"There are {available} training cases, of which a draw may take "
            f"{MOST_DRAWN:.0%}, and the smallest study asked for has {sizes[0]}: add patients, or "
            "lower sizes to 4 or more."
        )
    return fitting


def of_features(
    x: Reals,
    labels: Integers,
    groups: Integers,
    training: Sequence[Integers],
    test: Integers,
    *,
    strengths: Sequence[float] = STRENGTHS,
    jobs: int = 2,
) -> list[Study]:
    """Return what logistic regression on features says in each study; rows index x.

    Scaling is learned from the training cases, the strength of the penalty chosen by their own
    folds, patients whole. Where training cases are all of one class, all cases are called so.
    """
    x = np.asarray(x, dtype=np.float64)
    return list(
        joblib.Parallel(n_jobs=jobs)(
            joblib.delayed(Bound(_regression))(
                x[rows], labels[rows], groups[rows], x[test], tuple(strengths)
            )
            for rows in training
        )
    )


def _regression(
    seen: Floats, y: Integers, group: Integers, new: Floats, strengths: tuple[float, ...]
) -> Study:
    """Fit on a rotation of the scaled features onto what the training cases span.

    A penalised regression only looks in these directions, so nothing is lost, and hundreds of
    cases with thousands of features are fitted in a hundredth of the time.
    """
    if y.min() == y.max():
        return Study(np.full(len(seen), float(y[0])), np.full(len(new), float(y[0])))
    scaler = StandardScaler().fit(seen)
    scaled = scaler.transform(seen)
    rotation = np.linalg.svd(scaled, full_matrices=False)[2].T
    z = scaled @ rotation
    chosen = strengths[0] if len(strengths) == 1 else _best(z, y, group, strengths)
    model = _fitted(z, y, chosen)
    return Study(_said(model, z), _said(model, scaler.transform(new) @ rotation))


def _fitted(z: Floats, y: Integers, strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=3000).fit(z, y)


def _said(model: LogisticRegression, z: Floats, classes: int = 2) -> Floats:
    """P(positive); of more than two classes cases x classes, 0 for those that did not train."""
    found: Floats = model.predict_proba(z)
    known = np.asarray(model.classes_, dtype=np.int64)
    classes = max(classes, int(known.max()) + 1)
    if classes == 2:
        return found[:, 1]
    every = np.zeros((len(z), classes))
    every[:, known] = found
    return every


def _best(z: Floats, y: Integers, group: Integers, strengths: tuple[float, ...]) -> float:
    """Return the strength with the smallest log loss in inner folds; the strongest where none."""
    fewest = min(len(np.unique(group[y == k])) for k in np.unique(y))
    if fewest < 2:
        return strengths[0]
    fold = stratified_patient_folds(y, group, folds=min(INNER, fewest), seed=0)
    lost = [_loss(z, y, fold, strength) for strength in strengths]
    return strengths[int(np.argmin(lost))]


def _loss(z: Floats, y: Integers, fold: Integers, strength: float) -> float:
    classes = max(2, int(y.max()) + 1)
    score = np.empty((len(y), classes) if classes > 2 else len(y))
    for k in np.unique(fold):
        model = _fitted(z[fold != k], y[fold != k], strength)
        score[fold == k] = _said(model, z[fold == k], classes)
    return float(log_loss(y, score, labels=range(classes)))


def of_prototypes(
    x: Reals, labels: Integers, training: Sequence[Integers], test: Integers
) -> list[Study]:
    """Return what the nearest class mean says in each study: 1/2 is as far from both.

    Features of each image are brought to length 1; a score is a logistic function of the
    difference of squared distances (Snell, Swersky & Zemel 2017, NeurIPS). Works with one case of
    each class.
    """
    unit = np.asarray(x, dtype=np.float64)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    found = []
    for rows in training:
        means = np.stack([unit[rows[labels[rows] == k]].mean(axis=0) for k in (0, 1)])
        away = ((unit[:, None] - means) ** 2).sum(axis=2)
        score = 1 / (1 + np.exp(away[:, 1] - away[:, 0]))
        found.append(Study(score[rows], score[test]))
    return found
