"""NIfTI and NRRD volumes become slices as DICOM shows them, or one sentence says why not."""

import gzip
import itertools
import struct

import numpy as np
import pytest
from container_files import nifti_bytes, nrrd_bytes

from medlib.cohorts import load
from medlib.cohorts.sources import volumes
from medlib.dicom import read_series, write_series
from medlib.errors import InputError

BODY = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.int16)
"""Voxels by place: to the patient's left, to the back, to the head."""
STORED = list(
    itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
)
"""The 48 ways to store a body in a file: which axis runs where, and whether backwards."""


def stored(axes, signs):
    """Return the body's voxels in a file of this order, and each axis's direction in LPS."""
    values = BODY.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
    return values, np.stack(
        [sign * np.eye(3)[axis] for axis, sign in zip(axes, signs, strict=True)]
    )


def as_dicom_shows(across_slices):
    """Slices of the body along one direction, from their definition in DICOM (PS3.3 C.7.6.2)."""
    if across_slices == 2:  # axial: rows to the left, columns to the back, slices to the head
        return BODY.transpose(2, 1, 0)
    if across_slices == 1:  # coronal: rows to the left, columns to the feet, slices to the back
        return BODY.transpose(1, 2, 0)[:, ::-1]
    return BODY.transpose(0, 2, 1)[::-1, ::-1]  # sagittal: slices to the right


@pytest.mark.parametrize(("axes", "signs"), STORED)
def test_however_a_nifti_file_stores_a_body_its_slices_are_upright(tmp_path, axes, signs):
    values, directions = stored(axes, signs)
    affine = np.column_stack([(directions * (-1, -1, 1)).T * 2.0, (10, 20, 30)])
    (tmp_path / "a.nii").write_bytes(nifti_bytes(values, affine=affine))
    assert np.array_equal(volumes.read(tmp_path / "a.nii").values, as_dicom_shows(axes[2]))


@pytest.mark.parametrize(("axes", "signs"), STORED[::5])
def test_however_an_nrrd_file_stores_a_body_its_slices_are_upright(tmp_path, axes, signs):
    values, directions = stored(axes, signs)
    told = " ".join("({:g},{:g},{:g})".format(*row) for row in 0.7 * directions)
    (tmp_path / "a.nrrd").write_bytes(nrrd_bytes(values, "short", directions=told))
    assert np.array_equal(volumes.read(tmp_path / "a.nrrd").values, as_dicom_shows(axes[2]))


def test_a_dicom_series_and_its_nifti_give_the_same_slices_in_the_same_order(tmp_path):
    axial = BODY.transpose(2, 1, 0).astype(np.float32)
    write_series(axial, tmp_path / "dicom", patient_id="A", spacing=(5.0, 1.0, 1.0))
    values, directions = stored((0, 1, 2), (1, -1, 1))  # as dcm2niix writes it
    affine = np.column_stack([(directions * (-1, -1, 1)).T, (0, 0, 0)])
    (tmp_path / "a.nii").write_bytes(nifti_bytes(values, affine=affine))
    assert np.array_equal(
        read_series(tmp_path / "dicom").pixels, volumes.read(tmp_path / "a.nii").values
    )


def test_a_quaternion_says_the_same_as_its_matrix(tmp_path):
    values, directions = stored((1, 2, 0), (1, 1, 1))  # rows turned into one another: 120 degrees
    data = bytearray(nifti_bytes(values))
    struct.pack_into("<h", data, 252, 1)
    struct.pack_into("<f", data, 76, 1.0)
    turn = np.linalg.inv(
        (directions * (-1, -1, 1)).T
    ).T  # orthogonal, so its own inverse transposed
    a = np.sqrt(max(0, 1 + np.trace(turn))) / 2
    quaternion = ((turn[2, 1] - turn[1, 2]), (turn[0, 2] - turn[2, 0]), (turn[1, 0] - turn[0, 1]))
    struct.pack_into("<3f", data, 256, *(q / (4 * a) for q in quaternion))
    (tmp_path / "a.nii").write_bytes(data)
    assert np.array_equal(volumes.read(tmp_path / "a.nii").values, as_dicom_shows(0))


@pytest.mark.parametrize("affine", [None, np.eye(3, 4)], ids=["none", "identity"])
def test_a_file_without_directions_gives_its_slices_as_stored(tmp_path, affine):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(nifti_bytes(BODY, affine=affine)))
    assert np.array_equal(volumes.read(tmp_path / "a.nii.gz").values, BODY.transpose(2, 1, 0))


def test_a_rescale_in_the_file_is_applied(tmp_path):
    (tmp_path / "a.nii").write_bytes(nifti_bytes(BODY, scale=(2.0, -1000.0)))
    read = volumes.read(tmp_path / "a.nii")
    assert np.array_equal(read.values, 2 * BODY.transpose(2, 1, 0) - 1000.0)


@pytest.fixture
def folder(tmp_path):
    """Three volumes a class, each another."""
    for number, label in enumerate(["ill", "normal"] * 3):
        (tmp_path / "set" / label).mkdir(parents=True, exist_ok=True)
        data = nifti_bytes(BODY + np.int16(10 * number))
        path = tmp_path / "set" / label / f"{number} scan.NII.gz"
        path.write_bytes(gzip.compress(data))
    return tmp_path / "set"


def test_of_a_volume_the_middle_slice_is_taken_or_the_one_that_is_asked_for(folder):
    cohort = load(f"images:{folder}")
    assert len(cohort) == 6
    assert np.array_equal(cohort.pixels(0), BODY.transpose(2, 1, 0)[3] + 0.0)
    other = load(f"images:{folder}?slice=0")
    assert np.array_equal(other.pixels(0), BODY.transpose(2, 1, 0)[0] + 0.0)


def test_the_scale_is_that_of_whole_volumes_whichever_slice_is_taken(folder):
    bright = BODY.copy()
    bright[0, 0, 0] = 3000  # far from the middle
    (folder / "ill" / "bright.nii").write_bytes(nifti_bytes(bright))
    scales = {load(f"images:{folder}?slice={k}").grey_range for k in ("middle", "0", "6", "all")}
    assert scales == {(0, 4095)}


def test_all_slices_of_a_volume_are_one_group(folder):
    cohort = load(f"images:{folder}?slice=all&groups=exact")
    assert len(cohort) == 6 * 7
    assert cohort.table.groupby("path").patient_id.nunique().max() == 1
    assert cohort.table.patient_id.nunique() == 6
    assert cohort.table.image_id.is_unique


def test_a_slice_that_is_not_there_is_refused_with_the_file(folder):
    with pytest.raises(InputError, match=r"slice is 7 and .*scan\.NII\.gz has 7 slices"):
        load(f"images:{folder}?slice=7")
    with pytest.raises(InputError, match='give "middle", "all" or a number'):
        load(f"images:{folder}?slice=top")


def test_a_table_of_labels_names_volumes_without_their_endings(folder):
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.gz"))
    rows = [f"{name.split('.')[0]},{'ab'[i % 2]},p{i}" for i, name in enumerate(names)]
    (folder / "labels.csv").write_text("file,label,patient_id\n" + "\n".join(rows) + "\n")
    cohort = load(f"images:{folder}")
    assert cohort.patient_id_kind == "recorded"
    assert cohort.classes == ("a", "b")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no NIfTI-1 file"),
        (nifti_bytes(BODY)[:400], "buffer is smaller"),
        (nifti_bytes(np.stack([BODY] * 2, -1)), "5 x 6 x 7 x 2 values: give one volume"),
        (nifti_bytes(BODY.astype(np.float32) * np.float32("nan")), "NaN"),
        (gzip.compress(nifti_bytes(BODY))[:200], "ended"),
    ],
    ids=["empty", "cut", "four-dimensional", "NaN", "gzip cut"],
)
def test_a_damaged_volume_is_refused_with_its_reason_and_the_rest_loads(folder, data, reason):
    (folder / "ill" / "bad.nii").write_bytes(data)
    cohort = load(f"images:{folder}")
    assert len(cohort) == 6
    assert cohort.refused.file.tolist() == ["ill/bad.nii"]
    assert reason in cohort.refused.reason[0]
