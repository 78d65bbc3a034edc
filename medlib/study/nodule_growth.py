"""The same simulated patients at several dates, and what their nodules seem to have grown."""

from dataclasses import dataclass
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd

from medlib.detection import growth
from medlib.errors import InputError
from medlib.phantom import screening
from medlib.runtime.workers import Bound
from medlib.types import Array, Integers

VISITS: Final = ("first", "same day", "later")
"""Same day: the patient gets up and lies down again, and nothing has grown."""
SLICES: Final = 26
THICK_MM: Final = 1.25
"""Thin slices: volumes are measured, not only seen."""
EDGE_MM: Final = 8.0
"""A nodule nearer to the first or last slice is cut off, and not measured."""
DOUBLING_DAYS: Final = (80.0, 600.0)
"""True volume doubling times, drawn evenly on a logarithmic scale."""


@dataclass(frozen=True)
class Followed:
    """A patient's volumes at the `VISITS`, and the slice through the nodule at each (HU).

    repeats: of every nodule, the ratio of its two volumes on the same day.
    """

    row: dict[str, Any]
    repeats: tuple[float, ...]
    slices: tuple[Array, ...]


def follow(patients: int, *, days: float, seed: int, jobs: int = 2) -> list[Followed]:
    """Return patients with a cancer, seen twice on one day and once more after so many days."""
    rng = np.random.default_rng([seed, 23])
    doubling = np.exp(rng.uniform(np.log(DOUBLING_DAYS[0]), np.log(DOUBLING_DAYS[1]), patients))
    seeds: Integers = rng.integers(0, 2**31, patients)
    pool = joblib.Parallel(n_jobs=jobs)
    work = Bound(_follow)
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        return list(
            pool(
                joblib.delayed(work)(int(s), float(d), days)
                for s, d in zip(seeds, doubling, strict=True)
            )
        )


def _follow(seed: int, doubling: float, days: float) -> Followed:
    """One patient at the three visits."""
    factor = float(2 ** (days / doubling))
    row: dict[str, Any] = {"seed": seed}
    slices, volumes = [], []
    for visit, name in enumerate(VISITS):
        grown = factor if name == "later" else 1.0
        made = screening.simulate(
            seed, cancer=True, slices=SLICES, visit=visit, growth=grown, slice_thickness_mm=THICK_MM
        )
        nodule, case = made.nodules[0], made.case
        at = np.asarray(nodule.centre_mm)
        volumes.append([_volume(made, each) for each in made.nodules])
        row[name] = volumes[-1][0]
        row["density"] = nodule.density
        row[f"{name}, mm"] = nodule.diameter_mm
        z, y, x = np.rint(at / np.asarray(case.spacing)).astype(int)
        side = 14
        slices.append(case.hu[z, y - side : y + side, x - side : x + side])
    pairs = zip(*volumes[:2], strict=True)
    repeats = tuple(b / a for a, b in pairs if np.isfinite(a * b))
    return Followed(row, repeats, tuple(slices))


def _volume(made: screening.Screening, nodule: screening.Nodule) -> float:
    """Its measured volume in mm3; NaN for one that is cut off or cannot be told from the lung."""
    case, at = made.case, np.asarray(nodule.centre_mm)
    first = nodule is made.nodules[0]
    inside = EDGE_MM < at[0] < (len(case.hu) - 1) * THICK_MM - EDGE_MM
    if not first and not (inside and nodule.is_nodule):
        return float("nan")
    try:
        return growth.volume_mm3(case.hu, case.spacing, at)
    except InputError:
        return float("nan")


def table(followed: list[Followed], days: float) -> pd.DataFrame:
    """One row a patient whose nodule could be measured: ratios and doubling times."""
    rows = pd.DataFrame([each.row for each in followed])
    rows = rows.dropna(subset=list(VISITS)).reset_index(drop=True)
    rows["true ratio"] = (rows["later, mm"] / rows["first, mm"]) ** 3
    rows["measured ratio"] = rows.later / rows["first"]
    for name, power, (a, b) in (
        ("true", 3, ("first, mm", "later, mm")),
        ("measured", 1, ("first", "later")),
    ):
        pairs = zip(rows[a] ** power, rows[b] ** power, strict=True)
        rows[f"{name} doubling, days"] = [growth.doubling_days(*pair, days) for pair in pairs]
    return rows
