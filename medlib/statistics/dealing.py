"""Labels dealt at random among patients, and what predictions of them score by patient."""

import numpy as np
from scipy import stats

from medlib.errors import InputError
from medlib.types import Array, Bools, Floats, Integers

TRIES = 100
"""Deals looked at for one that leaves every class enough patients."""


def deal_by_images(
    of_patient: Array,
    images: Integers,
    rng: np.random.Generator,
    *,
    equal: bool = False,
) -> Array:
    """Return a label a patient, dealt at random so that each class keeps its number of images.

    of_patient: true label a patient; images: how many each has. With ``equal``, each class gets
    equally many images. Else, where all patients have equally many, this is a permutation.
    Otherwise the number of patients of a class varies; where none of 100 deals leaves each class
    half its patients, the labels are permuted.
    """
    known, label, least = np.unique(of_patient, return_inverse=True, return_counts=True)
    slots = np.argsort(np.argsort(label, kind="stable"), kind="stable")
    share = np.full(len(known), images.sum() / len(known))
    ends = np.cumsum(share if equal else np.bincount(label, weights=images))
    for _ in range(TRIES):
        place = rng.permutation(len(label))
        order = np.argsort(slots[place], kind="stable")
        middle = np.cumsum(images[order]) - images[order] / 2
        dealt = np.empty_like(label)
        dealt[order] = np.searchsorted(ends[:-1], middle, side="right")
        if (2 * np.bincount(dealt, minlength=len(known)) >= least).all():
            return np.asarray(known[dealt])
    return rng.permutation(of_patient)


def score_by_patient(given: Array, labels: Array, patient: Integers) -> float:
    """Return the mean AUC of the classes, every patient counted once; chance is 0.5.

    given: predicted class or score of each image; labels: of each image; patient: 0..P-1 of each.
    A score goes with the higher label. Of one image a patient and predicted classes of two it is
    the balanced accuracy: shares of classes and images a patient do not move it.
    Raises InputError where the lengths differ or a score is not finite.
    """
    if given.shape != labels.shape:
        raise InputError(f"There are {given.size} predictions of {labels.size} images: give all.")
    classes = np.unique(labels)
    if not np.isin(given, classes).all():
        if len(classes) > 2 or given.dtype.kind not in "biuf" or not np.isfinite(given).all():
            raise InputError("Predictions are neither classes nor finite scores: give one a case.")
        return _area(_means(given, patient), _means(labels == classes[1], patient) > 0.5)
    areas = [
        _area(_means(given == k, patient), _means(labels == k, patient) > 0.5) for k in classes
    ]
    return float(np.mean(areas))


def _means(values: Array, patient: Integers) -> Floats:
    return np.asarray(np.bincount(patient, weights=values) / np.bincount(patient))


def _area(scores: Floats, positive: Bools) -> float:
    ranks, m = stats.rankdata(scores.round(12)), int(positive.sum())
    return float((ranks[positive].mean() - (m + 1) / 2) / (len(scores) - m))
