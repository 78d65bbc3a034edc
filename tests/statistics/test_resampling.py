"""Bootstrap and permutation: equal to doing it one by one, and to all that could have happened."""

import itertools
import time

import numpy as np
import pytest

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics._sample import Sample


def pair_auc(labels, scores):
    """Return the AUC counted pair by pair."""
    gap = scores[labels == 1][:, None] - scores[labels == 0]
    return ((gap > 0) + 0.5 * (gap == 0)).mean()


def study(n=60, patients=None, seed=0, digits=2):
    """Return simulated labels, scores (with ties) and patients of one label each."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n) if patients is None else np.arange(n) % patients
    labels = groups % 2
    return labels, np.round(np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1), digits), groups


@pytest.mark.parametrize("digits", [1, 12])
def test_weighted_metrics_equal_metrics_of_the_repeated_cases(digits):
    labels, scores, _ = study(digits=digits)
    case = Sample.check(labels, {"scores": scores}, None, 0.5, 100).cases[0]
    weights = np.random.default_rng(1).integers(0, 4, size=(30, labels.size)).astype(float)
    found = {name: metric(weights, case) for name, metric in st.METRICS.items()}
    for row, times in enumerate(weights.astype(int)):
        y, s = np.repeat(labels, times), np.repeat(scores, times)
        right = (s > 0.5) == y
        assert found["accuracy"][row] == pytest.approx(right.mean(), abs=1e-12)
        assert found["sensitivity"][row] == pytest.approx(right[y == 1].mean(), abs=1e-12)
        assert found["specificity"][row] == pytest.approx(right[y == 0].mean(), abs=1e-12)
        assert found["AUC"][row] == pytest.approx(pair_auc(y, s), abs=1e-12)


def test_patients_are_drawn_whole_and_within_their_class():
    labels, scores, groups = study(60, patients=12)
    sample = Sample.check(labels, {"scores": scores}, groups, 0.5, 500)
    weights = np.concatenate(list(sample.bootstrap(3)))
    assert weights.shape == (500, 60)
    of_patient = weights[:, :12]
    assert np.array_equal(weights, of_patient[:, groups])
    assert np.all(of_patient[:, labels[:12] == 1].sum(axis=1) == 6)
    assert np.all(of_patient[:, labels[:12] == 0].sum(axis=1) == 6)


def test_all_draws_of_three_and_three_patients_give_the_bootstrap_distribution():
    labels, right = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 0, 0, 1, 1, 0])
    scores = np.where(right == 1, labels, 1 - labels)
    draws = list(itertools.product(range(3), repeat=3))
    negative = np.array([right[list(d)].sum() for d in draws])
    positive = np.array([right[[3 + i for i in d]].sum() for d in draws])
    every = (negative[:, None] + positive[None]).ravel() / 6
    drawn = st.cluster_bootstrap(labels, scores, replicates=40_000, seed=5).replicates["accuracy"]
    for value in np.unique(every):
        expected = np.mean(every == value)
        assert np.mean(np.isclose(drawn, value)) == pytest.approx(expected, abs=0.01)


def test_one_image_repeated_for_each_patient_adds_no_certainty():
    labels, scores, _ = study(40)
    alone = st.cluster_bootstrap(labels, scores, replicates=1000, seed=1)
    copied = st.cluster_bootstrap(
        *(np.tile(each, 20) for each in (labels, scores, np.arange(40))), replicates=1000, seed=1
    )
    wrong = st.cluster_bootstrap(np.tile(labels, 20), np.tile(scores, 20), seed=1)
    for name in st.METRICS:
        assert copied[name].low == pytest.approx(alone[name].low, abs=1e-9)
        assert copied[name].high == pytest.approx(alone[name].high, abs=1e-9)
        assert wrong[name].width < 0.4 * alone[name].width


def test_same_seed_same_interval_and_any_metric_can_be_given():
    labels, scores, groups = study(60, patients=20)

    def errors(weights, cases):
        return weights @ (cases.labels != cases.predicted).astype(float)

    first = st.cluster_bootstrap(labels, scores, groups, metrics={"errors": errors}, seed=9)
    again = st.cluster_bootstrap(labels, scores, groups, metrics={"errors": errors}, seed=9)
    accuracy = st.cluster_bootstrap(labels, scores, groups, metrics=["accuracy"], seed=9)
    assert first.intervals == again.intervals
    assert first["errors"].low == pytest.approx(60 * (1 - accuracy["accuracy"].high), abs=1e-9)
    assert str(accuracy).startswith("accuracy 0.")


def test_bootstrap_interval_covers_the_true_accuracy_of_clustered_cases():
    rng, inside = np.random.default_rng(2), []
    for _ in range(300):
        chance = rng.choice([0.5, 0.9], size=100)  # patients differ; mean accuracy 0.7
        right = rng.random((100, 5)) < chance[:, None]
        labels = np.repeat(np.arange(100) % 2, 5)
        scores = np.where(right.ravel(), labels, 1 - labels)
        found = st.cluster_bootstrap(
            labels, scores, np.repeat(np.arange(100), 5), metrics=["accuracy"], replicates=1000
        )
        inside.append(0.7 in found["accuracy"])
    assert 0.91 <= np.mean(inside) <= 0.98


def test_ten_thousand_replicates_of_four_metrics_for_500_cases_take_under_two_seconds():
    labels, scores, groups = study(500, patients=250, digits=12)
    start = time.process_time()
    st.cluster_bootstrap(labels, scores, groups, replicates=10_000)
    assert time.process_time() - start < 2


def test_paired_permutation_of_all_swaps_is_the_exact_mcnemar_test():
    rng = np.random.default_rng(4)
    labels = np.arange(12) % 2
    for _ in range(10):
        first, second = rng.random((2, 12)) < 0.6
        first[:2] = second[:2] = True  # so that both predict both classes
        a, b = np.where(first, labels, 1 - labels), np.where(second, labels, 1 - labels)
        only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
        found = st.paired_permutation_test(labels, a, b)
        expected = st.mcnemar_counts(only_a, only_b, n=12).p_value
        assert found.p_value == pytest.approx(expected, abs=1e-9)
        assert found.difference == pytest.approx((only_a - only_b) / 12, abs=1e-12)


def test_paired_permutation_of_the_auc_lists_every_swap_of_every_patient():
    labels, a, groups = study(16, patients=8, seed=6)
    b = study(16, patients=8, seed=7)[1]
    gap = []
    for swap in itertools.product((False, True), repeat=8):
        swapped = np.array(swap)[groups]
        x, y = np.where(swapped, b, a), np.where(swapped, a, b)
        gap.append(pair_auc(labels, x) - pair_auc(labels, y))
    expected = np.mean(np.abs(gap) >= abs(gap[0]) - 1e-12)
    found = st.paired_permutation_test(labels, a, b, groups, metric="AUC")
    assert found.p_value == pytest.approx(expected, abs=1e-12)
    assert "256 all swaps" in found.method


def test_random_swaps_approach_mcnemar_and_never_reach_zero():
    labels = np.arange(200) % 2
    right = np.ones((2, 200), bool)
    right[0, :5], right[1, 5:20] = False, False
    a, b = (np.where(r, labels, 1 - labels) for r in right)
    found = st.paired_permutation_test(labels, a, b, replicates=20_000, seed=1)
    assert found.p_value == pytest.approx(st.mcnemar_counts(15, 5, n=200).p_value, abs=0.006)
    wrong = 1 - labels
    assert st.paired_permutation_test(labels, labels, wrong).p_value == pytest.approx(1 / 10_001)


def test_paired_bootstrap_sees_what_two_separate_intervals_do_not():
    labels, a, _ = study(300, seed=8, digits=12)
    b = a - 0.03 * (2 * labels - 1)  # slightly worse on every case
    found = st.paired_bootstrap(labels, a, b, metric="AUC")
    separate = st.cluster_bootstrap(labels, a)["AUC"], st.cluster_bootstrap(labels, b)["AUC"]
    assert separate[0].low < separate[1].high  # overlap
    assert found.interval.low > 0
    assert found.p_value < 0.01
    assert found.difference == pytest.approx(separate[0].estimate - separate[1].estimate, abs=1e-12)


def test_shuffled_labels_are_significant_as_often_as_promised():
    rng = np.random.default_rng(3)
    p_values = []
    for seed in range(200):
        scores, labels = rng.random(20), np.arange(20) % 2
        run = st.label_permutation_test(
            labels, lambda y, s=scores: pair_auc(y, s), permutations=39, seed=seed
        )
        p_values.append(run.p_value)
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.04)
    assert min(p_values) >= 1 / 40


def test_labels_are_shuffled_among_patients_and_the_whole_procedure_is_run_again():
    labels, scores, groups = study(60, patients=12, digits=12)
    seen = []

    def evaluate(shuffled):
        seen.append(shuffled)
        return float(scores[shuffled].mean())

    found = st.label_permutation_test(labels, evaluate, groups, permutations=50, seed=1)
    assert len(seen) == 51
    assert all(np.array_equal(y, y[:12][groups]) and y.sum() == 30 for y in seen)
    assert found.p_value == pytest.approx(
        (1 + sum(scores[y].mean() >= scores[seen[0]].mean() - 1e-12 for y in seen[1:])) / 51
    )
    chance = np.mean([scores[y].mean() for y in seen[1:]])
    assert found.difference == pytest.approx(scores[seen[0]].mean() - chance)


def test_shuffles_keep_patients_of_a_class_for_predictions_and_images_for_a_number():
    images = np.repeat([1, 4], [16, 4])
    labels, groups = np.repeat(np.arange(20) >= 16, images), np.repeat(np.arange(20), images)
    first = np.unique(groups, return_index=True)[1]
    asked = {"prediction": [], "number": []}

    def predict(y):
        asked["prediction"].append(y)
        return np.linspace(0, 1, y.size)

    def count(y):
        asked["number"].append(y)
        return 0.5

    for evaluate in (predict, count):
        st.label_permutation_test(labels, evaluate, groups, permutations=40)
    assert all(y[first].sum() == 4 for y in asked["prediction"])
    assert len({y.sum() for y in asked["prediction"]}) > 1
    assert all(abs(y.sum() - 16) <= 2 for y in asked["number"])
    assert len({y[first].sum() for y in asked["number"]}) > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": [1] * 8}, "labels are all 1"),
        ({"scores": [0.5] * 8}, "scores are all 0.5"),
        ({"scores": [np.nan, *range(7)]}, r"scores\[0\] = nan"),
        ({"scores": [0.1, 0.2]}, "scores has 2 values where 8"),
        ({"groups": [1, 2]}, r"groups has shape \(2,\)"),
        ({"groups": [0, 1, 0, 1, 0, 1, 0, 1]}, "one patient only"),
        ({"metrics": ["kappa"]}, "kappa"),
        ({"metrics": []}, "choose among"),
        ({"replicates": 10.5}, "replicates = 10.5"),
        ({"replicates": 10}, "replicates = 10 "),
        ({"confidence": 95}, "confidence = 95"),
        ({"threshold": float("nan")}, "threshold = nan"),
    ],
)
def test_bad_input_names_argument_and_value(change, words):
    given = {"labels": [0, 1] * 4, "scores": np.linspace(0, 1, 8), **change}
    with pytest.raises(InputError, match=words):
        st.cluster_bootstrap(given.pop("labels"), given.pop("scores"), **given)


def test_metrics_that_do_not_exist_in_a_replicate_are_refused_not_averaged():
    def ppv(weights, cases):
        with np.errstate(invalid="ignore"):
            return (weights @ (cases.labels & cases.predicted)) / (weights @ cases.predicted)

    scores = [0.1, 0.9, 0.2, 0.3, 0.1, 0.2]
    with pytest.raises(InputError, match="ppv does not exist in"):
        st.cluster_bootstrap([0, 1, 0, 1, 0, 1], scores, metrics={"ppv": ppv})


def test_patients_with_two_labels_and_learners_without_a_score_are_refused():
    with pytest.raises(InputError, match=r"groups\[0\]"):
        st.label_permutation_test([0, 1, 0, 1], lambda y: 0.5, [1, 1, 2, 3])
    with pytest.raises(InputError, match=r"evaluate\(labels\) = nan"):
        st.label_permutation_test([0, 1, 0, 1], lambda y: float("nan"))
    with pytest.raises(InputError, match=r"evaluate = 0\.9 is no function"):
        st.label_permutation_test([0, 1, 0, 1], 0.9)


@pytest.mark.parametrize("seed", [-1, "7", 0.5, None, [1, 2]])
def test_a_seed_that_starts_no_random_numbers_is_refused(seed):
    labels, scores, _ = study()
    for asked in (
        lambda: st.cluster_bootstrap(labels, scores, seed=seed),
        lambda: st.paired_bootstrap(labels, scores, scores**2, seed=seed),
        lambda: st.paired_permutation_test(labels, scores, scores**2, seed=seed),
        lambda: st.label_permutation_test(labels, lambda y: 0.5, seed=seed),
        lambda: st.calibration_measures(labels, scores, seed=seed),
        lambda: st.simulate_readers(2, 10, 10, seed=seed),
    ):
        with pytest.raises(InputError, match="seed"):
            asked()


def test_without_a_number_of_shuffles_the_smallest_p_is_one_in_two_hundred():
    labels = np.arange(40) % 2
    found = st.label_permutation_test(labels, lambda y: float((y == labels).mean()))
    assert found.p_value == 1 / 200


def test_exchanging_all_scores_is_as_far_from_0_as_exchanging_none():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        labels = np.arange(11) % 2
        first, second = rng.random((2, 11))
        found = st.paired_permutation_test(labels, first, second, metric="AUC")
        count = found.p_value * 2**11
        assert count == pytest.approx(round(count))
        assert round(count) % 2 == 0  # each swap and its opposite


def test_a_shuffle_that_scores_the_same_but_for_rounding_counts_as_good():
    values = iter([0.1 + 0.2, *[0.3] * 19])  # 0.30000000000000004 first
    found = st.label_permutation_test(np.arange(10) % 2, lambda y: next(values), permutations=19)
    assert found.p_value == 1


def test_p_of_a_paired_bootstrap_counts_one_more_and_draws_without_a_difference_on_both_sides():
    labels = np.arange(60) % 2
    right, wrong = 0.2 + 0.6 * labels, 0.8 - 0.6 * labels
    poor = np.where(np.arange(60) % 3 == 0, wrong, right)  # a third wrong in either class
    found = st.paired_bootstrap(labels, right, poor, replicates=199)
    assert (found.difference, found.p_value) == pytest.approx((1 / 3, 2 / 200))
    alike = st.paired_bootstrap(labels, poor, poor**2 + 0.1 * poor, replicates=199)
    assert (alike.difference, alike.p_value) == (0, 1)


def test_a_paired_bootstrap_draws_patients_whole_and_calls_positive_above_the_threshold_given():
    labels = np.repeat([0, 1], 10)
    first, second = 0.2 + 0.6 * labels, 0.2 + 0.3 * labels  # .8 and .5 where positive
    second[15:] = 0.7
    for threshold, apart in [(0.6, 0.25), (0.75, 0.5), (0.4, 0.0)]:
        found = st.paired_bootstrap(labels, first, second, threshold=threshold, replicates=199)
        assert found.difference == pytest.approx(apart)
    many = [np.repeat(values, 10) for values in (labels, first, second)]
    patients = np.repeat(np.arange(20), 10)
    once = st.paired_bootstrap(labels, first, second, threshold=0.6, replicates=999)
    tenfold = st.paired_bootstrap(*many, patients, threshold=0.6, replicates=999)
    assert tenfold.interval.width == pytest.approx(once.interval.width, rel=0.1)
