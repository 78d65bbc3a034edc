"""The audit finds planted copies and shortcuts, stays quiet without, and stops leakage."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from medlib.cohorts import from_arrays, load
from medlib.cohorts.audit import (
    LeakageError,
    assert_no_leakage,
    assert_patients_apart,
    audit,
    p_value,
)
from medlib.cohorts.audit.guards import assert_no_shortcuts
from medlib.cohorts.audit.shortcuts import (
    areas,
    clustered_auc,
    family_wise,
    in_the_middle,
    permuted,
)
from medlib.cohorts.similar.duplicates import find_duplicates
from medlib.cohorts.similar.surrogate import runs
from medlib.errors import InputError
from medlib.imaging import resize


def scenes(n, seed=0, side=96):
    """Smooth pictures with fine structure, each another; grey levels 0-255."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(2, n, side, side))
    coarse = ndimage.gaussian_filter(noise[0], (0, 12, 12)) * 30
    fine = ndimage.gaussian_filter(noise[1], (0, 2, 2)) * 6
    return np.clip(128 + 40 * (coarse + 0.5 * fine), 0, 255).astype(np.float32)


def cohort(images, **facts):
    labels = np.arange(len(images)) % 2
    patients = [f"P{i:03d}" for i in range(len(images))]
    return from_arrays(images, labels, patient_ids=patients, **facts)


COPIES = {
    "half the size": lambda a: resize(resize(a, 48), 96),
    "stretched": lambda a: resize(resize(a, (96, 70)), 96),
    "darker, more contrast": lambda a: np.clip(a * 1.3 - 50, 0, 255),
    "gamma": lambda a: 255 * (a / 255) ** 0.7,
    "noise": lambda a: a + np.random.default_rng(0).normal(0, 5, a.shape),
}


@pytest.mark.parametrize("change", COPIES)
def test_an_altered_copy_is_found_and_nothing_else(change):
    images = scenes(30)
    images = np.concatenate([images, COPIES[change](images[7])[None].astype(np.float32)])
    found = find_duplicates(cohort(images))
    assert found[["i", "j", "kind"]].to_numpy().tolist() == [[7, 30, "near"]]


def test_a_jpeg_copy_is_found(tmp_path):
    image = scenes(30)[7].astype(np.uint8)
    for i, other in enumerate(scenes(30).astype(np.uint8)):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(other).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    Image.fromarray(image).save(tmp_path / "a" / "copy.jpg", quality=40)
    found = audit(load(f"images:{tmp_path}")).near
    assert found[["image_a", "image_b"]].to_numpy().tolist() == [["a/copy.jpg", "b/7.png"]]


@pytest.mark.parametrize(
    ("flip", "kind"),
    [
        (np.fliplr, "flipped left-right"),
        (np.flipud, "flipped up-down"),
        (lambda a: np.rot90(a, 2), "turned by 180 degrees"),
    ],
)
def test_a_flipped_copy_is_found_and_named(flip, kind):
    images = scenes(30)
    images = np.concatenate([images, flip(images[3])[None]])
    found = find_duplicates(cohort(images))
    assert found[["i", "j", "kind"]].to_numpy().tolist() == [[3, 30, kind]]


def test_each_further_exact_copy_counts_once():
    images = scenes(6)[[0, 1, 2, 1, 1, 5]]
    found = audit(cohort(images))
    assert found.exact[["image_a", "image_b"]].to_numpy().tolist() == [
        ["00001", "00003"],
        ["00001", "00004"],
    ]
    assert "2 exact duplicates among 6 images." in found.notes
    assert any("carry two labels" in n for n in audit(cohort(scenes(4)[[0, 0, 2, 3]])).notes)


def test_how_alike_near_duplicates_are_is_said_and_that_they_may_be_neighbouring_slices():
    images = scenes(12)
    noise = np.random.default_rng(5).normal(0, 1, images[3].shape).astype(np.float32)
    found = audit(cohort(np.concatenate([images, (images[3] + noise)[None]])))
    said, one = str(found), found.near.correlation.item()
    assert f"correlates by {one:.3f} to {one:.3f} (median {one:.3f})" in said
    assert "neighbouring slices of one scan; only a look at the pairs tells which" in said
    table = said.split("Pairs that seem to be copies")[1]
    assert table.startswith(" (correlation: of detail")
    assert f" {one:.3f} " in table
    assert "neighbouring" not in str(audit(cohort(images)))


def test_even_images_are_no_near_duplicates_of_each_other():
    images = scenes(6)
    images[2], images[4] = 10.0, 20.0
    assert find_duplicates(cohort(images)).empty


def test_blocks_of_the_search_miss_nothing(monkeypatch):
    images = scenes(40)
    images = np.concatenate([images, images[[3, 17, 39]] * 0.8])
    whole = find_duplicates(cohort(images))
    monkeypatch.setattr("medlib.cohorts.similar.search.BLOCK", 7)
    assert find_duplicates(cohort(images))[["i", "j"]].equals(whole[["i", "j"]])
    assert whole[["i", "j"]].to_numpy().tolist() == [[3, 40], [17, 41], [39, 42]]


def test_a_quick_search_finds_the_same_copies_and_the_audit_says_that_it_was_quick(monkeypatch):
    images = scenes(40)
    images = np.concatenate([images, images[[3, 17, 39]] * 0.8])
    thorough = audit(cohort(images))
    monkeypatch.setattr("medlib.cohorts.similar.search.MANY", 42)
    quick = audit(cohort(images))
    assert quick.duplicates.equals(thorough.duplicates)
    assert len(quick.duplicates) == 3
    assert quick.shortcuts.equals(thorough.shortcuts)
    assert "looked for quickly" not in thorough.verdict + str(thorough) + thorough._repr_html_()
    for said in (quick.verdict, str(quick), quick._repr_html_()):
        assert "Among 43 images copies were looked for quickly" in said


def test_a_patient_in_two_folds_stops_the_audit_and_is_named():
    patients = np.repeat([f"P{i}" for i in range(10)], 2)
    source = from_arrays(scenes(20), np.repeat(np.arange(10) % 2, 2), patient_ids=patients)
    grouped = np.repeat(np.arange(10) // 2, 2)
    assert len(audit(source, grouped).shortcuts) > 3
    torn = grouped.copy()
    torn[5] = 4
    with pytest.raises(LeakageError, match="first 'P2' in 1, 4: keep all images"):
        audit(source, torn)


@pytest.mark.parametrize("copy", [lambda a: a, np.fliplr, lambda a: a * 0.7])
def test_a_copy_in_another_fold_stops_the_audit(copy):
    images = scenes(20)
    images[13] = copy(images[2])
    source = cohort(images)
    with pytest.raises(LeakageError, match=r"first '00002' .* and '00013'"):
        assert_no_leakage(source, np.arange(20) // 4)
    together = np.arange(20) % 11 % 2  # 2 and 13 are both in fold 0
    assert_no_leakage(source, together)


def test_a_split_that_comes_with_the_data_and_is_crossed_is_a_finding():
    images = scenes(8)
    images[6] = images[1]
    split = ["train"] * 4 + ["test"] * 4
    found = audit(cohort(images, split=split))
    assert "lie in different folds, first '00001' (fold train)" in found.findings[0].says
    assert "no internal test" in found.findings[0].do
    assert audit(cohort(images, split=split), folds=[0] * 8).crossing == ()
    assert audit(cohort(scenes(8), split=split)).findings == ()


def test_a_patient_on_both_sides_of_the_split_of_the_data_is_a_finding():
    patients = [f"P{i}" for i in (0, 1, 2, 3, 1, 4, 5, 6)]
    labels = [0, 1, 0, 1, 1, 0, 1, 0]
    split = ["train"] * 4 + ["test"] * 4
    found = audit(from_arrays(scenes(8), labels, patient_ids=patients, split=split))
    assert "first 'P1' in train, test" in found.verdict


def test_folds_must_be_one_an_image():
    with pytest.raises(InputError, match="8 images and 7 folds"):
        assert_no_leakage(cohort(scenes(8)), [0] * 7)
    with pytest.raises(LeakageError, match="'a' in 0, 1"):
        assert_patients_apart(["a", "b", "a"], [0, 0, 1])


def planted(change):
    """40 + 40 pictures without any difference, then ``change`` applied to the positive ones."""
    images = scenes(80, seed=5)
    for i in range(1, 80, 2):
        images[i] = change(images[i])
    return audit(cohort(images)).shortcuts.set_index("statistic")


def test_brighter_positives_show_in_the_mean_with_the_right_sign():
    found = planted(lambda image: image + 60)
    assert found.auc["mean"] > 0.95
    assert found.low["mean"] > 0.8
    assert found.p["mean"] == 0.001


def test_a_burned_in_marker_shows_in_a_single_pixel_and_in_the_corners():
    def mark(image):
        image[:10, -10:] = 255
        return image

    found = planted(mark)
    best = next(name for name in found.index if name.startswith("best of 16 x 16"))
    assert "row 1, column 16" in best
    assert found.auc[best] > 0.95
    assert found.p[best] == 0.001
    assert found.auc["corner top right"] > 0.9
    assert found.p["corner bottom left"] > 0.01
    assert found.p["SD"] > 0.01


def test_without_a_difference_chance_is_said_to_explain_what_is_there():
    found = planted(lambda image: image)
    assert found.p.min() > 0.02
    best = next(name for name in found.index if name.startswith("best of"))
    assert abs(found.auc[best] - 0.5) > 0.1  # the best of 256 looks like something
    assert found.p[best] > 0.05  # and is not


def test_a_scanner_or_file_that_tells_the_class_shows(tmp_path):
    for i, image in enumerate(scenes(30).astype(np.uint8)):
        label = "ab"[i % 2]
        (tmp_path / label).mkdir(exist_ok=True)
        wide = image[:, : 90 if label == "a" else 60]
        Image.fromarray(wide).save(tmp_path / label / f"{i}.png")
    rows = [
        f"{p.name},{i},{'Rome' if p.parent.name == 'b' else 'Oslo'}"
        for i, p in enumerate(tmp_path.rglob("*.png"))
    ]
    (tmp_path / "patients.csv").write_text("file,patient_id,site\n" + "\n".join(rows))
    found = audit(load(f"images:{tmp_path}")).shortcuts.set_index("statistic")
    for part in ("bytes", "columns", "site = "):
        (name,) = (name for name in found.index if part in name)
        assert found.auc[name] in (0.0, 1.0)
        assert found.p[name] == 0.001


def test_the_audit_prints_the_verdict_first_as_text_and_as_a_table():
    found = audit(cohort(scenes(12), name="a<b"))
    assert str(found).startswith("Audit of a<b\nNothing was found: no copies, and no")
    assert "- 0 exact duplicates among 12 images." in str(found)
    assert "a&lt;b" in found._repr_html_()
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize("step", [80, -80])
def test_brightness_that_gives_the_class_away_is_said_in_pairs_out_of_a_hundred(step):
    images = scenes(60, seed=8)
    images[1::2] += step  # 0.02 separates as well as 0.98
    found = audit(cohort(images))
    assert "without looking at the disease" in found.verdict
    assert "brightness" in found.verdict
    assert "of 100 pairs of a '1' and a '0' image" in found.verdict
    assert found.exit_code == 1
    far = (found.shortcuts.auc - 0.5).abs()
    assert far.is_monotonic_decreasing


def three(images, labels=None):
    labels = np.arange(len(images)) % 3 if labels is None else labels
    names = ("normal", "cyst", "tumor")
    return from_arrays(images, labels, patient_ids=np.arange(len(images)), classes=names)


def test_of_three_classes_the_one_in_the_middle_that_is_brighter_is_named():
    images = scenes(90, seed=8)
    images[1::3] += 60
    found = audit(three(images))
    worst = found.shortcuts.iloc[0]
    assert (worst["class"], round(worst.auc, 1)) == ("cyst", 1.0)
    assert "pairs of a 'cyst' image and one of another class" in found.verdict
    assert "a class against all others" in str(found)
    assert found.exit_code == 1


def test_three_classes_without_a_difference_are_rarely_accused():
    alarms = sum(audit(three(scenes(30, seed=seed, side=32))).exit_code for seed in range(20))
    assert alarms <= 3  # binomial, 20 sets at 5 %: more by luck in 1 of 60 runs


def test_each_class_against_the_rest_has_the_area_of_scikit_learn():
    images, labels = scenes(40, seed=2), np.repeat([0, 1, 2], [20, 12, 8])
    rows = audit(three(images, labels)).shortcuts.query("statistic == 'mean'").set_index("class")
    for k, name in enumerate(("normal", "cyst", "tumor")):
        area = roc_auc_score(labels == k, images.mean(axis=(1, 2)))
        assert rows.auc[name] == pytest.approx(area)
        assert rows.low[name] < area < rows.high[name]


def test_a_pixel_in_the_middle_is_not_said_to_be_without_the_disease():
    images = scenes(60, seed=9)
    images[1::2, 45:51, 45:51] = 255  # a lesion in the middle of each crop
    found = audit(cohort(images))
    statistic = found.shortcuts.statistic.iloc[0]
    assert in_the_middle(statistic)
    assert all("row" not in one.says or "by a single pixel" in one.says for one in found.findings)
    with pytest.raises(LeakageError, match="apart by themselves"):
        assert_no_shortcuts(found.shortcuts[found.shortcuts.statistic == statistic])


def test_an_edge_is_not_the_middle():
    name = "best of 16 x 16 pixels (row {}, column {})".format
    assert [in_the_middle(name(*at)) for at in ((1, 8), (8, 16), (3, 14), (8, 8))] == [
        False,
        False,
        True,
        True,
    ]
    assert not in_the_middle("mean")


def test_small_sets_without_a_difference_are_rarely_accused_however_many_statistics():
    """Eleven independent statistics of 20 patients: at most one set in twenty, give or take."""
    rng = np.random.default_rng(11)
    positive, alarms = np.arange(20) % 2 == 1, 0
    for seed in range(100):
        values = rng.normal(size=(20, 11))
        drawn = areas(values, permuted(positive, np.arange(20), seed)).T
        alarms += family_wise(areas(values, positive[:, None])[0], drawn)[0].min() < 0.05
    assert alarms <= 11  # binomial, 100 sets at 5 %: more by luck in 1 of 200 runs


def test_what_cannot_be_noticed_is_said():
    few = audit(cohort(scenes(6)))
    assert few.exit_code == 0
    assert "even a perfect shortcut would pass for chance" in few.verdict
    assert "an AUC of about 0." in audit(cohort(scenes(60))).verdict


def test_a_p_that_no_permutation_reached_is_no_zero():
    assert p_value(0.001) == "< 0.002"
    assert p_value(0.0412) == "0.041"


def test_the_area_agrees_with_scikit_learn_also_with_ties():
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 8, 60).astype(float), rng.random(60) < 0.4
    area, low, high = clustered_auc(scores, positive, np.arange(60))
    assert area == pytest.approx(roc_auc_score(positive, scores))
    assert areas(scores[:, None], positive[:, None])[0, 0] == pytest.approx(area)
    assert low < area < high


def test_ten_images_a_patient_are_not_ten_patients():
    rng = np.random.default_rng(1)
    scores, positive = rng.normal(size=40), np.arange(40) % 2 == 1
    _, low, high = clustered_auc(scores, positive, np.arange(40))
    repeated = clustered_auc(
        np.repeat(scores, 10), np.repeat(positive, 10), np.repeat(np.arange(40), 10)
    )
    assert repeated[1:] == pytest.approx((low, high), abs=1e-6)


def test_the_interval_of_an_area_covers_as_often_as_it_says():
    rng = np.random.default_rng(2)
    positive, patient = np.repeat(np.arange(60) % 2 == 1, 3), np.repeat(np.arange(60), 3)
    truth, covered = 0.6381632, 0  # normal, shift 0.5, SD 1 in each class: Phi(0.5 / sqrt 2)
    for _ in range(400):
        scores = (
            np.repeat(rng.normal(size=60), 3) * 0.8 + rng.normal(size=180) * 0.6 + 0.5 * positive
        )
        _, low, high = clustered_auc(scores, positive, patient)
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_complete_separation_has_an_interval_too():
    assert clustered_auc(np.arange(20.0), np.arange(20) >= 10, np.arange(20))[1] == pytest.approx(
        0.025 ** (1 / 10)
    )


def test_permutations_keep_patients_whole():
    patient = np.repeat(np.arange(20), 4)
    drawn = permuted(np.repeat(np.arange(20) % 2 == 1, 4), patient, seed=0)
    assert (drawn.reshape(20, 4, -1) == drawn[::4][:, None]).all()
    assert (drawn.sum(axis=0) == 40).all()
    assert 0.4 < drawn.mean(axis=1).min() <= drawn.mean(axis=1).max() < 0.6


def test_runs_break_where_the_picture_changes_and_never_cross_labels():
    base = scenes(4, side=48)
    rng = np.random.default_rng(3)
    stack = np.repeat(base[[0, 1, 2, 0, 3, 3]], 3, axis=0) + rng.normal(0, 8, (18, 48, 48))
    labels = ["a"] * 15 + ["b"] * 3
    expected = [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 0, 3, 3, 3, 4, 4, 4]
    assert runs(stack.astype(np.float32), labels).tolist() == expected


def test_a_scan_that_changes_from_slice_to_slice_is_one_run():
    one, other = (image - image.mean() for image in scenes(2, seed=9, side=48))
    other = other * np.linalg.norm(one) / np.linalg.norm(other)
    turns = np.radians([0, 25, 50, 75])  # neighbours correlate 0.9, first and last 0.3
    scan = np.stack([128 + one * np.cos(t) + other * np.sin(t) for t in turns])
    assert runs(scan.astype(np.float32), ["a"] * 4).tolist() == [0, 0, 0, 0]
    assert runs(scan[::3].astype(np.float32), ["a"] * 2).tolist() == [0, 1]


def test_a_statistic_of_many_tags_stands_in_lines_and_its_name_stays_text():
    report = audit(cohort(scenes(12)))
    found = replace(report, shortcuts=report.shortcuts.assign(statistic="a<b = 1 / c = 2"))
    assert "<td>a&lt;b = 1<br>c = 2</td>" in found._repr_html_()
