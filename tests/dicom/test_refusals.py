"""What cannot be an image is refused with file, tag and reason, before memory is spent on it."""

import os
import random
import resource
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from dicom_files import SHIPPED, compressed, ct, lossless_jpeg, save, series
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medlib.dicom import DicomError, read_image, read_series, scan
from medlib.errors import InputError

STORED = np.random.default_rng(0).integers(0, 4096, (40, 48))
STREAM = lossless_jpeg(STORED, 16)
MEGABYTE = 1 << 20


def refusal(path):
    """Return the error, having seen that hardly any memory was asked for."""
    tracemalloc.start()
    try:
        with pytest.raises(DicomError) as caught:
            read_image(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEGABYTE
    assert caught.value.file == str(path)
    return caught.value


@pytest.mark.parametrize(
    ("attributes", "tag"),
    [
        ({"Rows": 65535, "Columns": 65535, "NumberOfFrames": 100000}, "PixelData"),
        ({"Rows": 41}, "PixelData"),
        ({"Rows": 20}, "PixelData"),
        ({"Rows": 0}, "Rows"),
        ({"Columns": None}, "Columns"),
        ({"NumberOfFrames": -3}, "NumberOfFrames"),
        ({"BitsAllocated": 12}, "BitsAllocated"),
        ({"BitsStored": 17}, "BitsStored"),
        ({"BitsStored": 12, "HighBit": 5}, "HighBit"),
        ({"RescaleSlope": 0}, "RescaleSlope"),
        ({"RescaleSlope": "1e300"}, "RescaleSlope"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "PhotometricInterpretation"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PhotometricInterpretation"),
        ({"Modality": "SEG"}, "Modality"),
        ({"PixelData": None}, "PixelData"),
    ],
)
def test_impossible_headers(tmp_path, attributes, tag):
    assert refusal(save(ct(STORED, **attributes), tmp_path / "image.dcm")).tag == tag


def test_too_few_bytes_are_named(tmp_path):
    error = refusal(save(ct(STORED, NumberOfFrames=3), tmp_path / "image.dcm"))
    assert "3840 bytes cannot hold 3 x 40 x 48 pixels (11520)" in error.reason


def test_zeros_after_the_last_pixel_are_allowed(tmp_path):
    data = STORED.astype("<u2").tobytes()
    path = save(ct(STORED, PixelData=data + bytes(10)), tmp_path / "padded.dcm")
    np.testing.assert_array_equal(read_image(path), STORED - 1024)
    path = save(ct(STORED, PixelData=data + b"\1" * 10), tmp_path / "longer.dcm")
    assert "10 bytes more than" in refusal(path).reason


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_small_codestreams_that_claim_a_huge_image(tmp_path, syntax):
    dataset = ct(STORED, Rows=65535, Columns=65535, NumberOfFrames=20)
    path = save(compressed(dataset, [STREAM] * 20, syntax), tmp_path / "bomb.dcm")
    assert "cannot hold 20 x 65535 x 65535 pixels" in refusal(path).reason


def test_a_codestream_larger_than_the_header_says(tmp_path):
    stream = STREAM.replace(struct.pack(">HH", 40, 48), struct.pack(">HH", 65535, 65535))
    path = save(compressed(ct(STORED), [stream], JPEGLosslessSV1), tmp_path / "bomb.dcm")
    error = refusal(path)
    assert (error.tag, error.reason) == (
        "Rows",
        "40 x 48 stated, but the compressed image is 65535 x 65535",
    )


def test_a_jpeg_2000_larger_than_the_header_says(tmp_path):
    size = struct.pack(
        ">HHIIIIIIIIHBBB", 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1, 15, 1, 1
    )
    stream = b"\xff\x4f\xff\x51" + size + bytes(100) + b"\xff\xd9"
    path = save(compressed(ct(STORED), [stream], JPEG2000Lossless), tmp_path / "bomb.dcm")
    assert "60000 x 60000" in refusal(path).reason


def test_a_lossless_jpeg_with_less_than_a_bit_a_pixel(tmp_path):
    stored = np.zeros((2000, 2000), int)
    stream = lossless_jpeg(stored[:2, :2], 16)
    stream = stream.replace(struct.pack(">HHB", 2, 2, 1), struct.pack(">HHB", 2000, 2000, 1))
    path = save(compressed(ct(stored), [stream], JPEGLosslessSV1), tmp_path / "bomb.dcm")
    assert "cannot hold 2000 x 2000 pixels" in refusal(path).reason


def test_an_rle_frame_too_short_for_its_size(tmp_path):
    frame = struct.pack("<16I", 2, 64, 66, *[0] * 13) + b"\x81\0\x81\0"
    path = save(compressed(ct(np.zeros((100, 100))), [frame], RLELossless), tmp_path / "rle.dcm")
    assert "RLE bytes cannot hold 20000" in refusal(path).reason


def test_a_deflated_bomb(tmp_path):
    path = save(ct(STORED), tmp_path / "image.dcm")
    dataset = ct(STORED)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = save(dataset, path).read_bytes()
    start = 144 + struct.unpack("<I", head[140:144])[0]
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(80)) + packer.flush()
    path.write_bytes(head[:start] + body)
    with pytest.raises(DicomError, match="inflates beyond 67108864 bytes"):
        read_image(path)


def test_other_number_of_compressed_frames_than_stated(tmp_path):
    dataset = ct(np.stack([STORED] * 3))
    path = save(compressed(dataset, [STREAM] * 2, JPEGLosslessSV1), tmp_path / "two.dcm")
    error = refusal(path)
    assert (error.tag, error.reason) == (
        "NumberOfFrames",
        "it is 3, but the pixel data hold 2",
    )


def test_a_compressed_file_cut_inside_its_pixels(tmp_path):
    path = save(compressed(ct(STORED), [STREAM], JPEGLosslessSV1), tmp_path / "cut.dcm")
    path.write_bytes(path.read_bytes()[:-300])
    assert "cut short or damaged: no complete item at byte" in refusal(path).reason


def test_a_codestream_without_its_end(tmp_path):
    dataset = compressed(ct(STORED), [STREAM[:-200] + bytes(2)], JPEGLosslessSV1)
    assert "no end marker" in refusal(save(dataset, tmp_path / "short.dcm")).reason


@pytest.mark.parametrize(
    "content",
    [b"", b"id,label\n1,2\n", b"\x89PNG\r\n", b"\x08\0", b"\2\0\1\0", bytes(128) + b"DICM"],
)
def test_what_is_no_dicom(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert refusal(path).reason


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in scan(tmp_path).refused.reason[0]


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DicomError, match="cannot be read"):
        read_image(tmp_path / "absent.dcm")
    with pytest.raises(InputError, match="is no folder"):
        scan(tmp_path / "absent")
    with pytest.raises(InputError, match="no readable DICOM series"):
        read_series(tmp_path)


def test_the_rest_of_the_folder_still_loads(tmp_path):
    paths = series(tmp_path, [(0, 0, z) for z in range(4)])
    paths[1].write_bytes(paths[1].read_bytes()[:-5])
    (tmp_path / "labels.csv").write_text("id,label\n")
    found = scan(tmp_path)
    assert found.refused.columns.tolist() == ["file", "tag", "reason"]
    assert found.refused.file.tolist() == [str(paths[1]), str(tmp_path / "labels.csv")]
    assert found.refused.tag.tolist() == ["PixelData", ""]
    assert found.refused.reason.tolist()[1] == "not a DICOM file"
    read = read_series(found)
    assert read.positions[:, 2].tolist() == [0, 2, 3]
    assert "2.00 mm after 000.dcm" not in read.warnings


def test_a_slice_damaged_inside_its_codestream_is_left_out_with_a_warning(tmp_path):
    positions = [(0, 0, z) for z in range(3)]
    for index, position in enumerate(positions):
        dataset = ct(STORED, ImagePositionPatient=list(position), SOPInstanceUID=f"1.{index + 1}")
        dataset.compress(RLELossless)
        path = save(dataset, tmp_path / f"{index}.dcm")
    data = bytearray(path.read_bytes())
    data[-400:-300] = bytes(100)
    path.write_bytes(data)
    read = read_series(tmp_path)
    assert len(read.pixels) == 2
    assert "2.dcm: PixelData: the compressed image is damaged" in read.warnings[0]
    with pytest.raises(DicomError, match="damaged"):
        read_series([path])


FUZZED = [
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "JPGExtended.dcm",
    "image_dfl.dcm",
    "jpeg_lossless",
]


def original(name):
    if name == "jpeg_lossless":
        dataset = ct(STORED)
        dataset.preamble = bytes(128)
        return compressed(dataset, [STREAM], JPEGLosslessSV1)
    return (SHIPPED / name).read_bytes()


def whole_bytes(name, tmp_path):
    content = original(name)
    if isinstance(content, bytes):
        return content
    return save(content, tmp_path / "original.dcm").read_bytes()


def read_if_accepted(path):
    """Return the pixels, or None where the file is refused; any other error is a failure."""
    try:
        return read_image(path)
    except DicomError:
        return None


@pytest.mark.parametrize("name", FUZZED)
def test_no_cut_file_is_read_as_if_it_were_whole(tmp_path, name):
    content, path = whole_bytes(name, tmp_path), tmp_path / "cut.dcm"
    path.write_bytes(content)
    expected, rng = read_image(path), random.Random(0)
    refused = 0
    for length in sorted(rng.sample(range(len(content)), 40)):
        path.write_bytes(content[:length])
        pixels = read_if_accepted(path)
        refused += pixels is None
        # Only what comes after the pixels may be missing.
        assert pixels is None or np.array_equal(pixels, expected)
    assert refused >= 30


@pytest.mark.parametrize("name", FUZZED)
def test_damaged_bytes_are_read_or_refused_and_nothing_else(tmp_path, name):
    content, path, rng = whole_bytes(name, tmp_path), tmp_path / "flipped.dcm", random.Random(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 2, 5])):
            place = rng.randrange(rng.choice([len(content), min(len(content), 3000)]))
            damaged[place] = rng.choice([0, 255, rng.randrange(256)])
        path.write_bytes(damaged)
        pixels = read_if_accepted(path)
        assert pixels is None or (pixels.dtype == np.float32 and np.isfinite(pixels).all())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kilobytes
