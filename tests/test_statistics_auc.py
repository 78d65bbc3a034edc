"""DeLong's interval and test, against pair-by-pair counting."""

import numpy as np
import pytest

from medlib import statistics as st
from medlib.errors import InputError


def study(seed, n1=30, n0=40, shift=1.0, digits=1):
    """Return simulated labels and scores, rounded so that there are ties."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [n1, n0])
    return labels, np.round(rng.normal(shift * labels), digits)


def kernel(labels, scores):
    """Return for each pair (positive, negative) 1, 1/2 or 0."""
    gap = scores[labels == 1][:, None] - scores[labels == 0][None]
    return (gap > 0) + 0.5 * (gap == 0)


def delong_covariance(labels, *scores):
    """Return AUCs and their covariance by the formulas of the paper, pair by pair."""
    k = np.stack([kernel(labels, s) for s in scores])
    v10, v01 = k.mean(axis=2), k.mean(axis=1)
    area = k.mean(axis=(1, 2))
    n1, n0 = k.shape[1:]
    s10 = (v10 - area[:, None]) @ (v10 - area[:, None]).T / (n1 - 1)
    s01 = (v01 - area[:, None]) @ (v01 - area[:, None]).T / (n0 - 1)
    return area, s10 / n1 + s01 / n0


@pytest.mark.parametrize("seed", range(5))
def test_linear_interval_is_the_formula_counted_pair_by_pair(seed):
    labels, scores = study(seed)
    area, covariance = delong_covariance(labels, scores)
    found = st.auc_interval(labels, scores, scale="linear")
    half = 1.959963984540054 * np.sqrt(covariance[0, 0])
    assert found.estimate == pytest.approx(area[0], abs=1e-12)
    ends = (max(0, area[0] - half), min(1, area[0] + half))
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-9)


def test_logit_interval_is_the_delta_method_on_log_odds():
    labels, scores = study(1)
    (area,), covariance = delong_covariance(labels, scores)
    found = st.auc_interval(labels, scores)
    logit = np.log(area / (1 - area))
    half = 1.959963984540054 * np.sqrt(covariance[0, 0]) / (area * (1 - area))
    ends = 1 / (1 + np.exp(-np.array([logit - half, logit + half])))
    assert (found.low, found.high) == pytest.approx(tuple(ends), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_repeats_give_the_mean_of_their_aucs_and_the_variance_of_that_mean(seed):
    labels, first = study(seed)
    rows = [first, *(first + study(seed + k)[1] for k in (100, 200))]
    area, covariance = delong_covariance(labels, *rows)
    found = st.auc_interval(labels, rows, scale="linear")
    half = 1.959963984540054 * np.sqrt(covariance.mean())  # of a mean of three correlated AUCs
    assert found.estimate == pytest.approx(area.mean(), abs=1e-12)
    assert found.high - found.low == pytest.approx(2 * half, abs=1e-9)
    assert "3 repeats" in found.basis


def test_the_same_scores_twice_tell_no_more_than_once():
    labels, scores = study(3)
    once, twice = st.auc_interval(labels, scores), st.auc_interval(labels, [scores, scores])
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_two_aucs_are_compared_with_their_covariance(seed):
    labels, first = study(seed)
    second = first + study(seed + 100)[1]
    area, covariance = delong_covariance(labels, first, second)
    found = st.delong_test(labels, first, second)
    z = (area[0] - area[1]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.statistic == pytest.approx(z, abs=1e-9)
    assert found.difference == pytest.approx(area[0] - area[1], abs=1e-12)
    assert st.delong_test(labels, second, first).p_value == pytest.approx(found.p_value, abs=1e-12)


def test_the_interval_covers_the_true_auc():
    truth = 0.8413447460685429  # Phi(sqrt(2) / sqrt(2)): normal scores sqrt(2) apart
    inside = [
        truth in st.auc_interval(*study(seed, 25, 25, shift=np.sqrt(2), digits=12))
        for seed in range(1500)
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_perfect_ranking_of_a_few_cases_is_not_certainty():
    labels = np.repeat([0, 1], [30, 25])
    found = st.auc_interval(labels, labels + np.linspace(0, 0.5, 55))
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 25), abs=1e-12)
    mirrored = st.auc_interval(1 - labels, labels + np.linspace(0, 0.5, 55))
    assert (mirrored.low, mirrored.high) == pytest.approx((0, 1 - found.low), abs=1e-12)


def test_any_increasing_change_of_scores_leaves_the_comparison_unchanged():
    labels, first = study(3)
    second = study(4)[1]
    same = st.delong_test(labels, np.exp(first), second)
    assert same == st.delong_test(labels, first, second)
    identical = st.delong_test(labels, first, np.exp(first))
    assert (identical.p_value, identical.difference) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("labels", "scores", "words"),
    [
        ([0, 1, 0, 1], [0.1, np.nan, 0.2, 0.3], r"scores\[1\] = nan"),
        ([0, 1, 0, 1], [0.1, np.inf, 0.2, 0.3], r"scores\[1\] = inf"),
        ([0, 1, 0, 1], [0.5] * 4, "scores are all 0.5"),
        ([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4], "labels are all 1"),
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], "labels are all 0"),
        ([0, 1, 0, 2], [0.1, 0.2, 0.3, 0.4], r"labels\[3\] = 2"),
        ([0, 1, 0, 1], [0.1, 0.2, 0.3], "scores has 3 values where 4"),
        ([0, 1, 0, 1], [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, np.nan]], r"scores\[3\] = nan"),
        ([0, 1, 0, 1], [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2]], "not a number"),
        ([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4], "1 positive and 3 negative"),
        ([], [], "labels has shape"),
        (["a", "b"], [0.1, 0.2], "not a number"),
    ],
)
def test_bad_input_names_argument_and_value(labels, scores, words):
    with pytest.raises(InputError, match=words):
        st.auc_interval(labels, scores)


def test_a_difference_without_variance_is_refused():
    labels = np.array([0, 0, 1, 1])
    with pytest.raises(InputError, match="no variance"):
        st.delong_test(labels, [1, 2, 3, 4], [4, 3, 2, 1])
    with pytest.raises(InputError, match="scale = 'cubic'"):
        st.auc_interval(labels, [1, 3, 2, 4], scale="cubic")
