"""Scores of predictions, against counting by hand and other people's arithmetic."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medlib.errors import InputError
from medlib.statistics import metrics

LABELS = [0, 0, 0, 1, 1, 1, 1]
SCORES = [0.1, 0.6, 0.5, 0.4, 0.9, 0.8, 0.7]

cases = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda k: k / 20)), min_size=2, max_size=40
)


def both_classes(pairs):
    labels, scores = map(np.array, zip(*pairs, strict=True))
    assume(0 < labels.sum() < len(labels))
    return labels, scores


def test_seven_cases_counted_by_hand():
    assert metrics.confusion(LABELS, SCORES).tolist() == [[2, 1], [1, 3]]  # 0.5 is not above 0.5
    assert metrics.accuracy(LABELS, SCORES) == pytest.approx(5 / 7)
    assert metrics.sensitivity(LABELS, SCORES) == pytest.approx(3 / 4)
    assert metrics.specificity(LABELS, SCORES) == pytest.approx(2 / 3)
    assert metrics.auc(LABELS, SCORES) == pytest.approx(10 / 12)
    assert metrics.brier([0, 1], [0.25, 0.5]) == pytest.approx((0.0625 + 0.25) / 2)


def test_a_lower_threshold_finds_more_cancers_and_more_false_alarms():
    assert metrics.confusion(LABELS, SCORES, threshold=0.3).tolist() == [[1, 2], [0, 4]]


@given(cases)
def test_auc_is_the_share_of_pairs_in_which_the_cancer_scores_higher(pairs):
    labels, scores = both_classes(pairs)
    difference = scores[labels == 1][:, None] - scores[labels == 0]
    assert metrics.auc(labels, scores) == pytest.approx(np.mean((np.sign(difference) + 1) / 2))


@given(cases)
def test_bins_hold_every_case_once_and_their_means_add_up(pairs):
    labels, scores = both_classes(pairs)
    bins = metrics.calibration(labels, scores, bins=4).bins
    assert bins["n"].sum() == len(labels)
    assert (bins["n"] * bins["observed"]).sum() == pytest.approx(labels.sum())
    assert (bins["n"] * bins["predicted"]).sum() == pytest.approx(scores.sum())
    assert (bins["low"] <= bins["observed"] + 1e-12).all()
    assert (bins["observed"] <= bins["high"] + 1e-12).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.accuracy([0, 1], [0.2, np.nan]), "Score 1 is nan"),
        (lambda: metrics.accuracy([0, 1, 1], [0.2, 0.4]), "do not pair up"),
        (lambda: metrics.accuracy([], []), "do not pair up"),
        (lambda: metrics.accuracy([0, 2], [0.2, 0.4]), "0 and 1 only"),
        (lambda: metrics.auc([1, 1], [0.2, 0.4]), "All labels are 1"),
        (lambda: metrics.calibration([0, 0], [0.2, 0.4]), "All labels are 0"),
        (lambda: metrics.sensitivity([0, 0], [0.2, 0.4]), "no positive cases"),
        (lambda: metrics.specificity([1, 1], [0.2, 0.4]), "no negative cases"),
        (lambda: metrics.brier([0, 1], [0.2, 1.4]), "probabilities"),
        (lambda: metrics.calibration([0, 1], [0.2, 0.4], bins=0), "bins is 0"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(call, said):
    with pytest.raises(InputError, match=said):
        call()
