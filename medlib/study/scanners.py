"""How models do at sites they have not seen: each site by itself, all together, and the worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.svm import SVC

from medlib import statistics
from medlib.cohorts import Cohort
from medlib.errors import InputError, did_you_mean
from medlib.learning.folds import stratified_patient_folds
from medlib.learning.sites.heads import reduced
from medlib.learning.sites.remedies import PLAIN, Material, Remedy, held_out
from medlib.statistics import Comparison, Interval
from medlib.statistics.outcome import student
from medlib.statistics.threshold import called_positive
from medlib.statistics.weighted import Cases, Weights
from medlib.statistics.weighted import auc as weighted_auc
from medlib.types import Bools, Floats, Integers

GRAIN: Final = "grain"
"""Stands for sites made from how grainy a patient's images are, where none are recorded."""
GRAINS: Final = 4
REPLICATES: Final = 1000
FOLDS: Final = 5
LEAST_KEPT: Final = 2
CONFIDENCE: Final = 0.95
STILL: Final = 1e-12
"""Differences below it are rounding."""


def sites_by(cohort: Cohort, column: str) -> Cohort:
    """Return the cohort with its sites by a column of its table, or by `GRAIN`.

    Sites by grain are four groups of patients, of equal size, by the median noise of their images
    (the mean absolute difference of neighbouring pixels); labels play no part. Raises InputError
    for a column that is not there.
    """
    table = cohort.table
    if column == GRAIN:
        rough = cohort.map(lambda image: float(np.abs(np.diff(image, axis=1)).mean()))
        of_patient = pd.Series(rough).groupby(table.patient_id.to_numpy()).median()
        rank = of_patient.rank(method="first") - 1
        number = (rank * GRAINS // len(rank)).astype(int) + 1
        site = "grain " + table.patient_id.map(number).astype(str)
        note = "No sites are recorded: patients are grouped by how grainy their images are."
        return replace(cohort.noted(note), table=table.assign(site=site))
    if column not in table:
        known = sorted({*cohort.acquisition, "site"} & set(table))
        hint = did_you_mean(column, known, f"choose one of these, or {GRAIN}.")
        raise InputError(
            f"{cohort.name} has no column {column!r} to tell sites by; it has "
            f"{', '.join(known)}: {hint}"
        )
    return replace(cohort, table=table.assign(site=table[column].astype(str)))


def confounded(
    y: Integers, site: Integers, *, share: float = 0.8, seed: int
) -> tuple[Bools, Bools]:
    """Return two choices of rows, as many a site and class in all: prevalence unequal, and equal.

    In the first, every other site keeps its positives and loses most negatives, until `share` of
    its cases are positive; at the others the same is done to positives. In the second as many cases
    of each site are kept, half of them positive. Which cases go is drawn. Of neither is there any
    row where sites are so small that fewer than `LEAST_KEPT` of a class would be left.
    """
    order = np.random.default_rng(seed).permutation(len(y))
    rank = np.empty(len(y), dtype=np.int64)  # of a case among those of its site and class
    for s in np.unique(site):
        for k in (0, 1):
            rows = order[(site[order] == s) & (y[order] == k)]
            rank[rows] = np.arange(len(rows))
    number = np.unique(site, return_inverse=True)[1]
    most = np.array([[(site == s)[y == k].sum() for k in (0, 1)] for s in np.unique(site)]).min()
    few = round(most * (1 - share) / share)
    if few < LEAST_KEPT:
        return np.zeros(len(y), dtype=bool), np.zeros(len(y), dtype=bool)
    many = y == number % 2  # of these all are kept, site by site
    half = (most + few) // 2
    return rank < np.where(many, 2 * half - few, few), rank < half


def by_site(data: Material, scores: Floats, thresholds: Floats) -> pd.DataFrame:
    """A row a site: auc, accuracy (at one half), sensitivity, specificity, drift.

    Sensitivity and specificity are those at the operating point that training sites fixed; drift is
    the mean probability less the share of positives.
    """
    rows = []
    for s in data.sites:
        here = data.site == s
        y, p = data.y[here] == 1, scores[here]
        called = p > thresholds[here]
        rows.append(
            {
                "site": s,
                "auc": area(y, p),
                "accuracy": float((called_positive(p) == y).mean()),
                "sensitivity": float(called[y].mean()),
                "specificity": float((~called[~y]).mean()),
                "drift": float(p.mean() - y.mean()),
            }
        )
    return pd.DataFrame(rows).set_index("site")


def area(y: Bools, p: Floats) -> float:
    """AUC of cases positive or not, ties counted one half."""
    once = np.ones((1, len(y)))
    return float(weighted_auc(once, Cases(y, p, called_positive(p)))[0])


def against(one: ArrayLike, other: ArrayLike) -> Comparison:
    """Return how two ways of learning differ at a new site: one number a site left out of each.

    Sites are the cases: a t-test of the paired differences, widened because the models of any two
    sites share all other sites (`statistics.corrected_t`). Where all differences are 0, p is 1.
    Two ways that were equally good at eight new sites differed at 5 % in 1 to 2 % of 400 simulated
    studies. Not for models of one site each: see `across`. Raises InputError for fewer than two
    sites, NaN, and differences that are all equal but not 0.
    """
    gaps = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    if gaps.size > 1 and not np.abs(gaps).max() >= STILL:
        return _nothing("all are equal")
    return statistics.corrected_t(gaps, n_train=max(1, len(gaps) - 1), n_test=1)


def across(one: Floats, other: Floats) -> Comparison:
    """Return how two ways of learning differ when a model of one site meets another site.

    one, other: a number of each site trained at (rows) at each site tested at, as of `areas`; the
    diagonal, a model at its own site, is left out. A site's luck is in its row and in its column,
    so each site is left out of both in turn (jackknife of a U-statistic, Arvesen 1969, Ann. Math.
    Statist. 40:2076), and Student's t has as many degrees of freedom as sites, less one. Two ways
    that were equally good differed at 5 % in 3 to 5 % of 1,000 simulated studies of eight sites
    (standard error 0.7 points) and in 4 % of 1,500 of four; `against`, of means over the models
    that a site meets, in 6 to 14 %.
    Raises InputError for fewer than three sites.
    """
    gaps = (one - other) * (1 - np.eye(len(one)))
    n = len(gaps)
    if n < 3:
        raise InputError(f"There are {n} sites; give three or more to compare ways of learning.")
    mean, of_site = gaps.sum() / (n * (n - 1)), gaps.sum(axis=0) + gaps.sum(axis=1)
    without = (gaps.sum() - of_site) / ((n - 1) * (n - 2))
    variance = (n - 1) / n * float(((without - without.mean()) ** 2).sum())
    if np.abs(gaps).max() < STILL:
        return _nothing("all are equal")
    if variance < STILL**2:
        raise InputError(f"All sites differ by {mean:g}: without variance there is no t-test.")
    method, basis = "jackknife of sites, t", f"{n} sites"
    return student("mean difference", float(mean), variance**0.5, n - 1, CONFIDENCE, method, basis)


def _nothing(method: str) -> Comparison:
    span = Interval("mean difference", 0.0, 0.0, 0.0, CONFIDENCE, method)
    return Comparison("mean difference", 0.0, 1.0, method, interval=span)


def here_and_there(
    data: Material, *, deals: int, seed: int, remedy: Remedy = PLAIN, jobs: int = 2
) -> tuple[Floats, Integers]:
    """Train at each site, test at all: scores (deals x sites x cases), folds (deals x cases).

    Patients of each site are dealt into five folds. A case is scored by the model of each site that
    left out the fold of that number, so own and other sites are tested by models of equally many
    cases, and no model sees a patient it is tested on.
    """
    scores = np.empty((deals, len(data.sites), len(data.y)))
    fold = np.stack([_folds_at_sites(data, seed + deal) for deal in range(deals)])
    calls = [(d, a, k) for d in range(deals) for a in range(len(data.sites)) for k in range(FOLDS)]
    trained = joblib.Parallel(n_jobs=jobs, prefer="threads")(
        joblib.delayed(held_out)(
            data, remedy, (data.site == data.sites[a]) & (fold[d] != k), fold[d]
        )
        for d, a, k in calls
    )
    for (d, a, k), found in zip(calls, trained, strict=True):
        tested = fold[d][found.rows] == k
        scores[d, a, found.rows[tested]] = found.scores[tested]
    return scores, fold


def _folds_at_sites(data: Material, seed: int) -> Integers:
    fold = np.empty(len(data.y), dtype=np.int64)
    for s in data.sites:
        here = data.site == s
        fold[here] = stratified_patient_folds(
            data.y[here], data.patient[here], folds=FOLDS, seed=seed
        )
    return fold


def areas(data: Material, scores: Floats) -> Floats:
    """AUC of each site trained at (rows) at each site tested at, mean over deals."""
    pairs = [
        [_mean_area(data, scores[:, a], s) for s in data.sites] for a in range(scores.shape[1])
    ]
    return np.array(pairs)


def _mean_area(data: Material, scores: Floats, site: int) -> float:
    here = data.site == site
    return float(np.mean([area(data.y[here] == 1, each[here]) for each in scores]))


def own_and_other(data: Material, scores: Floats, *, seed: int) -> Mapping[str, Interval]:
    """Mean AUC at a model's own site and at the others, and own less other ("gap"), with intervals.

    scores as `here_and_there` gives them. For these scanners: patients are redrawn, each with what
    all models say of it.
    """
    masks = [data.site == s for s in data.sites]

    def drawn(weights: Weights, _: Cases) -> Floats:
        weights = weights.astype(np.float64)
        each = [
            [[_weighted(data, s[a], here, weights) for here in masks] for a in range(len(masks))]
            for s in scores
        ]
        return np.asarray(np.mean(each, axis=0))  # trained at x tested at x replicates

    def own(weights: Weights, cases: Cases) -> Floats:
        return np.asarray(np.diagonal(drawn(weights, cases)).mean(axis=1))

    def other(weights: Weights, cases: Cases) -> Floats:
        every, n = drawn(weights, cases), len(masks)
        return np.asarray((every.sum(axis=(0, 1)) - np.trace(every)) / (n * (n - 1)))

    metrics = {"own": own, "other": other, "gap": lambda w, c: own(w, c) - other(w, c)}
    return statistics.cluster_bootstrap(
        data.y, scores[0, 0], data.patient, metrics=metrics, replicates=REPLICATES, seed=seed
    ).intervals


def _weighted(data: Material, scores: Floats, here: Bools, weights: Weights) -> Floats:
    cases = Cases(data.y[here] == 1, scores[here], called_positive(scores[here]))
    return weighted_auc(weights[:, here], cases)


def elsewhere(matrix: Floats) -> Floats:
    """Of each site tested at, the mean AUC of models of the other sites."""
    others = len(matrix) - 1
    return np.asarray((matrix.sum(axis=0) - np.diag(matrix)) / others)


def folds_of(labels: Integers, patients: Integers, *, most: int = FOLDS, seed: int) -> Integers:
    """Folds of whole patients, as many as the rarest label has patients for, and two at least."""
    rarest = min(len(np.unique(patients[labels == k])) for k in np.unique(labels))
    folds = max(2, min(most, rarest))
    return stratified_patient_folds(labels, patients, folds=folds, seed=seed)


def told_apart(data: Material, remedy: Remedy, *, seed: int) -> Interval:
    """Return how often a classifier tells which site a new patient's image is from.

    A support vector machine with a radial kernel, so that what is left in covariances counts too;
    features aligned as the remedy does it, which uses the site that is asked for. Folds of
    patients, five where sites are large enough; of one deal.
    """
    fold = folds_of(data.site, data.patient, seed=seed)
    right = np.empty(len(data.y), dtype=bool)
    for k in np.unique(fold):
        train = fold != k
        x = data.views[remedy.view]
        x = x if remedy.align is None else remedy.align(x, data.site, train)
        ready = reduced(x[train])
        z = ready.transform(x)
        z = z if remedy.recolour is None else remedy.recolour(z, data.site, train)
        model = SVC().fit(z[train], data.site[train])
        right[~train] = model.predict(z[~train]) == data.site[~train]
    return statistics.accuracy_of_cases(right[None], None, data.patient)
