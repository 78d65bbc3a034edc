"""Decode every image of a table once: hash, size, remarks, and what cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import THREADS, names, pixel_hash
from medlib.errors import InputError
from medlib.imaging import Image

Decode = Callable[[Mapping[str, Any]], tuple[Image, tuple[str, ...]]]
"""Gives the pixels of a row and remarks on what was done to them."""

FLAT: Final = "all pixels of one value"
"""The remark on an image without contrast."""


def examine(
    table: pd.DataFrame, decode: Decode, unreadable: tuple[type[BaseException], ...]
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Decode each row; return the readable rows, the refused files and notes.

    Adds ``sha256`` (of the pixels), ``rows``, ``columns`` and, where there is a ``path``,
    ``bytes``. Refused: file, tag, reason. Raises InputError if more than half cannot be read.
    """
    rows = [dict(zip(table, row, strict=True)) for row in table.itertuples(index=False)]

    def look(row: Mapping[str, Any]) -> dict[str, Any]:
        try:
            image, remarks = decode(row)
        except unreadable as error:
            return {"reason": str(error).strip() or type(error).__name__}
        return _facts(image, remarks)

    with ThreadPoolExecutor(THREADS) as pool:
        found = pd.DataFrame(list(pool.map(look, rows)), index=table.index)
    found = found.reindex(columns=["sha256", "rows", "columns", "remarks", "reason"])
    good = found.sha256.notna()
    refused = pd.DataFrame(
        {"file": table.image_id[~good].astype(str), "tag": "", "reason": found.reason[~good]}
    ).reset_index(drop=True)
    _stop_if_most_are_refused(refused, len(table))
    _stop_if_all_are_flat(found.remarks[good])
    kept = table[good].assign(**{c: found[c][good] for c in ("sha256", "rows", "columns")})
    kept = kept.astype({"rows": int, "columns": int})
    if "path" in kept:
        kept["bytes"] = [Path(path).stat().st_size for path in kept.path]
    return kept.reset_index(drop=True), refused, _notes(found.remarks[good], refused)


def _facts(image: Image, remarks: tuple[str, ...]) -> dict[str, Any]:
    if not np.isfinite(image).all():
        return {"reason": "holds NaN or infinite pixels"}
    flat = (FLAT,) if image.size and image.min() == image.max() else ()
    rows, columns = image.shape
    sha256 = pixel_hash(image)
    return {"sha256": sha256, "rows": rows, "columns": columns, "remarks": remarks + flat}


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
