"""The simulated chest: anatomy as it must be, whatever the seed."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from medlib.errors import InputError
from medlib.phantom.anatomy import cage as cages
from medlib.phantom.anatomy import thorax, tissue, vessels
from medlib.phantom.anatomy.couch import draw_table
from medlib.phantom.anatomy.geometry import (
    Canvas,
    Grid,
    Noise,
    Pose,
    capsule_distance,
    ellipsoid_distance,
    smooth_union,
)
from medlib.phantom.anatomy.heart import Contrast
from medlib.phantom.anatomy.tissue import Tissue

GRID = Grid(1.5, 300)
FLAT = Pose()
TABLE = draw_table(np.random.default_rng(0))
PLAIN = Contrast("none", tissue.BLOOD_HU, tissue.BLOOD_HU, tissue.BLOOD_HU, tissue.HEART_WALL_HU)


def render(patient, levels, grid=GRID, pose=FLAT, **options):
    return thorax.render(patient, levels, grid, pose=pose, table=TABLE, **options)


@pytest.fixture(scope="module")
def patients():
    return [thorax.draw(np.random.default_rng(seed)) for seed in range(4)]


@pytest.fixture(scope="module")
def chests(patients):
    """Three levels of each patient: arch, hilum, ventricles."""
    return [render(p, [z * p.cage.length for z in (35.0, -30.0, -90.0)]) for p in patients]


def mean_place(labels, *kinds):
    rows, columns = np.nonzero(np.isin(labels, kinds))
    x, y = GRID.axes()
    return x[columns].mean(), y[rows].mean()


def test_same_seed_draws_and_renders_the_same_bytes(patients, chests):
    again = thorax.draw(np.random.default_rng(1))
    assert again.cage == patients[1].cage
    picture = render(again, [-30.0 * again.cage.length])
    assert picture.hu.tobytes() == chests[1].hu[1].tobytes()
    assert picture.tissue.tobytes() == chests[1].tissue[1].tobytes()


def test_no_two_patients_are_alike(patients, chests):
    assert len({p.cage.width for p in patients}) == len(patients)
    assert all((a.hu != b.hu).any() for a, b in pairwise(chests))


def test_maps_are_in_double_precision_so_that_processors_agree(chests):
    assert {c.hu.dtype for c in chests} == {np.dtype("float64")}
    assert {c.tissue.dtype for c in chests} == {np.dtype("uint8")}


@pytest.mark.parametrize(
    ("label", "nominal", "within"),
    [
        (Tissue.AIR, tissue.AIR_HU, 1),
        (Tissue.FAT, tissue.FAT_HU, 5),
        (Tissue.MUSCLE, tissue.MUSCLE_HU, 5),
        (Tissue.BLOOD, tissue.BLOOD_HU, 1),
        (Tissue.LIVER, tissue.LIVER_HU, 5),
        (Tissue.TRABECULAR_BONE, tissue.TRABECULAR_BONE_HU, 15),
    ],
)
def test_tissues_have_their_nominal_attenuation_inside(patients, label, nominal, within):
    """Median in eroded regions: streaks of fat in muscle are not muscle."""
    patient = replace(patients[0], contrast=PLAIN, marrow_hu=0.0)
    chest = render(patient, [-20.0, -90.0, -120.0])
    core = np.stack([ndimage.binary_erosion(s == label, iterations=2) for s in chest.tissue])
    assert core.sum() > 40
    assert abs(np.median(chest.hu[core]) - nominal) <= within


def test_contrast_medium_brightens_blood_and_nothing_else(patients):
    plain = render(replace(patients[0], contrast=PLAIN), [-90.0])
    given = render(replace(patients[0], contrast=replace(PLAIN, left=300.0, right=280.0)), [-90.0])
    blood = plain.tissue == Tissue.BLOOD
    assert given.hu[blood].mean() > plain.hu[blood].mean() + 100
    flesh = plain.tissue == Tissue.MUSCLE
    # at its border blood shares pixels with it
    muscle = ndimage.binary_erosion(flesh[0], iterations=2)[None]
    assert muscle.sum() > 1000
    np.testing.assert_array_equal(given.hu[muscle], plain.hu[muscle])


def test_two_lungs_hold_a_plausible_share_of_the_chest(chests):
    for chest in chests:
        air = np.isin(chest.tissue[1], (Tissue.LUNG, Tissue.BLOOD, Tissue.AIRWAY))
        lung = ndimage.binary_opening(chest.tissue[1] == Tissue.LUNG)
        pieces, count = ndimage.label(lung)
        sizes = np.sort(ndimage.sum_labels(lung, pieces, np.arange(1, count + 1)))[::-1]
        assert sizes[1] > 0.5 * sizes[0]  # right and left, parted by the mediastinum
        body = chest.tissue[1] != Tissue.AIR
        assert 0.15 < air.sum() / body.sum() < 0.6


def test_lung_volume_is_that_of_an_adult_in_full_inspiration(patients):
    for patient in patients:
        levels = np.arange(-200.0, 140.0, 20.0)
        maps = render(patient, levels, Grid(4.0, 110))
        litres = (maps.tissue == Tissue.LUNG).sum() * 4.0 * 4.0 * 20.0 / 1e6
        assert 2.5 < litres < 9.0


def test_heart_and_aorta_lie_left_liver_right(patients):
    for patient in patients:
        low = render(patient, [-90.0 * patient.cage.length, -135.0 * patient.cage.length])
        assert mean_place(low.tissue[0], Tissue.HEART_WALL)[0] > 5
        assert mean_place(low.tissue[1], Tissue.LIVER)[0] < -20
        aorta = next(t for t in patient.mediastinum.tubes if t.name == "descending aorta")
        assert aorta.nodes[2][0] > 15


def test_spine_lies_behind_heart_and_in_front_of_the_table(patients, chests):
    for patient, chest in zip(patients, chests, strict=True):
        heart = mean_place(chest.tissue[2], Tissue.HEART_WALL)[1]
        spine = cages.spine_y(patient.cage, -90.0 * patient.cage.length)
        table = mean_place(chest.tissue[2], Tissue.TABLE)[1]
        assert heart < spine < table


def test_ribs_are_seen_on_both_sides_at_every_level(chests):
    x, _ = GRID.axes()
    for chest in chests:
        for labels in chest.tissue:
            bone = labels == Tissue.CORTICAL_BONE
            assert bone[:, x < -70].sum() > 50
            assert bone[:, x > 70].sum() > 50


def test_vessels_are_thick_at_the_hilum_and_thin_under_the_pleura(patients):
    for patient in patients:
        tree = patient.lungs.vessels
        away = np.abs(tree.end[:, 0])
        thickness = tree.radius[:, 1]
        assert thickness.max() > 3.0
        assert np.percentile(thickness[away > 100], 90) < 1.6
        assert np.median(thickness[away < 60]) > np.median(thickness[away > 90])


def test_vessels_follow_murrays_law_at_the_root():
    rng = np.random.default_rng(3)
    tips = rng.uniform(-40, 40, (60, 3))
    tree = vessels.grow(np.array([0.0, 0.0, -60.0]), tips, tip_radius=0.6, rng=rng)
    root = tree.radius[np.linalg.norm(tree.start - [0, 0, -60], axis=1) < 1e-3, 0]
    # the root carries all tips; the stem may widen by at most a quarter along a segment
    assert root.max() == pytest.approx(0.6 * 60 ** (1 / vessels.MURRAY_EXPONENT), rel=0.25)
    ends = {tuple(np.round(e, 2)) for e in tree.end}
    assert all(tuple(np.round(t, 2)) in ends for t in tips)


def test_no_vessel_crosses_into_another_lobe(patients):
    """Each lobe's tree ends in that lobe: along the fissures vessels are missing."""
    lungs = patients[0].lungs
    oblique, _ = cages.fissure_distances(lungs.fissures, *lungs.sites.T)
    numbers = cages.lobe(lungs.fissures, *lungs.sites.T)
    assert set(np.unique(numbers)) == {0, 1, 2, 3, 4}
    assert (numbers[(oblique <= 0) & (lungs.sites[:, 0] < 0)] == 2).all()


@settings(max_examples=25, deadline=None)
@given(radius=st.floats(0.2, 6.0), pixel=st.floats(0.6, 2.0), turn=st.floats(0.0, 3.1))
def test_a_vessel_end_on_fills_its_own_area(radius, pixel, turn):
    """Partial volume keeps the sum: thin vessels fade, they do not grow."""
    canvas = Canvas.blank(Grid(pixel, 64), Pose(turn), 0.0)
    axis = np.array([[0.3, -0.4, -30.0]]), np.array([[0.3, -0.4, 30.0]])
    tube = vessels.Segments(
        axis[0].astype(np.float32), axis[1].astype(np.float32), np.full((1, 2), radius, np.float32)
    )
    area = vessels.share_of_slice(canvas, tube, 3.0).sum() * pixel**2
    tolerance = 0.12 if radius > 1.5 * pixel else 1.1  # end-on and thinner than a pixel: rough
    assert area == pytest.approx(np.pi * radius**2, rel=tolerance, abs=1.2 * pixel**2)


@settings(max_examples=25, deadline=None)
@given(radius=st.floats(0.2, 3.0), pixel=st.floats(0.6, 2.0), at=st.floats(-1.0, 1.0))
@example(radius=0.2, pixel=2.0, at=1.0)
def test_a_vessel_in_the_plane_fills_its_own_width(radius, pixel, at):
    canvas = Canvas.blank(Grid(pixel, 96), FLAT, 0.0)
    far = (np.array([[x, at, 0.0]], np.float32) for x in (-500.0, 500.0))
    tube = vessels.Segments(*far, np.full((1, 2), radius, np.float32))
    width = vessels.share_of_slice(canvas, tube, 1e-3).sum(0).mean() * pixel
    assert width == pytest.approx(2 * radius, rel=0.02)


def test_fine_and_coarse_maps_show_the_same_patient(patients):
    fine = render(patients[0], [-20.0], Grid(0.75, 400)).hu[0]
    coarse = render(patients[0], [-20.0], Grid(1.5, 200)).hu[0]
    blocks = fine.reshape(200, 2, 200, 2).mean((1, 3))
    assert np.corrcoef(blocks.ravel(), coarse.ravel())[0, 1] > 0.99
    assert abs(blocks.mean() - coarse.mean()) < 4


def test_a_rolled_patient_turns_and_the_table_stays(patients):
    straight = render(patients[0], [-20.0])
    rolled = render(patients[0], [-20.0], pose=Pose(0.1))
    x0, y0 = mean_place(straight.tissue[0], Tissue.CARTILAGE, Tissue.TRABECULAR_BONE)
    assert (rolled.tissue != straight.tissue).mean() > 0.02
    x, y = Pose(0.1).to_scanner(x0, y0)
    turned = mean_place(rolled.tissue[0], Tissue.CARTILAGE, Tissue.TRABECULAR_BONE)
    assert turned == pytest.approx((x, y), abs=6)
    low = GRID.axes()[1] > 150
    np.testing.assert_array_equal(
        straight.tissue[0][low] == Tissue.TABLE, rolled.tissue[0][low] == Tissue.TABLE
    )


def test_pose_there_and_back_is_where_one_was():
    pose = Pose(0.3, (5.0, -7.0))
    x, y = np.float32([[1.0, 20.0]]), np.float32([[3.0, -40.0]])
    np.testing.assert_allclose(pose.to_patient(*pose.to_scanner(x, y)), (x, y), atol=1e-4)


def test_distances_agree_with_simple_bodies():
    x, y = np.float32([0.0, 3.0, 10.0]), np.float32([0.0, 4.0, 0.0])
    ball = ellipsoid_distance(x, y, 0.0, (0.0, 0.0, 0.0), (5.0, 5.0, 5.0))
    np.testing.assert_allclose(ball[1:], [0.0, 5.0], atol=1e-3)
    tube = capsule_distance(x, y, 0.0, (0.0, 0.0, -9.0, 2.0), (0.0, 0.0, 9.0, 2.0))
    np.testing.assert_allclose(tube, [-2.0, 3.0, 8.0], atol=1e-3)
    # far apart a blended union is the plain one; where both are equal it bulges outward
    far = smooth_union(np.float32([1.0]), np.float32([50.0]), 9.0)
    assert float(far[0]) == 1.0
    assert float(smooth_union(np.float32([1.0]), np.float32([1.0]), 8.0)[0]) == pytest.approx(-1.0)


def test_noise_is_the_same_at_the_same_place_on_any_grid():
    noise = Noise.draw(np.random.default_rng(0))
    wide = noise.on(Canvas.blank(Grid(1.0, 101), FLAT, 7.0), 5.0)
    near = noise.on(Canvas.blank(Grid(1.0, 21, (10.0, -5.0)), FLAT, 7.0), 5.0)
    np.testing.assert_allclose(near, wide[35:56, 50:71], atol=1e-4)
    assert 0.6 < wide.std() < 1.4


@pytest.mark.parametrize(("pixel", "size"), [(0.0, 64), (-1.0, 64), (1.0, 0)])
def test_a_grid_without_extent_is_refused(pixel, size):
    with pytest.raises(InputError, match="grid needs"):
        Grid(pixel, size)
