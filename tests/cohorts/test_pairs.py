"""Folders with a sub-folder a modality: what pairs, what lacks, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from medlib.cohorts import load, require_cases
from medlib.cohorts.modalities import require_modalities, seen
from medlib.errors import InputError


def picture(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(value).integers(0, 200, (20, 24))
    Image.fromarray(grey.astype(np.uint8)).save(path)


@pytest.fixture
def home(tmp_path):
    """Six patients in ct and mri, of other suffixes; the last one lacks mri."""
    for i in range(6):
        picture(tmp_path / f"ct/p{i}.png", i)
        if i < 5:
            picture(tmp_path / f"mri/p{i}.tif", 100 + i)
    rows = [f"p{i}.png,{'ill' if i % 2 else 'healthy'},P{i}" for i in range(6)]
    (tmp_path / "labels.csv").write_text("file,label,patient_id\n" + "\n".join(rows) + "\n")
    return tmp_path


def test_images_of_one_name_are_one_patient_in_two_modalities(home):
    cohort = load(f"pairs:{home}", classes="healthy,ill")
    assert list(cohort.views) == ["ct", "mri"]
    assert len(cohort) == 6
    assert cohort.classes == ("healthy", "ill")
    ct, mri = (seen(cohort, name, 32) for name in ("ct", "mri"))
    assert ct.present.all()
    assert mri.present.tolist() == [True] * 5 + [False]
    assert not mri.images[5].any()
    assert not np.array_equal(ct.images[0], mri.images[0])
    assert "mri 1" in " ".join(cohort.notes)


def test_a_choice_of_patients_keeps_its_views(home):
    cohort = load(f"pairs:{home}", classes="ill,healthy").select([4, 1])
    whole = load(f"pairs:{home}")
    assert np.array_equal(seen(cohort, "mri", 32).images, seen(whole, "mri", 32).images[[4, 1]])


def test_the_content_hash_sees_every_modality(home):
    before = load(f"pairs:{home}").content_hash
    picture(home / "mri/p3.tif", 77)
    assert load(f"pairs:{home}").content_hash != before


def test_without_patient_ids_images_are_surrogate_groups(home):
    text = (home / "labels.csv").read_text().splitlines()
    (home / "labels.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in text) + "\n")
    cohort = load(f"pairs:{home}")
    assert cohort.patient_id_kind == "surrogate"
    assert list(cohort.views) == ["ct", "mri"]


def test_images_without_a_row_are_left_out_and_told(home):
    picture(home / "ct/p9.png", 9)
    cohort = load(f"pairs:{home}")
    assert len(cohort) == 6
    assert any("p9" in note for note in cohort.notes)


def test_a_damaged_image_lacks_in_its_modality_only(home):
    (home / "mri/p2.tif").write_bytes(b"no picture")
    cohort = load(f"pairs:{home}")
    assert seen(cohort, "mri", 32).present.tolist() == [True, True, False, True, True, False]
    assert cohort.refused.file.tolist() == ["p2"]


def refused(home, said):
    with pytest.raises(InputError, match=said) as told:
        load(f"pairs:{home}")
    assert "\n" not in str(told.value)


def test_modalities_that_do_not_pair_are_refused(home):
    for i in range(5):
        (home / f"mri/p{i}.tif").rename(home / f"mri/q{i}.tif")
    refused(home, "do not pair")


def test_a_patient_lacking_all_modalities_is_refused(home):
    (home / "ct/p5.png").unlink()
    refused(home, "names 1 images that are in no modality .*'p5'")


def test_one_modality_only_is_refused(home):
    for file in (home / "mri").iterdir():
        file.unlink()
    refused(home, r"one modality only \('ct'\)")


def test_a_folder_without_labels_or_with_two_of_one_name_is_refused(home):
    picture(home / "ct/p1.jpg", 3)
    refused(home, "two images of one name")
    (home / "ct/p1.jpg").unlink()
    (home / "labels.csv").unlink()
    refused(home, "no labels.csv")


def test_a_class_with_too_few_patients_is_refused_before_training(home):
    with pytest.raises(InputError, match="has 3 patients and there are 5 folds"):
        require_cases(load(f"pairs:{home}"), 5, per_fold=2)


def test_a_cohort_of_one_modality_is_no_case_for_fusion(home):
    with pytest.raises(InputError, match="images of one modality"):
        require_modalities(load(f"pairs:{home}").views["ct"])
    with pytest.raises(InputError, match="no modality 'pet'"):
        seen(load(f"pairs:{home}"), "pet", 32)
