"""Cross-validation: patients stay whole, and a killed run ends as one that was not killed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from learners import TINY, MeanLearner, study

from medlib.errors import InputError
from medlib.learning.crossval import (
    correct_and_folds,
    cross_validate,
    cross_validate_many,
    cross_validate_repeatedly,
    stratified_patient_folds,
    train_and_test,
)
from medlib.learning.learner import HISTORY


def validated(learner=TINY, cases=None, **options):
    options = {"cache": None, "jobs": 1} | options
    return cross_validate(learner, cases or study(), **options)


@given(st.lists(st.integers(0, 1), min_size=10, max_size=60), st.integers(2, 5), st.integers(0, 99))
def test_folds_of_single_cases_differ_by_at_most_one_in_each_class(labels, folds, seed):
    assume(min(labels.count(0), labels.count(1)) >= folds)
    fold = stratified_patient_folds(labels, range(len(labels)), folds=folds, seed=seed)
    for label in (0, 1):
        counts = np.bincount(fold[np.array(labels) == label], minlength=folds)
        assert np.ptp(counts) <= 1


@given(st.lists(st.integers(0, 9), min_size=30, max_size=80), st.integers(0, 99))
def test_a_patient_is_never_in_two_folds(groups, seed):
    labels = np.array(groups) % 2
    assume(all(len(set(np.array(groups)[labels == c])) >= 3 for c in (0, 1)))
    fold = stratified_patient_folds(labels, groups, folds=3, seed=seed)
    assert pd.Series(fold).groupby(groups).nunique().max() == 1


def test_what_patients_are_called_decides_no_fold():
    groups = np.repeat(np.random.default_rng(0).permutation(30), 2)
    labels = groups % 2
    names = np.array([f"{chr(90 - g % 26)}{g}.png" for g in groups])
    others = np.array([f"case {g}.tif" for g in groups], dtype=object)
    dealt = [stratified_patient_folds(labels, ids, seed=3) for ids in (names, others)]
    assert np.array_equal(*dealt)
    assert pd.Series(dealt[0]).groupby(groups).nunique().max() == 1


def test_seed_decides_the_folds():
    _, labels, patients, _ = study(40)
    first, again, other = (stratified_patient_folds(labels, patients, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_row_a_case_in_the_order_given_each_predicted_by_a_model_that_had_not_seen_it():
    images, labels, patients, ids = cases = study()
    found = validated(MeanLearner(), cases, keep_models=True)
    table = found.predictions
    assert list(table) == ["image_id", "patient_id", "label", "fold", "score", "predicted"]
    assert table["image_id"].tolist() == ids.tolist()
    assert table["patient_id"].tolist() == patients.tolist()
    assert table["label"].tolist() == labels.tolist()
    for number, model in enumerate(found.models):
        test = (table["fold"] == number).to_numpy()
        assert np.array_equal(model.seen, images[~test])
        np.testing.assert_allclose(table["score"][test], model.predict(images[test])[:, 1])


def test_accuracy_of_folds_and_of_all_cases_are_counted_from_the_same_predictions():
    found = validated(MeanLearner())
    folds = found.predictions.groupby("fold")
    by_hand = [(t["label"] == (t["score"] > 0.5)).mean() for _, t in folds]
    np.testing.assert_allclose(found.fold_accuracy, by_hand)
    assert found.accuracy == pytest.approx(np.mean(by_hand))  # folds of equal size


def test_histories_name_fold_epoch_and_split():
    histories = validated().histories
    assert list(histories) == ["fold", "epoch", "split", "loss", "accuracy"]
    assert len(histories) == 5 * TINY.epochs * 2
    assert np.isfinite(histories["loss"]).all()


def test_numbers_depend_neither_on_jobs_nor_on_what_else_is_run():
    alone = validated(jobs=1, folds=2)
    many = cross_validate_many(TINY, [study(seed=5), study()], folds=2, jobs=2, cache=None)
    pd.testing.assert_frame_equal(alone.predictions, many[1].predictions)
    pd.testing.assert_frame_equal(alone.histories, many[1].histories)


def test_repeats_are_cross_validations_with_the_seeds_that_follow():
    repeats = cross_validate_repeatedly(
        TINY, study(), repeats=2, folds=2, seed=3, jobs=2, cache=None
    )
    for repeat, seed in zip(repeats, (3, 4), strict=True):
        alone = validated(folds=2, seed=seed)
        pd.testing.assert_frame_equal(repeat.predictions, alone.predictions)
    assert (repeats[0].predictions["fold"] != repeats[1].predictions["fold"]).any()
    right, fold = correct_and_folds(repeats)
    np.testing.assert_array_equal(right, [run.correct for run in repeats])
    np.testing.assert_array_equal(fold, [run.fold for run in repeats])
    turned = replace(repeats[1], predictions=repeats[1].predictions[::-1])
    with pytest.raises(InputError, match="same cases in the same order"):
        correct_and_folds([repeats[0], turned])


def test_no_repeat_is_refused():
    with pytest.raises(InputError, match="repeats is 0"):
        cross_validate_repeatedly(TINY, study(), repeats=0)


def test_finished_folds_are_read_not_trained_again_and_give_the_same_numbers(tmp_path):
    first = validated(cache=tmp_path, keep_models=True)
    stamps = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    again = validated(cache=tmp_path, keep_models=True)
    pd.testing.assert_frame_equal(first.predictions, again.predictions)
    pd.testing.assert_frame_equal(first.histories, again.histories)
    assert stamps == {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    images = study()[0][:3]
    for before, after in zip(first.models, again.models, strict=True):
        assert np.array_equal(before.predict(images), after.predict(images))


def test_a_changed_pixel_label_seed_or_setting_is_never_taken_from_the_store(tmp_path):
    def stored():
        return len(list(tmp_path.glob("*.json")))

    images, labels, patients, ids = study()
    validated(MeanLearner(), (images, labels, patients, ids), cache=tmp_path)
    brighter = images.copy()
    brighter[0, 0, 0] += 1
    swapped = 1 - labels
    for learner, cases, seed in (
        (MeanLearner(), (brighter, labels, patients, ids), 0),
        (MeanLearner(), (images, swapped, patients, ids), 0),
        (MeanLearner(), (images, labels, patients, ids), 1),
        (MeanLearner(size=33), (images, labels, patients, ids), 0),
    ):
        before = stored()
        validated(learner, cases, seed=seed, cache=tmp_path)
        assert stored() == before + 5


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from learners import TINY, study
from medlib.learning.crossval import cross_validate
cross_validate(TINY, study(), cache={cache!r}, jobs=1)
"""


def test_a_run_killed_after_its_first_fold_resumes_with_the_numbers_of_one_that_was_not(tmp_path):
    script = KILLED.format(tests=str(Path(__file__).parents[1] / "makers"), cache=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = {file: file.read_bytes() for file in tmp_path.glob("*.json")}
    assert 1 <= len(finished) < 5
    assert all("scores" in json.loads(text) for text in finished.values())  # whole, not cut off
    resumed = validated(cache=tmp_path)
    undisturbed = validated(cache=None)
    pd.testing.assert_frame_equal(resumed.predictions, undisturbed.predictions)
    pd.testing.assert_frame_equal(resumed.histories, undisturbed.histories)
    assert all(file.read_bytes() == text for file, text in finished.items())


def test_progress_goes_line_by_line_to_the_file_that_asks_for_it(tmp_path, monkeypatch):
    file = tmp_path / "lines"
    monkeypatch.setenv("MEDLIB_PROGRESS", str(file))
    validated(folds=2)
    announced, *lines = file.read_text().splitlines()
    assert announced == "training: 6 steps, 0 done before"
    assert len(lines) == 2 * (TINY.epochs + 1)
    assert lines[0].startswith("fold 1 of 2: epoch 1 of 2, ")
    assert lines[-1] == "fold 2 of 2: finished"


def test_a_cohort_is_read_at_the_learners_size():
    images, labels, patients, ids = study(side=48)

    class Cohort:
        table = pd.DataFrame({"patient_id": patients, "image_id": ids})

        def __init__(self):
            self.labels = labels

        def images(self, size):
            return images[:, :size, :size]

    found = cross_validate(MeanLearner(size=40), Cohort(), cache=None, jobs=1, keep_models=True)
    assert found.models[0].seen.shape[1:] == (40, 40)
    assert found.predictions["patient_id"].tolist() == patients.tolist()


def cases_with(**changed):
    parts = dict(zip(("images", "labels", "patients", "ids"), study(), strict=True)) | changed
    return tuple(parts.values())


@pytest.mark.parametrize(
    ("cases", "options", "said"),
    [
        (study(8), {}, "Class 0 has 4 patients, too few for 5 folds"),
        (cases_with(patients=np.arange(20) % 4), {}, "too few for 5 folds"),
        (cases_with(labels=np.zeros(20, int)), {}, r"Labels are \[0\]"),
        (cases_with(labels=np.arange(20) % 2 * 2), {}, r"Labels are \[0, 2\]"),
        (cases_with(ids=np.arange(19)), {}, "19 image ids"),
        (cases_with(images=np.full((20, 32, 32), np.nan)), {}, "NaN"),
        (study(), {"folds": 1}, "folds is 1"),
    ],
)
def test_what_cannot_be_cross_validated_is_refused_before_training(cases, options, said):
    class Untouchable(MeanLearner):
        def fit(self, *args, **kwargs):
            raise AssertionError("training began")

    with pytest.raises(InputError, match=said):
        validated(Untouchable(), cases, **options)


@dataclass(frozen=True)
class BrightnessLearner:
    """A learner that knows as many classes as it was shown, by how bright they are."""

    size: int = 32
    epochs = 0
    in_one_process = False

    def fit(self, images, labels, *, seed, watch=None, report=None):
        means = [images[labels == k].mean() for k in np.unique(labels)]
        return Levels(np.array(means), pd.DataFrame(columns=list(HISTORY)))


@dataclass
class Levels:
    """Takes the class whose training images were most nearly as bright."""

    means: np.ndarray
    history: pd.DataFrame
    precision: str = "fp32"

    def predict(self, images):
        near = np.exp(-((images.mean(axis=(1, 2))[:, None] - self.means) ** 2))
        return (near / near.sum(axis=1, keepdims=True)).astype(np.float32)


def levels(classes=3, each=12):
    labels = np.arange(classes * each) % classes
    images = np.zeros((len(labels), 32, 32), np.float32) + labels[:, None, None]
    return images, labels, np.arange(len(labels)), np.arange(len(labels))


def test_of_more_than_two_classes_there_is_a_score_a_class_and_the_most_probable_is_predicted():
    found = validated(BrightnessLearner(), levels(), folds=4)
    scores = found.predictions[["score_0", "score_1", "score_2"]].to_numpy()
    assert np.allclose(scores.sum(axis=1), 1)
    assert (scores == found.probabilities).all()
    assert (found.predicted == scores.argmax(axis=1)).all()
    assert found.accuracy == 1


def test_the_probabilities_of_two_classes_are_the_score_and_its_rest():
    found = validated(BrightnessLearner(), levels(2), folds=4)
    assert list(found.predictions)[-2:] == ["score", "predicted"]
    assert (found.probabilities[:, 1] == found.scores).all()
    assert np.allclose(found.probabilities.sum(axis=1), 1)


def test_finished_folds_of_three_classes_are_read_with_all_their_scores(tmp_path):
    first = validated(BrightnessLearner(), levels(), cache=tmp_path)
    again = validated(BrightnessLearner(), levels(), cache=tmp_path)
    pd.testing.assert_frame_equal(first.predictions, again.predictions)


class Cases:
    """A cohort of made cases."""

    def __init__(self, images, labels, patients, ids):
        self.pixels, self.labels = images, labels
        self.table = pd.DataFrame({"patient_id": patients, "image_id": ids})

    def images(self, size):
        return self.pixels


@dataclass(frozen=True)
class Unwatched(BrightnessLearner):
    """Refuses to be scored on the test while it learns."""

    def fit(self, images, labels, *, seed, watch=None, report=None):
        assert watch is None
        return super().fit(images, labels, seed=seed)


def test_an_external_test_is_predicted_once_by_one_model_of_all_development(tmp_path):
    images, labels, patients, ids = levels(3, each=5)
    others = Cases(images + 0.1, labels, patients, ids)
    found = train_and_test(Unwatched(), Cases(*levels()), others, cache=None)
    again = train_and_test(Unwatched(), Cases(*levels()), Cases(*levels(3, each=5)), cache=tmp_path)
    assert found.accuracy == 1
    assert len(found.predictions) == len(again.predictions) == 15
    assert set(found.fold) == {0}


def test_epochs_are_part_of_what_is_stored(tmp_path):
    validated(replace(TINY, epochs=1), folds=2, cache=tmp_path)
    longer = validated(folds=2, cache=tmp_path)
    assert longer.histories["epoch"].max() == TINY.epochs
