"""What tells the classes apart without looking at the patient: file, frame, scanner, one pixel.

Each statistic is judged by its area under the ROC curve (AUC). A network can find any of these
by itself, so one that is far from 0.5 is a way to be right for the wrong reason. Many are
looked at, so some lie far from 0.5 by chance: permuted labels say how many.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from medlib.cohorts.cohort import Cohort
from medlib.imaging import resize
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Array, Bools, Floats, Image, Images, Integers

GRID: Final = 16
"""Pixels a side of the grid on which single pixels are looked at."""
PERMUTATIONS: Final = 999
"""Random labellings that what is found is compared with: p down to 0.001."""
NOTABLE: Final = 0.60
"""An AUC beyond 0.60 (or below 0.40) is called notable."""
LEVELS: Final = 8
"""The most frequent values of a tag that are looked at."""

LEVEL: Final = 0.025
"""Adjusted p below which a statistic is accused: of 5 % false alarms an audit, half; the other half
is left to parts of the image (`regions.ALARM`), copies and runs."""
LEAST: Final = 0.01
"""Least unit of a distance from 0.5: a column that is almost even reaches nothing by chance."""
TINY: Final = 1e-300
"""Keeps logarithms and ratios of p-values finite."""


class Judged(NamedTuple):
    """What single statistics tell of the class."""

    table: pd.DataFrame
    """statistic, auc, low, high (95 %), p, n; the farthest from 0.5 first."""
    adjusted: Floats
    """p of each row, adjusted for all of them being looked at."""
    noticed: float
    """The AUC that a typical statistic must exceed to be noticed at this size."""
    chance: str
    """What chance alone would give, in a sentence."""


def in_the_middle(statistic: str) -> bool:
    """Tell whether a statistic is of a pixel off the edge, where the disease itself may be."""
    place = re.search(r"^best of .* \(row (\d+), column (\d+)\)$", statistic)
    return place is not None and all(
        GRID // 8 < int(at) <= GRID - GRID // 8 for at in place.groups()
    )


def image_statistics(image: Image) -> dict[str, float]:
    """Return global statistics of one image, in its units; corners are squares of 1/8 a side."""
    rows, columns = (max(1, n // 8) for n in image.shape)
    corners = {
        "corner top left": _mean(image[:rows, :columns]),
        "corner top right": _mean(image[:rows, -columns:]),
        "corner bottom left": _mean(image[-rows:, :columns]),
        "corner bottom right": _mean(image[-rows:, -columns:]),
    }
    return {
        "mean": _mean(image),
        "SD": float(image.std(dtype=np.float64)),
        "minimum": float(image.min()),
        "maximum": float(image.max()),
        "corners (mean of four)": float(np.mean(list(corners.values()))),
        **corners,
    }


def _mean(pixels: Image) -> float:
    return float(pixels.mean(dtype=np.float64))


def grid_of_pixels(stack: Images) -> Floats:
    """Return n x 256 grey levels of n x h x w thumbnails."""
    return resize(stack, GRID).reshape(len(stack), -1).astype(np.float64)


def acquisition_statistics(cohort: Cohort) -> pd.DataFrame:
    """Return numbers made of a cohort's `acquisition` columns, one row an image.

    Numeric columns stay as they are; of others, each frequent value becomes 0 or 1, and so does
    "is missing". Columns of one value, or of as many values as images, tell nothing and go.
    """
    table, made = cohort.table, {}
    for name in cohort.acquisition:
        made.update(_of_column(name, table[name]))
    if {"rows", "columns"} <= set(made):
        made["aspect (columns : rows)"] = made["columns"] / made["rows"]
    return _merged(pd.DataFrame(made, index=table.index))


def _merged(statistics: pd.DataFrame) -> pd.DataFrame:
    """Columns that say the same (scanner and site, often) become one, with both names."""
    same: dict[bytes, list[str]] = {}
    for name, column in statistics.items():
        same.setdefault(column.to_numpy(np.float64).tobytes(), []).append(str(name))
    return pd.DataFrame(
        {" / ".join(alike): statistics[alike[0]] for alike in same.values()}, index=statistics.index
    )


def _of_column(name: str, column: pd.Series) -> dict[str, pd.Series]:
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    text = text.str.replace(r"^(\d{3})Y$", r"\1", regex=True)  # ages of DICOM
    absent = text == ""
    made = {f"{name} is missing": absent.astype(float)} if 0 < absent.sum() < len(text) else {}
    number = pd.to_numeric(text.where(~absent), errors="coerce")
    if number.notna().sum() == (~absent).sum() > 0:
        return made | ({name: number} if number.nunique() > 1 else {})
    frequent = text[~absent].value_counts()
    least = max(3, len(text) // 50)
    frequent = frequent[(frequent >= least) & (frequent < len(text))][:LEVELS]
    if len(frequent) == 2 and frequent.sum() == len(text):
        frequent = frequent[:1]  # the other level is its mirror image
    return made | {f"{name} = {level}": (text == level).astype(float) for level in frequent.index}


def clustered_auc(
    scores: Floats, positive: Bools, groups: npt.ArrayLike
) -> tuple[float, float, float]:
    """Return the AUC of scores, and its 95 % interval with images of a patient taken together.

    DeLong's placements summed by patient (Obuchowski 1997), interval on the logit scale. Where
    the classes part completely, the bound is the exact binomial one for the smaller class.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    rank = stats.rankdata(scores)
    area = (rank[positive].sum() - m * (m + 1) / 2) / (m * n)
    placement = np.empty(len(scores))
    placement[positive] = (rank[positive] - stats.rankdata(scores[positive])) / n
    placement[~positive] = 1 - (rank[~positive] - stats.rankdata(scores[~positive])) / m
    share = (placement - area) / np.where(positive, m, n)
    _, patient = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(patient, share)
    patients = len(sums)
    if area in (0.0, 1.0):
        bound = 0.025 ** (1 / min(m, n))
        return (1.0, bound, 1.0) if area == 1 else (0.0, 0.0, 1 - bound)
    error = np.sqrt((sums**2).sum() * patients / max(patients - 1, 1))
    spread = stats.norm.ppf(0.975) * error / (area * (1 - area))
    centre = np.log(area / (1 - area))
    low, high = (1 / (1 + np.exp(-(centre + side * spread))) for side in (-1, 1))
    return float(area), float(low), float(high)


def areas(values: Floats, positive: Bools) -> Floats:
    """Return the AUC of each of k columns for each of b labellings (n x b): b x k.

    A labelling that has one class only gives 0.5.
    """
    ranks = stats.rankdata(values, axis=0)
    m = positive.sum(axis=0)[:, None]
    pairs = m * (len(values) - m)
    above = positive.T.astype(np.float64) @ ranks - m * (m + 1) / 2
    return np.where(pairs > 0, above / np.maximum(pairs, 1), 0.5)


def permuted(labels: Array, groups: npt.ArrayLike, seed: int) -> Array:
    """Return n x 999 labellings as chance would have them; each has all classes.

    Labels are exchanged between patients; between images where patients have several labels.
    """
    _, first, patient = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    if is_mixed(labels, groups):
        first = patient = np.arange(len(labels))
    rng = np.random.default_rng(as_seed(seed))
    label = labels[first]
    return np.stack([rng.permutation(label)[patient] for _ in range(PERMUTATIONS)], axis=1)


def is_mixed(labels: Array, groups: npt.ArrayLike) -> bool:
    """Tell whether some patient has images of several classes."""
    return bool((pd.Series(labels).groupby(np.asarray(groups)).nunique() > 1).any())


def shortcuts(
    cohort: Cohort,
    statistics: pd.DataFrame,
    pixels: Floats,
    seed: int,
    scans: Integers | None = None,
) -> Judged:
    """Return what each statistic tells of the class, the farthest from 0.5 first.

    One row is the best single pixel; its p is that of the best of all pixels. The AUC is of
    the last class against the first; for more than two see `against_rest`. The adjusted p
    (`family_wise`) counts each of ``scans`` once (one number an image), else each patient.
    """
    used = np.isin(cohort.labels, (0, len(cohort.classes) - 1))
    positive, groups = cohort.labels[used] > 0, cohort.groups[used]
    columns = informative(statistics[used], positive)
    rows = [(name, *judged(values, positive, groups)) for name, values in columns.items()]
    rows.append(best_pixel(pixels[used], positive, groups))
    area = np.array([row[1] for row in rows])
    drawn = drawn_areas(columns, pixels[used], permuted(positive, groups, seed))
    p = [p_of(*pair) for pair in zip(area, drawn, strict=True)]
    table = pd.DataFrame(rows, columns=["statistic", "auc", "low", "high", "n"])
    table.insert(4, "p", p)
    note = _by_chance(table, drawn[:-1], cohort)
    if scans is not None:
        drawn = drawn_areas(columns, pixels[used], permuted(positive, scans[used], seed))
    adjusted, noticed = family_wise(area, drawn)
    if is_mixed(positive, groups if scans is None else scans[used]):
        adjusted = np.maximum(adjusted, by_interval(table))
    order = (table.auc - 0.5).abs().sort_values(ascending=False, kind="stable").index
    return Judged(table.loc[order].reset_index(drop=True), adjusted[order], noticed, note)


def family_wise(area: Floats, drawn: Floats) -> tuple[Floats, float]:
    """Return p of each of k AUCs, adjusted for all k being looked at, and the AUC noticed.

    drawn: k x b, their AUCs under b labellings by chance. In each labelling the statistic counts
    that is rarest by chance, so statistics that say the same are no more than one; of equally
    rare ones, that which is farther from 0.5 in units of what one labelling of twenty reaches.
    Source: Westfall & Young 1993 (single-step minP), with the labelling as it is among the others.
    """
    far = np.abs(np.column_stack([area, drawn]) - 0.5).round(9)  # ties are ties
    reached = far.shape[1] + 1 - stats.rankdata(far, method="min", axis=1)  # times as far
    ratio = far / np.maximum(np.quantile(far, 0.95, axis=1, keepdims=True), LEAST)
    score = ratio / (1 + ratio.max()) - reached
    rarest = score.max(axis=0)
    adjusted = (rarest >= score[:, :1]).mean(axis=1)
    least = int(np.ceil(-np.quantile(rarest, 1 - LEVEL)))
    noticed = 0.5 + float(np.median(np.sort(far, axis=1)[:, -max(least, 1)]))
    return adjusted, noticed


def informative(statistics: pd.DataFrame, positive: Bools) -> dict[str, Floats]:
    """Columns of more than one value, known in both classes."""
    columns = {str(name): column.to_numpy(np.float64) for name, column in statistics.items()}
    return {
        name: values
        for name, values in columns.items()
        if len(np.unique(values[np.isfinite(values)])) > 1
        and len(np.unique(positive[np.isfinite(values)])) > 1
    }


def judged(values: Floats, positive: Bools, groups: Integers) -> tuple[float, float, float, int]:
    """Return AUC, its interval and the number of images, of those with a value."""
    known = np.isfinite(values)
    return *clustered_auc(values[known], positive[known], groups[known]), int(known.sum())


def drawn_areas(columns: dict[str, Floats], pixels: Floats, chance: Bools) -> Floats:
    """AUC of each statistic under each labelling, k x b; the last is of the best of all pixels."""
    rows = []
    for values in columns.values():
        known = np.isfinite(values)
        rows.append(areas(values[known, None], chance[known])[:, 0])
    rows.append(0.5 + np.abs(areas(pixels, chance) - 0.5).max(axis=1))
    return np.array(rows)


def best_pixel(
    pixels: Floats, positive: Bools, groups: Integers
) -> tuple[str, float, float, float, int]:
    """Return name, AUC, its interval and the number of images, of the pixel farthest from 0.5."""
    distance = np.abs(areas(pixels, positive[:, None])[0] - 0.5)
    best = int(distance.argmax())
    where = f"best of {GRID} x {GRID} pixels (row {best // GRID + 1}, column {best % GRID + 1})"
    return (where, *clustered_auc(pixels[:, best], positive, groups), len(pixels))


def by_interval(table: pd.DataFrame) -> Floats:
    """Where patients have both classes: p of the interval, which takes patients together."""
    looked_at = np.where(table.statistic.str.startswith("best of"), GRID**2, 1)
    rows = table[["auc", "low", "high"]].to_numpy(np.float64)
    p = looked_at * len(table) * np.array([interval_p(*map(float, row)) for row in rows])
    adjusted: Floats = np.minimum(p, 1.0)
    return adjusted


def interval_p(auc: float, low: float, high: float) -> float:
    """Two-sided p of AUC 0.5 from a 95 % interval: normal on the logit scale; exact at 0 and 1."""
    if auc in (0.0, 1.0):
        bound = low if auc == 1 else 1 - high  # 0.025 ** (1 / n), n cases of the smaller class
        return float(min(1.0, 2 * 0.5 ** (np.log(0.025) / np.log(max(bound, TINY)))))
    logit = np.log([low, auc, high]) - np.log1p([-low, -auc, -high])
    error = (logit[2] - logit[0]) / (2 * stats.norm.ppf(0.975))
    return float(2 * stats.norm.sf(abs(logit[1]) / max(error, TINY)))


def p_of(auc: float, drawn: Floats) -> float:
    """Share of permutations as far from 0.5, the observed one counted."""
    reached = np.abs(drawn - 0.5) >= abs(auc - 0.5) - 1e-12
    return float((1 + reached.sum()) / (1 + len(drawn)))


def _by_chance(table: pd.DataFrame, null: Floats, cohort: Cohort) -> str:
    mixed = is_mixed(cohort.labels > 0, cohort.groups)
    found = int(((table.auc[:-1] - 0.5).abs() > NOTABLE - 0.5).sum())
    expected = sum(float((np.abs(drawn - 0.5) > NOTABLE - 0.5).mean()) for drawn in null)
    return (
        f"{found} of {len(null)} statistics have an AUC beyond {NOTABLE:.2f} (or below "
        f"{1 - NOTABLE:.2f}); with labels dealt at random it would be {expected:.1f} on average "
        f"at this size ({cohort.table.patient_id.nunique()} patients or groups)."
        + " Labels were dealt to images, as patients have both: p may be too small."
        * mixed
    )
