"""What a compressed frame says about itself, read from its first bytes without decoding it."""

import struct
from pathlib import Path
from typing import NamedTuple

from pydicom.uid import (
    HTJ2K,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000TransferSyntaxes,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
)

from medlib.dicom.layout import Chunks, Layout
from medlib.dicom.refusal import DicomError
from medlib.dicom.source import Source

J2K_SYNTAXES = (*JPEG2000TransferSyntaxes, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)
JPEG_START, J2K_START, JP2_START = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
END_OF_CODESTREAM = b"\xff\xd9"
# Start-of-frame markers of JPEG (T.81 B.1.1.3; C4, C8, CC are something else) and JPEG-LS (T.87).
START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
START_OF_SCAN = 0xDA
# A start of frame comes within this many bytes, after tables and application segments; an end
# marker may be followed by padding.
LONGEST_HEAD, LONGEST_TAIL = 1 << 18, 16
RLE_HEADER = 64
# A run of 128 equal bytes takes two (PS3.5 G.3.1).
RLE_EXPANSION = 64


class Claim(NamedTuple):
    """Size, number of components and bits a sample that a codestream states."""

    rows: int
    columns: int
    components: int
    precision: int


def starts_frame(syntax: UID, head: bytes) -> bool:
    """Return whether a fragment with these first bytes starts a frame (RLE: every one does)."""
    return syntax == RLELossless or head.startswith((JPEG_START, J2K_START, JP2_START))


def check_codestream(path: Path, data: Source, layout: Layout, chunks: Chunks) -> None:
    """Check that a frame's codestream is whole and states the size that the header states.

    Raises:
        DicomError: it is damaged, cut short, or of another size.

    """
    held = sum(length for _, length in chunks)
    if layout.syntax == RLELossless:
        return _check_rle(path, layout, _first_bytes(data, chunks, RLE_HEADER), held)
    _check_claim(path, layout, _claim(path, data, layout, chunks))
    start, length = chunks[-1]
    end = min(length, LONGEST_TAIL)
    if END_OF_CODESTREAM not in read_chunk(data, (start + length - end, end)):
        raise DicomError(path, "PixelData", "the compressed image is cut short: no end marker")
    if layout.syntax in (JPEGLossless, JPEGLosslessSV1):
        _check_bits(path, layout, held)
    return None


def _claim(path: Path, data: Source, layout: Layout, chunks: Chunks) -> Claim:
    read = _j2k_claim if layout.syntax in J2K_SYNTAXES else _jpeg_claim
    try:
        return read(_first_bytes(data, chunks, LONGEST_HEAD))
    except (struct.error, IndexError, ValueError) as error:
        raise DicomError(path, "PixelData", "the compressed image's header is damaged") from error


def _first_bytes(data: Source, chunks: Chunks, count: int) -> bytes:
    head = b""
    for start, length in chunks:
        head += read_chunk(data, (start, min(length, count - len(head))))
    return head


def read_chunk(data: Source, chunk: tuple[int, int]) -> bytes:
    """Return the bytes of one (start, length) range."""
    data.seek(chunk[0])
    return data.read(chunk[1])


def _check_claim(path: Path, layout: Layout, claim: Claim) -> None:
    if (claim.rows, claim.columns) != (layout.rows, layout.columns):
        stated, compressed = f"{layout.rows} x {layout.columns}", f"{claim.rows} x {claim.columns}"
        reason = f"{stated} stated, but the compressed image is {compressed}"
        raise DicomError(path, "Rows", reason)
    if claim.components != 1:
        reason = f"1 stated, but the compressed image has {claim.components}"
        raise DicomError(path, "SamplesPerPixel", reason)
    if not 2 <= claim.precision <= layout.bits_allocated:
        reason = f"{layout.bits_allocated} stated, but the compressed image has {claim.precision}"
        raise DicomError(path, "BitsAllocated", reason)


def _check_bits(path: Path, layout: Layout, held: int) -> None:
    """A lossless JPEG sample takes one bit at least, since no Huffman code is shorter."""
    if layout.rows * layout.columns > 8 * held:
        reason = f"cut short: {held} bytes cannot hold {layout.rows} x {layout.columns} pixels"
        raise DicomError(path, "PixelData", reason)


def _check_rle(path: Path, layout: Layout, head: bytes, held: int) -> None:
    segments = layout.bits_allocated // 8
    if held < RLE_HEADER or held * RLE_EXPANSION < layout.frame_bytes:
        reason = f"cut short: {held} RLE bytes cannot hold {layout.frame_bytes}"
        raise DicomError(path, "PixelData", reason)
    count, *offsets = struct.unpack("<16I", head)
    used = offsets[:segments]
    if count != segments or used[0] != RLE_HEADER or used != sorted(used) or used[-1] >= held:
        raise DicomError(path, "PixelData", "the RLE header is damaged")


def _j2k_claim(stream: bytes) -> Claim:
    """Read the SIZ segment, the first of every codestream (ISO 15444-1 A.5.1).

    pydicom's get_j2k_parameters reads its precision alone, not rows, columns and components.
    """
    start = stream.index(J2K_START, 0, 4096) + 4
    x, y, x0, y0 = struct.unpack_from(">4I", stream, start + 4)
    components, depth, dx, dy = struct.unpack_from(">H3B", stream, start + 36)
    if dx != 1 or dy != 1:
        raise ValueError("subsampled")
    return Claim(y - y0, x - x0, components, (depth & 0x7F) + 1)


def _jpeg_claim(stream: bytes) -> Claim:
    """Walk the marker segments to the start of frame (T.81 B.2.2); pydicom's walk is private."""
    if not stream.startswith(JPEG_START[:2]):
        raise ValueError("no start of image")
    position = 2
    while True:
        if stream[position] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = stream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in START_OF_FRAME:
            precision, rows, columns, components = struct.unpack_from(">BHHB", stream, position + 4)
            return Claim(rows, columns, components, precision)
        if marker == START_OF_SCAN:
            raise ValueError("no start of frame")
        position += 2 + struct.unpack_from(">H", stream, position + 2)[0]
