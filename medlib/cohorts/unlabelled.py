"""Images without labels, to be predicted: a folder, or any cohort whose labels are left unread."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import numpy as np

from medlib.cohorts import KINDS, load
from medlib.cohorts.cohort import THREADS, Cohort, Reader
from medlib.cohorts.sources import archives, pictures
from medlib.cohorts.sources.arrays import from_arrays
from medlib.dicom import DicomError, Scan, read_image, scan
from medlib.dicom.geometry import Frame, stack
from medlib.errors import InputError
from medlib.types import Image

GREY: Final = "grey level 0-255"
DICOM_NAMES: Final = ("", ".dcm", ".dicom", ".ima")
"""How names of DICOM files end; numbers too. Other files beside them are passed by."""


class Read(NamedTuple):
    """One image, or why there is none."""

    file: str
    image: Image | None
    reason: str = ""


@dataclass(frozen=True)
class Unlabelled:
    """Images in order, read when they are asked for."""

    name: str
    units: str
    modality: str
    rows: tuple[Mapping[str, Any], ...]
    """image_id, and what the reader needs."""
    reader: Reader
    refused: tuple[tuple[str, str], ...] = field(default=())
    """Files that are known to be unreadable before their pixels are read, and why."""

    def __len__(self) -> int:
        """Return the number of images, readable or not."""
        return len(self.rows)

    def read(self, at_once: int) -> Iterator[list[Read]]:
        """Yield all images in lists of `at_once`, decoded side by side."""
        with ThreadPoolExecutor(THREADS) as pool:
            for start in range(0, len(self.rows), at_once):
                yield list(pool.map(self._read, self.rows[start : start + at_once]))

    def _read(self, row: Mapping[str, Any]) -> Read:
        file = str(row["image_id"])
        try:
            image = self.reader(row)
        except DicomError as error:
            return Read(file, None, error.reason)
        except pictures.UNREADABLE as error:
            return Read(file, None, str(error).strip() or type(error).__name__)
        if not np.isfinite(image).all():
            return Read(file, None, "holds NaN or infinite pixels")
        return Read(file, image)


def open_unlabelled(spec: str, *, slice: str = "all") -> Unlabelled:
    """Return the images of a folder, of KIND:PATH or of "phantom-chest-ct"; labels are not read.

    A folder is taken for pictures if it holds one, else for DICOM. Of a DICOM series ``slice`` is
    "all", "middle" or the number of one slice; so in the specification, dicom:DIR?slice=middle.
    An npz needs images only. Raises InputError where nothing is there, or no image.
    """
    kind, place, options = _parse(spec)
    if kind == "images":
        return _pictures(archives.folder(place, "images"))
    if kind == "dicom":
        return _dicom(archives.folder(place, "dicom"), options.get("slice", slice))
    if kind == "npz":
        return _of_cohort(_arrays(archives.existing(place, "npz")))
    return _of_cohort(load(spec, classes="all"))


def _parse(spec: str) -> tuple[str, str, dict[str, str]]:
    if Path(spec).expanduser().exists():
        path = Path(spec).expanduser()
        return _kind(path), str(path), {}
    named, _, query = spec.partition("?")
    kind, _, place = named.partition(":")
    if kind not in KINDS:
        archives.existing(spec, "images")  # says that there is no such folder, and what is near
    return kind, place, dict(parse_qsl(query))


def _kind(path: Path) -> str:
    if path.suffix.lower() == ".npz":
        return "npz"
    home = archives.folder(str(path), "images")
    return "images" if next(pictures.find(home), None) else "dicom"


def _pictures(home: Path) -> Unlabelled:
    found = list(pictures.find(home))
    if not found:
        raise InputError(
            f"{home} holds no pictures ({', '.join(sorted(pictures.SUFFIXES))}): check the folder; "
            "DICOM files are read with dicom:DIR."
        )
    rows = tuple({"image_id": p.relative_to(home).as_posix(), "path": str(p)} for p in found)
    return Unlabelled(home.name, GREY, "unknown", rows, lambda row: pictures.read(row["path"]))


def _dicom(home: Path, slice: str) -> Unlabelled:
    found = scan(home)
    refused = tuple(
        (os.path.relpath(error.file, home), error.reason)
        for error in found.refusals
        if _named_as_dicom(Path(error.file))
    )
    if not found.headers:
        why = f" ({len(refused)} files were refused, {_first(refused)})" if refused else ""
        raise InputError(f"{home} holds no pictures and no readable DICOM image{why}: check it.")
    frames = [frame for headers in _series(found) for frame in _chosen(headers, slice)]
    rows = tuple({"image_id": _name(frame, home), "frame": frame} for frame in frames)
    modality = "/".join(sorted({frame.header.modality for frame in frames}))
    units = "HU" if modality == "CT" else "grey levels of the files"
    return Unlabelled(home.name, units, modality, rows, _frame, refused)


def _frame(row: Mapping[str, Any]) -> Image:
    frame: Frame = row["frame"]
    pixels = read_image(frame.header.path)
    return pixels[frame.number] if pixels.ndim == 3 else pixels


def _series(found: Scan) -> Iterator[list[Frame]]:
    for headers in found.by_series.values():
        yield [Frame(header, i) for header in headers for i in range(header.layout.frames)]


def _chosen(frames: list[Frame], slice: str) -> list[Frame]:
    """Return all frames of a series in the order of its files, or one along the normal."""
    if slice == "all":
        return frames
    if slice != "middle" and not slice.isdigit():
        raise InputError(f'slice is {slice!r}: give "middle", "all" or a number from 0.')
    along = stack(list(dict.fromkeys(frame.header for frame in frames))).frames
    number = len(along) // 2 if slice == "middle" else int(slice)
    if number >= len(along):
        raise InputError(
            f"slice is {slice} and series {frames[0].header.series_uid} has {len(along)} slices: "
            "give a lower number."
        )
    return [along[number]]


def _name(frame: Frame, home: Path) -> str:
    file = Path(os.path.relpath(frame.header.path, home)).as_posix()
    return f"{file}#{frame.number + 1}" if frame.header.layout.frames > 1 else file


def _named_as_dicom(path: Path) -> bool:
    return path.suffix.lower() in DICOM_NAMES or path.suffix[1:].isdigit()


def _first(refused: tuple[tuple[str, str], ...]) -> str:
    file, reason = refused[0]
    return f"such as {file!r}: {reason}"


def _arrays(path: Path) -> Cohort:
    """Return all image arrays of an npz, one after the other."""
    try:
        with np.load(path, allow_pickle=False) as file:
            stacks = [file[name] for name in file.files if name.endswith("images")]
    except Exception as error:  # what is no npz fails in many ways
        raise InputError(f"{path} is no npz of numpy, or damaged ({error}).") from error
    if not stacks:
        raise InputError(f"{path} holds no array 'images' (or test_images, ...): add one.")
    images = np.concatenate(stacks)
    return from_arrays(images, ["unlabelled"] * len(images), name=path.stem)


def _of_cohort(cohort: Cohort) -> Unlabelled:
    rows = tuple({str(k): v for k, v in row.items()} for row in cohort.table.to_dict("records"))
    refused = tuple(zip(cohort.refused.file, cohort.refused.reason, strict=True))
    return Unlabelled(cohort.name, cohort.units, cohort.modality, rows, cohort.reader, refused)
