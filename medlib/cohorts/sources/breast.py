"""Simulated mammograms, two views a woman, made once and kept."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import medlib
from medlib.cohorts.cohort import Cohort, pixel_hash
from medlib.cohorts.sources.kept import archives
from medlib.errors import InputError
from medlib.phantom.anatomy.breast import DENSITIES, VIEWS
from medlib.phantom.breast import TASKS, simulate
from medlib.phantom.scanner.mammography import BLACK_TO_WHITE
from medlib.runtime.paths import cache_folder, write_whole
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Image

NAME: Final = "phantom-mammography"
CLASSES: Final = ("no cancer", "cancer")
PER_CLASS: Final = 60
"""Women a class unless asked otherwise."""


def load(
    *,
    seed: int = 0,
    per_class: int | None = None,
    task: str = "crop",
    density: str = "",
    jobs: int = 2,
) -> Cohort:
    """Simulate ``per_class`` (60) women with cancer and as many without, or take them from cache.

    Two images a woman, CC and MLO, one after the other. ``task``: "crop", 60 mm round the finding,
    or round a place where one could be, or "view", the whole breast. ``density``: one of A to D for
    all; else as chance has it. Woman i looks the same whatever the number of women and the jobs.
    The table has view, density, finding and diameter_mm (0 where there is no mass). Raises
    InputError for options that cannot be simulated.
    """
    if task not in TASKS:
        raise InputError(f"task is {task!r}; choose {' or '.join(map(repr, TASKS))}.")
    if density and density not in DENSITIES:
        raise InputError(f"density is {density!r}; choose one of {', '.join(DENSITIES)}.")
    wanted = PER_CLASS if per_class is None else as_number(per_class, "per_class")
    first = as_seed(seed)
    plan = [
        {
            "seed": int(np.random.SeedSequence([first, 3, i]).generate_state(1)[0]),
            "cancer": bool(i % 2),
            "task": task,
            "density": density or None,
        }
        for i in range(2 * wanted)
    ]
    files = archives(cache_folder(NAME), plan, _sources(), make_case, jobs=jobs)
    rows = [row for i, file in enumerate(files) for row in _rows(f"MAM-{seed:03d}-{i:04d}", file)]
    return Cohort(
        name=NAME,
        table=pd.DataFrame(rows),
        classes=CLASSES,
        reader=_read,
        modality="mammography",
        units="grey level 0-4095",
        grey_range=BLACK_TO_WHITE,
        licence="CC0 1.0",
        citation="Simulated by medlib; no patient.",
        simulated=True,
        patient_id_kind="simulated",
    )


def _read(row: Mapping[str, Any]) -> Image:
    """The view of a row of the table, from the file in ``path``."""
    with np.load(str(row["path"])) as arrays:
        return np.asarray(arrays[str(row["view"])], dtype=np.float32)


def _rows(woman: str, file: Path) -> list[dict[str, Any]]:
    """A row of the table for each view of a woman."""
    with np.load(file) as arrays:
        facts = {name: arrays[name].item() for name in ("density", "finding", "diameter_mm")}
        hashes = {view: pixel_hash(arrays[view].astype(np.float32)) for view in VIEWS}
        label = CLASSES[int(arrays["cancer"])]
    return [
        {
            "image_id": f"{woman}-{view}",
            "patient_id": woman,
            "label": label,
            "site": "simulated",
            "view": view,
            **facts,
            "sha256": hashes[view],
            "path": str(file),
        }
        for view in VIEWS
    ]


def make_case(case: Mapping[str, Any], file: Path) -> None:
    """Simulate one woman and write both views and what is known of her."""
    made = simulate(case["seed"], cancer=case["cancer"], task=case["task"], density=case["density"])
    arrays: dict[str, Any] = {name: image.astype(np.uint16) for name, image in made.images.items()}
    arrays |= {
        "cancer": case["cancer"],
        "density": made.breast.density,
        "finding": made.finding.kind,
        "diameter_mm": round(made.finding.diameter, 1) if "mass" in made.finding.kind else 0.0,
    }
    stored = BytesIO()
    np.savez_compressed(stored, **arrays)
    write_whole(file, stored.getvalue())


def _sources() -> tuple[Path, ...]:
    """The code that decides what a woman's mammograms look like."""
    phantom = Path(medlib.__file__).parent / "phantom"
    parts = ("breast.py", "anatomy/breast.py", "scanner/mammography.py")
    return tuple(phantom / part for part in parts)
