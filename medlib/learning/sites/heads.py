"""Linear classifiers over features: the average error made small, or that of the worst site."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.statistics.metrics import NEVER_CERTAIN
from medlib.types import Floats, Integers

COMPONENTS: Final = 50
"""Directions of largest variance that are kept: more cost time, and gain nothing here."""
ROUNDS: Final = 8
"""Of GroupDRO: its weights have settled by then."""
NEWTON: Final = 30
"""Steps of Newton's method at most; five to eight are taken."""
CONVERGED: Final = 1e-7
"""Largest entry of a last step."""


def reduced(x: Floats) -> Pipeline:
    """Scaling, then the directions of largest variance, fitted on the rows given."""
    most = min(COMPONENTS, len(x) - 1, x.shape[1])
    # the same result either way, each quicker where it is taken
    solver = "covariance_eigh" if len(x) > x.shape[1] else "full"
    return make_pipeline(StandardScaler(), PCA(most, svd_solver=solver)).fit(x)


@dataclass(frozen=True)
class Head:
    """A linear classifier of two classes."""

    weights: Floats
    intercept: float

    def probability(self, z: Floats) -> Floats:
        """Probability of class 1 of each row."""
        return np.asarray(expit(z @ self.weights + self.intercept))


def average(z: Floats, y: Integers, weights: Floats, strength: float) -> Head:
    """Empirical risk minimisation: logistic regression with L2 strength 1 / `strength`.

    The minimum scikit-learn finds (`tests/test_sites_remedies.py`), by Newton's method. Its own
    checks of what it is given take several times as long as a fit of this size, of which a study of
    eight sites needs twenty thousand.
    """
    design = np.hstack([z, np.ones((len(z), 1))])
    ridge = np.append(np.full(z.shape[1], 1 / strength), 1e-9)  # the intercept is free
    found = np.zeros(design.shape[1])
    for _ in range(NEWTON):
        p = expit(design @ found)
        slope = design.T @ (weights * (p - y)) + ridge * found
        bend = (design * (weights * p * (1 - p))[:, None]).T @ design
        bend[np.diag_indices_from(bend)] += ridge
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < CONVERGED:
            break
    return Head(found[:-1], float(found[-1]))


def worst(
    z: Floats, y: Integers, site: Integers, weights: Floats, strength: float, step: float
) -> Head:
    """GroupDRO: sites where the loss is large weigh more, round by round (Sagawa et al. 2020).

    Exponentiated weights as theirs; the inner step is the whole weighted regression, which for a
    linear head takes milliseconds, in place of one step of a network's gradient.
    """
    names, place, counts = np.unique(site, return_inverse=True, return_counts=True)
    share = np.full(len(names), 1 / len(names))
    for _ in range(ROUNDS):
        of_case = len(z) * share[place] / counts[place]
        model = average(z, y, weights * of_case, strength)
        loss = np.bincount(place, losses(model.probability(z), y)) / counts
        share = share * np.exp(step * (loss - loss.max()))
        share /= share.sum()
    return model


def losses(probability: Floats, y: Integers) -> Floats:
    """-log of the probability given to what was true, one a case, in nats."""
    p = np.clip(probability, NEVER_CERTAIN, 1 - NEVER_CERTAIN)
    return np.asarray(-np.log(np.where(y == 1, p, 1 - p)))
