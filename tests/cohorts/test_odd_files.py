"""Odd and damaged files in a folder: read as a person sees them, or refused with a reason."""

import os

import numpy as np
import pytest
import tifffile
from container_files import nrrd_bytes, pgm, png16
from PIL import Image

from medlib.cohorts import load
from medlib.cohorts.sources.pictures import UNREADABLE, read_picture


def grey(seed=0, shape=(12, 14)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Three sound pictures a class."""
    for number in range(6):
        path = tmp_path / "set" / ("normal", "ill")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey(number)).save(path)
    return tmp_path / "set"


NRRD = b"NRRD0004\ntype: %s\ndimension: 2\nsizes: 2 2\nencoding: %s\n%s\n1234"
DAMAGED = {
    "empty.png": (b"", "cannot identify image"),
    "empty.pgm": (b"", "no pgm"),
    "empty.nrrd": (b"", "no NRRD file"),
    "page.jpg": (b"<html>404</html>", "cannot identify image"),
    "vast.pgm": (b"P5 99999999 99999999 255\n12", "cut short: 2 of"),
    "nothing.pgm": (b"P5 0 5 255\n", "cut short"),
    "word.pgm": (b"P2 2 2 255\n1 2 x 4", "invalid literal"),
    "below.pgm": (b"P2 2 2 255\n1 2 -3 4", "below 0"),
    "beyond.pgm": (b"P2 2 2 100\n1 2 200 4", "beyond its maximum of 100"),
    "million.pgm": (b"P5 1 1 1000000\n12", "maximum is 1000000"),
    "bits.pgm": (b"P4 8 1\n\xff", "no pgm"),
    "cut.nrrd": (b"NRRD0004\ntype: short\n", "cut short"),
    "bare.nrrd": (b"NRRD0004\ntype: short\n\n", "lacks sizes, encoding"),
    "block.nrrd": (NRRD % (b"block", b"raw", b""), "type block in encoding raw is not read"),
    "hex.nrrd": (NRRD % (b"uchar", b"hex", b""), "encoding hex is not read"),
    "apart.nrrd": (NRRD % (b"uchar", b"raw", b"data file: x.raw\n"), "data are in another file"),
    "colours.nrrd": (nrrd_bytes(np.zeros((2, 2, 2, 3), np.uint8), "uchar"), "give one volume"),
}
"""What a file holds, and a part of the reason it is refused for."""


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_with_its_reason_and_the_rest_loads(folder, name):
    data, reason = DAMAGED[name]
    (folder / "ill" / name).write_bytes(data)
    cohort = load(f"images:{folder}")
    assert len(cohort) == 6
    assert cohort.refused.file.tolist() == [f"ill/{name}"]
    assert reason in cohort.refused.reason[0]


def test_a_picture_cut_short_is_refused(folder):
    whole = (folder / "ill" / "1.png").read_bytes()
    (folder / "ill" / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert load(f"images:{folder}").refused.file.tolist() == ["ill/cut.png"]


@pytest.mark.parametrize("name", ["名 前.png", "é ñ.PNG", "a?b#c%20.png", "it's.png"])
def test_any_letters_may_be_in_a_name(folder, name):
    Image.fromarray(grey(9)).save(folder / "ill" / name)
    assert f"ill/{name}" in set(load(f"images:{folder}").table.image_id)


def test_links_in_a_ring_dead_links_and_pipes_do_no_harm(folder):
    os.symlink(folder, folder / "ill" / "ring")
    os.symlink(folder / "nowhere.png", folder / "ill" / "dead.png")
    os.mkfifo(folder / "ill" / "pipe.png")
    (folder / "ill" / "folder.png").mkdir()
    cohort = load(f"images:{folder}")
    assert (len(cohort), len(cohort.refused)) == (6, 0)


def test_one_bit_is_black_and_white(tmp_path):
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").grey.tolist() == [[0, 255]]


@pytest.mark.parametrize("kind", ["f8", "f4", "i2", "i4", "u4", "i1"])
def test_a_tiff_of_any_numbers_keeps_them(tmp_path, kind):
    values = np.arange(100, 106).reshape(2, 3).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert np.array_equal(read_picture(tmp_path / "a.tif").grey, values.astype(np.float32))


def test_colours_of_sixteen_bits_in_planes_are_read_whole(tmp_path):
    planes = np.random.default_rng(0).integers(0, 4096, (3, 8, 9)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    luma = np.tensordot([0.299, 0.587, 0.114], planes.astype(float), 1)
    assert read_picture(tmp_path / "a.tif").grey == pytest.approx(luma, rel=1e-5)


@pytest.mark.parametrize(("kind", "highest"), [("P5", 255), ("P5", 4095), ("P2", 1000)])
def test_a_pgm_keeps_its_values_whatever_maximum_it_declares(tmp_path, kind, highest):
    values = np.arange(200, 212).reshape(3, 4)
    pgm(kind, highest)(tmp_path / "a", values)
    assert np.array_equal(read_picture(tmp_path / "a.pgm").grey, values)


def test_a_coloured_pixmap_becomes_luma(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 255\n" + bytes([100, 50, 10]))
    assert read_picture(tmp_path / "a.ppm").grey[0, 0] == pytest.approx(29.9 + 29.35 + 1.14)


@pytest.mark.parametrize("turn", range(1, 9))
def test_deep_colours_are_turned_upright_as_shallow_ones_are(tmp_path, turn):
    values = grey(shape=(4, 7))
    colours = np.stack([values] * 3, axis=-1)
    for kind in ("u1", "u2"):
        tifffile.imwrite(
            tmp_path / f"{kind}.tif",
            colours.astype(kind),
            photometric="rgb",
            extratags=[(274, 3, 1, turn, False)],
        )
    shallow, deep = (read_picture(tmp_path / f"{kind}.tif") for kind in ("u1", "u2"))
    assert np.array_equal(shallow.grey, deep.grey)
    assert shallow.remarks == deep.remarks


def test_colours_of_sixteen_bits_in_a_png_are_read_whole_or_refused(tmp_path):
    whole = np.arange(12).reshape(3, 4) * 300
    png16(3)(tmp_path / "a", whole)
    data = (tmp_path / "a.png").read_bytes()
    assert np.array_equal(read_picture(tmp_path / "a.png").grey, whole)
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(UNREADABLE):
        read_picture(tmp_path / "a.png")
