"""Many studies at once give, study by study, what medlib.statistics says of each alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from medlib import statistics
from medlib.errors import InputError
from medlib.statistics import batches

LABELS = np.repeat([0, 1], 25)
LEARNERS = [
    batches.nearest_mean,
    batches.discriminant,
    batches.ridge,
    batches.nearest_neighbour,
]


def studies(runs=6, repeats=5, seed=0):
    """Right or wrong of two learners that agree on most cases, with the folds they were in."""
    rng = np.random.default_rng(seed)
    folds = batches.deal(LABELS, folds=5, repeats=repeats, rng=rng)
    hard = rng.random((2, runs, 1, 50)) ** 2
    right = (rng.random((2, runs, repeats, 50)) > hard).astype(float)
    return right[0], right[1], folds


def p_or_certain(question, *values, **options):
    """The p-value; 0 where folds that all differ by the same amount leave no variance to judge."""
    if np.ptp(values[0]) < 1e-12 < np.abs(values[0]).max():
        with pytest.raises(InputError, match="without variance"):
            question(*values, **options)
        return 0.0
    return question(*values, **options).p_value


@given(st.integers(0, 10_000), st.integers(2, 8))
@settings(max_examples=20, deadline=None)
def test_p_values_of_many_runs_are_those_of_each_alone(seed, repeats):
    first, second, folds = studies(runs=3, repeats=repeats, seed=seed)
    found = batches.p_values(first - second, folds)
    for run in range(3):
        a, b = first[run], second[run]
        by_fold = np.array([[(a - b)[r, folds[r] == k].mean() for k in range(5)]
                            for r in range(repeats)])  # fmt: skip
        only_a, only_b = int((a[0] > b[0]).sum()), int((b[0] > a[0]).sum())
        alone = [
            p_or_certain(statistics.naive_t, by_fold[0]),
            p_or_certain(statistics.naive_t, by_fold),
            p_or_certain(statistics.naive_t, by_fold.mean(1)),
            p_or_certain(statistics.corrected_t, by_fold[0], n_train=40, n_test=10),
            p_or_certain(statistics.corrected_t, by_fold, n_train=40, n_test=10),
            statistics.mcnemar_counts(only_a, only_b, n=50).p_value,
            statistics.out_of_fold_test(a, b, folds).p_value,
        ]
        together = [values[run] for values in found.values()]
        assert together == pytest.approx(alone, abs=1e-10)


def test_intervals_of_many_runs_are_those_of_each_alone():
    correct, _, folds = studies(runs=8)
    found = batches.accuracy_intervals(correct, folds)
    means = batches.fold_means(correct, folds)
    for run, right in enumerate(correct):
        naive = statistics.naive_t(means[run, 0], reference=0).interval
        corrected = statistics.corrected_t(means[run], n_train=40, n_test=10).interval
        alone = {
            "naive t, 5 folds": naive,
            "corrected t, 5 x 5 folds": corrected,
            "Wilson, one run": statistics.proportion_interval(int(right[0].sum()), 50),
            "out-of-fold interval, 5 x 5": statistics.out_of_fold_interval(right, folds),
        }
        for name, answer in alone.items():
            low, high = (ends[run] for ends in found[name])
            assert (low, high) == pytest.approx((answer.low, answer.high), abs=1e-10), name


def test_a_study_without_any_difference_is_never_significant():
    first, _, folds = studies(runs=2)
    for name, p in batches.p_values(first - first, folds).items():
        assert np.all(p == 1), name


def test_folds_that_all_differ_by_the_same_amount_are_certain_to_a_t_test():
    folds = batches.deal(LABELS, folds=5, repeats=2, rng=np.random.default_rng(0))
    difference = np.zeros((1, 2, 50))
    for repeat, row in enumerate(folds):
        for k in range(5):
            difference[0, repeat, np.flatnonzero(row == k)[0]] = 1
    found = batches.p_values(difference, folds)
    assert found["naive t, 5 folds"] == 0
    assert found["exact McNemar, one run"] == pytest.approx(2 * 0.5**5)


def test_cases_are_dealt_evenly_within_each_class_and_anew_each_time():
    folds = batches.deal(LABELS, folds=5, repeats=4, rng=np.random.default_rng(1))
    for row in folds:
        assert all(sum(row[k == LABELS] == f) == 5 for k in (0, 1) for f in range(5))
    assert len(np.unique(folds, axis=0)) == 4


@pytest.mark.parametrize("folds", [1, 26])
def test_folds_that_cannot_hold_both_classes_are_refused(folds):
    with pytest.raises(InputError, match="give 2 to 25"):
        batches.deal(LABELS, folds=folds, repeats=1, rng=np.random.default_rng(0))


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_run_is_judged_the_same_alone_and_among_others(learner):
    rng = np.random.default_rng(2)
    features = rng.standard_normal((5, 50, 8))
    features[:, 25:] += 0.8
    folds = batches.deal(LABELS, folds=5, repeats=2, rng=rng)
    together = batches.out_of_fold_correct(learner, features, LABELS, folds)
    alone = batches.out_of_fold_correct(learner, features[3:4], LABELS, folds)
    assert np.array_equal(together[3:4], alone)
    assert together.mean() > 0.75  # shifted by 0.8 SD in each of 8 features: about 0.85 possible


@pytest.mark.parametrize("learner", LEARNERS)
def test_labels_without_meaning_are_learned_by_heart_but_not_predicted(learner):
    rng = np.random.default_rng(3)
    features = rng.standard_normal((200, 50, 60))
    folds = batches.deal(LABELS, folds=5, repeats=1, rng=rng)
    assert abs(batches.out_of_fold_correct(learner, features, LABELS, folds).mean() - 0.5) < 0.03
    assert (learner(features, LABELS, features) == (LABELS == 1)).mean() > 0.8


def test_discriminant_ignores_noise_common_to_both_features_and_the_nearest_mean_does_not():
    rng = np.random.default_rng(4)
    common = rng.standard_normal((100, 50, 1))
    features = np.concatenate([common, common + 0.1 * rng.standard_normal((100, 50, 1))], axis=2)
    features[:, 25:, 1] += 0.5
    folds = batches.deal(LABELS, folds=5, repeats=1, rng=rng)
    found = [batches.out_of_fold_correct(learner, features, LABELS, folds).mean()
             for learner in (batches.discriminant, batches.nearest_mean)]  # fmt: skip
    assert found[0] > 0.97
    assert found[1] < 0.75


def test_ridge_agrees_with_its_closed_form_among_features():
    rng = np.random.default_rng(5)
    training, test = rng.standard_normal((1, 40, 6)), rng.standard_normal((1, 200, 6))
    labels = rng.permutation(np.repeat([0, 1], [14, 26]))
    scaled = (training[0] - training[0].mean(0)) / training[0].std(0)
    target = 2.0 * labels - 1
    weights = np.linalg.solve(
        scaled.T @ scaled / 6 + 0.1 * np.eye(6), scaled.T @ (target - target.mean()) / 6
    )
    score = (test[0] - training[0].mean(0)) / training[0].std(0) @ weights + target.mean()
    assert np.array_equal(batches.ridge(training, labels, test)[0], score > 0)


@pytest.mark.parametrize("learner", LEARNERS)
def test_where_zero_lies_does_not_matter(learner):
    rng = np.random.default_rng(6)
    training, test = rng.standard_normal((3, 50, 4)), rng.standard_normal((3, 80, 4))
    training[:, 25:] += 1
    here, there = learner(training, LABELS, test), learner(training + 9, LABELS, test + 9)
    assert np.array_equal(here, there)


@pytest.mark.parametrize("features", [10, 60])
def test_ridge_is_the_least_penalised_sum_of_squares(features):
    rng = np.random.default_rng(5)
    x, new = rng.standard_normal((50, features)), rng.standard_normal((400, features))
    known, seen = (each - x.mean(0) for each in (x, new))
    known, seen = known / (x.std(0) + 1e-9), seen / (x.std(0) + 1e-9)
    solver = Ridge(alpha=0.1 * features).fit(known, 2 * LABELS - 1)
    found = batches.ridge(x[None], LABELS, new[None])[0]
    assert np.array_equal(found, solver.predict(seen) > 0)
