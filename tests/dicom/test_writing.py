"""Written series are valid CT images, deterministic, and read back unchanged."""

import hashlib
import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from medlib.dicom import read_series, scan, write_series
from medlib.errors import InputError

HU = np.random.default_rng(0).integers(-1024, 3072, (4, 16, 24)).astype(np.float32)
TAGS = {
    "Manufacturer": "Simulated",
    "ManufacturerModelName": "Scanner A",
    "ConvolutionKernel": "B50f",
    "KVP": 120.0,
    "XRayTubeCurrent": 200,
    "PatientAge": "061Y",
    "PatientSex": "F",
    "BodyPartExamined": "CHEST",
    "StationName": "站1",
}


def write(folder, pixels=HU, **options):
    options = {"patient_id": "P001", "spacing": (2.5, 0.7, 0.8), "tags": TAGS, **options}
    return write_series(pixels, folder, **options)


def digests(paths):
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def test_what_is_written_is_read_back(tmp_path):
    paths = write(tmp_path, origin=(-100.5, -90, 1234.25))
    read = read_series(tmp_path)
    np.testing.assert_array_equal(read.pixels, HU)
    assert read.paths == tuple(paths)
    assert read.spacing == (2.5, 0.7, 0.8)
    np.testing.assert_allclose(read.positions, [(-100.5, -90, 1234.25 + 2.5 * k) for k in range(4)])
    assert (read.patient_id, read.modality, read.units) == ("P001", "CT", "HU")
    assert {keyword: read.tags[keyword] for keyword in TAGS} == TAGS
    assert read.warnings == ()


def test_slices_follow_the_normal_of_a_coronal_series(tmp_path):
    write(tmp_path, orientation=(1, 0, 0, 0, 0, -1))
    read = read_series(tmp_path)
    np.testing.assert_array_equal(read.pixels, HU)
    np.testing.assert_allclose(read.positions[1], (0, 2.5, 0))


def test_same_input_same_bytes(tmp_path):
    assert digests(write(tmp_path / "a")) == digests(write(tmp_path / "b"))


@pytest.mark.parametrize(
    ("change", "same_study"),
    [
        ({"pixels": HU + 1}, True),
        ({"tags": {**TAGS, "ConvolutionKernel": "B30f"}}, True),
        ({"study": "2"}, False),
        ({"patient_id": "P002"}, False),
    ],
)
def test_what_differs_has_other_identifiers(tmp_path, change, same_study):
    write(tmp_path / "a")
    write(tmp_path / "b", **change)
    files = scan(tmp_path).files
    assert files.sop_uid.is_unique
    assert files.series_uid.nunique() == 2
    assert (files.study_uid.nunique() == 1) == same_study
    assert all(pydicom.uid.UID(uid).is_valid for uid in files.sop_uid)


@pytest.mark.parametrize("tags", [TAGS, {}])
def test_written_files_are_valid_ct_images(tmp_path, tags):
    program = shutil.which("dciodvfy")
    assert program, "dciodvfy is missing: install Debian's package dicom3tools"
    for path in write(tmp_path, tags=tags):
        done = subprocess.run([program, path], capture_output=True, text=True, check=False)
        complaints = [
            line for line in done.stderr.splitlines() if line.startswith(("Error", "Warning"))
        ]
        # An empty Laterality is right where the body part is unknown, which cannot be seen there.
        complaints = [line for line in complaints if "Laterality" not in line or tags]
        assert complaints == []
        assert "CTImage" in done.stderr


def test_dciodvfy_would_complain(tmp_path):
    path = write(tmp_path)[0]
    dataset = pydicom.dcmread(path)
    del dataset.PatientName, dataset.KVP
    dataset.save_as(path)
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    assert done.stderr.count("Error - Missing attribute") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pixels": HU[0]}, "slices x rows x columns"),
        ({"pixels": np.where(HU > 3000, np.nan, HU)}, "Hounsfield units between"),
        ({"pixels": HU + 1e5}, "Hounsfield units between -33792 and 31743"),
        ({"spacing": (0, 1, 1)}, "three positive lengths"),
        ({"origin": (0, 0, np.inf)}, "finite coordinates"),
        ({"orientation": (1, 0, 0, 1, 0, 0)}, "unit vectors at right angles"),
        ({"patient_id": ""}, "1 to 64 characters"),
        ({"tags": {"Kernel": "B30f"}}, "Kernel is no DICOM keyword"),
        ({"tags": {"Rows": 3}}, "Rows follows from the pixels"),
        ({"tags": {"PatientAge": "old"}}, "PatientAge cannot be 'old'"),
        ({"tags": {"KVP": "high"}}, "KVP cannot be 'high'"),
    ],
)
def test_bad_input_is_named_and_nothing_written(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        write(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
