"""Several labels an image: each by a model of its own output, thresholds set in training."""

import numpy as np
import pytest

from medlib.learning import several


@pytest.fixture(scope="module")
def cases():
    """Two labels, each told by one feature; the second is three times as rare."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 30)).astype(np.float32)
    flags = np.stack([x[:, 0] > 0.3, x[:, 1] > 1.2], axis=1).astype(np.int64)
    return x, flags, np.arange(240)


def test_each_label_is_learned_from_its_own_column(cases):
    x, flags, _ = cases
    found = several.fit(x, flags).predict(x)
    alone = several.fit(x, flags[:, 1:]).predict(x)
    np.testing.assert_array_equal(found[:, 1:], alone)
    for k in (0, 1):
        assert found[flags[:, k] == 1, k].mean() > found[flags[:, k] == 0, k].mean() + 0.05


def test_a_label_that_all_training_cases_share_is_predicted_as_it_was_seen():
    x = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
    flags = np.zeros((20, 2), np.int64)
    flags[:10, 0] = 1
    assert (several.fit(x, flags).predict(x)[:, 1] == 0).all()


def test_folds_deal_every_label_and_keep_patients_whole(cases):
    _, flags, _ = cases
    patients = np.repeat(np.arange(120), 2)
    both = np.repeat(flags[::2], 2, axis=0)
    fold = several.deal(both, patients, folds=5, seed=0)
    assert all(len(set(fold[patients == p])) == 1 for p in range(120))
    share = np.array([both[fold == f].mean(axis=0) for f in range(5)])
    assert np.ptp(share, axis=0).max() < 0.12


def test_the_rarest_label_names_a_case():
    flags = np.array([[1, 0], [1, 1], [0, 0], [1, 0]])
    assert several.rarest(flags).tolist() == [1, 2, 0, 1]


def test_no_case_is_scored_by_a_model_that_has_seen_it(cases):
    """Labels dealt at random cannot be told out of fold."""
    x, flags, patients = cases
    random = np.random.default_rng(5).permutation(flags)
    fold = several.deal(random, patients, folds=5, seed=0)
    scores = several.scores_of(x, random, fold)[:, 0]
    ill = random[:, 0] == 1
    auc = (scores[ill][:, None] > scores[~ill][None]).mean()
    assert 0.3 < auc < 0.6


def test_thresholds_leave_the_share_of_negatives_uncalled_that_was_asked_for(cases):
    _, flags, _ = cases
    scores = np.random.default_rng(2).uniform(size=flags.shape)
    cut = several.thresholds(scores, flags, 0.9)
    for k in (0, 1):
        uncalled = (scores[flags[:, k] == 0, k] <= cut[k]).mean()
        assert 0.9 <= uncalled < 0.92


def test_test_cases_do_not_move_their_own_threshold(cases):
    """Other labels of the cases of one fold: their scores and calls stay as they were."""
    x, flags, patients = cases
    fold = several.deal(flags, patients, folds=4, seed=0)
    found = several.read(x, flags, patients, fold, specificity=0.9, seed=0)
    other = flags.copy()
    other[fold == 0] = 1 - other[fold == 0]
    again = several.read(x, other, patients, fold, specificity=0.9, seed=0)
    np.testing.assert_array_equal(found.scores[fold == 0], again.scores[fold == 0])
    np.testing.assert_array_equal(found.called[fold == 0], again.called[fold == 0])
