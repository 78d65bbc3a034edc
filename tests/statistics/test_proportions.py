"""Intervals for 46 of 50, and what a positive is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics.proportions import wilson_ends

METHODS = ("wilson", "clopper-pearson", "jeffreys", "wald")


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [
        ("wilson", 0.812, 0.968),
        ("clopper-pearson", 0.808, 0.978),
        ("jeffreys", 0.821, 0.972),
        ("wald", 0.845, 0.995),
    ],
)
def test_46_of_50_has_the_intervals_of_the_literature(method, low, high):
    interval = st.proportion_interval(46, 50, method=method)
    assert (round(interval.low, 3), round(interval.high, 3)) == (low, high)


def test_clopper_pearson_ends_are_where_the_binomial_tail_is_a_fortieth():
    for x, n in [(46, 50), (1, 9), (25, 50)]:
        interval = st.proportion_interval(x, n, method="clopper-pearson")
        assert stats.binom.sf(x - 1, n, interval.low) == pytest.approx(0.025, abs=1e-9)
        assert stats.binom.cdf(x, n, interval.high) == pytest.approx(0.025, abs=1e-9)


def test_wilson_ends_solve_the_score_equation():
    for x, n in [(46, 50), (3, 17), (0, 5)]:
        interval = st.proportion_interval(x, n)
        for end in (interval.low, interval.high):
            if 0 < end < 1:
                z = abs(x / n - end) / np.sqrt(end * (1 - end) / n)
                assert z == pytest.approx(stats.norm.isf(0.025), abs=1e-9)


def test_clopper_pearson_covers_at_least_95_percent_and_wald_does_not():
    n, p = 20, np.linspace(0.02, 0.98, 49)
    weights = stats.binom.pmf(np.arange(n + 1)[:, None], n, p)

    def coverage(method):
        ends = [st.proportion_interval(x, n, method=method) for x in range(n + 1)]
        inside = np.array([[value in interval for value in p] for interval in ends])
        return (weights * inside).sum(axis=0)

    assert coverage("clopper-pearson").min() >= 0.95
    assert coverage("wald").min() < 0.5
    assert coverage("wilson").mean() == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("n", [10, 50, 200])
def test_wilson_keeps_its_level_but_where_less_than_one_miss_is_expected(n):
    counts = np.arange(n + 1)
    low, high = np.array([wilson_ends(x / n, n, 0.95) for x in counts]).T
    misses = np.geomspace(0.01, n / 2, 4000)
    chances = stats.binom.pmf(counts, n, 1 - misses[:, None] / n)
    covered = (
        chances * ((low <= 1 - misses[:, None] / n) & (1 - misses[:, None] / n <= high))
    ).sum(1)
    assert covered[misses >= 1].min() >= 0.915
    worst = covered.argmin()
    assert 0.83 <= covered[worst] <= 0.86
    assert misses[worst] == pytest.approx(0.17, abs=0.02)


@given(n=some.integers(1, 300), share=some.floats(0, 1), method=some.sampled_from(METHODS))
def test_every_interval_holds_its_estimate_and_mirrors(n, share, method):
    x = round(share * n)
    here = st.proportion_interval(x, n, method=method)
    there = st.proportion_interval(n - x, n, method=method)
    assert 0 <= here.low <= here.high <= 1
    assert here.low - 1e-12 <= x / n <= here.high + 1e-12
    assert (here.low, here.high) == pytest.approx((1 - there.high, 1 - there.low), abs=1e-9)


def test_the_exact_binomial_test_sums_the_counts_no_more_probable():
    n, p = 12, 0.3
    pmf = stats.binom.pmf(np.arange(n + 1), n, p)
    for x in range(n + 1):
        expected = pmf[pmf <= pmf[x] * (1 + 1e-7)].sum()
        assert st.binomial_test(x, n, p).p_value == pytest.approx(expected, abs=1e-9)


def test_33_of_50_already_passes_against_chance_and_46_tells_little_more():
    assert st.binomial_test(33, 50, 0.5).p_value < 0.05 < st.binomial_test(32, 50, 0.5).p_value
    assert st.binomial_test(46, 50, 0.5).p_value == pytest.approx(4e-10, rel=0.2)
    assert st.binomial_test(46, 50, 0.85).p_value == pytest.approx(0.23, abs=0.005)


def test_ppv_falls_to_eleven_percent_where_cancer_is_rare():
    values = st.predictive_values(0.92, 0.92, prevalence=0.011)
    assert round(values.ppv, 3) == 0.113
    people = 100_000
    sick = people * 0.011
    assert values.npv == pytest.approx(
        0.92 * (people - sick) / (0.92 * (people - sick) + 0.08 * sick), abs=1e-12
    )
    assert "0.113 (PPV)" in str(values)


def test_results_print_as_a_sentence():
    assert str(st.proportion_interval(46, 50, quantity="accuracy")) == (
        "accuracy 0.920, 95 % interval 0.812 to 0.968 (Wilson, 46 of 50)"
    )
    assert str(st.binomial_test(46, 50, 0.75)) == (
        "proportion minus 0.75 +0.170, p = 0.0047 (exact binomial; 46 of 50)"
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.proportion_interval(46.5, 50), "successes = 46.5"),
        (lambda: st.proportion_interval(51, 50), "successes = 51"),
        (lambda: st.proportion_interval(-1, 50), "successes = -1"),
        (lambda: st.proportion_interval(0, 0), "n = 0"),
        (lambda: st.proportion_interval("many", 50), "successes = 'many'"),
        (lambda: st.proportion_interval(float("nan"), 50), "successes = nan"),
        (lambda: st.proportion_interval(46, 50, confidence=95), "95 % is written 0.95"),
        (lambda: st.proportion_interval(46, 50, method="best"), "method = 'best'"),
        (lambda: st.binomial_test(46, 50, 75), "reference = 75"),
        (lambda: st.predictive_values(92, 0.9, prevalence=0.1), "sensitivity = 92"),
        (lambda: st.predictive_values(0.9, 920, prevalence=0.1), "specificity = 920"),
        (lambda: st.predictive_values(0.0, 1.0, prevalence=0.5), "ever positive"),
        (lambda: st.predictive_values(0.9, 0.9, prevalence=None), "prevalence = None"),
    ],
)
def test_bad_input_names_argument_and_value(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize(("x", "n"), [(46, 50), (3, 17), (0, 5), (7, 7)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_wilson_ends_of_whole_numbers_are_those_of_statsmodels(x, n, confidence):
    expected = proportion_confint(x, n, alpha=1 - confidence, method="wilson")
    assert wilson_ends(x / n, n, confidence) == pytest.approx(expected, abs=1e-12)


def test_wilson_ends_of_an_effective_number_solve_its_score_equation():
    for end in wilson_ends(0.83, 12.4, 0.9):
        z = abs(0.83 - end) / np.sqrt(end * (1 - end) / 12.4)
        assert z == pytest.approx(stats.norm.isf(0.05), abs=1e-9)


@pytest.mark.parametrize(("rates", "kind"), [((0, 1), "positive"), ((1, 0), "negative")])
def test_a_result_that_never_occurs_has_no_predictive_value(rates, kind):
    with pytest.raises(InputError, match=f"no result is ever {kind}"):
        st.predictive_values(*rates, prevalence=0.3)
    assert st.predictive_values(1, 1, prevalence=0.3).ppv == 1


def test_one_case_is_no_evidence_against_one_half():
    assert st.binomial_test(1, 1, 0.5).p_value == 1


def test_wilson_ends_of_many_proportions_are_those_of_each():
    p, n = np.array([0.0, 0.3, 0.95, 1.0]), np.array([3.0, 12.4, 50.0, 7.0])
    low, high = wilson_ends(p, n, 0.9)
    each = [wilson_ends(float(a), float(b), 0.9) for a, b in zip(p, n, strict=True)]
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == each
