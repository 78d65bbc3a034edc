"""What a result is worth at a prevalence: closed forms, score equations and exact coverage."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit
from statsmodels.stats.proportion import score_test_proportions_2indep

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics.prevalence import _score


def test_the_estimates_are_those_of_bayes():
    found = st.predictive_value_intervals(23, 2, 20, 5, prevalence=0.01)
    expected = st.predictive_values(0.92, 0.8, prevalence=0.01)
    assert (found.ppv.estimate, found.npv.estimate) == (expected.ppv, expected.npv)
    assert found.ppv.low < found.ppv.estimate < found.ppv.high
    assert found.npv.low < found.npv.estimate < found.npv.high


def test_logit_intervals_are_those_of_mercaldo():
    found = st.predictive_value_intervals(23, 2, 20, 5, prevalence=0.1, method="logit")
    se, sp = 0.92, 0.8
    centre = np.log(se * 0.1 / ((1 - sp) * 0.9))
    half = 1.959963984540054 * np.sqrt((1 - se) / (se * 25) + sp / ((1 - sp) * 25))
    assert logit([found.ppv.low, found.ppv.high]) == pytest.approx([centre - half, centre + half])
    centre = np.log(sp * 0.9 / ((1 - se) * 0.1))
    half = 1.959963984540054 * np.sqrt(se / ((1 - se) * 25) + (1 - sp) / (sp * 25))
    assert logit([found.npv.low, found.npv.high]) == pytest.approx([centre - half, centre + half])


def test_logit_intervals_of_a_class_without_a_mistake_add_half_of_z_squared_to_each_count():
    z2 = 1.959963984540054**2
    found = st.predictive_value_intervals(23, 2, 25, 0, prevalence=0.1, method="logit")
    n = 25 + z2
    se, sp = (23 + z2 / 2) / n, (25 + z2 / 2) / n
    centre = np.log(se * 0.1 / ((1 - sp) * 0.9))
    half = np.sqrt(z2 * ((1 - se) / (se * n) + sp / ((1 - sp) * n)))
    assert logit([found.ppv.low, found.ppv.high]) == pytest.approx([centre - half, centre + half])


def test_the_score_is_that_of_statsmodels_and_the_ends_solve_it():
    expected = score_test_proportions_2indep(
        5, 25, 23, 25, value=0.3, compare="ratio", correction=False
    )
    assert _score((5, 25), (23, 25), 0.3) == pytest.approx(float(expected.statistic))
    found = st.predictive_value_intervals(23, 2, 20, 5, prevalence=0.2)
    for end in (found.ppv.low, found.ppv.high):
        ratio = (1 / end - 1) * 0.2 / 0.8
        assert abs(_score((5, 25), (23, 25), ratio)) == pytest.approx(1.959964, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "name"), [("score", "score of the likelihood ratio"), ("logit", "Mercaldo's logit")]
)
def test_the_method_that_made_an_interval_is_the_one_named(method, name):
    found = st.predictive_value_intervals(23, 2, 20, 5, prevalence=0.2, method=method)
    assert found.ppv.method == found.npv.method == name


def test_a_study_without_a_mistake_still_leaves_doubt():
    for method in ("score", "logit"):
        found = st.predictive_value_intervals(25, 0, 25, 0, prevalence=0.01, method=method)
        assert found.ppv.estimate == 1
        assert found.ppv.low < 0.15
    assert st.predictive_value_intervals(25, 0, 25, 0, prevalence=0.01).ppv.high == 1


def test_score_intervals_hold_the_truth_in_all_tables_taken_together():
    for sensitivity, specificity in ((0.8, 0.8), (0.95, 0.95), (0.98, 0.9)):
        truth = st.predictive_values(sensitivity, specificity, prevalence=0.1)
        held = np.zeros(2)
        for tp, fp in np.ndindex(26, 26):
            chance = stats.binom.pmf(tp, 25, sensitivity) * stats.binom.pmf(fp, 25, 1 - specificity)
            if chance < 1e-6:
                continue
            found = st.predictive_value_intervals(tp, 25 - tp, 25 - fp, fp, prevalence=0.1)
            held += chance * np.array([truth.ppv in found.ppv, truth.npv in found.npv])
        assert np.all(held >= 0.91)
        assert np.all(held <= 0.975)


@pytest.mark.parametrize("counts", [(0, 3, 2, 1), (3, 0, 1, 2), (5, 0, 4, 0), (12, 13, 12, 13)])
@pytest.mark.parametrize("confidence", [0.05, 0.5, 0.999])
def test_score_intervals_exist_at_every_confidence_and_hold_the_estimate(counts, confidence):
    tp, fn, tn, fp = counts
    found = st.predictive_value_intervals(tp, fn, tn, fp, prevalence=0.2, confidence=confidence)
    assert found.ppv.estimate in found.ppv
    assert found.npv.estimate in found.npv


def test_one_case_of_each_class_says_next_to_nothing_and_is_not_refused():
    found = st.predictive_value_intervals(1, 0, 1, 0, prevalence=0.5)
    assert found.ppv.estimate == found.npv.estimate == 1
    assert min(found.ppv.width, found.npv.width) > 0.6


def test_the_logit_interval_leaves_out_the_truth_where_a_small_class_has_no_mistake():
    truth = st.predictive_values(0.98, 0.8, prevalence=0.1).npv
    at = {"prevalence": 0.1}
    assert truth not in st.predictive_value_intervals(10, 0, 32, 8, method="logit", **at).npv
    assert truth in st.predictive_value_intervals(10, 0, 32, 8, **at).npv


def test_probabilities_moved_to_another_prevalence_are_bayes():
    # 0.9 at 1 : 1 is a likelihood ratio of 9; at 1 : 99 it makes odds of 9 : 99
    assert st.at_prevalence([0.9, 0.5], studied=0.5, target=0.01) == pytest.approx([9 / 108, 0.01])
    assert st.at_prevalence([0.0, 1.0], studied=0.5, target=0.01) == pytest.approx([0, 1])
    # 0.5 at 1 : 4 is a likelihood ratio of 4; at 1 : 9 it makes odds of 4 : 9
    assert st.at_prevalence([0.5], studied=0.2, target=0.1) == pytest.approx([4 / 13])
    assert st.at_prevalence([0.3, 0.7], studied=0.2, target=0.2) == pytest.approx([0.3, 0.7])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.predictive_value_intervals(0, 0, 3, 1, prevalence=0.1), "false_negative = 0"),
        (lambda: st.predictive_value_intervals(0, 5, 5, 0, prevalence=0.1), "ever positive"),
        (lambda: st.predictive_value_intervals(5, 1, 5, 1, prevalence=0), "prevalence = 0"),
        (lambda: st.predictive_value_intervals(5, 1, 5, 1, prevalence=0.1, method="x"), "'x'"),
        (lambda: st.at_prevalence([1.2], studied=0.5, target=0.1), "give probabilities"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
