"""Stored pixels to physical values: unpack or decompress, drop unused bits, rescale."""

import struct
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from medlib.dicom.codestream import J2K_SYNTAXES, RLE_HEADER, read_chunk
from medlib.dicom.layout import Layout
from medlib.dicom.refusal import DicomError
from medlib.dicom.source import Source
from medlib.types import Array, Bools

DECODABLE = (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *J2K_SYNTAXES, RLELossless)
# Pixels outside the reconstructed circle become what scanners without padding write there.
PADDING_HU = -1024.0


def stored_frame(path: Path, data: Source, layout: Layout, index: int) -> Array:
    """Return one frame's stored values as integers, rows x columns.

    Raises:
        DicomError: the compressed bytes are damaged.

    """
    frame = b"".join(read_chunk(data, chunk) for chunk in layout.chunks[index])
    if layout.syntax == RLELossless:
        _check_rle_segments(path, frame, layout)
    if layout.syntax.is_encapsulated:
        return _decompressed(path, frame, layout)
    return _without_unused_bits(_unpacked(frame, layout), layout)


def _unpacked(frame: bytes, layout: Layout) -> Array:
    order = "<" if layout.little_endian else ">"
    values = np.frombuffer(frame, dtype=f"{order}u{layout.bits_allocated // 8}")
    if layout.word_swapped and layout.bits_allocated == 8:
        values = values.view("u2").byteswap().view("u1")
    return values.reshape(layout.rows, layout.columns)


def _without_unused_bits(values: Array, layout: Layout) -> Array:
    """Return the BitsStored bits below HighBit; others may hold anything (PS3.5 8.1.1)."""
    above = layout.bits_allocated - 1 - layout.high_bit
    beside = layout.bits_allocated - layout.bits_stored
    kind = f"{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}"
    values = values.astype(values.dtype.newbyteorder("="))
    # Shifting down as a signed type copies the sign bit, as an unsigned one zeros.
    return (values << above).view(kind) >> beside


def _decompressed(path: Path, frame: bytes, layout: Layout) -> Array:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoder = get_decoder(layout.syntax)
            source = encapsulate([frame], has_bot=False)
            values, _ = decoder.as_array(source, index=0, **_decoder_options(layout))
    except Exception as error:  # decoders raise whatever the damaged bytes make them raise
        reason = f"the compressed image is damaged ({' '.join(str(error).split())})"
        raise DicomError(path, "PixelData", reason) from error
    if values.shape != (layout.rows, layout.columns):
        raise DicomError(path, "PixelData", f"decompressed to {values.shape}, not rows x columns")
    return values


def _check_rle_segments(path: Path, frame: bytes, layout: Layout) -> None:
    """Check that each byte plane unpacks to rows x columns; the decoder aborts otherwise."""
    count, *offsets = struct.unpack("<16I", frame[:RLE_HEADER])
    bounds = [*offsets[:count], len(frame)]
    wanted = layout.rows * layout.columns
    for start, end in pairwise(bounds):
        if not _unpacks_to(frame[start:end], wanted):
            raise DicomError(
                path, "PixelData", "the compressed image is damaged or cut short (RLE)"
            )


def _unpacks_to(segment: bytes, wanted: int) -> bool:
    """Follow the packets of PS3.5 G.3.1; after the last one there may be one byte of padding."""
    total = position = 0
    while total < wanted and position < len(segment):
        control = segment[position]
        if control < 128:
            total, position = total + control + 1, position + control + 2
        elif control > 128:
            total, position = total + 257 - control, position + 2
        else:
            position += 1
    return total == wanted and len(segment) - 1 <= position <= len(segment)


def _decoder_options(layout: Layout) -> dict[str, Any]:
    return {
        "decoding_plugin": "pylibjpeg",
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "photometric_interpretation": "MONOCHROME2",
        "pixel_keyword": "PixelData",
    }


def padded(values: Array, layout: Layout, padding: tuple[int, int]) -> Bools:
    """Return where a frame holds padding: a value or range, which may be written as unsigned."""
    low, high = sorted(_as_stored(value, layout) for value in padding)
    return (values >= low) & (values <= high)


def _as_stored(value: int, layout: Layout) -> int:
    """Wrap a padding value whose sign was lost: 63536 means -2000 where pixels are signed."""
    value %= 1 << layout.bits_allocated
    signed = layout.signed and value >= 1 << (layout.bits_allocated - 1)
    return value - (1 << layout.bits_allocated) if signed else value
