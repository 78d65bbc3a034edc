"""Portable grey maps and pixmaps (pgm, ppm) with their values as stored.

Pillow stretches values to 8 or 16 bits by the file's own maximum, so that equal pixels would
differ between files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from medlib.types import Array

SUFFIXES: Final = (".pgm", ".ppm", ".pnm")
"""How their names end."""
HEAD: Final = re.compile(rb"P([2356])" + 3 * rb"(?:\s+|\s*#[^\n\r]*[\n\r])+(\d+)" + rb"\s")
"""Kind, columns, rows and maximum, with comments between them."""


def read(path: Path) -> Array:
    """Return h x w (grey) or h x w x 3 (colour) whole numbers; ValueError if it is none, or cut."""
    data = path.read_bytes()
    head = HEAD.match(data)
    if head is None:
        raise ValueError("no pgm or ppm picture (P2, P3, P5 or P6)")
    kind, columns, rows, highest = map(int, head.groups())
    shape = (rows, columns) if kind in {2, 5} else (rows, columns, 3)
    n = int(np.prod(shape))
    stored = np.dtype(np.uint8 if highest < 256 else ">u2")
    if not 0 < highest < 65536:
        raise ValueError(f"its maximum is {highest}, not 1 to 65535")
    body = data[head.end() :]
    if kind in {5, 6}:
        values = np.frombuffer(body[: n * stored.itemsize], stored)
    else:
        values = np.array(re.sub(rb"#[^\n\r]*", b"", body).split()[:n], np.int64)
    if len(values) < n or not n:
        raise ValueError(f"cut short: {len(values)} of {n} values")
    if int(values.min()) < 0:
        raise ValueError("holds values below 0")
    if int(values.max()) > highest:
        raise ValueError(f"holds values beyond its maximum of {highest}")
    return values.astype(stored.newbyteorder("=")).reshape(shape)
