"""Two classifiers on the same cases: tests by enumeration, intervals by their equations."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from medlib import statistics as st
from medlib.errors import InputError


def test_mcnemar_counts_all_ways_the_discordant_cases_could_have_fallen():
    for b, c in [(8, 0), (6, 1), (3, 3), (2, 7), (0, 0)]:
        falls = [sum(ways) for ways in itertools.product((0, 1), repeat=b + c)]
        extreme = np.abs(2 * np.array(falls) - (b + c)) >= abs(b - c)
        assert st.mcnemar_counts(b, c, n=50).p_value == pytest.approx(extreme.mean(), abs=1e-12)


def test_six_cases_one_way_are_the_least_that_can_be_significant():
    assert st.mcnemar_counts(5, 0, n=50).p_value > 0.05 > st.mcnemar_counts(6, 0, n=50).p_value
    against_38 = [st.mcnemar_counts(8 + c, c, n=50).p_value for c in range(5)]
    assert (round(against_38[0], 3), round(against_38[4], 3)) == (0.008, 0.077)


def test_mcnemar_of_predictions_counts_the_cases_only_one_got_right():
    labels = [0, 0, 0, 1, 1, 1, 1, 0]
    first = [0, 0, 1, 1, 1, 0, 1, 0]
    second = [1, 0, 1, 1, 0, 1, 0, 0]
    found = st.mcnemar_test(labels, first, second)
    assert found == st.mcnemar_counts(3, 1, n=8)
    assert str(found) == (
        "difference in accuracy +0.250, p = 0.62 (exact McNemar; 3 cases only the first got right, "
        "1 only the second, of 8)"
    )


def test_mcnemar_keeps_its_level_whatever_the_number_of_discordant_cases():
    for m in range(1, 40):
        p_values = [st.mcnemar_counts(b, m - b, n=50).p_value for b in range(m + 1)]
        assert stats.binom.pmf(np.arange(m + 1), m, 0.5)[np.array(p_values) < 0.05].sum() <= 0.05


tables = some.tuples(*[some.integers(0, 40)] * 4).filter(lambda t: sum(t) > 0)


@given(table=tables)
def test_tango_ends_solve_the_score_equation(table):
    _, b, c, _ = table
    n, found = sum(table), st.paired_difference_interval(*table)
    assert -1 <= found.low <= (b - c) / n <= found.high <= 1
    for end in (found.low, found.high):
        if -1 < end < 1:
            assert abs(st.tango_score(b, c, n, end)) == pytest.approx(1.959963984540054, abs=1e-6)


def test_the_score_uses_the_most_likely_shares_under_the_hypothesis():
    b, c, n, delta = 12, 4, 50, 0.1
    grid = np.linspace(1e-6, (1 - delta) / 2 - 1e-6, 400_001)  # share of c; that of b is + delta
    rest = 1 - 2 * grid - delta
    likelihood = b * np.log(grid + delta) + c * np.log(grid) + (n - b - c) * np.log(rest)
    q = grid[likelihood.argmax()]
    expected = (b - c - n * delta) / np.sqrt(n * (2 * q + delta * (1 - delta)))
    assert st.tango_score(b, c, n, delta) == pytest.approx(expected, abs=1e-4)


@given(table=tables, method=some.sampled_from(["tango", "newcombe"]))
def test_exchanging_the_classifiers_mirrors_the_interval(table, method):
    a, b, c, d = table
    here = st.paired_difference_interval(a, b, c, d, method=method)
    there = st.paired_difference_interval(a, c, b, d, method=method)
    assert (here.low, here.high) == pytest.approx((-there.high, -there.low), abs=1e-9)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [  # Newcombe 1998, Statist. Med. 17:2635, Table III, method 10
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((36, 14, 0, 0), 0.1528, 0.4167),
    ],
)
def test_newcombe_gives_the_intervals_of_his_paper(table, low, high):
    found = st.paired_difference_interval(*table, method="newcombe")
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("method", ["tango", "newcombe"])
def test_no_difference_of_proportions_is_beyond_1_however_small_the_confidence(method):
    for n in range(1, 12):
        one_way = {"method": method, "confidence": 0.8}  # the interval's end is at 1, not near it
        assert st.paired_difference_interval(0, n, 0, 0, **one_way).high == 1
        assert st.paired_difference_interval(0, 0, n, 0, **one_way).low == -1


def test_newcombe_joins_wilson_limits_with_the_corrected_correlation():
    both, only_a, only_b, neither = 40, 6, 2, 12
    first, second = st.proportion_interval(46, 60), st.proportion_interval(42, 60)
    phi = (40 * 12 - 6 * 2 - 60 / 2) / (46 * 14 * 42 * 18) ** 0.5
    x, y = 46 / 60 - first.low, second.high - 42 / 60
    expected = 4 / 60 - (x * x - 2 * phi * x * y + y * y) ** 0.5
    found = st.paired_difference_interval(both, only_a, only_b, neither, method="newcombe")
    assert found.low == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("method", "least"), [("tango", 0.935), ("newcombe", 0.935)])
def test_intervals_of_the_difference_cover_it(method, least):
    n, p_b, p_c, p_both = 50, 0.16, 0.08, 0.7
    rng = np.random.default_rng(1)
    draws = rng.multinomial(n, [p_both, p_b, p_c, 1 - p_both - p_b - p_c], size=2000)
    inside = [p_b - p_c in st.paired_difference_interval(*row, method=method) for row in draws]
    assert least <= np.mean(inside) <= 0.975


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.mcnemar_counts(3.5, 1, n=50), "only_a = 3.5"),
        (lambda: st.mcnemar_counts(30, 21, n=50), "only_b = 21"),
        (lambda: st.mcnemar_test([0, 1], [0, 1, 1], [0, 1]), "predicted_a has 3 values where 2"),
        (lambda: st.mcnemar_test([0, 1], [0, 1], [0.2, 0.9]), r"predicted_b\[0\] = 0.2"),
        (lambda: st.mcnemar_test([0, 1], [1, 1], [0, 1]), "predicted_a are all 1"),
        (lambda: st.mcnemar_test([0, 1], [0, 1], [0, 0]), "predicted_b are all 0"),
        (lambda: st.mcnemar_test([0, 1], [1, 0], [np.nan, 1]), r"predicted_b\[0\] = nan"),
        (lambda: st.paired_difference_interval(0, 0, 0, 0), r"neither = 0"),
        (lambda: st.paired_difference_interval(1, 2, -3, 4), "only_b = -3"),
        (lambda: st.paired_difference_interval(1, 2, 3, 4, method="wald"), "method = 'wald'"),
        (lambda: st.paired_difference_interval(1, 2, 3, 4, confidence=1), "confidence = 1"),
    ],
)
def test_bad_input_names_argument_and_value(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_where_only_one_is_ever_right_the_difference_may_be_1_and_is_no_less_than_mcnemars():
    found = st.paired_difference_interval(0, 6, 0, 0)
    assert found.estimate == found.high == 1
    assert st.tango_score(6, 0, 6, found.low) == pytest.approx(1.959963984540054, abs=1e-6)
    mirrored = st.paired_difference_interval(0, 0, 6, 0)
    assert (mirrored.low, mirrored.high) == pytest.approx((-1, -found.low))


def test_what_the_data_rule_out_for_certain_is_infinitely_far_away():
    """At a difference of 1 or -1 nothing varies: the score says whether that was seen."""
    assert st.tango_score(3, 1, 10, 1) == -np.inf
    assert st.tango_score(3, 1, 10, -1) == np.inf
    assert (st.tango_score(10, 0, 10, 1), st.tango_score(0, 10, 10, -1)) == (0, 0)


@pytest.mark.parametrize("delta", [-1.01, 1.01])
def test_no_difference_of_proportions_is_beyond_1(delta):
    with pytest.raises(InputError, match="no difference of proportions"):
        st.tango_score(3, 1, 10, delta)


def test_no_more_cases_can_be_discordant_than_there_are():
    with pytest.raises(InputError, match="only_b = 5"):
        st.tango_score(6, 5, 10, 0)


def test_mcnemars_statistic_is_the_smaller_count():
    assert st.mcnemar_counts(2, 7, n=50).statistic == st.mcnemar_counts(7, 2, n=50).statistic == 2


@pytest.mark.parametrize(
    ("table", "numerator"),
    [((5, 2, 2, 1), 0), ((2, 6, 4, 3), 2 * 3 - 6 * 4), ((9, 1, 2, 8), 9 * 8 - 1 * 2 - 20 / 2)],
)
def test_newcombe_takes_half_a_case_off_a_positive_correlation_alone(table, numerator):
    """Less n / 2 where positive but not below 0 (first table: 1 - 5), as it is where negative."""
    a, b, c, d = table
    n = sum(table)
    phi = numerator / ((a + b) * (c + d) * (a + c) * (b + d)) ** 0.5
    first, second = st.proportion_interval(a + b, n), st.proportion_interval(a + c, n)
    x, y = (a + b) / n - first.low, second.high - (a + c) / n
    found = st.paired_difference_interval(*table, method="newcombe")
    assert found.low == pytest.approx((b - c) / n - (x * x - 2 * phi * x * y + y * y) ** 0.5)
