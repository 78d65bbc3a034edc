"""Decode every image of a table once: hash, size, remarks, and what cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import THREADS, names, pixel_hash
from medlib.cohorts.sources import levels
from medlib.errors import InputError
from medlib.types import Image

Decode = Callable[[Mapping[str, Any]], tuple[Image, tuple[str, ...], levels.Stored]]
"""Gives the pixels of a row, remarks on what was done to them, and how the file stores them."""

FACTS: Final = ("sha256", "rows", "columns")
"""What the table is told of each image."""
FLAT: Final = "all pixels of one value"
"""The remark on an image without contrast."""


class Examined(NamedTuple):
    """The readable rows of a table, the refused files, notes, and each row's grey levels."""

    table: pd.DataFrame
    refused: pd.DataFrame
    notes: tuple[str, ...]
    levels: pd.DataFrame


def examine(
    table: pd.DataFrame, decode: Decode, unreadable: tuple[type[BaseException], ...]
) -> Examined:
    """Decode each row; return the readable rows, the refused files, notes and grey levels.

    Adds ``sha256`` (of the pixels), ``rows``, ``columns`` and, where there is a ``path``,
    ``bytes``. Refused: file, tag, reason. Raises InputError if more than half cannot be read.
    """
    rows = [dict(zip(table, row, strict=True)) for row in table.itertuples(index=False)]

    def look(row: Mapping[str, Any]) -> dict[str, Any]:
        try:
            image, remarks, stored = decode(row)
        except unreadable as error:
            return {"reason": str(error).strip() or type(error).__name__}
        return _facts(image, remarks, stored)

    with ThreadPoolExecutor(THREADS) as pool:
        found = pd.DataFrame(list(pool.map(look, rows)), index=table.index)
    found = found.reindex(columns=[*FACTS, "remarks", "reason", *levels.COLUMNS])
    good = found.sha256.notna()
    refused = pd.DataFrame(
        {"file": table.image_id[~good].astype(str), "tag": "", "reason": found.reason[~good]}
    ).reset_index(drop=True)
    _stop_if_most_are_refused(refused, len(table))
    _stop_if_all_are_flat(found.remarks[good])
    kept = table[good].assign(**{c: found[c][good] for c in FACTS})
    kept = kept.astype({"rows": int, "columns": int})
    if "path" in kept:
        kept["bytes"] = [Path(path).stat().st_size for path in kept.path]
    grey = found[good][[*levels.COLUMNS]].reset_index(drop=True)
    notes = _notes(found.remarks[good], refused)
    return Examined(kept.reset_index(drop=True), refused, notes, grey)


def _facts(image: Image, remarks: tuple[str, ...], stored: levels.Stored) -> dict[str, Any]:
    if not np.isfinite(image).all():
        return {"reason": "holds NaN or infinite pixels"}
    flat = (FLAT,) if image.size and image.min() == image.max() else ()
    rows, columns = image.shape
    facts = dict(zip(FACTS, (pixel_hash(image), rows, columns), strict=True))
    return facts | {"remarks": remarks + flat} | levels.measure(image, stored)


def _stop_if_most_are_refused(refused: pd.DataFrame, total: int) -> None:
    if 2 * len(refused) > total:
        first = refused.iloc[0]
        raise InputError(
            f"{len(refused)} of {total} images cannot be read, such as {first.file!r} "
            f"({first.reason}): check that the copy is complete."
        )


def _stop_if_all_are_flat(remarks: pd.Series) -> None:
    if all(FLAT in some for some in remarks):
        raise InputError(
            f"Each of the {len(remarks)} images has one value in all its pixels: there is nothing "
            "to learn; check how they were exported."
        )


def _notes(remarks: pd.Series, refused: pd.DataFrame) -> tuple[str, ...]:
    counts = Counter(remark for some in remarks for remark in some)
    notes = [f"{n} of {len(remarks)} images: {remark}." for remark, n in sorted(counts.items())]
    if len(refused):
        notes.append(
            f"{len(refused)} files cannot be read and are left out: {names(refused.file)}."
        )
    return tuple(notes)
