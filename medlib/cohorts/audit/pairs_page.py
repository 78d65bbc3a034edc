"""A page that shows pairs of images side by side, so that a person can say which are copies."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from html import escape
from typing import Final

import numpy as np
import pandas as pd
from PIL import Image as Pillow

from medlib.cohorts.cohort import Cohort
from medlib.imaging import pad_square, resize
from medlib.types import Image

SIDE: Final = 256
"""Pixels a side of a picture."""
MOST: Final = 300
"""Pairs on a page: about 40 MB of pictures at most."""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font-family: sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; }}
figure {{ margin: 1.5rem 0; }}
img {{ width: 48%; max-width: {side}px; image-rendering: pixelated; background: black; }}
</style></head><body>
<h1>{title}</h1>
<p>{intro}</p>
{pairs}
</body></html>
"""


def pairs_page(cohort: Cohort, duplicates: pd.DataFrame) -> str:
    """Return an html page, complete in itself, of the pairs in `Audit.duplicates`."""
    whole = cohort.with_left_out()
    row = {name: i for i, name in enumerate(whole.table.image_id)}
    shown = duplicates.head(MOST)
    more = f" The first {MOST} are shown." if len(duplicates) > MOST else ""
    intro = (
        f"{len(duplicates)} pairs of images that seem to be copies of one another.{more} Each is "
        "shown with its own range of grey levels. Look whether both show the same moment of the "
        "same patient; a program can only say that they are alike."
    )
    return _PAGE.format(
        title=escape(f"Pairs of {cohort.name}"),
        intro=escape(intro),
        side=SIDE,
        pairs="\n".join(_pairs(whole, row, shown)),
    )


def _pairs(cohort: Cohort, row: dict[str, int], pairs: pd.DataFrame) -> Iterator[str]:
    for number, pair in enumerate(pairs.to_dict("records"), 1):
        ids = [str(pair["image_a"]), str(pair["image_b"])]
        images = " ".join(_picture(cohort.pixels(row[name]), name) for name in ids)
        labels = (pair["label_a"], pair["label_b"])
        names = " and ".join(f"{name} ({of})" for name, of in zip(ids, labels, strict=True))
        said = f"{number}. {names}: {pair['kind']}, agreement {pair['correlation']:.3f}"
        yield f"<figure>{images}<figcaption>{escape(said)}</figcaption></figure>"


def _picture(image: Image, name: str) -> str:
    square = pad_square(image)
    square = resize(square, SIDE) if len(square) > SIDE else square
    low, high = np.percentile(square, [1, 99])
    grey = np.clip((square - low) / max(high - low, 1e-6), 0, 1) * 255
    file = io.BytesIO()
    Pillow.fromarray(grey.astype(np.uint8)).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/png;base64,{text}" alt="{escape(name)}">'
