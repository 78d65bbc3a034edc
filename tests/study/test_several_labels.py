"""Studies of several labels an image: which labels there are, and what an accuracy counts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.statistics.weighted import Cases
from medlib.study import photographs, subgroups
from medlib.study.several_labels import (
    Labelled,
    at_share,
    labelled,
    pooled,
    together,
    ways_of_counting,
)

NOTHING = Cases(np.zeros(0, bool), np.zeros(0), np.zeros(0, bool))
PARAMETERS = {"classes": "", "seed": 0, "pool_per_class": 2, "folds": 2}


def value(metric, n):
    return float(metric(np.ones((1, n)), NOTHING)[0])


def folder(home, classes):
    """Pictures of each class, so many; each another grey, so that none is a copy."""
    grey = iter(range(1, 250))
    for name, many in classes.items():
        (home / name).mkdir()
        for i in range(many):
            levels = np.random.default_rng(next(grey)).integers(0, 255, (20, 20, 3), np.uint8)
            Image.fromarray(levels).save(home / name / f"{i}.png")
    return {"cohort": f"images:{home}", **PARAMETERS}


def test_of_four_folders_the_normal_one_is_no_label(tmp_path):
    found = labelled(folder(tmp_path, {"glaucoma": 4, "normal": 5, "cataract": 4, "dr": 4}))
    assert found.names == ("cataract", "dr", "glaucoma")
    assert found.flags.sum(axis=0).tolist() == [4, 4, 4]
    assert (found.flags.sum(axis=1) == 0).sum() == 5


def test_of_folders_without_a_normal_one_each_is_a_label(tmp_path):
    found = labelled(folder(tmp_path, {"glaucoma": 4, "cataract": 4, "dr": 4}))
    assert len(found.names) == 3
    assert (found.flags.sum(axis=1) == 1).all()


def test_all_labels_of_a_table_are_taken_at_once(tmp_path):
    rng = np.random.default_rng(0)
    flags = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 4)
    for i in range(16):
        Image.fromarray(rng.integers(0, 255, (20, 20, 3), np.uint8)).save(tmp_path / f"{i}.png")
    columns = {"glaucoma": flags[:, 0], "cataract": flags[:, 1], "male": [0, 1] * 8}
    table = {"file": [f"{i}.png" for i in range(16)], "patient_id": np.arange(16), **columns}
    pd.DataFrame(table).to_csv(tmp_path / "labels.csv", index=False)
    spec = f"images:{tmp_path}?label_columns=glaucoma,cataract"
    found = labelled({"cohort": spec, **PARAMETERS})
    assert found.names == ("glaucoma", "cataract")
    assert np.array_equal(found.flags, flags)
    assert together(found).to_numpy().tolist() == [[8, 4], [4, 8]]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({"normal": 6}, "one class only"),
        ({"normal": 6, "dr": 6, "glaucoma": 1}, "1 patients of 'gl"),
    ],
)
def test_a_single_class_and_a_class_with_one_patient_are_refused(tmp_path, classes, said):
    with pytest.raises(InputError, match=said):
        labelled(folder(tmp_path, classes))


FLAGS = np.array([[1, 0], [1, 1], [0, 0], [0, 0], [0, 1]])
CALLED = np.array([[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]], bool)


def test_the_same_calls_counted_in_four_ways():
    ways = {name: value(m, 5) for name, m in ways_of_counting(FLAGS, [CALLED]).items()}
    assert ways["labels right"] == pytest.approx(8 / 10)
    assert ways["images right"] == pytest.approx(3 / 5)
    assert ways["sensitivity"] == pytest.approx((1 / 2 + 1) / 2)
    assert ways["specificity"] == pytest.approx((2 / 3 + 1) / 2)


def test_pooled_accuracy_is_the_mean_of_pooled_rates_by_how_common_labels_are():
    has = FLAGS == 1
    sensitivity, specificity = CALLED[has].mean(), (~CALLED[~has]).mean()
    right = value(ways_of_counting(FLAGS, [CALLED])["labels right"], 5)
    assert float(pooled(sensitivity, specificity, has.mean())) == pytest.approx(right)
    assert float(pooled(0, 1, np.array(0.005))) == 0.995


def test_saying_none_is_right_in_as_many_labels_as_are_absent():
    none = ways_of_counting(FLAGS, [np.zeros_like(CALLED)])["labels right"]
    ill = FLAGS.any(axis=1)
    assert value(at_share(none, ill, 0.1), 5) == pytest.approx(1 - 0.1 * 4 / 6)
    assert value(at_share(none, ill, ill.mean()), 5) == pytest.approx(value(none, 5))


# --- groups


def study(n=400, seed=0):
    """Two labels and a column "camera"; features tell labels, under camera B turned round."""
    rng = np.random.default_rng(seed)
    flags = (rng.uniform(size=(n, 2)) < 0.4).astype(np.int64)
    camera = np.where(rng.uniform(size=n) < 0.5, "A", "B")
    sign = np.where(camera == "A", 1.0, -1.0)[:, None]
    x = (sign * (2 * flags - 1) + rng.normal(size=(n, 2))).astype(np.float32)
    cohort = from_arrays(
        rng.uniform(0, 255, (n, 4, 4)).round(), np.where(flags.any(axis=1), "ill", "no"),
        patient_ids=np.arange(n),
    )  # fmt: skip
    table = cohort.table.assign(camera=camera, age=rng.integers(30, 90, n))
    from dataclasses import replace

    return Labelled(replace(cohort, table=table), ("a", "b"), flags, cohort.groups), x


def test_groups_are_by_name_or_at_the_median():
    data, _ = study()
    age, camera = sorted(subgroups.groups_of(data), key=lambda pair: pair.name)
    assert (camera.first, camera.second) == ("A", "B")
    assert not (camera.one & camera.other).any()
    assert abs(age.one.sum() - age.other.sum()) < 30
    with pytest.raises(InputError, match="no column 'camra'"):
        subgroups.groups_of(data, "camra")


def test_groups_too_small_for_a_label_are_left_out():
    data, _ = study(40)
    assert subgroups.groups_of(data) == []


def of_column(column, patients=None, n=240):
    flags = np.stack([np.arange(n) % 2, np.arange(n) // 2 % 2], axis=1)
    cohort = from_arrays(np.zeros((n, 4, 4)), flags[:, 0], patient_ids=np.arange(n))
    cohort = replace(cohort, table=cohort.table.assign(sex=column))
    return Labelled(cohort, ("x", "y"), flags, np.arange(n) if patients is None else patients)


def test_who_has_nothing_in_the_column_is_in_neither_group():
    sexes = np.array(["F", "M", None, np.nan, "unknown"], object)[np.arange(240) % 5]
    pair = subgroups.groups_of(of_column(sexes), "sex")[0]
    assert (pair.first, pair.second) == ("F", "M")
    assert (pair.one.sum(), pair.other.sum()) == (48, 48)
    ages = np.where(np.arange(240) % 3 == 0, np.nan, np.arange(240) % 60 + 20.0)
    pair = subgroups.groups_of(of_column(ages), "sex")[0]
    assert pair.first.startswith("below")
    assert pair.one.sum() + pair.other.sum() == 160


def test_groups_need_patients_of_a_label_not_images_of_one_patient():
    sexes = np.where(np.arange(240) < 120, "F", "M")
    assert subgroups.groups_of(of_column(sexes), "sex")
    women = np.where(np.arange(240) < 120, np.arange(240) % 4, np.arange(240))  # four with many
    few = of_column(sexes, np.unique(women, return_inverse=True)[1])
    assert not subgroups.groups_of(few, "sex")


def test_redraws_without_a_rare_label_and_a_lone_patient_of_both_kinds_have_intervals():
    flags = np.zeros((60, 2), int)
    flags[::2, 0], flags[:4, 1] = 1, 1
    patients = np.arange(60)
    patients[1] = 0  # one image with the first label, one without
    patients = np.unique(patients, return_inverse=True)[1]
    study = Labelled(of_column("F", n=60).cohort, ("x", "y"), flags, patients)
    called = np.random.default_rng(0).random((60, 2)) < 0.5
    for span in study.spans(ways_of_counting(flags, [called]), seed=0).values():
        assert span.low <= span.estimate <= span.high


def test_a_label_that_nearly_everybody_has_is_refused_before_anything_is_trained(tmp_path):
    flags = np.array([[1, 0], [1, 1]] * 10)
    flags[0] = 0, 1
    rng = np.random.default_rng(0)
    for i in range(20):
        Image.fromarray(rng.integers(0, 255, (20, 20, 3), np.uint8)).save(tmp_path / f"{i}.png")
    table = {"file": [f"{i}.png" for i in range(20)], "patient_id": np.arange(20),
             "glaucoma": flags[:, 0], "cataract": flags[:, 1]}  # fmt: skip
    pd.DataFrame(table).to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(InputError, match="1 patients without 'glaucoma'"):
        labelled({"cohort": f"images:{tmp_path}", **PARAMETERS})


def test_a_model_from_elsewhere_loses_and_groups_dealt_at_random_do_not():
    data, x = study()
    [camera] = subgroups.groups_of(data, "camera")
    fold = np.arange(400) % 5
    scores = subgroups.here_and_there(data, x, fold, camera, seed=0)
    lost = subgroups.travel(data, camera, [scores], seed=0)
    assert lost["own"].estimate > 0.85
    assert lost["other"].estimate < 0.2
    assert lost["lost"].low > 0.5
    same = subgroups.dealt(camera, data, np.random.default_rng(1))
    scores = subgroups.here_and_there(data, x, fold, same, seed=0)
    assert 0 in subgroups.travel(data, same, [scores], seed=0)["lost"]


def test_dealt_groups_have_the_same_sizes_and_labels():
    data, _ = study()
    [camera] = subgroups.groups_of(data, "camera")
    same = subgroups.dealt(camera, data, np.random.default_rng(1))
    assert same.one.sum() == camera.one.sum()
    assert data.flags[same.one].sum(axis=0).tolist() == data.flags[camera.one].sum(axis=0).tolist()
    assert not np.array_equal(same.one, camera.one)


def test_the_p_of_a_gap_counts_the_gap_itself():
    dealt = np.array([-0.3, -0.1, 0.0, 0.2])
    assert subgroups.p_of(0.25, dealt) == 2 / 5
    assert subgroups.p_of(0.0, dealt) == 1


# --- photographs


def test_the_brightest_spot_is_found_and_cut_out():
    image = np.full((128, 128, 3), 0.3, np.float32)
    rows, columns = np.mgrid[:128, :128]
    image[np.hypot(rows - 70, columns - 90) < 7] = 0.9
    row, column = photographs.brightest(image)
    assert abs(row - 70) <= 3
    assert abs(column - 90) <= 3
    part = photographs.square(image, row, column)
    assert part.shape[0] == part.shape[1]
    assert part.max() == np.float32(0.9)
    assert photographs.square(image, 0, 127).shape == part.shape  # moved inside


def test_vessels_of_a_known_width_are_found():
    image = np.full((256, 256, 3), 0.4, np.float32)
    image[:, 60:64] = 0.2
    image[200:203] = 0.2
    look = photographs.appearance(image)
    assert 0.015 < look.share < 0.05
    assert 8 < np.median(look.widths) < 24


def test_photographs_that_all_look_alike_are_not_one_patient_and_a_note_says_so(tmp_path):
    """Round fields of one colour with a spot: alike for the eye of the audit, and no copies."""
    rows, columns = np.mgrid[:64, :64] - 31.5
    disc = np.hypot(rows, columns) < 30
    for k, name in enumerate(("normal", "glaucoma")):
        (tmp_path / name).mkdir()
        for i in range(8):
            picture = np.zeros((64, 64, 3), np.uint8)
            picture[disc] = (200, 80, 60)
            picture[30 + k : 34 + k, 10 + i : 12 + i] = 250
            Image.fromarray(picture).save(tmp_path / name / f"{i}.png")
    found = labelled({"cohort": f"images:{tmp_path}", **PARAMETERS})
    assert len(np.unique(found.patients)) == 16
    assert "only equal ones are joined" in " ".join(found.cohort.notes)
    with pytest.raises(InputError, match="patients of"):
        labelled({"cohort": f"images:{tmp_path}?groups=copies", **PARAMETERS})
