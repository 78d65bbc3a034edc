"""Simulated colour photographs of the back of the eye, several diseases an eye, made and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from PIL import Image as Pillow

import medlib
from medlib.cohorts.cohort import Cohort, pixel_hash
from medlib.cohorts.sources.kept import content_key, make_side_by_side
from medlib.cohorts.sources.several_labels import MARK
from medlib.phantom.anatomy.eye import PIGMENTATIONS
from medlib.phantom.anatomy.retinal_lesions import GRADES
from medlib.phantom.fundus import simulate
from medlib.phantom.scanner.fundus_camera import CAMERAS
from medlib.runtime import progress
from medlib.runtime.paths import cache_folder, write_whole
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Image

NAME: Final = "phantom-fundus"
CLASSES: Final = ("healthy", "diseased")
PER_CLASS: Final = 40
"""Patients a class unless asked otherwise."""
DISEASES: Final = ("diabetic retinopathy", "glaucoma", "cataract")
"""The labels; an eye may have several."""
MIXTURES: Final = (
    *[(1, 0, 0)] * 5, *[(0, 1, 0)] * 5, *[(0, 0, 1)] * 4,
    *[(1, 0, 1)] * 3, (1, 1, 0), (0, 1, 1), (1, 1, 1),
)  # fmt: skip
"""What twenty diseased eyes have, in the order of DISEASES; diabetes and cataract go together."""
AGES: Final = (57.0, (3.0, 4.0, 8.0))
"""Mean age of the healthy in years, and what each disease adds."""


@dataclass(frozen=True)
class _Kept:
    """Reads a photograph as grey (BT.601 luma in whole numbers)."""

    def __call__(self, row: Mapping[str, Any]) -> Image:
        with Pillow.open(str(row["path"])) as picture:
            return np.asarray(picture.convert("L"), dtype=np.float32)


def load(*, seed: int = 0, per_class: int | None = None, jobs: int = 2) -> Cohort:
    """Simulate ``per_class`` (40) healthy and as many diseased eyes, or take them from cache.

    One eye a patient; patient i is the same whatever the number of patients and the jobs. Of twenty
    diseased eyes in a row each of `MIXTURES` comes once; of four eyes of a class each pigmentation
    and camera. The table has a column a label (`MARK`), and pigmentation, camera, age in years and
    the grade of diabetic retinopathy. The file in `path` is in colour.
    """
    wanted = PER_CLASS if per_class is None else as_number(per_class, "per_class")
    cases = [_case(as_seed(seed), i) for i in range(2 * wanted)]
    files = make_cases(cases, jobs=jobs)
    table = pd.DataFrame(cases)
    for name, column in zip(DISEASES, ("grade", "glaucoma", "cataract"), strict=True):
        table[MARK + name] = (table[column].astype(int) > 0).astype(np.int64)
    ill = table[[MARK + name for name in DISEASES]].max(axis=1)
    table["label"] = np.array(CLASSES)[ill]
    table["patient_id"] = [f"EYE-{seed:03d}-{i:04d}" for i in range(len(table))]
    table["image_id"], table["site"] = table.patient_id, "camera " + table.camera
    table["grade"] = np.array(GRADES)[table.grade]
    table["path"] = [str(file) for file in files]
    table["sha256"] = [_hash(file) for file in files]
    return Cohort(
        name=NAME,
        table=table.drop(columns=["seed", "glaucoma", "cataract"]),
        classes=CLASSES,
        reader=_Kept(),
        modality="colour fundus photograph",
        licence="CC0 1.0",
        citation="Simulated by medlib; no patient.",
        simulated=True,
        patient_id_kind="simulated",
    )


def _case(seed: int, i: int) -> dict[str, Any]:
    """What patient i has and by which camera it is seen: healthy and diseased by turns."""
    place, ill = divmod(i, 2)
    block, at = divmod(place, len(MIXTURES))
    order = _stream(seed, 2, block).permutation(len(MIXTURES))
    mixture = MIXTURES[int(order[at])] if ill else (0, 0, 0)
    group = int(_stream(seed, 3 + ill, place // 4).permutation(4)[place % 4])
    own = _stream(seed, 1, i)
    grade, spread = int(own.integers(1, len(GRADES))), float(own.standard_normal())
    mean = AGES[0] + sum(a * b for a, b in zip(AGES[1], mixture, strict=True))
    return {
        "seed": int(own.integers(2**32)),
        "grade": grade * mixture[0],
        "glaucoma": bool(mixture[1]),
        "cataract": bool(mixture[2]),
        "pigmentation": list(PIGMENTATIONS)[group % 2],
        "camera": list(CAMERAS)[group // 2],
        "age": float(min(max(round(mean + 11 * spread), 30), 90)),
    }


def _stream(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(key))


def make_cases(cases: list[dict[str, Any]], *, jobs: int = 2) -> list[Path]:
    """Return the file of each case, simulating those that are not there yet or are damaged."""
    home = cache_folder(NAME)
    files = [home / f"{content_key(case, _sources())}.png" for case in cases]
    lacking = [(c, f) for c, f in zip(cases, files, strict=True) if not _is_whole(f)]
    make_side_by_side(make_case, lacking, jobs)
    return files


def make_case(case: Mapping[str, Any], file: Path) -> None:
    """Simulate one eye and write its photograph as PNG, which loses nothing."""
    stored = BytesIO()
    Pillow.fromarray(simulate(**case).image).save(stored, "PNG", compress_level=1)
    write_whole(file, stored.getvalue())


def _is_whole(file: Path) -> bool:
    """Whether a file is there and not cut off; a damaged one is told."""
    if not file.exists():
        return False
    try:
        with Pillow.open(file) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError):
        progress.tell(f"{file} is damaged: this eye is simulated again")
        return False
    return True


def _hash(file: Path) -> str:
    with Pillow.open(file) as picture:
        return pixel_hash(np.asarray(picture))


def _sources() -> tuple[Path, ...]:
    """The code that decides what an eye looks like."""
    phantom = Path(medlib.__file__).parent / "phantom"
    anatomy = ("eye.py", "retinal_vessels.py", "retinal_lesions.py", "geometry.py")
    return (
        phantom / "fundus.py",
        phantom / "scanner" / "fundus_camera.py",
        *(phantom / "anatomy" / name for name in anatomy),
    )
