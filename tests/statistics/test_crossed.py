"""Intervals over draws of training cases and test patients; what of an ECE is chance."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.statistics import crossed_interval, crossed_test
from medlib.statistics.binned_calibration import (
    chance_calibration_error,
    expected_calibration_error,
)

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
