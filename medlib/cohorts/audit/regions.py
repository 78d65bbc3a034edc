"""What tells the classes apart where the disease cannot be: border, corners, top of image, file.

Single statistics miss what only many numbers show together, such as noise, resampling or
compression. Here a ridge regression gets all textures of one part of the image and is asked, out of
fold, how well it tells the classes apart; permuted labels say what chance alone would give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd

from medlib import features
from medlib.cohorts.audit.shortcuts import (
    PERMUTATIONS,
    TINY,
    acquisition_statistics,
    interval_p,
    is_mixed,
    permuted,
)
from medlib.cohorts.cohort import Cohort
from medlib.imaging import resize
from medlib.statistics import out_of_fold_auc
from medlib.types import Bools, Floats, Image, Integers

STEPS: Final = 4096
"""Grey levels from black to white that images are rounded to before anything is computed."""
SIDE: Final = 64
"""Pixels a side at which the parts are looked at, as in chapter 12."""
FAMILIES: Final = ("intensity", "glcm", "lbp")
"""Families of features that can be computed of a part of any shape."""
WHOLE: Final = "whole image"
FILE: Final = "file and scanner"
FOLDS: Final = 5
DEALS: Final = 3
"""Deals into folds that are averaged, so that the luck of one deal counts less."""
FEWEST: Final = 10
"""Patients of a class below which nothing is looked at: two a fold."""
ALARM: Final = 0.01
"""Adjusted p at which the check speaks up: 1 % false alarms, beside those of single statistics."""
COLUMNS: Final = ("part", "class", "auc", "low", "high", "p of all")


def masks(side: int = SIDE) -> dict[str, Bools]:
    """Return the parts that hardly hold a disease, by name: side x side, true inside.

    The border is a sixteenth of the side wide, a corner an eighth of it.
    """
    row, column = np.indices((side, side))
    edge = np.minimum.reduce([row, column, side - 1 - row, side - 1 - column])
    across, down = (np.minimum(at, side - 1 - at) < side // 8 for at in (column, row))
    return {"top eighth": row < side // 8, "border": edge < side // 16, "corners": across & down}


def small_images(cohort: Cohort) -> Image:
    """Return n x 64 x 64 images, stretched to a square: padding would tell their shape."""
    return np.stack(cohort.map(lambda image: resize(image, SIDE)))


def textures(small: Image, span: tuple[float, float], part: Bools | None = None) -> Floats:
    """Return first-order features, co-occurrences and local patterns, n x k; of a part, or all.

    span: the cohort's grey_range.
    """
    region = None if part is None else np.broadcast_to(part, small.shape)
    # digits of arithmetic, all that differs in air which is black, must not tell classes apart
    step = (span[1] - span[0]) / STEPS
    whole = (np.round((small - span[0]) / step) * step + span[0]).astype(np.float32)
    found = features.extract(whole, region, families=FAMILIES, span=span)
    return found.to_numpy(np.float64)


def parts_of(cohort: Cohort, small: Image | None = None) -> dict[str, Floats]:
    """Return what is known of each image from parts without disease: name to n x k numbers.

    The parts are those of `masks`, and what file and scanner say of themselves.
    """
    images = small_images(cohort) if small is None else small
    found = {name: textures(images, cohort.grey_range, part) for name, part in masks().items()}
    return {**found, FILE: acquisition_statistics(cohort).to_numpy(np.float64)}


def tell_apart(
    parts: Mapping[str, Floats],
    labels: Integers,
    groups: Integers,
    classes: tuple[str, ...],
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> pd.DataFrame:
    """Return how well each part alone tells the classes apart: `COLUMNS`, one row a part.

    parts: name to n x k numbers; labels (index into classes) and groups (patients): one an image.
    Of more than two classes there is a row a part and class, of that class against all others. auc
    is of a ridge regression, out of fold by group, with its 95 % interval; ``p of all`` that of the
    best of all rows in as many labellings by chance (Westfall & Young 1993, single-step maxT; one
    can only be better than chance). A part that is equal in all images has no row; where a class
    has fewer than 10 groups the table is empty.
    """
    least = min(len(np.unique(groups[labels == k])) for k in range(len(classes)))
    if least < FEWEST:
        return pd.DataFrame(columns=list(COLUMNS))
    chance = permuted(labels, groups, seed)[:, :permutations]
    dealt = np.column_stack([labels, chance])
    folds = _deals(groups, seed)
    rows, drawn = [], []
    for name, x in parts.items():
        varying = _varying(x)
        for k in range(1, 2) if len(classes) == 2 else range(len(classes)):
            if not varying.shape[1]:
                continue
            first, area = _areas(varying, dealt == k, folds)
            found = out_of_fold_auc(labels == k, first, folds, groups)
            rows.append((name, classes[k], found.estimate, found.low, found.high))
            drawn.append(area)
    table = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    table["p of all"] = list(_adjusted(np.array(drawn)))
    if is_mixed(labels, groups) and len(table):
        table["p of all"] = np.maximum(table["p of all"], list(_by_interval(table)))
    order = table.auc.sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def check_regions(
    cohort: Cohort, *, groups: Integers | None = None, small: Image | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return `tell_apart` of a cohort's `parts_of`; groups: one an image, else its patients."""
    patients = cohort.groups if groups is None else groups
    parts = parts_of(cohort, small)
    return tell_apart(parts, cohort.labels, patients, cohort.classes, seed=seed)


def alarms(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `tell_apart` at which the check speaks up."""
    return table[table["p of all"] <= ALARM]


def _varying(x: Floats) -> Floats:
    """The columns that differ between images; what is missing becomes the median of its column."""
    known = x[:, np.isfinite(x).any(axis=0)]
    filled: Floats = np.where(np.isfinite(known), known, np.nanmedian(known, axis=0))
    return filled[:, np.ptp(filled, axis=0) > 0]


def _deals(groups: Integers, seed: int) -> Integers:
    """Deals x n: fold of each image. No label is looked at, so all labellings are treated alike."""
    rng = np.random.default_rng(seed)
    number = int(groups.max()) + 1
    return np.stack([(rng.permutation(number) % FOLDS)[groups] for _ in range(DEALS)])


def _areas(x: Floats, dealt: Bools, folds: Integers) -> tuple[Floats, Floats]:
    """Scores under the labels as they are (deals x n), and the AUC under each labelling (n x b)."""
    scores = [out_of_fold(x, dealt, fold) for fold in folds]
    area = np.mean([_area(score, dealt) for score in scores], axis=0)
    return np.stack([score[:, 0] for score in scores]), area


def out_of_fold(x: Floats, dealt: Bools, fold: Integers) -> Floats:
    """Return n x b scores by ridge regressions of each labelling (n x b) on the other folds.

    The penalty is fixed: one for each standardised column, so nothing is chosen on the data. There
    is no intercept: it is the share of positives in training, which leaves fewer for the test.
    """
    found = np.empty(dealt.shape)
    for k in np.unique(fold):
        test = fold == k
        train, y = x[~test], dealt[~test].astype(np.float64)
        mean, sd = train.mean(axis=0), train.std(axis=0)
        z = (x - mean) / np.where(sd > TINY, sd, 1.0)
        gram = z[~test].T @ z[~test] + x.shape[1] * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, z[~test].T @ (y - y.mean(axis=0)))
        found[test] = z[test] @ weights
    return found


def _area(scores: Floats, positive: Bools) -> Floats:
    """AUC of each column of scores for its own labelling.

    Sorting both classes takes a third of the time of ranking all, and gives the same: whole numbers
    and halves are added up.
    """
    columns = zip(np.ascontiguousarray(scores.T), np.ascontiguousarray(positive.T), strict=True)
    return np.array(
        [_of_sorted(np.sort(score[own]), np.sort(score[~own])) for score, own in columns]
    )


def _of_sorted(high: Floats, low: Floats) -> float:
    """Share of pairs in which the one of `high` is above that of `low`; of ties, half."""
    below = low.searchsorted(high, "left").sum() + low.searchsorted(high, "right").sum()
    return float(below / 2 / (len(high) * len(low)))


def _adjusted(area: Floats) -> Iterator[float]:
    """P of each row (first column) among the best of all rows of each labelling."""
    best = area.max(axis=0) if len(area) else area
    for row in area:
        yield float((best >= row[0] - 1e-12)[1:].sum() + 1) / len(best)


def _by_interval(table: pd.DataFrame) -> Iterator[float]:
    """Where patients have both classes: p of the interval, which takes patients together."""
    for auc, low, high in table[["auc", "low", "high"]].to_numpy(np.float64):
        yield min(1.0, len(table) * interval_p(auc, low, high)) if auc > 0.5 else 1.0
