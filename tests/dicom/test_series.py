"""Slices are put in order by where they lie in the patient, and what is irregular is said."""

import numpy as np
import pydicom
import pytest
from dicom_files import SHIPPED, ct, save, series
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from medlib.dicom import DicomError, read_series, scan
from medlib.errors import InputError

LINE = [(0, 0, z) for z in (0, 2, 4, 6, 8)]


def values(read):
    """Return the single value of each slice of `dicom_files.series`: 10 times its number."""
    assert (read.pixels == read.pixels[:, :1, :1]).all()
    return [int(v) // 10 for v in read.pixels[:, 0, 0]]


def test_slices_are_ordered_by_position_not_by_name_or_number(tmp_path):
    series(tmp_path, [(0, 0, z) for z in (4, 0, 8, 2, 6)])
    read = read_series(tmp_path)
    assert values(read) == [1, 3, 0, 4, 2]
    assert read.spacing == (2.0, 0.5, 0.5)
    np.testing.assert_array_equal(read.positions[:, 2], [0, 2, 4, 6, 8])
    assert [path.name for path in read.paths][:2] == ["001.dcm", "003.dcm"]
    assert read.warnings == ()


def test_sagittal_and_flipped_series_follow_their_own_normal(tmp_path):
    sagittal = series(
        tmp_path / "s",
        [(x, 0, 0) for x in (3, 1, 2)],
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
    )
    assert values(read_series(sagittal)) == [0, 2, 1]  # the normal is -x
    flipped = series(
        tmp_path / "f",
        [(0, 0, z) for z in (3, 1, 2)],
        ImageOrientationPatient=[-1, 0, 0, 0, 1, 0],
    )
    assert values(read_series(flipped)) == [0, 2, 1]  # the normal is -z


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(6)), st.floats(0, 3), st.floats(0, 3))
def test_any_order_and_orientation_of_files(tmp_path_factory, order, yaw, pitch):
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    axes = np.round(turn @ tilt, 6)
    cosines = [f"{c:.6f}" for c in [*axes[:, 0], *axes[:, 1]]]
    places = [tuple(f"{c:.6f}" for c in axes[:, 2] * 3 * k) for k in order]
    folder = tmp_path_factory.mktemp("oblique")
    series(folder, places, ImageOrientationPatient=cosines)
    read = read_series(folder)
    assert [order[v] for v in values(read)] == list(range(6))
    assert read.spacing[0] == pytest.approx(3, abs=1e-4)
    assert read.warnings == ()


def test_a_gap_is_reported_with_its_place(tmp_path):
    series(tmp_path, [(0, 0, z) for z in (0, 2, 4, 8, 10)])
    read = read_series(tmp_path)
    assert read.spacing[0] == 2
    assert len(read.pixels) == 5
    assert read.warnings == ("irregular slice distances, usually 2.00 mm: 4.00 mm after 002.dcm",)


def test_of_slices_at_one_place_the_first_acquired_is_kept(tmp_path):
    series(tmp_path, [*LINE, (0, 0, 4.001)])
    read = read_series(tmp_path)
    assert values(read) == [0, 1, 2, 3, 4]
    assert len(read.warnings) == 1
    assert "1 duplicated slices (0 with the SOPInstanceUID" in read.warnings[0]
    assert "left out 005.dcm" in read.warnings[0]


def test_a_copy_of_a_file_is_recognised(tmp_path):
    first = series(tmp_path, LINE)[0]
    (tmp_path / "copy.dcm").write_bytes(first.read_bytes())
    read = read_series(tmp_path)
    assert values(read) == [0, 1, 2, 3, 4]
    assert "(1 with the SOPInstanceUID" in read.warnings[0]


def test_a_localiser_among_axial_slices_is_left_out(tmp_path):
    paths = series(tmp_path, LINE)
    dataset = pydicom.dcmread(paths[0])
    dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    dataset.SOPInstanceUID = "1.2.9"
    save(dataset, tmp_path / "scout.dcm")
    read = read_series(tmp_path)
    assert values(read) == [0, 1, 2, 3, 4]
    assert "2 different orientations" in read.warnings[0]
    assert "scout.dcm" in read.warnings[0]


def test_slices_whose_orientation_differs_by_rounding_stay_together(tmp_path):
    paths = series(tmp_path, LINE)
    for path, jitter in zip(paths, (0, 1e-4, -1e-4, 2e-4, 0), strict=True):
        dataset = pydicom.dcmread(path)
        dataset.ImageOrientationPatient = [1, f"{0.0005 + jitter:.5f}", 0, 0, 1, 0]
        save(dataset, path)
    assert values(read_series(tmp_path)) == [0, 1, 2, 3, 4]


def test_another_matrix_in_the_series_is_left_out(tmp_path):
    series(tmp_path, LINE)
    save(ct(np.zeros((8, 8)), SOPInstanceUID="1.9"), tmp_path / "large.dcm")
    read = read_series(tmp_path)
    assert read.pixels.shape == (5, 4, 4)
    assert "large.dcm" in read.warnings[0]


def test_gantry_tilt_is_reported(tmp_path):
    series(tmp_path, [(0, z / 4, z) for z in (0, 2, 4, 6)])
    assert "shifted sideways by up to 1.5 mm" in read_series(tmp_path).warnings[0]


def test_rescale_is_applied_slice_by_slice(tmp_path):
    paths = series(tmp_path, LINE[:2])
    dataset = pydicom.dcmread(paths[1])
    dataset.RescaleSlope, dataset.RescaleIntercept = "0.5", "-100"
    save(dataset, paths[1])
    read = read_series(tmp_path)
    assert read.pixels[:, 0, 0].tolist() == [0, 1034 * 0.5 - 100]


def test_without_positions_slice_location_decides_and_this_is_said(tmp_path):
    paths = series(tmp_path, LINE[:3], ImagePositionPatient=None)
    for path, location in zip(paths, (5, 1, 3), strict=True):
        dataset = pydicom.dcmread(path)
        del dataset.ImagePositionPatient
        dataset.SliceLocation = location
        save(dataset, path)
    read = read_series(tmp_path)
    assert values(read) == [1, 2, 0]
    assert "ordered by SliceLocation" in read.warnings[0]
    assert np.isnan(read.positions).all()


def test_missing_rescale_of_ct_is_recorded_and_of_mr_is_not(tmp_path):
    dataset = ct(np.full((4, 4), 7), RescaleSlope=None, RescaleIntercept=None)
    read = read_series(save(dataset, tmp_path / "ct.dcm"))
    assert (read.pixels == 7).all()
    assert read.units == "HU"
    assert "no RescaleSlope" in read.warnings[0]
    dataset.Modality = "US"
    read = read_series(save(dataset, tmp_path / "us.dcm"))
    assert (read.units, read.warnings) == ("grey level", ())


def enhanced(stored, positions):
    """Return an enhanced CT: geometry per frame, orientation and rescale shared."""
    dataset = ct(stored, RescaleSlope=None, RescaleIntercept=None, ImagePositionPatient=None)
    del dataset.ImageOrientationPatient, dataset.PixelSpacing, dataset.SliceThickness
    shared = Dataset()
    shared.PlaneOrientationSequence = [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PixelMeasuresSequence[0].PixelSpacing = [0.6, 0.7]
    shared.PixelValueTransformationSequence = [rescale(2, -1000)]
    shared.CTReconstructionSequence = [Dataset()]
    shared.CTReconstructionSequence[0].ConvolutionKernel = "B30f"
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = []
    for position in positions:
        group, plane = Dataset(), Dataset()
        plane.ImagePositionPatient = list(position)
        group.PlanePositionSequence = [plane]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    return dataset


def rescale(slope, intercept):
    item = Dataset()
    item.RescaleSlope, item.RescaleIntercept = slope, intercept
    return item


def test_enhanced_ct_takes_each_frame_where_its_functional_groups_say(tmp_path):
    stored = np.arange(4)[:, None, None] * np.ones((4, 3, 5), int)
    dataset = enhanced(stored, [(0, 0, z) for z in (6, 0, 4, 2)])
    own = dataset.PerFrameFunctionalGroupsSequence[2]
    own.PixelValueTransformationSequence = [rescale(10, 0)]
    read = read_series(save(dataset, tmp_path / "enhanced.dcm"))
    assert read.pixels[:, 0, 0].tolist() == [-998, -994, 20, -1000]
    assert read.spacing == (2.0, 0.6, 0.7)
    assert read.tags["ConvolutionKernel"] == "B30f"
    assert read.warnings == ()


def test_enhanced_ct_with_too_few_groups_is_refused(tmp_path):
    dataset = enhanced(np.zeros((4, 3, 5)), [(0, 0, z) for z in (0, 1, 2)])
    with pytest.raises(DicomError, match="3 items for 4 frames"):
        read_series(save(dataset, tmp_path / "enhanced.dcm"))


def test_a_folder_of_several_series_asks_which(tmp_path):
    series(tmp_path / "a", LINE, SeriesInstanceUID="1.2.2")
    series(tmp_path / "b", LINE[:2], SeriesInstanceUID="1.2.1")
    found = scan(tmp_path)
    assert found.series == ["1.2.1", "1.2.2"]
    with pytest.raises(InputError, match=r"several series.*1\.2\.1, 1\.2\.2"):
        read_series(found)
    with pytest.raises(InputError, match="no series 9"):
        read_series(found, "9")
    assert len(read_series(found, "1.2.2").pixels) == 5


def test_the_scan_is_a_table_with_patient_and_scanner(tmp_path):
    series(tmp_path, LINE, Manufacturer="SIM", KVP="120", ConvolutionKernel=["B30f", "3"])
    found = scan(tmp_path)
    assert len(found.files) == 5
    row = found.files.iloc[2]
    assert (row.patient_id, row.Manufacturer, row.KVP) == ("P1", "SIM", 120.0)
    assert (row.ConvolutionKernel, row.PixelSpacing) == ("B30f\\3", "0.5\\0.5")
    assert (row.position_z, row["rows"], row.frames) == (4.0, 4, 1)
    assert found.summary.slices.tolist() == [5]


def test_a_tag_that_only_describes_may_be_damaged(tmp_path):
    dataset = ct(np.zeros((4, 4)))
    dataset.add_new("KVP", "LO", "much")
    read = read_series(save(dataset, tmp_path / "image.dcm"))
    assert "KVP" not in read.tags
    assert any("KVP is ignored" in warning for warning in read.warnings)


def test_shipped_test_files_are_read_or_refused_with_a_reason():
    found = scan(SHIPPED)
    assert len(found.files) >= 40
    assert found.refused.reason.str.len().min() > 5
    named = found.refused.set_index(found.refused.file.str.split("/").str[-1])
    assert "truncated" not in found.files.path.str.cat()
    assert named.loc["MR_truncated.dcm", "tag"] == "PixelData"
    assert named.loc["examples_rgb_color.dcm", "tag"] == "PhotometricInterpretation"
    assert named.loc["README.txt", "reason"].iloc[0] == "not a DICOM file"
    assert "DICOMDIR" in named.loc["DICOMDIR", "reason"].iloc[0]
