"""Simulated patients with a normal kidney, a cyst, a tumour or stones, made once and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import medlib
from medlib.cohorts.cohort import Cohort, pixel_hash
from medlib.cohorts.sources.kept import archives
from medlib.phantom.anatomy.renal import KINDS
from medlib.phantom.kidney import simulate
from medlib.runtime.paths import cache_folder, write_whole
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Image

NAME: Final = "phantom-kidney"
PER_CLASS: Final = 40
"""Patients a class unless asked otherwise."""
UNLABELLED: Final = "unlabelled"
"""The class of those whose label nobody has read."""
MET: Final = (0.4, 0.25, 0.15, 0.2)
"""Shares of `KINDS` among patients without labels, whom nobody chose."""
GREY: Final = (-120.0, 240.0)
"""The soft-tissue window of the abdomen: centre 60, width 360 HU."""
ACQUISITION: Final = ("phase", "kernel", "mas", "slice_thickness", "side")


def load(
    *,
    seed: int = 0,
    per_class: int | None = None,
    unlabelled: int = 0,
    task: str = "crop",
    slices: int = 2,
    jobs: int = 2,
) -> Cohort:
    """Simulate ``per_class`` (40) patients of each of four classes, or take them from cache.

    Patient i looks the same whatever the number of patients and the jobs. Each has ``slices``
    images (1 to 3), neighbours through the finding; ``task`` as in
    `medlib.phantom.kidney.simulate`. With ``unlabelled`` so many other patients, the usual mixture
    of classes, come along as images left out, of which no label is told: see `without_labels`.
    Raises InputError for options that cannot be simulated.
    """
    wanted = PER_CLASS if per_class is None else as_number(per_class, "per_class")
    others = as_number(int(unlabelled), "unlabelled", least=0)
    asked: dict[str, Any] = {"task": task, "slices": as_number(int(slices), "slices")}
    n = len(KINDS) * wanted
    plan = [_case(seed, 1, i, KINDS[i % len(KINDS)], asked) for i in range(n)]
    plan += [_case(seed, 2, i, kind, asked) for i, kind in enumerate(_met(seed, others))]
    table = _table(plan, archives(cache_folder(NAME), plan, _sources(), make_case, jobs=jobs))
    table["patient_id"] = [f"KID-{seed:03d}-{i:04d}" for i in table.pop("patient")]
    table["image_id"] = table.patient_id + "-" + table["slice"].astype(str)
    table["site"], table["label"] = "simulated", table.pop("kind")
    labelled = table.index < n * asked["slices"]
    table.loc[~labelled, "label"] = UNLABELLED
    rest = None if not others else _cohort(table[~labelled], (UNLABELLED,))
    return _cohort(table[labelled], KINDS, rest)


def without_labels(cohort: Cohort) -> Cohort | None:
    """Return the patients of a cohort whose labels nobody has read, if it has any."""
    rest = cohort.left_out
    while rest is not None:
        if UNLABELLED in rest.classes:
            return rest.select((rest.table.label == UNLABELLED).to_numpy())
        rest = rest.left_out
    return None


def _case(
    seed: int, stream: int, number: int, kind: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """What is asked for of one patient."""
    own = np.random.SeedSequence([as_seed(seed), stream, number]).generate_state(1)[0]
    return {"seed": int(own), "kind": kind, **asked}


def _met(seed: int, number: int) -> list[str]:
    """Kinds of patients as they come; the first ones are the same however many follow."""
    drawn = np.random.default_rng([as_seed(seed), 3]).uniform(size=number)
    return [KINDS[k] for k in np.searchsorted(np.cumsum(MET)[:-1], drawn, side="right")]


def _table(plan: Sequence[Mapping[str, Any]], files: Sequence[Path]) -> pd.DataFrame:
    """A row an image: patient, slice, kind, path, hash and how it was scanned."""
    rows = []
    for patient, (case, file) in enumerate(zip(plan, files, strict=True)):
        with np.load(file) as arrays:
            how = dict(zip(ACQUISITION, arrays["acquisition"].tolist(), strict=True))
            for k, image in enumerate(arrays["images"]):
                rows.append({"patient": patient, "slice": k, "kind": case["kind"],
                             "path": str(file), "sha256": pixel_hash(image), **how})  # fmt: skip
    table = pd.DataFrame(rows)
    return table.astype({"mas": float, "slice_thickness": float})


def _read(row: Mapping[str, Any]) -> Image:
    """The slice of a row."""
    with np.load(str(row["path"])) as arrays:
        return np.asarray(arrays["images"][int(row["slice"])], dtype=np.float32)


def _cohort(table: pd.DataFrame, classes: tuple[str, ...], rest: Cohort | None = None) -> Cohort:
    return Cohort(
        name=NAME,
        table=table,
        classes=classes,
        reader=_read,
        modality="CT",
        units="HU",
        grey_range=GREY,
        licence="CC0 1.0",
        citation="Simulated by medlib; no patient.",
        simulated=True,
        patient_id_kind="simulated",
        acquisition=ACQUISITION,
        left_out=rest,
    )


def make_case(case: Mapping[str, Any], file: Path) -> None:
    """Simulate one case and write its slices and how they were acquired."""
    made = simulate(case["seed"], case["kind"], task=case["task"], slices=case["slices"])
    scan = made.scanner
    how = (made.phase, scan.kernel, f"{scan.mas:g}", f"{scan.slice_thickness_mm:g}", made.side)
    stored = BytesIO()
    np.savez_compressed(stored, images=made.images, acquisition=np.array(how))
    write_whole(file, stored.getvalue())


def _sources() -> tuple[Path, ...]:
    """The code that decides what a case looks like."""
    phantom = Path(medlib.__file__).parent / "phantom"
    rooms = (phantom / "anatomy", phantom / "scanner")
    return (phantom / "kidney.py", *(file for room in rooms for file in room.glob("*.py")))
