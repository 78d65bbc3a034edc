"""Intervals for a cross-validated mean, as their papers define them, for many runs at once.

Scores are 1 or 0 (right or wrong), or differences of two learners' scores; each function returns
the low and the high ends of a 95 % interval, one a run. A difference is called significant where
its interval leaves out 0.
"""

import numpy as np

from medlib.statistics.batches import Ends, Z, fold_means, t_ends
from medlib.types import Integers, Reals


def bayle_ends(scores: Reals) -> Ends:
    """Return mean +- z sigma / sqrt(n) of one cross-validation; scores: runs x n.

    sigma^2 is the mean of (score - mean)^2 over all cases ("all-pairs"). For scores of 0 and 1 that
    is sqrt(p (1 - p) / n): Wald's interval. Its theorem lets the luck of the fits vanish faster
    than 1 / n. Source: Bayle, Bayle, Janson & Mackey 2020, NeurIPS 33:16339.
    """
    return _around(scores.mean(axis=1), scores.std(axis=1) / np.sqrt(scores.shape[1]))


def corrected_t_ends(scores: Reals, folds: Integers) -> Ends:
    """Return mean +- t sqrt((1/J + 1/(k - 1)) s^2), J = repeats x k fold means, J - 1 df.

    scores: runs x repeats x n; folds: repeats x n, all of about one size.
    Sources: Nadeau & Bengio 2003, Mach. Learn. 52:239; Bouckaert & Frank 2004, PAKDD (repeated).
    """
    means = fold_means(scores, folds)
    return t_ends(means.reshape(len(means), -1), 1 / (means.shape[2] - 1))


def conservative_z_ends(whole: Reals, halves: Reals) -> Ends:
    """Return mean of `whole` +- z sqrt(sum over m of (first - second half)^2 / (2 M)).

    whole: runs x inner; halves: runs x M x 2, as `subsampled_scores` gives them. A half has half
    the patients, so the spread is that of a study of n / 2: too wide, and so safe.
    Sources: Nadeau & Bengio 2003, Mach. Learn. 52:239; as recommended by Schulz-Kuempel, Fischer,
    Hornung, Boulesteix, Nagler & Bischl 2025, J. Data-centric Mach. Learn. Res. (M = 10, 15 inner).
    """
    spread = np.sqrt(((halves[..., 0] - halves[..., 1]) ** 2).mean(axis=1) / 2)
    return _around(whole.mean(axis=1), spread)


def nested_ends(scores: Reals, folds: Integers) -> Ends:
    """Return the interval of nested cross-validation, with its correction of bias.

    scores: runs x repeats x k x n, as `nested_scores` gives them; folds: repeats x n, from 0.
    For each left-out fold j, a = (mean of the inner scores - mean of the fold)^2 and b = variance
    of the fold's scores / its size. MSE = (k - 1) / k x mean of (a - b) over folds and repeats;
    its root is held to SE and sqrt(k) SE, SE = SD of inner scores / sqrt(n). The centre is
    inner - (1 + (k - 2) / k) (inner - outer), so that it aims at a model of all n cases.
    Source: Bates, Hastie & Tibshirani 2024, J. Am. Stat. Assoc. 119:1434.
    """
    repeats, k, n = scores.shape[1:]
    own = folds[:, None] == np.arange(k)[:, None]  # repeats x k x n
    size = own.sum(axis=2)
    outer = np.where(own, scores, 0).sum(axis=3) / size
    inner = np.where(own, 0, scores).sum(axis=3) / (n - size)
    squares = np.where(own, scores**2, 0).sum(axis=3)
    noise = (squares - size * outer**2) / (size - 1) / size
    mse = (k - 1) / k * ((inner - outer) ** 2 - noise).mean(axis=(1, 2))
    count = repeats * n * (k - 1)
    total = np.where(own, 0, scores).sum(axis=(1, 2, 3))
    within = np.where(own, 0, scores**2).sum(axis=(1, 2, 3)) - total**2 / count
    naive = np.sqrt(within / (count - 1) / n)
    spread = np.clip(np.sqrt(np.maximum(mse, 0)), naive, np.sqrt(k) * naive)
    usual = np.where(own, scores, 0).sum(axis=(1, 2, 3)) / (repeats * n)
    bias = (1 + (k - 2) / k) * (total / count - usual)
    return _around(total / count - bias, spread)


def _around(centre: Reals, spread: Reals) -> Ends:
    return centre - Z * spread, centre + Z * spread
