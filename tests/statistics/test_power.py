"""How many cases, by listing all that can happen; which of many tests remain."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics import power


def mcnemar_power_by_listing(n, p_b, p_c, alpha=0.05):
    """Return the power, summed over every pair of discordant counts."""
    power = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            m, least = b + c, min(b, c)
            tail = 2 * sum(comb(m, k) for k in range(least + 1)) / 2**m
            if m and tail <= alpha:
                ways = comb(n, b) * comb(n - b, c)
                power += ways * p_b**b * p_c**c * (1 - p_b - p_c) ** (n - m)
    return power


@pytest.mark.parametrize(
    ("n", "p_b", "p_c"),
    [(50, 0.2, 0.04), (30, 0.3, 0.1), (20, 0.1, 0.1), (12, 0.9, 0.1), (7, 1, 0)],
)
def test_power_of_mcnemar_is_the_sum_over_all_tables(n, p_b, p_c):
    expected = mcnemar_power_by_listing(n, p_b, p_c)
    assert st.power_mcnemar(n, p_b, p_c).power == pytest.approx(expected, abs=1e-9)


def test_power_counts_a_p_value_on_alpha_and_the_unlikely_case_of_two_discordant():
    assert st.power_mcnemar(5, 1, 0, alpha=1 / 16).power == pytest.approx(1)  # p = 2 / 2^5
    expected = mcnemar_power_by_listing(10, 0.001, 0, alpha=0.5)
    assert st.power_mcnemar(10, 0.001, 0, alpha=0.5).power == pytest.approx(expected, abs=1e-9)


def test_power_of_mcnemar_is_how_often_the_test_rejects():
    draws = np.random.default_rng(1).multinomial(50, [0.2, 0.06, 0.74], size=4000)
    rejects = np.mean([st.mcnemar_counts(b, c, n=50).p_value <= 0.05 for b, c, _ in draws])
    assert st.power_mcnemar(50, 0.2, 0.06).power == pytest.approx(rejects, abs=0.025)


def test_the_sample_size_of_mcnemar_reaches_its_power_and_keeps_it():
    found = st.sample_size_mcnemar(0.16, 0.04)
    powers = [st.power_mcnemar(n, 0.16, 0.04).power for n in range(1, found.n + 60)]
    assert powers[found.n - 2] < 0.8
    assert min(powers[found.n - 1 :]) >= 0.8
    assert found.reached == pytest.approx(powers[found.n - 1], abs=1e-12)


def test_where_models_hardly_ever_disagree_the_search_goes_on_until_the_power_is_reached():
    found = st.sample_size_mcnemar(0.01, 0.0, power=0.3, alpha=0.01)  # no n up to 396 is enough
    powers = [st.power_mcnemar(n, 0.01, 0.0, alpha=0.01).power for n in (found.n - 1, found.n)]
    assert powers[0] < 0.3 <= powers[1]


def test_a_size_counts_from_which_power_never_falls_below_the_aim_again():
    teeth = {6: 0.8, 7: 0.79, 8: 0.8, 9: 0.8}

    def power_of(sizes):
        return np.array([teeth.get(n, 0.5 if n < 6 else 0.9) for n in sizes])

    assert power.stays_at(0.8, range(1, 10), power_of) == (8, 0.8)
    assert power.stays_at(0.8, range(1, 5), power_of) == (8, 0.8)  # none of these: it looks on
    assert power.stays_at(0.8, range(8, 10), power_of) == (8, 0.8)


def test_power_in_a_large_study_leaves_no_likely_number_of_discordant_cases_out():
    n, only_a, only_b = 2000, 0.06, 0.04
    m = np.arange(n + 1)
    least = stats.binom.ppf(0.025, m, 0.5) - 1  # at least one below: found by trying both
    least = np.where(stats.binom.cdf(least + 1, m, 0.5) <= 0.025, least + 1, least)
    rejects = stats.binom.cdf(least, m, 0.6) + stats.binom.cdf(least, m, 0.4)
    expected = stats.binom.pmf(m, n, 0.1) @ rejects
    assert st.power_mcnemar(n, only_a, only_b).power == pytest.approx(expected, abs=1e-9)


def test_two_groups_are_told_apart_as_well_whichever_comes_first():
    here, there = (st.power_two_proportions(50, *p).power for p in [(0.92, 0.75), (0.75, 0.92)])
    assert here == pytest.approx(there)
    as_documented = st.power_two_proportions(50, 0.5, 0.75)  # R's example of power.prop.test
    assert as_documented.power == pytest.approx(0.740, abs=5e-4)


def test_an_approximate_size_is_connors():
    reject, find = 1.959963984540054 * 0.2**0.5, 0.8416212335729143 * (0.2 - 0.12**2) ** 0.5
    expected = ((reject + find) / 0.12) ** 2
    assert power._connor(0.16, 0.04, 0.8, 0.05) == pytest.approx(expected)


def test_fifty_cases_see_only_large_differences():
    smallest = st.detectable_difference(50, 0.2)
    at = [st.power_mcnemar(50, (0.2 + d) / 2, (0.2 - d) / 2).power for d in (smallest, 0.08)]
    assert at[0] == pytest.approx(0.8, abs=1e-9)
    assert smallest > 0.15
    assert at[1] < 0.3
    with pytest.raises(InputError, match=r"discordant = 0\.05 never reach"):
        st.detectable_difference(50, 0.05)


def test_two_percent_around_92_needs_707_cases():
    found = st.sample_size_for_interval(0.92, 0.02)
    assert found.n == 707
    assert found.reached <= 0.02
    assert str(found).startswith("n = 707 cases for 0.92 +- 0.02 at 95 % (wald)")


@pytest.mark.parametrize(
    ("method", "rate", "aim"),
    [
        ("wilson", 0.9, 0.05),
        ("clopper-pearson", 0.9, 0.05),
        ("jeffreys", 0.9, 0.05),
        ("clopper-pearson", 0.99, 0.02),  # nearly twice the textbook's
    ],
)
def test_sample_sizes_of_other_intervals_are_the_first_that_stay_narrow(method, rate, aim):
    found = st.sample_size_for_interval(rate, aim, method=method)

    def half(n):
        return st.proportion_interval(round(rate * n), n, method=method).width / 2

    assert half(found.n - 1) > aim
    assert all(half(n) <= aim for n in range(found.n, found.n + 300))
    assert found.reached == pytest.approx(half(found.n))


def test_large_studies_are_answered_quickly_and_absurd_ones_refused():
    found = st.sample_size_mcnemar(0.06, 0.05)
    assert st.power_mcnemar(found.n, 0.06, 0.05).power >= 0.8
    assert st.power_mcnemar(int(0.98 * found.n), 0.06, 0.05).power < 0.8
    with pytest.raises(InputError, match="needs about"):
        st.sample_size_mcnemar(0.0501, 0.05)


def test_power_grows_with_cases_and_results_print_as_a_sentence():
    powers = [st.power_two_proportions(n, 0.92, 0.75).power for n in (10, 25, 50, 100, 200)]
    assert powers == sorted(powers)
    assert str(st.power_mcnemar(50, 0.2, 0.04)) == (
        "with n = 50, the exact McNemar test at 0.05 finds 0.2 against 0.04 of cases only one gets "
        f"right with probability {mcnemar_power_by_listing(50, 0.2, 0.04):.3f}"
    )


p_lists = some.lists(some.floats(0, 1), min_size=1, max_size=12)


@given(p_values=p_lists)
def test_holm_steps_down_and_benjamini_hochberg_up(p_values):
    order = np.argsort(p_values, kind="stable")
    ranked, m = np.array(p_values)[order], len(p_values)
    holm = np.minimum(1, np.maximum.accumulate((m - np.arange(m)) * ranked))
    steps = m * ranked / np.arange(1, m + 1)
    hochberg = np.minimum(1, np.minimum.accumulate(steps[::-1])[::-1])
    assert np.array(st.holm(p_values).adjusted)[order] == pytest.approx(holm, abs=1e-9)
    assert np.array(st.benjamini_hochberg(p_values).adjusted)[order] == pytest.approx(
        hochberg, abs=1e-9
    )


def test_holm_makes_false_alarms_no_more_often_than_promised():
    runs = np.random.default_rng(2).random((2000, 5))
    assert np.mean([any(st.holm(p).rejected) for p in runs]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([any(p <= 0.05 for p in row) for row in runs]) > 0.18
    assert str(st.holm([0.01, 0.04, 0.2])) == "1 of 3 tests remain at 0.05 after Holm (2 before)"


@pytest.mark.parametrize("adjust", [st.holm, st.benjamini_hochberg])
def test_a_p_value_on_alpha_remains_and_one_above_it_does_not(adjust):
    on, above = adjust([0.05]), adjust([0.05 + 1e-9])
    assert (on.alpha, on.rejected, above.rejected) == (0.05, (True,), (False,))
    assert str(on).startswith("1 of 1 tests remain at 0.05")
    assert str(on).endswith("(1 before)")
    assert str(above).endswith("(0 before)")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.holm([0.1, 1.2]), r"p_values\[1\] = 1.2"),
        (lambda: st.benjamini_hochberg([0.1, np.nan]), r"p_values\[1\] = nan"),
        (lambda: st.holm([]), "p_values has shape"),
        (lambda: st.holm([0.1], alpha=5), "5 % is written 0.05"),
        (lambda: st.sample_size_for_interval(92, 0.02), "92 % is written 0.92"),
        (lambda: st.sample_size_for_interval(0.92, 0), "half_width = 0"),
        (lambda: st.power_mcnemar(50.5, 0.2, 0.1), "n = 50.5"),
        (lambda: st.power_mcnemar(50, 0.7, 0.6), "only_a \\+ only_b = 1.3"),
        (lambda: st.power_mcnemar(50, 0, 0), "only_a \\+ only_b = 0"),
        (lambda: st.sample_size_mcnemar(0.1, 0.1), "only_a = only_b = 0.1"),
        (lambda: st.sample_size_mcnemar(0.1, 0.2, power=80), "80 % is written 0.8"),
        (lambda: st.power_two_proportions(50, 1, 1), "leave no chance"),
        (lambda: st.detectable_difference(50, 1.5), "discordant = 1.5"),
        (lambda: st.detectable_difference(50, 0.2, power=0.01), "reached without any difference"),
        (lambda: st.sample_size_for_interval(0.5, 1e-3, method="wilson"), "needs about 9.6e"),
    ],
)
def test_bad_input_names_argument_and_value(call, words):
    with pytest.raises(InputError, match=words):
        call()
