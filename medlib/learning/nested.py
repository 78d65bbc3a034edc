"""Nested cross-validation: settings are chosen inside each training set, by folds of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectPercentile, VarianceThreshold, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from medlib.cohorts import Cohort
from medlib.errors import InputError
from medlib.features.residual import Without
from medlib.learning.folds import stratified_patient_folds
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.runtime.workers import Bound
from medlib.types import Bools, Floats, Integers

Classifiers = Mapping[str, Sequence[Pipeline]]
"""Pipelines by the classifier's name, one for each setting."""

__all__ = [
    "Without",
    "classifiers",
    "nested_scores",
    "require_inner",
    "separation",
    "varies",
    "weights",
]

SHARES: Final = (10, 100)
"""Shares of the features to keep, in %."""
STRENGTHS: Final = (0.01, 0.1, 1)
"""Of logistic regression (its C); the SVM's are thirty times as large."""
STILL: Final = 1e-12
"""A variance below it is rounding."""
LARGEST: Final = 1e300
"""Stands for an infinite F statistic: sorting and interpolating need a number."""


def separation(x: Floats, y: Integers) -> tuple[Floats, Floats]:
    """F statistic and p of each feature; finite where no class varies but the two differ."""
    with np.errstate(divide="ignore", invalid="ignore"):  # what is infinite is told below
        f, p = f_classif(x, y)
    return np.where(np.isinf(f), LARGEST, f), p


class Best(SelectPercentile):  # type: ignore[misc]
    """The best share of the features, and at least one, however alike their scores are."""

    def _get_support_mask(self) -> Bools:
        mask: Bools = super()._get_support_mask()
        if not mask.any():
            mask[np.argmax(np.nan_to_num(self.scores_))] = True
        return mask


def model(last: Any, percent: float) -> Pipeline:
    """Scaling, selection by F statistic, classifier: each learns when it is fitted."""
    steps = (StandardScaler(), Best(separation, percentile=percent), last)
    return make_pipeline(VarianceThreshold(STILL), *steps)


def regressions() -> list[Pipeline]:
    """Logistic regression in each setting."""
    return [
        model(LogisticRegression(C=strength, max_iter=3000, tol=1e-3), share)
        for share in SHARES
        for strength in STRENGTHS
    ]


def classifiers(seed: int) -> dict[str, list[Pipeline]]:
    """Four classifiers for features in hundreds and cases in tens, each in its settings."""
    seed = as_seed(seed)
    forest = RandomForestClassifier(100, min_samples_leaf=2, random_state=seed)
    boosting = HistGradientBoostingClassifier(
        max_iter=60, max_depth=3, min_samples_leaf=4, random_state=seed
    )
    return {
        "logistic regression": regressions(),
        "SVM": [model(SVC(C=30 * c), share) for share in SHARES for c in STRENGTHS],
        "random forest": [model(forest, share) for share in SHARES],
        "gradient boosting": [model(boosting, share) for share in SHARES],
    }


def varies(x: ArrayLike) -> bool:
    """Whether any feature differs between the rows."""
    return bool(np.var(np.asarray(x, np.float64), axis=0).max() > STILL)


def require_inner(cohort: Cohort, folds: int, inner_folds: int) -> Cohort:
    """Return the cohort, if each training set has patients enough for its own folds.

    Raises InputError where a class has not: settings could not be chosen.
    """
    patients = cohort.table.groupby("label").patient_id.nunique()
    for name in cohort.classes:
        have = int(patients.get(name, 0))
        left = have - -(-have // folds)
        if left < inner_folds:
            raise InputError(
                f"Class {name!r} of {cohort.name} has {have} patients: {folds} folds leave {left} "
                f"to train on, too few for {inner_folds} inner folds; add patients, or lower "
                "inner_folds to 2 or more."
            )
    return cohort


def nested_scores(
    x: ArrayLike,
    y: Integers,
    group: Integers,
    choices: Classifiers,
    *,
    folds: int,
    inner_folds: int,
    seed: int,
    jobs: int = 2,
) -> dict[str, Floats]:
    """Out-of-fold P(positive) of each row by classifier, and by the one "chosen inside".

    x: rows x features. The folds are those of `crossval.cross_validate` with the same seed; in
    each training set, inner folds choose the setting of each classifier by AUC, and the
    classifier. Where groups are of unequal size a training set can hold fewer groups of a class
    than `inner_folds`: as many are its inner folds, and with one group the first setting is taken.
    `jobs` folds run side by side. Raises InputError where a class has fewer groups than folds.
    """
    inner_folds = as_number(inner_folds, "inner_folds", least=2)
    x, fold = np.asarray(x, np.float64), stratified_patient_folds(y, group, folds=folds, seed=seed)
    split = [fold != k for k in range(folds)]
    inner = [_inner_folds(y[train], group[train], inner_folds, seed) for train in split]
    parts = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(Bound(_one_fold))(x, y, train, each, choices)
        for train, each in zip(split, inner, strict=True)
    )
    scores = {name: np.empty(len(y)) for name in parts[0]}
    for train, part in zip(split, parts, strict=True):
        for name in scores:
            scores[name][~train] = part[name]
    return scores


def weights(
    x: ArrayLike, y: Integers, group: Integers, *, folds: int, inner_folds: int, seed: int
) -> Floats:
    """Weight of each feature in each fold's logistic regression, folds x features.

    The regressions are those whose scores `nested_scores` gives. A weight belongs to a feature
    scaled to an SD of 1 in training; it is 0 where the feature was not kept.
    """
    x, fold = np.asarray(x, np.float64), stratified_patient_folds(y, group, folds=folds, seed=seed)
    found = np.zeros((folds, x.shape[1]))
    for k in range(folds):
        seen, truth = x[fold != k], y[fold != k]
        if not varies(seen):
            continue
        inner = _inner_folds(truth, group[fold != k], inner_folds, seed)
        *steps, last = _best(regressions(), seen, truth, inner)[1].fit(seen, truth)
        kept = np.arange(x.shape[1])[steps[0].get_support()][steps[2].get_support()]
        found[k, kept] = last.coef_[0]
    return found


def _inner_folds(y: Integers, group: Integers, most: int, seed: int) -> Integers:
    """The inner fold of each row of a training set."""
    fewest = min(len(np.unique(group[y == k])) for k in (0, 1))
    if fewest < 2:
        return np.zeros_like(y)
    return stratified_patient_folds(y, group, folds=min(most, fewest), seed=seed)


def _one_fold(
    x: Floats, y: Integers, train: Bools, inner: Integers, choices: Classifiers
) -> dict[str, Floats]:
    """Scores of the test rows by each classifier in its best setting, and by the best of all."""
    scores, best = {}, (-1.0, next(iter(choices)))
    for name, settings in choices.items():
        reached, setting = _best(settings, x[train], y[train], inner)
        scores[name] = _fitted_scores(setting, x, y, train, ~train)
        best = max(best, (reached, name))
    return scores | {"chosen inside": scores[best[1]]}


def _best(
    settings: Sequence[Pipeline], x: Floats, y: Integers, inner: Integers
) -> tuple[float, Pipeline]:
    """The best AUC that a setting reaches in the inner folds, and the first setting with it.

    Not GridSearchCV: it averages the AUCs of inner folds, each of few cases (five of a class where
    50 are studied); this ranks all cases of a training set at once. GridSearchCV chooses other
    settings: in four of the eight repeats of chapter 12 it turns 1 to 7 of the regression's 50
    answers round (65.25 % right on average, against 65.00 %).
    """
    reached = [_inner_auc(each, x, y, inner) for each in settings]
    return max(reached), settings[int(np.argmax(reached))]


def _inner_auc(pipeline: Pipeline, x: Floats, y: Integers, fold: Integers) -> float:
    """AUC of the out-of-fold scores within a training set.

    That of cross_val_predict where there is something to learn; it has no answer where a part
    holds nothing to learn.
    """
    scores = np.empty(len(y))
    for k in np.unique(fold):
        scores[fold == k] = _fitted_scores(pipeline, x, y, fold != k, fold == k)
    return float(roc_auc_score(y, scores))


def _fitted_scores(pipeline: Pipeline, x: Floats, y: Integers, train: Bools, test: Bools) -> Floats:
    """P(positive) of the test rows, or the SVM's distance squeezed into 0..1."""
    shortcuts = isinstance(pipeline[0], Without)
    seen = pipeline[0].fit_transform(x[train]) if shortcuts else x[train]
    if len(np.unique(y[train])) < 2 or not varies(seen):
        return np.full(int(test.sum()), 0.5)  # nothing to learn
    pipeline.fit(x[train], y[train])
    if hasattr(pipeline, "predict_proba"):
        return np.asarray(pipeline.predict_proba(x[test])[:, 1])
    return np.asarray(1 / (1 + np.exp(-pipeline.decision_function(x[test]))))
