"""Can the bytes hold the image that the header claims? Answered before memory is spent on it."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from medlib.dicom.codestream import check_codestream, starts_frame
from medlib.dicom.layout import Chunks, Layout
from medlib.dicom.refusal import DicomError
from medlib.dicom.source import UNDEFINED_LENGTH, PixelElement, Source

# Compressed data may expand to this many bytes whatever their size (a flat slice compresses
# several thousandfold), and beyond it by this factor, several times what real images reach.
DECODED_ALWAYS, DECODED_RATIO = 64 << 20, 200
# Padding after the last pixel must be zero; more than this is not looked through.
LONGEST_PADDING = 1 << 20
ITEM, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


def locate_frames(
    path: Path, data: Source, layout: Layout, element: PixelElement
) -> tuple[Chunks, ...]:
    """Return the byte ranges of each frame.

    Raises:
        DicomError: the element is no integer pixel data, cut short, or smaller than the image.

    """
    if element.keyword != "PixelData":
        raise DicomError(
            path, element.keyword, "floating-point pixels are not read, only PixelData"
        )
    if layout.syntax.is_encapsulated:
        return _encapsulated_frames(path, data, layout, element)
    return _native_frames(path, data, layout, element)


def _size(data: Source) -> int:
    position = data.tell()
    size = data.seek(0, os.SEEK_END) or data.tell()
    data.seek(position)
    return size


def _native_frames(
    path: Path, data: Source, layout: Layout, element: PixelElement
) -> tuple[Chunks, ...]:
    claimed = layout.frame_bytes * layout.frames
    present = _size(data) - element.start
    if element.length == UNDEFINED_LENGTH:
        raise DicomError(path, "PixelData", "uncompressed pixels need a stated length")
    if element.length < claimed or present < claimed:
        held = min(element.length, present)
        image = f"{layout.frames} x {layout.rows} x {layout.columns} pixels"
        raise DicomError(
            path, "PixelData", f"cut short: {held} bytes cannot hold {image} ({claimed})"
        )
    _check_padding(path, data, element.start + claimed, min(element.length, present) - claimed)
    return tuple(
        ((element.start + index * layout.frame_bytes, layout.frame_bytes),)
        for index in range(layout.frames)
    )


def _check_padding(path: Path, data: Source, start: int, length: int) -> None:
    """Allow one byte to reach even length (PS3.5 8.1.1) and zeros; more means a wrong size."""
    if length <= 1:
        return
    data.seek(start)
    if length > LONGEST_PADDING or any(data.read(length)):
        reason = f"{length} bytes more than Rows x Columns x NumberOfFrames account for"
        raise DicomError(path, "PixelData", reason)


def _encapsulated_frames(
    path: Path, data: Source, layout: Layout, element: PixelElement
) -> tuple[Chunks, ...]:
    if element.length != UNDEFINED_LENGTH:
        raise DicomError(path, "PixelData", "compressed pixels must be in items of their own")
    fragments = list(_fragments(path, data, element.start))
    total = sum(length for _, length in fragments)
    claimed = layout.frame_bytes * layout.frames
    if claimed > max(DECODED_ALWAYS, DECODED_RATIO * total):
        image = f"{layout.frames} x {layout.rows} x {layout.columns} pixels"
        raise DicomError(path, "PixelData", f"{total} compressed bytes cannot hold {image}")
    frames = _grouped(data, layout, fragments)
    if len(frames) != layout.frames:
        reason = f"it is {layout.frames}, but the pixel data hold {len(frames)}"
        raise DicomError(path, "NumberOfFrames", reason)
    for chunks in frames:
        check_codestream(path, data, layout, chunks)
    return frames


def _fragments(path: Path, data: Source, start: int) -> Iterator[tuple[int, int]]:
    """Yield (first byte, length) of each fragment after the offset table (PS3.5 A.4)."""
    size, position, is_table = _size(data), start, True
    while position < size:
        data.seek(position)
        head = data.read(8)
        if head[:4] == SEQUENCE_END:
            return
        length = struct.unpack("<I", head[4:])[0] if len(head) == 8 else UNDEFINED_LENGTH
        if head[:4] != ITEM or position + 8 + length > size:
            reason = f"cut short or damaged: no complete item at byte {position}"
            raise DicomError(path, "PixelData", reason)
        if length and not is_table:
            yield position + 8, length
        is_table = False
        position += 8 + length


def _grouped(data: Source, layout: Layout, fragments: list[tuple[int, int]]) -> tuple[Chunks, ...]:
    """Return the fragments of each frame; a frame starts where a fragment starts a codestream."""
    if layout.frames == 1:
        return (tuple(fragments),) if fragments else ()
    frames: list[list[tuple[int, int]]] = []
    for start, length in fragments:
        data.seek(start)
        if not frames or starts_frame(layout.syntax, data.read(12)):
            frames.append([])
        frames[-1].append((start, length))
    return tuple(tuple(frame) for frame in frames)
