"""Calibration: the fits of statsmodels and R, what redraws must show, and coverage at n = 50."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from test_statistics_against_r import ask_r, r_vector

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics._recalibration import fit, spline_basis


def simulated(n=80, slope=1.0, seed=1):
    """Labels and scores whose true calibration slope is as asked."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(2, 3, n)
    return (rng.random(n) < expit(slope * logit(scores))).astype(int), scores


def test_slope_and_intercept_are_those_of_statsmodels_and_r():
    labels, scores = simulated()
    x = logit(scores)
    found = st.calibration_measures(labels, scores, replicates=100)
    binomial = sm.families.Binomial()
    slope = sm.GLM(labels, sm.add_constant(x), family=binomial).fit().params[1]
    intercept = sm.GLM(labels, np.ones((80, 1)), family=binomial, offset=x).fit().params[0]
    assert found.slope.estimate == pytest.approx(slope, abs=1e-7)
    assert found.intercept.estimate == pytest.approx(intercept, abs=1e-7)
    code = (
        f"{{ y <- {r_vector(labels)}; x <- {r_vector(x)}; c(coef(glm(y ~ x, binomial, epsilon = "
        "1e-12))[2], coef(glm(y ~ offset(x), binomial, epsilon = 1e-12))) }"
    )
    assert [found.slope.estimate, found.intercept.estimate] == pytest.approx(ask_r(code), abs=1e-7)


def test_the_curve_is_rs_regression_on_a_natural_spline():
    # a restricted cubic spline with three knots spans what R's ns does with those knots
    labels, scores = simulated()
    x = logit(scores)
    knots = np.quantile(x, [0.1, 0.5, 0.9])
    code = (
        f"{{ library(splines); y <- {r_vector(labels)}; x <- {r_vector(x)}; "
        f"b <- ns(x, knots = {float(knots[1])!r}, Boundary.knots = c({float(knots[0])!r}, "
        f"{float(knots[2])!r})); p <- fitted(glm(y ~ b, binomial, epsilon = 1e-12)); "
        "d <- abs(p - plogis(x)); c(mean(d), sort(d)[40], sort(d)[72]) }"
    )
    found = st.calibration_measures(labels, scores, replicates=100)
    measures = [found.ici.estimate, found.e50.estimate, found.e90.estimate]
    assert measures == pytest.approx(ask_r(code), abs=1e-7)


def test_weights_are_cases_counted_as_often():
    labels, scores = simulated(30)
    design = spline_basis(logit(scores), np.quantile(logit(scores), [0.1, 0.5, 0.9]))
    times = np.random.default_rng(0).integers(0, 3, 30)
    weighted = fit(design, labels.astype(float), times[None].astype(float))
    repeated = np.repeat(design, times, axis=0), np.repeat(labels, times).astype(float)
    assert weighted == pytest.approx(fit(*repeated, np.ones((1, times.sum()))), abs=1e-6)


def test_probabilities_too_bold_have_a_slope_below_1_and_are_far_off():
    labels, scores = simulated(1000, slope=0.4)
    found = st.calibration_measures(labels, scores)
    assert found.slope.high < 1
    assert 0.4 in found.slope
    truth = np.abs(scores - expit(0.4 * logit(scores)))
    assert truth.mean() in found.ici
    assert found.ici.low > 0


def test_probabilities_that_are_right_may_be_off_by_nothing():
    labels, scores = simulated(60, seed=4)
    found = st.calibration_measures(labels, scores)
    assert found.ici.low == found.e50.low == found.e90.low == 0 < found.ici.estimate


def test_classes_that_one_score_separates_have_an_infinite_slope_with_a_lower_end():
    labels = np.repeat([0, 1], 10)
    scores = np.linspace(0.2, 0.8, 20)
    found = st.calibration_measures(labels, scores, replicates=200)
    assert found.slope.estimate == found.slope.high == np.inf
    assert 0 < found.slope.low < np.inf


def test_copies_of_images_are_no_new_patients():
    labels, scores = simulated(50, slope=0.6, seed=2)
    patients = np.repeat(np.arange(50), 4)
    images = [np.repeat(values, 4) for values in (labels, scores)]
    alone = st.calibration_measures(labels, scores, seed=3)
    copies = st.calibration_measures(*images, patients, seed=3)
    for one, four in ((alone.ici, copies.ici), (alone.in_the_large, copies.in_the_large)):
        assert (four.low, four.high) == pytest.approx((one.low, one.high), abs=0.01)
    taken_as_patients = st.calibration_measures(*images, seed=3)
    for name in ("slope", "intercept"):
        four = getattr(copies, name).width
        assert four > 1.6 * getattr(taken_as_patients, name).width
        assert four == pytest.approx(getattr(alone, name).width, rel=0.2)


def test_in_the_large_is_the_intercept_told_in_shares():
    labels, scores = simulated(60, seed=9)
    found = st.calibration_measures(labels, scores, replicates=200)
    assert found.in_the_large.estimate == pytest.approx((labels - scores).mean(), abs=1e-8)
    for end in ("low", "high"):
        moved = expit(logit(scores) + getattr(found.intercept, end))
        assert getattr(found.in_the_large, end) == pytest.approx((moved - scores).mean())


def test_in_the_large_holds_the_truth_of_a_hundred_simulated_patients():
    studies = [
        st.calibration_measures(*simulated(100, seed=seed), replicates=100) for seed in range(200)
    ]
    assert np.mean([0 in study.in_the_large for study in studies]) >= 0.93


def test_the_same_seed_gives_the_same_intervals():
    labels, scores = simulated()
    first, second = (st.calibration_measures(labels, scores, replicates=200) for _ in range(2))
    assert str(first) == str(second)
    assert first.curve.equals(second.curve)


def test_intervals_hold_the_truth_of_fifty_simulated_patients():
    truth = {"in_the_large": 0, "intercept": 0, "slope": 1, "ici": 0, "e50": 0, "e90": 0}
    studies = [
        st.calibration_measures(*simulated(50, seed=seed), replicates=300) for seed in range(200)
    ]
    for name, value in truth.items():
        assert np.mean([value in getattr(study, name) for study in studies]) >= 0.92, name


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.calibration_measures([0, 1] * 10, [0.3, 1.2] * 10), "probabilities, 0 to 1"),
        (lambda: st.calibration_measures([1] * 20, np.linspace(0, 1, 20)), "both classes"),
        (lambda: st.calibration_measures([0] * 49 + [1], np.linspace(0, 1, 50)), "too few"),
        (lambda: st.calibration_measures([0, 1] * 10, [0.4] * 20), "all 0.4"),
        (
            lambda: st.calibration_measures([0, 1] * 10, np.linspace(0, 1, 20), [0, 0, 1, 1] * 5),
            "2 patients",
        ),
    ],
)
def test_what_has_no_calibration_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
