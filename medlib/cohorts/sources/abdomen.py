"""Simulated patients with a lesion of the liver in CT, MRI and ultrasound, made once and kept."""

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
from medlib.errors import InputError
from medlib.phantom.abdomen import MODALITIES, simulate
from medlib.phantom.anatomy.lesion import Signs
from medlib.runtime.paths import cache_folder, write_whole
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Bools, Image

NAME: Final = "phantom-abdomen"
CLASSES: Final = ("benign", "malignant")
PER_CLASS: Final = 40
"""Patients a class unless asked otherwise."""
SIGNS: Final = ("calcified", "oedematous", "solid")
"""Signs of a lesion, each plain in one modality: CT, MRI, ultrasound."""
RULES: Final = ("two-of-three", "one", "either")
"""What makes a lesion malignant: see `malignant`."""
LEVELS: Final = {"ct": (-110.0, 190.0), "mri": (0.0, 1500.0), "ultrasound": (0.0, 255.0)}
"""Black and white of each modality."""
UNITS: Final = {"ct": "HU", "mri": "stored signal, 0-4095", "ultrasound": "grey level 0-255"}
WORDS: Final = {"ct": "CT", "mri": "MRI, T2-weighted", "ultrasound": "ultrasound"}


@dataclass(frozen=True)
class _Kept:
    """Reads one modality of the file in a row's ``path``."""

    modality: str

    def __call__(self, row: Mapping[str, Any]) -> Image:
        with np.load(str(row["path"])) as arrays:
            return np.asarray(arrays[self.modality], dtype=np.float32)


def load(
    *,
    seed: int = 0,
    per_class: int | None = None,
    rule: str = "two-of-three",
    task: str = "crop",
    sequence: str = "t2",
    jobs: int = 2,
) -> Cohort:
    """Simulate ``per_class`` (40) malignant and as many benign lesions, or take them from cache.

    Patient i looks the same whatever the rule, the number of patients and the jobs; signs come in
    blocks of eight patients, each combination once. Where ``per_class`` is no multiple of four,
    classes under another rule than the default may differ by two. ``rule``: see `malignant`;
    ``task, sequence`` as in `medlib.phantom.abdomen.simulate`. The table has a column a sign, and
    the cohort a view a modality. Raises InputError for options that cannot be simulated.
    """
    if rule not in RULES:
        raise InputError(f"rule is {rule!r}; choose one of {', '.join(RULES)}.")
    wanted = PER_CLASS if per_class is None else as_number(per_class, "per_class")
    signs = combinations(as_seed(seed), 2 * wanted)
    plan = [
        {
            "seed": int(np.random.SeedSequence([seed, 1, i]).generate_state(1)[0]),
            "signs": dict(zip(SIGNS, map(bool, each), strict=True)),
            "task": task,
            "sequence": sequence,
        }
        for i, each in enumerate(signs)
    ]
    files = archives(cache_folder(NAME), plan, _sources(), make_case, jobs=jobs)
    table = pd.DataFrame(signs, columns=list(SIGNS))
    table["label"] = np.array(CLASSES)[malignant(signs, rule).astype(int)]
    table["patient_id"] = [f"ABD-{seed:03d}-{i:04d}" for i in range(len(table))]
    table["image_id"], table["site"] = table.patient_id, "simulated"
    table["path"] = [str(file) for file in files]
    return _cohort(table, sequence)


def malignant(signs: Bools, rule: str) -> Bools:
    """Return which lesions are malignant by their signs (n x 3, as `SIGNS`).

    "two-of-three": at least two signs are there, so that no modality alone can be right in more
    than 75 % of patients, nor two of them; all three can be in 100 %. "one": solid lesions, so that
    ultrasound holds everything and the others nothing. "either": calcified or solid but not both,
    so that no modality alone says anything, and CT and ultrasound together everything.
    """
    if rule == "two-of-three":
        return np.asarray(signs.sum(axis=1) >= 2)
    return np.asarray(signs[:, 2] if rule == "one" else signs[:, 0] ^ signs[:, 2])


def combinations(seed: int, number: int) -> Bools:
    """Signs of so many patients: blocks of all eight combinations, benign, malignant by turns."""
    every = np.array([[bool(k >> j & 1) for j in range(3)] for k in range(8)])
    ill = malignant(every, RULES[0])
    blocks = []
    for block in range(-(-number // 8)):
        rng = np.random.default_rng(np.random.SeedSequence([seed, 2, block]))
        benign, malign = (rng.permutation(every[ill == k]) for k in (False, True))
        blocks.append(np.stack([benign, malign], axis=1).reshape(8, 3))
    return np.concatenate(blocks)[:number]


def _cohort(table: pd.DataFrame, sequence: str) -> Cohort:
    """The cohort of a table of files, with its views."""
    facts: dict[str, Any] = {
        "classes": CLASSES,
        "licence": "CC0 1.0",
        "citation": "Simulated by medlib; no patient.",
        "simulated": True,
        "patient_id_kind": "simulated",
        "acquisition": (),
    }
    words = WORDS | {"mri": f"MRI, {sequence}"}
    views = {
        name: Cohort(
            name=f"{NAME}, {words[name]}",
            table=table.assign(sha256=_hashes(table.path, [name])),
            reader=_Kept(name),
            modality=words[name],
            units=UNITS[name],
            grey_range=LEVELS[name],
            **facts,
        )
        for name in MODALITIES
    }
    first = views[MODALITIES[0]]
    return Cohort(
        name=NAME,
        table=table.assign(sha256=_hashes(table.path, MODALITIES)),
        reader=first.reader,
        modality=", ".join(words.values()),
        units="each modality in its own",
        grey_range=first.grey_range,
        views=views,
        **facts,
    )


def _hashes(paths: pd.Series, names: Any) -> list[str]:
    """Of the pixels of these modalities in each file."""
    found = []
    for path in paths:
        with np.load(path) as arrays:
            each = [pixel_hash(arrays[name]) for name in names]
        found.append(
            each[0] if len(each) == 1 else hashlib.sha256("".join(each).encode()).hexdigest()
        )
    return found


def make_case(case: Mapping[str, Any], file: Path) -> None:
    """Simulate one case and write its images, the outline of its lesion and its tissues."""
    made = simulate(
        case["seed"], Signs(**case["signs"]), task=case["task"], sequence=case["sequence"]
    )
    stored = BytesIO()
    arrays: dict[str, Any] = {**made.images, "lesion": made.lesion, "tissue": made.tissue}
    np.savez_compressed(stored, **arrays)
    write_whole(file, stored.getvalue())


def _sources() -> tuple[Path, ...]:
    """The code that decides what a case looks like."""
    phantom = Path(medlib.__file__).parent / "phantom"
    rooms = (phantom / "anatomy", phantom / "scanner")
    return (phantom / "abdomen.py", *(file for room in rooms for file in room.glob("*.py")))
