"""Simulated abdomens: the same bytes, registered, and each sign where it should be."""

import numpy as np
import pytest

from medlib.cohorts import load
from medlib.cohorts.modalities import seen
from medlib.cohorts.sources import abdomen
from medlib.errors import InputError
from medlib.phantom.abdomen import simulate
from medlib.phantom.anatomy.lesion import Signs
from medlib.phantom.anatomy.substances import SUBSTANCES

PLAIN = Signs(calcified=False, oedematous=False, solid=True)


@pytest.fixture(scope="module")
def case():
    return simulate(5, PLAIN)


def with_sign(**changed):
    return simulate(
        5, Signs(**({"calcified": False, "oedematous": False, "solid": True} | changed))
    )


def inside(made, name, *, grow=0):
    """Mean of a modality inside the lesion, or in the ring `grow` pixels round it."""
    from scipy import ndimage

    mask = made.lesion
    if grow:
        mask = ndimage.binary_dilation(mask, iterations=grow) & ~ndimage.binary_dilation(mask)
    return made.images[name][mask].mean()


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(case):
    again, other = simulate(5, PLAIN), simulate(6, PLAIN)
    for name, image in case.images.items():
        assert np.array_equal(image, again.images[name])
        assert not np.array_equal(image, other.images[name])


def test_images_hold_whole_numbers_of_their_scale(case):
    for name, (low, high) in {
        "ct": (-1100, 3000),
        "mri": (0, 4095),
        "ultrasound": (0, 255),
    }.items():
        image = case.images[name]
        assert image.shape == (96, 96)
        assert np.array_equal(image, np.rint(image))
        assert low <= image.min() < image.max() <= high


def test_oedema_shows_in_mri_and_leaves_ultrasound_as_it_was(case):
    wet = with_sign(oedematous=True)
    assert inside(wet, "mri", grow=5) > 1.5 * inside(case, "mri", grow=5)
    assert np.array_equal(wet.images["ultrasound"], case.images["ultrasound"])
    assert abs(inside(wet, "ct", grow=5) - inside(case, "ct", grow=5)) < 6  # HU, below the noise


def test_calcium_shows_in_ct_above_all(case):
    calcified = with_sign(calcified=True)
    assert (
        calcified.images["ct"][calcified.lesion].max() > case.images["ct"][case.lesion].max() + 60
    )
    for name in ("mri", "ultrasound"):
        moved = abs(inside(calcified, name) - inside(case, name))
        assert moved < 0.1 * inside(case, name)


def test_a_cyst_shows_in_ultrasound_and_leaves_ct_and_mri_as_they_were(case):
    cyst = with_sign(solid=False)
    assert inside(cyst, "ultrasound") < inside(case, "ultrasound") - 40
    for name in ("ct", "mri"):
        assert np.array_equal(cyst.images[name], case.images[name])


def test_the_three_scanners_see_the_same_place():
    """The lesion's outline, from known anatomy, lies on the bright or dark spot of each image."""
    made = simulate(11, Signs(calcified=True, oedematous=True, solid=False))
    rows, columns = np.nonzero(made.lesion)
    middle = rows.mean(), columns.mean()
    flecks = np.argwhere((made.images["ct"] > 200) & made.lesion)
    dark = np.argwhere((made.images["ultrasound"] < 110) & made.lesion)
    for found in (flecks, dark):
        assert np.hypot(*(found.mean(axis=0) - middle)) < 5  # pixels of 0.83 mm


def test_tissues_of_a_whole_slice_have_their_hounsfield_units():
    made = simulate(3, PLAIN, task="slice")
    ct, tissue = made.images["ct"], made.tissue
    for name in ("liver", "spleen", "renal cortex", "fat"):
        at = tissue == made.names.index(name)
        assert at.sum() > 500, name
        assert np.median(ct[at]) == pytest.approx(SUBSTANCES[name].hu, abs=6), name


def test_what_cannot_be_simulated_is_refused():
    for wrong, said in (({"task": "whole"}, "task"), ({"sequence": "dwi"}, "sequence"),
                        ({"matrix": 7}, "matrix")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            simulate(0, PLAIN, **wrong)


# --- the cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield load("phantom-abdomen", per_class=4, seed=3, jobs=1)


def test_a_cohort_has_three_views_of_the_same_patients(cohort):
    assert list(cohort.views) == ["ct", "mri", "ultrasound"]
    assert cohort.simulated
    assert np.bincount(cohort.labels).tolist() == [4, 4]
    for name in cohort.views:
        images, present = seen(cohort, name, 48)
        assert images.shape == (8, 48, 48)
        assert present.all()
        assert 0 <= images.min() < images.max() <= 1
    part = cohort.select([5, 2])
    assert np.array_equal(seen(part, "mri", 48).images, seen(cohort, "mri", 48).images[[5, 2]])


def test_patients_are_the_same_whatever_the_rule_and_their_number(cohort):
    other = load("phantom-abdomen?rule=either", per_class=2, seed=3, jobs=1)
    assert other.table.sha256.tolist() == cohort.table.sha256[:4].tolist()


@pytest.mark.parametrize("rule", abdomen.RULES)
def test_every_rule_makes_half_of_the_combinations_malignant(rule):
    signs = abdomen.combinations(0, 8)
    assert len(np.unique(signs, axis=0)) == 8
    assert abdomen.malignant(signs, rule).sum() == 4


def test_no_sign_or_pair_of_signs_can_beat_three_quarters_in_the_default_rule():
    signs = abdomen.combinations(0, 8)
    ill = abdomen.malignant(signs, "two-of-three")

    def most(columns):
        """Share right of the best rule that sees these signs."""
        key = signs[:, columns] @ (1 << np.arange(len(columns)))
        return sum(max(ill[key == k].sum(), (~ill[key == k]).sum()) for k in np.unique(key)) / 8

    assert [most([k]) for k in range(3)] == [0.75] * 3
    assert most([0, 1]) == most([1, 2]) == 0.75
    assert most([0, 1, 2]) == 1
    either = abdomen.malignant(signs, "either")
    assert [(either == signs[:, k]).mean() for k in range(3)] == [0.5] * 3


def test_an_unknown_rule_is_refused():
    with pytest.raises(InputError, match="rule is 'all'"):
        load("phantom-abdomen?rule=all", per_class=1)


def test_a_damaged_patient_is_made_again(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    first = load("phantom-abdomen", per_class=1, jobs=1)
    file = min((tmp_path / "phantom-abdomen").iterdir())
    file.write_bytes(file.read_bytes()[:500])
    assert load("phantom-abdomen", per_class=1, jobs=1).content_hash == first.content_hash
