"""Picture files (jpg, png, tif, bmp, gif, webp) as grey images, and what was done to them."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, ImageOps
from PIL import Image as Pillow

from medlib.cohorts.archives import is_hidden
from medlib.imaging import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp"})
"""How the names of pictures end."""
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
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


def find(folder: Path) -> Iterator[Path]:
    """Yield the picture files below a folder, in natural order; hidden ones are left out."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    shown = (p for p in files if not is_hidden(p.relative_to(folder)) and p.is_file())
    yield from sorted(shown, key=lambda path: natural(path.relative_to(folder)))


def read(path: str | Path) -> Image:
    """Return a picture as h x w float32 grey levels 0-255 (see :func:`read_with_remarks`)."""
    return read_with_remarks(path)[0]


def read_with_remarks(path: str | Path) -> tuple[Image, tuple[str, ...]]:
    """Return a picture as h x w float32 and what had to be done to it, in words.

    Upright by its EXIF orientation; the first frame of several; a palette as its colours;
    transparency on black; colour to grey by BT.601 luma; 16 bit divided by 257, so that every
    integer picture is 0-255. Pictures of floats keep their values. Raises one of `UNREADABLE`.
    """
    with Pillow.open(path) as picture:
        remarks = []
        if getattr(picture, "n_frames", 1) > 1:
            remarks.append("several frames, only the first is used")
            picture.seek(0)
        if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            remarks.append("turned upright by its EXIF orientation")
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    grey, how = _grey(upright)
    return grey, (*remarks, *how)


def _grey(picture: Pillow.Image) -> tuple[Image, tuple[str, ...]]:
    if picture.mode in {"L", "1"}:
        return np.asarray(picture.convert("L"), dtype=np.float32), ()
    if picture.mode == "F":
        return np.array(picture, dtype=np.float32), ("floating-point values, kept as they are",)
    if picture.mode.startswith("I"):
        return _sixteen_bit(np.asarray(picture))
    remarks = []
    if picture.mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if picture.getchannel("A").getextrema() != (255, 255):
            remarks.append("transparency, laid on black")
        black = Pillow.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Pillow.alpha_composite(black, picture)
    colours = np.asarray(picture.convert("RGB"))
    grey = colours[..., 0].astype(np.float32)
    if (colours != colours[..., :1]).any():
        remarks.append("colour, converted to grey (BT.601 luma)")
        grey = colours.astype(np.float32) @ LUMA
    return grey, tuple(remarks)


def _sixteen_bit(values: npt.NDArray[np.generic]) -> tuple[Image, tuple[str, ...]]:
    whole = values.astype(np.float32)
    if whole.min() < 0 or whole.max() > 65535:
        return whole, ("32-bit integers, kept as they are",)
    return whole / np.float32(257), ("16 bit, divided by 257",)
