"""What looks like numbers and is none is refused in a sentence, before anything is computed."""

import numpy as np
import pandas as pd
import pytest

from medlib import consistency as co
from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics import metrics

LABELS = np.arange(24) % 2
SCORES = np.clip(0.3 + 0.3 * LABELS + np.random.default_rng(0).normal(0, 0.2, 24), 0.01, 0.99)
READERS = np.random.default_rng(1).normal(LABELS, 1, (3, 2, 24))
MEAN, SD = co.parse("90%", "mean"), co.parse("10%", "sd")
AREAS = [[0.8, 0.7], [0.9, 0.7]]
COMPLEX, DATES = SCORES + 1j, np.full(24, np.datetime64("2024-05-31"))
MASKED = np.ma.masked_array(SCORES, mask=SCORES > 0.6)
RAGGED = [[1, 2], [3]]
MISSING = pd.array([None, *SCORES[1:]], dtype="Float64")


@pytest.mark.parametrize("scores", [COMPLEX, DATES, MASKED, RAGGED, MISSING, ["high"] * 24, "abc"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda x: st.auc_interval(LABELS, x),
        lambda x: st.delong_test(LABELS, SCORES, x),
        lambda x: st.cluster_bootstrap(LABELS, x, replicates=100),
        lambda x: st.calibration_measures(LABELS, x, replicates=100),
        lambda x: st.decision_curve(LABELS, x),
        lambda x: st.at_prevalence(x, studied=0.5, target=0.1),
        lambda x: st.holm(x),
        lambda x: st.naive_t(x),
        lambda x: st.out_of_fold_auc(LABELS, [x, x], [np.arange(24) % 6, np.arange(24) // 4]),
        lambda x: st.auc_covariance(LABELS, [x, x]),
        lambda x: metrics.auc(LABELS, x),
        lambda x: metrics.accuracy(x, SCORES),
        lambda x: metrics.brier(LABELS, x),
    ],
)
def test_values_that_are_no_numbers_are_refused_wherever_scores_are_taken(ask, scores):
    with pytest.raises(InputError):
        ask(scores)


def test_numbers_beyond_any_measure_give_no_infinite_interval():
    for ask in (st.naive_t, st.bayesian_correlated_t):
        with pytest.raises(InputError, match="beyond any measure"):
            ask([1e200, 2e200, 1.5e200])


@pytest.mark.parametrize("choice", [["wilson"], {}, np.array(["a", "b"]), pd.NA, None, 1])
@pytest.mark.parametrize(
    "ask",
    [
        lambda x: st.proportion_interval(3, 5, method=x),
        lambda x: st.paired_difference_interval(3, 2, 1, 4, method=x),
        lambda x: st.auc_interval(LABELS, SCORES, scale=x),
        lambda x: st.predictive_value_intervals(5, 1, 4, 2, prevalence=0.1, method=x),
        lambda x: st.margin_test(LABELS, LABELS, 1 - LABELS, margin=0.1, measure=x),
        lambda x: st.margin_test_counts(3, 2, n=20, margin=0.1, aim=x),
        lambda x: st.margin_test_counts(3, 2, n=20, margin=0.1, measure=x),
        lambda x: st.sample_size_for_interval(0.9, 0.05, method=x),
        lambda x: st.reader_analysis(LABELS, READERS, readers=x),
        lambda x: st.reader_analysis(LABELS, READERS, covariance=x),
        lambda x: st.cluster_bootstrap(LABELS, SCORES, metrics=x),
        lambda x: st.paired_permutation_test(LABELS, SCORES, SCORES**2, metric=x),
        lambda x: st.simulate_readers(3, 10, 10, variances=x),
    ],
)
def test_a_choice_that_is_none_of_those_offered_is_refused(ask, choice):
    with pytest.raises(InputError):
        ask(choice)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: st.binomial_test(30, 10**24, 0.5), "n = 1"),
        (lambda: st.predictive_value_intervals(10**24, 1, 4, 2, prevalence=0.1), "true_positive"),
        (lambda: st.cluster_bootstrap(LABELS, SCORES, replicates=10**18), "replicates"),
        (lambda: st.simulate_readers(10**18, 5, 5), "readers"),
        (lambda: st.cluster_bootstrap(LABELS, SCORES, RAGGED), "groups"),
        (lambda: st.proportion_interval(3, 5, confidence=1e-300), "confidence"),
        (lambda: st.detectable_difference(100, 0.2, power=1e-6), "without any difference"),
        (lambda: st.sample_size_for_development(9, prevalence=1e-12, auc=0.8), "prevalence"),
        (lambda: st.sample_size_for_interval(0.9, 1e-9, method="wilson"), "half_width"),
        (lambda: st.label_permutation_test(LABELS, 3), "evaluate"),
        (lambda: st.tango_score(3, 2, 0, 0.1), "n = 0"),
        (lambda: st.tango_score(3, 2, 10, 1.5), "delta"),
        (lambda: st.tango_score(8, 5, 10, 0.1), "only_b"),
        (lambda: st.obuchowski_rockette(AREAS, np.full((4, 4), 1e308)), "covariance"),
        (lambda: metrics.calibration(LABELS, SCORES, bins=2.5), "bins"),
    ],
)
def test_numbers_outside_what_can_be_computed_are_named(ask, said):
    with pytest.raises(InputError, match=said):
        ask()


@pytest.mark.parametrize("width", [0, -0.1, 1e-300, "0.1", None, np.nan])
@pytest.mark.parametrize("name", ["observed_expected_width", "slope_width", "auc_width"])
def test_an_interval_for_which_no_study_is_planned_is_refused(name, width):
    with pytest.raises(InputError, match=name):
        st.sample_size_for_validation(prevalence=0.3, auc=0.8, **{name: width})


def test_a_study_for_an_interval_as_wide_as_can_be_has_one_case():
    found = st.sample_size_for_validation(prevalence=0.3, auc=0.8, slope_width=1e6)
    assert found.criteria["slope"].n == 1


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: co.possible_counts("92%", 50), "parse"),
        (lambda: co.possible_counts(MEAN, -1), "units"),
        (lambda: co.fold_sizes(50.5, 5), r"n is 50\.5"),
        (lambda: co.fold_counts((), MEAN), "0 folds"),
        (lambda: co.fold_counts((10, 0), MEAN), "size of a fold"),
        (lambda: co.find_vectors((10, "10"), MEAN), "size of a fold"),
        (lambda: co.find_vectors((10,), MEAN, SD), "at least 2"),
        (lambda: co.over_folds(None, MEAN, SD), "sizes is None"),
        (lambda: co.standard_error((10, 10), MEAN, 0.02), r"sd is 0\.02"),
        (lambda: co.repeat_means(0, 5, MEAN, SD), "cases is 0"),
        (lambda: co.finer_units((10, 10), MEAN, SD, 0), "units_per_case"),
        (lambda: co.spectrum(5, 0, MEAN), "size is 0"),
        (lambda: co.expected_sd(1.5, (10, 10)), r"accuracy is 1\.5"),
        (lambda: co.accuracy_bounds("high", 0.5), "auc is 'high'"),
        (lambda: co.auc_bounds(None, 0.5), "sensitivity is None"),
        (lambda: co.rates_possible({"recall": MEAN}), "'recall'"),
        (lambda: co.rates_possible(None), "reported is None"),
        (lambda: co.feasible_tables(-1, 25, {"ppv": MEAN}), "positives is -1"),
        (lambda: co.feasible_tables(25, 10**24, {"ppv": MEAN}), "at most"),
        (lambda: co.feasible_tables(None, None, {"ppv": MEAN}, n=10**8), "too many"),
        (lambda: co.feasible_tables(25, 25, {"ppv": 0.9}), r"ppv is 0\.9"),
        (lambda: co.parse_counts(25, "folds"), "folds is 25"),
    ],
)
def test_reports_that_were_not_read_as_printed_are_named(ask, said):
    with pytest.raises(InputError, match=said):
        ask()
