"""All analyses of one study: the same images, predicted under every specification.

Scaling, selection and classifier are fitted thousands of times, so features of images are given,
not computed, and what several specifications share is computed once. The predictions are those of
plain scikit-learn pipelines, to which the tests hold them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from medlib.errors import InputError
from medlib.learning.crossval import stratified_patient_folds
from medlib.multiverse.choices import ANALYSIS, specifications
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Array, Bools, Floats, Integers, Labels

BEST: Final = 10
"""Features that a selection keeps."""
PENALTY: Final = 1.0
"""Penalty of the ridge regression for each feature: 1,280 of them are penalised by 1,280."""
JITTER: Final = 1e-10
"""Share of the mean squared length added to each, so that roots of singular products exist."""

UNITS, FOLDS, *VIEW, SCALINGS, SELECTIONS, CLASSIFIERS = (choice.options for choice in ANALYSIS)


@dataclass(frozen=True)
class Analyses:
    """Every specification of one study, with its predictions.

    table: one row a specification, a column a choice. correct, fold, patient: of each
    specification; correct and fold are deals x images, patient has one entry an image.
    """

    table: pd.DataFrame
    correct: list[Bools]
    fold: list[Integers]
    patient: list[Integers]


def analyse(
    views: Mapping[tuple[str, str, str], Floats],
    images: pd.DataFrame,
    *,
    deals: int = 1,
    seed: int = 0,
) -> Analyses:
    """Return the predictions of every specification of `ANALYSIS` on one study.

    views: (crop, size, features) -> features, images x p. images: a row an image with `label` (0
    or 1), `patient` (a whole number) and `nth` (0 for the image that stands for its patient where
    there is one image a patient). Deal d of all specifications with the same unit and number of
    folds is the same, so that they differ by nothing else. Runs on one thread.
    Raises InputError where views and images do not fit, a view is missing or holds NaN, labels are
    not 0 and 1, or a class has too few patients.
    """
    deals, seed = as_number(deals, "deals"), as_seed(seed)
    _check_views(views, len(images))
    _check_images(images)
    found: dict[tuple[str, ...], tuple[Bools, Integers, Integers]] = {}
    with one_thread():
        for unit, folds in product(UNITS, FOLDS):
            study = _dealt(images, unit, int(folds), deals, seed)
            for view, features in views.items():
                x = features[study.rows]
                right = [right_under_each_choice(x, study.label, fold) for fold in study.fold]
                for place, correct in _unstacked(np.stack(right)):
                    found[unit, folds, *view, *place] = correct, study.fold, study.patient
    table = specifications(ANALYSIS)
    ordered = [found[tuple(row)] for row in table.itertuples(index=False)]
    rights, deals_of, patients = zip(*ordered, strict=True)
    return Analyses(table, list(rights), list(deals_of), list(patients))


def _check_views(views: Mapping[tuple[str, str, str], Floats], images: int) -> None:
    missing = [view for view in product(*VIEW) if view not in views]
    if missing:
        raise InputError(
            f"The view {missing[0]} is missing; give every crop, size and kind of features."
        )
    for view, features in views.items():
        if len(features) != images:
            raise InputError(
                f"The view {view} has features of {len(features)} images, and the table of images "
                f"has {images} rows; give one row of features an image."
            )
        if np.ndim(features) != 2 or not np.isfinite(features).all():
            raise InputError(f"The view {view} is no table of finite numbers; give images x p.")


def _check_images(images: pd.DataFrame) -> None:
    lacking = [name for name in ("label", "patient", "nth") if name not in images]
    if lacking:
        raise InputError(f"The table of images has no column '{lacking[0]}'; give one.")
    if set(images["label"]) != {0, 1}:
        raise InputError("The labels of images are not 0 and 1; give both classes, no other.")
    if images["patient"].dtype.kind not in "iu":
        raise InputError("The patients of images are no whole numbers; number them.")


class _Dealt(NamedTuple):
    rows: Integers
    label: Labels
    patient: Integers
    fold: Integers


def _dealt(images: pd.DataFrame, unit: str, folds: int, deals: int, seed: int) -> _Dealt:
    """Return the images that are cases under this unit, and the fold of each in each deal."""
    rows = np.flatnonzero((images["nth"] == 0) | (unit != UNITS[0]))
    label, patient = (images[c].to_numpy(np.int64)[rows] for c in ("label", "patient"))
    group = np.arange(len(rows)) if unit == UNITS[2] else patient
    seeds = range(seed, seed + deals)
    dealt = [stratified_patient_folds(label, group, folds=folds, seed=each) for each in seeds]
    return _Dealt(rows, label, patient, np.stack(dealt))


def right_under_each_choice(features: Floats, labels: Labels, fold: Integers) -> Bools:
    """Return whether each out-of-fold prediction is right, one deal, all choices after the view.

    features: n x p; labels: n, 0 or 1; fold: n. Result: scalings x selections x classifiers x n, in
    the order of `ANALYSIS`.
    """
    x = np.asarray(features, np.float64)
    right = np.empty((len(SCALINGS), len(SELECTIONS), len(CLASSIFIERS), len(labels)), bool)
    everyone = np.ones(len(labels), bool)
    on_all = scaled(x, everyone), best(x, labels, everyone)
    unselected = compact(on_all[0])
    for number in np.unique(fold):
        train, test = fold != number, fold == number
        inside = scaled(x, train), best(x, labels, train)
        for i, z in enumerate((inside[0], on_all[0])):
            selected = [z[:, inside[1]], z[:, on_all[1]]]
            for j, design in enumerate([unselected if i else compact(z), *selected]):
                size = z.shape[1] if j == 0 else design.shape[1]
                for k, predict in enumerate(_PREDICT.values()):
                    predicted = predict(design[train], labels[train], design[test], size)
                    right[i, j, k, test] = predicted == labels[test]
    return right


def scaled(features: Floats, rows: Bools) -> Floats:
    """Return features with mean 0 and SD 1 over `rows`; those that do not vary there become 0."""
    mean, sd = features[rows].mean(0), features[rows].std(0)
    still = sd <= 1e-12 * np.maximum(1.0, np.abs(mean))
    return np.asarray(np.where(still, 0.0, (features - mean) / np.where(still, 1.0, sd)))


def best(features: Floats, labels: Labels, rows: Bools, *, number: int = BEST) -> Integers:
    """Return the columns that separate the classes of `rows` best, by the t statistic, in order.

    The square of t is the F of an analysis of variance of two classes. Fewer where there are fewer.
    """
    one, other = (features[rows & (labels == k)] for k in (0, 1))
    pooled = len(one) * one.var(0) + len(other) * other.var(0)
    far = np.abs(one.mean(0) - other.mean(0))
    still = pooled <= 1e-20 * np.maximum(1.0, features[rows].mean(0) ** 2)
    t = np.where(still, 0.0, far / np.sqrt(np.where(still, 1.0, pooled)))
    return np.sort(np.argsort(-t, kind="stable")[:number])


def compact(features: Floats) -> Floats:
    """Return coordinates of the rows with the same distances and angles, at most n of them.

    Nearest neighbours and penalised linear models see nothing else of 1,280 features than the
    products of n rows, whose triangular root has n columns.
    """
    n, p = features.shape
    if p <= n:
        return features
    products = features @ features.T
    products[np.diag_indices(n)] += JITTER * np.trace(products) / n + np.finfo(float).tiny
    return np.asarray(np.linalg.cholesky(products))


def _ridge(known: Floats, labels: Labels, new: Floats, size: int) -> Integers:
    """Return classes by ridge regression of the labels; a prediction of exactly 1/2 is negative."""
    centre, share = known.mean(0), labels.mean()
    z, target, penalty = known - centre, labels - share, PENALTY * size
    if z.shape[1] <= len(z):
        weights = np.linalg.solve(z.T @ z + penalty * np.eye(z.shape[1]), z.T @ target)
    else:
        weights = z.T @ np.linalg.solve(z @ z.T + penalty * np.eye(len(z)), target)
    return np.asarray((new - centre) @ weights + share > 0.5, np.int64)


def _nearest(known: Floats, labels: Labels, new: Floats, size: int) -> Integers:
    return np.asarray(labels[cdist(new, known).argmin(axis=1)])


_PREDICT: Final[dict[str, Callable[[Floats, Integers, Floats, int], Integers]]] = dict(
    zip(CLASSIFIERS, (_ridge, _nearest), strict=True)
)


def _unstacked(right: Array) -> Iterator[tuple[tuple[str, ...], Bools]]:
    """Yield options and deals x n of deals x scalings x selections x classifiers x n."""
    for i, scaling in enumerate(SCALINGS):
        for j, selection in enumerate(SELECTIONS):
            for k, classifier in enumerate(CLASSIFIERS):
                yield (scaling, selection, classifier), right[:, i, j, k]
