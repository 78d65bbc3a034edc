"""A study of several labels an image: its cases, and the ways to count what is right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from medlib import statistics
from medlib.cohorts import Cohort, SeveralLabelsError, is_simulated, load
from medlib.cohorts.colours import noted_in_colour
from medlib.cohorts.sources.several_labels import labels_of
from medlib.errors import InputError
from medlib.learning.several import rarest
from medlib.statistics import Interval
from medlib.statistics.weighted import Cases, Metric, Weights
from medlib.types import Bools, Floats, Integers

REPLICATES: Final = 1000
NOT_JOINED: Final = (
    "The images record no patients and look so alike that too few groups would be left: only equal "
    "ones are joined. If patients have several images here, name them in patients.csv; without it "
    "results are too good."
)
"""What is said where look-alikes are taken for different patients."""
ABSENT: Final = re.compile(r"\b(normals?|healthy|controls?|none|negative|no)(\b|_)|正常|健康", re.I)
"""A class that stands for no disease at all."""


@dataclass(frozen=True)
class Labelled:
    """Cases with labels. names: of the labels; flags: cases x labels, 0 or 1; patients: number.

    absent: what images without any label are called.
    """

    cohort: Cohort
    names: tuple[str, ...]
    flags: Integers
    patients: Integers
    absent: str = "no label"

    @property
    def stratum(self) -> Integers:
        """The label that is closest to half of the cases: patients are redrawn with and without.

        One patient alone who has images of both kinds counts as having it, to be redrawn at all.
        """
        share = self.flags.mean(axis=0)
        own = self.flags[:, int(np.abs(share - 0.5).argmin())].copy()
        with_, without = (np.unique(self.patients[own == k]) for k in (1, 0))
        both = np.intersect1d(with_, without)
        if len(both) == 1:
            own[self.patients == both[0]] = 1
        return np.asarray(own)

    def spans(self, metrics: Mapping[str, Metric], *, seed: int) -> Mapping[str, Interval]:
        """Return 95 % intervals over patients of metrics that look at the weights of cases only."""
        found = statistics.cluster_bootstrap(
            self.stratum, np.arange(len(self.stratum), dtype=float), self.patients,
            metrics=metrics, replicates=REPLICATES, seed=seed,
        )  # fmt: skip
        return found.intervals


def labelled(here: Mapping[str, Any]) -> Labelled:
    """Return the cases that a chapter's parameters name; it has cohort, classes, seed, folds.

    Several labels an image: all of them. One class an image: each class but the one that stands for
    no disease is a label; of two classes without such a name the second. Raises InputError for data
    that cannot be used, and for a label with fewer patients than folds, or without. Photographs
    that record no patients and all look alike would be one patient: then only equal ones are
    joined, and a note says so.
    """
    found = _of(_loaded(here))
    joined = found.cohort.patient_id_kind == "surrogate" and "groups=" not in here["cohort"]
    try:
        _require_patients(found, int(here["folds"]))
    except InputError:
        if not (joined and here["cohort"].strip().startswith("images:")):
            raise
        found = _of(_loaded(here, groups="exact").noted(NOT_JOINED))
        _require_patients(found, int(here["folds"]))
    return found


def _of(cohort: Cohort) -> Labelled:
    cohort = noted_in_colour(cohort.without_copies())
    marked, absent = labels_of(cohort), None
    if marked:
        names = tuple(name for name, flags in marked.items() if 0 < flags.sum() < len(flags))
        flags = np.stack([marked[name] for name in names], axis=1)
    else:
        absent = next((name for name in cohort.classes if ABSENT.search(name)), None)
        first = cohort.classes[0] if len(cohort.classes) == 2 else None
        absent = absent or first
        names = tuple(name for name in cohort.classes if name != absent)
        flags = np.stack([(cohort.table.label == name).to_numpy() for name in names], axis=1)
    return Labelled(cohort, names, flags.astype(np.int64), cohort.groups, absent or "no label")


def _loaded(here: Mapping[str, Any], **how: Any) -> Cohort:
    spec, classes, seed = here["cohort"], here["classes"] or None, here["seed"]
    if is_simulated(spec):
        return load(spec, seed=seed, per_class=here["pool_per_class"])
    try:
        return load(spec, classes=classes, several=True, seed=seed, **how)
    except SeveralLabelsError as several:
        return load(spec, label=several.labels[0], seed=seed, **how)


def _require_patients(found: Labelled, folds: int) -> None:
    """Each label, and its absence, in enough patients for folds with folds inside them."""
    least = 2 * folds
    kinds = rarest(found.flags)
    words = {0: found.absent, **dict(enumerate(found.names, 1))}
    asked = {f"of {words[k]!r}": found.flags[:, k - 1] == 1 if k else kinds == 0
             for k in np.unique(kinds)}  # fmt: skip
    asked |= {f"without {name!r}": found.flags[:, k] == 0 for k, name in enumerate(found.names)}
    for which, rows in asked.items():
        patients = len(np.unique(found.patients[rows]))
        if patients < least:
            raise InputError(
                f"{found.cohort.name} has {patients} patients {which} and this chapter "
                f"needs {least}, two for each of {folds} folds: add patients, or name other labels."
            )


def together(found: Labelled) -> pd.DataFrame:
    """Return how many cases have both of two labels; on the diagonal, how many have the one."""
    names = list(found.names)
    return pd.DataFrame(found.flags.T @ found.flags, index=names, columns=names)


def averaged(metrics: Sequence[Metric]) -> Metric:
    """Return the mean of metrics, such as those of several deals into folds."""
    return lambda weights, cases: np.mean([each(weights, cases) for each in metrics], axis=0)


def ways_of_counting(flags: Integers, calls: Sequence[Bools]) -> dict[str, Metric]:
    """Return how calls are counted, by name; means over `calls`, one a deal into folds.

    labels right: share of all labels of all images, pooled. images right: share of images with
    every label right. sensitivity, specificity: means over labels.
    """
    each = [_ways(flags, called) for called in calls]
    return {name: averaged([ways[name] for ways in each]) for name in each[0]}


def _ways(flags: Integers, called: Bools) -> dict[str, Metric]:
    has = flags == 1
    right = called == has

    def mean_of(share: Floats) -> Metric:
        return lambda w, _: np.asarray(w @ share / w.sum(axis=1), np.float64)

    return {
        "labels right": mean_of(right.mean(axis=1)),
        "images right": mean_of(right.all(axis=1).astype(float)),
        "sensitivity": mean_share(right, has),
        "specificity": mean_share(right, ~has),
    }


def mean_share(right: Bools, of: Bools) -> Metric:
    """Return the mean over labels (columns) of the share of right answers among some cases.

    In a redraw without any of these cases of a label, its share as it is.
    """
    whole = (right & of).sum(axis=0) / np.maximum(of.sum(axis=0), 1)

    def share(w: Weights, _: Cases) -> Floats:
        there = w @ of
        found = (w @ (right & of)) / np.where(there > 0, there, 1)
        found = np.where(there > 0, found, whole.astype(found.dtype))
        return np.asarray(found.mean(axis=1), np.float64)

    return share


def at_share(metric: Metric, ill: Bools, share: float) -> Metric:
    """Return a metric where so many of all images have a label at all, others weighed down."""

    def weighed(w: Weights, cases: Cases) -> Floats:
        many = w * np.where(ill, share, 0.0) / np.maximum((w * ill).sum(axis=1, keepdims=True), 1)
        few = w * np.where(ill, 0.0, 1 - share)
        few = few / np.maximum((w * ~ill).sum(axis=1, keepdims=True), 1)
        return metric(many + few, cases)

    return weighed


def pooled(sensitivity: float, specificity: float, share: Floats) -> Floats:
    """Return the pooled accuracy where a share of all labels is there: a mean of the two rates."""
    return np.asarray(share * sensitivity + (1 - share) * specificity)
