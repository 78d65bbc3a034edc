"""Candidates of all scans of a cohort, with what a network sees of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd

from medlib import dicom
from medlib.cohorts import Cohort
from medlib.cohorts.sources.phantom import NODULES, SERIES
from medlib.detection import candidates, lungs, volumes
from medlib.errors import InputError
from medlib.runtime.arithmetic import one_thread
from medlib.statistics import Marks
from medlib.types import Bools, Floats, Integers, Mask, Volume

STEP_MM: Final = 2.0
"""Grid of the volumes that are searched."""


GRID: Final = (STEP_MM,) * 3


CUBE: Final = 16
"""Voxels a side of what the network sees: 32 mm."""


@dataclass(frozen=True)
class Look:
    """One scan at `STEP_MM` as the detector sees it: HU, lungs, what stands out, what is there."""

    hu: Volume
    lungs: Mask
    found: candidates.Candidates
    findings: pd.DataFrame

    @classmethod
    def failed(cls, folder: str | Path) -> "Look":
        """A scan in which the lungs, or anything in them, were not found."""
        none = candidates.Candidates(np.zeros((0, 3)), np.zeros(0), np.zeros(0))
        hu, findings = _read(folder)
        return cls(hu, np.zeros(hu.shape, dtype=bool), none, findings)

    @property
    def nodules(self) -> pd.DataFrame:
        """Findings that are nodules, in order."""
        return self.findings[self.findings.is_nodule].reset_index(drop=True)


@dataclass(frozen=True)
class Material:
    """Candidates of all patients, as marks by strength, with what the network sees of each.

    label: 0 no nodule, 1 benign nodule, 2 cancer (where known; else 0 and 1). extra: cubes at the
    true places of nodules, for training, with patient and label. nodules: one row a lesion.
    y: whether each patient has cancer, or a positive patch.
    """

    marks: Marks
    seen: Volume
    label: Integers
    extra: tuple[Volume, Integers, Integers]
    nodules: pd.DataFrame
    y: Integers

    @property
    def hit(self) -> Bools:
        """Whether each candidate hits a nodule."""
        return np.asarray(self.marks.lesion >= 0)


def look(folder: str | Path, *, most: int) -> Look:
    """Read a simulated patient, resample, find the lungs and up to `most` candidates."""
    hu, findings = _read(folder)
    inside = lungs.segment(hu, GRID)
    return Look(hu, inside, candidates.find(hu, inside, GRID, most=most), findings)


def _read(folder: str | Path) -> tuple[Volume, pd.DataFrame]:
    """HU at `STEP_MM` and all findings of a simulated patient."""
    series = dicom.read_series(Path(folder) / SERIES)
    findings = pd.DataFrame(json.loads((Path(folder) / NODULES).read_text("utf-8")))
    return volumes.isotropic(series.pixels, series.spacing, STEP_MM), findings


def of_volumes(cohort: Cohort, *, most: int, jobs: int = 2) -> Material:
    """Return the candidates of all patients of a simulated cohort of volumes with nodules."""
    folders = cohort.table.folder
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads")
    with one_thread():
        parts = pool(joblib.delayed(_part)(folder, i, most) for i, folder in enumerate(folders))
    nodules = pd.concat([part["nodules"] for part in parts], ignore_index=True)
    first = np.concatenate([[0], np.cumsum([len(part["nodules"]) for part in parts])])
    hit = [np.where(p["hit"] >= 0, p["hit"] + f, -1) for p, f in zip(parts, first, strict=False)]

    def joined(key: str) -> Any:
        return np.concatenate([part[key] for part in parts])

    lesion, kinds = np.concatenate(hit), 1 + nodules.malignant.to_numpy(np.int64)
    marks = Marks(
        patient=np.repeat(np.arange(len(parts)), [len(p["hit"]) for p in parts]),
        score=joined("strength"),
        lesion=lesion,
        lesion_patient=nodules.patient.to_numpy(np.int64),
        scans=np.ones(len(parts)),
    )
    label = np.where(lesion >= 0, kinds[lesion], 0)
    extra = joined("extra"), marks.lesion_patient, kinds
    return Material(marks, joined("cubes"), label, extra, nodules, cohort.labels)


def _part(folder: str, patient: int, most: int) -> Mapping[str, Any]:
    """What one patient adds to the material; without lungs, only nodules that nobody finds."""
    try:
        seen = look(folder, most=most)
    except InputError:
        seen = Look.failed(folder)
    nodules = seen.nodules
    true = np.array(nodules.centre_mm.tolist())
    extent = np.asarray(seen.hu.shape) - 1
    hit = candidates.match(seen.found.centre_mm, true, nodules.diameter_mm.to_numpy())

    def cut(centre_mm: Floats) -> Volume:
        if len(centre_mm) == 0:
            return np.zeros((0, CUBE, CUBE, CUBE), dtype=np.float32)
        return volumes.cubes(seen.hu, np.clip(centre_mm / STEP_MM, 0, extent), CUBE)

    return {
        "nodules": nodules.assign(patient=patient),
        "hit": hit,
        "strength": seen.found.strength,
        "cubes": cut(seen.found.centre_mm),
        "extra": cut(true),
    }


def of_patches(cohort: Cohort, size: int, scans: float, stands_for: float) -> Material:
    """Return the patches of a cohort as candidates: each positive one is a nodule of its own.

    scans: how many scans a patient, or group of rows, has; stands_for: how many candidates that are
    no nodule each patch stands for. Raises InputError for more than two classes.
    """
    if len(cohort.classes) != 2:
        raise InputError(f"Patches need two classes, no nodule and nodule, not {cohort.classes}.")
    label, patient = cohort.labels, cohort.groups
    lesion = np.where(label == 1, np.cumsum(label) - 1, -1)
    marks = Marks(
        patient=patient,
        score=np.zeros(len(label)),
        lesion=lesion,
        lesion_patient=patient[label == 1],
        scans=np.full(patient.max() + 1, float(scans)),
        stands_for=float(stands_for),
    )
    images = cohort.unit_images(size)
    nodules = pd.DataFrame({"patient": marks.lesion_patient})
    y = (np.bincount(patient, weights=label) > 0).astype(np.int64)
    return Material(marks, images, label, (images[:0], patient[:0], label[:0]), nodules, y)
