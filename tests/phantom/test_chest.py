"""Simulated cases: the class decides the finding and nothing else; masks and geometry are right."""

import numpy as np
import pytest
from scipy import ndimage

from medlib.errors import InputError
from medlib.phantom import calibration, chest
from medlib.phantom.anatomy.findings import (
    CANCERS,
    LOOK_ALIKES,
    Site,
    draw_cancer,
    draw_look_alike,
    finding_distance,
)
from medlib.phantom.anatomy.tissue import Tissue

SEEDS = range(6)
SITE = Site(centre=(60.0, 10.0, -20.0), diameter_mm=20.0, density_hu=35.0, subsolid=0.0)


@pytest.fixture(scope="module")
def crops():
    """(control, cancer) of the same seeds."""
    return [tuple(chest.simulate(s, cancer=c) for c in (False, True)) for s in SEEDS]


@pytest.fixture(scope="module")
def volume():
    return chest.simulate(3, cancer=True, task="volume", slices=6, matrix=128)


def parameters(case):
    """Everything about a case but its finding and its pixels."""
    patient = case.patient
    drawn = (patient.cage, patient.wall, patient.mediastinum, patient.contrast, patient.age)
    return drawn, case.scanner, case.spacing, case.z_mm


def test_same_seed_gives_the_same_bytes_and_another_seed_another_patient():
    one, again, other = (chest.simulate(s, cancer=True) for s in (11, 11, 12))
    for name in ("hu", "lesion_mask", "tissue"):
        assert getattr(one, name).tobytes() == getattr(again, name).tobytes()
    assert (one.hu != other.hu).any()
    assert one.patient.cage != other.patient.cage


def test_patient_scanner_and_level_do_not_depend_on_the_class(crops):
    for control, cancer in crops:
        assert parameters(control) == parameters(cancer)


def test_away_from_the_finding_both_classes_are_the_same_patient(crops):
    for control, cancer in crops:
        elsewhere = (control.tissue != Tissue.FINDING) & (cancer.tissue != Tissue.FINDING)
        assert elsewhere.mean() > 0.3
        np.testing.assert_array_equal(control.tissue[elsewhere], cancer.tissue[elsewhere])


def test_incidental_findings_do_not_depend_on_the_class():
    both = [
        chest._Draw.of(s, "slice", "default", cancer=c, contrast=None, fixed={})
        for s in range(4)
        for c in (False, True)
    ]
    for control, cancer in zip(both[::2], both[1::2], strict=True):
        assert control.site == cancer.site
        names = [f.name for f in control.findings[control.marked :]]
        assert names == [f.name for f in cancer.findings[cancer.marked :]]


def test_a_crop_covers_50_mm_with_pixels_that_show_spicules(crops):
    for case in (c for pair in crops for c in pair):
        assert case.hu.shape == case.lesion_mask.shape == case.tissue.shape == (1, 64, 64)
        assert case.hu.dtype == np.float32
        assert case.spacing[1] == case.spacing[2] == pytest.approx(50 / 64)
        assert case.spacing[1] < 0.8


def test_only_cancers_have_a_lesion_and_every_crop_has_a_finding(crops):
    for control, cancer in crops:
        assert not control.lesion_mask.any()
        assert cancer.lesion_mask.any()
        np.testing.assert_array_equal(cancer.lesion_mask, cancer.finding_mask)
        assert control.finding in LOOK_ALIKES
        assert cancer.finding.removesuffix(" cancer") in CANCERS


def test_the_finding_lies_near_the_middle_of_its_crop(crops):
    for case in (c for pair in crops for c in pair if c.finding != "vessel"):
        row, column = ndimage.center_of_mass(case.finding_mask[0])
        assert max(abs(row - 31.5), abs(column - 31.5)) * case.spacing[1] < 12


def test_findings_are_solid_tissue_in_the_default_stratum(crops):
    for _, cancer in crops:
        core = ndimage.binary_erosion(cancer.lesion_mask[0], iterations=3)
        assert -60 < np.median(cancer.hu[0][core]) < 130


def test_lesions_are_15_to_30_mm_or_in_the_hard_stratum_6_to_15():
    for stratum, low, high in (("default", 15, 30), ("hard", 6, 15)):
        sizes = [
            chest._Draw.of(
                s, "crop", stratum, cancer=True, contrast=None, fixed={}
            ).site.diameter_mm
            for s in range(5)
        ]
        assert low <= min(sizes)
        assert max(sizes) <= high


def test_the_mask_measures_what_was_drawn(crops):
    for _, cancer in crops:
        area = cancer.lesion_mask.sum() * cancer.spacing[1] ** 2
        assert 8 < 2 * np.sqrt(area / np.pi) < 42


def test_hard_cancers_include_part_solid_and_ground_glass():
    rng = np.random.default_rng(0)
    names = {draw_cancer(rng, Site((0.0, 0.0, 0.0), 10.0, 35.0, s)).name for s in (0.1, 0.6, 0.9)}
    assert names == {"solid cancer", "part-solid cancer", "ground-glass cancer"}


def test_benign_nodules_match_cancers_in_size_and_density():
    x, y = np.meshgrid(*[np.linspace(-25, 25, 101, dtype=np.float32)] * 2)
    areas = {}
    for kind in ("cancer", "benign nodule"):
        rng = np.random.default_rng(1)
        drawn = [
            draw_cancer(rng, SITE)
            if kind == "cancer"
            else draw_look_alike(rng, SITE, kinds={kind: 1.0})
            for _ in range(60)
        ]
        assert {f.core_hu for f in drawn} == {SITE.density_hu}
        areas[kind] = np.mean(
            [(finding_distance(f, x + 60, y + 10, -20.0) < 0).sum() / 4 for f in drawn]
        )
    assert areas["cancer"] == pytest.approx(areas["benign nodule"], rel=0.15)


def test_cancers_are_more_spiculated_than_benign_nodules():
    rng = np.random.default_rng(2)

    def strands(finding):
        if finding.strands is None:
            return 0.0
        return float(np.linalg.norm(finding.strands.end - finding.strands.start, axis=1).sum())

    cancers = [strands(draw_cancer(rng, SITE)) for _ in range(40)]
    benign = [strands(draw_look_alike(rng, SITE, kinds={"benign nodule": 1.0})) for _ in range(40)]
    assert np.median(cancers) > 4 * np.median(benign)
    assert max(benign) > 0  # strands alone do not make a cancer


@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_every_look_alike_can_be_drawn_and_is_benign(kind):
    finding = draw_look_alike(np.random.default_rng(4), SITE, kinds={kind: 1.0})
    assert finding.name == kind
    assert not finding.malignant
    assert finding.lobes or finding.strands is not None


def test_a_volume_holds_the_lesion_in_one_piece(volume):
    assert volume.hu.shape == (6, 128, 128)
    assert len(volume.z_mm) == 6
    np.testing.assert_allclose(np.diff(volume.z_mm), volume.spacing[0], atol=1e-4)
    touched = np.flatnonzero(volume.lesion_mask.any((1, 2)))
    assert len(touched) > 0
    assert (np.diff(touched) == 1).all()


def test_the_lesion_lies_in_lung_and_is_denser(volume):
    level = int(volume.lesion_mask.sum((1, 2)).argmax())
    mask = volume.lesion_mask[level]
    ring = ndimage.binary_dilation(mask, iterations=4) & ~ndimage.binary_dilation(mask)
    lung = volume.tissue[level] == Tissue.LUNG
    assert (ring & lung).sum() > 0.2 * ring.sum()
    assert volume.hu[level][mask].mean() > volume.hu[level][ring & lung].mean() + 300


def test_a_whole_slice_shows_the_chest_at_the_level_of_the_site():
    case = chest.simulate(3, cancer=True, task="slice", matrix=128)
    assert case.hu.shape == (1, 128, 128)
    assert case.lesion_mask.any()
    assert case.spacing[1] * 128 == pytest.approx(case.scanner.field_of_view_mm)
    assert {Tissue.LUNG, Tissue.FAT, Tissue.MUSCLE, Tissue.SKIN} <= set(np.unique(case.tissue))


def test_labels_lie_where_the_image_shows_them():
    case = chest.simulate(4, cancer=False, task="slice", matrix=128, mas=250.0, kernel="soft")
    lung = ndimage.binary_erosion(case.tissue[0] == Tissue.LUNG, iterations=3)
    muscle = ndimage.binary_erosion(case.tissue[0] == Tissue.MUSCLE, iterations=2)
    assert case.hu[0][lung].mean() < -750
    assert -30 < np.median(case.hu[0][muscle]) < 80


def test_a_crop_shows_the_same_place_as_the_whole_slice():
    fixed = {"kernel": "soft", "mas": 250.0, "slice_thickness_mm": 2.0}
    crop = chest.simulate(6, cancer=True, **fixed)
    whole = chest.simulate(6, cancer=True, task="slice", **fixed)
    assert crop.finding == whole.finding
    area = [c.lesion_mask.sum() * c.spacing[1] ** 2 for c in (crop, whole)]
    assert area[0] == pytest.approx(area[1], rel=0.25)


def test_scanner_fields_can_be_fixed():
    assert chest.simulate(0, cancer=False, kernel="sharp", mas=30.0).scanner.mas == 30.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"task": "whole"}, "task"),
        ({"stratum": "easy"}, "stratum"),
        ({"slices": 0}, "slices"),
        ({"matrix": 63}, "matrix"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_one_sentence(wrong, says):
    with pytest.raises(InputError, match=says):
        chest.simulate(0, cancer=True, **wrong)


@pytest.mark.parametrize("seed", [-1, 1.5, "7"])
def test_a_seed_that_is_no_count_is_refused(seed):
    with pytest.raises(InputError, match="seed"):
        chest.simulate(seed, cancer=True)


def test_no_single_number_tells_a_crop_of_a_cancer(crops):
    """Pairs share everything but the finding, so means of pairs must be close."""
    images = np.stack([case.hu[0] for pair in crops for case in pair])
    numbers = calibration.statistics(images)
    for corner in ("corner 1", "corner 2", "corner 3", "corner 4"):
        control, cancer = numbers[corner][::2], numbers[corner][1::2]
        assert np.median(np.abs(control - cancer)) < 60


def test_scores_are_high_for_telling_features_and_middling_for_noise():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    noise = rng.standard_normal((80, 5)).astype(np.float32)
    telling = noise + 3 * labels[:, None].astype(np.float32)
    assert calibration.score_draws(telling, labels, draws=3).accuracy.mean() > 0.95
    assert 0.3 < calibration.score_draws(noise, labels, draws=5).accuracy.mean() < 0.7
    assert calibration.separation(labels, -telling[:, 0]) > 0.9


def test_scores_ask_for_enough_cases():
    with pytest.raises(InputError, match="25 cases"):
        calibration.score_draws(np.zeros((20, 2), np.float32), np.repeat([0, 1], 10))


def test_the_phase_of_contrast_can_be_fixed_and_changes_nothing_else(crops):
    _, free = crops[0]
    fixed = chest.simulate(SEEDS[0], cancer=True, contrast="arterial")
    assert fixed.patient.contrast.phase == "arterial"
    assert (fixed.patient.cage, fixed.patient.age) == (free.patient.cage, free.patient.age)
    assert fixed.scanner == free.scanner
    np.testing.assert_array_equal(fixed.finding_mask, free.finding_mask)
    with pytest.raises(InputError, match="contrast is 'late'; choose one of none, arterial"):
        chest.simulate(SEEDS[0], cancer=True, contrast="late")


def test_a_crop_shows_as_many_millimetres_as_it_is_told(crops):
    _, usual = crops[0]
    wide = chest.simulate(SEEDS[0], cancer=True, field_of_view_mm=60.0)
    assert usual.spacing[1] * 64 == pytest.approx(chest.CROP_MM)
    assert wide.spacing[1] * 64 == pytest.approx(60.0)
    area, other = (each.finding_mask.sum() * each.spacing[1] ** 2 for each in (usual, wide))
    assert area == pytest.approx(other, rel=0.05)
