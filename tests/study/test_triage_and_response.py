"""Waits, calcium and growth of the screening chapter: what has to hold of simulated ones."""

import numpy as np
import pytest

from medlib.study import calcium, response, triage


def test_flags_by_chance_leave_the_wait_of_bleeds_as_it_was():
    lists = triage.waiting(0.1, 0.9, bleeds=0.1, load=0.8, takes=8, scans=1500, seed=0, lists=30)
    apart = np.array([each.by_flag["bleeds"] - each.in_turn["bleeds"] for each in lists])
    assert abs(apart.mean()) < 3 * apart.std(ddof=1) / np.sqrt(len(apart))


def test_a_good_flag_helps_flagged_bleeds_and_costs_missed_ones():
    lists = triage.waiting(0.8, 0.9, bleeds=0.1, load=0.8, takes=8, scans=1500, seed=0)
    change = {
        who: np.mean([each.by_flag[who] - each.in_turn[who] for each in lists])
        for who in ("bleeds flagged", "bleeds missed", "all others")
    }
    assert change["bleeds flagged"] < -10
    assert change["bleeds missed"] > 0 < change["all others"]


def test_heads_come_as_many_of_each_kind_as_asked():
    found = triage.heads({"well": 2, "bleed": 3}, seed=0, jobs=1)
    assert found.kinds.tolist() == ["well"] * 2 + ["bleed"] * 3
    assert found.images.shape == (5, 192, 192)
    assert ((found.hours >= 0.5) & (found.hours <= 24)).all()


def test_a_regression_on_other_patients_features_knows_nothing():
    rng = np.random.default_rng(0)
    score = np.expm1(np.clip(rng.normal(3, 2, 200), 0, None))
    features = np.log1p(score)[:, None] + rng.normal(0, 0.3, (200, 3))
    knows = calcium.guessed(features, score)
    not_ = calcium.guessed(features[rng.permutation(200)], score)
    assert np.corrcoef(np.log1p(knows), np.log1p(score))[0, 1] > 0.9
    assert abs(np.corrcoef(np.log1p(not_), np.log1p(score))[0, 1]) < 0.3


@pytest.fixture(scope="module")
def tumours():
    return response.lesions(12, 2, diameter=20, seed=0)


def test_an_outline_without_error_measures_the_true_ellipsoid(tumours, monkeypatch):
    monkeypatch.setattr(response, "WOBBLE_MM", 0.0)
    found = response.outlined(tumours, 0.0, np.random.default_rng(0))
    true = 4 / 3 * np.pi * tumours.axes.prod(axis=-1)
    assert found.volume == pytest.approx(true, rel=0.06)
    assert found.diameter == pytest.approx(2 * tumours.axes[..., 0], abs=1.6)


def test_growth_by_a_half_is_always_seen_and_none_never_where_outlines_are_exact(
    tumours, monkeypatch
):
    monkeypatch.setattr(response, "WOBBLE_MM", 0.0)
    hand = np.random.default_rng(0)
    before = response.outlined(tumours, 0.0, hand)
    again, grown = (response.outlined(tumours.grown(s), 0.0, hand) for s in (0.0, 0.5))
    for by in ("diameter", "volume"):
        assert not before.progression(again)[by].any()
        assert before.progression(grown)[by].all()
