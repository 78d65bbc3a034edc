"""Folders of DICOM files to tables, series and arrays."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from medlib.dicom.geometry import Frame, Stack, stack
from medlib.dicom.header import Header, read_header
from medlib.dicom.pixels import PADDING_HU, padded, stored_frame
from medlib.dicom.refusal import DicomError
from medlib.dicom.source import Source, open_source
from medlib.dicom.tags import NUMBER_TAGS, TEXT_TAGS
from medlib.errors import InputError
from medlib.types import Floats, Volume


@dataclass(frozen=True)
class Series:
    """One series as a volume in order along the normal.

    `pixels` float32, slices x rows x columns, in `units` ("HU" for CT, otherwise "grey level");
    `spacing` (dz, dy, dx) mm, NaN where unknown; `positions` n x 3 mm, the centre of each slice's
    first pixel; `orientation` the direction cosines of row and column; `tags` of the first slice;
    `paths` the file of each slice; `warnings` what was irregular, and what was left out.
    """

    series_uid: str
    patient_id: str
    study_uid: str
    modality: str
    pixels: Volume = field(repr=False)
    spacing: tuple[float, float, float]
    positions: Floats = field(repr=False)
    orientation: tuple[float, ...]
    tags: dict[str, str | float] = field(repr=False)
    paths: tuple[Path, ...] = field(repr=False)
    warnings: tuple[str, ...]
    units: str


@dataclass(frozen=True)
class Scan:
    """What a folder holds, from headers alone.

    `headers` of the readable files by path; `refusals` of the others.
    """

    folder: Path
    headers: tuple[Header, ...] = field(repr=False)
    refusals: tuple[DicomError, ...] = field(repr=False)

    @cached_property
    def files(self) -> pd.DataFrame:
        """One row a readable file: path, identity, matrix, first frame's place, tags."""
        return pd.DataFrame([_row(header) for header in self.headers], columns=_COLUMNS)

    @cached_property
    def refused(self) -> pd.DataFrame:
        """One row a refused file: file, tag at fault ("" where none is to blame), reason."""
        rows = [(error.file, error.tag, error.reason) for error in self.refusals]
        return pd.DataFrame(rows, columns=["file", "tag", "reason"])

    @cached_property
    def by_series(self) -> dict[str, list[Header]]:
        """Readable files of each series, in order of patient, study and series UID."""
        ordered = sorted(self.headers, key=lambda h: (h.patient_id, h.study_uid, h.series_uid))
        groups: dict[str, list[Header]] = {}
        for header in ordered:
            groups.setdefault(header.series_uid, []).append(header)
        return groups

    @property
    def series(self) -> list[str]:
        """Series UIDs, in order of patient, study and series UID."""
        return list(self.by_series)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a series: patient, modality, slices, matrix, spacing in mm, warnings."""
        return pd.DataFrame([_summary_row(uid, files) for uid, files in self.by_series.items()])


_COLUMNS = (
    "path",
    "series_uid",
    "study_uid",
    "sop_uid",
    "patient_id",
    "modality",
    "rows",
    "columns",
    "frames",
    "position_x",
    "position_y",
    "position_z",
    "orientation",
    "spacing_y",
    "spacing_x",
    "transfer_syntax",
    "warnings",
    "PixelSpacing",
    *TEXT_TAGS,
    *NUMBER_TAGS,
)


def _row(header: Header) -> dict[str, object]:
    layout, plane = header.layout, header.planes[0]
    x, y, z = plane.position or (np.nan,) * 3
    down, across = plane.spacing or (np.nan,) * 2
    return {
        "path": str(header.path),
        "series_uid": header.series_uid,
        "study_uid": header.study_uid,
        "sop_uid": header.sop_uid,
        "patient_id": header.patient_id,
        "modality": header.modality,
        "rows": layout.rows,
        "columns": layout.columns,
        "frames": layout.frames,
        "position_x": x,
        "position_y": y,
        "position_z": z,
        "orientation": plane.orientation,
        "spacing_y": down,
        "spacing_x": across,
        "transfer_syntax": layout.syntax.name,
        "warnings": "; ".join(header.warnings),
        **header.tags,
    }


def _summary_row(uid: str, headers: list[Header]) -> dict[str, object]:
    arranged, first = stack(headers), headers[0]
    layout = arranged.frames[0].header.layout
    return {
        "series_uid": uid,
        "patient_id": first.patient_id,
        "modality": first.modality,
        "slices": len(arranged.frames),
        "matrix": f"{layout.rows} x {layout.columns}",
        "spacing": arranged.spacing,
        "warnings": "; ".join(arranged.warnings),
    }


def scan(folder: str | Path) -> Scan:
    """Read the headers of all files below a folder.

    A file that is no readable image is refused with its reason, the others are not affected.

    Raises:
        InputError: there is no such folder.

    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: name one that holds DICOM files")
    paths = (Path(base) / name for base, _, names in os.walk(folder) for name in names)
    return _scan_files(folder, sorted(paths))


def _scan_files(folder: Path, paths: Iterable[Path]) -> Scan:
    headers, refusals = [], []
    for path in paths:
        try:
            headers.append(_header_in_series(path))
        except DicomError as error:
            refusals.append(error)
    return Scan(folder, tuple(headers), tuple(refusals))


def _header_in_series(path: Path) -> Header:
    header = read_header(path)
    if not header.series_uid:
        raise DicomError(
            path, "SeriesInstanceUID", "missing: it cannot be told which series it is of"
        )
    return header


def read_image(path: str | Path) -> Volume:
    """Return one file's pixels, rows x columns, or frames x rows x columns where it holds several.

    CT is in Hounsfield units, anything else in the grey levels of the file, dark to bright.

    Raises:
        DicomError: the file is no readable greyscale image.

    """
    header = read_header(Path(path))
    with open_source(header.path) as data:
        frames = [_values(data, Frame(header, i)) for i in range(header.layout.frames)]
    return np.stack(frames) if len(frames) > 1 else frames[0]


def _values(data: Source, frame: Frame) -> Volume:
    header, layout, plane = frame.header, frame.header.layout, frame.plane
    stored = stored_frame(header.path, data, layout, frame.number)
    values = stored.astype(np.float32)
    if header.monochrome1 and header.units != "HU":
        # Low values are shown white (PS3.3 C.7.6.3.1.2); HU mean the same however they are shown.
        values = np.float32(-1 if layout.signed else 2**layout.bits_stored - 1) - values
    values *= np.float32(plane.slope)
    values += np.float32(plane.intercept)
    if header.padding is not None and header.units == "HU":
        values[padded(stored, layout, header.padding)] = PADDING_HU
    return values


def read_series(
    source: Scan | str | Path | Iterable[str | Path], series_uid: str | None = None
) -> Series:
    """Return one series, its slices in order of position along the normal.

    `source` is a scan, a folder or the files themselves; `series_uid` may be left out where they
    hold one series only. A slice whose pixels turn out to be damaged is left out with a warning.

    Raises:
        InputError: no such series, or several and none is named.
        DicomError: none of the series' slices can be read.

    """
    scanned = _scanned(source)
    uid = _chosen_uid(scanned, series_uid)
    headers, first_error = scanned.by_series[uid], None
    damaged: list[str] = []
    while headers:
        arranged = stack(headers)
        pixels, errors = _read_frames(arranged)
        if not errors:
            return _series(arranged, pixels, damaged)
        first_error = first_error or next(iter(errors.values()))
        damaged += [f"left out {error}" for error in errors.values()]
        headers = [header for header in headers if header.path not in errors]
    assert first_error is not None
    raise first_error


def _scanned(source: Scan | str | Path | Iterable[str | Path]) -> Scan:
    if isinstance(source, Scan):
        return source
    if isinstance(source, str | Path):
        return scan(source) if Path(source).is_dir() else _scan_files(Path(source), [Path(source)])
    return _scan_files(Path(), sorted(Path(path) for path in source))


def _chosen_uid(scanned: Scan, series_uid: str | None) -> str:
    found = scanned.series
    if series_uid in found:
        return series_uid
    if not found and len(scanned.refusals) == 1:
        raise scanned.refusals[0]
    if not found:
        why = f" ({scanned.refusals[0]})" if scanned.refusals else ""
        raise InputError(f"no readable DICOM series in {scanned.folder}{why}")
    if series_uid is None and len(found) == 1:
        return found[0]
    asked = "several series" if series_uid is None else f"no series {series_uid}"
    raise InputError(f"{asked} in {scanned.folder}: name one of {', '.join(found)}")


def _read_frames(arranged: Stack) -> tuple[Volume, dict[Path, DicomError]]:
    layout = arranged.frames[0].header.layout
    pixels = np.empty((len(arranged.frames), layout.rows, layout.columns), dtype=np.float32)
    errors: dict[Path, DicomError] = {}
    for path, places in _by_file(arranged):
        try:
            with open_source(path) as data:
                for place in places:
                    pixels[place] = _values(data, arranged.frames[place])
        except DicomError as error:
            errors[path] = error
    return pixels, errors


def _by_file(arranged: Stack) -> Iterator[tuple[Path, list[int]]]:
    places: dict[Path, list[int]] = {}
    for place, frame in enumerate(arranged.frames):
        places.setdefault(frame.header.path, []).append(place)
    yield from places.items()


def _series(arranged: Stack, pixels: Volume, damaged: list[str]) -> Series:
    first = arranged.frames[0].header
    return Series(
        series_uid=first.series_uid,
        patient_id=first.patient_id,
        study_uid=first.study_uid,
        modality=first.modality,
        pixels=pixels,
        spacing=arranged.spacing,
        positions=arranged.positions,
        orientation=arranged.orientation,
        tags=dict(first.tags),
        paths=tuple(frame.header.path for frame in arranged.frames),
        warnings=(*damaged, *arranged.warnings),
        units=first.units,
    )
