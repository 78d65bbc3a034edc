"""CORAL: means and covariances of a site's features made those of the training sites.

Sun, Feng & Saenko 2016 (AAAI) recolour one source to one target. With several training sites and a
new one, each site is whitened by its own covariance and given that of all training sites.
"""

from typing import Final

import numpy as np

from medlib.types import Bools, Floats, Integers

RIDGE: Final = 0.1
"""Added to the variances (the authors add 1), in units of the mean variance of a feature."""


def aligned(x: Floats, site: Integers, train: Bools) -> Floats:
    """All rows (rows x features), aligned site by site; labels are not used."""
    mean = x[train].mean(axis=0)
    within = np.concatenate([_centred(x[train & (site == s)]) for s in np.unique(site[train])])
    spread = float(within.var(axis=0).mean())
    ridge = RIDGE * spread if spread else 1.0
    colour = _power(_covariance(within, ridge), 0.5)
    out = np.empty_like(x)
    for name in np.unique(site):
        rows = site == name
        own = _centred(x[rows])
        out[rows] = own @ _power(_covariance(own, ridge), -0.5) @ colour + mean
    return out


def _centred(x: Floats) -> Floats:
    return np.asarray(x - x.mean(axis=0))


def _covariance(centred: Floats, ridge: float) -> Floats:
    own = centred.T @ centred / max(1, len(centred) - 1)
    return np.asarray(own + ridge * np.eye(len(own)))


def _power(symmetric: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray(vectors * values**exponent @ vectors.T)
