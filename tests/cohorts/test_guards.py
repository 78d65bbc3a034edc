"""Each guard stops its leak, lets the honest analysis pass, and names what is wrong."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from medlib.cohorts import from_arrays
from medlib.cohorts.audit import LeakageError, audit
from medlib.cohorts.audit.guards import (
    assert_chance_when_permuted,
    assert_epoch_not_picked,
    assert_like_population,
    assert_no_shortcuts,
    assert_past_before_future,
    choose_epoch,
)
from medlib.errors import InputError


def selected_first(x):
    """Accuracy with features selected on all rows."""
    return lambda y: cross_val_score(
        LogisticRegression(), SelectKBest(k=10).fit_transform(x, y), y, cv=5
    ).mean()


def selected_inside(x):
    model = make_pipeline(SelectKBest(k=10), LogisticRegression())
    return lambda y: cross_val_score(model, x, y, cv=5).mean()


def test_selection_outside_the_folds_scores_on_dealt_labels_and_is_stopped(noise):
    x, y = noise
    with pytest.raises(LeakageError, match=r"still scores 0\.\d+ \(chance 0.500, 10 permutations"):
        assert_chance_when_permuted(selected_first(x), y, permutations=10)
    found = assert_chance_when_permuted(selected_inside(x), y, permutations=10)
    assert found.shape == (10,)
    assert 0.35 < found.mean() < 0.6


def test_slices_of_a_patient_on_both_sides_are_stopped_by_labels_dealt_to_patients():
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(20), 5)
    x = np.repeat(rng.normal(size=(20, 10)), 5, axis=0) + rng.normal(size=(100, 10)) * 0.2
    y = np.repeat(np.arange(20) % 2, 5)

    def torn(labels):
        folds = KFold(5, shuffle=True, random_state=0)
        return cross_val_score(KNeighborsClassifier(1), x, labels, cv=folds).mean()

    with pytest.raises(LeakageError, match="keep patients whole"):
        assert_chance_when_permuted(torn, y, patient, permutations=5)


def test_a_majority_vote_on_unequal_classes_is_not_called_a_leak():
    y = np.arange(50) % 5 == 0
    found = assert_chance_when_permuted(lambda labels: max(labels.mean(), 1 - labels.mean()), y)
    assert found.tolist() == pytest.approx([0.8] * 20)


def test_an_honest_pipeline_is_rarely_stopped():
    stopped = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(40, 5)), np.arange(40) % 2
        distance = np.linalg.norm(x[:, None] - x, axis=2) + 99 * np.eye(40)
        nearest = distance.argmin(axis=1)  # leave-one-out, nearest neighbour

        try:
            assert_chance_when_permuted(lambda z, n=nearest: (z[n] == z).mean(), y, seed=seed)
        except LeakageError:
            stopped += 1
    assert stopped <= 3


def by_share(labels):
    """Accuracy of a learner that knows the larger class and nothing else."""
    return max(labels.mean(), 1 - labels.mean())


@pytest.mark.parametrize(("sizes"), [(30, 10, 10, 30), (15, 10, 5, 30), (40, 10, 10, 40)])
def test_more_images_of_one_class_than_of_the_other_are_no_leak(sizes):
    controls, theirs, cancers, own = sizes
    patient = np.repeat(np.arange(controls + cancers), [theirs] * controls + [own] * cancers)
    y = (patient >= controls).astype(int)
    assert_chance_when_permuted(by_share, y, patient)
    constant = assert_chance_when_permuted(lambda z: np.zeros(len(z), int), y, patient)
    assert constant.tolist() == [0.5] * 20


@pytest.mark.parametrize("returned", ["share", "prediction"])
def test_selection_outside_the_folds_is_stopped_where_one_in_ten_is_positive(returned):
    x, y = np.random.default_rng(0).normal(size=(100, 500)), np.arange(100) % 10 == 0

    def selected(labels):
        best = SelectKBest(k=10).fit_transform(x, labels)
        predicted = cross_val_predict(LogisticRegression(), best, labels, cv=StratifiedKFold(5))
        return predicted if returned == "prediction" else (predicted == labels).mean()

    with pytest.raises(LeakageError, match="still scores"):
        assert_chance_when_permuted(selected, y)


def test_predictions_of_other_cases_are_refused():
    with pytest.raises(InputError, match="3 predictions of 4 images"):
        assert_chance_when_permuted(lambda _: np.zeros(3), [0, 1, 0, 1])
    with pytest.raises(InputError, match="neither classes nor finite"):
        assert_chance_when_permuted(lambda _: np.full(4, np.nan), [0, 1, 0, 1])


@pytest.mark.parametrize("share", [np.nan, None, 50.0])
def test_a_pipeline_that_returns_no_share_does_not_pass(share):
    with pytest.raises(InputError, match=r"accuracy\(labels\)"):
        assert_chance_when_permuted(lambda _: share, np.arange(20) % 2)


def test_permutations_that_agree_by_luck_are_no_proof_of_a_leak():
    scores = iter([0.54, 0.56, 0.54, 0.56, 0.56])  # SD 0.01; fifty tosses of a coin have 0.07
    y = np.arange(50) % 2
    assert assert_chance_when_permuted(lambda _: next(scores), y, permutations=5).max() == 0.56


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0, 1, 0], [0, 1]), "3 labels and 2 groups"),
        (([0, 0, 0],), "All 3 labels are of one class"),
        (([0, 1, 1], ["a", "a", "b"]), "Patient 'a' has two labels"),
        (([0, 1, 1], ["a", None, "b"]), "groups holds values that cannot be compared"),
        (([0, 1, None],), "labels holds values that cannot be compared"),
    ],
)
def test_labels_that_cannot_be_dealt_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        assert_chance_when_permuted(lambda y: 0.5, *arguments)
    with pytest.raises(InputError, match="at least 5"):
        assert_chance_when_permuted(lambda y: 0.5, [0, 1], permutations=4)


@pytest.mark.parametrize("level", [0, 1, 5, np.nan, "low"])
def test_a_level_that_no_test_can_have_is_refused(level):
    with pytest.raises(InputError, match="level"):
        assert_chance_when_permuted(lambda y: 0.5, [0, 1] * 5, level=level)


@pytest.mark.parametrize("seed", [-1, "7", 0.5, None])
def test_guards_refuse_a_seed_that_starts_no_random_numbers(seed):
    with pytest.raises(InputError, match="seed"):
        assert_chance_when_permuted(lambda y: 0.5, [0, 1] * 5, seed=seed)
    with pytest.raises(InputError, match="seed"):
        assert_like_population(["a", "b"], {"a": 1, "b": 1}, seed=seed)


def pictures(marked):
    """40 + 40 pictures of noise; a corner of the marked ones is white."""
    images = np.random.default_rng(4).normal(100, 20, (80, 32, 32)).astype(np.float32)
    images[np.flatnonzero(marked), :4, :4] = 255
    return audit(from_arrays(images, np.arange(80) % 2)).shortcuts


def test_a_burned_in_marker_is_stopped_and_named():
    with pytest.raises(LeakageError, match=r"first 'SD', AUC 1\.00 .0\.91 to"):
        assert_no_shortcuts(pictures(np.arange(80) % 2))


def test_a_marker_on_both_classes_alike_passes():
    assert_no_shortcuts(pictures(np.arange(80) % 4 < 2))


def statistic(auc, low, high, p, name="mean"):
    return {"statistic": name, "auc": auc, "low": low, "high": high, "p": p, "n": 80}


def test_among_many_statistics_a_lucky_one_passes_and_a_true_one_does_not():
    dull = [statistic(0.5, 0.4, 0.6, 0.9, f"s{i}") for i in range(99)]
    lucky = pd.DataFrame([statistic(0.74, 0.55, 0.87, 0.012), *dull])
    assert_no_shortcuts(lucky)
    true = pd.DataFrame([statistic(0.85, 0.75, 0.92, 0.001), *dull])
    with pytest.raises(LeakageError, match=r"1 of 100 statistics .* 'mean', AUC 0\.85"):
        assert_no_shortcuts(true)
    with pytest.raises(LeakageError, match=r"AUC 0\.12"):
        assert_no_shortcuts(pd.DataFrame([statistic(0.12, 0.06, 0.22, 0.001), *dull]))


def test_a_small_but_certain_difference_is_no_shortcut_by_default():
    table = pd.DataFrame([statistic(0.62, 0.58, 0.66, 0.001)])
    assert_no_shortcuts(table)
    with pytest.raises(LeakageError):
        assert_no_shortcuts(table, beyond=0.6)
    assert_no_shortcuts(table.iloc[:0])
    with pytest.raises(InputError, match=r"beyond is 0\.5"):
        assert_no_shortcuts(table, beyond=0.5)


@pytest.mark.parametrize(
    "dates",
    [
        [2019, 2020, 2021, 2022],
        ["2019-01-01", "2020-01-01", "2021-01-01", "2022-01-01"],
        np.array(["2019", "2020", "2021", "2022"], dtype="datetime64[D]"),
    ],
)
def test_training_on_the_future_is_stopped(dates):
    assert_past_before_future(dates, [False, False, True, True])
    with pytest.raises(LeakageError, match=r"1 of 2 training .*\(2020.* latest 2022"):
        assert_past_before_future(dates, [False, True, True, False])
    with pytest.raises(LeakageError, match="not older"):
        assert_past_before_future([*dates, dates[2]], [False, False, True, True, False])


def test_cases_without_date_or_split_are_refused():
    with pytest.raises(InputError, match="Case 1 has no date"):
        assert_past_before_future(["2020-01-01", ""], [False, True])
    with pytest.raises(InputError, match="one side"):
        assert_past_before_future([1, 2], [False, False])
    with pytest.raises(InputError, match="3 dates and 2 cases"):
        assert_past_before_future([1, 2, 3], [False, True])


def test_a_test_set_without_the_difficult_cases_is_stopped():
    with pytest.raises(LeakageError, match="0% are 'look-alike' instead of 40%"):
        assert_like_population(
            ["cancer"] * 30 + ["clear"] * 20, {"cancer": 50, "look-alike": 40, "clear": 10}
        )


def test_random_samples_of_the_population_are_stopped_as_rarely_as_the_level_says():
    rng = np.random.default_rng(5)
    p = [assert_p(rng.choice(["a", "b", "c"], 60, p=[0.2, 0.3, 0.5])) for _ in range(200)]
    assert 0.42 < np.mean(p) < 0.62
    assert np.mean(np.array(p) < 0.1) < 0.17


def assert_p(test):
    return assert_like_population(test, {"a": 2, "b": 3, "c": 5}, level=0)


@pytest.mark.parametrize(
    ("test", "population", "said"),
    [
        (["a"], {"a": 0, "b": 1}, "positive share"),
        (["c"], {"a": 1, "b": 1}, r"\['c'\]"),
        ([], {"a": 1}, "The 0 test cases"),
    ],
)
def test_populations_that_do_not_fit_are_refused(test, population, said):
    with pytest.raises(InputError, match=said):
        assert_like_population(test, population)


def histories(folds=5, epochs=10, split="test", seed=6):
    rng = np.random.default_rng(seed)
    rows = [(f, e, split, rng.integers(0, 11) / 10) for f in range(folds) for e in range(epochs)]
    return pd.DataFrame(rows, columns=["fold", "epoch", "split", "accuracy"])


def test_an_epoch_is_chosen_on_validation_and_never_on_test_cases():
    found = histories(split="validation")
    means = found.groupby("epoch").accuracy.mean()
    assert means[choose_epoch(found, split="validation")] == means.max()
    with pytest.raises(LeakageError, match="chosen on the test cases"):
        choose_epoch(histories(), split="test")
    with pytest.raises(InputError, match="only test"):
        choose_epoch(histories(), split="validation")


@pytest.mark.parametrize("name", ["Test", "test_fold", " TEST", "fold 3 test", "测试"])
def test_the_test_split_is_refused_in_whatever_spelling(name):
    with pytest.raises(LeakageError, match="chosen on the test cases"):
        choose_epoch(histories(split=name), split=name)


def test_an_epoch_without_an_accuracy_is_not_the_best():
    history = pd.DataFrame({"epoch": [0, 1], "split": "val", "accuracy": [0.9, np.nan]})
    with pytest.raises(InputError, match="Epoch 1 of 'val' has no accuracy"):
        choose_epoch(history, split="val")


@pytest.mark.parametrize("split", [None, 1])
def test_a_split_without_a_name_is_refused(split):
    with pytest.raises(InputError, match="name of a split"):
        choose_epoch(histories(), split=split)


def test_test_patients_are_refused_whatever_the_split_is_called():
    found = histories(split="validation")
    with pytest.raises(LeakageError, match="chosen on the test cases"):
        choose_epoch(found, split="validation", chosen_on=["a", "b"], tested_on=["b", "c"])
    choose_epoch(found, split="validation", chosen_on=["a", "b"], tested_on=["c"])
    choose_epoch(histories(split="fold"), split="fold", chosen_on=[1], tested_on=[2])
    with pytest.raises(InputError, match="does not say that it is no test"):
        choose_epoch(histories(split="fold"), split="fold")
    with pytest.raises(InputError, match="give both or neither"):
        choose_epoch(found, split="validation", chosen_on=["a"])


def test_the_best_epoch_of_each_test_fold_is_recognised():
    found = histories()
    curves = found.pivot(index="epoch", columns="fold", values="accuracy")
    best = curves.idxmax().to_dict()
    with pytest.raises(LeakageError, match="All 5 folds report the epoch"):
        assert_epoch_not_picked(found, best)
    p = assert_epoch_not_picked(found, best, level=0)
    assert p == pytest.approx(np.prod([(curves[f] == curves[f].max()).mean() for f in curves]))
    assert assert_epoch_not_picked(found, dict.fromkeys(range(5), 9)) == 1
    assert assert_epoch_not_picked(found, best | {0: int(curves[0].idxmin())}) == 1
    with pytest.raises(InputError, match="epoch 99 of fold 0"):
        assert_epoch_not_picked(found, {0: 99})
