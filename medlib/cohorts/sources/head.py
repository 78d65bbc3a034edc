"""Simulated patients with a glioma in four MR sequences, made once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import medlib
from medlib.cohorts.cohort import Cohort, pixel_hash
from medlib.cohorts.sources.kept import archives
from medlib.phantom.head import CHANNELS, simulate
from medlib.runtime.paths import cache_folder, write_whole
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Image

NAME: Final = "phantom-head-mri"
CLASSES: Final = ("faint rim", "bright rim")
"""How much contrast agent the rim of the tumour takes up: little or much."""
PER_CLASS: Final = 24
"""Patients a class unless asked otherwise."""
WORDS: Final = {"t1": "MRI, T1", "t1c": "MRI, T1 with contrast", "t2": "MRI, T2",
                "flair": "MRI, FLAIR"}  # fmt: skip
LEVELS: Final = {"t1": (0.0, 1500.0), "t1c": (0.0, 2500.0), "t2": (0.0, 3000.0),
                 "flair": (0.0, 1500.0)}  # fmt: skip
"""Black and white of each sequence."""


@dataclass(frozen=True)
class _Slice:
    """Reads the slice of one sequence in which the tumour is largest, head up as radiologists do.

    The front is at the top, the patient's right at the left.
    """

    channel: str

    def __call__(self, row: Mapping[str, Any]) -> Image:
        with np.load(str(row["path"])) as kept:
            volume = kept["images"][CHANNELS.index(self.channel)]
            areas = (kept["mask"] > 0).sum(axis=(0, 1))
        shown = volume[:, :, int(areas.argmax())]
        return np.ascontiguousarray(shown.T[::-1, ::-1], dtype=np.float32)


def load(*, seed: int = 0, per_class: int | None = None, side: int = 48, jobs: int = 2) -> Cohort:
    """Simulate ``per_class`` (24) patients of each class, or take them from the cache.

    Patient i is the same whatever the number of patients and jobs. The image of a patient is the
    axial slice where the tumour is largest, a view a sequence; the volumes and masks are what
    `medlib.cohorts.segmented.load_segmented` gives. ``side``: voxels a side, 48 or 32. Raises
    InputError for another one.
    """
    wanted = PER_CLASS if per_class is None else as_number(per_class, "per_class")
    plan = [
        {
            "seed": int(np.random.SeedSequence([as_seed(seed), 1, i]).generate_state(1)[0]),
            "bright": bool(i % 2),
            "side": _side(side),
        }
        for i in range(2 * wanted)
    ]
    files = archives(cache_folder(NAME), plan, _sources(), make_case, jobs=jobs)
    table = pd.DataFrame({"path": [str(file) for file in files]})
    table["label"] = [CLASSES[int(case["bright"])] for case in plan]
    table["patient_id"] = [f"HEAD-{seed:03d}-{i:04d}" for i in range(len(table))]
    table["image_id"], table["site"] = table.patient_id, "simulated"
    return _cohort(table)


def _side(side: object) -> int:
    """Voxels a side, also where it comes as the text of a cohort's name."""
    return as_number(int(side) if isinstance(side, str) and side.isdecimal() else side, "side")


def _cohort(table: pd.DataFrame) -> Cohort:
    """The cohort of a table of files, with its views."""
    facts: dict[str, Any] = {
        "classes": CLASSES,
        "licence": "CC0 1.0; the atlas behind it: see the card of the data",
        "citation": "Simulated by medlib on the MNI152 atlas; no patient.",
        "simulated": True,
        "patient_id_kind": "simulated",
        "units": "stored signal, 0-4095",
    }
    views = {
        name: Cohort(
            name=f"{NAME}, {WORDS[name]}",
            table=table.assign(sha256=_hashes(table.path, k)),
            reader=_Slice(name),
            modality=WORDS[name],
            grey_range=LEVELS[name],
            **facts,
        )
        for k, name in enumerate(CHANNELS)
    }
    return Cohort(
        name=NAME,
        table=table.assign(sha256=_hashes(table.path)),
        reader=views["flair"].reader,
        modality="MRI: T1, T1 with contrast, T2, FLAIR",
        grey_range=LEVELS["flair"],
        views=views,
        **facts,
    )


def _hashes(paths: pd.Series, channel: int | None = None) -> list[str]:
    """Of one sequence of each file, or of all that it holds."""
    found = []
    for path in paths:
        with np.load(path) as kept:
            images, mask = kept["images"], kept["mask"]
        parts = [images, mask] if channel is None else [images[channel]]
        found.append(hashlib.sha256("".join(map(pixel_hash, parts)).encode()).hexdigest())
    return found


def make_case(case: Mapping[str, Any], file: Path) -> None:
    """Simulate one case and write its images (uint16, 4 x side^3), mask (uint8) and spacing."""
    made = simulate(case["seed"], bright=case["bright"], side=case["side"])
    stored = BytesIO()
    np.savez_compressed(stored, images=made.images, mask=made.mask, spacing_mm=made.spacing_mm)
    write_whole(file, stored.getvalue())


def _sources() -> tuple[Path, ...]:
    """The code that decides what a case looks like."""
    phantom = Path(medlib.__file__).parent / "phantom"
    parts = ("head.py", "anatomy/brain.py", "anatomy/glioma.py", "anatomy/geometry.py",
             "anatomy/substances.py", "scanner/mri.py")  # fmt: skip
    return tuple(phantom / part for part in parts)
