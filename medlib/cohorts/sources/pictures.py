"""Picture files (jpg, png, tif, pgm...) as grey images, and what was done to them."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL import Image as Pillow

from medlib.cohorts.sources import netpbm
from medlib.cohorts.sources.archives import is_hidden
from medlib.cohorts.sources.levels import Stored
from medlib.types import Array, Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", *netpbm.SUFFIXES)
"""How the names of pictures end."""
GREYED = "colour, converted to grey (BT.601 luma)"
"""Said of a picture whose grey levels were made of colours."""
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # of a TIFF
WHITE_IS_ZERO, UNSIGNED = 0, 1
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow's word for a broken PNG
    EOFError,
    TypeError,
    struct.error,
    zlib.error,
    MemoryError,
    Pillow.DecompressionBombError,
)
"""What Pillow raises for a file that is no picture, or cut short, or too large to be one."""


def natural(name: str | Path) -> list[tuple[int, str]]:
    """Sort key that puts ``slice 2`` before ``slice 10``, the same on every machine."""
    text = str(name).replace("\\", "/")
    parts = re.split(r"(\d+)", text)
    key = [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
    return [*key, (-1, text)]  # 1 and 01 are one number, and two names


def find(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[Path]:
    """Yield the files below a folder with these endings, in natural order; hidden are left out."""
    files = (path for path in folder.rglob("*") if path.name.lower().endswith(suffixes))
    shown = (p for p in files if not is_hidden(p.relative_to(folder)) and p.is_file())
    yield from sorted(shown, key=lambda path: natural(path.relative_to(folder)))


class Picture(NamedTuple):
    """One picture: h x w float32, what had to be done to it, and how its file stores pixels."""

    grey: Image
    remarks: tuple[str, ...] = ()
    stored: Stored = Stored("8 bits")


def read(path: str | Path) -> Image:
    """Return a picture as h x w float32 grey levels as stored (see :func:`read_picture`)."""
    return read_picture(path).grey


def read_picture(path: str | Path) -> Picture:
    """Return a picture as h x w float32, and what had to be done to it, in words.

    Upright by its EXIF orientation; 0 is black, also where a TIFF calls it white; the first frame
    of several; a palette as its colours; transparency on black; colour to grey by BT.601 luma.
    Whole numbers are as the file holds them: the scale is a matter of all files
    (`levels.settle`). Raises one of `UNREADABLE`.
    """
    if str(path).lower().endswith(netpbm.SUFFIXES):
        return _of_values(netpbm.read(Path(path)), ())
    try:
        with Pillow.open(path) as picture:
            return _opened(picture, Path(path))
    except UnidentifiedImageError:
        if not str(path).lower().endswith((".tif", ".tiff")):
            raise
        return _of_values(_tiff(Path(path)), ())  # 64-bit numbers, for one


def _opened(picture: Pillow.Image, path: Path) -> Picture:
    remarks = []
    if getattr(picture, "n_frames", 1) > 1:
        remarks.append("several frames, only the first is used")
        picture.seek(0)
    turn = picture.getexif().get(ExifTags.Base.Orientation, 1)
    if turn not in range(2, 9):
        turn = 1
    if turn != 1:
        remarks.append("turned upright by its EXIF orientation")
    deep = _deep_colours(picture, path)
    if deep is not None:
        return _of_values(_upright(deep, turn), tuple(remarks))
    picture.load()
    levels = _deep_grey(picture)
    if levels is not None:
        return _of_values(_upright(levels, turn), tuple(remarks))
    return _grey(ImageOps.exif_transpose(picture), tuple(remarks))


def _deep_colours(picture: Pillow.Image, path: Path) -> Array | None:
    """Colours of more than 8 bits, which Pillow would cut to 8: h x w x channels, else None."""
    if picture.format == "PNG":
        with path.open("rb") as file:
            bits, kind = file.read(26)[24:26]
        return _sixteen_bit_png(path) if bits == 16 and kind != 0 else None
    if picture.format == "TIFF":
        bits_each = picture.tag_v2.get(BITS_PER_SAMPLE, (1,))  # type: ignore[attr-defined]
        if len(bits_each) > 1 and max(bits_each) > 8:
            return _tiff(path)
    return None


def _deep_grey(picture: Pillow.Image) -> Array | None:
    """Whole numbers from 0 of a grey TIFF of more than 8 bits, 0 black; None of other pictures.

    Where the header calls 0 white, Pillow turns levels of up to 8 bits round, and no others; of
    32 bits it takes the upper half for numbers below 0.
    """
    if picture.format != "TIFF" or not picture.mode.startswith("I"):
        return None
    tags = picture.tag_v2  # type: ignore[attr-defined]
    if tags.get(SAMPLE_FORMAT, (UNSIGNED,))[0] != UNSIGNED:
        return None
    values = np.asarray(picture)
    values = values.view(np.uint32) if picture.mode == "I" else values
    top = values.dtype.type(2 ** tags[BITS_PER_SAMPLE][0] - 1)
    return top - values if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else values


def _tiff(path: Path) -> Array:
    """First page: h x w, or h x w x channels; 0 is black."""
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            values = np.asarray(page.asarray())
            white_is_zero = getattr(page, "photometric", None) == WHITE_IS_ZERO
    except (tifffile.TiffFileError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    if values.dtype.kind not in "biuf" or values.ndim not in {2, 3}:
        raise ValueError(f"holds {values.dtype} of shape {values.shape}: no grey or colour picture")
    if white_is_zero and values.dtype.kind == "u":
        values = np.iinfo(values.dtype).max - values
    planes_first = values.ndim == 3 and values.shape[0] < values.shape[-1]
    return np.moveaxis(values, 0, -1) if planes_first else values


def _sixteen_bit_png(path: Path) -> Array:
    """With torchvision, which says that its decoder will go: then such files are refused."""
    warnings.filterwarnings("ignore", "The image decoding and encoding", DeprecationWarning)
    try:
        import torch  # takes a second to import, and few pictures are of this kind
        from torchvision.io import decode_png

        data = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        return np.moveaxis(decode_png(data).numpy(), 0, -1)
    except (RuntimeError, ImportError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def _upright(values: Array, turn: int) -> Array:
    """What `ImageOps.exif_transpose` does, of an array."""
    mirrored = values[:, ::-1] if turn in {2, 4, 5, 7} else values
    return np.rot90(mirrored, {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(turn, 0))


def _grey(picture: Pillow.Image, remarks: tuple[str, ...]) -> Picture:
    if picture.mode in {"L", "1"}:
        return Picture(np.asarray(picture.convert("L"), dtype=np.float32), remarks)
    if picture.mode == "F" or picture.mode.startswith("I"):
        return _of_values(np.asarray(picture), remarks)
    if picture.mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in picture.info:
        return _of_values(np.asarray(picture.convert("RGBA")), remarks)
    return _of_values(np.asarray(picture.convert("RGB")), remarks)


def _of_values(values: Array, remarks: tuple[str, ...]) -> Picture:
    """Stored values, h x w or h x w x channels (with alpha: 2 or 4), as a picture."""
    if values.dtype.kind == "f":
        remarks = (*remarks, "floating-point values, kept as they are")
    if values.ndim == 2:
        return Picture(values.astype(np.float32), remarks, Stored.of(values))
    colours = values.astype(np.float32)
    if values.shape[-1] in {2, 4}:
        share = values[..., -1] / float(np.iinfo(values.dtype).max)
        if share.min() < 1:
            remarks = (*remarks, "transparency, laid on black")
            colours = np.rint(colours * share[..., None].astype(np.float32))
        colours = colours[..., :-1]
    grey, mixed = to_grey(colours)
    seen = values if values.shape[-1] not in {2, 4} else values[..., :-1]
    return Picture(grey, (*remarks, *mixed), Stored.of(seen))


def to_grey(colours: Array) -> tuple[Image, tuple[str, ...]]:
    """Return ... x channels as grey, float32: one channel where all are equal, else luma."""
    whole = colours.astype(np.float32)
    if (colours == colours[..., :1]).all():
        return np.ascontiguousarray(whole[..., 0]), ()
    return whole @ LUMA, (GREYED,)
