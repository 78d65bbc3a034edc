"""Simulated photographs of the fundus: the same bytes, and each disease where it should be."""

import numpy as np
import pytest

from medlib.cohorts import load
from medlib.cohorts.sources import fundus
from medlib.cohorts.sources.several_labels import labels_of
from medlib.errors import InputError
from medlib.phantom.anatomy import retinal_vessels
from medlib.phantom.anatomy.retinal_lesions import KINDS
from medlib.phantom.fundus import SIDE_MM, axes, simulate

ILL = {
    "grade": 3,
    "glaucoma": True,
    "cataract": True,
}


@pytest.fixture(scope="module")
def healthy():
    return simulate(4)


def contrast(made):
    """SD of the green channel over its mean, inside the field."""
    green = made.image[60:196, 60:196, 1].astype(float)
    return green.std() / green.mean()


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(healthy):
    assert healthy.image.shape == (256, 256, 3)
    assert healthy.image.dtype == np.uint8
    assert np.array_equal(healthy.image, simulate(4).image)
    assert not np.array_equal(healthy.image, simulate(5).image)


def test_a_round_field_on_black(healthy):
    corners = healthy.image[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.max() == 0
    assert healthy.image[128, 128].min() > 10


def test_red_is_brighter_than_green_and_green_than_blue(healthy):
    red, green, blue = healthy.image[80:176, 80:176].reshape(-1, 3).mean(axis=0)
    assert red > 1.5 * green > 1.5 * blue / 1.5


def test_a_disease_changes_what_it_should_and_leaves_the_vessels(healthy):
    for how, value in ILL.items():
        ill = simulate(4, **{how: value})
        assert np.array_equal(ill.layers.vessels, healthy.layers.vessels)
        assert not np.array_equal(ill.image, healthy.image)
    assert simulate(4, glaucoma=True).eye.cup_ratio > healthy.eye.cup_ratio
    assert simulate(4, glaucoma=True).layers.cup.sum() > healthy.layers.cup.sum()
    assert contrast(simulate(4, cataract=True)) < contrast(healthy)


def test_grades_have_the_lesions_of_their_definition():
    counts = [np.bincount(simulate(4, grade=g).eye.lesions.kind.astype(int), minlength=4)
              for g in (1, 2, 3)]  # fmt: skip
    haemorrhage = KINDS.index("haemorrhage")
    assert counts[0][0] > 0
    assert counts[0][1:].sum() == 0  # mild: microaneurysms only
    assert 0 < counts[1][haemorrhage] < counts[2][haemorrhage]
    assert len(simulate(4).eye.lesions) == 0


def test_red_lesions_are_darker_and_exudates_brighter_than_what_they_replace(healthy):
    ill = simulate(4, grade=3)
    difference = ill.layers.reflectance[..., 1] - healthy.layers.reflectance[..., 1]
    solid = ill.layers.lesions > 0.95
    bright, dark = solid[2] | solid[3], solid[1] & ~solid[2] & ~solid[3]
    off_vessels = healthy.layers.vessels == 0
    assert difference[dark & off_vessels].max() < 0
    assert difference[bright & ~solid[1] & off_vessels].mean() > 0


def test_more_melanin_makes_darker_eyes_and_the_lens_of_the_old_takes_blue(healthy):
    dark = simulate(4, pigmentation="darker").layers.reflectance
    assert dark[100:160, 100:160].mean() < healthy.layers.reflectance[100:160, 100:160].mean()
    young, old = (simulate(4, age=age).layers.reflectance.mean(axis=(0, 1)) for age in (25, 80))
    assert old[2] / young[2] < old[0] / young[0]


def test_the_disc_is_the_brightest_and_the_fovea_free_of_thick_vessels(healthy):
    green = healthy.layers.reflectance[..., 1]
    inside = healthy.layers.disc > 0.9
    assert np.median(green[inside]) > 2 * np.median(green[~inside])
    x, y = axes(256)
    place = healthy.eye.fovea * (-1 if healthy.left else 1, 1)
    near = np.hypot(x[None] - place[0], y[:, None] - place[1]) < 0.35
    assert healthy.layers.vessels[near].max() < healthy.layers.vessels.max() / 3


@pytest.fixture(scope="module")
def tree():
    return retinal_vessels.grow(
        np.random.default_rng(3), disc=np.array([-3.4, -0.2]), fovea=np.array([1.3, 0.2]),
        reach_mm=6.6, tip_mm=0.02,
    )  # fmt: skip


def test_radii_follow_murrays_law_at_every_branching(tree):
    cubes = np.zeros(len(tree.radius))
    np.add.at(cubes, tree.parent[1:], tree.radius[1:] ** 3)
    inner = cubes > 0
    np.testing.assert_allclose(tree.radius[inner] ** 3, cubes[inner])
    assert tree.radius.argmax() == 0


def test_every_vessel_comes_from_the_disc(tree):
    assert (tree.parent[1:] < np.arange(1, len(tree.parent))).all()
    assert tree.parent[0] == -1


def test_a_straight_vessel_has_the_area_and_the_blood_of_its_width():
    x, y = axes(256)
    line = retinal_vessels.Tree(
        np.array([[-4.0, 0.0], [4.0, 0.0]]), np.array([-1, 0]), np.array([0.2, 0.2])
    )
    blood = retinal_vessels.density(line, x, y, SIDE_MM / 256)
    column = blood[:, 128].sum() * SIDE_MM / 256
    assert column == pytest.approx(0.4 * 1.6 * 0.2, rel=0.02)  # width times mean thickness


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"grade": 4}, "grade"), ({"camera": "C"}, "camera"), ({"age": 5}, "age"),
     ({"pigmentation": "none"}, "pigmentation"), ({"size": 10}, "size")],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        simulate(0, **wrong)


# --- the cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield load("phantom-fundus", per_class=4, seed=3, jobs=1)


def test_healthy_and_diseased_by_turns_with_all_pigmentations_and_cameras(cohort):
    assert cohort.classes == ("healthy", "diseased")
    assert cohort.table.label.tolist() == list(cohort.classes) * 4
    for label in cohort.classes:
        part = cohort.table[cohort.table.label == label]
        assert len(part.groupby(["pigmentation", "camera"])) == 4
    flags = np.stack(list(labels_of(cohort).values()))
    assert list(labels_of(cohort)) == list(fundus.DISEASES)
    assert np.array_equal(flags.any(axis=0), cohort.labels == 1)
    assert ((cohort.table.grade != "none") == (flags[0] == 1)).all()


def test_patients_are_the_same_whatever_their_number(cohort):
    fewer = load("phantom-fundus", per_class=2, seed=3, jobs=1)
    assert fewer.table.sha256.tolist() == cohort.table.sha256[:4].tolist()


def test_twenty_diseased_eyes_have_every_mixture_once():
    some = [fundus._case(0, 2 * i + 1) for i in range(20)]
    found = sorted((c["grade"] > 0, c["glaucoma"], c["cataract"]) for c in some)
    assert found == sorted(tuple(map(bool, m)) for m in fundus.MIXTURES)


def test_a_damaged_photograph_is_made_again(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    first = load("phantom-fundus", per_class=1, jobs=1)
    file = min((tmp_path / "phantom-fundus").iterdir())
    file.write_bytes(file.read_bytes()[:500])
    assert load("phantom-fundus", per_class=1, jobs=1).content_hash == first.content_hash
