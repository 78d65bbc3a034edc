"""A study of two classes or more: which cases, at what size, what is recorded, what it costs."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from sklearn.metrics import cohen_kappa_score

from medlib.cohorts import from_arrays
from medlib.cohorts.audit import LeakageError
from medlib.cohorts.sources.several_labels import MARK
from medlib.errors import InputError
from medlib.learning.crossval import cross_validate_repeatedly
from medlib.learning.learner import HISTORY
from medlib.results import Results
from medlib.study import cases as study_cases
from medlib.study.cases import draws_differ, image_size, largest_share, load_study
from medlib.study.cost import Cost, in_words, sentences
from medlib.study.external import external_tests
from medlib.study.internal import BALANCED, LARGEST, record_models
from medlib.study.words import folds_in_words, models_in_words

NAMES = ("normal", "cyst", "stone", "tumor")


def made(sizes, *, side=16, seed=0, **facts):
    """A simulated cohort: noise, and a patch that is brighter from class to class."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(sizes)), sizes)
    images = rng.normal(100, 20, (len(label), side, side)).astype(np.float32)
    images[:, 4:8, 4:8] += 40 * label[:, None, None]
    patients = [f"P{i}" for i in range(len(label))]
    options = {"patient_ids": patients, "classes": NAMES[: len(sizes)], **facts}
    return from_arrays(images, label, **options)


@pytest.fixture
def data(monkeypatch):
    """Let `load_study` find made cohorts by name."""
    known = {}
    monkeypatch.setattr(study_cases, "load", lambda spec, **options: known[spec])
    return known


def halves(cohort, part):
    """The cohort with this column `split`."""
    return replace(cohort, table=cohort.table.assign(split=part))


def test_all_images_of_all_patients_are_used_where_nought_are_asked_for(data):
    data["a"] = made((9, 5, 4))
    found = load_study("a", per_class=0)
    assert len(found.cases) == 18
    assert found.said == "Used: 9 of 9 patients of 'normal', 5 of 5 patients of 'cyst', " \
        "4 of 4 patients of 'stone'."  # fmt: skip


def test_a_draw_says_what_it_leaves_and_how_to_take_all(data):
    data["a"] = made((9, 5))
    found = load_study("a", per_class=4)
    assert len(found.cases) == 8
    assert "4 of 9 patients of 'normal'" in found.said
    assert "`-p per_class all` takes all images" in found.said


def test_a_test_split_of_the_data_is_kept_apart_and_said(data):
    part = np.array(["train", "val", "test", "train"] * 6)
    data["a"] = halves(made((12, 12)), part)
    found = load_study("a", per_class=0)
    assert len(found.external) == (part == "test").sum()
    assert not set(found.cases.table.patient_id) & set(found.external.table.patient_id)
    assert "Kept for one external test" in found.said


def test_a_split_is_left_alone_where_asked_and_that_is_said(data):
    data["a"] = halves(made((12, 12)), ["train", "test"] * 12)
    found = load_study("a", per_class=0, test="none")
    assert (found.external, len(found.cases)) == (None, 24)
    assert "split ('test', 'train'), which is not used" in found.said


def test_a_split_without_a_test_part_is_one_pool(data):
    data["a"] = halves(made((12, 12)), ["train", "val"] * 12)
    assert load_study("a", per_class=0).external is None


def test_a_patient_on_both_sides_of_the_data_s_split_stops_the_study(data):
    whole = halves(made((12, 12)), ["train", "test"] * 12)
    patients = ["P0", "P0", *whole.table.patient_id[2:]]
    data["a"] = replace(whole, table=whole.table.assign(patient_id=patients))
    with pytest.raises(LeakageError, match=r"test split.*leaks.*'P0'.*-p test none"):
        load_study("a")


def test_a_copy_in_the_external_cohort_stops_the_study(data):
    data["a"] = made((12, 12))
    data["b"] = made((12, 12), seed=1)
    assert len(load_study("a", test="b").external) == 24
    with pytest.raises(LeakageError, match="24 images of the test are copies"):
        load_study("a", test="a")


def test_an_external_image_that_looks_like_one_of_development_is_told_and_stops_nothing(data):
    rng = np.random.default_rng(3)
    scenes = ndimage.gaussian_filter(rng.normal(size=(36, 64, 64)), (0, 2, 2)).astype(np.float32)
    scenes = 128 + 40 * scenes / scenes.std()
    labels = np.arange(36) % 2
    whole = from_arrays(scenes, labels, patient_ids=[f"p{i}" for i in range(36)])
    turned = np.concatenate([scenes[24:], scenes[:1, :, ::-1]])
    other = from_arrays(turned, np.arange(13) % 2, patient_ids=[f"q{i}" for i in range(13)])
    data["a"], data["b"] = whole.select(np.arange(24)), other
    assert "look like one of development: 1," in load_study("a", test="b").said
    data["b"] = other.select(np.arange(12))
    assert "look like one" not in load_study("a", test="b").said


def test_an_external_cohort_in_other_units_is_refused(data):
    data["a"], data["b"] = made((9, 9)), made((9, 9), seed=1, units="HU")
    with pytest.raises(InputError, match=r"in HU .* if all of them are Hounsfield units add"):
        load_study("a", test="b")


def test_an_external_cohort_on_another_grey_scale_is_told_both_scales_and_what_to_do(data):
    development, test = made((9, 9)), made((9, 9), seed=1)
    eight = np.clip(development.images(16), 0, 255).astype(np.uint8)
    deep = np.clip(test.images(16), 0, None).astype(np.uint16)
    deep[0, 0, 0] = 3000
    facts = {"classes": NAMES[:2]}
    data["a"] = from_arrays(eight, development.labels, **facts)
    data["b"] = from_arrays(deep, test.labels, **facts)
    with pytest.raises(InputError) as refused:
        load_study("a", test="b")
    said = str(refused.value)
    assert "in grey level 0-4095 (black 0, white 4095)" in said
    assert "in grey level 0-255 (black 0, white 255)" in said
    assert "add ?full_scale=4095 to the cohort's name" in said
    data["a"] = from_arrays(eight, development.labels, full_scale=4095, **facts)
    assert load_study("a", test="b", per_class=0).external is not None


def test_surrogate_groups_that_hold_copies_are_one_group(data):
    cohort = made((10, 10))
    images = np.concatenate([cohort.images(16), cohort.images(16)[:1]])
    copies = from_arrays(images, [*cohort.labels, 0], patient_ids=range(21))
    data["a"] = replace(copies, patient_id_kind="surrogate")
    found = load_study("a", per_class=0).cases
    assert found.table.patient_id.nunique() == 20
    assert "count as one: 1 fewer" in found.notes[-1]


def test_draws_are_worth_it_where_two_of_them_share_no_more_than_three_quarters():
    pool = made((40, 32))
    assert draws_differ(pool, 24)
    assert not draws_differ(pool, 25)
    assert not draws_differ(pool, 0)


@pytest.mark.parametrize(
    ("side", "images", "size"),
    [(28, 50, 32), (50, 50, 32), (64, 50, 64), (512, 50, 96), (512, 20, 128), (512, 5000, 64)],
)
def test_the_size_is_that_of_the_images_within_what_ten_minutes_allow(side, images, size):
    cohort = made((images // 2, images // 2), side=8)
    table = cohort.table.assign(rows=side, columns=side // 2)
    assert image_size(0, replace(cohort, table=table)) == size
    assert image_size(200, cohort) == 200
    assert image_size(0, replace(cohort, table=table, simulated=True)) == 64


@dataclass(frozen=True)
class PatchLearner:
    """Takes the class whose training patches were most nearly as bright."""

    size: int = 16
    epochs = 0
    in_one_process = False

    def fit(self, images, labels, *, seed, watch=None, report=None):
        means = [images[labels == k, 4:8, 4:8].mean() for k in range(labels.max() + 1)]
        return Patches(np.array(means), pd.DataFrame(columns=list(HISTORY)))


@dataclass
class Patches:
    """A fitted PatchLearner."""

    means: np.ndarray
    history: pd.DataFrame
    precision: str = "fp32"

    def predict(self, images):
        far = images[:, 4:8, 4:8].mean(axis=(1, 2))[:, None] - self.means
        near = np.exp(-((far / 20) ** 2))
        return (near / near.sum(axis=1, keepdims=True)).astype(np.float32)


def repeated(cohort, folds=5, repeats=3):
    options = {"cache": None, "jobs": 1, "folds": folds}
    return cross_validate_repeatedly(PatchLearner(), cohort, repeats=repeats, **options)


def results_of(cohort):
    return Results("04_resnet50_cv", cohort.identity(), {})


@pytest.mark.parametrize("sizes", [(40, 20, 10), (30, 20, 12, 8)])
def test_of_more_than_two_classes_each_has_its_numbers_and_kappa_and_macro_are_there(sizes):
    cohort = made(sizes)
    results, runs = results_of(cohort), {"patches": repeated(cohort)}
    table = record_models(results, cohort, {"patches": ("p", runs["patches"])})
    for key in ("accuracy", "macro_auc", "macro_sensitivity", "kappa"):
        low, high = results[f"p_{key}"].interval
        assert low <= results[f"p_{key}"].value <= high
    each = [results[f"p_sensitivity_{name}"].value for name in cohort.classes]
    assert results["p_macro_sensitivity"].value == pytest.approx(np.mean(each))
    assert sum(results["p_confusion"].value) == pytest.approx(len(cohort))
    assert results["majority_accuracy"].value == pytest.approx(max(sizes) / sum(sizes))
    assert list(table)[-2:] == [LARGEST, BALANCED.format(1 / len(sizes))]


def test_simulated_patients_of_two_classes_record_what_they_always_did():
    cohort = replace(made((20, 20)), simulated=True)
    results = results_of(cohort)
    record_models(results, cohort, {"patches": ("p", repeated(cohort))})
    last = ("accuracy", "fold_sd", "repeat_sd", "auc", "confusion", "specificity", "sensitivity")
    assert list(results.records) == [f"p_{key}" for key in last]


def test_real_cases_of_two_unequal_classes_have_the_majority_beside_the_accuracy():
    cohort = made((25, 5))
    results, runs = results_of(cohort), {"patches": repeated(cohort)}
    table = record_models(results, cohort, {"patches": ("p", runs["patches"])})
    assert results["majority_accuracy"].value == pytest.approx(25 / 30)
    assert table[LARGEST].tolist() == ["0.83"]
    halves = [results[f"p_{rate}"].value for rate in ("specificity", "sensitivity")]
    assert results["p_balanced_accuracy"].value == pytest.approx(np.mean(halves))
    assert "Always answering 'normal' is right in 83 %" in models_in_words(cohort, runs)


def test_one_of_several_labels_has_kappa_beside_auc_sensitivity_and_specificity():
    cohort, external = (
        replace(some, table=some.table.assign(**{f"{MARK}cyst": some.labels}))
        for some in (made((25, 15)), made((15, 10), seed=1))
    )
    results, runs = results_of(cohort), repeated(cohort)
    record_models(results, cohort, {"patches": ("p", runs)})
    external_tests(results, {"patches": ("p", PatchLearner())}, cohort, external, seed=0)
    for key in ("auc", "sensitivity", "specificity", "kappa", "external_auc", "external_kappa"):
        low, high = results[f"p_{key}"].interval
        assert low <= results[f"p_{key}"].value <= high
    each = [cohen_kappa_score(cohort.labels, run.predicted) for run in runs]
    assert results["p_kappa"].value == pytest.approx(np.mean(each), abs=0.02)


def test_the_external_cases_are_predicted_once_by_one_model_of_all_development():
    development, external = made((20, 20)), made((15, 10), seed=1)
    results = results_of(development)
    learners = {"patches": ("p", PatchLearner())}
    table = external_tests(results, learners, development, external, seed=0)
    fitted = PatchLearner().fit(development.images(16), development.labels, seed=0)
    right = fitted.predict(external.images(16)).argmax(axis=1) == external.labels
    assert results["p_external_accuracy"].value == pytest.approx(right.mean())
    assert results["external_majority_accuracy"].value == pytest.approx(0.6)
    assert {"accuracy", "AUC", "sensitivity", "specificity"} <= set(table.measure)


def test_an_external_test_of_three_classes_has_kappa_and_leaves_out_a_class_of_one_patient():
    development, external = made((12, 12, 12)), made((10, 8, 1), seed=1)
    results = results_of(development)
    learners = {"patches": ("p", PatchLearner())}
    measures = set(external_tests(results, learners, development, external, seed=0).measure)
    assert "kappa" not in measures
    assert "sensitivity of cyst" in measures
    assert "sensitivity of stone" not in measures
    external = made((10, 8, 3), seed=1)
    measures = set(
        external_tests(results_of(external), learners, development, external, seed=0).measure
    )
    assert {"kappa", "macro AUC", "sensitivity of stone"} <= measures


def test_folds_are_told_as_they_are():
    cohort = made((7, 5))
    said = folds_in_words(cohort, np.arange(12) % 3)
    assert "12 images of 12 patients or groups lie in 3 folds of 4" in said
    assert "8 train each model" in said


def test_the_largest_share_is_that_of_the_most_frequent_class():
    assert largest_share(made((6, 3, 1))) == pytest.approx(0.6)


def test_four_times_the_pixels_or_images_cost_four_times_as_much():
    cost = Cost(training=0.01, features=0.0, size=64)
    schedule = {"folds": 5, "repeats": 5, "epochs": 12}
    once = cost.minutes(50, size=64, **schedule)
    assert cost.minutes(50, size=128, **schedule) == pytest.approx(4 * once)
    assert cost.minutes(200, size=64, **schedule) == pytest.approx(4 * once)


def test_what_other_settings_cost_is_said_before_the_start():
    here, others = sentences(
        Cost(0.02, 0.05, 64), {"used": 50, "all": 400}, folds=5, repeats=5, epochs=12, more=50
    )
    assert here.startswith("50 images at 64 x 64 pixels, 5 repeats of 5 folds, 12 epochs: about")
    assert "per_class all (400 images)" in others
    assert "image_size 128" in others
    assert "image_size 64" not in others


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0.2, "a minute"), (12, "12 minutes"), (180, "3 hours"), (6000, "4 days")],
)
def test_times_are_said_in_units_that_fit(minutes, said):
    assert in_words(minutes) == f"about {said}"
