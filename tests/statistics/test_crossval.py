"""Tests over folds: the table of 46 of 50, closed forms, and levels by Monte Carlo."""

import numpy as np
import pytest
from scipy import integrate, stats

from medlib import statistics as st
from medlib.errors import InputError

FOLDS_OF_46 = {  # correct of 10: t against 0.5 and p against 0.75, naive and corrected
    (10, 9, 9, 9, 9): ((21.0, 14.0), (0.001, 0.005)),
    (10, 10, 9, 9, 8): ((11.2, 7.5), (0.010, 0.039)),
    (10, 10, 10, 8, 8): ((8.6, 5.7), (0.026, 0.082)),
    (10, 10, 10, 9, 7): ((7.2, 4.8), (0.043, 0.124)),
    (10, 10, 10, 10, 6): ((5.25, 3.5), (0.101, 0.230)),
}


@pytest.mark.parametrize("correct", FOLDS_OF_46)
def test_every_way_to_get_46_of_50_over_five_folds(correct):
    folds = np.array(correct) / 10
    (naive_statistic, corrected_statistic), p_values = FOLDS_OF_46[correct]
    half = [
        st.naive_t(folds, reference=0.5),
        st.corrected_t(folds, n_train=40, n_test=10, reference=0.5),
    ]
    assert half[0].statistic == pytest.approx(naive_statistic, abs=0.051)
    assert half[1].statistic == pytest.approx(corrected_statistic, abs=0.051)
    comparator = [
        st.naive_t(folds, reference=0.75),
        st.corrected_t(folds, n_train=40, n_test=10, reference=0.75),
    ]
    assert tuple(round(test.p_value, 3) for test in comparator) == p_values


def test_corrected_t_is_the_formula_of_the_paper():
    d = np.random.default_rng(0).normal(0.05, 0.1, size=(10, 5))
    variance = sum((x - d.mean()) ** 2 for x in d.ravel()) / 49
    t = d.mean() / (variance * (1 / 50 + 10 / 40)) ** 0.5
    found = st.corrected_t(d, n_train=40, n_test=10)
    assert found.statistic == pytest.approx(t, abs=1e-9)
    tail = integrate.quad(stats.t(49).pdf, abs(t), np.inf, epsabs=1e-13)[0]
    assert found.p_value == pytest.approx(2 * tail, abs=1e-9)
    half = stats.t(49).ppf(0.975) * (variance * 0.27) ** 0.5
    assert found.interval.low == pytest.approx(d.mean() - half, abs=1e-9)
    assert found.interval.high == pytest.approx(d.mean() + half, abs=1e-9)


def correlated_folds(rng, runs, correlation, count=5):
    """Return runs x folds normal differences without a mean, equally correlated."""
    shared = rng.normal(0, np.sqrt(correlation), size=(runs, 1))
    return shared + rng.normal(0, np.sqrt(1 - correlation), size=(runs, count))


def test_corrected_t_is_exact_where_folds_correlate_as_it_assumes():
    runs = correlated_folds(np.random.default_rng(1), 4000, 0.2)
    corrected = [st.corrected_t(d, n_train=40, n_test=10).p_value < 0.05 for d in runs]
    naive = [st.naive_t(d).p_value < 0.05 for d in runs]
    assert np.mean(corrected) == pytest.approx(0.05, abs=0.011)  # three standard errors
    assert np.mean(naive) > 0.11


def test_naive_t_is_right_only_where_folds_are_independent():
    runs = correlated_folds(np.random.default_rng(2), 4000, 0.0)
    naive = [st.naive_t(d).p_value < 0.05 for d in runs]
    assert np.mean(naive) == pytest.approx(0.05, abs=0.011)
    assert np.mean([0 in st.naive_t(d).interval for d in runs]) == pytest.approx(
        1 - np.mean(naive), abs=1e-12
    )


def test_repeats_of_the_same_folds_make_naive_t_certain_and_leave_corrected_t_unmoved():
    d = correlated_folds(np.random.default_rng(3), 1, 0.2)[0]
    repeated = np.tile(d, (20, 1))
    naive, corrected = st.naive_t(repeated), st.corrected_t(repeated, n_train=40, n_test=10)
    assert abs(naive.statistic) > 4 * abs(st.naive_t(d).statistic)
    once = st.corrected_t(d, n_train=40, n_test=10)
    assert abs(corrected.statistic) < 1.55 * abs(once.statistic)  # sqrt(.45 / .26 x 1.25 x .99)


def test_five_by_two_are_the_formulas_of_dietterich_and_alpaydin():
    p = np.random.default_rng(4).normal(0.05, 0.1, size=(5, 2))
    spread = [(a - (a + b) / 2) ** 2 + (b - (a + b) / 2) ** 2 for a, b in p]
    t, f = st.five_by_two_t(p), st.five_by_two_f(p)
    assert t.statistic == pytest.approx(p[0, 0] / (sum(spread) / 5) ** 0.5, abs=1e-9)
    assert t.p_value == pytest.approx(2 * stats.t.sf(abs(t.statistic), 5), abs=1e-12)
    assert f.statistic == pytest.approx((p**2).sum() / (2 * sum(spread)), abs=1e-9)
    assert f.p_value == pytest.approx(stats.f.sf(f.statistic, 10, 5), abs=1e-12)
    shuffled = p[[3, 1, 4, 0, 2]]
    assert st.five_by_two_f(shuffled).p_value == pytest.approx(f.p_value, abs=1e-12)
    assert st.five_by_two_t(shuffled).p_value != pytest.approx(t.p_value, abs=1e-3)


def test_five_by_two_stay_below_their_level_for_independent_normal_differences():
    runs = np.random.default_rng(5).standard_normal((4000, 5, 2))
    for test in (st.five_by_two_t, st.five_by_two_f):
        rejects = np.mean([test(p).p_value < 0.05 for p in runs])
        assert 0.01 < rejects < 0.04  # conservative: the numerator is part of the denominator


def test_bayes_agrees_with_the_corrected_t_and_its_three_parts_are_areas():
    d = np.random.default_rng(6).normal(0.05, 0.1, size=5)
    frequentist = st.corrected_t(d, n_train=40, n_test=10)
    nothing = st.bayesian_correlated_t(d, rope=0)
    assert 2 * min(nothing.below, nothing.above) == pytest.approx(frequentist.p_value, abs=1e-9)
    found = st.bayesian_correlated_t(d, rope=0.02)
    scale = d.std(ddof=1) * (1 / 5 + 0.25) ** 0.5
    inside = integrate.quad(stats.t(4, d.mean(), scale).pdf, -0.02, 0.02, epsabs=1e-13)[0]
    assert found.equivalent == pytest.approx(inside, abs=1e-9)
    assert found.below + found.equivalent + found.above == pytest.approx(1, abs=1e-12)
    assert "within +-0.02" in str(found)


def test_no_difference_in_any_fold_is_no_difference():
    found = st.corrected_t([0.0] * 5, n_train=40, n_test=10)
    assert (found.difference, found.p_value, found.statistic) == (0.0, 1.0, 0.0)
    assert str(found).startswith("mean difference +0.000, p = 1")


def test_five_by_two_take_their_spread_from_five_repeats_whichever_learner_comes_first():
    p = np.random.default_rng(8).normal(0.05, 0.1, size=(5, 2))
    for test in (st.five_by_two_t, st.five_by_two_f):
        here, there = test(p), test(-p)
        assert (here.df, here.difference) == (5, pytest.approx(p.mean()))
        assert here.p_value == pytest.approx(there.p_value)
        assert there.difference == pytest.approx(-here.difference)
    assert st.five_by_two_t(-p).statistic == pytest.approx(-st.five_by_two_t(p).statistic)


def test_without_a_word_a_point_is_the_difference_not_worth_having():
    assert st.bayesian_correlated_t([0.02, 0.05, -0.01]).rope == 0.01


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.naive_t([0.1]), "values holds 1 fold"),
        (lambda: st.naive_t([]), "values has shape"),
        (lambda: st.naive_t([0.1, np.nan]), r"values\[1\] = nan"),
        (lambda: st.naive_t([0.1, 0.1, 0.1]), "values are all 0.1"),
        (lambda: st.naive_t([0.1 + 0.2, 0.3, 0.3]), "values are all 0.3"),
        (lambda: st.naive_t([0.1, 0.2], reference=np.inf), "reference = inf"),
        (lambda: st.corrected_t([0.1, 0.2], n_train=0, n_test=10), "n_train = 0"),
        (lambda: st.corrected_t([0.1, 0.2], n_train=40, n_test=9.5), "n_test = 9.5"),
        (lambda: st.corrected_t([0.1, 0.2], n_train=40, n_test=10, confidence=95), "confidence"),
        (lambda: st.five_by_two_t([[0.1, 0.2]]), r"values has shape \(1, 2\)"),
        (lambda: st.five_by_two_t([[0.1, 0.2, 0.3, 0.1, 0]] * 2), r"values has shape \(2, 5\)"),
        (lambda: st.five_by_two_f(np.full((5, 2), 0.1)), "equal in both halves"),
        (lambda: st.five_by_two_f(np.full((5, 2), np.nan)), r"values\[0\] = nan"),
        (lambda: st.bayesian_correlated_t([0.1, 0.1]), "values are all 0.1"),
        (lambda: st.bayesian_correlated_t([0.1, 0.2], rope=-1), "rope = -1"),
        (lambda: st.bayesian_correlated_t([0.1, 0.2], correlation=1), "correlation = 1"),
        (lambda: st.bayesian_correlated_t([0.1, 0.2], correlation=20), "20 % is written 0.2"),
    ],
)
def test_bad_input_names_argument_and_value(call, words):
    with pytest.raises(InputError, match=words):
        call()
