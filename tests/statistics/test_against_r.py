"""The same questions put to R give the same answers."""

import numpy as np
import pytest
from r import ask_r, r_vector
from statsmodels.stats.proportion import proportion_confint

from medlib import statistics as st


def test_clopper_pearson_and_exact_binomial_are_binom_test():
    cases = [(46, 50, 0.5), (46, 50, 0.75), (46, 50, 0.85), (46, 50, 0.9), (0, 7, 0.3), (7, 7, 0.9)]
    calls = [f"unlist(binom.test({x}, {n}, {p})[c('p.value', 'conf.int')])" for x, n, p in cases]
    expected = ask_r(f"c({', '.join(calls)})").reshape(-1, 3)
    for (x, n, p), (p_value, low, high) in zip(cases, expected, strict=True):
        interval = st.proportion_interval(x, n, method="clopper-pearson")
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-9)
        assert st.binomial_test(x, n, p).p_value == pytest.approx(p_value, abs=1e-9)


def test_wilson_is_prop_test_without_continuity_correction():
    low, high = ask_r("prop.test(46, 50, correct = FALSE)$conf.int")
    interval = st.proportion_interval(46, 50)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-9)


def test_exact_mcnemar_is_binom_test_of_the_discordant_cases():
    pairs = [(8, 0), (12, 4), (6, 0), (5, 0), (3, 3), (10, 21)]
    calls = [f"binom.test({b}, {b + c})$p.value" for b, c in pairs]
    expected = ask_r(f"c({', '.join(calls)})")
    found = [st.mcnemar_counts(b, c, n=50).p_value for b, c in pairs]
    assert found == pytest.approx(expected, abs=1e-9)


def test_tango_at_no_difference_is_mcnemar_test_without_continuity_correction():
    expected = ask_r("mcnemar.test(matrix(c(30, 4, 12, 4), 2), correct = FALSE)$statistic")
    assert st.tango_score(12, 4, 50, 0.0) ** 2 == pytest.approx(expected[0], abs=1e-9)


def test_naive_t_is_t_test_of_the_folds():
    folds = [0.9, 1.0, 0.8, 0.9, 0.7]
    call = f"unlist(t.test({r_vector(folds)}, mu = 0.75)[c('statistic', 'p.value', 'conf.int')])"
    t, p_value, low, high = ask_r(call)
    found = st.naive_t(folds, reference=0.75)
    assert found.statistic == pytest.approx(t, abs=1e-9)
    assert found.p_value == pytest.approx(p_value, abs=1e-9)
    span = (found.interval.low + 0.75, found.interval.high + 0.75)
    assert span == pytest.approx((low, high), abs=1e-9)


def test_corrected_t_is_the_naive_statistic_shrunk_and_referred_to_pt():
    folds = np.array([0.1, 0.0, 0.2, 0.1, -0.1])
    shrunk = np.sqrt((1 / 5) / (1 / 5 + 10 / 40))
    code = f"2 * pt(-abs(t.test({r_vector(folds)})$statistic * {float(shrunk)!r}), 4)"
    found = st.corrected_t(folds, n_train=40, n_test=10)
    assert found.p_value == pytest.approx(ask_r(code)[0], abs=1e-9)


@pytest.mark.parametrize(("method", "name"), [(st.holm, "holm"), (st.benjamini_hochberg, "BH")])
def test_adjusted_p_values_are_p_adjust(method, name):
    p_values = [0.01, 0.04, 0.03, 0.005, 0.8, 0.04, 1.0]
    expected = ask_r(f"p.adjust({r_vector(p_values)}, '{name}')")
    assert method(p_values).adjusted == pytest.approx(expected, abs=1e-9)


def test_power_of_two_groups_is_power_prop_test():
    cases = [(100, 0.6, 0.5), (50, 0.92, 0.75), (25, 0.5, 0.95)]
    calls = [f"power.prop.test(n = {n}, p1 = {a}, p2 = {b})$power" for n, a, b in cases]
    expected = ask_r(f"c({', '.join(calls)})")
    found = [st.power_two_proportions(n, a, b).power for n, a, b in cases]
    assert found == pytest.approx(expected, abs=1e-9)


def test_jeffreys_is_qbeta():
    low, high = ask_r("qbeta(c(0.025, 0.975), 46.5, 4.5)")
    interval = st.proportion_interval(46, 50, method="jeffreys")
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-9)
    assert proportion_confint(46, 50, method="jeffreys") == pytest.approx((low, high), abs=1e-9)
