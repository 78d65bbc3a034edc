"""Images of a cohort in colour, cut to what they show: a photograph's black frame is left out.

All else in the package is grey; what is no colour picture comes out as three equal channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from medlib.cohorts.cohort import THREADS, Cohort
from medlib.cohorts.sources import netpbm, pictures
from medlib.imaging import to_unit
from medlib.runtime.whole_numbers import as_number
from medlib.types import Singles

DARK: Final = 0.12
"""Share of the brightest levels below which a pixel is taken for frame."""
LEAST: Final = 0.02
"""Share of a row or column that has to be brighter for it to be kept."""
IN_COLOUR: Final = "colour, which the network sees; grey (BT.601 luma) was looked at by the audit"
"""What is said of pictures whose colours `colour_images` keeps."""
MODES: Final = {"RGB", "RGBA", "P", "PA", "CMYK", "YCbCr"}
"""Pillow's names of the ways to store a picture whose colours are kept."""
LOOKED_AT: Final = 256
"""Pixels a side of the small copy in which the frame is looked for."""


def colour_images(cohort: Cohort, size: int) -> Singles:
    """Return n x size x size x 3 from 0 to 1: cut to the field, padded to a square, resized."""
    size, table = as_number(size, "size"), cohort.table
    rows = [dict(zip(table, row, strict=True)) for row in table.itertuples(index=False)]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda row: _shown(_picture(cohort, row), size), rows))
    return np.stack(found)


def noted_in_colour(cohort: Cohort) -> Cohort:
    """Return the cohort with notes that say where `colour_images` keeps what reading made grey."""
    paths = cohort.table.path if "path" in cohort.table else ()
    kept = sum(_has_colours(str(path)) for path in paths)
    notes = tuple(
        note.replace(pictures.GREYED, IN_COLOUR)
        if pictures.GREYED in note and int(note.split()[0]) <= kept
        else note
        for note in cohort.notes
    )
    return replace(cohort, notes=notes)


def _is_picture(path: str) -> bool:
    return path.lower().endswith(tuple(set(pictures.SUFFIXES) - set(netpbm.SUFFIXES)))


def _has_colours(path: str) -> bool:
    if not _is_picture(path):
        return False
    with Pillow.open(path) as picture:  # reads the header only
        return picture.mode in MODES


def _picture(cohort: Cohort, row: Mapping[str, Any]) -> Pillow.Image:
    """A row as an 8-bit colour picture: of its file, or of the grey pixels of other sources."""
    path = str(row.get("path", ""))
    if _is_picture(path):
        with Pillow.open(path) as picture:
            if picture.mode in MODES:
                return _opaque(ImageOps.exif_transpose(picture))
    grey = to_unit(cohort.reader(row), cohort.grey_range)
    return Pillow.fromarray(np.rint(255 * grey).astype(np.uint8)).convert("RGB")


def _opaque(picture: Pillow.Image) -> Pillow.Image:
    """A picture in red, green and blue; what is transparent lies on black, as in `pictures`."""
    if picture.mode in {"RGBA", "PA"} or "transparency" in picture.info:
        black = Pillow.new("RGBA", picture.size, (0, 0, 0, 255))
        black.alpha_composite(picture.convert("RGBA"))
        picture = black
    return picture.convert("RGB")


def _shown(picture: Pillow.Image, size: int) -> Singles:
    part = picture.crop(field_of(picture))
    side = max(part.size)
    square = Pillow.new("RGB", (side, side))
    square.paste(part, ((side - part.width) // 2, (side - part.height) // 2))
    resized = square.resize((size, size), Pillow.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(resized, dtype=np.float32) / np.float32(255)


def field_of(picture: Pillow.Image) -> tuple[int, int, int, int]:
    """Return left, upper, right and lower end of what a picture shows inside a dark frame."""
    small = picture.resize((LOOKED_AT, LOOKED_AT), Pillow.Resampling.BILINEAR, reducing_gap=3.0)
    levels = np.asarray(small).max(axis=2)
    bright = levels > DARK * np.percentile(levels, 99)
    ends = []
    for axis, length in ((0, picture.width), (1, picture.height)):
        kept = np.flatnonzero(bright.mean(axis=axis) > LEAST)
        first, last = (kept[0], kept[-1] + 1) if len(kept) else (0, LOOKED_AT)
        ends.append((int(first * length // LOOKED_AT), int(-(-last * length // LOOKED_AT))))
    (left, right), (upper, lower) = ends
    return left, upper, right, lower
