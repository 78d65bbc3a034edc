"""The laboratory of variance: parts are recovered, formulas are those of the papers."""

import numpy as np
import pytest

from medlib import laboratory
from medlib.errors import InputError
from medlib.laboratory.components import components_of
from medlib.statistics import batches

LABELS = np.repeat([0, 1], 15)
Z = 1.959963984540054


def studies(rng, runs=3, labels=LABELS, features=4):
    x = rng.standard_normal((runs, len(labels), features))
    x[:, labels == 1] += 0.9
    return x


def deal(rng, repeats=2, folds=5):
    return batches.deal(LABELS, folds=folds, repeats=repeats, rng=rng)


def fit_and_judge(x, train, test):
    """Right or wrong of the cases `test` (rows of one study), one study at a time."""
    said = batches.nearest_mean(x[None, train], LABELS[train], x[None, test])[0]
    return (said == (LABELS[test] == 1)).astype(float)


def nested_as_written(x, folds):
    """Algorithm 1 of Bates, Hastie & Tibshirani (2024), loop by loop, on one study."""
    k, n = 5, len(LABELS)
    inner, outer, a, b = [], [], [], []
    for row in folds:
        for j in range(k):
            e_in = []
            for other in set(range(k)) - {j}:
                train = np.flatnonzero((row != j) & (row != other))
                e_in.extend(fit_and_judge(x, train, np.flatnonzero(row == other)))
            e_out = fit_and_judge(x, np.flatnonzero(row != j), np.flatnonzero(row == j))
            a.append((np.mean(e_in) - np.mean(e_out)) ** 2)
            b.append(np.var(e_out, ddof=1) / len(e_out))
            inner.extend(e_in)
            outer.extend(e_out)
    naive = np.std(inner, ddof=1) / np.sqrt(n)
    mse = (k - 1) / k * (np.mean(a) - np.mean(b))
    spread = min(max(np.sqrt(max(mse, 0)), naive), np.sqrt(k) * naive)
    bias = (1 + (k - 2) / k) * (np.mean(inner) - np.mean(outer))
    centre = np.mean(inner) - bias
    return centre - Z * spread, centre + Z * spread


def test_nested_cross_validation_is_the_algorithm_of_its_paper():
    rng = np.random.default_rng(0)
    x, folds = studies(rng), deal(rng)
    scores = laboratory.nested_scores(batches.nearest_mean, x, LABELS, folds)
    ends = np.array(laboratory.nested_ends(scores, folds))
    for run in range(len(x)):
        assert ends[:, run] == pytest.approx(nested_as_written(x[run], folds), abs=1e-10)


def test_the_diagonal_of_nested_scores_is_the_usual_cross_validation():
    rng = np.random.default_rng(1)
    x, folds = studies(rng), deal(rng)
    nested = laboratory.nested_scores(batches.nearest_mean, x, LABELS, folds)
    usual = batches.out_of_fold_correct(batches.nearest_mean, x, LABELS, folds)
    for repeat, row in enumerate(folds):
        for case, fold in enumerate(row):
            assert np.array_equal(nested[:, repeat, fold, case], usual[:, repeat, case])


def test_bayles_interval_of_right_and_wrong_is_walds():
    rng = np.random.default_rng(2)
    right = (rng.random((4, 40)) < 0.8).astype(float)
    low, high = laboratory.bayle_ends(right)
    p = right.mean(1)
    assert low == pytest.approx(p - Z * np.sqrt(p * (1 - p) / 40), abs=1e-12)
    assert high == pytest.approx(p + Z * np.sqrt(p * (1 - p) / 40), abs=1e-12)


def test_corrected_t_is_the_interval_of_the_statistics():
    from medlib import statistics

    rng = np.random.default_rng(3)
    x, folds = studies(rng), deal(rng, repeats=3)
    right = batches.out_of_fold_correct(batches.nearest_mean, x, LABELS, folds)
    ends = np.array(laboratory.corrected_t_ends(right, folds))
    for run, means in enumerate(batches.fold_means(right, folds)):
        alone = statistics.corrected_t(means, n_train=24, n_test=6).interval
        assert ends[:, run] == pytest.approx((alone.low, alone.high), abs=1e-10)


def test_conservative_z_is_half_the_mean_square_between_halves():
    whole = np.array([[0.8, 0.9, 0.7]])
    halves = np.array([[[0.6, 0.8], [0.9, 0.8]]])
    low, high = laboratory.conservative_z_ends(whole, halves)
    spread = np.sqrt((0.2**2 + 0.1**2) / (2 * 2))
    assert low[0] == pytest.approx(0.8 - Z * spread, abs=1e-12)
    assert high[0] == pytest.approx(0.8 + Z * spread, abs=1e-12)


def test_halves_of_the_subsampling_share_no_patient_and_every_fit_tests_what_it_did_not_see():
    seen = []

    def spy(training, labels, test):
        seen.append((set(training[0, :, 0]), set(test[0, :, 0]), labels.mean()))
        return np.zeros(test.shape[:2], dtype=bool)

    x = np.arange(30.0)[None, :, None]
    found = laboratory.subsampled_scores(
        spy, x, LABELS, inner=3, outer=2, rng=np.random.default_rng(4)
    )
    assert found.whole.shape == (1, 3)
    assert found.halves.shape == (1, 2, 2)
    assert all(not train & test and share == 0.5 for train, test, share in seen)
    assert {len(test) for _, test, _ in seen} == {4}  # 10 % of 15, rounded, of each class
    assert [len(train) for train, _, _ in seen] == [26] * 3 + [10] * 12
    first = set().union(*(train | test for train, test, _ in seen[3:6]))
    second = set().union(*(train | test for train, test, _ in seen[6:9]))
    assert not first & second


def test_known_parts_of_the_variance_are_recovered():
    rng = np.random.default_rng(5)
    runs, partitions, seeds, cases = 3000, 3, 2, 20
    parts = {"patients": 0.5 / cases, "training sample": 0.02, "partition": 0.03, "seed": 0.05}
    scores = (
        rng.normal(0, np.sqrt(0.5), (runs, 1, 1, cases))
        + rng.normal(0, np.sqrt(0.02), (runs, 1, 1, 1))
        + rng.normal(0, np.sqrt(0.03), (runs, partitions, 1, 1))
        + rng.normal(0, np.sqrt(0.05), (runs, partitions, seeds, 1))
    )
    found = components_of(scores).variance
    for source, variance in parts.items():
        assert found[source] == pytest.approx(variance, abs=0.005), source


def test_a_learner_without_a_seed_has_no_variance_of_the_seed_and_one_that_fails_has_most_of_it():
    rng = np.random.default_rng(6)
    kept = {"labels": LABELS, "rng": rng}
    steady = laboratory.variance_components(batches.nearest_mean, lambda r: studies(r, 200), **kept)
    assert steady.variance["seed"] == 0
    assert steady.share["patients"] > 0.5
    lucky = laboratory.failing(batches.nearest_mean, 0.2, rng)
    unsteady = laboratory.variance_components(lucky, lambda r: studies(r, 200), **kept)
    assert unsteady.share["seed"] > 0.5
    with pytest.raises(InputError, match="two or more"):
        laboratory.variance_components(lucky, lambda r: studies(r, 20), seeds=1, **kept)


def test_a_learner_fails_as_often_as_it_is_told_to():
    rng = np.random.default_rng(7)
    x = studies(rng, 2000)
    x[:, LABELS == 1] += 50  # never wrong unless the fit failed
    right = laboratory.failing(batches.nearest_mean, 0.3, rng)(x, LABELS, x) == (LABELS == 1)
    assert (right.mean(axis=1) < 1).mean() == pytest.approx(0.3, abs=0.04)
    with pytest.raises(InputError, match="share = 2"):
        laboratory.failing(batches.nearest_mean, 2, rng)


@pytest.fixture(scope="module")
def table():
    """Procedures on 300 studies of 30 patients, with fits that fail by seed."""
    rng = np.random.default_rng(8)
    new_labels = np.repeat([0, 1], 300)
    population = laboratory.Population(
        (studies(rng, 300), studies(rng, 300)), LABELS,
        studies(rng, 1, new_labels)[0], new_labels,
    )  # fmt: skip
    lucky = laboratory.failing(batches.nearest_mean, 0.2, rng)
    return laboratory.compare(lucky, population, rng=rng)


def test_where_fits_fail_by_seed_one_run_does_not_cover_and_the_out_of_fold_interval_does(table):
    assert table.coverage["Wilson, one run"] < 0.92
    assert table.coverage["Bayle's CLT, one run"] < 0.92
    assert table.coverage["out-of-fold"] > 0.93
    assert table.width["out-of-fold"] < table.width["corrected t, all repeats"]
    assert table.of_model["out-of-fold, one model"] > 0.9
    assert table.of_model["out-of-fold"] < 0.9  # it is about the procedure, and says so


def test_each_procedure_states_how_many_fits_it_needs(table):
    assert table.fits["Wilson, one run"] == 5
    assert table.fits["out-of-fold"] == 50
    assert table.fits["nested cross-validation"] == 150
    assert table.fits["conservative z"] == 315


def test_blended_patients_have_the_means_and_covariances_of_their_class():
    rng = np.random.default_rng(9)
    mix = rng.standard_normal((3, 3))
    pool = np.r_[rng.standard_normal((60, 3)) @ mix, rng.standard_normal((40, 3)) + 2]
    scans, classes = np.stack([pool, pool]), np.repeat([0, 1], [60, 40])
    found = laboratory.blended_population(scans, classes, patients=50, studies=4000, rng=rng)
    first, second = found.features
    assert np.array_equal(first, second)  # the two scans are equal here
    assert first.shape == (4000, 50, 3)
    for c in (0, 1):
        seen = first[:, found.labels == c].reshape(-1, 3)
        assert seen.mean(0) == pytest.approx(pool[classes == c].mean(0), abs=0.03)
        assert np.cov(seen.T) == pytest.approx(np.cov(pool[classes == c].T, ddof=0), abs=0.08)
    assert found.new_features.shape == (2000, 3)


def test_a_coin_shows_each_patients_scans_to_the_two_learners():
    scans = np.stack([np.zeros((10, 1)), np.ones((10, 1))])
    classes, rng = np.repeat([0, 1], 5), np.random.default_rng(10)
    drawn = laboratory.blended_population(scans, classes, patients=20, studies=50, rng=rng)
    first, second = drawn.features
    assert first + second == pytest.approx(np.ones_like(first), abs=1e-12)
    assert np.mean(first > 0.5) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"patients": 7}, "even numbers"), ({"patients": 0}, "2 or more"),
     ({"labels": np.repeat([0, 1], [9, 1])}, "two or more"),
     ({"scans": np.zeros((10, 1))}, "two scans each")],
)  # fmt: skip
def test_a_pool_that_cannot_be_blended_is_refused(change, words):
    given = {"scans": np.zeros((2, 10, 1)), "labels": np.repeat([0, 1], 5), "patients": 10}
    with pytest.raises(InputError, match=words):
        laboratory.blended_population(
            **{**given, **change}, studies=2, rng=np.random.default_rng(0)
        )


@pytest.mark.parametrize(
    ("share", "few", "words"), [(0.5, 1, "test_share = 0"), (0.1, 0, "0 cases")]
)
def test_halves_that_could_not_be_trained_are_refused(share, few, words):
    labels, rng = np.repeat([0, 1], 10) * few, np.random.default_rng(0)
    with pytest.raises(InputError, match=words):
        laboratory.subsampled_scores(
            batches.ridge, np.zeros((2, 20, 3)), labels, test_share=share, rng=rng
        )


@pytest.mark.parametrize("few", [{"partitions": 1}, {"seeds": 0}])
def test_parts_that_cannot_be_told_apart_are_refused_before_any_fit(few):
    labels, rng = np.repeat([0, 1], 10), np.random.default_rng(0)
    with pytest.raises(InputError, match="two or more of each"):
        laboratory.variance_components(batches.ridge, lambda _: None, labels, rng=rng, **few)
