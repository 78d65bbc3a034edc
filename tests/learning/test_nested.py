"""Settings are chosen inside each training set; small and odd sets give scores, not tracebacks."""

import numpy as np
import pytest
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.learning import nested
from medlib.learning.crossval import stratified_patient_folds


def scores(x, y, group=None, choices=None, folds=2, inner_folds=2):
    """Out-of-fold scores by logistic regression, or by the given classifiers."""
    group = np.arange(len(y)) if group is None else group
    choices = choices or {"logistic regression": nested.regressions()}
    return nested.nested_scores(
        x, y, group, choices, folds=folds, inner_folds=inner_folds, seed=0, jobs=1
    )


def two_classes(n, features=6, apart=3.0, seed=0):
    """n rows of normal numbers, classes in turn, `apart` in the first feature."""
    y = np.arange(n) % 2
    x = np.random.default_rng(seed).standard_normal((n, features))
    x[:, 0] += apart * y
    return x, y


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [4, 5, 8, 11])
def test_a_handful_of_cases_gives_a_score_each_and_no_warning(n):
    x, y = two_classes(n)
    found = scores(x, y)["logistic regression"]
    assert found.shape == (n,)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.filterwarnings("error")
def test_a_feature_that_parts_the_classes_completely_is_the_one_kept():
    x, y = two_classes(12)
    x[:, 1] = y  # does not vary within a class: an infinite F statistic
    assert (((scores(x, y)["logistic regression"]) > 0.5) == y).all()


def test_where_every_class_varies_the_f_statistic_is_that_of_scikit_learn():
    x, y = two_classes(20)
    np.testing.assert_array_equal(nested.separation(x, y), f_classif(x, y))


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_alike_are_scored_one_half_by_every_classifier():
    x, y = np.ones((12, 5)), np.arange(12) % 2
    assert all(
        (found == 0.5).all() for found in scores(x, y, choices=nested.classifiers(0)).values()
    )


@pytest.mark.filterwarnings("error")
def test_what_only_repeats_the_shortcuts_is_scored_one_half_without_them():
    shortcut = np.arange(12.0)[:, None]
    x = np.hstack([2 * shortcut, 5 - shortcut, shortcut])
    without = [
        nested.make_pipeline(nested.Without(1), *(step for _, step in one.steps))
        for one in nested.regressions()
    ]
    assert (scores(x, np.arange(12) % 2, choices={"without": without})["without"] == 0.5).all()


def test_without_leaves_what_a_line_through_the_shortcuts_does_not_explain():
    x = np.random.default_rng(0).standard_normal((30, 3))
    left = nested.Without(1).fit(x).transform(x)
    line = LinearRegression().fit(x[:, 2:], x[:, :2])
    expected = (x[:, :2] - line.predict(x[:, 2:])) / x[:, :2].std(axis=0)
    np.testing.assert_allclose(left, expected, atol=1e-12)


def test_test_labels_do_not_reach_the_scores():
    """A case's own label, turned round, changes nothing about its score."""
    x, y = two_classes(20)
    fold = stratified_patient_folds(y, np.arange(20), folds=2, seed=0)
    train = fold != 0
    inner = stratified_patient_folds(y[train], np.arange(20)[train], folds=2, seed=0)
    choices = {"one": nested.regressions()}
    turned = np.where(train, y, 1 - y)
    first, second = (nested._one_fold(x, z, train, inner, choices)["one"] for z in (y, turned))
    np.testing.assert_array_equal(first, second)


def test_groups_of_unequal_size_need_no_more_inner_folds_than_they_can_fill():
    sizes = [9, 1, 1, 9, 1, 1]  # two folds can leave two groups of a class to train on
    group = np.repeat(np.arange(6), sizes)
    y = (group >= 3).astype(int)
    x = np.random.default_rng(0).standard_normal((len(y), 4))
    assert np.isfinite(scores(x, y, group, inner_folds=3)["logistic regression"]).all()


@pytest.mark.parametrize(("per_class", "folds", "inner"), [(2, 2, 2), (5, 5, 5), (3, 3, 3)])
def test_too_few_patients_for_the_inner_folds_are_told_before_work_starts(per_class, folds, inner):
    y = np.repeat([0, 1], per_class)
    images = np.random.default_rng(0).integers(0, 255, (len(y), 8, 8))
    cohort = from_arrays(images, y, name="small", patient_ids=np.arange(len(y)))
    with pytest.raises(InputError, match="inner folds; add patients"):
        nested.require_inner(cohort, folds, inner)
    assert nested.require_inner(cohort, folds, 1) is cohort


def test_the_inner_auc_is_that_of_scikit_learn_where_there_is_something_to_learn():
    x, y = two_classes(40)
    fold = np.random.default_rng(1).permutation(40) % 4
    for settings in nested.classifiers(0).values():
        how = "predict_proba" if hasattr(settings[0], "predict_proba") else "decision_function"
        found = cross_val_predict(settings[0], x, y, cv=PredefinedSplit(fold), method=how)
        expected = roc_auc_score(y, found if found.ndim == 1 else found[:, 1])
        assert nested._inner_auc(settings[0], x, y, fold) == pytest.approx(expected, abs=1e-12)


def test_weights_are_those_of_the_regression_that_gives_the_scores():
    x, y = two_classes(40)
    x[:, 3] = 7.0  # does not vary, so it is never kept
    found = nested.weights(x, y, np.arange(40), folds=4, inner_folds=3, seed=0)
    assert found.shape == (4, 6)
    assert (found[:, 3] == 0).all()
    assert (np.argmax(abs(found), axis=1) == 0).all()  # the feature that parts the classes
    assert not nested.weights(x * 0, y, np.arange(40), folds=4, inner_folds=3, seed=0).any()
