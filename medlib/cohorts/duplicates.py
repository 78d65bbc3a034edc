"""Images that are copies of one another: exact, altered, or flipped.

Two images are *exact* duplicates if their decoded pixels are equal. They are *near* duplicates
if one can be had from the other by what happens to files, not to patients: another size or
compression, brightness and contrast, a flip. They are found in two steps: coarse thumbnails that
correlate (one matrix product for all pairs), then fine detail that correlates too. Neighbouring
slices of a scan pass the first step and not the second; `surrogate.py` deals with these.

Not found: copies turned by 90 degrees or by a few, cropped by 2 % or more, inverted, or with text
burned in. Of images of 50 pixels a side, most copies at JPEG quality 20 or half the size are
missed, and about half at quality 30.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from medlib.imaging import Image, resize

if TYPE_CHECKING:
    from medlib.cohorts.cohort import Cohort

FINE: Final = 48
"""Pixels a side of a thumbnail: keeps organs and vessels, loses compression artefacts."""
COARSE: Final = 16
"""Pixels a side for the search over all pairs: 256 numbers an image."""
COARSE_CORRELATION: Final = 0.95
"""Copies re-compressed at quality 30, halved in size or changed in contrast stay above 0.99."""
DETAIL_CORRELATION: Final = 0.95
"""Of what a blur of 2 thumbnail pixels takes away. The same copies stay above 0.96."""
BLOCK: Final = 2048
"""Rows compared at once: bounds memory to BLOCK x n correlations."""

FLIPS: Final[dict[str, Callable[[Image], Image]]] = {
    "near": lambda stack: stack,
    "flipped left-right": lambda stack: stack[:, :, ::-1],
    "flipped up-down": lambda stack: stack[:, ::-1],
    "turned by 180 degrees": lambda stack: stack[:, ::-1, ::-1],
}


def thumbnails(cohort: Cohort) -> Image:
    """Return n x 48 x 48 thumbnails, stretched to a square so that stretched copies match."""
    return np.stack(cohort.map(lambda image: resize(image, FINE)))


def find_duplicates(cohort: Cohort, stack: Image | None = None) -> pd.DataFrame:
    """Return one row a duplicate: ``i, j`` (rows of the table), ``kind``, ``correlation``.

    An image with several copies is listed once for each later copy (``exact``: j is a copy of
    the first, i); near duplicates are pairs of images that are not exact copies.
    """
    hashes = cohort.table.sha256
    first = ~hashes.duplicated()
    origin = dict(zip(hashes[first], hashes.index[first], strict=True))
    exact = [(origin[hashes[j]], j, "exact", 1.0) for j in hashes.index[~first]]
    rows = np.flatnonzero(first)
    stack = thumbnails(cohort) if stack is None else stack
    near = [(rows[i], rows[j], kind, c) for i, j, kind, c in near_duplicates(stack[rows])]
    return pd.DataFrame(exact + near, columns=["i", "j", "kind", "correlation"])


def near_duplicates(stack: Image) -> list[tuple[int, int, str, float]]:
    """Return (i, j, kind, correlation of detail) of near duplicates among n x 48 x 48 images."""
    coarse = _standard(resize(stack, COARSE))
    detail = _standard(_detail(stack))
    found: dict[tuple[int, int], tuple[str, float]] = {}
    for kind, flip in FLIPS.items():
        flipped = coarse if kind == "near" else _standard(flip(resize(stack, COARSE)))
        turned = detail if kind == "near" else _standard(flip(_detail(stack)))
        for i, j in _candidates(coarse, flipped):
            correlation = np.einsum("ij,ij->i", detail[i], turned[j])
            for a, b, c in zip(i, j, correlation, strict=True):
                if c >= DETAIL_CORRELATION and c > found.get((a, b), ("", 0.0))[1]:
                    found[int(a), int(b)] = (kind, float(min(c, 1.0)))
    return [(i, j, kind, c) for (i, j), (kind, c) in sorted(found.items())]


def joined(i: npt.NDArray[np.int64], j: npt.NDArray[np.int64], *, n: int) -> npt.NDArray[np.int64]:
    """Return the number of the set each of n images is in when images i and j are linked."""
    links = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n))
    groups: npt.NDArray[np.int64] = csgraph.connected_components(links, directed=False)[1]
    return groups.astype(np.int64)


def _candidates(
    a: Image, b: Image
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield pairs i < j whose rows of a and b correlate, a block of rows at a time."""
    for start in range(0, len(a), BLOCK):
        correlation = a[start : start + BLOCK] @ b[start:].T
        i, j = np.nonzero(correlation >= COARSE_CORRELATION)
        later = i < j
        for part in np.array_split(np.flatnonzero(later), 1 + later.sum() // BLOCK):
            yield i[part] + start, j[part] + start


def _detail(stack: Image) -> Image:
    detail: Image = stack - ndimage.gaussian_filter(stack, (0, 2, 2), mode="nearest")
    return detail


def _standard(stack: Image) -> Image:
    """One row an image, mean 0 and length 1; an even image is 0 and correlates with nothing."""
    rows = stack.reshape(len(stack), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scale = np.abs(stack).reshape(len(stack), -1).max(axis=1, keepdims=True)
    return np.where(length > 1e-4 * np.maximum(scale, 1), rows / np.maximum(length, 1e-12), 0)
