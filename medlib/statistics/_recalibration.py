"""Logistic recalibration of many redraws at once: weights are replicates x cases.

statsmodels' GLM fits one at a time, in 3 ms: thousands of redraws would take minutes. A test holds
both to the same coefficients.
"""

from typing import Final

import numpy as np
from scipy.special import expit

from medlib.types import Floats

STEPS: Final = 50
"""Newton's steps after which coefficients that have not settled are returned as they are."""
LARGEST_STEP: Final = 2.0
"""Newton's steps are cut to this, so that a redraw whose classes are separated stays finite."""
SETTLED: Final = 1e-9
"""A step below which coefficients have settled."""
NEVER_0: Final = 1e-9
"""Added to the information, which is 0 where every fitted probability is 0 or 1."""


def fit(design: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return maximum-likelihood coefficients, replicates x columns of the design (cases x columns).

    Newton's method with cut steps. Where classes are separated no finite ones exist, and the last
    step's are returned: their probabilities are near 0 and 1, as they should be.
    """
    columns = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    beta: Floats = np.zeros((len(weights), columns))
    for _ in range(STEPS):
        p = expit(beta @ design.T)
        gradient = (weights * (labels - p)) @ design
        information = ((weights * p * (1 - p)) @ products).reshape(-1, columns, columns)
        information = information + NEVER_0 * np.eye(columns)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        beta += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if np.abs(step).max() < SETTLED:
            break
    return beta


def fit_intercept(offset: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return the intercept of a logistic model with an offset, one a replicate."""
    a: Floats = np.zeros(len(weights))
    for _ in range(STEPS):
        p = expit(a[:, None] + offset)
        gradient = (weights * (labels - p)).sum(axis=1)
        step = gradient / ((weights * p * (1 - p)).sum(axis=1) + NEVER_0)
        a += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if np.abs(step).max() < SETTLED:
            break
    return a


def intercept_score(a: float, log_odds: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return the score z for H0: the intercept is a where the slope is 1, one a replicate."""
    p = expit(a + log_odds)
    spread = np.sqrt(weights @ (p * (1 - p)))
    return np.asarray(weights @ (labels - p) / spread)


def slope_score(b: float, log_odds: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return the score z for H0: the slope is b, the intercept fitted, one a replicate."""
    a = fit_intercept(b * log_odds, labels, weights)
    p = expit(a[:, None] + b * log_odds)
    v = weights * p * (1 - p)
    centred = log_odds - (v @ log_odds / (v.sum(axis=1) + NEVER_0))[:, None]
    score = (weights * (labels - p) * centred).sum(axis=1)
    return np.asarray(score / np.sqrt((v * centred**2).sum(axis=1) + NEVER_0))


def spline_basis(x: Floats, knots: Floats) -> Floats:
    """Return 1, x and the restricted cubic spline of x (linear outside the knots), cases x columns.

    Without the spline where two knots coincide.
    Source: Harrell 2015, Regression Modeling Strategies, ch. 2.4.5.
    """
    straight = np.column_stack([np.ones_like(x), x])
    if np.unique(knots).size < len(knots):
        return straight
    first, before, last = knots[0], knots[-2], knots[-1]

    def cube(t: float) -> Floats:
        return np.asarray(np.maximum(x - t, 0) ** 3)

    bends = [
        cube(t)
        - cube(before) * (last - t) / (last - before)
        + cube(last) * (before - t) / (last - before)
        for t in knots[:-2]
    ]
    scaled = [bend / (last - first) ** 2 for bend in bends]
    return np.column_stack([straight, *scaled])
