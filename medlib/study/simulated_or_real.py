"""Simulated against real images: whether they are told apart, and whether learning carries over."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib import statistics
from medlib.cohorts import Cohort
from medlib.models.classifiers import imagenet_features
from medlib.statistics import Interval
from medlib.types import Images


class SimulatedOrReal(NamedTuple):
    """Two questions about simulated images, answered on a real cohort.

    `told_apart`: accuracy of a classifier of real against simulated, the mean over folds.
    `of_images`: share of all images that are told apart, with its interval. `simulated_to_real`
    and back: AUC for the disease of a model fitted on one and tested on the other.
    """

    told_apart: float
    of_images: Interval
    simulated_to_real: Interval
    real_to_simulated: Interval


def simulated_or_real(simulated: Cohort, real: Cohort, *, folds: int) -> SimulatedOrReal:
    """Answer both by a logistic regression on frozen ImageNet features; cohorts of two classes."""
    x_real, x_simulated = (imagenet_features(_grey(cohort)) for cohort in (real, simulated))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    x, y = np.vstack([x_real, x_simulated]), np.repeat([0, 1], [len(x_real), len(x_simulated)])
    apart = float(cross_val_score(model, x, y, cv=folds, scoring="accuracy").mean())
    model.fit(x_simulated, simulated.labels)
    onto_real = statistics.auc_interval(real.labels, model.decision_function(x_real))
    model.fit(x_real, real.labels)
    onto_simulated = statistics.auc_interval(simulated.labels, model.decision_function(x_simulated))
    right = statistics.proportion_interval(round(apart * len(y)), len(y))
    return SimulatedOrReal(apart, right, onto_real, onto_simulated)


def _grey(cohort: Cohort) -> Images:
    """Images scaled to 0..1, all of a cohort alike."""
    images = cohort.images(224)
    low, high = np.percentile(images, [1, 99])
    grey: Images = np.clip((images - low) / (high - low), 0, 1)
    return grey
