"""Shortcuts of more than two classes: each class against all others, judged as one family."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medlib.cohorts.audit import shortcuts as one
from medlib.cohorts.audit.shortcuts import NOTABLE, Judged
from medlib.cohorts.cohort import Cohort
from medlib.types import Floats, Integers


def against_rest(
    cohort: Cohort,
    statistics: pd.DataFrame,
    pixels: Floats,
    seed: int,
    scans: Integers | None = None,
) -> Judged:
    """Return what each statistic tells of each class, the farthest from 0.5 first.

    As `shortcuts`, with a row a statistic and class (column ``class``, of that class against all
    others). The adjusted p is for all of these rows being looked at: in each labelling by chance
    all classes are dealt at once, so that rows which hang together are no more than they are.
    """
    labels, groups = cohort.labels, cohort.groups
    chance = one.permuted(labels, groups, seed)
    by_scan = chance if scans is None else one.permuted(labels, scans, seed)
    tables, drawn, adjusting = [], [], []
    for k, name in enumerate(cohort.classes):
        positive = labels == k
        columns = one.informative(statistics, positive)
        rows = [(each, *one.judged(x, positive, groups)) for each, x in columns.items()]
        rows.append(one.best_pixel(pixels, positive, groups))
        table = pd.DataFrame(rows, columns=["statistic", "auc", "low", "high", "n"])
        tables.append(table.assign(**{"class": name}))
        drawn.append(one.drawn_areas(columns, pixels, chance == k))
        adjusting.append(
            drawn[-1] if scans is None else one.drawn_areas(columns, pixels, by_scan == k)
        )
    table, null = pd.concat(tables, ignore_index=True), np.concatenate(drawn)
    area = table.auc.to_numpy(np.float64)
    table.insert(4, "p", [one.p_of(*pair) for pair in zip(area, null, strict=True)])
    adjusted, noticed = one.family_wise(area, np.concatenate(adjusting))
    if one.is_mixed(labels, groups if scans is None else scans):
        adjusted = np.maximum(adjusted, one.by_interval(table))
    order = (table.auc - 0.5).abs().sort_values(ascending=False, kind="stable").index
    table = table.loc[order].reset_index(drop=True)
    return Judged(table, adjusted[order], noticed, _by_chance(table, null, cohort))


def _by_chance(table: pd.DataFrame, null: Floats, cohort: Cohort) -> str:
    found = int(((table.auc - 0.5).abs() > NOTABLE - 0.5).sum())
    expected = sum(float((np.abs(drawn - 0.5) > NOTABLE - 0.5).mean()) for drawn in null)
    return (
        f"{found} of {len(null)} statistics (each of a class against all others) have an AUC "
        f"beyond {NOTABLE:.2f} (or below {1 - NOTABLE:.2f}); with labels dealt at random it would "
        f"be {expected:.1f} on average at this size ({cohort.table.patient_id.nunique()} patients "
        "or groups)."
    )
