"""Many small studies from one pool: patients apart, draws nested, nothing learned from the test."""

import numpy as np
import pandas as pd
import pytest
import torch

from medlib.cohorts.sources.arrays import from_arrays
from medlib.errors import InputError
from medlib.learning import small_studies
from medlib.learning.self_supervised import ContrastiveLearner, contrast
from medlib.study import few_samples, planner

RNG = np.random.default_rng(0)
PATIENT = np.repeat(np.arange(60), 2)
LABEL = PATIENT % 2


def features(gain=3.0):
    x = np.random.default_rng(1).normal(size=(120, 200))
    x[:, 0] += gain * LABEL
    return x


def test_no_patient_trains_and_tests():
    test = small_studies.apart(LABEL, PATIENT, 0.3, seed=0)
    assert not set(PATIENT[test]) & set(PATIENT[~test])
    assert test.mean() == pytest.approx(0.3, abs=0.05)


def test_studies_of_a_draw_are_nested_balanced_and_of_different_patients():
    rows = np.flatnonzero(PATIENT < 40)
    first, second = small_studies.draws(LABEL, PATIENT, rows, number=2, a_patient=1, seed=0)
    assert len(first) == 40
    assert len(set(PATIENT[first])) == 40
    assert all(LABEL[first[:n]].mean() == 0.5 for n in (10, 24, 40))
    assert not np.array_equal(first, second)
    [more] = small_studies.draws(LABEL, PATIENT, rows, number=1, a_patient=2, seed=0)
    assert len(set(PATIENT[more[:40]])) == 40  # second images come after all first ones


def test_a_rotation_onto_the_training_cases_loses_nothing():
    """Against scikit-learn on the scaled features themselves."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, train, test = features(), np.arange(40), np.arange(40, 120)
    [found] = small_studies.of_features(x, LABEL, PATIENT, [train], test, strengths=[0.01], jobs=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=5000, tol=1e-8))
    expected = model.fit(x[train], LABEL[train]).predict_proba(x[test])[:, 1]
    np.testing.assert_allclose(found.test, expected, atol=1e-3)


def test_test_cases_teach_nothing():
    x = features()
    train, test = [np.arange(40)], np.arange(40, 120)
    before = small_studies.of_features(x, LABEL, PATIENT, train, test, jobs=1)[0].training
    x[test] = 0
    after = small_studies.of_features(x, LABEL, PATIENT, train, test, jobs=1)[0].training
    np.testing.assert_array_equal(before, after)


def test_a_prototype_is_the_nearer_class_mean():
    x = np.array([[1.0, 0], [0, 1], [2, 0.1], [0.1, 3]])
    [found] = small_studies.of_prototypes(x, np.array([0, 1, 0, 1]), [np.array([0, 1])],
                                          np.array([2, 3]))  # fmt: skip
    assert found.test[0] < 0.5 < found.test[1]


@pytest.mark.parametrize(
    ("wanted", "said"), [("ten", "numbers"), ("50", "add patients"), ("2", "2")]
)
def test_sizes_that_cannot_be_drawn_are_refused(wanted, said):
    with pytest.raises(InputError, match=said):
        small_studies.sizes_that_fit(wanted, 20)


def test_sizes_stop_where_draws_would_hardly_differ():
    assert small_studies.sizes_that_fit("10,25,50,100", 100) == [10, 24, 50]


def test_too_few_patients_are_refused_before_training():
    with pytest.raises(InputError, match="needs at least 10"):
        small_studies.apart(np.arange(12) % 2, np.arange(12), 0.3, seed=0)


def test_contrast_is_the_loss_of_its_definition():
    torch.manual_seed(0)
    z = torch.randn(6, 4)
    unit = z / z.norm(dim=1, keepdim=True)
    lost = []
    for i in range(6):
        alike = torch.exp(unit @ unit[i] / 0.5)
        lost.append(-torch.log(alike[(i + 3) % 6] / (alike.sum() - alike[i])))
    torch.testing.assert_close(contrast(z, 0.5), torch.stack(lost).mean())


def test_a_contrastive_network_never_sees_labels_and_keeps_its_seed():
    images = RNG.normal(size=(12, 32, 32)).astype(np.float32)
    learner = ContrastiveLearner(epochs=1, batch_size=6)
    zeros, other = (np.full(12, k) for k in (0, 1))
    first = learner.fit(images, zeros, seed=3).predict(images)
    assert first.shape == (12, 512)
    np.testing.assert_array_equal(first, learner.fit(images, other, seed=3).predict(images))


@pytest.fixture(scope="module")
def bench():
    images = RNG.normal(size=(120, 8, 8)).astype(np.float32)
    names = np.array(["no", "yes"])[LABEL]
    cohort = from_arrays(images, names, patient_ids=[str(p) for p in PATIENT], name="toy")
    return few_samples.bench(cohort, test_share=0.3, test_images=40, draws=6, a_patient=1, seed=0)


def test_shuffled_labels_leave_the_gap_and_take_the_accuracy(bench):
    x = np.random.default_rng(2).normal(size=(len(bench.labels), 100))
    x[:, :6] += 2 * bench.labels[:, None]
    true = bench.features(x, 24)
    null = bench.shuffled(0)
    dealt = null.features(x, 24)
    assert bench.right(true).mean() > 0.7
    assert abs(null.right(dealt).mean() - 0.5) < 0.2
    assert null.gap(dealt, 24).difference > 0.2
    same = pd.Series(null.labels).groupby(null.groups).nunique()
    assert (same == 1).all()


def test_a_plan_names_every_question_and_whether_the_cases_do():
    table = planner.plan(cases=250, prevalence=0.5, auc=0.85, accuracy=0.8, parameters=10,
                         half_width=0.05)  # fmt: skip
    assert table.cases.iloc[0] == 245
    assert list(table.iloc[:, 2][:2]) == ["yes", "yes"]
    assert planner.half_width(0.8, 245) <= 0.05


def test_training_cases_of_one_class_teach_to_call_everybody_so():
    ones = np.flatnonzero(LABEL == 1)[:4]
    [found] = small_studies.of_features(features(), LABEL, PATIENT, [ones], np.arange(9), jobs=1)
    assert found.training.tolist() == [1.0] * 4
    assert found.test.tolist() == [1.0] * 9


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"test_images": 2}, "raise test_share"), ({"test_images": 1}, "raise test_share"),
     ({"draws": 1}, "draws is 1"), ({"draws": 0}, "draws is 0")],
)  # fmt: skip
def test_a_bench_that_could_give_no_interval_is_refused_before_anything_trains(asked, said):
    cohort = from_arrays(np.zeros((120, 8, 8)) + np.eye(8), LABEL, patient_ids=PATIENT)
    usual = {"test_share": 0.3, "test_images": 40, "draws": 6, "a_patient": 1, "seed": 0}
    with pytest.raises(InputError, match=said):
        few_samples.bench(cohort, **usual | asked)


def test_networks_are_drawn_as_often_as_said_or_not_at_all(bench):
    for draws in (1, 7):
        with pytest.raises(InputError, match="network_draws"):
            bench.networks(None, None, 10, draws=draws, steps=60, seed=0)
