"""The AUC of a repeated cross-validation: cases count once, and models have luck."""

import numpy as np
import pytest

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics import batches
from medlib.statistics.out_of_fold import LEAST

Y = np.repeat([0, 1], 25)


def deals(repeats, seed=0):
    return batches.deal(Y, folds=5, repeats=repeats, rng=np.random.default_rng(seed))


def scores_of(seed, distance=1.0):
    return np.random.default_rng(seed).normal(size=50) + distance * Y


@pytest.mark.parametrize("seed", range(5))
def test_models_that_agree_over_repeats_add_to_delongs_variance_what_is_assumed_at_the_least(seed):
    scores = scores_of(seed)
    plain = st.auc_interval(Y, scores)
    found = st.out_of_fold_auc(Y, [scores] * 3, deals(3))
    assert found.estimate == pytest.approx(plain.estimate, abs=1e-12)
    assert log_odds_width(found) == pytest.approx(np.sqrt(1 + LEAST) * log_odds_width(plain))


def log_odds_width(interval):
    return float(np.diff(np.log([end / (1 - end) for end in (interval.low, interval.high)]))[0])


def test_the_estimate_is_the_mean_of_the_repeats():
    rows = [scores_of(seed) for seed in range(4)]
    mean = np.mean([st.auc_interval(Y, row).estimate for row in rows])
    assert st.out_of_fold_auc(Y, rows, deals(4)).estimate == pytest.approx(mean, abs=1e-12)


def test_scores_that_share_the_luck_of_their_model_widen_the_interval():
    split, rng = deals(5), np.random.default_rng(1)
    luck = rng.normal(size=(5, 5))
    shared = np.stack([scores_of(2) + 0.5 * Y * luck[r][split[r].astype(int)] for r in range(5)])
    alone = np.stack([row[rng.permutation(50)] for row in split])
    found = [st.out_of_fold_auc(Y, shared, folds) for folds in (split, alone)]
    assert found[0].high - found[0].low > 1.2 * (found[1].high - found[1].low)


def test_images_of_one_patient_count_as_one_patient():
    scores = scores_of(3)
    three = np.repeat(np.arange(50), 3)
    once = st.out_of_fold_auc(Y, [scores] * 2, deals(2))
    copied = st.out_of_fold_auc(
        Y[three], np.stack([scores[three]] * 2), deals(2)[:, three], groups=three
    )
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high), abs=0.01)


@pytest.mark.parametrize(("neighbours", "doubt"), [(7, "8 values"), (15, "16 values"), (30, "")])
def test_scores_that_are_votes_of_few_neighbours_are_met_with_a_caution(neighbours, doubt):
    votes = np.stack([np.argsort(np.argsort(scores_of(seed))) for seed in range(5)])
    found = st.out_of_fold_auc(Y, np.round(votes / 49 * neighbours), deals(5))
    assert ("as votes do" in found.caution) == bool(doubt)
    assert doubt in found.caution


def test_labels_of_another_length_are_named():
    with pytest.raises(InputError, match="50 cases a repeat and labels 49"):
        st.out_of_fold_auc(Y[1:], [scores_of(0)] * 2, deals(2))


def test_near_1_it_is_drawn_out_by_the_cases_of_each_class_as_without_cross_validation():
    labels = np.repeat([1, 0], [10, 20])
    scores = np.stack([labels + np.random.default_rng(seed).random(30) / 2 for seed in (0, 1)])
    folds = np.stack([np.arange(30) % 5, np.arange(30) // 2 % 5])
    found = st.out_of_fold_auc(labels, scores, folds)
    alone = st.auc_interval(labels, scores[0])
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))
    assert "10 positive, 20 negative" in found.basis


def test_certainty_is_no_confidence():
    labels = np.arange(30) % 2
    scores, folds = np.random.default_rng(0).random((2, 30)), [np.arange(30) % 5] * 2
    with pytest.raises(InputError, match="confidence"):
        st.out_of_fold_auc(labels, scores, folds, confidence=1)
