"""Arrays, also MedMNIST's files, become a cohort like any other."""

import contextlib

import numpy as np
import pytest
from files import pictures

from medlib.cohorts import from_arrays, load
from medlib.errors import InputError


def test_an_npz_of_images_labels_and_patients_loads(tmp_path):
    np.savez(
        tmp_path / "set.npz", images=pictures(6), labels=[0, 1] * 3, patient_ids=list("abcdef")
    )
    cohort = load(f"npz:{tmp_path}/set.npz", names="normal,ill")
    assert cohort.name == "npz-set"
    assert cohort.classes == ("normal", "ill")
    assert cohort.patient_id_kind == "recorded"
    assert np.array_equal(cohort.pixels(4), pictures(6)[4])


def test_the_parts_of_a_medmnist_file_are_joined_and_the_split_kept(tmp_path):
    parts = {}
    for i, split in enumerate(("train", "val", "test")):
        parts[f"{split}_images"] = pictures(4, seed=i)
        parts[f"{split}_labels"] = np.array([[0], [1], [0], [1]])
    np.savez(tmp_path / "pneumoniamnist.npz", **parts)
    cohort = load(f"npz:{tmp_path}/pneumoniamnist.npz")
    assert len(cohort) == 12
    assert cohort.table.split.tolist() == ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    assert np.array_equal(cohort.pixels(5), pictures(4, seed=1)[1])
    assert cohort.patient_id_kind == "surrogate"


def test_colour_arrays_become_grey(tmp_path):
    green = np.zeros((2, 5, 5, 3), np.uint8)
    green[0, ..., 1] = 100
    assert from_arrays(green, ["a", "b"]).pixels(0)[0, 0] == pytest.approx(58.7, abs=0.01)


def test_class_numbers_are_in_numeric_order():
    cohort = from_arrays(pictures(12), np.arange(12))
    assert cohort.classes == tuple(str(i) for i in range(12))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 8)), [0, 1, 0, 1], "shape"),
        (np.zeros((0, 8, 8)), [], "shape"),
        (np.zeros((4, 8, 8, 4)), [0, 1, 0, 1], "shape"),
        (pictures(4), [0, 1, 0], "4 images and 3 labels"),
        (np.full((2, 8, 8), np.nan), [0, 1], "NaN"),
        (pictures(2), [[0, 1], [1, 0]], "2 labels an image"),
        (pictures(2), 3, "2 images and a single one"),
        (pictures(2), [0.0, np.nan], "1 images without label"),
    ],
)
def test_arrays_that_are_no_images_with_labels_are_refused(images, labels, message):
    with pytest.raises(InputError, match=message):
        from_arrays(images, labels)


def test_patients_have_one_name_an_image():
    column = from_arrays(pictures(2), [0, 1], patient_ids=[["p"], ["q"]])
    assert column.table.patient_id.tolist() == ["p", "q"]
    with pytest.raises(InputError, match="2 patients an image"):
        from_arrays(pictures(2), [0, 1], patient_ids=np.zeros((2, 2)))


def test_a_label_beyond_the_classes_is_refused():
    with pytest.raises(InputError, match="labels 0 to 2 and 2 classes"):
        from_arrays(pictures(3), [0, 1, 2], classes=("a", "b"))


def test_a_file_that_lacks_an_array_or_is_cut_short_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=pictures(2))
    with pytest.raises(InputError, match="holds images: it needs"):
        load(f"npz:{tmp_path}/a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="no readable npz"):
        load(f"npz:{tmp_path}/short.npz")


def test_a_damaged_file_is_refused_whatever_numpy_says_of_it(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", images=pictures(40), labels=[0, 1] * 20)
    whole = (tmp_path / "set.npz").read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "damaged.npz").write_bytes(damaged)
        with contextlib.suppress(InputError):  # any other error fails the test
            assert len(load(f"npz:{tmp_path}/damaged.npz")) == 40
    np.save(tmp_path / "one.npy", pictures(2))
    with pytest.raises(InputError, match="no readable npz"):
        load(f"npz:{tmp_path}/one.npy")


def test_pickled_objects_are_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{"a": 1}], dtype=object), labels=[0])
    with pytest.raises(InputError, match="no readable npz"):
        load(f"npz:{tmp_path}/a.npz")


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("X", "y"), ("data", "target"), ("imgs", "label"), ("arr_0", "arr_1")],
)
def test_arrays_are_found_by_the_names_that_are_usual(tmp_path, images, labels):
    np.savez(tmp_path / "set.npz", **{images: pictures(4), labels: [0, 1, 0, 1]})
    assert np.array_equal(load(f"npz:{tmp_path}/set.npz").pixels(2), pictures(4)[2])


@pytest.mark.parametrize("pattern", ["{part}_{what}", "{what}_{part}"])
def test_parts_are_found_whichever_word_comes_first(tmp_path, pattern):
    stored = {}
    for i, part in enumerate(("train", "valid", "test")):
        stored[pattern.format(part=part, what="x")] = pictures(2, seed=i)
        stored[pattern.format(part=part, what="y")] = [0, 1]
    np.savez(tmp_path / "set.npz", **stored)
    cohort = load(f"npz:{tmp_path}/set.npz")
    assert cohort.table.split.tolist() == ["train"] * 2 + ["val"] * 2 + ["test"] * 2


def test_a_split_of_the_source_is_respected_where_asked_and_else_its_pooling_is_said(tmp_path):
    stored = {}
    for i, part in enumerate(("train", "val", "test")):
        stored |= {f"{part}_images": pictures(4, seed=i), f"{part}_labels": [0, 1, 0, 1]}
    np.savez(tmp_path / "set.npz", **stored)
    pooled = load(f"npz:{tmp_path}/set.npz")
    assert any("train 4, val 4, test 4" in note and "pooled" in note for note in pooled.notes)
    tested = load(f"npz:{tmp_path}/set.npz?split=test")
    assert np.array_equal(tested.pixels(0), pictures(4, seed=2)[0])
    assert (len(tested), tested.grey_range) == (4, pooled.grey_range)
    assert len(load(f"npz:{tmp_path}/set.npz", split="train,VAL")) == 8
    assert not any("pooled" in note for note in tested.notes)
    with pytest.raises(InputError, match="split names 'holdout' and npz-set has parts train, val"):
        load(f"npz:{tmp_path}/set.npz?split=holdout")


def test_a_split_that_a_source_has_not_is_refused(tmp_path):
    np.savez(tmp_path / "set.npz", images=pictures(4), labels=[0, 1, 0, 1])
    with pytest.raises(InputError, match="no split of its own"):
        load(f"npz:{tmp_path}/set.npz?split=test")


def test_of_several_labels_an_image_one_is_chosen_and_one_hot_ones_are_numbers(tmp_path):
    several = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 1], [0, 1, 0]])
    np.savez(tmp_path / "several.npz", images=pictures(4), labels=several)
    assert load(f"npz:{tmp_path}/several.npz?label=2").labels.tolist() == [1, 0, 1, 0]
    with pytest.raises(InputError, match=r"labels an image \(0, 1, 2\): .*several\.npz\?label=0"):
        load(f"npz:{tmp_path}/several.npz")
    with pytest.raises(InputError, match="give a number from 0 to 2"):
        load(f"npz:{tmp_path}/several.npz?label=3")
    np.savez(tmp_path / "hot.npz", images=pictures(4), labels=np.eye(2, dtype=int)[[1, 0, 0, 1]])
    assert load(f"npz:{tmp_path}/hot.npz").labels.tolist() == [1, 0, 0, 1]


def test_of_volumes_the_middle_slice_is_taken_or_the_one_that_is_asked_for(tmp_path):
    bodies = pictures(2, shape=(9, 10, 11))
    np.savez(tmp_path / "set.npz", images=bodies, labels=[0, 1])
    assert np.array_equal(load(f"npz:{tmp_path}/set.npz").pixels(1), bodies[1, 4])
    assert np.array_equal(load(f"npz:{tmp_path}/set.npz?slice=0").pixels(1), bodies[1, 0])
    with pytest.raises(InputError, match=r"slice is 9 and each volume of .* has 9 slices"):
        load(f"npz:{tmp_path}/set.npz?slice=9")
    np.savez(tmp_path / "flat.npz", images=pictures(4), labels=[0, 1, 0, 1])
    with pytest.raises(InputError, match=r"slice is 'all', but npz-flat holds images"):
        load(f"npz:{tmp_path}/flat.npz?slice=all")


@pytest.mark.parametrize(
    "change", [lambda x: x[:, None], lambda x: x[..., None], lambda x: np.stack([x] * 3, axis=1)]
)
def test_channels_stand_first_or_last_and_equal_ones_are_one(change):
    cohort = from_arrays(change(pictures(4)), [0, 1, 0, 1])
    assert np.array_equal(cohort.pixels(3), pictures(4)[3])


def test_parts_of_other_sizes_are_refused(tmp_path):
    np.savez(
        tmp_path / "set.npz",
        train_images=pictures(2),
        train_labels=[0, 1],
        test_images=pictures(2, shape=(9, 9)),
        test_labels=[0, 1],
    )
    with pytest.raises(InputError, match="differ in shape"):
        load(f"npz:{tmp_path}/set.npz")
