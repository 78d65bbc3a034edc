"""Equally good learners: what tests find between them are false alarms, counted by test."""

import numpy as np
import pandas as pd
import pytest

from medlib import laboratory
from medlib.statistics import batches

LABELS = np.repeat([0, 1], 15)


@pytest.fixture(scope="module")
def pairs():
    return laboratory.equal_pairs(LABELS, 400, np.random.default_rng(0))


def dealt(repeats, seed=1):
    return batches.deal(LABELS, folds=5, repeats=repeats, rng=np.random.default_rng(seed))


def test_the_two_of_a_pair_are_right_equally_often(pairs):
    for name, pair in pairs.items():
        first, second = laboratory.judge(pair, LABELS, dealt(1))
        assert first.shape == (400, 1, 30), name
        assert 0.6 < first.mean() < 0.98, name
        error = np.sqrt(2 * first.mean(axis=(1, 2)).var() / 400)
        assert abs(first.mean() - second.mean()) < 4 * error, name


def test_learners_that_share_features_see_the_same_ones_and_noise_of_their_own(pairs):
    first, second = pairs["discriminant, shared features"][1]
    assert np.array_equal(first[..., :5], second[..., :5])
    assert not (first[..., 5:] == second[..., 5:]).any()


def test_judging_is_the_cross_validation_of_each_learner(pairs):
    learner, seen = pairs["nearest mean, separate features"]
    both = laboratory.judge((learner, seen), LABELS, dealt(2))
    for right, x in zip(both, seen, strict=True):
        assert np.array_equal(right, batches.out_of_fold_correct(learner, x, LABELS, dealt(2)))


def test_each_patient_is_shown_to_the_two_learners_by_one_scan_each():
    scans = np.stack([np.arange(12.0), 100 + np.arange(12.0)])[..., None]
    labels = np.repeat([0, 1], [8, 4])
    rng = np.random.default_rng(2)
    seen, halves = laboratory.two_scans(scans, labels, per_class=5, runs=50, rng=rng)
    assert seen.shape == (2, 50, 8, 1)  # all four of the smaller class
    assert halves.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    patients = seen % 100
    assert np.array_equal(patients[0], patients[1])
    assert np.array_equal(np.abs(seen[0] - seen[1]), np.full((50, 8, 1), 100))
    assert (labels[patients[0, ..., 0].astype(int)] == halves).all()
    assert 0.4 < (seen[0] >= 100).mean() < 0.6


def test_a_worse_learner_is_found_more_often_than_an_equal_one():
    rng = np.random.default_rng(3)
    gap, power = laboratory.power_at(50, 2.0, runs=200, repeats=2, rng=rng)
    none, alarms = laboratory.power_at(50, 0.0, runs=200, repeats=2, rng=rng)
    assert gap > 0.2 > abs(none)
    assert power > 0.5 > 0.1 > alarms


@pytest.mark.parametrize("repeats", [3, 5, 6])
def test_every_test_and_interval_that_has_a_name_is_counted_for_any_number_of_repeats(
    pairs, repeats
):
    folds = dealt(repeats)
    right = laboratory.judge(pairs["nearest mean, separate features"], LABELS, folds)
    alarms, held = laboratory.false_alarms(right, folds), laboratory.coverage(right[0], folds)
    assert alarms.keys() == laboratory.names_of_tests(5, repeats).keys()
    assert held.keys() == laboratory.names_of_intervals(5, repeats).keys()
    assert alarms["naive_5x5"] > 0.2  # more differences, no more patients
    assert alarms["out_of_fold"] < 0.1
    assert held["naive_5x5"] < 0.8 < 0.9 < held["out_of_fold"]


def test_a_share_of_false_alarms_is_counted_from_the_p_values(pairs):
    folds = dealt(6)
    right = laboratory.judge(pairs["ridge, two noisy encoders"], LABELS, folds)
    p = batches.p_values(right[0] - right[1], folds)["out-of-fold test, 6 x 5"]
    few = batches.p_values((right[0] - right[1])[:, :5], folds[:5])["corrected t, 5 x 5 folds"]
    found = laboratory.false_alarms(right, folds)
    assert found["out_of_fold"] == (p < 0.05).mean()
    assert found["corrected_5x5"] == (few < 0.05).mean()


def test_settings_are_summed_up_by_their_worst():
    row = {"fits": 5, "level": 0.05, "coverage": 0.95, "width": 0.2, "of_model": 0.9}
    worse = {"fits": 5, "level": 0.09, "coverage": 0.85, "width": 0.4, "of_model": 0.5}
    index = pd.Index(["a"], name="procedure")
    side = pd.concat({1: pd.DataFrame([row], index), 2: pd.DataFrame([worse], index)})
    found = laboratory.over_settings(side.rename_axis(["setting", "procedure"])).loc["a"]
    assert found.to_dict() == {
        "fits": 5, "lowest level": 0.05, "highest level": 0.09, "lowest coverage": 0.85,
        "mean width": pytest.approx(0.3), "holds one model, lowest": 0.5,
    }  # fmt: skip
