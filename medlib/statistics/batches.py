"""Thousands of cross-validations at once, to see how often a test errs where the truth is known.

The first axis of every array is the run: a study of n cases. Learners are simple enough to be
fitted for all runs in one step; verdicts are those of `medlib.statistics`, one value a run.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from scipy import special, stats

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number
from medlib.statistics.out_of_fold import degrees_of_freedom, shared_luck
from medlib.statistics.proportions import wilson_ends
from medlib.types import Bools, Integers, Labels, Reals

Rows: TypeAlias = Bools | Integers
Ends: TypeAlias = tuple[Reals, Reals]
BatchLearner: TypeAlias = Callable[[Reals, Integers, Reals], Bools]
"""Training features (runs x m x p), their labels (m), test features (runs x t x p) -> runs x t."""

LEVEL: Final = 0.95
"""Of every interval here."""
Z: Final = float(special.ndtri((1 + LEVEL) / 2))
"""The normal quantile of a 95 % interval."""


def deal(labels: Labels, *, folds: int, repeats: int, rng: np.random.Generator) -> Integers:
    """Return a fold for each case, repeats x n, dealt at random within each class.

    Each class goes on where the last one stopped, so folds differ by at most one case.
    Raises InputError for fewer than two folds or a class with fewer cases than folds.
    """
    folds, repeats = as_number(folds, "folds", least=0), as_number(repeats, "repeats")
    smallest = int(np.bincount(labels).min())
    if not 2 <= folds <= smallest:
        raise InputError(f"folds = {folds}; give 2 to {smallest}, the cases of the smaller class.")
    order = np.argsort(labels, kind="stable")
    rows = np.empty((repeats, len(labels)), dtype=np.int64)
    for row in rows:
        shuffled = np.concatenate([rng.permutation(order[labels[order] == k]) for k in (0, 1)])
        row[shuffled] = np.arange(len(labels)) % folds
    return rows


def out_of_fold_correct(
    learner: BatchLearner, features: Reals, labels: Labels, folds: Integers
) -> Reals:
    """Return 1 where a case is predicted right by the fit that had not seen it, else 0.

    features: runs x n x p; labels: n; folds: repeats x n. Result: runs x repeats x n.
    """
    right = np.empty((len(features), *folds.shape))
    for repeat, row in enumerate(folds):
        for fold in np.unique(row):
            test = row == fold
            right[:, repeat, test] = called_right(learner, features, labels, ~test, test)
    return right


def called_right(
    learner: BatchLearner, features: Reals, labels: Labels, train: Rows, test: Rows
) -> Bools:
    """Return where a fit to the `train` cases calls the `test` cases right, runs x test cases.

    features: runs x n x p; labels: n; train, test: the cases as n truths or as their rows.
    """
    predicted = learner(features[:, train], labels[train], features[:, test])
    return np.asarray(predicted == (labels[test] == 1))


def nearest_mean(training: Reals, labels: Labels, test: Reals) -> Bools:
    """Return whether each test case is nearer to the mean of class 1 than of class 0."""
    negative, positive = _means(training, labels)
    return _side(test, positive - negative, (positive + negative) / 2)


def discriminant(training: Reals, labels: Labels, test: Reals) -> Bools:
    """Return the class by Fisher's linear discriminant, its covariance shrunk by a thousandth."""
    negative, positive = _means(training, labels)
    own = np.where((labels == 1)[None, :, None], positive[:, None], negative[:, None])
    rest = training - own
    covariance = rest.transpose(0, 2, 1) @ rest / (len(labels) - 2)
    size = np.trace(covariance, axis1=1, axis2=2) / training.shape[2]
    covariance += 1e-3 * size[:, None, None] * np.eye(training.shape[2])
    weights = np.linalg.solve(covariance, (positive - negative)[..., None])[..., 0]
    return _side(test, weights, (positive + negative) / 2)


def ridge(training: Reals, labels: Labels, test: Reals) -> Bools:
    """Return the class by ridge regression on features scaled by the training cases.

    Penalty 0.1 of a feature's variance. Solved among features or cases, whichever are fewer; the
    answer is the same.
    """
    centre, spread = training.mean(1, keepdims=True), training.std(1, keepdims=True) + 1e-9
    known, new = (training - centre) / spread, (test - centre) / spread
    sign = 2.0 * labels - 1
    target = np.broadcast_to((sign - sign.mean())[:, None], (len(known), len(labels), 1))
    across = known.transpose(0, 2, 1)
    if known.shape[2] < known.shape[1]:
        weights = np.linalg.solve(_penalised(across @ known, known), across @ target)
    else:
        weights = across @ np.linalg.solve(_penalised(known @ across, known), target)
    score = new @ weights / known.shape[2]
    return np.asarray(score[..., 0] + sign.mean() > 0)


def _penalised(products: Reals, known: Reals) -> Reals:
    penalised: Reals = products / known.shape[2] + 0.1 * np.eye(products.shape[1])
    return penalised


def nearest_neighbour(training: Reals, labels: Labels, test: Reals) -> Bools:
    """Return the class of the nearest training case."""
    product = test @ training.transpose(0, 2, 1)
    distance = (training**2).sum(-1)[:, None] - 2 * product
    return np.asarray(labels[distance.argmin(2)] == 1)


def p_values(difference: Reals, folds: Integers) -> dict[str, Reals]:
    """Return the two-sided p-value of each procedure in each run, by name.

    difference: runs x repeats x n, right of one learner minus right of the other; folds: repeats
    x n, all of one size. As naive_t, corrected_t, mcnemar_test and out_of_fold_test of
    `medlib.statistics`, except that folds which all differ by the same amount give p = 0.
    """
    means = fold_means(difference, folds)
    repeats, k = means.shape[1:]
    return {name: _t_over(*of) for name, of in _t_procedures(means).items()} | {
        "exact McNemar, one run": _mcnemar(difference[:, 0]),
        f"out-of-fold test, {repeats} x {k}": _student(*_mean_and_variance(difference, folds)),
    }


def accuracy_intervals(correct: Reals, folds: Integers) -> dict[str, Ends]:
    """Return low and high ends of each 95 % interval for the accuracy in each run, by name.

    correct: runs x repeats x n, 1 or 0; folds: repeats x n, all of one size.
    """
    means = fold_means(correct, folds)
    repeats, k = means.shape[1:]
    several, n = f"{repeats} x {k}", correct.shape[2]
    mean, variance, _ = _mean_and_variance(correct, folds)
    of_model = _mean_and_variance(correct, folds, of_model=True)[1]
    return {name: t_ends(*of) for name, of in _t_procedures(means).items()} | {
        "Wilson, one run": wilson_ends(correct[:, 0].mean(1), n, LEVEL),
        f"out-of-fold interval, {several}": _effective_wilson(mean, variance, n),
        f"out-of-fold interval of a model, {several}": _effective_wilson(mean, of_model, n),
    }


def _t_procedures(means: Reals) -> dict[str, tuple[Reals, float]]:
    """Return what each t procedure averages (runs x J), and what it adds to 1/J, by name."""
    repeats, k = means.shape[1:]
    every, overlap = means.reshape(len(means), -1), 1 / (k - 1)
    return {
        f"naive t, {k} folds": (means[:, 0], 0.0),
        f"naive t, {repeats} x {k} folds": (every, 0.0),
        f"naive t, {repeats} repeat means": (means.mean(2), 0.0),
        f"corrected t, {k} folds": (means[:, 0], overlap),
        f"corrected t, {repeats} x {k} folds": (every, overlap),
    }


def t_ends(values: Reals, shared: float) -> Ends:
    """Return the 95 % interval of the mean of values (runs x J), its variance (1/J + shared) s^2.

    One low and one high end a run, from Student's t with J - 1 degrees of freedom.
    """
    count = values.shape[1]
    variance = (1 / count + shared) * values.var(1, ddof=1)
    half = special.stdtrit(count - 1, 0.975) * np.sqrt(variance)
    return values.mean(1) - half, values.mean(1) + half


def fold_means(scores: Reals, folds: Integers) -> Reals:
    """Return the mean of each fold: runs x repeats x n and repeats x n -> runs x repeats x k."""
    member = (folds[:, None] == np.arange(folds.max() + 1)[:, None]).astype(float)
    means: Reals = np.einsum("brn,rkn->brk", scores, member / member.sum(2, keepdims=True))
    return means


def _effective_wilson(mean: Reals, variance: Reals, n: int) -> Ends:
    """Return Wilson's ends for as many cases as give this variance, n at most."""
    cases = np.full(len(mean), float(n))
    np.divide(mean * (1 - mean), variance, out=cases, where=variance > 1e-15)
    return wilson_ends(mean, np.minimum(cases, n), LEVEL)


def _means(training: Reals, labels: Labels) -> tuple[Reals, Reals]:
    return training[:, labels == 0].mean(1), training[:, labels == 1].mean(1)


def _side(test: Reals, weights: Reals, middle: Reals) -> Bools:
    score = (test @ weights[..., None])[..., 0]
    return np.asarray(score > (weights * middle).sum(1, keepdims=True))


def _t_over(values: Reals, shared: float) -> Reals:
    """Return p of the mean of values (runs x J), its variance (1/J + shared) s^2."""
    share = 1 / values.shape[1] + shared
    return _student(values.mean(1), share * values.var(1, ddof=1), values.shape[1] - 1)


def _student(mean: Reals, variance: Reals, df: int | Reals) -> Reals:
    spread = np.sqrt(variance)
    without = np.where(np.abs(mean) > 1e-12, np.inf, 0.0)
    t = np.divide(np.abs(mean), spread, out=without, where=spread > 1e-12)
    return np.asarray(2 * special.stdtr(df, -t))


def _mcnemar(difference: Reals) -> Reals:
    wins, losses = (difference > 0).sum(1), (difference < 0).sum(1)
    tail = stats.binom.cdf(np.minimum(wins, losses), wins + losses, 0.5)
    return np.asarray(np.minimum(1, 2 * tail))


def _mean_and_variance(
    scores: Reals, folds: Integers, *, of_model: bool = False
) -> tuple[Reals, Reals, Reals]:
    """Return mean, variance and degrees of freedom as `VarianceParts` has them, one a run."""
    repeats, n = folds.shape
    of_case = scores.mean(1)
    excess = scores - of_case[:, None]
    sizes = np.stack([np.bincount(row, minlength=folds.max() + 1) for row in folds])
    sums = fold_means(excess, folds) * sizes
    pairs = int((sizes**2).sum()) - repeats * n
    rho = pairs / repeats / (n**2 - n)
    mates = np.stack([sums[:, r, row] for r, row in enumerate(folds)], axis=1) - excess
    of_patient = (excess * mates).sum(1) * repeats**2 / ((repeats - 1) * (repeats - 1 + rho))
    luck, patients = np.maximum(of_patient.sum(1) / pairs, 0), of_case.var(1, ddof=1) / n
    error = np.sqrt(2 * n * of_patient.var(1, ddof=1)) / pairs
    shared = shared_luck(luck, patients)
    variance = patients + rho * luck / repeats + shared
    if of_model:
        variance = variance + luck + shared
    df = degrees_of_freedom(luck, error, patients, rho / repeats, n)
    return of_case.mean(1), variance, df
