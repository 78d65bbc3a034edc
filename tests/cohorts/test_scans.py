"""Runs of one scan are seen in the order of a list of images, and not where there are none."""

import numpy as np
import pytest
from scipy import ndimage

from medlib.cohorts import from_arrays
from medlib.cohorts.audit import audit
from medlib.cohorts.similar.scans import likely_scans
from medlib.cohorts.sources.arrays import without_ids


def patients(n, seed=0, shared=0.0, side=48):
    """One picture of each of n patients, which share an anatomy as far as ``shared`` says."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(1, side, side)), rng.normal(size=(n, side, side))
    tissue = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return (120 + 300 * ndimage.gaussian_filter(tissue, (0, 4, 4))).astype(np.float32)


def scans(lengths, seed=0, shared=0.0):
    """Slices of scans, one after another, which change from slice to slice; and their scan."""
    rng = np.random.default_rng(seed)
    first, last = (patients(len(lengths), seed=seed + k, shared=shared) for k in (100, 200))
    slices = [
        a * np.cos(turn) + b * np.sin(turn) + rng.normal(0, 3, a.shape)
        for a, b, length in zip(first, last, lengths, strict=True)
        for turn in np.linspace(0, 1, length)
    ]
    return np.array(slices, np.float32), np.repeat(np.arange(len(lengths)), lengths)


LENGTHS = [12, 9, 11, 10, 8, 10, 12, 8]


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_slices_listed_scan_by_scan_are_seen_as_about_so_many_scans(shared):
    stack, scan = scans(LENGTHS, shared=shared)
    found = likely_scans(stack, scan % 2)
    assert found.likely
    assert 6 <= found.number <= 16
    assert found.neighbours > 0.8 > 0.2 > found.by_chance
    assert found.dealt > 0.75


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_images_of_different_patients_are_no_runs(shared):
    said = [
        likely_scans(patients(40, seed, shared), np.arange(40) // 20).likely for seed in range(20)
    ]
    assert not any(said)


def test_the_same_slices_in_a_random_order_are_not_seen():
    stack, scan = scans(LENGTHS)
    mixed = np.random.default_rng(0).permutation(len(stack))
    assert not likely_scans(stack[mixed], scan[mixed] % 2).likely


def test_scans_never_cross_labels_and_few_images_say_nothing():
    stack, scan = scans([20, 20])
    half = np.arange(40) // 10 % 2
    found = likely_scans(stack, half)
    assert all(len(set(half[found.scan == one])) == 1 for one in found.scan)
    assert likely_scans(stack[:6], scan[:6]) is None


def test_the_audit_suggests_runs_in_words_that_can_be_typed_and_groups_nothing():
    stack, scan = scans(LENGTHS)
    cohort = from_arrays(stack, scan % 2)
    found = audit(cohort)
    (runs,) = [one for one in found.findings if "scans" in one.says]
    assert "COHORT?groups=runs" in runs.do
    assert len(set(cohort.groups)) > 2 * len(LENGTHS)  # still by image, but for copies
    assert found.exit_code == 1


def test_nothing_is_said_of_runs_where_patients_are_recorded_or_grouped_already():
    stack, scan = scans(LENGTHS)
    assert audit(from_arrays(stack, scan % 2, patient_ids=scan)).scans is None
    grouped = without_ids(from_arrays(stack, scan % 2), groups="runs")
    assert audit(grouped).scans is None


def test_runs_that_the_option_would_join_across_patients_are_not_suggested():
    stack, scan = scans(LENGTHS, shared=0.9)  # all patients alike, as in a round mask
    (runs,) = [o for o in audit(from_arrays(stack, scan % 2)).findings if "scans" in o.says]
    assert "patient ids" in runs.do
    assert "groups=runs would not do here" in runs.do


def test_classes_that_differ_only_by_which_scans_they_hold_are_not_accused():
    """Brightness differs between eight scans; counted by images it seems to tell the classes."""
    stack, scan = scans(LENGTHS, seed=3)
    level = np.array([60, 20, 45, 10, 15, 30, 70, 5])[scan][:, None, None]
    found = audit(from_arrays(stack + level.astype(np.float32), scan % 2))
    by_image = found.shortcuts.set_index("statistic").p["mean"]
    assert by_image < 0.01
    assert not any("told apart" in one.says for one in found.findings)
