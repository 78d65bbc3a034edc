"""What one DICOM file says about its image, read without pixels and checked against its size."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from medlib.dicom.checks import locate_frames
from medlib.dicom.layout import Layout
from medlib.dicom.pixels import DECODABLE
from medlib.dicom.refusal import DicomError
from medlib.dicom.source import PixelElement, open_source, parse_header
from medlib.dicom.tags import NUMBER_TAGS, READ_TAGS, TEXT_TAGS
from medlib.dicom.values import Values

GREYSCALE = ("MONOCHROME1", "MONOCHROME2")
# Pixel data that are no picture of a patient.
NO_PICTURES = {"RTDOSE": "a dose grid", "SEG": "a segmentation"}
# Row and column direction must be unit vectors at right angles; some writers round to 3 digits.
ORIENTATION_TOLERANCE = 1e-2
# float32 holds 3e38; a rescale beyond this is damage, not a unit.
LARGEST_VALUE = 1e30


@dataclass(frozen=True)
class Plane:
    """Where one frame lies in the patient, and how its stored values become physical ones.

    `position` (x, y, z) mm of the first pixel's centre, `orientation` the six direction cosines of
    row and column, `spacing` (dy, dx) mm; None where the file does not say or says nonsense.
    """

    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    slope: float
    intercept: float


@dataclass(frozen=True, eq=False)
class Header:
    """One readable file: identity, layout of its pixels, and one `Plane` a frame."""

    path: Path
    sop_uid: str
    series_uid: str
    study_uid: str
    patient_id: str
    modality: str
    layout: Layout
    monochrome1: bool
    padding: tuple[int, int] | None
    planes: tuple[Plane, ...]
    tags: dict[str, str | float]
    warnings: tuple[str, ...]

    @property
    def units(self) -> str:
        """Return "HU" for CT, otherwise "grey level"."""
        return "HU" if self.modality == "CT" else "grey level"


def read_header(path: Path) -> Header:
    """Return what the file says, having checked that its bytes can hold the image it claims.

    Raises:
        DicomError: no DICOM, no greyscale image, damaged, cut short, or larger than its bytes.

    """
    with warnings.catch_warnings(), open_source(path) as data:
        # What the parser warns about is judged here, value by value.
        warnings.simplefilter("ignore")
        dataset, element = parse_header(path, data, READ_TAGS)
        values, meta = Values(path, dataset), Values(path, dataset.file_meta, dataset)
        if meta.text("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            raise values.refuse("MediaStorageSOPClassUID", "a DICOMDIR index, not an image")
        if element is None:
            reason = "there are no pixels: not an image, or cut short before them"
            raise values.refuse("PixelData", reason)
        _check_picture(values)
        layout = _layout(values, _syntax(meta, dataset), dataset, element)
        layout = replace(layout, chunks=locate_frames(path, data, layout, element))
        return _header(values, layout)


def _check_picture(values: Values) -> None:
    modality = values.text("Modality")
    if modality in NO_PICTURES:
        raise values.refuse("Modality", f"{modality} is {NO_PICTURES[modality]}, not an image")
    photometric = values.text("PhotometricInterpretation")
    if values.whole("SamplesPerPixel", 1) != 1 or photometric not in GREYSCALE:
        found = photometric or "missing"
        reason = f"it is {found}; only greyscale images are read ({' or '.join(GREYSCALE)})"
        raise values.refuse("PhotometricInterpretation", reason)


def _syntax(meta: Values, dataset: FileDataset) -> UID:
    """Return the transfer syntax; without file meta information, what the parser recognised."""
    implicit, little = dataset.original_encoding
    native = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    native = ImplicitVRLittleEndian if implicit else native
    stated = UID(meta.text("TransferSyntaxUID") or native)
    if stated in (ExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian):
        return native
    if stated not in DECODABLE:
        raise meta.refuse("TransferSyntaxUID", f"no decoder for {stated.name}")
    return stated


def _layout(values: Values, syntax: UID, dataset: FileDataset, element: PixelElement) -> Layout:
    allocated = values.whole("BitsAllocated")
    stored = values.whole("BitsStored", allocated)
    layout = Layout(
        syntax=syntax,
        little_endian=dataset.original_encoding[1] is not False,
        rows=values.whole("Rows"),
        columns=values.whole("Columns"),
        frames=values.whole("NumberOfFrames", 1),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=values.whole("HighBit", stored - 1),
        signed=values.whole("PixelRepresentation", 0) == 1,
        word_swapped=dataset.original_encoding[1] is False and element.vr == "OW",
    )
    _check_layout(values, layout)
    return layout


def _check_layout(values: Values, layout: Layout) -> None:
    counts = {"Rows": layout.rows, "Columns": layout.columns, "NumberOfFrames": layout.frames}
    for keyword, count in counts.items():
        if count < 1:
            raise values.refuse(keyword, f"it must be 1 or more, not {count}")
    if layout.bits_allocated not in (8, 16, 32):
        raise values.refuse("BitsAllocated", f"it must be 8, 16 or 32, not {layout.bits_allocated}")
    if not 1 <= layout.bits_stored <= layout.bits_allocated:
        reason = f"{layout.bits_stored} does not fit BitsAllocated {layout.bits_allocated}"
        raise values.refuse("BitsStored", reason)
    if not layout.bits_stored - 1 <= layout.high_bit < layout.bits_allocated:
        reason = f"{layout.high_bit} does not fit BitsStored {layout.bits_stored}"
        raise values.refuse("HighBit", reason)


def _header(values: Values, layout: Layout) -> Header:
    notes: list[str] = []
    modality = values.text("Modality")
    return Header(
        path=values.path,
        sop_uid=values.text("SOPInstanceUID"),
        series_uid=values.text("SeriesInstanceUID"),
        study_uid=values.text("StudyInstanceUID"),
        patient_id=values.text("PatientID"),
        modality=modality,
        layout=layout,
        monochrome1=values.text("PhotometricInterpretation") == "MONOCHROME1",
        padding=_padding(values),
        planes=_planes(values, layout, modality, notes),
        tags=_tags(values, notes),
        warnings=tuple(dict.fromkeys(notes)),
    )


def _padding(values: Values) -> tuple[int, int] | None:
    if values.get("PixelPaddingValue") is None:
        return None
    first = values.whole("PixelPaddingValue")
    return first, values.whole("PixelPaddingRangeLimit", first)


def _shared(values: Values) -> list[Dataset]:
    return [values.flat(item) for item in values.items("SharedFunctionalGroupsSequence")[:1]]


def _tags(values: Values, notes: list[str]) -> dict[str, str | float]:
    """Return the descriptive attributes that are there; a damaged one is noted, not fatal."""
    found: dict[str, str | float] = {}
    values = Values(values.path, *values.datasets, *_shared(values))
    for keyword in (*TEXT_TAGS, *NUMBER_TAGS):
        try:
            value = values.text(keyword) if keyword in TEXT_TAGS else values.number(keyword)
        except DicomError as error:
            notes.append(f"{keyword} is ignored: {error.reason}")
            continue
        if value not in (None, ""):
            found[keyword] = value
    spacing = _spacing(values, [])
    if spacing is not None:
        found["PixelSpacing"] = "\\".join(f"{step:g}" for step in spacing)
    return found


def _planes(values: Values, layout: Layout, modality: str, notes: list[str]) -> tuple[Plane, ...]:
    """Return one plane a frame: from functional groups (own before shared) or the top level."""
    shared = _shared(values)
    groups = values.items("PerFrameFunctionalGroupsSequence")
    if not groups:
        plane = _plane(Values(values.path, *shared, *values.datasets), layout, modality, notes)
        return (plane,) * layout.frames
    if len(groups) != layout.frames:
        reason = f"{len(groups)} items for {layout.frames} frames"
        raise values.refuse("PerFrameFunctionalGroupsSequence", reason)
    per_frame = (
        Values(values.path, values.flat(group), *shared, *values.datasets) for group in groups
    )
    return tuple(_plane(frame, layout, modality, notes) for frame in per_frame)


def _plane(values: Values, layout: Layout, modality: str, notes: list[str]) -> Plane:
    slope, intercept = _rescale(values, layout, modality, notes)
    return Plane(
        position=_geometry(values, "ImagePositionPatient", 3, notes),
        orientation=_orientation(values, notes),
        spacing=_spacing(values, notes),
        slope=slope,
        intercept=intercept,
    )


def _rescale(
    values: Values, layout: Layout, modality: str, notes: list[str]
) -> tuple[float, float]:
    slope, intercept = values.number("RescaleSlope"), values.number("RescaleIntercept")
    if values.get("ModalityLUTSequence") is not None:
        raise values.refuse(
            "ModalityLUTSequence", "value tables are not read, only a linear rescale"
        )
    if modality == "CT" and (slope is None or intercept is None):
        notes.append("no RescaleSlope or RescaleIntercept: stored values are taken as HU")
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if slope == 0 or abs(slope) * 2.0**layout.bits_stored + abs(intercept) > LARGEST_VALUE:
        raise values.refuse("RescaleSlope", f"{slope:g} (intercept {intercept:g}) cannot be right")
    return slope, intercept


def _geometry(
    values: Values, keyword: str, count: int, notes: list[str]
) -> tuple[float, ...] | None:
    try:
        return values.numbers(keyword, count)
    except DicomError as error:
        notes.append(f"{keyword} is ignored: {error.reason}")
        return None


def _orientation(values: Values, notes: list[str]) -> tuple[float, ...] | None:
    cosines = _geometry(values, "ImageOrientationPatient", 6, notes)
    if cosines is None:
        return None
    axes = np.reshape(cosines, (2, 3))
    if np.abs(axes @ axes.T - np.eye(2)).max() > ORIENTATION_TOLERANCE:
        notes.append("ImageOrientationPatient is ignored: no two unit vectors at right angles")
        return None
    return cosines


def _spacing(values: Values, notes: list[str]) -> tuple[float, ...] | None:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = _geometry(values, keyword, 2, notes)
        if spacing is not None and min(spacing) > 0:
            return spacing
    return None
