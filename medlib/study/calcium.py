"""Calcium scores of simulated vessels: by the method, and guessed from a scan made in passing."""

from __future__ import annotations

from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.features.agatston import agatston
from medlib.phantom.coronary import FINE_MM, SCANS, simulate
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Floats, Volume

PIXEL_MM = (FINE_MM, FINE_MM)


@dataclass(frozen=True)
class Vessels:
    """Scores, one a patient: gated scan, gated again at once, and the method on the other scan.

    features: what a regression sees of the other scan, n x 9; shown: slices of one patient.
    """

    gated: Floats
    again: Floats
    in_passing: Floats
    features: Floats


def vessels(number: int, *, seed: int = 0, jobs: int = 2) -> Vessels:
    """Simulate and score so many patients."""
    first = as_seed(seed)
    seeds = [int(np.random.SeedSequence([first, 6, i]).generate_state(1)[0])
             for i in range(number)]  # fmt: skip
    rows = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_scored)(own) for own in seeds)
    gated, again, passing, features = zip(*rows, strict=True)
    return Vessels(np.array(gated), np.array(again), np.array(passing), np.stack(features))


def _scored(seed: int) -> tuple[float, float, float, Floats]:
    scans = simulate(seed).scans
    thick = SCANS["in passing"].slice_mm
    return (
        agatston(scans["gated"], PIXEL_MM),
        agatston(scans["gated again"], PIXEL_MM),
        agatston(scans["in passing"], PIXEL_MM, slice_mm=thick),
        brightness(scans["in passing"]),
    )


def brightness(hu: Volume) -> Floats:
    """Nine numbers on how much of the slices is bright: log of counts, of sums, of the highest."""
    counts = [(hu > step).sum() for step in (60, 90, 130, 200, 400)]
    sums = [np.clip(hu - step, 0, None).sum(dtype=float) for step in (60, 90, 130)]
    return np.asarray(np.log1p(np.array([*counts, *sums, max(float(hu.max()), 0.0)])))


def guessed(features: Floats, scores: Floats, *, folds: int = 5, seed: int = 0) -> Floats:
    """Return scores by a ridge regression of log(1 + score), each from patients of other folds.

    A guess below one half is 0. The strength is chosen inside the training patients.
    """
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
    split = KFold(folds, shuffle=True, random_state=as_seed(seed))
    with one_thread():
        log = cross_val_predict(model, features, np.log1p(scores), cv=split)
    score = np.expm1(np.clip(log, 0, None))
    return np.where(score < 0.5, 0.0, score)
