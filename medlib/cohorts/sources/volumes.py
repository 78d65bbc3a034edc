"""NIfTI and NRRD files as slices, upright as their DICOM would be.

A volume is cut along the third axis of its file. Rows and columns of a slice are ordered by the
file's directions: patient's right at the left of an axial or coronal slice, front at its top or
left, head up; slices are counted as those of a DICOM series, along the normal. A file without
directions (or NIfTI's identity, which scripts write for "unknown") gives its slices as stored, the
fastest axis as columns.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from medlib.cohorts.sources.levels import Stored
from medlib.errors import InputError
from medlib.types import Array, Floats, Image

SUFFIXES: Final = (".nii", ".nii.gz", ".nrrd")
"""How their names end."""
NIFTI_TYPES: Final = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8",
                      256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}  # fmt: skip
"""Codes of data types (nifti1.h) that hold one number a voxel."""
NRRD_TYPES: Final = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "f4": ("float",),
    "f8": ("double",),
}
"""Names of types (teem, "Definition of NRRD File Format")."""
NRRD_FIELDS: Final = ("type", "sizes", "encoding")
"""Fields without which an NRRD file cannot be read."""
UNPACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "raw": bytes,
    "gzip": gzip.decompress,
    "gz": gzip.decompress,
    "bzip2": bz2.decompress,
    "bz2": bz2.decompress,
}
"""Encodings of an NRRD file's data."""
TO_LPS: Final = {"left": 1, "posterior": 1, "superior": 1,
                 "right": -1, "anterior": -1, "inferior": -1}  # fmt: skip
UNREADABLE: Final = (OSError, ValueError, EOFError, KeyError, IndexError, TypeError, zlib.error,
                     MemoryError, UnicodeDecodeError, OverflowError)  # fmt: skip
"""What a damaged file raises."""


@dataclass(frozen=True)
class Volume:
    """`values` slices x rows x columns as a reader sees them; how the file stores them."""

    values: Array
    stored: Stored


def is_volume(path: str | Path) -> bool:
    """Return whether a file's name is that of a NIfTI or NRRD file."""
    return str(path).lower().endswith(SUFFIXES)


def read_slice(path: str | Path, number: int) -> tuple[Image, Stored]:
    """Return one slice, float32, and how the file stores it; one of `UNREADABLE` if damaged."""
    volume = read(path)
    return volume.values[number].astype(np.float32), volume.stored


def read(path: str | Path) -> Volume:
    """Return the volume of a file; one of `UNREADABLE` if it is damaged or no single volume."""
    return _read(Path(path), Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Volume:
    return _nrrd(path) if path.name.lower().endswith(".nrrd") else _nifti(path)


def places(n: int, wanted: str | int, of: str) -> list[int]:
    """Return the slices of n that ``slice=`` names: "middle", "all" or a number from 0.

    Raises InputError for another word, or a number beyond the last slice of what ``of`` names.
    """
    text = str(wanted)
    if text == "middle":
        return [n // 2]
    if text == "all":
        return list(range(n))
    if not text.isdecimal():
        raise InputError(f'slice is {wanted!r}: give "middle", "all" or a number from 0.')
    if int(text) >= n:
        raise InputError(f"slice is {text} and {of} has {n} slices: give a lower number.")
    return [int(text)]


def refuse_slice(wanted: str | int, held: str) -> None:
    """Raise InputError where a slice is asked of what has none; held: "the folder holds images"."""
    if str(wanted) != "middle":
        raise InputError(f"slice is {wanted!r}, but {held}, which have no slices: leave it out.")


def _nifti(path: Path) -> Volume:
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    order = {b"\x5c\x01\x00\x00": "<", b"\x00\x00\x01\x5c": ">"}.get(data[:4])
    if order is None or data[344:348] != b"n+1\0":
        raise ValueError("no NIfTI-1 file in one piece (.nii or .nii.gz)")

    def numbers(kind: str, start: int, n: int) -> Array:
        return np.frombuffer(data, order + kind, n, start)

    dim, code = numbers("i2", 40, 8), int(numbers("i2", 70, 1)[0])
    if code not in NIFTI_TYPES:
        raise ValueError(f"its data type ({code}) is not one number a voxel")
    shape = _three([int(n) for n in dim[1 : 1 + dim[0]]])
    start = int(numbers("f4", 108, 1)[0])
    values = numbers(NIFTI_TYPES[code], start, int(np.prod(shape))).reshape(shape, order="F")
    slope, intercept = (float(x) for x in numbers("f4", 112, 2))
    if slope not in (0, 1) or (slope == 1 and intercept != 0):
        values = values * slope + intercept
    return Volume(_upright(values, _nifti_directions(numbers)), Stored.of(values))


def _nifti_directions(numbers: Callable[[str, int, int], Array]) -> Floats | None:
    """Directions of the three axes in LPS, one a row; None where the file names none."""
    quaternion, rows = int(numbers("i2", 252, 1)[0]), int(numbers("i2", 254, 1)[0])
    affine = numbers("f4", 280, 12).reshape(3, 4).astype(float)
    if rows > 0:
        axes = affine[:, :3]
        if np.array_equal(affine, np.eye(3, 4)):
            return None
    elif quaternion > 0:
        axes = _rotation(numbers("f4", 256, 3).astype(float))
        axes[:, 2] *= -1 if numbers("f4", 76, 1)[0] < 0 else 1
    else:
        return None
    directions: Floats = axes.T * np.array([-1.0, -1.0, 1.0])  # it counts to right and front
    return directions


def _rotation(bcd: Floats) -> Floats:
    """Rotation of a unit quaternion whose first part is not written (nifti1.h, method 2)."""
    b, c, d = bcd
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def _nrrd(path: Path) -> Volume:
    data = path.read_bytes()
    ends = [n for n in (_after(data, b"\n\n"), _after(data, b"\r\n\r\n")) if n]
    if not data.startswith(b"NRRD000") or not ends:
        raise ValueError("no NRRD file, or cut short")
    end = min(ends)
    lines = data[:end].decode("utf-8").splitlines()
    pairs = [line.split(":", 1) for line in lines[1:] if ":" in line and line[0] != "#"]
    field = {name.strip().lower(): value.strip() for name, value in pairs if value[:1] != "="}
    if "data file" in field or "datafile" in field:
        raise ValueError("its data are in another file: save header and data as one .nrrd")
    if lacking := [name for name in NRRD_FIELDS if name not in field]:
        raise ValueError(f"its header lacks {', '.join(lacking)}")
    kind, encoding = field["type"].lower(), field["encoding"].lower()
    code = next((code for code, names in NRRD_TYPES.items() if kind in names), None)
    if code is None or encoding not in UNPACK:
        raise ValueError(f"type {kind} in encoding {encoding} is not read")
    order = ">" if field.get("endian", "little").lower() == "big" else "<"
    sizes = [int(n) for n in field["sizes"].split()]
    raw = UNPACK[encoding](data[end:])
    shape = _three(sizes)
    values = np.frombuffer(raw, order + code, int(np.prod(shape))).reshape(shape, order="F")
    return Volume(_upright(values, _nrrd_directions(field)), Stored.of(values))


def _after(data: bytes, mark: bytes) -> int:
    """Place of the first byte after a mark, 0 where there is none."""
    return data.find(mark) + len(mark) if mark in data else 0


def _nrrd_directions(field: dict[str, str]) -> Floats | None:
    space = field.get("space", "").lower().split("-")
    space = {"lps": ["left", "posterior", "superior"], "ras": ["right", "anterior", "superior"],
             "las": ["left", "anterior", "superior"]}.get(space[0], space)  # fmt: skip
    told = field.get("space directions", "").replace("(", " ").replace(")", " ").split()
    if len(space) != 3 or len(told) != 3 or not set(space) <= set(TO_LPS):
        return None
    axes = np.array([[float(x) for x in axis.split(",")] for axis in told])
    directions: Floats = axes * np.array([TO_LPS[word] for word in space])
    return directions


def _three(sizes: list[int]) -> tuple[int, int, int]:
    """Sizes of a single volume or slice, with 1 for axes it has not."""
    sizes = sizes + [1] * (3 - len(sizes))
    if any(n != 1 for n in sizes[3:]) or min(sizes) < 1:
        shown = " x ".join(map(str, sizes))
        raise ValueError(f"holds {shown} values: give one volume or slice a file")
    return sizes[0], sizes[1], sizes[2]


def _upright(values: Array, directions: Array | None) -> Array:
    """From i x j x k of a file to slices x rows x columns; directions of i, j, k in LPS."""
    stored = values.transpose(2, 1, 0)
    if directions is None or not np.isfinite(directions).all():
        return stored
    main = np.abs(directions).argmax(axis=1)
    if len(set(main)) < 3:
        return stored
    across, down = (0, 1) if main[0] < main[1] else (1, 0)  # left before back before up
    signs = np.sign(directions[np.arange(3), main])
    to_right = signs[across]
    to_bottom = signs[down] * (-1 if main[down] == 2 else 1)  # the head is up
    normal = np.cross(to_right * directions[across], to_bottom * directions[down])
    along = np.sign(normal @ directions[2])
    upright = values.transpose(2, down, across)
    return upright[:: int(along) or 1, :: int(to_bottom), :: int(to_right)]
