"""Each planted leak is what its name says; what it fakes and what its guard says is kept."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.cohorts import assert_no_leakage, from_arrays
from medlib.cohorts.audit import LeakageError, assert_patients_apart, planted
from medlib.cohorts.audit.planted import LEAKS, SHORTCUTS, Shortcut, plant_copies
from medlib.results import Results
from medlib.statistics import Interval
from medlib.study import faked, released
from medlib.study.faked import Faked, Measured, draw_studies, out_of_fold

MODEL = make_pipeline(StandardScaler(), LogisticRegression())
GREY = np.random.default_rng(0).integers(0, 256, (128, 128)).astype(np.uint8)


@pytest.fixture
def pool():
    """Features and classes of 60 cases without signal."""
    return np.random.default_rng(1).normal(size=(60, 30)), np.arange(60) % 2


@pytest.fixture
def leaks(pool):
    """Leaks to be measured on two studies of 2 x 20 of these cases."""
    results = Results("06_leakage", {"name": "noise"}, {}, {})
    return Faked(results, lambda: studies(pool))


def studies(pool, draws=2):
    return draw_studies(*pool, per_class=20, draws=draws, folds=5, seed=0)


def test_each_leak_has_a_type_and_says_what_is_done():
    assert {leak.code for leak in LEAKS.values()} == {
        "L1.1", "L1.2", "L1.3", "L1.4", "L2", "L3.1", "L3.2", "L3.3"}  # fmt: skip
    assert all(leak.what and leak.data for leak in LEAKS.values())
    assert {*SHORTCUTS} < {*LEAKS}


@pytest.mark.parametrize("name", SHORTCUTS)
def test_a_shortcut_changes_positives_and_leaves_most_negatives(name):
    how = SHORTCUTS[name]
    assert not np.array_equal(how.picture(GREY, True, 3), GREY)
    if name != "file size (compression)":  # quality 95 is not quite the image itself
        assert np.array_equal(how.picture(GREY, False, 3), GREY)


def test_the_marker_stands_in_a_corner_of_four_positives_in_five():
    shown = [planted.marker(GREY, True, n) for n in range(10)]
    assert sum(np.array_equal(image, GREY) for image in shown) == 2
    where = np.argwhere(shown[1] != GREY)
    assert where[:, 0].max() < 22
    assert where[:, 1].min() >= 108


def test_small_images_have_half_the_pixels_a_side():
    assert planted.small(GREY, True, 0).shape == (64, 64)
    assert planted.small(GREY, False, 0) is GREY


def test_nine_positives_in_ten_are_from_the_softer_scanner_and_one_negative():
    soft = [[planted.from_soft_scanner(ill, n) for n in range(10)] for ill in (True, False)]
    assert [sum(some) for some in soft] == [9, 1]
    assert np.array_equal(planted.soft(GREY, True, 1), ndimage.gaussian_filter(GREY, 1.0))


def test_compressed_positives_are_smaller_files():
    how = SHORTCUTS["file size (compression)"]
    (ending, ill), (_, well) = how.file(GREY, True, 0), how.file(GREY, False, 0)
    assert ending == ".jpg"
    assert len(ill) < len(well) / 2


def test_a_crop_is_the_lesion_with_half_its_size_around_it():
    outline = np.zeros((256, 256), bool)
    outline[100:140, 60:100] = True  # 20 pixels of 128, centred on 60 and 40
    cut = planted.crop_by_lesion(lambda number: outline)
    assert np.array_equal(cut(GREY, True, 0), GREY[45:74, 25:54])
    assert cut(GREY, False, 0) is GREY


def test_copies_follow_the_cases_they_are_copies_of():
    y = np.arange(40) % 2
    copies = plant_copies(y, 5, np.random.default_rng(0))
    assert {*copies} < {*LEAKS}
    for cases, origin, _ in copies.values():
        assert np.array_equal(origin[: len(cases)], np.arange(len(cases)))
    cases, origin, _ = copies["oversampling before the split"]
    assert (y[cases] == 1).sum() == 5
    assert np.array_equal(np.bincount(y[cases][origin]), [20, 20])
    assert len(copies["duplicates, one case in five"].origin) == 48
    assert len(copies["augmentation before the split"].origin) == 120


def test_drifting_classes_change_places_in_ten_years():
    x, y, year = planted.drifting(np.random.default_rng(0), n=4000)
    assert (np.diff(year) >= 0).all()
    gap = [x[part & (y == 1), 0].mean() - x[part & (y == 0), 0].mean()
           for part in (year < 2015, year > 2023)]  # fmt: skip
    assert gap[0] > 2.5
    assert gap[1] < -2.5


def test_slices_of_a_patient_are_alike_and_share_a_label_that_means_nothing():
    x, y, patient = planted.slices_without_signal(np.random.default_rng(0))
    assert x.shape == (1000, 10)
    assert all(len({*y[patient == p]}) == 1 for p in range(50))
    within = np.mean([x[patient == p].std(axis=0).mean() for p in range(50)])
    assert within == pytest.approx(0.53, abs=0.03)


def test_studies_are_drawn_equally_from_both_classes_and_are_the_same_again(pool):
    one, two = studies(pool), studies(pool)
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.rows, b.rows)
        assert np.array_equal(np.bincount(a.y), [20, 20])
        assert np.array_equal(a.x, pool[0][a.rows])
        assert_patients_apart(a.rows, a.fold)


def test_out_of_fold_answers_come_from_the_other_folds(pool):
    (study,) = studies(pool, 1)
    answers = out_of_fold(MODEL, study.x, study.y, study.fold)
    test = study.fold == 3
    fitted = MODEL.fit(study.x[~test], study.y[~test])
    assert np.array_equal(answers[test], fitted.predict(study.x[test]))


def test_labelled_sums_are_a_step_of_a_pipeline(pool):
    x, y = pool
    sums = faked.LabelledSums(3)
    assert np.allclose(sums.fit_transform(x, y), sums.transform(x))
    assert make_pipeline(sums, LogisticRegression()).fit(x, y).predict(x).shape == y.shape


def test_scoring_the_cases_fitted_fakes_points_and_its_record_says_so(leaks):
    leaks.measure(
        "no test set",
        lambda s: out_of_fold(MODEL, s.x, s.y, s.fold),
        lambda s: MODEL.fit(s.x, s.y).predict(s.x),
    )
    row, record = leaks.leaks["no test set"], leaks.results["no_test_set_faked_points"]
    assert row.gain.low > 0.2
    assert record.value == pytest.approx(100 * (row.leaky - row.honest))
    assert record.unit == "percentage points"
    assert record.interval == pytest.approx((100 * row.gain.low, 100 * row.gain.high))


@pytest.mark.parametrize("name", ["augmentation before the split", "duplicates, one case in five"])
def test_torn_copies_help_a_model_without_signal(pool, name):
    versions = [pool[0], pool[0] + 0.01, pool[0] - 0.01][: 3 if "aug" in name else 1]
    parts = [faked.copied_study(s, name, versions, MODEL, 0) for s in studies(pool, 6)]
    table = pd.concat(parts)
    honest, leaky = ((table[how] == table.label).mean() for how in ("honest", "leaky"))
    assert leaky > honest + 0.03
    assert [len(each) for each in parts] == [40] * 6


def test_oversampling_scores_few_positives_and_no_copy(pool):
    (study,) = studies(pool, 1)
    part = faked.copied_study(study, "oversampling before the split", [pool[0]], MODEL, 0)
    assert np.array_equal(np.bincount(part.label), [20, 5])


def test_pictures_with_copies_are_found_and_without_are_not(pool):
    (study,) = studies(pool, 1)
    pictures = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 64, 64)), (0, 3, 3))
    pictures = (pictures - pictures.min()) / np.ptp(pictures)
    assert_no_leakage(*faked.with_copies(pictures, study))
    with pytest.raises(LeakageError, match="10 pairs of duplicate"):
        assert_no_leakage(*faked.with_copies(pictures, study, np.copy))


def test_the_best_epoch_of_each_fold_is_never_worse_than_the_last(pool):
    (study,) = studies(pool, 1)
    after = faked.after_each_epoch(study, 4, hidden=4)
    assert after.shape == (4, 40)
    history = faked.history_of(after == study.y, study.fold)
    best = faked.at_best_epoch(after, study) == study.y
    for k, curve in history.groupby("fold").accuracy:
        assert best[study.fold == k].mean() == curve.max()
    assert np.array_equal(history.epoch.unique(), [1, 2, 3, 4])


def test_leaving_out_unclear_cases_gains_what_they_lose():
    right, clear = np.repeat([True, False], 50), np.repeat([True, False], [75, 25])
    gain = faked.without_borderline(right, clear, np.arange(100), seed=0)
    assert gain.estimate == pytest.approx(50 / 75 - 0.5)
    assert gain.low < gain.estimate < gain.high
    same = faked.without_borderline(right, np.ones(100, bool), np.arange(100), seed=0)
    assert (same.low, same.estimate, same.high) == (0, 0, 0)


def refuse():
    raise LeakageError("A case is in two folds: keep it in one.")


@pytest.mark.parametrize(
    ("guard", "already", "verdict", "words"),
    [
        (refuse, "", "stops it", "Its guard says: *A case is in two folds: keep it in one.*"),
        (lambda: None, "", "stays silent", "Its guard stays silent."),
        (refuse, "An alarm.", "cannot tell", "cannot tell: it raises an alarm with nothing"),
    ],
)
def test_what_a_guard_did_is_kept_said_and_recorded(leaks, guard, already, verdict, words):
    gain = Interval("gain", 0.3, 0.2, 0.4, 0.95, "bootstrap")
    leaks.record("image size", 0.6, 0.9, gain)
    leaks.guard("image size", guard, already=already)
    fakes = "- **image size**: +30.0 points (+20.0 to +40.0), from"
    assert leaks.words("image size").startswith(fakes)
    assert words in leaks.words("image size")
    assert leaks.table()["its guard"].tolist() == [verdict]
    leaks.save_guards()
    assert leaks.results["image_size_caught"].value is (verdict == "stops it")
    assert leaks.results["leaks_caught"].value == (verdict == "stops it")
    assert leaks.results["leaks_planted"].value == 1


def test_leaks_are_listed_from_the_strongest_to_the_weakest(leaks):
    for name, value in (("image size", 0.1), ("scanner", 0.3)):
        gain = Interval("gain", value, value - 0.1, value + 0.1, 0.95, "bootstrap")
        leaks.leaks[name] = Measured(LEAKS[name], 0.5, 0.5 + value, gain)
    assert leaks.table().leak.tolist() == ["scanner", "image size"]


def test_a_release_is_loaded_back_with_its_sites_in_an_order_that_is_known(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (20, 128, 128)).astype(np.uint8)
    positive = np.arange(20) % 2 == 1
    cases = released.release(str(tmp_path), pictures, positive, SHORTCUTS["scanner"])
    order = released.numbers(cases)
    assert sorted(order) == list(range(20))
    assert np.array_equal(cases.labels, positive[order])
    soft = [planted.from_soft_scanner(bool(positive[n]), int(n)) for n in order]
    assert np.array_equal(cases.table.site == "B", soft)


def brightness(images):
    """One feature of each image: its mean."""
    return images.mean(axis=(1, 2))[:, None]


def test_what_is_seen_in_a_release_has_the_order_of_the_pictures():
    pictures = np.full((20, 32, 32), 10, np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None]
    pictures[:, :16] += 100
    seen, shortcuts = released.seen_in_release(
        pictures, np.arange(20) % 2 == 1, Shortcut(), brightness, size=32, seed=0
    )
    assert np.allclose(seen[:, 0], pictures.mean(axis=(1, 2)) / 255, atol=1e-3)
    assert len(shortcuts)


@pytest.fixture
def several():
    """Features of 40 patients with 5 images each that share a label which means nothing."""
    x, y, group = planted.slices_without_signal(np.random.default_rng(0), patients=40, slices=5)
    first = np.ones(200, bool)
    first[[1, 7]] = False
    return released.Images(x, y, group, first)


def most_similar(x, y, fold):
    distance = ((x[:, None] - x) ** 2).sum(axis=2)
    return y[np.where(fold[:, None] == fold, np.inf, distance).argmin(axis=1)]


def test_three_splits_keep_copies_out_and_groups_whole(several):
    splits = list(released.three_splits(several.y, several, 5, np.random.default_rng(0)))
    assert [name for name, _, _ in splits] == list(released.SPLITS)
    assert [len(rows) for _, rows, _ in splits] == [200, 198, 198]
    _, rows, fold = splits[2]
    assert_patients_apart(several.group[rows], fold)
    with pytest.raises(LeakageError):
        assert_patients_apart(several.group, splits[0][2])


def test_a_release_split_image_by_image_fakes_points_that_are_recorded(several, leaks):
    how = {"folds": 5, "repeats": 2, "seed": 0}
    found, spread = released.split_outcomes(several, most_similar, **how)
    assert len(found) == 2 * 198
    rows = released.record_release(leaks, "nearest", found, spread)
    assert [row[1] for row in rows] == list(released.SPLITS)
    names = released.release_fakes(leaks, "nearest", found, "the set")
    assert names == ["the set, as released, nearest", "the set, without copies, nearest"]
    assert leaks.leaks[names[0]].gain.low > 0.2
    record = leaks.results["release_nearest_as_released_faked_points"]
    assert record.value == pytest.approx(100 * leaks.leaks[names[0]].gain.estimate)


def test_dealt_labels_are_dealt_to_groups_and_are_no_leak_of_their_own(several, leaks):
    how = {"folds": 5, "repeats": 2, "seed": 0, "dealt": True}
    found, spread = released.split_outcomes(several, most_similar, **how)
    released.record_release(leaks, "nearest random labels", found, spread)
    assert released.release_fakes(leaks, "nearest random labels", found, "the set") == []
    assert found["as released"].eq(found.label).mean() > 0.8
    assert found["by group"].eq(found.label).mean() < 0.65
    assert not leaks.leaks


def test_a_balanced_subset_has_no_group_that_is_alone_of_its_kind():
    y = np.repeat([0, 0, 1, 1, 0], 6)
    group = np.repeat(np.arange(5), 6)
    y[24] = 1  # the last group holds both classes, the only one
    images = np.random.default_rng(0).random((30, 8, 8)).astype(np.float32) * 255
    cohort = from_arrays(images, y, name="five", patient_ids=[f"P{g}" for g in group])
    kept = released.balanced(cohort, 30, 0)
    assert sorted(kept.table.patient_id.unique()) == ["P0", "P1", "P2", "P3"]
    assert len(released.balanced(cohort.select(np.arange(24)), 12, 0)) == 12


def test_the_share_right_of_each_fold_has_this_spread():
    right = np.array([1, 1, 0, 0, 1, 0], bool)
    assert released.fold_sd(right, np.array([0, 0, 1, 1, 2, 2])) == pytest.approx(0.5)
