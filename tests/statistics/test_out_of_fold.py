"""Repeated cross-validation: the parts of its variance, the level of its test, its coverage."""

import numpy as np
import pytest

from medlib import statistics as st
from medlib.errors import InputError
from medlib.statistics import batches
from medlib.statistics.out_of_fold import (
    LEAST,
    MOST,
    SEED,
    SHARED,
    _within,
    shared_luck,
    variance_parts,
)

CASES, FOLDS = 50, 5
LABELS = np.repeat([0, 1], CASES // 2)


def partitions(rng, repeats):
    """Return stratified folds, repeats x cases."""
    one = np.arange(CASES // 2) % FOLDS
    return np.stack([np.r_[rng.permutation(one), rng.permutation(one)] for _ in range(repeats)])


def nearest_mean(features, folds):
    """Return for each study, repeat and case whether nearest-mean gets it right out of fold."""
    right = np.empty((len(features), *folds.shape))
    for r, row in enumerate(folds):
        for fold in range(FOLDS):
            test = row == fold
            means = [features[:, (c == LABELS) & ~test].mean(axis=1) for c in (0, 1)]
            axis, middle = means[1] - means[0], (means[0] + means[1]) / 2
            side = np.einsum("stp,sp->st", features[:, test] - middle[:, None], axis)
            right[:, r, test] = (side > 0) == LABELS[test]
    return right


@pytest.fixture(scope="module")
def studies():
    """Return folds and results of two equally good learners, each its own features, 800 times."""
    rng = np.random.default_rng(11)
    folds = partitions(rng, 5)
    shift = 2.2 / np.sqrt(10) * LABELS[:, None]
    both = [nearest_mean(rng.standard_normal((800, CASES, 10)) + shift, folds) for _ in range(2)]
    return folds, *both


def test_the_test_keeps_its_level_where_naive_t_does_not(studies):
    folds, a, b = studies
    found = [st.out_of_fold_test(x, y, folds) for x, y in zip(a, b, strict=True)]
    rejects = np.mean([f.p_value < 0.05 for f in found])
    assert 0.015 <= rejects <= 0.07  # with five repeats it is a little careful
    assert np.mean([0 in f.interval for f in found]) == pytest.approx(1 - rejects, abs=1e-12)
    naive = []
    for x, y in zip(a[:200], b[:200], strict=True):
        d = x - y
        values = [[d[r][folds[r] == k].mean() for k in range(FOLDS)] for r in range(len(folds))]
        naive.append(st.naive_t(values).p_value < 0.05)
    assert np.mean(naive) > 0.3


def test_nearest_neighbours_are_not_called_different_too_often():
    rng = np.random.default_rng(21)
    folds = partitions(rng, 10)
    features = rng.standard_normal((2, 800, CASES, 4)) + 1.1 * LABELS[:, None]
    first, second = (
        batches.out_of_fold_correct(batches.nearest_neighbour, x, LABELS, folds) for x in features
    )
    p = batches.p_values(first - second, folds)["out-of-fold test, 10 x 5"]
    assert np.mean(p < 0.05) <= 0.07  # 0.081 if the luck of the fits is taken to be known surely


def test_the_corrected_t_is_safe_over_five_folds(studies):
    folds, a, b = studies
    d = a[:, 0] - b[:, 0]
    values = np.stack([d[:, folds[0] == k].mean(axis=1) for k in range(FOLDS)], axis=1)
    corrected = [st.corrected_t(v, n_train=40, n_test=10).p_value < 0.05 for v in values]
    naive = [st.naive_t(v).p_value < 0.05 for v in values]
    assert np.mean(corrected) < 0.04
    assert np.mean(naive) > np.mean(corrected) + 0.02


def test_the_interval_covers_the_expected_accuracy_where_wilson_on_all_cases_does_not(studies):
    folds, a, _ = studies
    truth = a.mean()
    found = [st.out_of_fold_interval(x, folds) for x in a]
    assert np.mean([truth in f for f in found]) >= 0.93
    naive = [st.proportion_interval(int(x[0].sum()), CASES) for x in a]
    assert np.mean([truth in f for f in naive]) < 0.94


def test_an_ordinary_difference_is_found(studies):
    folds, a, _ = studies
    rng = np.random.default_rng(5)
    chance = (rng.random(a[:200].shape) < 0.5).astype(float)
    found = [st.out_of_fold_test(x, y, folds) for x, y in zip(a[:200], chance, strict=True)]
    assert np.mean([f.p_value < 0.05 for f in found]) > 0.8
    assert np.mean([f.difference for f in found]) == pytest.approx(a[:200].mean() - 0.5, abs=0.02)


def test_variance_parts_are_the_sums_over_pairs_of_the_definition():
    rng = np.random.default_rng(1)
    folds, values = partitions(rng, 3), rng.standard_normal((3, CASES))
    found = variance_parts(values, folds)
    case = values.mean(axis=0)
    assert found.patients == pytest.approx(case.var(ddof=1) / CASES, abs=1e-12)
    pairs = [
        (r, i, j)
        for r in range(3)
        for i in range(CASES)
        for j in range(CASES)
        if i != j and folds[r, i] == folds[r, j]
    ]
    products = [(values[r, i] - case[i]) * (values[r, j] - case[j]) for r, i, j in pairs]
    luck = max(0.0, np.mean(products) * 9 / (2 * (2 + 9 / 49)))
    assert found.luck == pytest.approx(luck, abs=1e-12)
    assert found.fits == pytest.approx(9 / 49 * luck / 3, abs=1e-12)
    assert found.procedure == pytest.approx(found.patients + found.fits + found.shared, abs=1e-12)
    assert found.model == pytest.approx(found.procedure + luck + found.shared, abs=1e-12)


def test_shared_luck_is_held_between_its_bounds_and_left_out_where_the_seed_is_at_work():
    patients = 0.01
    lucks = np.array([0, LEAST / 4, 0.5, (MOST + SEED[0]) / 2, sum(SEED) / 2, SEED[1] + 0.1])
    expected = np.array([LEAST, LEAST, 0.5 * SHARED, MOST, (MOST + LEAST) / 2, LEAST])
    assert shared_luck(lucks * patients, patients) == pytest.approx(expected * patients, abs=1e-15)
    assert shared_luck(0.0, 0.0) == 0


def test_shared_luck_is_what_the_simulations_gave():
    parts = np.array([0.0, 0.5, 1.0, 3.0, 5.0, 7.0])
    assert shared_luck(parts, 1.0) == pytest.approx([0.1, 0.75, 1.5, 1.5, 0.8, 0.1])


def test_shared_luck_does_not_jump():
    lucks = np.linspace(0, 20, 20_001)
    assert np.abs(np.diff(shared_luck(lucks, 1.0))).max() < 2 * SHARED * lucks[1]


def fails_by_seed(rng, cases, studies, repeats=10, share=0.2):
    """Folds, and right or wrong where each fit tosses coins with a probability of `share`."""
    one = np.arange(cases) % FOLDS
    folds = np.stack([rng.permutation(one) for _ in range(repeats)])
    easy = rng.random((studies, 1, cases)) < 0.88
    fails = rng.random((studies, repeats, FOLDS)) < share
    fails = np.stack([fails[:, r, row] for r, row in enumerate(folds)], axis=1)
    return folds, np.where(fails, rng.random(fails.shape) < 0.5, easy).astype(float)


def test_where_fits_fail_by_seed_more_patients_and_more_fits_still_narrow_the_interval():
    rng = np.random.default_rng(6)
    truth, width = 0.8 * 0.88 + 0.2 * 0.5, {}
    for cases in (50, 200, 1000):
        folds, right = fails_by_seed(rng, cases, 600)
        low, high = batches.accuracy_intervals(right, folds)["out-of-fold interval, 10 x 5"]
        width[cases] = (high - low).mean()
        assert ((low <= truth) & (truth <= high)).mean() >= 0.93
    assert width[50] < 0.24
    assert width[200] < 0.13
    assert width[1000] < 0.10  # the seed's luck over 50 fits, whatever the number of patients


def test_two_learners_that_fail_by_seed_are_told_apart_as_often_as_the_level_says():
    rng = np.random.default_rng(7)
    folds, first = fails_by_seed(rng, 200, 400)
    easy = rng.random((400, 1, 200)) < 0.88
    fails = rng.random((400, 10, FOLDS)) < 0.2
    fails = np.stack([fails[:, r, row] for r, row in enumerate(folds)], axis=1)
    second = np.where(fails, rng.random(fails.shape) < 0.5, easy).astype(float)
    found = [st.out_of_fold_test(a, b, folds) for a, b in zip(first, second, strict=True)]
    assert 0.02 <= np.mean([f.p_value < 0.05 for f in found]) <= 0.08
    assert found[0].target == "procedure"
    assert "fails by seed" in found[0].caution


def test_one_model_is_less_sure_than_the_procedure_and_the_interval_says_which_it_means():
    folds, right = fails_by_seed(np.random.default_rng(8), 200, 1)
    procedure = st.out_of_fold_interval(right[0], folds)
    model = st.out_of_fold_interval(right[0], folds, target="model")
    assert (procedure.target, model.target) == ("procedure", "model")
    assert "accuracy of the model" in str(model)
    assert 0.5 in model  # one fit in five reaches no more
    assert 0.88 in model
    assert 0.5 not in procedure
    with pytest.raises(InputError, match="target = 'both'"):
        st.out_of_fold_interval(right[0], folds, target="both")


@pytest.mark.parametrize(
    ("rows", "cases", "words"),
    [(slice(10), slice(None), ""), (slice(2), slice(None), "only 2 repeats"),
     (slice(10), slice(20), "only 20 patients")],
)  # fmt: skip
def test_a_result_says_where_its_level_was_not_measured(rows, cases, words):
    rng = np.random.default_rng(9)
    one = np.arange(CASES) % FOLDS
    folds = np.stack([rng.permutation(one) for _ in range(10)])[rows, cases]
    right = np.tile(rng.random(CASES) < 0.8, (10, 1)).astype(float)[rows, cases]
    assert words in st.out_of_fold_interval(right, folds).caution
    if not words:
        assert not st.out_of_fold_interval(right, folds).caution


def test_a_rare_class_is_met_with_a_caution_and_a_column_of_one_class_is_not():
    rng = np.random.default_rng(12)
    folds, right = partitions(rng, 5), (rng.random((5, CASES)) < 0.8).astype(float)
    rare = np.arange(CASES) < 10
    assert "one class has 20 %" in st.out_of_fold_interval(right, folds, labels=rare).caution
    assert "one class has 20 %" in st.out_of_fold_interval(right, folds, labels=~rare).caution
    assert "one class" in st.out_of_fold_test(right, 1 - right, folds, labels=rare).caution
    assert not st.out_of_fold_interval(right, folds, labels=LABELS).caution
    assert not st.out_of_fold_interval(right, folds, labels=np.ones(CASES)).caution
    with pytest.raises(InputError, match="labels has 3 values"):
        st.out_of_fold_interval(right, folds, labels=[0, 1, 1])


@pytest.mark.parametrize(("ill", "doubt"), [(14, True), (15, False), (35, False), (36, True)])
def test_a_class_is_rare_below_three_tenths_of_the_cases(ill, doubt):
    rng = np.random.default_rng(12)
    right = (rng.random((5, CASES)) < 0.8).astype(float)
    found = st.out_of_fold_interval(right, partitions(rng, 5), labels=np.arange(CASES) < ill)
    assert ("one class" in found.caution) == doubt


def test_three_folds_of_two_patients_are_enough_and_images_are_told_from_patients():
    folds = np.array([[0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2]])
    right = np.array([[1, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1]])
    assert "6 cases" in st.out_of_fold_interval(right, folds).basis
    twice = [np.repeat(each, 2, axis=1) for each in (right, folds)]
    found = st.out_of_fold_interval(*twice, groups=np.repeat(np.arange(6), 2))
    assert "12 images of 6 patients" in found.basis


def test_twenty_folds_are_met_with_a_caution_and_two_with_a_refusal():
    rng = np.random.default_rng(10)
    right = (rng.random((5, 40)) < 0.8).astype(float)
    twenty = np.stack([rng.permutation(40) % 20 for _ in range(5)])
    assert "20 folds, where 5 keep" in st.out_of_fold_interval(right, twenty).caution
    with pytest.raises(InputError, match="three or more folds"):
        st.out_of_fold_interval(right, twenty % 2)


def test_luck_shared_by_a_fold_is_recovered_without_bias():
    rng, estimates = np.random.default_rng(2), []
    for _ in range(400):
        folds = partitions(rng, 5)
        luck = rng.normal(0, 0.5, size=(5, FOLDS))
        values = rng.standard_normal(CASES) + np.take_along_axis(luck, folds, axis=1)
        estimates.append(variance_parts(values, folds).luck)
    assert np.mean(estimates) == pytest.approx(0.25, abs=0.02)


def test_the_standard_error_of_luck_is_what_it_varies_by_where_there_is_none():
    rng, estimates, errors = np.random.default_rng(14), [], []
    for _ in range(400):
        folds, values = partitions(rng, 5), rng.standard_normal((5, CASES))
        luck, error, _ = _within(values - values.mean(axis=0), np.ones(CASES), folds)
        estimates.append(luck)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.12)


def test_the_degrees_of_freedom_are_those_of_the_patients_less_what_the_luck_is_unsure():
    rng = np.random.default_rng(13)
    folds, values = partitions(rng, 5), rng.standard_normal((5, CASES))
    found = variance_parts(values, folds)

    def variance(luck):
        return found.patients + found.left * luck + shared_luck(luck, found.patients)

    low, high = max(0.0, found.luck - found.luck_error), found.luck + found.luck_error
    moved = (variance(high) - variance(low)) / 2 / found.procedure
    assert found.df == pytest.approx(1 / (1 / 49 + moved**2 / 2))
    sure = variance_parts(np.tile(values[0], (5, 1)), folds)
    assert sure.df == pytest.approx(49)


def test_copied_images_of_a_patient_add_no_certainty():
    rng = np.random.default_rng(3)
    folds = partitions(rng, 4)
    usual = rng.random((2, 1, CASES)) < np.array([0.8, 0.7])[:, None, None]
    right, other = (usual ^ (rng.random((2, 4, CASES)) < 0.02)).astype(float)
    alone = st.out_of_fold_test(right, other, folds)
    tiles = [np.tile(table, 6) for table in (right, other, folds)]
    copied = st.out_of_fold_test(*tiles, np.tile(np.arange(CASES), 6))
    assert copied.p_value == pytest.approx(alone.p_value, abs=1e-9)
    assert copied.df == pytest.approx(alone.df)
    same = np.tile(usual[0].astype(float), (4, 1))  # every repeat alike: 49 effective cases
    one = st.out_of_fold_interval(same, folds)
    many = st.out_of_fold_interval(np.tile(same, 6), tiles[2], np.tile(np.arange(CASES), 6))
    assert (many.low, many.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_learners_that_agree_on_every_case_do_not_differ():
    rng = np.random.default_rng(4)
    folds, right = partitions(rng, 2), (rng.random((2, CASES)) < 0.8).astype(float)
    found = st.out_of_fold_test(right, right, folds)
    assert (found.difference, found.p_value, found.interval) == (0.0, 1.0, None)
    perfect = st.out_of_fold_interval(np.ones((2, CASES)), folds)
    assert perfect.low == pytest.approx(st.proportion_interval(50, 50).low, abs=1e-12)
    assert perfect.high == 1.0


def bad(**change):
    rng = np.random.default_rng(0)
    folds = partitions(rng, 2)
    right = (rng.random((2, CASES)) < 0.8).astype(float)
    other = (rng.random((2, CASES)) < 0.8).astype(float)
    return {"correct_a": right, "correct_b": other, "folds": folds, **change}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"correct_a": np.full((2, CASES), np.nan)}, r"correct_a\[0\] = nan"),
        ({"correct_a": np.ones((3, CASES))}, r"correct_a has shape \(3, 50\)"),
        ({"correct_a": np.ones(CASES)}, "correct_a has shape"),
        ({"folds": np.zeros((2, CASES))}, r"folds\[0\] has 1 folds"),
        ({"folds": np.tile(np.arange(CASES), (2, 1))}, "50 folds of at most 1"),
        ({"folds": np.zeros((2, 3))}, r"folds has shape \(2, 3\)"),
        ({"groups": np.arange(CASES) // 2}, "leakage"),
        ({"groups": [1, 2, 3]}, r"groups has shape \(3,\)"),
        ({"confidence": 95}, "confidence = 95"),
        (
            {"correct_a": np.ones((2, CASES)), "correct_b": np.zeros((2, CASES))},
            "is 1 for every patient",
        ),
    ],
)
def test_bad_input_names_argument_and_value(change, words):
    with pytest.raises(InputError, match=words):
        st.out_of_fold_test(**bad(**change))


def test_one_repeat_or_scores_that_are_no_counts_are_refused():
    given = bad()
    with pytest.raises(InputError, match="1 repeat"):
        st.out_of_fold_interval(given["correct_a"][:1], given["folds"][:1])
    with pytest.raises(InputError, match="neither 0"):
        st.out_of_fold_interval(given["correct_a"] * 0.5, given["folds"])


def test_one_repeat_given_flat_is_asked_for_as_repeats_of_cases():
    with pytest.raises(InputError, match="give repeats x cases"):
        st.out_of_fold_interval([1, 0, 1, 1], [0, 1, 2, 0])
