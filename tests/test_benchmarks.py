"""The comparison of tools: equal work, honest sums."""

import json
import os

import numpy as np

from benchmarks import records, run, task, textures, textures_by_scikit_image
from benchmarks.plain_pytorch import loaders
from medlib.features import discretise, glcm


def small_task():
    images = np.random.default_rng(0).normal(size=(20, 64, 64)).astype(np.float32)
    labels = np.arange(20) % 2
    return task.Task(images, labels, np.arange(20) // 4, task.Settings(epochs=3, seed=7))


def test_a_task_survives_the_disk(tmp_path):
    before = small_task()
    task.save(before, tmp_path / "task.npz")
    after = task.read(tmp_path / "task.npz")
    assert after.settings == before.settings
    for name in ("images", "labels", "fold"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_splits_cover_each_case_once_and_never_train_on_it():
    tested = np.zeros(20, int)
    for (images, labels), (test_images, _), mask in small_task().splits():
        tested += mask
        assert len(images) == len(labels) == 16
        assert not any((image == other).all() for image in test_images for other in images)
    assert (tested == 1).all()


def test_other_tools_train_in_as_many_steps_on_images_normalised_by_training_statistics():
    train, test, _ = next(small_task().splits())
    training, testing = loaders(train, test, small_task().settings)
    assert len(training) == 2  # 16 cases in batches of ten
    expected = (test[0] - train[0].mean()) / train[0].std()
    np.testing.assert_allclose(next(iter(testing))[0][:, 0], expected, rtol=1e-5)


def test_ratios_are_medians_over_ours():
    def took(tool, seconds):
        values = {"seconds": seconds, "cpu_seconds": 2 * seconds, "accuracy": 0.7, "peak_mb": 9.0}
        return {"tool": tool, **values}

    runs = [took("medlib", s) for s in (10.0, 12.0, 50.0)]
    runs += [took(tool, s) for tool in list(run.TOOLS)[1:] for s in (24.0, 36.0, 30.0)]
    rows = run.summary("a task", runs, {"share_of_peak": 0.5})
    assert [row["tool"] for row in rows] == list(run.TOOLS)
    assert [row["ratio"] for row in rows] == [1.0, 2.5, 2.5, 2.5]
    assert rows[0]["share_of_peak"] == 0.5
    assert {"task", "tool", "seconds", "peak_mb", "accuracy", "ratio"} <= rows[1].keys()


def test_memory_of_this_process_and_its_children_is_seen():
    block = np.ones(50_000_000, dtype=np.uint8)
    assert os.getpid() in run.family(os.getpid())
    assert run.proportional_mb(os.getpid()) > block.nbytes / 1e6


def test_a_comparison_replaces_its_own_rows_and_leaves_the_others(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"task": "old training", "tool": "medlib"}]))
    for name in ("one", "another"):
        records.merge("textures", [{"task": name, "tool": "medlib"}], path)
    assert [row["task"] for row in json.loads(path.read_text())] == ["old training", "another"]
    records.merge("training", [{"task": "new training", "tool": "medlib"}], path)
    assert [row["task"] for row in json.loads(path.read_text())] == ["new training", "another"]


def test_agreement_counts_equal_values_of_common_features_only():
    ours = {"a": np.array([1.0, 2.0]), "b": np.array([0.0, 1e-10]), "ours alone": np.zeros(2)}
    theirs = {"a": np.array([1.0, 2.2]), "b": np.array([0.0, 0.0]), "theirs alone": np.ones(2)}
    found = textures.agreement(ours, theirs)
    assert found["compared_features"] == 2
    assert found["agreement"] == 0.75
    assert abs(found["largest_relative_difference"] - 0.2 / 2.2) < 1e-3


def test_the_loop_over_scikit_image_gives_what_the_cohort_gives_at_once():
    rng = np.random.default_rng(0)
    grey = discretise(rng.normal(size=(3, 20, 20)).cumsum(axis=1), levels=32)
    at_once = glcm(grey, 32)
    for k, image in enumerate(grey):
        names = textures_by_scikit_image.NAMES
        found = dict(zip(names, textures_by_scikit_image.of_image(image), strict=True))
        for theirs in ("contrast", "ASM", "correlation", "homogeneity"):
            np.testing.assert_allclose(found[theirs], at_once[names[theirs]][k], rtol=1e-9)
