"""A nodule detector put through its paces: candidates, cross-fitted, and their patients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import pandas as pd
from scipy import stats

from medlib import dicom, statistics
from medlib.cohorts import Cohort
from medlib.cohorts.sources.phantom import NODULES, SERIES
from medlib.detection import candidates, lung_rads, lungs, volumes
from medlib.errors import InputError
from medlib.learning.network import FittedNetwork
from medlib.learning.patches import PatchLearner
from medlib.runtime.arithmetic import one_thread
from medlib.statistics import Marks
from medlib.statistics.free_response import threshold_at
from medlib.types import Bools, Floats, Integers, Mask, Probabilities, Volume

STEP_MM: Final = 2.0
"""Grid of the volumes that are searched."""
GRID: Final = (STEP_MM,) * 3
CUBE: Final = 16
"""Voxels a side of what the network sees: 32 mm."""
FOLDS: Final = 3
COPIES: Final = 3
"""How often a nodule is shown in an epoch, since there are so few."""
FALSE_TAUGHT: Final = 20
"""Candidates of a scan that are no nodule and are shown in training, drawn at random."""
SOLID_SHARE: Final = 0.55
"""Of the diameter of a part-solid nodule: its solid part, as the phantom has it."""


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


@dataclass(frozen=True)
class CrossFit:
    """Out-of-fold probabilities (candidates x classes), and what each fold fixed beforehand.

    fold: of each patient. threshold: of each fold, fixed on patients that neither trained the
    network nor are tested. fitted: one network a fold.
    """

    probability: Probabilities
    fold: Integers
    threshold: Floats
    fitted: tuple[FittedNetwork, ...]

    @property
    def nodule(self) -> Floats:
        """Probability that a candidate is a nodule of any kind."""
        return np.asarray(1 - self.probability[:, 0], dtype=np.float64)


def cross_fit(
    material: Material,
    learner: PatchLearner,
    *,
    rate: float,
    seed: int,
    shuffle: bool = False,
    jobs: int = 2,
) -> CrossFit:
    """Return predictions for all patients, in `FOLDS` folds of patients.

    Of the patients outside a fold a quarter fix the threshold that leaves `rate` false marks a
    scan, and the rest train. ``shuffle`` deals the training labels at random among the training
    patients' candidates: the null run.
    """
    fold = dealt(material.y, FOLDS, seed)
    plans = [_plan(material, fold, k, seed) for k in range(FOLDS)]

    def work(k: int) -> FittedNetwork:
        images, labels = _taught(material, plans[k][0], seed + k)
        if shuffle:
            labels = np.random.default_rng([seed, k, 99]).permutation(labels)
        return learner.fit(images, labels, seed=seed + k)

    with one_thread():
        pool = joblib.Parallel(n_jobs=jobs, prefer="threads")
        fitted = pool(joblib.delayed(work)(k) for k in range(FOLDS))
    classes = int(material.label.max()) + 1
    probability = np.zeros((len(material.label), classes), dtype=np.float32)
    threshold = np.zeros(FOLDS)
    for k, network in enumerate(fitted):
        told = network.predict(material.seen)
        threshold[k] = threshold_at(_of(material, plans[k][1], 1 - told[:, 0]), rate)
        here = fold[material.marks.patient] == k
        probability[here] = told[here]
    return CrossFit(probability, fold, threshold, tuple(fitted))


def dealt(y: Integers, parts: int, seed: int) -> Integers:
    """Return a part (0, 1, ...) for each patient, both classes shared out evenly."""
    order = np.random.default_rng([seed, 11]).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    part = np.empty(len(y), dtype=np.int64)
    part[order] = np.arange(len(y)) % parts
    return part


def _plan(material: Material, fold: Integers, k: int, seed: int) -> tuple[Integers, Integers]:
    """Patients who train, and those who fix the threshold."""
    outside = np.flatnonzero(fold != k)
    quarter = dealt(material.y[outside], 4, seed + 1)
    return outside[quarter > 0], outside[quarter == 0]


def _taught(material: Material, patients: Integers, seed: int) -> tuple[Volume, Integers]:
    """Images and labels for training: each nodule several times, some of the rest once."""
    rng, marks = np.random.default_rng([seed, 3]), material.marks
    lots, mine = rng.random(len(material.label)), np.isin(marks.patient, patients)
    nodules = np.flatnonzero(mine & material.hit)
    rest = np.flatnonzero(mine & ~material.hit)
    many = int(FALSE_TAUGHT * marks.scans[patients].sum())
    rest = rest[np.argsort(lots[rest], kind="stable")[:many]]
    images, owner, label = material.extra
    own = np.isin(owner, patients)
    every = np.concatenate([rest, *[nodules] * (COPIES - bool(len(owner)))])
    return (
        np.concatenate([material.seen[every], images[own]]),
        np.concatenate([material.label[every], label[own]]),
    )


def _of(material: Material, patients: Integers, score: Floats) -> Marks:
    """The marks of some patients, numbered anew."""
    marks = material.marks
    rows, lesions = np.isin(marks.patient, patients), np.isin(marks.lesion_patient, patients)
    place = np.full(len(marks.scans), -1)
    place[np.sort(patients)] = np.arange(len(patients))
    number = np.append(np.cumsum(lesions) - 1, -1)
    return Marks(
        place[marks.patient[rows]],
        np.asarray(score[rows], dtype=np.float64),
        number[marks.lesion[rows]],
        place[marks.lesion_patient[lesions]],
        marks.scans[np.sort(patients)],
        marks.stands_for,
    )


def part(material: Material, patients: Integers, score: Floats) -> Marks:
    """The marks of some patients with these scores (one a candidate of all patients)."""
    return _of(material, patients, score)


def at_threshold(material: Material, fit: CrossFit) -> tuple[Floats, Bools]:
    """False marks a scan of each patient, and whether each lesion is found, at fixed thresholds."""
    marks = material.marks
    above = fit.nodule > fit.threshold[fit.fold[marks.patient]]
    false = np.bincount(marks.patient[above & ~material.hit], minlength=len(marks.scans))
    found = np.zeros(len(marks.lesion_patient), dtype=bool)
    found[marks.lesion[above & material.hit]] = True
    return false * marks.stands_for / marks.scans, found


def risk(material: Material, cancer: Floats, how: str) -> Floats:
    """Return each patient's risk from that of the candidates: "noisy-or" or "maximum".

    Noisy-or takes each candidate for an independent chance of cancer: 1 - prod(1 - p).
    """
    patient, size = material.marks.patient, len(material.marks.scans)
    if how == "maximum":
        out = np.zeros(size)
        np.maximum.at(out, patient, cancer)
        return out
    if how != "noisy-or":
        raise InputError(f"how is {how!r}; give noisy-or or maximum.")
    kept = np.log1p(-np.clip(np.asarray(cancer, np.float64), 0, 1 - 1e-7))
    return np.asarray(-np.expm1(np.bincount(patient, weights=kept, minlength=size)))


def categories(nodules: pd.DataFrame, patients: int) -> Integers:
    """Return each patient's highest Lung-RADS category by true sizes, as its rank."""
    names = [
        lung_rads.at_baseline(str(density), float(mm), SOLID_SHARE * float(mm))
        for density, mm in zip(nodules.density, nodules.diameter_mm, strict=True)
    ]
    rank = np.zeros(patients, dtype=np.int64)
    np.maximum.at(rank, nodules.patient.to_numpy(), [lung_rads.CATEGORIES.index(n) for n in names])
    return rank


def groups_of(nodules: pd.DataFrame) -> pd.DataFrame:
    """Return each nodule's size, type and place in words, for sensitivity by group."""
    size = pd.cut(nodules.diameter_mm, [0, 6, 10, 99], right=False)
    words = {0: "below 6 mm", 6: "6 to 10 mm", 10: "10 mm and more"}
    return pd.DataFrame(
        {
            "size": [words[int(each.left)] for each in size],
            "type": nodules.density,
            "place": np.where(nodules.wall_mm < 8, "near the pleura", "deep"),
        }
    )


def replaced(marks: Marks, score: Floats) -> Marks:
    """The same marks with other scores."""
    return replace(marks, score=np.asarray(score, dtype=np.float64))


def auc_of(y: Integers, score: Floats, *, seed: int) -> statistics.Interval:
    """AUC of patients with its interval."""
    return statistics.cluster_bootstrap(y, score, metrics=["AUC"], seed=seed, replicates=2000)[
        "AUC"
    ]


def best_accuracy(sensitivity: Floats, specificity: Floats, prevalence: float) -> float:
    """Return the highest accuracy that any point of a ROC curve has at a prevalence."""
    return float((prevalence * sensitivity + (1 - prevalence) * specificity).max())


def binormal(auc: float) -> tuple[Floats, Floats]:
    """Sensitivity and specificity along the ROC curve of two normal scores of equal spread."""
    cut = np.linspace(-6, 9, 1501)
    apart = np.sqrt(2) * stats.norm.ppf(auc)
    return np.asarray(stats.norm.sf(cut - apart)), np.asarray(stats.norm.cdf(cut))


def mean_of_patients(values: Floats, what: str, *, seed: int) -> statistics.Interval:
    """The mean of one value a patient, with an interval from patients drawn with replacement."""
    rng, n = np.random.default_rng(seed), len(values)
    draws = values[rng.integers(0, n, (2000, n))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return statistics.Interval(
        what, float(values.mean()), float(low), float(high), 0.95, "bootstrap of patients"
    )


def pointed(heat: Volume, radius_mm: Floats) -> Bools:
    """Whether the brightest place of each map (n x CUBE^3) lies within a nodule in its middle.

    One voxel of slack, since the map is coarse and the candidate need not be the middle.
    """
    top = heat.reshape(len(heat), -1).argmax(axis=1)
    at = np.stack(np.unravel_index(top, heat.shape[1:]), axis=1)
    gap = np.linalg.norm(at - heat.shape[1] // 2, axis=1) * STEP_MM
    return np.asarray(gap <= radius_mm + STEP_MM)
