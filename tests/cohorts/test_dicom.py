"""DICOM folders find their labels by patient, series or file, and stay in Hounsfield units."""

import zipfile

import numpy as np
import pydicom
import pytest
from dicom_files import ct, save
from files import write

from medlib.cohorts import load
from medlib.dicom import read_series, write_series
from medlib.errors import InputError


def volume(seed, slices=5):
    hu = np.random.default_rng(seed).integers(-1000, 400, (slices, 16, 16)).astype(float)
    hu[:, 0, 0] = np.arange(slices) * 10  # tells the slice
    return hu


@pytest.fixture
def folder(tmp_path):
    """Four patients A to D, each a series of five slices at another depth of folders."""
    home = tmp_path / "study"
    for i, patient in enumerate("ABCD"):
        write_series(
            volume(i),
            home.joinpath(*["deeper"] * i, patient),
            patient_id=patient,
            spacing=(5.0, 1.0, 1.0),
            tags={
                "InstitutionName": f"Clinic {i % 2}",
                "Manufacturer": "Simulated",
                "KVP": 100 + 20 * (i % 2),
            },
        )
    return home


def by_patient(home, labels="0101"):
    write(home / "labels.csv", "patient_id,label", *map(",".join, zip("ABCD", labels, strict=True)))
    return home


def test_a_label_of_a_patient_gives_the_middle_slice_in_hu(folder):
    cohort = load(f"dicom:{by_patient(folder)}")
    assert cohort.table.patient_id.tolist() == ["A", "B", "C", "D"]
    assert cohort.labels.tolist() == [0, 1, 0, 1]
    assert np.array_equal(cohort.pixels(1), volume(1)[2])
    assert (cohort.modality, cohort.units, cohort.patient_id_kind) == ("CT", "HU", "recorded")
    assert cohort.refused.empty


def test_site_and_scanner_come_from_the_header(folder):
    cohort = load(f"dicom:{by_patient(folder)}")
    assert cohort.table.site.tolist() == ["Clinic 0", "Clinic 1"] * 2
    assert cohort.table.KVP.tolist() == [100, 120] * 2
    assert {"KVP", "Manufacturer"} <= set(cohort.acquisition)


def test_another_slice_or_all_of_them_can_be_asked_for(folder):
    by_patient(folder)
    assert load(f"dicom:{folder}", slice=4).pixels(0)[0, 0] == 40
    every = load(f"dicom:{folder}", slice="all")
    assert len(every) == 20
    assert [every.pixels(i)[0, 0] for i in range(5)] == [0, 10, 20, 30, 40]
    with pytest.raises(InputError, match="has 5 slices"):
        load(f"dicom:{folder}?slice=5")
    with pytest.raises(InputError, match="'first'"):
        load(f"dicom:{folder}", slice="first")


def test_a_series_without_a_label_may_have_fewer_slices_than_the_one_asked_for(folder):
    write_series(volume(9, slices=2), folder / "scout", patient_id="E", spacing=(5.0, 1.0, 1.0))
    cohort = load(f"dicom:{by_patient(folder)}", slice=4)
    assert cohort.table.patient_id.tolist() == ["A", "B", "C", "D"]
    assert any("1 images have no row" in note for note in cohort.notes)


def test_a_label_of_a_series_finds_its_series(folder):
    uids = {p: read_series(next(folder.rglob(f"{p}/*")).parent).series_uid for p in "ABCD"}
    lines = [f"{uids[p]},{label}" for p, label in zip("DCBA", "xyxy", strict=True)]
    write(folder / "labels.csv", "SeriesInstanceUID,Label", *lines)
    of = load(f"dicom:{folder}").table.set_index("patient_id").label
    assert of[list("ABCD")].tolist() == ["y", "x", "y", "x"]


def test_a_label_of_a_file_makes_that_file_an_image(folder, tmp_path):
    files = sorted(folder.rglob("*.dcm"))[:4]
    rows = [f"{f.relative_to(folder)},{i % 2},Paris" for i, f in enumerate(files)]
    write(tmp_path / "elsewhere.csv", "file,label,site", *rows)
    cohort = load(
        f"dicom:{folder}", labels=str(tmp_path / "elsewhere.csv"), allow_mixed_patients=True
    )
    assert sorted(cohort.table.file) == sorted(f.relative_to(folder).as_posix() for f in files)
    assert set(cohort.table.site) == {"Paris"}
    assert any("have no row" in note for note in cohort.notes)


def test_a_zip_of_series_is_the_same_cohort(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    by_patient(folder)
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    zipped = load(f"dicom:{tmp_path}/study.zip")
    assert zipped.content_hash == load(f"dicom:{folder}").content_hash


def test_a_damaged_file_is_refused_by_name_and_the_rest_loads(folder):
    by_patient(folder)
    file = sorted((folder / "A").glob("*.dcm"))[0]
    file.write_bytes(file.read_bytes()[:-100])
    (folder / "notes.txt").write_text("not an image")
    cohort = load(f"dicom:{folder}")
    assert len(cohort) == 4
    assert sorted(name.rsplit("/", 1)[-1] for name in cohort.refused.file) == [
        file.name,
        "notes.txt",
    ]
    assert file.name in " ".join(cohort.notes)


def test_a_mostly_damaged_folder_stops(folder):
    by_patient(folder)
    for file in sorted(folder.rglob("*.dcm"))[:15]:
        file.write_bytes(b"x" * 50)
    with pytest.raises(InputError, match="15 of 20 DICOM files"):
        load(f"dicom:{folder}")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["patient_id,grade", "A,1"], "lacks a column 'label'"),
        (["name,label", "A,1"], "lacks a column file, series_uid or patient_id"),
        (["patient_id,label", "A,0", "E,1"], "names 1 of patient_id that .* does not hold: 'E'"),
        (["patient_id,label", "A,0", "A,0"], "more than one row for 'A'"),
        (["patient_id,label", "A,0", "B,"], "empty label in 1 rows, first in line 3"),
        (["file,label", "A/99.dcm,0"], "not there: 'A/99.dcm'"),
        (["patient_id,label", "A,0", "B,0"], "one class only"),
    ],
)
def test_a_labels_table_that_does_not_fit_is_refused(folder, lines, message):
    write(folder / "labels.csv", *lines)
    with pytest.raises(InputError, match=message):
        load(f"dicom:{folder}")


def test_a_folder_without_labels_or_without_images_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match=r"no labels table .*labels.csv, nor .*: write a csv"):
        load(f"dicom:{folder}")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty" / "labels.csv", "patient_id,label", "A,0")
    with pytest.raises(InputError, match="no readable DICOM image: check"):
        load(f"dicom:{tmp_path}/empty")


def two_classes(home, where):
    """Two patients a class, three slices each; ``where`` gives the folder of a slice."""
    for i, patient in enumerate("ABCD"):
        for number in range(3):
            dataset = ct(
                np.arange(16).reshape(4, 4) + 100 * i + number,
                PatientID=patient,
                SeriesInstanceUID=f"1.2.3.{i}",
                SOPInstanceUID=f"1.2.3.{i}.{number}",
                ImagePositionPatient=[0, 0, number],
            )
            save(dataset, home / where(i, number) / f"{patient}{number}.dcm")
    return home


def test_a_folder_a_class_needs_no_table_and_a_series_is_an_image(tmp_path):
    home = two_classes(tmp_path / "set", lambda i, _: ("normal", "ill")[i % 2])
    cohort = load(f"dicom:{home}")
    assert cohort.classes == ("normal", "ill")
    assert cohort.table.patient_id.tolist() == ["B", "D", "A", "C"]
    assert cohort.labels.tolist() == [1, 1, 0, 0]
    assert cohort.pixels(0)[0, 0] == 100 + 1 - 1024  # the middle slice
    assert len(load(f"dicom:{home}?slice=all")) == 12


def test_images_in_class_folders_are_in_the_order_of_pictures_in_such_folders(tmp_path):
    home = two_classes(tmp_path / "set", lambda i, _: ("normal", "ill")[i // 2])
    assert load(f"dicom:{home}").table.patient_id.tolist() == ["C", "D", "A", "B"]


def test_class_folders_below_train_and_test_keep_the_split(tmp_path):
    home = two_classes(tmp_path / "set", lambda i, _: f"{('train', 'test')[i // 2]}/{i % 2}")
    cohort = load(f"dicom:{home}")
    assert cohort.table.split.tolist() == ["test", "test", "train", "train"]
    assert cohort.table.label.tolist() == ["0", "1", "0", "1"]


def test_slices_of_one_series_in_several_class_folders_are_labelled_one_by_one(tmp_path):
    home = two_classes(tmp_path / "set", lambda _, number: ("normal", "ill")[number % 2])
    with pytest.raises(InputError, match="'A' in 'ill' and 'normal'"):
        load(f"dicom:{home}")
    assert len(load(f"dicom:{home}?allow_mixed_patients=true")) == 12


def test_files_of_several_patients_under_one_series_number_are_images_of_their_own(tmp_path):
    home = two_classes(tmp_path / "set", lambda i, _: ("normal", "ill")[i % 2])
    for path in home.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = f"1.2.3.{path.parent.name == 'ill':d}"  # a careless export
        dataset.save_as(path)
    cohort = load(f"dicom:{home}")
    assert (len(cohort), cohort.table.patient_id.nunique()) == (12, 4)


def test_class_folders_without_patient_ids_count_each_series_as_a_patient_and_say_so(tmp_path):
    home = two_classes(tmp_path / "set", lambda i, _: ("normal", "ill")[i % 2])
    for path in home.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.PatientID = ""
        dataset.save_as(path)
    cohort = load(f"dicom:{home}?slice=all")
    assert (cohort.patient_id_kind, cohort.table.patient_id.nunique()) == ("surrogate", 4)
    assert any("each series counts as its own patient" in note for note in cohort.notes)


def test_ct_without_rescale_or_air_is_taken_as_grey_levels_and_with_air_as_hounsfield(tmp_path):
    for name, air in (("grey", 0), ("hu", -900)):
        for i, label in enumerate(["a", "b", "a", "b"]):
            stored = np.arange(16).reshape(4, 4) * 10 + air
            attributes = {"RescaleSlope": None, "RescaleIntercept": None, "PixelRepresentation": 1}
            dataset = ct(stored, PatientID=f"P{i}", SeriesInstanceUID=f"1.2.{i}", **attributes)
            save(dataset, tmp_path / name / label / f"{i}.dcm")
    assert load(f"dicom:{tmp_path}/grey").grey_range == (0, 255)
    assert load(f"dicom:{tmp_path}/hu").units == "HU"


def test_a_patient_with_slices_of_two_labels_is_named(folder):
    files = sorted(folder.rglob("A/*.dcm"))[:2]
    write(folder / "labels.csv", "file,label", *(f"A/{f.name},{i}" for i, f in enumerate(files)))
    with pytest.raises(InputError, match="'A' in '0' and '1'"):
        load(f"dicom:{folder}")
