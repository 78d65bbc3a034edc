"""Intervals over draws of training cases and test patients; what of an ECE is chance."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from medlib.errors import InputError
from medlib.statistics import crossed_auc, crossed_interval, crossed_test, proportion_interval
from medlib.statistics.binned_calibration import (
    chance_calibration_error,
    expected_calibration_error,
)
from medlib.statistics.out_of_fold_auc import case_shares

LABELS = np.arange(40) % 2


def table(draws=6, cases=40, seed=0):
    return (np.random.default_rng(seed).random((draws, cases)) < 0.8).astype(float)


def test_the_mean_weighs_both_classes_alike():
    labels = np.array([0] * 30 + [1] * 10)
    scores = np.tile(np.where(labels == 1, 1.0, 0.5), (3, 1))
    assert crossed_interval(scores, labels).estimate == pytest.approx(0.75)


def test_variance_is_that_of_the_two_way_layout():
    """By hand: draws' means / draws + patients' means / patients - what is in both."""
    scores = table()
    draws, cases = scores.shape
    rows = scores.mean(axis=1)
    centred = np.stack([scores[:, k == LABELS].mean(axis=1) for k in (0, 1)])[LABELS].T
    case = scores.mean(axis=0) - centred.mean(axis=0)
    rest = scores - centred - case
    more = cases / (cases - 1)
    columns = more * (case**2).sum() / cases**2
    both = more * (rest**2).sum() / cases**2 / (draws * (draws - 1))
    expected = max(rows.var(ddof=1) / draws + columns - both, columns, rows.var(ddof=1) / draws)
    found = crossed_test(scores, LABELS)
    assert (found.difference / found.statistic) ** 2 == pytest.approx(expected)


def test_images_of_one_patient_count_as_one():
    scores = table()
    copied, labels = np.repeat(scores, 5, axis=1), np.repeat(LABELS, 5)
    alone = crossed_interval(scores, LABELS)
    together = crossed_interval(copied, labels, np.repeat(np.arange(40), 5))
    assert together.width == pytest.approx(alone.width, rel=1e-6)
    assert crossed_interval(copied, labels).width < alone.width


def test_draws_that_share_patients_give_a_wider_interval():
    scores = table(seed=1) * np.linspace(0.5, 1, 6)[:, None]
    assert (
        crossed_interval(scores, LABELS, shared=0.7).width > crossed_interval(scores, LABELS).width
    )


def test_the_gap_is_training_less_test_draw_by_draw():
    scores = table()
    own = np.linspace(0.9, 1, 6)
    found = crossed_test(scores, LABELS, training=own)
    assert found.difference == pytest.approx((own - scores.mean(axis=1)).mean())
    assert crossed_test(scores * 0, LABELS).p_value == 1


@pytest.mark.parametrize("scores", [np.ones((5, 40)), np.tile(LABELS, (5, 1))])
def test_where_nothing_varied_the_interval_is_that_of_as_many_patients(scores):
    found = crossed_interval(scores, LABELS)
    exact = proportion_interval(int(scores[0].sum()), 40)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    gap = crossed_test(scores, LABELS, training=np.full(5, 0.9))
    assert gap.interval.width == 0
    assert "no width" in gap.caution


def test_an_accuracy_near_one_is_held_nineteen_times_in_twenty():
    """Patients and draws differ; Student's t held it in 78 of 100 such studies."""
    rng, studies = np.random.default_rng(3), 200
    effects = 7.91 + 2 * rng.standard_normal((studies, 20, 1)) + 2 * rng.standard_normal(
        (studies, 1, 40))  # fmt: skip
    right = rng.random(effects.shape) < expit(effects)
    true = expit(7.91 + np.sqrt(8) * rng.standard_normal(10**6)).mean()
    assert true == pytest.approx(0.99, abs=0.004)
    held = [true in crossed_interval(each, LABELS) for each in right]
    assert np.mean(held) > 0.93


def test_scores_beyond_a_share_have_students_ends():
    scores = 3 * table() - 1
    found, same = crossed_interval(scores, LABELS), crossed_test(scores, LABELS).interval
    assert (found.low, found.high) == (same.low, same.high)


@pytest.mark.parametrize(
    ("scores", "more", "said"),
    [(table(1), {}, "two draws"), (table(cases=39), {}, "39"), (table(), {"shared": 1}, "took all"),
     (table(), {"training": [1.0]}, "1 values for 6 draws"),
     (table(), {"groups": np.where(LABELS, 0, np.arange(40))}, "one patient of a class")],
)  # fmt: skip
def test_what_has_no_interval_is_refused(scores, more, said):
    with pytest.raises(InputError, match=said):
        crossed_test(scores, LABELS, **more)


def test_ece_by_hand_and_its_bias():
    assert expected_calibration_error([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75]) == pytest.approx(0.25)
    few, many = (chance_calibration_error(np.full(n, 0.5), seed=0) for n in (10, 1000))
    exact = sum(abs(k / 10 - 0.5) * p for k, p in enumerate(
        [1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1])) / 1024  # fmt: skip
    assert few == pytest.approx(exact, abs=0.01)  # labels of a coin are never evenly shared
    assert many < few / 5


def test_one_probability_for_all_has_an_ece_and_bins_need_no_memory():
    assert expected_calibration_error(LABELS, np.full(40, 0.75)) == pytest.approx(0.25)
    many = expected_calibration_error(LABELS, np.linspace(0, 1, 40), bins=10**8)
    assert many == pytest.approx(np.abs(LABELS - np.linspace(0, 1, 40)).mean())


@pytest.mark.parametrize(("p", "n"), [(0.3, 50), (0.05, 120), (0.9, 8)])
def test_the_ece_of_chance_is_the_mean_deviation_of_a_binomial(p, n):
    k = np.arange(n + 1)
    exact = (stats.binom.pmf(k, n, p) * np.abs(k / n - p)).sum()
    found = chance_calibration_error(np.full(n, p), replicates=40_000, seed=1)
    assert found == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("scores", [["a"], [0.2, np.nan], [1.5, 0.5], [], [[0.5]]])
def test_what_are_no_probabilities_are_refused(scores):
    with pytest.raises(InputError):
        chance_calibration_error(scores)


def test_of_more_than_two_classes_all_weigh_the_same():
    labels = np.repeat([0, 1, 2], [20, 10, 5])
    scores = np.tile(np.array([1.0, 0.5, 0.0])[labels], (3, 1))
    assert crossed_interval(scores, labels).estimate == pytest.approx(0.5)
    with pytest.raises(InputError, match="each of 0, 1, 2"):
        crossed_interval(scores, np.where(labels == 1, 3, labels))


def test_the_interval_holds_the_accuracy_of_four_classes():
    """400 simulated studies: draws and patients both vary, each class with a rate of its own."""
    labels, rate = np.arange(80) % 4, np.array([0.5, 0.6, 0.7, 0.8])
    rng, inside = np.random.default_rng(4), 0
    for _ in range(400):
        chance = rate[labels] + rng.normal(0, 0.15, 80) + rng.normal(0, 0.05, (8, 1))
        scores = (rng.random((8, 80)) < chance).astype(float)
        found = crossed_interval(scores, labels)
        inside += found.low <= rate.mean() <= found.high
    assert 0.91 <= inside / 400 <= 0.99


def areas(draws, cases, apart, seed=0):
    """Shares in the AUC of simulated scores: draws x cases, with their labels."""
    rng, labels = np.random.default_rng(seed), np.arange(cases) % 2
    own = rng.normal(size=cases) + apart * labels
    scores = own + 0.5 * rng.normal(size=(draws, cases))
    return np.array([case_shares(labels == 1, each) for each in scores]), labels


def test_an_auc_near_one_has_ends_within_0_and_1_and_the_lower_one_reaches_farther():
    shares, labels = areas(5, 24, 3.0)
    found = crossed_auc(shares, labels)
    assert found.estimate == pytest.approx(shares.mean())
    assert 0 < found.low < found.estimate < found.high < 1
    assert found.estimate - found.low > 2 * (found.high - found.estimate)
    assert crossed_test(shares, labels).interval.high > 1  # t does not know of the limit


def test_scores_that_never_err_leave_room_for_those_that_do():
    shares, labels = areas(5, 24, 30.0)
    found = crossed_auc(shares, labels)
    assert found.estimate == pytest.approx(1)
    assert 0.7 < found.low < 0.95
    assert found.high == pytest.approx(1)


def test_equal_scores_have_an_auc_of_one_half_and_a_caution():
    shares = np.full((3, 20), 0.5)
    found = crossed_auc(shares, np.arange(20) % 2)
    assert (found.low, found.estimate, found.high) == (0.5, 0.5, 0.5)
    assert "no width" in found.caution


def test_the_auc_of_two_classes_is_held_as_often_as_it_says():
    truth = stats.norm.cdf(2 / np.sqrt(2 * 1.25))
    held = [crossed_auc(*areas(5, 30, 2.0, seed)) for seed in range(200)]
    assert np.mean([each.low <= truth <= each.high for each in held]) >= 0.91
