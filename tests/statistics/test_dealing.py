"""Dealt labels keep the images of each class; predictions are scored patient by patient."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from medlib.statistics import label_permutation_test
from medlib.statistics.dealing import deal_by_images, score_by_patient


def test_with_equally_many_images_a_patient_labels_are_permuted():
    labels = np.array(list("aababcb"))
    for seed in range(20):
        dealt = deal_by_images(labels, np.full(7, 3), np.random.default_rng(seed))
        assert dealt.tolist() == np.random.default_rng(seed).permutation(labels).tolist()


@pytest.mark.parametrize("equal", [False, True])
def test_a_class_gets_its_images_as_nearly_as_whole_patients_allow(equal):
    labels, images = np.repeat([0, 1], [30, 20]), np.repeat([10, 30], [30, 20])
    expected = 450 if equal else 600
    for seed in range(50):
        dealt = deal_by_images(labels, images, np.random.default_rng(seed), equal=equal)
        assert abs(images[dealt == 1].sum() - expected) <= 15
        assert np.bincount(dealt).min() >= 10


def test_every_patient_is_dealt_each_class_as_often_as_any_other():
    labels, images = np.repeat([0, 1], [30, 10]), np.repeat([10, 30], [30, 10])
    rng = np.random.default_rng(0)
    positive = np.mean([deal_by_images(labels, images, rng) for _ in range(2000)], axis=0)
    assert positive == pytest.approx(np.full(40, 0.5), abs=0.05)


def test_a_class_of_few_images_keeps_half_its_patients():
    labels, images = np.repeat([0, 1], 10), np.repeat([50, 1], 10)
    for seed in range(20):
        assert deal_by_images(labels, images, np.random.default_rng(seed)).sum() >= 5


def test_one_image_a_patient_gives_balanced_accuracy_and_the_auc():
    rng = np.random.default_rng(1)
    labels, scores, own = np.arange(40) % 4 == 0, rng.random(40), np.arange(40)
    classes = scores > 0.6
    assert score_by_patient(classes, labels, own) == pytest.approx(
        balanced_accuracy_score(labels, classes)
    )
    assert score_by_patient(scores, labels, own) == pytest.approx(roc_auc_score(labels, scores))
    assert score_by_patient(labels, labels, own) == 1


def test_a_patient_counts_once_however_many_images():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.7, 0.5, 0.9])
    patient = np.repeat(np.arange(4), [1, 9, 2, 30])
    assert score_by_patient(scores[patient], labels[patient], patient) == 0.75


@pytest.mark.parametrize("returned", ["share", "prediction"])
def test_a_true_accuracy_of_70_percent_is_seen_where_classes_differ_in_images(returned):
    """30 patients with 10 images and 10 with 30; the learner falls back on the larger class."""
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        patient = np.repeat(np.arange(40), [10] * 30 + [30] * 10)
        truth = patient >= 30
        known = rng.random(600) < 0.4  # images that show the class: .4 + .6 / 2 = .70

        def evaluate(labels, known=known, truth=truth):
            predicted = np.where(known, truth, labels.mean() > 0.5)
            return predicted if returned == "prediction" else float((predicted == labels).mean())

        found.append(
            label_permutation_test(truth, evaluate, patient, permutations=39, seed=seed).p_value
        )
    assert np.mean(np.array(found) <= 0.05) >= 0.9


@pytest.mark.parametrize("returned", ["share", "prediction"])
def test_noise_is_found_no_more_often_than_promised_where_patients_differ_in_images(returned):
    rng = np.random.default_rng(3)
    found = 0
    for seed in range(80):
        patient = np.repeat(np.arange(16), rng.integers(1, 7, 16))
        truth, x = patient < 8, rng.normal(size=16)[patient] + rng.normal(size=patient.size)

        def evaluate(labels, patient=patient, x=x):
            """Nearest class mean, and of equal distances the larger class, in four folds."""
            predicted = np.empty(labels.size, bool)
            for fold in range(4):
                test = patient % 4 == fold
                one, other = x[~test & labels], x[~test & ~labels]
                lean = np.log(one.size / other.size) if one.size * other.size else 0.0
                middle = (one.mean() + other.mean()) / 2 if one.size * other.size else 0.0
                slope = one.mean() - other.mean() if one.size * other.size else 0.0
                predicted[test] = slope * (x[test] - middle) + lean > 0
            return predicted if returned == "prediction" else float((predicted == labels).mean())

        p = label_permutation_test(truth, evaluate, patient, permutations=19, seed=seed).p_value
        found += p <= 0.05
    assert found <= 80 * 0.05 + 3 * (80 * 0.05 * 0.95) ** 0.5
