"""Volumes with masks are read as they are meant, or refused with their shapes."""

import re

import numpy as np
import pytest
from cubes import balls, write
from scipy import ndimage

from medlib.cohorts.segmented import deal, load_segmented
from medlib.cohorts.sources import cube_files
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


def specks(masks):
    return (np.indices(masks.shape)[1:] == 15).all(axis=0).astype(np.uint8)


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
    "no background": ({"masks": balls()["masks"] + 1}, {}, r"hold \[1, 2, 3\]: give 0 to"),
    "numbers below 0": (
        {"masks": np.where(balls()["masks"] == 2, -1, balls()["masks"].astype(np.int16))},
        {},
        r"hold \[-1, 0, 1\].*above 0",
    ),
    "infinity in a mask": (
        {"masks": np.where(balls()["masks"] == 2, np.inf, balls()["masks"])},
        {},
        "whole numbers",
    ),
    "many parts": ({"masks": np.indices((6, 32, 32, 32))[1]}, {}, "32 different.*at most 12"),
    "a part of one patient": ({"masks": alone(balls()["masks"])}, {}, "in 1 patient"),
    "too few patients named": ({"patient_ids": np.arange(5)}, {}, "5 patient_ids"),
    "patients in a table": ({"patient_ids": np.arange(6).reshape(2, 3)}, {}, r"\(2, 3\).*give 6"),
    "patients without a name": (
        {"patient_ids": ["P0", "", "nan", "P3", "P4", "P5"]},
        {},
        "2 of the 6 patient_ids.*first that of case 1",
    ),
    "a spacing in words": ({"spacing_mm": "2 mm"}, {}, "2 mm.*numbers of mm"),
    "a complex spacing": ({"spacing_mm": np.array([2 + 1j] * 3)}, {}, "numbers of mm"),
    "spacings of other cases": ({"spacing_mm": [2.0] * 5}, {}, r"shape \(5,\).*\(6, 3\)"),
    "names of other parts": ({"label_names": ["a"] * 5}, {}, r"a, a, a, a, a for.*\[0, 1, 2\]"),
    "two parts of one name": ({"label_names": ["rim", "rim"]}, {}, "a name of its own"),
    "channels first": (
        {"images": np.moveaxis(balls()["images"], 1, 0)},
        {},
        "channels come first; swap",
    ),
    "texts as images": ({"images": balls()["images"].astype("S3")}, {}, r"type \|S3: save real"),
    "beyond single precision": (
        {"images": balls()["images"] * np.float64(1e300)},
        {},
        r"Case 0 .*\(2, 32, 32, 32\), holds NaN",
    ),
    "a volume that shows nothing": (
        {"images": balls()["images"] * (np.arange(6) != 4).reshape(6, 1, 1, 1, 1)},
        {},
        "Case 4 .* is 0 everywhere",
    ),
    "a copy under another name": (
        {"images": balls()["images"][[0, 1, 2, 3, 4, 0]]},
        {},
        "Cases 0 and 5 .* patients P0 and P5",
    ),
    "flat": (
        {"images": balls()["images"][..., :7], "masks": balls()["masks"][..., :7]},
        {},
        r"\(6, 2, 32, 32, 7\): less than 8 voxels",
    ),
    "flat after averaging": (
        {"images": balls()["images"][..., 8:24], "masks": balls()["masks"][..., 8:24]},
        {"longest": 12},
        "averaged down by 3 so that no side exceeds longest=12: less than 8",
    ),
    "nothing left after averaging": (
        {"masks": specks(balls()["masks"])},
        {"longest": 16},
        r"averaged down by 2 \(a parameter longest above 16.*are empty",
    ),
    "no patients": ({"patient_ids": None}, {}, "lacks patient_ids"),
    "NaN": ({"images": balls()["images"] * np.nan}, {}, "NaN"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_with_its_shapes(tmp_path, case):
    changes, options, said = case
    with pytest.raises(InputError, match=said):
        load_segmented(write(tmp_path / "a.npz", **changes), **options)


def test_copies_of_one_patient_and_names_as_bytes_are_read(tmp_path):
    ids = ["Jörg ".encode(), "Jörg".encode(), b"b", b"c", b"d", b"e"]
    found = load_segmented(
        write(
            tmp_path / "a.npz",
            images=balls()["images"][[0, 0, 2, 3, 4, 5]],
            patient_ids=np.array(ids),
            channels=np.array([b"t1", b"t2"]),
        )
    )
    assert found.patients.tolist() == [0, 0, 1, 2, 3, 4]
    assert found.cases.table.patient_id[0] == "Jörg"
    assert found.channels == ("t1", "t2")


def test_names_of_parts_that_no_mask_holds_are_passed_over(tmp_path):
    masks = balls()["masks"]
    found = load_segmented(
        write(
            tmp_path / "a.npz",
            masks=np.where(masks == 2, 4, masks),
            label_names=["core", "oedema", "rim"],
        ),
        mask_labels="0,1,2,4",
    )
    assert found.parts == ("background", "core", "rim")


def test_what_averaging_down_costs_is_noted_and_grey_levels_are_those_of_the_data(tmp_path):
    masks = (balls()["masks"] > 0).astype(np.uint8)
    masks[0, 1, 1, 1] = masks[1, 1, 1, 1] = masks[2, 1, 1, 1] = 2
    masks[3:5, :4, :4, :4] = 2
    found = load_segmented(write(tmp_path / "a.npz", masks=masks), longest=16)
    (note,) = found.cases.identity()["notes"]
    assert "32 x 32 x 32 voxels were averaged down by 2" in note
    assert "3 of 11 outlined parts" in note
    assert found.cases.grey_range == (found.images.min(), found.images.max())
    assert load_segmented(write(tmp_path / "a.npz")).cases.identity()["notes"] == []


def test_objects_are_refused_by_the_name_of_their_array(tmp_path):
    spec = write(tmp_path / "a.npz", patient_ids=np.array([f"P{i}" for i in range(6)], object))
    with pytest.raises(InputError, match=r"patient_ids of a.npz, \(6,\), holds Python objects"):
        load_segmented(spec)


@pytest.mark.parametrize("kept", [0, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_told_to_be_copied_again(tmp_path, kept):
    path = tmp_path / "a.npz"
    spec, whole = write(path), path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match="was cut off: copy it again"):
        load_segmented(spec)


def test_one_array_alone_and_a_folder_are_no_npz_file(tmp_path):
    np.save(tmp_path / "a.npy", balls()["images"])
    with pytest.raises(InputError, match=r"is no npz file.*numpy\.savez"):
        load_segmented(f"npz:{tmp_path / 'a.npy'}")
    with pytest.raises(InputError, match="is a folder"):
        load_segmented(f"npz:{tmp_path}")


def test_more_than_the_memory_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    spec = write(tmp_path / "a.npz")
    monkeypatch.setattr(cube_files, "free_memory", lambda: 10**6)
    with pytest.raises(InputError, match=r"images \(6, 2, 32, 32, 32\).* 0.0 GB of memory"):
        load_segmented(spec)


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
