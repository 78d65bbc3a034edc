"""A nodule detector put through its paces: candidates, cross-fitted, and their patients."""

from dataclasses import dataclass, replace
from typing import Final

import joblib
import numpy as np
import pandas as pd
from scipy import stats

from medlib import statistics
from medlib.detection import lung_rads
from medlib.errors import InputError
from medlib.learning.network import FittedNetwork
from medlib.learning.patches import PatchLearner
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_number
from medlib.statistics import Marks
from medlib.statistics.free_response import threshold_at
from medlib.statistics.proportions import wilson_ends
from medlib.study.nodule_material import CUBE as CUBE
from medlib.study.nodule_material import STEP_MM as STEP_MM
from medlib.study.nodule_material import Material as Material
from medlib.study.nodule_material import look as look
from medlib.study.nodule_material import of_patches as of_patches
from medlib.study.nodule_material import of_volumes as of_volumes
from medlib.types import Bools, Floats, Integers, Probabilities, Volume

FOLDS: Final = 3
COPIES: Final = 3
"""How often a nodule is shown in an epoch, since there are so few."""
FALSE_TAUGHT: Final = 20
"""Candidates of a scan that are no nodule and are shown in training, drawn at random."""
SOLID_SHARE: Final = 0.55
"""Of the diameter of a part-solid nodule: its solid part, as the phantom has it."""


@dataclass(frozen=True)
class CrossFit:
    """Out-of-fold probabilities, and what each fold fixed beforehand.

    alone: of each network, networks x candidates x classes. fold: of each patient. threshold: of
    each fold, fixed on patients that neither trained the networks nor are tested. fitted: the
    networks of each fold.
    """

    alone: Probabilities
    fold: Integers
    threshold: Floats
    fitted: tuple[tuple[FittedNetwork, ...], ...]

    @property
    def probability(self) -> Probabilities:
        """Mean of the networks, candidates x classes."""
        return np.asarray(self.alone.mean(axis=0))

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
    networks: int = 1,
    shuffle: bool = False,
    jobs: int = 2,
) -> CrossFit:
    """Return predictions for all patients, in `FOLDS` folds of patients.

    Of the patients outside a fold a quarter fix the threshold that leaves `rate` false marks a
    scan, and the rest train `networks` networks, which start from other weights and see other
    candidates. ``shuffle`` deals the training labels at random among the training patients'
    candidates: the null run. Raises InputError, before anything is trained, where the patients who
    fix a threshold have no nodule, or those who train no candidate of a kind.
    """
    fold = dealt(material.y, FOLDS, seed)
    plans = [_plan(material, fold, k, seed) for k in range(FOLDS)]
    for train, fix in plans:
        _require_both(material, train, fix)

    def work(k: int, number: int) -> FittedNetwork:
        own = seed + k + FOLDS * number
        images, labels = _taught(material, plans[k][0], own)
        if shuffle:
            labels = np.random.default_rng([own, 99]).permutation(labels)
        return learner.fit(images, labels, seed=own)

    as_number(networks, "networks")
    with one_thread():
        pool = joblib.Parallel(n_jobs=jobs, prefer="threads")
        every = pool(joblib.delayed(work)(k, j) for k in range(FOLDS) for j in range(networks))
    fitted = [tuple(every[k * networks : (k + 1) * networks]) for k in range(FOLDS)]
    classes = int(material.label.max()) + 1
    alone = np.zeros((networks, len(material.label), classes), dtype=np.float32)
    threshold = np.zeros(FOLDS)
    for k, several in enumerate(fitted):
        fix, here = plans[k][1], fold[material.marks.patient] == k
        asked = here | np.isin(material.marks.patient, fix)
        told = np.zeros_like(alone)
        told[:, asked] = [network.predict(material.seen[asked]) for network in several]
        threshold[k] = threshold_at(_of(material, fix, 1 - told.mean(axis=0)[:, 0]), rate)
        alone[:, here] = told[:, here]
    return CrossFit(alone, fold, threshold, tuple(fitted))


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


def _require_both(material: Material, train: Integers, fix: Integers) -> None:
    marks = material.marks
    hit = material.hit[np.isin(marks.patient, train)]
    nodules = [np.isin(marks.lesion_patient, some).sum() for some in (train, fix)]
    if min(nodules) == 0 or hit.all() or not np.isin(marks.patient, fix).any():
        raise InputError(
            f"{len(marks.scans)} patients or groups with {len(marks.lesion_patient)} nodules are "
            f"too few for {FOLDS} folds: of the others {len(train)} train, with {nodules[0]} "
            f"nodules and {(~hit).sum()} other candidates, and {len(fix)} fix the threshold, with "
            f"{nodules[1]} nodules; add patients."
        )


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


def share_of(flags: Bools, patient: Integers) -> statistics.Interval:
    """Return the share of nodules with a flag; Wilson's interval for nodules in patients.

    Nodules of one patient alone count as one. Raises InputError where there is no nodule.
    """
    if len(flags) == 0:
        raise InputError("There is no nodule to count: add patients.")
    if (patient == patient[0]).all():
        value = float(flags.mean())
        low, high = wilson_ends(value, 1, 0.95)
        basis = f"{len(flags)} of 1 patient"
        return statistics.Interval("proportion", value, low, high, 0.95, "Wilson by patient", basis)
    found = statistics.accuracy_of_cases(flags[None].astype(np.float64), None, patient)
    return replace(found, quantity="proportion", target="")


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
