"""DeLong's interval and test, against pair-by-pair counting."""

import numpy as np
import pytest
from scipy.stats import norm

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics import auc


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
    assert 0.9 < found.low < 0.95
    mirrored = st.auc_interval(1 - labels, labels + np.linspace(0, 0.5, 55))
    assert (mirrored.low, mirrored.high) == pytest.approx((0, 1 - found.low), abs=1e-12)


def one_positive_falls(n1, n0):
    """Studies in which one positive sinks below one negative after another."""
    labels, negative = np.repeat([1, 0], [n1, n0]), np.arange(n0)
    for below in range(n0 + 1):
        fallen = n0 - below - 0.5
        yield labels, np.concatenate([[fallen], n0 + np.arange(n1 - 1), negative])


def classes_approach(n1, n0):
    """Studies of normal quantiles whose distance shrinks."""
    labels = np.repeat([1, 0], [n1, n0])
    positive, negative = (norm.ppf((np.arange(n) + 0.5) / n) for n in (n1, n0))
    for distance in np.arange(6, 1, -0.05):
        yield labels, np.concatenate([positive + distance, negative])


def pairs_change_places(n1, n0):
    """Studies in each of which one more pair of neighbours is out of order."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [n0, n1])
    for _ in range(n1 * n0 // 10):
        yield labels.copy(), np.arange(n1 + n0)
        at = rng.choice(np.flatnonzero(np.diff(labels) == 1))
        labels[at : at + 2] = 1, 0


@pytest.mark.parametrize("path", [one_positive_falls, classes_approach, pairs_change_places])
@pytest.mark.parametrize("n", [25, 50])
def test_the_lower_end_does_not_rise_as_the_auc_falls(path, n):
    found = [st.auc_interval(*study) for study in path(n, n)]
    lows = [interval.low for interval in found if interval.estimate > 0.9]
    assert found[0].estimate == 1
    assert (np.diff(lows) <= 1e-9).all()
    mirrored = [st.auc_interval(1 - labels, scores) for labels, scores in path(n, n)]
    highs = [1 - interval.high for interval in mirrored if interval.estimate < 0.1]
    assert highs == pytest.approx(lows, abs=1e-9)


@pytest.mark.parametrize("path", [one_positive_falls, classes_approach, pairs_change_places])
@pytest.mark.parametrize("sizes", [(10, 10), (10, 40), (40, 10)])
def test_in_small_or_unequal_classes_it_rises_by_no_more_than_the_second_digit(path, sizes):
    found = [st.auc_interval(*study) for study in path(*sizes)]
    lows = [interval.low for interval in found if interval.estimate > 0.9]
    assert np.diff(lows).max() < 0.02


@pytest.mark.parametrize(("area", "n1", "n0"), [(0.998, 25, 25), (0.98, 10, 40), (1.0, 25, 25)])
def test_score_ends_lie_z_of_their_own_standard_errors_from_the_area(area, n1, n0):
    for end in auc.score_ends(area, n1, n0, 0.95):
        others = (n1 + n0) / 2 - 1
        variance = end * (1 - end) / (n1 * n0)
        variance *= 1 + others * ((1 - end) / (2 - end) + end / (1 + end))
        assert abs(end - area) == pytest.approx(1.959963984540054 * variance**0.5, abs=1e-6)


def test_near_1_the_interval_still_covers_the_true_auc():
    truth, n, rng = 0.99, 50, np.random.default_rng(11)
    labels = np.repeat([1, 0], n)
    inside = [
        truth in st.auc_interval(labels, np.concatenate(pair))  # of exponential scores
        for pair in zip(rng.exponential(99, (600, n)), rng.exponential(1, (600, n)), strict=True)
    ]
    assert np.mean(inside) > 0.93  # without drawing out it is 0.88


@pytest.mark.parametrize(("out_of_order", "share"), [(5, 1.0), (10, 0.85), (15, 0.65)])
def test_ends_are_drawn_out_to_newcombes_from_95_percent_on_and_wholly_from_99(out_of_order, share):
    labels = np.repeat([0, 1], 25)
    scores = np.arange(50.0)
    scores[25 : 25 + out_of_order // 5] = 19.5  # each below five negatives
    found = st.auc_interval(labels, scores)
    assert found.estimate == pytest.approx(1 - out_of_order / 625)
    _, covariance = delong_covariance(labels, scores)
    plain = auc.around(found.estimate, covariance[0, 0] ** 0.5, 0.95, "logit")
    newcombe = auc.score_ends(found.estimate, 25, 25, 0.95)
    outward = min(newcombe[0] - plain[0], 0), max(newcombe[1] - plain[1], 0)
    ends = [end + share * by for end, by in zip(plain, outward, strict=True)]
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-9)


def test_no_end_is_drawn_inwards():
    """One positive below all negatives makes DeLong's interval wider than Newcombe's."""
    labels, scores = np.repeat([1, 0], 25), np.r_[-1.0, np.full(24, 1.0), np.zeros(25)]
    found = st.auc_interval(labels, scores)
    _, covariance = delong_covariance(labels, scores)
    assert found.estimate == pytest.approx(0.96)
    assert found.low == pytest.approx(auc.around(0.96, covariance[0, 0] ** 0.5, 0.95, "logit")[0])
    assert found.low < auc.score_ends(0.96, 25, 25, 0.95)[0] - 0.05


def test_the_placements_of_either_class_have_the_auc_as_mean():
    labels, scores = study(2)
    area = kernel(labels, scores).mean()
    for side in auc.placements(labels == 1, scores):
        assert side.mean() == pytest.approx(area)


def test_two_positives_that_change_places_leave_the_auc_but_not_every_certainty():
    labels, first = np.repeat([0, 1], 4), np.array([0.0, 2, 4, 6, 1, 3, 5, 7])
    second = first[[0, 1, 2, 3, 5, 4, 6, 7]]
    found = st.delong_test(labels, first, second)
    assert (found.difference, found.p_value) == (0, 1)
    assert found.interval.low < 0 < found.interval.high


def test_no_linear_end_lies_outside_0_to_1():
    labels, scores = [0, 0, 0, 1, 1, 1], [2, 4, 5, 3, 1, 0]  # 1 of 9 pairs in order
    low = st.auc_interval(labels, scores, scale="linear")
    high = st.auc_interval(labels, np.negative(scores), scale="linear")
    assert (low.low, high.high) == (0, 1)
    assert (low.high, high.low) == pytest.approx((1 - high.low, high.low))


def test_p_of_a_difference_is_two_sided_and_below_0_05_where_the_interval_leaves_0_out():
    labels, first = study(0)
    for seed in range(100, 110):
        second = study(seed, shift=0.3)[1]
        found, turned = st.delong_test(labels, first, second), st.delong_test(labels, second, first)
        assert found.p_value == pytest.approx(2 * norm.cdf(-abs(found.statistic)))
        assert found.p_value == pytest.approx(turned.p_value)
        assert (found.p_value < 0.05) == (0 not in found.interval)


def test_below_95_percent_nothing_is_drawn_out():
    labels, scores = study(0, shift=2.0)
    found = st.auc_interval(labels, scores)
    assert 0.85 < found.estimate < 0.95
    assert found.method == "DeLong, logit scale"


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
        ([0, 1, 0, 1], [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]], "in a flat list"),
        ([0, 1, 0, 1], [[0.1, 0.2, 0.3, 0.4], [0.1, 0.2]], "not a number"),
        ([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4], "1 positive and 3 negative"),
        ([0, 1, 1, 1], [0.1, 0.2, 0.3, 0.4], "3 positive and 1 negative"),
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


@pytest.mark.parametrize("positive", [[5, 6, 7, 8], [0, 1, 2, 8], [5, 4.5, 6, 3]])
def test_next_to_no_confidence_leaves_the_auc_seen(positive):
    found = st.auc_interval([0] * 4 + [1] * 4, [1, 2, 3, 4, *positive], confidence=1e-9)
    assert found.low == pytest.approx(found.estimate) == found.high


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_interval_of_a_difference_is_z_standard_errors_on_either_side(confidence):
    labels, first = study(3)
    second = study(4, shift=0.5)[1]
    area, covariance = delong_covariance(labels, first, second)
    se = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = st.delong_test(labels, first, second, confidence=confidence).interval
    z = norm.isf((1 - confidence) / 2)
    ends = area[0] - area[1] + np.array([-z, z]) * se
    assert (found.low, found.high) == pytest.approx(tuple(ends))


def test_two_models_of_one_ranking_are_said_to_be_so():
    labels, scores = study(5)
    assert "same ranking" in str(st.delong_test(labels, scores, 2 * scores))
