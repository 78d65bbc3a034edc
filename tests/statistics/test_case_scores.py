"""Intervals of means and medians of case scores: closed forms, and how often they hold."""

from math import comb

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.statistics.case_scores import (
    WAYS,
    coverage,
    mean_t,
    median_by_ranks,
    median_interval,
)


@pytest.mark.parametrize("n", [6, 9, 10, 25, 60])
def test_ranks_hold_the_median_as_often_as_coins_say(n):
    """P(held) = P(k <= heads < n - k + 1) of n coins: at least 95 %, and k + 1 would be less."""
    low, _ = median_by_ranks(np.arange(1.0, n + 1), 0.95)
    k = int(low)

    def held(k):
        return sum(comb(n, heads) for heads in range(k, n - k + 1)) / 2**n

    assert held(k) >= 0.95
    assert held(k + 1) < 0.95


def test_t_of_a_sample_known_by_hand():
    low, high = mean_t(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.95)
    assert (low, high) == (pytest.approx(3 - 1.9632, abs=1e-3), pytest.approx(3 + 1.9632, abs=1e-3))


def test_the_basic_bootstrap_of_a_median_does_not_hold_and_ranks_do():
    found = coverage(20, studies=400, seed=1).set_index(["population", "way"])
    for population in found.index.levels[0]:
        assert found.high[population, "median: basic bootstrap"] < 0.93
        assert found.high[population, "median: ranks"] > 0.95


def test_every_way_is_counted_in_every_population():
    found = coverage(8, studies=20)
    assert len(found) == 3 * len(WAYS)
    assert found.held.between(0, 1).all()


def test_too_few_scores_have_no_interval_of_the_median():
    with pytest.raises(InputError, match="5 scores have no 95%"):
        median_interval([0.5, 0.6, 0.7, 0.8, 0.9])
    span = median_interval([0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    assert (span.estimate, span.low, span.high) == (pytest.approx(0.75), 0.5, 0.95)
