"""Groups that stand in for patients where a source records none. They are not patients.

A release of slices without ids usually lists the slices of a scan one after another. Where the
picture changes abruptly, a new scan begins (*runs*); scans that share a near-identical slice
are one. Groups err on the large side: two patients in one group cost a little precision, one
patient in two groups makes every estimate too good.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib.cohorts.similar.duplicates import joined
from medlib.cohorts.similar.near_duplicates import near_duplicates
from medlib.imaging import resize
from medlib.types import Images, Integers

RUN_SIZE: Final = 32
"""Pixels a side of the thumbnails that are compared."""
SAME_RUN: Final = 0.80
"""Correlation of successive slices of one scan. On IQ-OTH/NCCD 0.83 is the largest between
scans as a reader told them apart, and 0.80 joins what it should rather than splits."""
SAME_SCAN: Final = 0.98
"""Correlation of slices that belong to one scan wherever they stand in the list."""


def runs(stack: Images, labels: npt.ArrayLike) -> Integers:
    """Return the group of each of n x 48 x 48 thumbnails listed in the source's order.

    Successive images of one label that correlate are one run; runs of one label that share
    near-identical slices are one group. Groups never cross labels.
    """
    label = np.asarray(labels)
    flat = resize(stack, RUN_SIZE).reshape(len(stack), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    links = []
    for name in np.unique(label):
        rows = np.flatnonzero(label == name)
        correlation = flat[rows] @ flat[rows].T
        step = np.flatnonzero(np.diag(correlation, 1) >= SAME_RUN)
        i, j = np.nonzero(np.triu(correlation, 1) >= SAME_SCAN)
        links += [(rows[step], rows[step + 1]), (rows[i], rows[j])]
    return joined(*map(np.concatenate, zip(*links, strict=True)), n=len(stack))


def copies(stack: Images | None, hashes: pd.Series) -> Integers:
    """Return groups of exact and near duplicates, whatever their label; else one an image.

    Without a ``stack`` of thumbnails, of exact duplicates only.
    """
    number = pd.factorize(hashes)[0]
    order = np.argsort(number, kind="stable")
    same = np.flatnonzero(np.diff(number[order]) == 0)
    near = [] if stack is None else near_duplicates(stack)
    i = np.array([*order[same], *(pair[0] for pair in near)], dtype=np.int64)
    j = np.array([*order[same + 1], *(pair[1] for pair in near)], dtype=np.int64)
    return joined(i, j, n=len(hashes))


def named(groups: Integers, labels: pd.Series) -> list[str]:
    """Return ids such as ``group 007 (malignant)``, numbered in order of appearance."""
    number = pd.factorize(groups)[0] + 1
    first = labels.groupby(number).transform("first")
    return [f"group {n:03d} ({label})" for n, label in zip(number, first, strict=True)]
