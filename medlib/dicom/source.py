"""Opening a file as DICOM bytes, and parsing its header, without trusting any length it states."""

import mmap
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.dataset import FileDataset
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from medlib.dicom.refusal import DicomError

Source = mmap.mmap | BytesIO

PREAMBLE = 128
# Values this long are no header values (pictures of icons, private blobs); they are skipped.
LONGEST_HEADER_VALUE = 1 << 20
# A deflated file is unpacked in memory: this much always, beyond it only as far as it is plausible.
INFLATED_ALWAYS, INFLATED_RATIO = 64 << 20, 100
UNDEFINED_LENGTH = 0xFFFFFFFF
# The element (0002,0010) that names this transfer syntax, explicit or implicit. It is looked for
# here because the parser would inflate such a file whole, however large that may become.
DEFLATED = re.compile(
    rb"\x02\x00\x10\x00(?:UI\x16\x00|\x16\x00\x00\x00)"
    + re.escape(DeflatedExplicitVRLittleEndian.encode())
)
# First groups of a data set without preamble: file meta information, or identification.
FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")


class PixelElement(NamedTuple):
    """Where the pixel data lie: keyword, value representation, first byte, stated length."""

    keyword: str
    vr: str
    start: int
    length: int


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Yield the file's bytes as a read-only map (inflated in memory if the file is deflated).

    Raises:
        DicomError: the file cannot be opened, is no DICOM, or inflates beyond what is plausible.

    """
    if path.exists() and not path.is_file():
        raise DicomError(path, "", "not a DICOM file: no regular file")  # reading a pipe would wait
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check_is_dicom(path, data)
            yield _inflated(path, data) if _is_deflated(data) else data
    except (OSError, ValueError) as error:
        if isinstance(error, DicomError):
            raise
        raise DicomError(path, "", _why_unreadable(path, error)) from error


def _why_unreadable(path: Path, error: Exception) -> str:
    if path.is_file() and path.stat().st_size == 0:
        return "not a DICOM file: it is empty"
    return f"cannot be read ({error})"


def _check_is_dicom(path: Path, data: mmap.mmap) -> None:
    has_preamble = data[PREAMBLE : PREAMBLE + 4] == b"DICM"
    if not has_preamble and data[:2] not in FIRST_GROUPS:
        raise DicomError(path, "", "not a DICOM file")


def _is_deflated(data: mmap.mmap) -> bool:
    return DEFLATED.search(data[: 1 << 16]) is not None


def _inflated(path: Path, data: mmap.mmap) -> BytesIO:
    """Return the same data set as Explicit VR Little Endian (PS3.5 A.5)."""
    start = PREAMBLE + 4 + 12 + struct.unpack_from("<I", data, PREAMBLE + 12)[0]
    limit = max(INFLATED_ALWAYS, INFLATED_RATIO * len(data))
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(data[start:], limit)
    except zlib.error as error:
        raise DicomError(
            path, "TransferSyntaxUID", f"deflated data are damaged ({error})"
        ) from error
    if not unpacker.eof:
        reason = (
            "deflated data are cut short" if len(body) < limit else f"inflates beyond {limit} bytes"
        )
        raise DicomError(path, "TransferSyntaxUID", reason)
    syntax = ExplicitVRLittleEndian.encode() + b"\0"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(syntax)) + syntax
    return BytesIO(bytes(PREAMBLE) + b"DICM" + meta + body)


def parse_header(
    path: Path, data: Source, tags: Iterable[BaseTag]
) -> tuple[FileDataset, PixelElement | None]:
    """Return the named attributes and where the pixel data lie, if any; pixels are not touched.

    Raises:
        DicomError: the header is damaged.

    """
    data.seek(0)
    try:
        header = pydicom.dcmread(
            data,  # type: ignore[arg-type]
            force=True,
            stop_before_pixels=True,
            specific_tags=list(tags),
            defer_size=LONGEST_HEADER_VALUE,
        )
    except Exception as error:  # damaged bytes surface as whatever the parser stumbles over
        reason = f"its header is damaged or cut short ({' '.join(str(error).split())})"
        raise DicomError(path, "", reason) from error
    return header, _pixel_element(data, header)


def _pixel_element(data: Source, header: FileDataset) -> PixelElement | None:
    implicit, little = header.original_encoding
    order = "<" if little or little is None else ">"
    head = data.read(12)
    if len(head) < 12:
        return None
    group, element = struct.unpack(order + "HH", head[:4])
    keyword = pydicom.datadict.keyword_for_tag((group, element)) or f"({group:04X},{element:04X})"
    start = data.tell()
    if implicit:
        return PixelElement(keyword, "OW", start - 4, struct.unpack(order + "I", head[4:8])[0])
    vr = head[4:6].decode("latin-1")
    return PixelElement(keyword, vr, start, struct.unpack(order + "I", head[8:12])[0])
