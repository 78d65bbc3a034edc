"""A check of what cannot hold the disease: it speaks up when it should, and only then."""

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from medlib.cohorts import from_arrays
from medlib.cohorts.audit import audit, regions, with_regions
from medlib.cohorts.audit.regions import ALARM, COLUMNS, FILE, alarms, check_regions, masks

CLASSES = ("healthy", "ill")


def noise(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(100, 20, (n, 64, 64)), 0, 255).astype(np.float32)


def cohort(images, labels=None, patients=None):
    labels = np.arange(len(images)) % 2 if labels is None else labels
    patients = np.arange(len(images)) if patients is None else patients
    return from_arrays(images, labels, patient_ids=patients, name="made")


def test_the_parts_are_where_their_names_say():
    found = masks(64)
    assert {name: int(part.sum()) for name, part in found.items()} == {
        "top eighth": 8 * 64, "border": 64**2 - 56**2, "corners": 4 * 8**2,
    }  # fmt: skip
    assert found["top eighth"][:8].all()
    assert not any(part[8:-8, 8:-8].any() for part in found.values())


def test_noise_smoothed_in_the_top_rows_of_one_class_is_told_and_where_it_is():
    images = noise()
    images[1::2, :6, 1:-1] = (
        images[1::2, :6, :-2] + images[1::2, :6, 2:]
    ) / 2  # the mean is the same
    found = check_regions(cohort(images)).set_index("part")
    assert found.auc["top eighth"] > 0.9
    assert "top eighth" in set(alarms(found.reset_index()).part)


def test_what_lies_in_the_middle_is_not_accused():
    images = noise()
    images[1::2, 20:40, 20:40] += 60  # the disease
    assert alarms(check_regions(cohort(images))).empty


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(1)
    parts = {name: rng.normal(size=(40, 12)) for name in "ab"}
    said = 0
    for draw in range(60):
        labels = rng.permutation(np.arange(40) % 2)
        table = regions.tell_apart(
            parts, labels, np.arange(40), CLASSES, seed=draw, permutations=199
        )
        said += not alarms(table).empty
    assert said <= 4  # of 60 with a chance of 0.01 each: more in 1 of 2,500 runs


def test_the_auc_is_that_of_the_scores_on_patients_never_trained_on():
    rng = np.random.default_rng(2)
    patients = np.repeat(np.arange(30), 2)
    labels = patients % 2
    x = rng.normal(size=(60, 5)) + labels[:, None]
    fold = patients % 5
    score = regions.out_of_fold(x, labels[:, None] == 1, fold)[:, 0]
    assert regions._area(score[:, None], labels[:, None] == 1)[0] == pytest.approx(
        roc_auc_score(labels, score)
    )
    changed = labels.copy()
    changed[fold == 0] = 1 - changed[fold == 0]
    again = regions.out_of_fold(x, changed[:, None] == 1, fold)[:, 0]
    assert np.array_equal(again[fold == 0], score[fold == 0])
    deals = regions._deals(patients, 0)
    assert all(np.array_equal(deal[::2], deal[1::2]) for deal in deals)


def test_patients_that_are_all_alike_inside_do_not_count_as_many_cases():
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(24), 10)
    parts = {"a": rng.normal(size=(24, 8))[patients]}
    table = regions.tell_apart(parts, patients % 2, patients, CLASSES)
    assert alarms(table).empty


def test_a_part_that_is_equal_everywhere_has_no_row_and_few_patients_no_table():
    images = noise()
    images[:, :8] = 0
    assert set(check_regions(cohort(images)).part).isdisjoint({"top eighth"})
    few = check_regions(cohort(noise(18)))
    assert list(few.columns) == list(COLUMNS)
    assert few.empty
    assert alarms(few).empty


def test_each_of_three_classes_is_told_from_the_others():
    images = noise(90)
    labels = np.arange(90) % 3
    images[labels == 2, 40:, :3] += 60
    made = from_arrays(images, labels, patient_ids=np.arange(90), name="made")
    found = alarms(check_regions(made))
    assert found.iloc[0]["class"] == made.classes[2]
    assert found.iloc[0].part == "border"


def test_patients_with_images_of_both_classes_are_taken_together():
    rng = np.random.default_rng(4)
    patients, labels = np.repeat(np.arange(30), 2), np.tile([0, 1], 30)
    parts = {"a": rng.normal(size=(60, 4)), "b": labels[:, None] + rng.normal(0, 0.1, (60, 2))}
    table = regions.tell_apart(parts, labels, patients, CLASSES).set_index("part")
    assert table["p of all"]["b"] <= ALARM < table["p of all"]["a"]


def test_digits_that_only_arithmetic_left_are_no_shortcut():
    """Black air plus a rounding error in one class told the classes apart, by processor."""
    images = noise()
    images[:, :8] = 0.0
    other = images + np.where(np.arange(60) % 2, 1e-4, -1e-4)[:, None, None].astype(np.float32)
    same, moved = (regions.textures(each, (0.0, 255.0)) for each in (images, other))
    np.testing.assert_allclose(same, moved, rtol=0.02, atol=1e-3)


def test_what_the_file_says_is_a_part_of_its_own():
    parts = regions.parts_of(cohort(noise()))
    assert set(parts) == {*masks(), FILE}


def test_missing_values_and_a_constant_column_do_no_harm():
    x = np.random.default_rng(5).normal(size=(40, 3))
    x[::3, 0], x[:, 2] = np.nan, np.nan
    table = regions.tell_apart({"a": x}, np.arange(40) % 2, np.arange(40), CLASSES)
    assert table.auc.between(0.2, 0.8).all()


def test_the_audit_says_which_part_told_and_what_to_do_about_it():
    images = noise()
    made = cohort(images)
    quiet = with_regions(audit(made), made)
    assert "Nor do the textures of border, corners or top of the image." in quiet.text()
    images[1::2, :6, 1:-1] = (images[1::2, :6, :-2] + images[1::2, :6, 2:]) / 2
    made = cohort(images)
    found = with_regions(audit(made), made)
    said = next(one.says for one in found.findings if "hardly holds the disease" in one.says)
    assert "texture of the top eighth of the image does it in" in said
    assert "of all textures of a part of the image together" in found.text()
    assert "top eighth" in found._repr_html_()
    few = cohort(noise(12))
    assert "fewer than 10 patients" in with_regions(audit(few), few).text()


def test_the_area_of_each_labelling_is_that_of_ranks_exactly_with_ties_too():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(300, 20)).round(1)
    positive = rng.random(scores.shape) < 0.3
    m = positive.sum(axis=0)
    above = (rankdata(scores, axis=0) * positive).sum(axis=0) - m * (m + 1) / 2
    assert np.array_equal(regions._area(scores, positive), above / (m * (len(scores) - m)))
