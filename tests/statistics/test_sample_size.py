"""Cases to develop and to validate a model: published examples, and what the formulas promise."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from medlib import statistics as st
from medlib.errors import InputError


@pytest.mark.parametrize(
    ("cox_snell", "parameters", "prevalence", "expected"),
    [  # the examples that R's pmsampsize 1.1.3 is tested with; the first is of Riley et al. 2019
        (0.288, 24, 0.174, (623, 662, 221)),
        (0.288, 36, 0.174, (934, 992, 221)),
        (0.288, 24, 0.25, (623, 590, 289)),
    ],
)
def test_development_as_published(cox_snell, parameters, prevalence, expected):
    found = st.sample_size_for_development(parameters, prevalence=prevalence, cox_snell=cox_snell)
    sizes = [size.n for size in found.criteria.values()]
    assert sizes[0] == expected[0]
    assert sizes[1] == pytest.approx(expected[1], rel=0.005)  # pmsampsize rounds S to 3 digits
    assert sizes[2] == expected[2]
    assert found.n == max(sizes)


def test_r2_from_an_auc_is_that_of_a_large_simulated_study():
    rng = np.random.default_rng(1)
    y = rng.random(400_000) < 0.174
    shift = np.sqrt(2) * stats.norm.ppf(0.89)
    x = rng.normal(shift * y)
    p = expit(np.log(0.174 / 0.826) + shift * x - shift**2 / 2)
    gain = np.mean(np.log(np.where(y, p / 0.174, (1 - p) / 0.826)))
    found = st.cox_snell_from_auc(0.89, prevalence=0.174)
    assert found == pytest.approx(1 - np.exp(-2 * gain), abs=0.003)


def test_validation_as_published():
    # heart valve failure, Riley et al. 2021: prevalence 0.018, AUC 0.8; log odds N(-5, 2.5) as in
    # the example of pmvalsampsize (4544 from 1,000,000 simulated scores)
    log_odds = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000, -5, 2.5)
    found = st.sample_size_for_validation(
        prevalence=0.018, auc=0.8, scores=expit(log_odds), observed_expected_width=1
    )
    assert found.criteria["O/E"].n == pytest.approx(905, abs=2)  # searched in steps there
    assert found.criteria["slope"].n == pytest.approx(4544, rel=0.01)
    assert found.criteria["AUC"].n == 4252


def test_without_scores_a_calibrated_model_of_that_auc_is_expected():
    rng = np.random.default_rng(8)
    shift = np.sqrt(2) * stats.norm.ppf(0.8)
    ill = rng.random(200_000) < 0.3
    scores = expit(np.log(0.3 / 0.7) + shift * rng.normal(shift * ill) - shift**2 / 2)
    assumed = st.sample_size_for_validation(prevalence=0.3, auc=0.8, threshold=0.2)
    given = st.sample_size_for_validation(prevalence=0.3, auc=0.8, threshold=0.2, scores=scores)
    for name in ("slope", "net benefit"):
        assert assumed.criteria[name].n == pytest.approx(given.criteria[name].n, rel=0.02)


def test_a_model_may_have_one_parameter():
    found = st.sample_size_for_development(1, prevalence=0.2, auc=0.8)
    assert found.criteria["shrinkage"].n < found.criteria["overall risk"].n


def test_a_validation_of_that_size_has_intervals_of_that_width():
    found = st.sample_size_for_validation(prevalence=0.3, auc=0.8, threshold=0.2)
    rng = np.random.default_rng(4)
    n = found.criteria["net benefit"].n
    shift = np.sqrt(2) * stats.norm.ppf(0.8)
    y = rng.random((4000, n)) < 0.3
    x = rng.normal(shift * y)
    called = np.log(0.3 / 0.7) + shift * x - shift**2 / 2 >= np.log(0.2 / 0.8)
    benefit = ((called & y).mean(1) - (called & ~y).mean(1) * 0.25) / y.mean(1)
    assert 2 * 1.96 * benefit.std() == pytest.approx(0.2, rel=0.06)


def test_a_score_on_the_threshold_is_called_negative_as_everywhere():
    def cases(middle):
        found = st.sample_size_for_validation(
            prevalence=0.3, auc=0.8, scores=[0.2, middle, 0.8], threshold=0.5
        )
        return found.criteria["net benefit"].n

    assert cases(0.5) == pytest.approx(cases(0.499999), rel=1e-3)


def test_impossible_plans_are_refused():
    with pytest.raises(InputError, match="either cox_snell or auc"):
        st.sample_size_for_development(10, prevalence=0.2)
    with pytest.raises(InputError, match="give a smaller R2"):
        st.sample_size_for_development(10, prevalence=0.01, cox_snell=0.5)
    with pytest.raises(InputError, match="no better than chance"):
        st.sample_size_for_validation(prevalence=0.2, auc=0.5)
    with pytest.raises(InputError, match=r"all 0\.3"):
        st.sample_size_for_validation(prevalence=0.3, auc=0.8, scores=[0.3, 0.3])
    with pytest.raises(InputError, match="above all scores"):
        st.sample_size_for_validation(prevalence=0.3, auc=0.8, scores=[0.2, 0.8], threshold=0.9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scores": [0.0, 0.5]}, "outside 0..1"),
        ({"scores": [0.5, 1.0]}, "outside 0..1"),
        ({"scores": [1e-300, 2e-300]}, "next to 0 or 1"),
        ({"auc": 0.45}, "auc = 0.45"),
        ({"prevalence": 1e-10}, "without cases"),
        ({"prevalence": 1 - 1e-10}, "without cases"),
        ({"slope_width": 0}, "slope_width = 0"),
        ({"auc_width": "wide"}, "auc_width = 'wide'"),
        ({"net_benefit_width": -0.1}, "net_benefit_width"),
    ],
)
def test_what_no_validation_can_show_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        st.sample_size_for_validation(**{"prevalence": 0.3, "auc": 0.8} | change)


def test_a_plan_says_how_many_cases_are_positive_and_what_so_many_reach():
    plan = st.sample_size_for_development(24, prevalence=0.174, cox_snell=0.288)
    assert plan.positives == 116  # 0.174 x 662 = 115.2
    assert "n = 662 cases, 116 of them positive" in str(plan)
    risk = plan.criteria["overall risk"]
    assert risk.reached == pytest.approx(1.959964 * np.sqrt(0.174 * 0.826 / 221))
    assert risk.reached <= 0.05
    valid = st.sample_size_for_validation(prevalence=0.3, auc=0.8).criteria["O/E"]
    assert valid.reached == pytest.approx(np.sqrt(0.7 / 0.3 / valid.n))


def test_widths_are_those_that_pmvalsampsize_takes_where_none_is_given():
    given = st.sample_size_for_validation(
        prevalence=0.3, auc=0.8, observed_expected_width=0.2, slope_width=0.2, auc_width=0.1
    )
    assert st.sample_size_for_validation(prevalence=0.3, auc=0.8).criteria == given.criteria


@pytest.mark.parametrize("threshold", [0, 1])
def test_nobody_is_treated_at_the_ends_of_probability(threshold):
    with pytest.raises(InputError, match="threshold"):
        st.sample_size_for_validation(prevalence=0.3, auc=0.8, threshold=threshold)


def test_an_r2_above_the_shrinkage_is_refused_though_the_prevalence_allows_it():
    with pytest.raises(InputError, match=r"cox_snell = 0\.6"):
        st.sample_size_for_development(9, prevalence=0.5, cox_snell=0.6, shrinkage=0.5)
