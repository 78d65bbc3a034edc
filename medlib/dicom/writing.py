"""Arrays in Hounsfield units to valid CT Image Storage: the same bytes for the same input."""

import hashlib
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from medlib.dicom.geometry import normal
from medlib.errors import InputError
from medlib.types import Floats

Stored = npt.NDArray[np.int16]

INTERCEPT = -1024.0
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# No wall clock: the same input must give the same bytes on any day.
STUDY_DATE, STUDY_TIME = "20000101", "120000"
IMPLEMENTATION = "MEDLIB"
# What every CT image must have, if only empty (PS3.3 A.3, types 1 and 2).
DEFAULT_TAGS: dict[str, Any] = {
    "SpecificCharacterSet": "ISO_IR 192",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "StudyDate": STUDY_DATE,
    "StudyTime": STUDY_TIME,
    "SeriesDate": STUDY_DATE,
    "SeriesTime": STUDY_TIME,
    "ContentDate": STUDY_DATE,
    "ContentTime": STUDY_TIME,
    "AccessionNumber": "",
    "Manufacturer": "",
    "ReferringPhysicianName": "",
    "PatientName": "",
    "PatientBirthDate": "",
    "PatientSex": "",
    "StudyID": "1",
    "SeriesNumber": 1,
    "AcquisitionNumber": 1,
    "PositionReferenceIndicator": "",
    "PatientPosition": "HFS",
    "KVP": None,
    "RescaleType": "HU",
}
OWN_TAGS = frozenset(
    (
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "PatientID",
        "Modality",
        "InstanceNumber",
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "RescaleSlope",
        "RescaleIntercept",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceLocation",
        "PixelData",
    )
)


def write_series(
    pixels_hu: npt.ArrayLike,
    folder: str | Path,
    *,
    patient_id: str,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    orientation: tuple[float, ...] = AXIAL,
    study: str = "1",
    tags: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write slices x rows x columns of Hounsfield units as one CT series, one file a slice.

    `spacing` (dz, dy, dx) mm; `origin` (x, y, z) mm, the centre of the first pixel of the first
    slice; `orientation` direction cosines of row and column; `tags` further attributes by DICOM
    keyword. Values are rounded to whole HU. UIDs are hashes: of patient and study for the study, of
    everything written for series and images. Return the files, in order of slices.

    Raises:
        InputError: wrong shape, values that are no HU, or attributes that DICOM does not know.

    """
    stored = _stored(pixels_hu)
    given = _checked_tags(tags or {})
    _check_geometry(spacing, origin, orientation)
    if not patient_id or len(patient_id) > 64 or "\\" in patient_id:
        raise InputError(f"patient_id {patient_id!r} must have 1 to 64 characters and no backslash")
    study_uid = _uid("study", patient_id, study)
    place = repr((spacing, origin, tuple(orientation), sorted(given.items())))
    series_uid = _uid("series", study_uid, place, hashlib.sha256(stored.tobytes()).hexdigest())
    common = _dataset(
        {
            **DEFAULT_TAGS,
            # Type 2C: required, if only empty, unless the body part is known to be unpaired.
            **({} if "BodyPartExamined" in given else {"Laterality": ""}),
            "SliceThickness": spacing[0],
            "ReconstructionDiameter": spacing[2] * stored.shape[2],
            **given,
            "PatientID": patient_id,
            "StudyInstanceUID": study_uid,
            "SeriesInstanceUID": series_uid,
            "FrameOfReferenceUID": _uid("frame of reference", study_uid),
            "ImageOrientationPatient": list(orientation),
            "PixelSpacing": list(spacing[1:]),
        }
    )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    direction = normal(orientation)
    return [
        _write_slice(folder, common, values, index, origin + index * spacing[0] * direction)
        for index, values in enumerate(stored)
    ]


def _stored(pixels_hu: npt.ArrayLike) -> Stored:
    values = np.asarray(pixels_hu)
    if values.ndim != 3 or 0 in values.shape or max(values.shape) > 65535:
        raise InputError(f"pixels must be slices x rows x columns, not of shape {values.shape}")
    low, high = np.iinfo(np.int16).min + INTERCEPT, np.iinfo(np.int16).max + INTERCEPT
    # NaN is neither above nor below anything, and so fails this too.
    if values.dtype.kind not in "iuf" or not (low <= values.min() and values.max() <= high):
        raise InputError(f"pixels must be Hounsfield units between {low:g} and {high:g}")
    stored = np.empty(values.shape, dtype="<i2")
    for place, one in zip(stored, values, strict=True):
        place[:] = np.rint(one - INTERCEPT)
    return stored


def _checked_tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    for keyword, value in tags.items():
        tag = tag_for_keyword(keyword)
        if tag is None:
            raise InputError(f"{keyword} is no DICOM keyword: see part 6 of the standard")
        if keyword in OWN_TAGS:
            raise InputError(f"{keyword} follows from the pixels and the geometry: leave it out")
        try:
            DataElement(tag, dictionary_VR(tag), _encodable(value), validation_mode=RAISE)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{keyword} cannot be {value!r}: {error}") from error
    return dict(tags)


def _check_geometry(
    spacing: tuple[float, ...], origin: tuple[float, ...], orientation: tuple[float, ...]
) -> None:
    if len(spacing) != 3 or not all(0 < step < 1e4 for step in spacing):
        raise InputError(
            f"spacing must be three positive lengths in mm (dz, dy, dx), not {spacing}"
        )
    if len(origin) != 3 or not np.isfinite(origin).all():
        raise InputError(f"origin must be three finite coordinates in mm, not {origin}")
    axes = np.asarray(orientation, dtype=np.float64)
    if axes.shape != (6,) or not np.allclose(
        axes.reshape(2, 3) @ axes.reshape(2, 3).T, np.eye(2), atol=1e-6
    ):
        raise InputError(f"orientation must be two unit vectors at right angles, not {orientation}")


def _uid(*parts: str) -> str:
    """Return a UID from 122 bits of a hash (PS3.5 B.2: 2.25 and a UUID as a decimal number)."""
    digest = hashlib.sha256("\0".join(("medlib", *parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:15], 'big')}"


def _dataset(attributes: Mapping[str, Any]) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_uid("implementation"))
    meta.ImplementationVersionName = IMPLEMENTATION
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    _assign(dataset, {"SOPClassUID": CTImageStorage, "Modality": "CT", **attributes})
    return dataset


def _assign(dataset: FileDataset, attributes: Mapping[str, Any]) -> None:
    for keyword, value in attributes.items():
        setattr(dataset, keyword, _encodable(value))


def _write_slice(
    folder: Path,
    dataset: FileDataset,
    values: Stored,
    index: int,
    position: Floats,
) -> Path:
    """Write one slice, overwriting in `dataset` what differs between slices."""
    sop_uid = UID(_uid("image", dataset.SeriesInstanceUID, str(index)))
    dataset.file_meta.MediaStorageSOPInstanceUID = sop_uid
    along = np.dot(position, normal(tuple(dataset.ImageOrientationPatient)))
    own = {
        "SOPInstanceUID": sop_uid,
        "InstanceNumber": index + 1,
        "ImagePositionPatient": [_decimal(x) for x in position],
        "SliceLocation": _decimal(along),
        **_pixel_tags(values),
    }
    _assign(dataset, own)
    path = folder / f"{index + 1:05d}.dcm"
    _write_whole(path, dataset)
    return path


def _decimal(value: float) -> str:
    """Return a decimal string of at most 16 characters, without a negative zero."""
    return f"{round(float(value), 6) + 0.0:.10g}"


def _encodable(value: Any) -> Any:
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, list):
        return [_encodable(part) for part in value]
    return value


def _pixel_tags(values: Stored) -> dict[str, Any]:
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": values.shape[0],
        "Columns": values.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleIntercept": INTERCEPT,
        "RescaleSlope": 1.0,
        "PixelData": values.tobytes(),
    }


def _write_whole(path: Path, dataset: FileDataset) -> None:
    """Write the file under another name first, so that no half-written one is ever seen."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(buffer.getvalue())
    partial.replace(path)
