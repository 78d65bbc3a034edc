"""Calibration: the fits of statsmodels and R, what redraws must show, and coverage at n = 50."""

import numpy as np
import pytest
import statsmodels.api as sm
from r import ask_r, r_vector
from scipy import stats
from scipy.special import expit, logit

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics._recalibration import fit, intercept_score, spline_basis
from medlib.statistics.calibration_measures import _by_score, _curve, _measures, _off_ends, _study


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


def test_ici_e50_and_e90_are_mean_median_and_90th_percentile_of_the_distance_from_the_curve():
    labels, scores = simulated()
    design = spline_basis(logit(scores), np.quantile(logit(scores), [0.1, 0.5, 0.9]))
    curve = sm.GLM(labels, design, family=sm.families.Binomial()).fit(tol=1e-12).fittedvalues
    off = np.sort(np.abs(curve - scores))
    found = st.calibration_measures(labels, scores, replicates=100)
    measures = [found.ici.estimate, found.e50.estimate, found.e90.estimate]
    assert measures == pytest.approx([off.mean(), off[39], off[71]], abs=1e-7)


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


def test_classes_separated_the_wrong_way_have_a_slope_of_minus_infinity_with_an_upper_end():
    labels = np.repeat([1, 0], 10)
    found = st.calibration_measures(labels, np.linspace(0.2, 0.8, 20), replicates=200)
    assert found.slope.estimate == found.slope.low == -np.inf
    assert -np.inf < found.slope.high < 0


@pytest.mark.parametrize("lowest", [0, 1])
@pytest.mark.parametrize("highest", [0, 1])
def test_classes_that_overlap_have_a_finite_slope_whatever_the_outermost_cases_are(lowest, highest):
    labels = np.r_[lowest, np.tile([0, 1], 9), highest]
    found = st.calibration_measures(labels, np.linspace(0.1, 0.9, 20), replicates=100)
    assert np.isfinite(found.slope.estimate)


@pytest.mark.parametrize(("classes", "slope"), [((0, 1), np.inf), ((1, 0), -np.inf)])
def test_classes_that_meet_in_one_score_have_no_finite_slope(classes, slope):
    scores = [*np.linspace(0.1, 0.5, 8), *np.linspace(0.5, 0.9, 8)]  # each has a case at 0.5
    found = st.calibration_measures(np.repeat(classes, 8), scores, replicates=100)
    assert found.slope.estimate == slope


def test_the_score_of_a_sample_is_0_at_what_the_sample_estimates():
    labels, scores = simulated(60, slope=0.5)
    study = _study(labels.astype(float), scores)
    found = _measures(study, study.once)
    assert [found["slope"][0], found["intercept"][0]] == pytest.approx([0, 0], abs=1e-6)


def test_patients_whose_images_err_independently_do_not_hide_wrong_probabilities():
    labels, scores = simulated(200, slope=0.3, seed=4)
    found = st.calibration_measures(labels, scores, np.arange(200) // 10, replicates=400)
    assert found.ici.low > 0


def test_the_curve_runs_over_fifty_probabilities_from_the_least_to_the_most_given():
    labels, scores = simulated()
    curve = st.calibration_measures(labels, scores, replicates=100).curve
    assert len(curve) == 50
    assert curve.predicted.iloc[[0, -1]].tolist() == pytest.approx([scores.min(), scores.max()])
    assert (curve.low <= curve.high).all()


def test_a_probability_of_0_or_1_counts_as_one_in_a_million():
    labels, scores = simulated(60)
    scores[:2], scores[2:4] = 0, 1
    labels[:4] = 0, 1, 0, 1
    kept_off = np.clip(scores, 1e-6, 1 - 1e-6)
    certain, nearly = (
        st.calibration_measures(labels, s, replicates=100) for s in (scores, kept_off)
    )
    assert str(certain) == str(nearly)
    assert np.isfinite(certain.slope.estimate)


@pytest.mark.parametrize(
    ("seen", "ends"),
    [
        (0.45, (0.22, 0.68)),  # basic below, percentile above
        (0.55, (0.32, 0.78)),  # percentile below, basic above
        (0.30, (0.00, 0.68)),  # no measure of distance is below 0
    ],
)
def test_how_far_off_spans_the_percentile_and_the_basic_interval(seen, ends):
    drawn = np.linspace(0.3, 0.7, 1001)  # middle 90 %: 0.32 to 0.68
    assert _off_ends(seen, drawn, 0.9, sound=False) == pytest.approx(ends)
    assert _off_ends(seen, drawn, 0.9, sound=True) == pytest.approx((0, ends[1]))


@pytest.mark.parametrize(("spread", "wider"), [(2.0, 2 * np.sqrt(10 / 8)), (0.5, 1.0)])
def test_scores_that_scatter_more_than_1_in_redraws_widen_the_interval(spread, wider):
    labels, scores = simulated()
    study = _study(labels.astype(float), scores)
    drawn = spread * np.array([-1.0, 1.0] * 50)
    ends = _by_score(study, intercept_score, study.intercept, drawn, 10, 0.9)
    reach = wider * stats.norm.isf(0.05)
    at_ends = [
        intercept_score(end, study.log_odds, study.labels, study.once).item() for end in ends
    ]
    assert at_ends == pytest.approx([reach, -reach])


def test_the_band_of_the_curve_holds_the_middle_of_the_redraws():
    labels, scores = simulated()
    study = _study(labels.astype(float), scores)
    drawn = np.tile(np.linspace(0, 1, 1001)[:, None], study.grid.size)
    band = _curve(study, np.full(study.grid.size, 0.5), drawn, 0.9)
    assert np.allclose(band[["observed", "low", "high"]], [0.5, 0.05, 0.95])


def test_three_patients_with_many_images_are_enough_to_redraw():
    labels, scores = np.tile([0, 1], 15), np.random.default_rng(0).random(30)
    found = st.calibration_measures(labels, scores, np.repeat(np.arange(3), 10), replicates=100)
    assert found.slope.low < found.slope.estimate < found.slope.high


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
