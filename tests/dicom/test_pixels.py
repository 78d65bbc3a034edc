"""Whatever the encoding, the same stored values give the same Hounsfield units."""

import numpy as np
import pydicom
import pytest
from dicom_files import SHIPPED, compressed, ct, lossless_jpeg, save
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
)

from medlib.dicom import read_image

ROWS, COLUMNS = 40, 65
STORED = np.random.default_rng(0).integers(0, 4096, (ROWS, COLUMNS))
HU = STORED.astype(np.float32) - 1024


def read(dataset, tmp_path):
    return read_image(save(dataset, tmp_path / "image.dcm"))


def test_unsigned_values_become_hounsfield_units(tmp_path):
    pixels = read(ct(STORED), tmp_path)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, HU)


def test_signed_values_keep_their_sign(tmp_path):
    dataset = ct((STORED - 1024) % 65536, PixelRepresentation=1, RescaleIntercept=0)
    np.testing.assert_array_equal(read(dataset, tmp_path), HU)


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("high_bit", [11, 13, 15])
def test_bits_beside_the_twelve_stored_ones_are_ignored(tmp_path, signed, high_bit):
    shift = high_bit - 11
    values = STORED - 2048 * signed
    rubbish = np.random.default_rng(1).integers(0, 65536, STORED.shape)
    mask = 0x0FFF << shift
    words = ((values % 4096) << shift) & mask | rubbish & ~mask & 0xFFFF
    dataset = ct(words, BitsStored=12, HighBit=high_bit, PixelRepresentation=signed)
    np.testing.assert_array_equal(read(dataset, tmp_path), values - 1024)


def test_eight_bit_images(tmp_path):
    values = (STORED % 256).astype(np.uint8)
    dataset = ct(values, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=values.tobytes())
    np.testing.assert_array_equal(read(dataset, tmp_path), values.astype(np.float32) - 1024)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_transfer_syntaxes(tmp_path, syntax):
    dataset = ct(STORED)
    dataset.file_meta.TransferSyntaxUID = syntax
    np.testing.assert_array_equal(read(dataset, tmp_path), HU)


@pytest.mark.parametrize("bits", [8, 16])
def test_big_endian_words(tmp_path, bits):
    values = STORED % 256 if bits == 8 else STORED
    words = values.astype(f">u{bits // 8}").tobytes()
    if bits == 8:  # bytes travel in words (OW), so that each pair is swapped
        words = np.frombuffer(words, "u2").byteswap().tobytes()
    little = ct(values, BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1, PixelData=words)
    big = pydicom.Dataset(little)
    big.file_meta, big.preamble = little.file_meta, little.preamble
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    np.testing.assert_array_equal(read(big, tmp_path), values - 1024)


def test_a_data_set_without_preamble(tmp_path):
    path = tmp_path / "bare"
    dataset = ct(STORED)
    dataset.preamble = None
    del dataset.file_meta
    dataset.save_as(path, implicit_vr=True, little_endian=True)
    assert path.read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(read_image(path), HU)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("signed", [0, 1])
def test_lossless_compression_by_pydicom_changes_nothing(tmp_path, syntax, signed):
    values = STORED - 2048 * signed
    dataset = ct(values % 65536, PixelRepresentation=signed)
    dataset.compress(syntax, values.astype(np.int16 if signed else np.uint16))
    np.testing.assert_array_equal(read(dataset, tmp_path), values - 1024)


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1])
@pytest.mark.parametrize(("precision", "signed"), [(12, 0), (16, 0), (16, 1)])
def test_jpeg_lossless(tmp_path, syntax, precision, signed):
    values = STORED - 2048 * signed
    dataset = ct(STORED, BitsStored=precision, HighBit=precision - 1, PixelRepresentation=signed)
    stream = lossless_jpeg(values % 65536, precision)
    np.testing.assert_array_equal(
        read(compressed(dataset, [stream], syntax), tmp_path), values - 1024
    )


def test_signed_twelve_bit_jpeg_lossless(tmp_path):
    values = STORED - 2048
    dataset = ct(STORED, BitsStored=12, HighBit=11, PixelRepresentation=1)
    stream = lossless_jpeg(values % 4096, 12)
    pixels = read(compressed(dataset, [stream], JPEGLosslessSV1), tmp_path)
    np.testing.assert_array_equal(pixels, values - 1024)


@pytest.mark.parametrize("name", ["RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "expb"])
def test_shipped_mr_is_the_same_in_every_encoding(name):
    plain = read_image(SHIPPED / "MR_small.dcm")
    np.testing.assert_array_equal(read_image(SHIPPED / f"MR_small_{name}.dcm"), plain)


def test_shipped_ct_agrees_with_pydicom():
    dataset = pydicom.dcmread(SHIPPED / "CT_small.dcm")
    expected = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
    np.testing.assert_array_equal(read_image(SHIPPED / "CT_small.dcm"), expected)


def test_lossy_jpeg_2000_whose_sign_is_recorded_wrongly():
    pixels = read_image(SHIPPED / "J2K_pixelrep_mismatch.dcm")
    assert pixels.min() == -2000
    assert pixels.max() < 3000


def test_frames_of_a_compressed_multi_frame_file_split_into_fragments(tmp_path):
    frames = np.stack([STORED, STORED[::-1], STORED[:, ::-1]])
    dataset = ct(frames)
    streams = [lossless_jpeg(frame, 16) for frame in frames]
    dataset = compressed(dataset, streams, JPEGLosslessSV1)
    halves = pydicom.encaps.encapsulate(streams, fragments_per_frame=2, has_bot=False)
    dataset["PixelData"].value = halves
    np.testing.assert_array_equal(read(dataset, tmp_path), frames - 1024)


def test_monochrome1_radiographs_are_turned_so_that_bright_is_high(tmp_path):
    dataset = ct(STORED, Modality="DX", PhotometricInterpretation="MONOCHROME1", RescaleIntercept=0)
    dataset.BitsStored, dataset.HighBit = 12, 11
    np.testing.assert_array_equal(read(dataset, tmp_path), 4095 - STORED)


def test_monochrome1_does_not_change_hounsfield_units(tmp_path):
    dataset = ct(STORED, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read(dataset, tmp_path), HU)


@pytest.mark.parametrize("padding", [-2000, 63536])
def test_padding_becomes_air_even_where_its_sign_was_lost(tmp_path, padding):
    words = (STORED - 1024) % 65536
    words[:3] = 63536
    dataset = ct(words, PixelRepresentation=1, RescaleIntercept=0)
    kind = "SS" if padding < 0 else "US"
    dataset.add_new("PixelPaddingValue", kind, padding)
    pixels = read(dataset, tmp_path)
    assert (pixels[:3] == -1024).all()
    np.testing.assert_array_equal(pixels[3:], HU[3:])


def test_negative_padding_of_unsigned_pixels(tmp_path):
    words = STORED.copy()
    words[0] = 63536
    dataset = ct(words)
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    assert (read(dataset, tmp_path)[0] == -1024).all()


def test_a_range_of_padding_values(tmp_path):
    words = STORED % 2000 + 100
    words[0, :3] = [7, 8, 9]
    dataset = ct(words, PixelPaddingRangeLimit=9)
    dataset.add_new("PixelPaddingValue", "US", 7)
    assert (read(dataset, tmp_path)[0, :3] == -1024).all()
    np.testing.assert_array_equal(read(dataset, tmp_path)[1:], words[1:] - 1024)


def test_padding_that_twelve_bits_cannot_hold_touches_no_pixel(tmp_path):
    dataset = ct(STORED, BitsStored=12, HighBit=11)
    dataset.add_new("PixelPaddingValue", "US", 0x8000)
    np.testing.assert_array_equal(read(dataset, tmp_path), HU)
