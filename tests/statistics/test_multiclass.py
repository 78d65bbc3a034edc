"""More than two classes: points as scikit-learn has them, variances as statsmodels has them."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, roc_auc_score
from statsmodels.stats.inter_rater import cohens_kappa as reference_kappa

from medlib.errors import InputError
from medlib.statistics import auc_interval, metrics, out_of_fold_auc, out_of_fold_interval
from medlib.statistics.auc import score_ends
from medlib.statistics.multiclass import (
    accuracy_of_cases,
    binary_auc,
    cohens_kappa,
    macro_sensitivity,
    one_against_rest_auc,
    sensitivity_of_class,
)
from medlib.statistics.out_of_fold import variance_parts
from medlib.statistics.proportions import proportion_interval, wilson_ends

Z = 1.959964


def study(sizes=(40, 25, 15), repeats=5, seed=0, skill=1.5):
    """Labels, probabilities (repeats x cases x classes) and folds of simulated repeats."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    known = rng.normal(size=(len(labels), len(sizes))) + skill * np.eye(len(sizes))[labels]
    logits = known + 0.3 * rng.normal(size=(repeats, *known.shape))
    odds = np.exp(logits)
    folds = np.stack([rng.permutation(np.arange(len(labels)) % 5) for _ in range(repeats)])
    return labels, odds / odds.sum(axis=2, keepdims=True), folds


def test_points_are_those_of_scikit_learn_averaged_over_repeats():
    labels, probabilities, folds = study()
    predicted = probabilities.argmax(axis=2)
    pairs = {
        macro_sensitivity(labels, predicted, folds).estimate: balanced_accuracy_score,
        cohens_kappa(labels, predicted, folds).estimate: cohen_kappa_score,
    }
    for found, reference in pairs.items():
        assert found == pytest.approx(np.mean([reference(labels, row) for row in predicted]))
    each = one_against_rest_auc(labels, probabilities, folds)
    macro = [roc_auc_score(labels, row, multi_class="ovr") for row in probabilities]
    assert each[-1].estimate == pytest.approx(np.mean(macro))
    assert each[-1].estimate == pytest.approx(np.mean([one.estimate for one in each[:-1]]))


@pytest.mark.parametrize("seed", range(5))
def test_the_variance_of_kappa_is_that_of_fleiss_cohen_and_everitt(seed):
    labels, probabilities, _ = study(seed=seed)
    predicted = probabilities[:1].argmax(axis=2)
    found = cohens_kappa(labels, predicted)
    table = metrics.confusion_table(labels, predicted[0], classes=3)
    reference = reference_kappa(table)
    chance = (table.sum(0) @ table.sum(1)) / table.sum() ** 2
    agreed = np.trace(table) / table.sum()
    size = agreed * (1 - agreed) / (reference.std_kappa * (1 - chance)) ** 2
    low, high = wilson_ends(agreed, size, 0.95)
    assert found.estimate == pytest.approx(reference.kappa)
    assert found.low == pytest.approx((low - chance) / (1 - chance))
    assert found.high == pytest.approx((high - chance) / (1 - chance))


def test_the_variance_of_the_macro_rate_is_the_mean_of_those_of_the_classes():
    labels, probabilities, _ = study(sizes=(300, 200, 100), repeats=1)
    predicted = probabilities.argmax(axis=2)
    found = macro_sensitivity(labels, predicted)
    rates = [float((predicted[0][labels == k] == k).mean()) for k in range(3)]
    variance = sum(p * (1 - p) / n for p, n in zip(rates, (300, 200, 100), strict=True)) / 9
    assert found.width == pytest.approx(2 * Z * np.sqrt(variance), rel=0.02)


def test_the_rate_of_one_class_is_that_of_its_cases_with_much_the_same_interval():
    labels, probabilities, folds = study(sizes=(60, 50, 40))
    predicted = probabilities.argmax(axis=2)
    those = labels == 1
    own = out_of_fold_interval(predicted[:, those] == 1, folds[:, those])
    found = sensitivity_of_class(labels, predicted, 1, folds)
    assert found.estimate == pytest.approx(own.estimate)
    assert found.width == pytest.approx(own.width, rel=0.2)


def test_a_class_of_one_patient_a_fold_has_an_interval_too():
    labels, probabilities, folds = study(sizes=(25, 5))
    found = sensitivity_of_class(labels, probabilities.argmax(axis=2), 1, folds)
    assert found.width > 0.4


def test_guessing_is_one_third_of_the_macro_rate_and_no_kappa_however_unequal_the_classes():
    labels = np.repeat([0, 1, 2], [80, 15, 5])
    always = np.zeros((1, 100), int)
    assert macro_sensitivity(labels, always).estimate == pytest.approx(1 / 3)
    assert cohens_kappa(labels, always).estimate == pytest.approx(0)


def test_all_right_is_one_with_an_interval_below():
    labels, _, folds = study()
    perfect = np.tile(labels, (5, 1))
    for found in (macro_sensitivity(labels, perfect, folds), cohens_kappa(labels, perfect, folds)):
        assert found.estimate == pytest.approx(1)
        assert found.low < 0.96
        assert found.high == pytest.approx(1)


def test_classes_of_one_size_have_the_accuracy_as_macro_rate_with_its_interval():
    labels, probabilities, folds = study(sizes=(30, 30, 30))
    predicted = probabilities.argmax(axis=2)
    macro = macro_sensitivity(labels, predicted, folds)
    accuracy = out_of_fold_interval(predicted == labels, folds)
    assert macro.estimate == pytest.approx(accuracy.estimate)
    assert macro.width == pytest.approx(accuracy.width, rel=0.1)


def test_of_two_classes_one_against_rest_is_the_auc_of_out_of_fold_scores():
    labels, probabilities, folds = study(sizes=(40, 30))
    both = one_against_rest_auc(labels, probabilities, folds)
    known = out_of_fold_auc(labels, probabilities[:, :, 1], folds)
    assert both[1].estimate == pytest.approx(known.estimate)
    assert (both[1].low, both[1].high) == pytest.approx((known.low, known.high))


def test_one_model_on_single_images_has_the_intervals_of_wilson_and_delong():
    labels, probabilities, _ = study(sizes=(40, 30), repeats=1)
    right = probabilities.argmax(axis=2) == labels
    wilson = proportion_interval(int(right.sum()), 70)
    found = accuracy_of_cases(right)
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))
    delong = auc_interval(labels, probabilities[0, :, 1])
    area = binary_auc(labels, probabilities[0, :, 1])
    assert (area.estimate, area.low, area.high) == pytest.approx(
        (delong.estimate, delong.low, delong.high), rel=0.02
    )


def test_ten_equal_images_a_patient_count_once():
    labels, probabilities, _ = study(repeats=1)
    predicted = probabilities.argmax(axis=2)
    patients = np.repeat(np.arange(len(labels)), 10)
    many = np.repeat(predicted, 10, axis=1)
    for measure in (macro_sensitivity, cohens_kappa):
        once = measure(labels, predicted)
        tenfold = measure(np.repeat(labels, 10), many, None, patients)
        assert tenfold.estimate == pytest.approx(once.estimate)
        assert tenfold.width == pytest.approx(once.width, rel=0.05)


def test_the_interval_of_kappa_of_one_model_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    joint = np.array([[0.45, 0.08, 0.02], [0.05, 0.2, 0.05], [0.02, 0.03, 0.1]])
    agreed, chance = np.trace(joint), joint.sum(0) @ joint.sum(1)
    truth = (agreed - chance) / (1 - chance)
    covered = 0
    for _ in range(500):
        drawn = rng.choice(9, size=80, p=joint.ravel())
        covered += truth in cohens_kappa(drawn // 3, (drawn % 3)[None])
    assert 0.92 <= covered / 500 <= 0.98


def ends(found):
    return found.low, found.high


def test_the_macro_rate_has_the_variance_of_its_cases_shares_repeat_by_repeat():
    labels, probabilities, folds = study(sizes=(50, 20, 10))
    predicted = probabilities.argmax(axis=2)
    shares = np.empty(predicted.shape)
    for row, given in zip(shares, predicted, strict=True):
        rate = np.array([(given[labels == k] == k).mean() for k in range(3)])
        for case, k in enumerate(labels):
            own = 80 / (3 * (labels == k).sum()) * ((given[case] == k) - rate[k])
            row[case] = own + rate.mean()
    parts = variance_parts(shares, folds)
    size = parts.mean * (1 - parts.mean) / parts.procedure
    found = macro_sensitivity(labels, predicted, folds)
    assert size < 9 / (1 / 50 + 1 / 20 + 1 / 10)
    assert ends(found) == pytest.approx(wilson_ends(parts.mean, size, 0.95))


@pytest.mark.parametrize("given", [[0, 0.5, 1], [0, -1, 1]])
def test_predictions_that_are_no_classes_are_refused(given):
    with pytest.raises(InputError, match="give one class"):
        macro_sensitivity([0, 1, 1], [given])


def test_a_result_says_whether_it_is_the_procedures_or_the_models_and_why_to_doubt_it():
    labels, probabilities, folds = study(sizes=(20, 20))
    predicted = probabilities.argmax(axis=2)
    out_of_fold = macro_sensitivity(labels, predicted, folds)
    assert (out_of_fold.target, out_of_fold.caution) == ("procedure", "only 40 patients")
    one_model = macro_sensitivity(labels, predicted[:1])
    assert (one_model.target, one_model.caution) == ("model", "")


@pytest.mark.parametrize("images", [1, 5])
def test_where_all_are_right_patients_count_and_not_their_images(images):
    labels = np.repeat([0, 1, 1], 4 * images)
    patients = np.repeat(np.arange(12), images)
    right = labels[None]
    found = accuracy_of_cases(right == labels, None, patients)
    assert ends(found) == pytest.approx(ends(proportion_interval(12, 12)))
    chance = 1 / 9 + 4 / 9
    low, high = ((end - chance) / (1 - chance) for end in wilson_ends(1, 12, 0.95))
    assert ends(cohens_kappa(labels, right, None, patients)) == pytest.approx((low, high))
    of_class = sensitivity_of_class(labels, right, 1, None, patients)
    assert ends(of_class) == pytest.approx(ends(proportion_interval(8, 8)))
    macro = macro_sensitivity(labels, right, None, patients)
    assert ends(macro) == pytest.approx(wilson_ends(1, 4 / (1 / 4 + 1 / 8), 0.95))


def test_few_patients_have_the_variance_of_their_sums_with_one_less():
    rng = np.random.default_rng(5)
    patients = np.repeat(np.arange(8), [2, 9, 3, 4, 6, 2, 7, 3])
    right = (rng.random(36) < np.repeat(np.tile([0.1, 0.9], 4), np.bincount(patients))) * 1.0
    p = right.mean()
    sums = [(right[patients == k] - p).sum() for k in range(8)]
    size = p * (1 - p) / (np.square(sums).sum() / 36**2 * 8 / 7)
    assert size < 36
    found = accuracy_of_cases(right[None], None, patients)
    assert ends(found) == pytest.approx(wilson_ends(p, size, 0.95))


def test_images_that_balance_within_patients_count_as_no_more_than_there_are():
    right = np.tile([0, 1], 20)
    right[0] = 1  # all patients but one have one image right and one wrong
    found = accuracy_of_cases(right[None], None, np.repeat(np.arange(20), 2))
    assert ends(found) == pytest.approx(ends(proportion_interval(21, 40)))


def test_a_class_ranked_without_a_fault_has_newcombes_interval_for_its_own_size():
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    found = one_against_rest_auc(labels, 0.1 + 0.7 * np.eye(3)[labels][None])
    for area, size in zip(found, (30, 20, 10, 10), strict=True):  # the mean as the smallest class
        assert area.estimate == 1
        assert ends(area) == pytest.approx(score_ends(1, size, 60 - size, 0.95))


def test_one_patient_alone_has_no_interval():
    with pytest.raises(InputError, match="of one patient"):
        accuracy_of_cases([[0, 1, 1]], None, ["a", "a", "a"])


def test_probabilities_of_a_class_without_cases_are_refused():
    labels = np.repeat([0, 1, 2], 5)
    with pytest.raises(InputError, match="two or more classes"):
        one_against_rest_auc(labels, np.eye(4)[labels][None])


@pytest.mark.parametrize(
    ("labels", "predicted"),
    [
        ([0, 2, 0, 2], [[0, 2, 0, 2]]),
        ([0, 1, 0, 1], [[0, 2, 0, 1]]),
        ([0, 1, 0], [[0, 1, 0, 1]]),
        ([0, 1.5, 0, 1], [[0, 1, 0, 1]]),
        ([0, 0, 0, 0], [[0, 0, 0, 0]]),
    ],
)
def test_classes_without_cases_and_other_shapes_are_refused(labels, predicted):
    with pytest.raises(InputError, match="labels"):
        macro_sensitivity(labels, predicted)


def test_several_rows_without_folds_are_refused():
    with pytest.raises(InputError, match="no folds"):
        macro_sensitivity([0, 1, 0, 1], [[0, 1, 0, 1]] * 2)
