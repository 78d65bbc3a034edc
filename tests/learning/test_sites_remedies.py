"""Remedies learn at some sites and are tested at another; nothing of it reaches the training."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from medlib.errors import InputError
from medlib.learning.sites import heads, remedies
from medlib.learning.sites.remedies import PLAIN, REMEDIES, Material, Remedy

N, SITES = 40, 4


@pytest.fixture(scope="module")
def data():
    """Four sites of 40 cases: one direction tells the class, a larger one tells the site."""
    rng = np.random.default_rng(0)
    y, site = np.tile([0, 1], N * SITES // 2), np.repeat(np.arange(SITES), N)
    x = rng.normal(size=(len(y), 12))
    x[:, 0] += 1.5 * y
    x[:, 1] += 4.0 * site
    names = ("plain", "resampled", "standardised", "adapted", "rescanned 1", "rescanned 2")
    views = {name: x + 0.1 * k for k, name in enumerate(names)}
    return Material(views, y, site, np.arange(len(y)))


@pytest.mark.parametrize("remedy", [PLAIN, *REMEDIES], ids=lambda r: r.key)
def test_every_remedy_predicts_each_case_once_and_finds_what_is_there(data, remedy):
    parts = remedies.left_out(data, remedy, jobs=1)
    rows = np.concatenate([part.rows for part in parts])
    assert sorted(rows) == list(range(len(data.y)))
    scores, thresholds = remedies.joined(parts, len(data.y))
    assert roc_auc_score(data.y, scores) > 0.75
    assert len(np.unique(thresholds)) == SITES


@pytest.mark.parametrize("remedy", [PLAIN, *REMEDIES], ids=lambda r: r.key)
def test_labels_of_the_new_site_change_nothing(data, remedy):
    train = data.site != 3
    other = np.where(train, data.y, 1 - data.y)
    turned = Material(data.views, other, data.site, data.patient)
    first = remedies.held_out(data, remedy, train, data.site)
    second = remedies.held_out(turned, remedy, train, data.site)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert first.threshold == second.threshold


def test_without_alignment_images_of_the_new_site_change_nothing_either(data):
    train = data.site != 3
    kept = data.site != 2
    kept[~train] = np.arange((~train).sum()) < 10  # ten images of the new site only
    kept |= train
    few = remedies.held_out(data.at(kept), PLAIN, train[kept], data.site[kept])
    all_ = remedies.held_out(data, PLAIN, train, data.site)
    np.testing.assert_allclose(few.scores, all_.scores[:10], rtol=1e-9)


def test_the_operating_point_keeps_nine_of_ten_positives_of_training():
    y, scores = np.repeat([1, 0], 10), np.linspace(1, 0, 20)
    threshold = remedies.operating_point(y, scores)
    assert ((scores > threshold) & (y == 1)).sum() == 9


def test_sites_without_a_positive_patient_have_no_operating_point(data):
    train = (data.site != 3) & (data.y == 0)
    with pytest.raises(InputError, match=r"None of 60 cases .* is positive.*add positive"):
        remedies.held_out(data, PLAIN, train, data.site)


@pytest.mark.parametrize("strength", [1e-4, 1e-2, 1.0])
def test_the_linear_head_is_scikit_learns(data, strength):
    x, weights = data.views["plain"], np.random.default_rng(2).uniform(0.5, 2, len(data.y))
    ours = heads.average(x, data.y, weights, strength).probability(x)
    theirs = LogisticRegression(C=strength, tol=1e-10, max_iter=1000)
    theirs.fit(x, data.y, sample_weight=weights)
    np.testing.assert_allclose(ours, theirs.predict_proba(x)[:, 1], atol=1e-6)


def test_groupdro_lowers_the_loss_of_the_worst_site():
    """At one site the class goes with another direction; on average it hardly counts."""
    rng = np.random.default_rng(1)
    site = np.repeat([0, 0, 0, 0, 1], 40)
    y, x = np.tile([0, 1], 100), rng.normal(size=(200, 2))
    x[site == 0, 0] += 2.0 * y[site == 0]
    x[site == 1, 1] += 2.0 * y[site == 1]
    ones = np.ones(len(y))

    def of_sites(model):
        loss = heads.losses(model.probability(x), y)
        return np.array([loss[site == s].mean() for s in (0, 1)])

    mean, worst = heads.average(x, y, ones, 1.0), heads.worst(x, y, site, ones, 1.0, 1.0)
    assert of_sites(worst).max() < of_sites(mean).max()


def test_a_few_cases_of_the_new_site_count_as_one_site_does(data):
    train, extra = data.site != 3, np.flatnonzero(data.site == 3)[:4]
    without = remedies.held_out(data, PLAIN, train, data.site)
    helped = remedies.held_out(data, PLAIN, train, data.site, extra=extra)
    assert np.abs(without.scores - helped.scores).max() > 0
    views = {"plain": data.views["plain"]}
    assert Remedy("x", "x").view in views
