"""Net benefit: counted by hand, by R, and by what must hold of it."""

import numpy as np
import pandas as pd
import pytest
from r import ask_r, r_vector

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics.proportions import wilson_ends

LABELS = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
SCORES = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.25, 0.6, 0.8, 0.9]


def simulated(n=60, seed=1):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(int)
    return labels, 1 / (1 + np.exp(-rng.normal(2 * labels - 1)))


def test_net_benefit_is_counted():
    found = st.decision_curve(LABELS, SCORES, thresholds=[0.2, 0.5]).table
    # above 0.2 (not on it): 4 of 4 positives, 3 of 6 negatives; above 0.5: 3 and 1
    assert list(found.model) == pytest.approx([4 / 10 - 3 / 10 * 0.25, 3 / 10 - 1 / 10])
    assert list(found.treat_all) == pytest.approx([0.4 - 0.6 * 0.25, 0.4 - 0.6])
    assert list(found.over_all) == pytest.approx(list(found.model - found.treat_all))


def test_net_benefit_is_that_of_plain_r():
    labels, scores = simulated()
    at = [0.05, 0.3, 0.62]
    code = (
        f"{{ y <- {r_vector(labels)}; s <- {r_vector(scores)}; sapply({r_vector(at)}, "
        "function(t) sum(s > t & y == 1) / length(y) - "
        "sum(s > t & y == 0) / length(y) * t / (1 - t)) }"
    )
    found = st.decision_curve(labels, scores, thresholds=at).table
    assert list(found.model) == pytest.approx(ask_r(code), abs=1e-12)


def test_a_model_that_calls_all_positive_is_treating_all_and_one_that_calls_none_is_0():
    labels, scores = simulated()
    lowest, highest = scores.min(), scores.max()
    found = st.decision_curve(labels, scores, thresholds=[lowest / 2, highest])
    assert found.table.over_all[0] == found.table.model[1] == 0
    # none was seen below the one or above the other; in new cases some might be
    assert found.table.over_all_low[0] < 0
    assert found.table.model_low[1] < 0


def test_standardized_the_best_model_has_1():
    labels = [0] * 6 + [1] * 4
    perfect = np.array(labels) * 0.8 + 0.1
    row = st.decision_curve(labels, perfect, thresholds=[0.3], standardized=True).table.iloc[0]
    assert row.model == pytest.approx(1)
    assert row.model_low < 1 <= row.model_high <= 1 + 1e-12


def test_a_known_prevalence_moves_no_estimate_and_leaves_treating_all_without_a_band():
    labels, scores = simulated()
    own = st.decision_curve(labels, scores)
    given = st.decision_curve(labels, scores, prevalence=labels.mean())
    assert list(given.table.model) == pytest.approx(list(own.table.model), abs=1e-12)
    assert (
        given.table.treat_all_low[50] == given.table.treat_all[50] == given.table.treat_all_high[50]
    )
    assert own.table.treat_all_low[50] < own.table.treat_all[50]


def test_treating_all_has_the_wilson_interval_of_the_prevalence():
    labels, scores = simulated()
    row = st.decision_curve(labels, scores, thresholds=[0.3]).table.iloc[0]
    # with one patient a case n is the effective number, n - 1
    p, n = labels.mean(), labels.size
    low, high = wilson_ends(p, n - 1, 0.95)
    expected = [end - (1 - end) * 3 / 7 for end in (low, high)]
    assert [row.treat_all_low, row.treat_all_high] == pytest.approx(expected, abs=1e-9)


def test_chosen_cases_weighted_to_the_clinic_give_the_benefit_there():
    rng = np.random.default_rng(7)
    there = (rng.random(200_000) < 0.1).astype(int)
    chosen = np.repeat([0, 1], 100_000)
    scores = [1 / (1 + np.exp(-rng.normal(2 * y - 1))) for y in (there, chosen)]
    at = {"thresholds": [0.2, 0.5]}
    clinic = st.decision_curve(there[:20_000], scores[0][:20_000], **at).table.model
    study = st.decision_curve(chosen[::10], scores[1][::10], prevalence=0.1, **at).table.model
    assert list(study) == pytest.approx(list(clinic), abs=0.01)


def test_copies_of_images_make_no_band_narrower():
    labels, scores = simulated(30, seed=2)
    patients = np.repeat(np.arange(30), 4)
    images = [np.repeat(values, 4) for values in (labels, scores)]
    alone = st.decision_curve(labels, scores, thresholds=[0.1, 0.4, 0.9]).table
    copies = st.decision_curve(*images, patients, thresholds=[0.1, 0.4, 0.9]).table
    assert copies.to_numpy() == pytest.approx(alone.to_numpy())


def test_patients_who_all_have_both_classes_alike_have_a_band_around_the_estimate():
    # an organ on each side, one of them ill: no patient has more than another
    labels, scores = np.tile([0, 1], 20), np.tile([0.2, 0.8], 20)
    row = st.decision_curve(labels, scores, np.repeat(range(20), 2), thresholds=[0.3]).table.iloc[0]
    for name in ("model", "treat_all", "over_all"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_images_of_the_only_patient_who_is_ill_count_as_one():
    labels, groups = np.repeat([0, 1], [20, 10]), np.r_[range(20), [20] * 10]
    scores = np.r_[np.full(20, 0.1), np.repeat([0.2, 0.8], 5)]
    at = {"thresholds": [0.5], "prevalence": 0.2}
    row = st.decision_curve(labels, scores, groups, **at).table.iloc[0]
    assert row.model_high - row.model == pytest.approx(0.2 * (wilson_ends(0.5, 1, 0.95)[1] - 0.5))


def test_useful_is_what_beats_treating_none_and_treating_all():
    labels, scores = simulated()
    curve = st.decision_curve(labels, scores)
    table = curve.table.set_index("threshold")
    low = table.index[table.model_low > 0].min()  # surely better than none, but than all?
    assert table.over_all_low[low] <= 0
    assert low not in curve.useful()
    assert curve.useful().size > 0


def test_the_sentence_says_where_the_model_is_useful_and_how_many_images_and_patients():
    labels, scores = simulated()
    curve = st.decision_curve(labels, scores)
    found = curve.useful()
    assert list(curve.table.threshold) == pytest.approx(np.arange(1, 100) / 100, abs=1e-12)
    assert f"({found.min():g} to {found.max():g}), prevalence" in str(curve)
    assert "n = 60)" in str(curve)
    pairs = [np.repeat(each, 2) for each in (labels, scores, np.arange(60))]
    assert "120 images of 60 patients)" in str(st.decision_curve(*pairs))
    nowhere = st.decision_curve(LABELS, 1 - np.array(SCORES))
    assert "at 0 of 99 thresholds, prevalence" in str(nowhere)


def coverage(n, threshold, studies=400):
    """Share of simulated studies whose bands hold the truth: the model's, and over treating all."""
    rng = np.random.default_rng(11)
    odds, held = threshold / (1 - threshold), np.zeros(2)
    truth = 0.3 * 0.8 - 0.7 * 0.3 * odds, 0.7 * 0.7 * odds - 0.3 * 0.2
    for _ in range(studies):
        labels = (rng.random(n) < 0.3).astype(int)
        called = np.where(labels, rng.random(n) < 0.8, rng.random(n) < 0.3)
        scores = np.where(called, 0.99, 0.001)
        row = st.decision_curve(labels, scores, thresholds=[threshold]).table.iloc[0]
        held += [
            row.model_low <= truth[0] <= row.model_high,
            row.over_all_low <= truth[1] <= row.over_all_high,
        ]
    return held / studies


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.8])
def test_the_bands_hold_the_truth_of_simulated_studies_of_fifty(threshold):
    assert np.all(coverage(50, threshold) >= 0.93)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: st.decision_curve(LABELS, np.array(SCORES) * 2), "give probabilities"),
        (lambda: st.decision_curve(LABELS, SCORES, thresholds=[0, 0.5]), "thresholds = 0"),
        (lambda: st.decision_curve(LABELS, SCORES, prevalence=1), "prevalence = 1"),
        (lambda: st.decision_curve([0] * 10, SCORES), "both classes are needed"),
        (lambda: st.decision_curve(LABELS, SCORES, ["a"] * 10), "one patient"),
        (lambda: st.decision_curve(LABELS, SCORES, [None] * 10), "cannot be compared"),
        (lambda: st.decision_curve(LABELS, SCORES, thresholds=["a"]), "not a number"),
    ],
)
def test_what_is_no_decision_curve_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_a_band_that_touches_0_is_not_above_it():
    table = pd.DataFrame(
        {
            "threshold": [0.1, 0.2, 0.3],
            "model_low": [0.0, 0.1, 0.1],
            "over_all_low": [0.1, 0.0, 0.1],
        }
    )
    curve = st.DecisionCurve(table, 0.4, False, 0.95, "by hand", "n = 10")
    assert curve.useful().tolist() == [0.3]
