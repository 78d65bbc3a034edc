"""A score on the threshold is called negative, whoever counts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from medlib import statistics as st
from medlib.errors import InputError
from medlib.learning.crossval import cross_validate
from medlib.learning.learner import HISTORY
from medlib.statistics import metrics
from medlib.statistics.threshold import THRESHOLD, called_positive

LABELS = np.array([1, 1, 1, 0, 0, 0])
SCORES = np.array([0.5, 0.9, 0.5, 0.2, 0.1, 0.3])  # two cancers lie on the threshold


@dataclass
class Brightness:
    """A fitted learner whose score of class 1 is the image's own brightness."""

    history = pd.DataFrame(columns=list(HISTORY))
    precision: str = "fp32"

    def predict(self, images):
        share = images.mean(axis=(1, 2))
        return np.stack([1 - share, share], axis=1)


@dataclass(frozen=True)
class BrightnessLearner:
    """A learner that learns nothing, so that scores are known beforehand."""

    size: int = 4
    epochs = 0
    in_one_process = False

    def fit(self, images, labels, *, seed, watch=None, report=None):
        return Brightness()


def cross_validated():
    images = np.broadcast_to(SCORES[:, None, None], (6, 4, 4)).astype(np.float32)
    ids = np.array(list("abcdef"))
    return cross_validate(
        BrightnessLearner(), (images, LABELS, ids, ids), folds=3, cache=None, progress=False
    )


@pytest.mark.parametrize("metric", ["sensitivity", "specificity", "accuracy"])
def test_metrics_statistics_and_cross_validation_agree_on_ties(metric):
    by_hand = {"sensitivity": 1 / 3, "specificity": 1, "accuracy": 4 / 6}[metric]
    score = getattr(metrics, metric)
    assert score(LABELS, SCORES) == pytest.approx(by_hand)
    bootstrap = st.cluster_bootstrap(LABELS, SCORES, metrics=[metric], replicates=100)
    assert bootstrap[metric].estimate == pytest.approx(by_hand)
    run = cross_validated()
    np.testing.assert_allclose(run.scores, SCORES, rtol=1e-6)
    assert score(run.labels, run.predicted) == pytest.approx(by_hand)


def test_comparisons_of_two_models_call_ties_negative_too():
    certain = LABELS.astype(float)  # finds all three cancers
    swapped = st.paired_permutation_test(LABELS, certain, SCORES, metric="sensitivity")
    drawn = st.paired_bootstrap(LABELS, certain, SCORES, metric="sensitivity", replicates=100)
    assert swapped.difference == drawn.difference == pytest.approx(2 / 3)


def test_the_rule_is_that_of_scikit_learn_and_of_the_larger_output():
    model = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    model.coef_[:], model.intercept_[:] = 1, 0  # so that the probability at 0 is one half
    at = np.array([[-1.0], [0.0], [1.0]])
    scores = model.predict_proba(at)
    assert scores[1, 1] == THRESHOLD
    expected = called_positive(scores[:, 1]).astype(int)
    assert model.predict(at).tolist() == expected.tolist() == scores.argmax(axis=1).tolist()


def test_single_precision_is_compared_as_the_number_it_is():
    single = np.array([0.3, 0.7], dtype=np.float32)  # 0.30000001 and 0.69999999
    assert called_positive(single[:1], 0.3).all()
    assert not called_positive(single[1:], 0.7).any()
    assert not called_positive(single[:1], single[0]).any()  # on itself


@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_counts_and_intervals_agree_in_any_precision(precision):
    scores = np.array([0.3, 0.9, 0.3, 0.2, 0.3, 0.1], dtype=precision)
    drawn = st.cluster_bootstrap(LABELS, scores, threshold=0.3, replicates=100)
    for metric in ("accuracy", "sensitivity", "specificity"):
        counted = getattr(metrics, metric)(LABELS, scores, threshold=0.3)
        assert drawn[metric].estimate == pytest.approx(counted)
    assert (
        metrics.confusion(LABELS, scores, threshold=0.3)[1, 1]
        == (called_positive(scores, 0.3) & (LABELS == 1)).sum()
    )


@pytest.mark.parametrize(
    ("scores", "threshold"),
    [(["high"], 0.5), ([None], 0.5), ([np.nan], 0.5), ([0.5], "half"), ([0.5], np.nan)],
)
def test_what_is_no_number_calls_nobody_positive_or_negative(scores, threshold):
    with pytest.raises(InputError, match=r"no number|NaN"):
        called_positive(scores, threshold)
