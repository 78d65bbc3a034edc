"""Volumes with masks are read as they are meant, or refused with their shapes."""

import re

import numpy as np
import pytest
from cubes import balls, write
from scipy import ndimage

from medlib.cohorts.segmented import deal, load_segmented
from medlib.errors import InputError


def test_a_file_gives_volumes_masks_patients_and_spacing(tmp_path):
    found = load_segmented(write(tmp_path / "a.npz"))
    assert found.images.shape == (6, 2, 32, 32, 32)
    assert found.channels == ("t1", "t2")
    assert len(found.parts) == 3
    assert found.spacing_mm == 2.0
    assert found.present.all()
    assert found.cases.identity()["patients"] == 6


def test_numbers_of_a_mask_may_have_gaps_and_become_consecutive(tmp_path):
    masks = balls()["masks"]
    found = load_segmented(write(tmp_path / "a.npz", masks=np.where(masks == 2, 4, masks)))
    assert np.array_equal(found.masks, masks)


def test_long_cubes_are_averaged_down_and_their_voxels_grow(tmp_path):
    found = load_segmented(write(tmp_path / "a.npz"), longest=16)
    assert found.images.shape[2:] == found.masks.shape[1:] == (16, 16, 16)
    assert found.spacing_mm == 4.0
    whole = balls()["images"]
    assert found.images[0, 0, 0, 0, 0] == pytest.approx(whole[0, 0, :2, :2, :2].mean(), rel=1e-5)


def test_spacing_may_stand_behind_the_name_of_the_file(tmp_path):
    spec = write(tmp_path / "a.npz", spacing_mm=None)
    assert load_segmented(f"{spec}?spacing_mm=1.5").spacing_mm == 1.5


def test_what_is_said_of_thick_slices_makes_a_file_that_is_read(tmp_path):
    thick = balls()
    thick |= {"images": thick["images"][..., ::2], "masks": thick["masks"][..., ::2]}
    with pytest.raises(InputError) as refused:
        load_segmented(write(tmp_path / "a.npz", **(thick | {"spacing_mm": [2, 2, 4]})))
    said = str(refused.value).partition("zoom: ")[2].rstrip(".")
    images, masks, spacing = re.split(r", (?=masks =|spacing_mm =)", said)
    for call in (images, masks):
        name, _, made = call.partition(" = ")
        thick[name] = eval(made, {"zoom": ndimage.zoom}, thick)
    assert spacing == "spacing_mm = 2"
    found = load_segmented(write(tmp_path / "b.npz", **thick))
    truth = balls()["masks"]
    assert found.images.shape == (6, 2, 32, 32, 32)
    assert ((found.masks > 0) & (truth > 0)).sum() > 0.9 * (truth > 0).sum()
    assert found.images.mean() == pytest.approx(balls()["images"].mean(), abs=0.05)


def test_cases_of_several_spacings_are_told_to_be_made_one(tmp_path):
    sides = np.repeat([[1.0, 1, 1], [1, 1, 2]], 3, axis=0)
    with pytest.raises(InputError, match="resample every case to one spacing"):
        load_segmented(write(tmp_path / "a.npz", spacing_mm=sides))


def empty(masks):
    masks[3] = 0
    return masks


def alone(masks):
    masks[1:][masks[1:] == 2] = 1
    return masks


REFUSED = {
    "masks of another shape": (
        {"masks": np.zeros((6, 32, 32, 30), np.uint8)},
        {},
        r"masks.*\(6, 32, 32, 30\).*\(6, 2, 32, 32, 32\)",
    ),
    "no spacing": ({"spacing_mm": None}, {}, r"\(6, 2, 32, 32, 32\) and no spacing_mm"),
    "slices thicker than pixels": (
        {"spacing_mm": [1, 1, 5]},
        {},
        r"1 to 5; resample.*\(1, 1, 1, 1, 5\)",
    ),
    "a negative spacing": ({"spacing_mm": [-1.0]}, {}, "above 0"),
    "an empty mask": ({"masks": empty(balls()["masks"])}, {}, r"are empty.*case 3 \(patient P3\)"),
    "another number of channels": ({}, {"channels": "t1"}, r"\(6, 2, .*2 channels, and 1 are"),
    "another order of channels": ({}, {"channels": "t2,t1"}, "t1, t2, and t2, t1 are expected"),
    "channels last": (
        {"images": np.moveaxis(balls()["images"], 1, -1)},
        {},
        r"\(6, 32, 32, 32, 2\).*channels come last",
    ),
    "no channels": ({"images": balls()["images"][:, 0]}, {}, r"\(6, 32, 32, 32\).*one channel as"),
    "labels outside the set": ({}, {"mask_labels": "0,1"}, r"\[2\] outside mask_labels \[0, 1\]"),
    "a picture as mask": ({"masks": balls()["images"][:, 0]}, {}, "different values"),
    "no background": ({"masks": balls()["masks"] + 1}, {}, "no 0"),
    "a part of one patient": ({"masks": alone(balls()["masks"])}, {}, "in 1 patient"),
    "too few patients named": ({"patient_ids": np.arange(5)}, {}, "5 patient_ids"),
    "no patients": ({"patient_ids": None}, {}, "lacks patient_ids"),
    "NaN": ({"images": balls()["images"] * np.nan}, {}, "NaN"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_with_its_shapes(tmp_path, case):
    changes, options, said = case
    with pytest.raises(InputError, match=said):
        load_segmented(write(tmp_path / "a.npz", **changes), **options)


@pytest.mark.parametrize("spec", ["images:somewhere", "phantom-chest-ct", "npz:nowhere.npz"])
def test_data_without_masks_are_refused(spec):
    with pytest.raises(InputError):
        load_segmented(spec)


def test_patients_are_on_one_side_and_both_sides_have_enough():
    patients = np.repeat(np.arange(8), 3)
    train, test = deal(patients, test_share=0.5, fewest=3, seed=1)
    assert not set(patients[train]) & set(patients[test])
    assert len(train) + len(test) == 24
    with pytest.raises(InputError, match="8 patients give 7 for training and 1 for the test"):
        deal(patients, test_share=0.1, fewest=3, seed=1)
