"""The detector's study: who trains, who fixes the threshold, who is tested."""

import numpy as np
import pandas as pd
import pytest

from medlib import statistics
from medlib.errors import InputError
from medlib.learning.patches import PatchLearner
from medlib.statistics import Marks
from medlib.study import nodules


def material(patients=12, marks=6):
    """One nodule a patient, the first mark, brighter in the middle; cancers in every other one."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(patients), marks)
    hit = np.arange(patients * marks) % marks == 0
    seen = rng.normal(size=(len(hit), 12, 12, 12)).astype(np.float32)
    seen[hit, 4:8, 4:8, 4:8] += 4
    y = np.arange(patients) % 2
    lesion = np.where(hit, patient, -1)
    of_marks = Marks(patient, rng.random(len(hit)), lesion, np.arange(patients), np.ones(patients))
    label = np.where(hit, 1 + y[patient], 0)
    table = pd.DataFrame({"patient": np.arange(patients)})
    return nodules.Material(
        of_marks, seen, label, (seen[hit], np.arange(patients), 1 + y), table, y
    )


def test_nobody_is_both_taught_and_tested_and_the_threshold_has_patients_of_its_own():
    data = material()
    fold = nodules.dealt(data.y, nodules.FOLDS, 0)
    for k in range(nodules.FOLDS):
        train, tune = nodules._plan(data, fold, k, 0)
        test = np.flatnonzero(fold == k)
        assert sorted([*train, *tune, *test]) == list(range(12))
        assert {*data.y[tune]} == {0, 1}


def test_a_network_finds_bright_cubes_and_the_threshold_is_applied():
    data = material()
    learner = PatchLearner(size=12, epochs=6, batch_size=16)
    fit = nodules.cross_fit(data, learner, rate=1.0, seed=0, jobs=1)
    assert fit.nodule[data.hit].mean() > fit.nodule[~data.hit].mean() + 0.3
    per_scan, found = nodules.at_threshold(data, fit)
    above = fit.nodule > fit.threshold[fit.fold[data.marks.patient]]
    assert per_scan.sum() == (above & ~data.hit).sum()
    assert found.sum() == (above & data.hit).sum()


def test_risks_of_a_patient_in_closed_form():
    data = material(patients=4, marks=2)
    cancer = np.array([0.5, 0.5, 0.2, 0, 0, 0, 1, 0.3])
    assert nodules.risk(data, cancer, "maximum").tolist() == [0.5, 0.2, 0, 1]
    assert nodules.risk(data, cancer, "noisy-or") == pytest.approx([0.75, 0.2, 0, 1], abs=1e-6)
    with pytest.raises(InputError, match="noisy-or or maximum"):
        nodules.risk(data, cancer, "mean")


def test_the_highest_category_of_a_patient_counts():
    table = pd.DataFrame(
        {
            "patient": [0, 0, 2],
            "density": ["solid", "solid", "ground-glass"],
            "diameter_mm": [5, 9, 12],
        }
    )
    assert nodules.categories(table, 3).tolist() == [3, 0, 1]


def test_accuracy_of_an_auc_in_closed_form():
    sensitivity, specificity = nodules.binormal(0.944)
    assert -np.trapezoid(sensitivity, 1 - specificity) == pytest.approx(0.944, abs=1e-3)
    # with equal classes the best cut lies midway, and is right in Phi(d / 2)
    assert nodules.best_accuracy(sensitivity, specificity, 0.5) == pytest.approx(0.869, abs=1e-3)
    assert nodules.best_accuracy(sensitivity, specificity, 0.0) == pytest.approx(1)


def test_a_map_points_into_a_nodule_or_beside_it():
    heat = np.zeros((2, 16, 16, 16), np.float32)
    heat[0, 8, 8, 9] = heat[1, 8, 8, 15] = 1
    assert nodules.pointed(heat, np.array([3.0, 3.0])).tolist() == [True, False]


def test_too_few_patients_are_refused_before_anything_is_trained():
    class Idle:
        """A learner that must not be asked."""

    with pytest.raises(InputError, match="too few for 3 folds"):
        nodules.cross_fit(material(2), Idle(), rate=1.0, seed=0)


def test_several_nodules_of_a_patient_say_less_than_as_many_patients():
    flags = np.repeat(np.arange(20) % 2 == 0, 4)  # all of a patient alike
    apart = nodules.share_of(flags, np.arange(80))
    whole = nodules.share_of(flags, np.repeat(np.arange(20), 4))
    assert apart.estimate == whole.estimate == 0.5
    assert whole.width > 1.7 * apart.width
    assert (apart.low, apart.high) == pytest.approx(
        (statistics.proportion_interval(40, 80).low, statistics.proportion_interval(40, 80).high)
    )


def test_nodules_of_one_patient_count_as_one_and_none_are_refused():
    alone = nodules.share_of(np.array([True, False, True]), np.zeros(3, int))
    assert alone.estimate == pytest.approx(2 / 3)
    assert alone.width > 0.8
    with pytest.raises(InputError, match="no nodule to count"):
        nodules.share_of(np.zeros(0, bool), np.zeros(0, int))
