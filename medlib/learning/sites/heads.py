"""Linear classifiers over features: the average error made small, or that of the worst site."""

from typing import Final

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.statistics.metrics import NEVER_CERTAIN
from medlib.types import Floats, Integers

COMPONENTS: Final = 50
"""Directions of largest variance that are kept: more cost time, and gain nothing here."""
ROUNDS: Final = 8
"""Of GroupDRO: its weights have settled by then."""


def reduced(x: Floats) -> Pipeline:
    """Scaling, then the directions of largest variance, fitted on the rows given."""
    most = min(COMPONENTS, len(x) - 1, x.shape[1])
    return make_pipeline(StandardScaler(), PCA(most, svd_solver="full")).fit(x)


def average(z: Floats, y: Integers, weights: Floats, strength: float) -> LogisticRegression:
    """Empirical risk minimisation: logistic regression with L2 strength 1 / `strength`."""
    model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=100, tol=1e-6)
    return model.fit(z, y, sample_weight=weights)


def worst(
    z: Floats, y: Integers, site: Integers, weights: Floats, strength: float, step: float
) -> LogisticRegression:
    """GroupDRO: sites where the loss is large weigh more, round by round (Sagawa et al. 2020).

    Exponentiated weights as theirs; the inner step is the whole weighted regression, which for a
    linear head takes milliseconds, in place of one step of a network's gradient.
    """
    names, place, counts = np.unique(site, return_inverse=True, return_counts=True)
    share = np.full(len(names), 1 / len(names))
    for _ in range(ROUNDS):
        of_case = len(z) * share[place] / counts[place]
        model = average(z, y, weights * of_case, strength)
        loss = np.bincount(place, losses(model.predict_proba(z)[:, 1], y)) / counts
        share = share * np.exp(step * (loss - loss.max()))
        share /= share.sum()
    return model


def losses(probability: Floats, y: Integers) -> Floats:
    """-log of the probability given to what was true, one a case, in nats."""
    p = np.clip(probability, NEVER_CERTAIN, 1 - NEVER_CERTAIN)
    return np.asarray(-np.log(np.where(y == 1, p, 1 - p)))
