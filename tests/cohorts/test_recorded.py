"""A recorded step knows rows it was fitted on again, copied or rounded, and no others."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.cohorts.audit import LeakageError
from medlib.cohorts.audit.guards import Recorded
from medlib.errors import InputError


def test_a_step_fitted_on_all_rows_is_found_and_one_fitted_in_the_fold_is_not(noise):
    x, _ = noise
    test = np.arange(60) < 12
    honest = Recorded(StandardScaler()).fit(x[~test])
    honest.assert_unseen(x[test])
    assert honest.transform(x[~test]).mean() == pytest.approx(0, abs=1e-12)
    with pytest.raises(
        LeakageError, match="StandardScaler was fitted on 12 of 12 test rows, first row 0"
    ):
        Recorded(StandardScaler()).fit(x).assert_unseen(x[test])


def test_one_copy_of_a_test_row_in_training_is_enough(noise):
    x, y = noise
    training = np.vstack([x[20:], x[7]])
    model = Recorded(LogisticRegression()).fit(training, np.append(y[20:], y[7]))
    with pytest.raises(LeakageError, match="1 of 20 test rows, first row 7"):
        model.assert_unseen(x[:20])
    assert model.predict_proba(x[:20]).shape == (20, 2)


@pytest.mark.parametrize(
    "copy",
    [
        lambda x: x.astype(np.float32),
        lambda x: x + 1e-12,
        lambda x: x.round(6),
        lambda x: np.array([[float(f"{v:.6g}") for v in row] for row in x]),
    ],
    ids=["single precision", "plus 1e-12", "6 decimals", "6 digits"],
)
@pytest.mark.parametrize(("columns", "mean"), [(2, 0), (200, 0), (200, 30)])
def test_a_rounded_copy_of_a_test_row_is_found(copy, columns, mean):
    x = mean + np.random.default_rng(columns).normal(size=(60, columns))
    model = Recorded(StandardScaler()).fit(np.vstack([x[20:], copy(x[7:8])]))
    with pytest.raises(LeakageError, match="1 of 20 test rows, first row 7"):
        model.assert_unseen(x[:20])
    Recorded(StandardScaler()).fit(copy(x[20:])).assert_unseen(x[:20])


@pytest.mark.parametrize("columns", [1, 2, 50])
def test_new_rows_are_hardly_ever_taken_for_copies(columns):
    rng = np.random.default_rng(columns)
    for _ in range(20):
        Recorded(StandardScaler()).fit(rng.normal(size=(800, columns))).assert_unseen(
            rng.normal(size=(200, columns))
        )


def test_rows_with_missing_values_are_known_again(noise):
    x = noise[0].copy()
    x[7, 3] = np.nan
    model = Recorded(SimpleImputer()).fit(x[5:])
    with pytest.raises(LeakageError, match="1 of 1 test rows"):
        model.assert_unseen(x[7:8])
    model.assert_unseen(x[:5])


def test_a_recorded_step_works_inside_scikit_learns_own_cross_validation(noise):
    x, y = noise
    model = make_pipeline(Recorded(StandardScaler()), LogisticRegression())
    run = cross_validate(model, x, y, cv=KFold(5), return_estimator=True, return_indices=True)
    for fitted, test in zip(run["estimator"], run["indices"]["test"], strict=True):
        fitted[0].assert_unseen(x[test])
        with pytest.raises(LeakageError):
            fitted[0].assert_unseen(x)


def test_asking_before_fitting_is_refused(noise):
    with pytest.raises(InputError, match="has not been fitted"):
        Recorded(StandardScaler()).assert_unseen(noise[0])


@pytest.mark.parametrize("rows", [np.zeros((3, 2)), np.zeros((0, 3)), [["a", "b", "c"]]])
def test_rows_that_cannot_be_compared_are_refused(rows):
    step = Recorded(StandardScaler()).fit(np.arange(12.0).reshape(4, 3))
    with pytest.raises(InputError, match="rows"):
        step.assert_unseen(rows)
