"""What remedies for scanners gain at a new site, what they need there, and how they mislead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import joblib
import numpy as np
import pandas as pd

from medlib import statistics
from medlib.cohorts import Cohort
from medlib.errors import InputError
from medlib.learning.sites import remedies, views
from medlib.learning.sites.combat import FEWEST as FEWEST_IN_TRAINING
from medlib.learning.sites.combat import ComBat, aligned
from medlib.learning.sites.heads import average, reduced
from medlib.learning.sites.remedies import PLAIN, STRENGTHS, Material, Remedy
from medlib.runtime.workers import Bound
from medlib.statistics import Comparison, Interval
from medlib.statistics.threshold import called_positive
from medlib.statistics.weighted import Cases, Weights
from medlib.study import scanners
from medlib.types import Bools, Floats, Integers

ALPHA: Final = 0.05
POINTS: Final = 0.10
"""The gap between subgroups that a study should be able to see."""
FEWEST: Final = 10
"""Patients of a subgroup."""
LEAST_OF_SITE: Final = 4
"""Patients of a site in the small studies of `leak`."""
ATTEMPTS: Final = 100
"""Deals into folds that are tried."""


def material(cohort: Cohort, *, image_size: int, frozen_size: int, seed: int) -> Material:
    """Return the cohort's cases with the features of each view of their images."""
    found = views.of(cohort, image_size=image_size, frozen_size=frozen_size, seed=seed)
    site = np.unique(cohort.table.site, return_inverse=True)[1].astype(np.int64)
    return Material(found, cohort.labels, site, cohort.groups)


def possible(data: Material) -> list[Remedy]:
    """Return the remedies whose views of the images there are."""
    return [each for each in remedies.REMEDIES if each.view in data.views]


def without_shift(cohort: Cohort, *, seed: int) -> Cohort:
    """Return the cohort with its patients dealt to the sites at random: no site differs any more.

    Among patients with images of the same classes, so that each site keeps about its shares.
    """
    table = cohort.table
    kind = table.groupby("patient_id").label.agg(lambda labels: " ".join(sorted(set(labels))))
    site, rng = table.groupby("patient_id").site.first(), np.random.default_rng([seed, 61])
    dealt = site.copy()
    for each in sorted(kind.unique()):
        of_kind = kind.index[kind == each]
        dealt[of_kind] = rng.permutation(site[of_kind].to_numpy())
    return replace(cohort, table=table.assign(site=table.patient_id.map(dealt)))


@dataclass(frozen=True)
class Tried:
    """A remedy where each site is left out in turn, and where a single site is trained at.

    sites: as `scanners.by_site`. single: AUC of models of one site (rows) at each site (columns),
    as `scanners.areas`; None where it was not asked for, or the remedy needs several sites.
    """

    remedy: Remedy
    scores: Floats
    thresholds: Floats
    sites: pd.DataFrame
    single: Floats | None


def tried(data: Material, remedy: Remedy, *, deals: int, seed: int) -> Tried:
    """Try a remedy both ways; `deals` into folds of the single sites, 0 to leave these out."""
    found = remedies.joined(remedies.left_out(data, remedy, jobs=1), len(data.y))
    single = None
    if deals and not remedy.robust:
        scores, _ = scanners.here_and_there(data, deals=deals, seed=seed, remedy=remedy, jobs=1)
        single = scanners.areas(data, scores)
    return Tried(remedy, *found, scanners.by_site(data, *found), single)


def all_tried(data: Material, *, deals: int, seed: int, jobs: int = 2) -> list[Tried]:
    """Try the baseline and every remedy that is possible, `jobs` of them side by side."""
    ways = (PLAIN, *possible(data))
    with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
        pool = joblib.Parallel()
        return list(pool(joblib.delayed(Bound(_tried))(data, way, deals, seed) for way in ways))


def _tried(data: Material, remedy: Remedy, deals: int, seed: int) -> Tried:
    return tried(data, remedy, deals=deals, seed=seed)


MANY: Final = "several sites"
ONE: Final = "one site"


def gains(every: Sequence[Tried]) -> pd.DataFrame:
    """Return what each remedy gains in AUC at a new site over the first of `every`, in points.

    A row a remedy and way of training: remedy, key, trained, gain, low, high, p, p of all (Holm's,
    over all rows), verdict: "helped", "harmed" or "not shown".
    """
    plain, *others = every
    rows = []
    for each in others:
        gained = scanners.against(each.sites.auc, plain.sites.auc)
        rows.append(_row(each.remedy, MANY, gained))
        if each.single is not None and plain.single is not None:
            rows.append(_row(each.remedy, ONE, scanners.across(each.single, plain.single)))
    table = pd.DataFrame(rows)
    table["p of all"] = statistics.holm(table.p).adjusted
    certain = table["p of all"] <= ALPHA
    table["verdict"] = np.where(~certain, "not shown", np.where(table.gain > 0, "helped", "harmed"))
    return table


def _row(remedy: Remedy, trained: str, found: Comparison) -> dict[str, object]:
    low, high = (found.interval.low, found.interval.high) if found.interval else (0.0, 0.0)
    return {
        "remedy": remedy.name,
        "key": remedy.key,
        "trained": trained,
        "gain": 100 * found.difference,
        "low": 100 * low,
        "high": 100 * high,
        "p": found.p_value,
    }


def few_cases(data: Material, cases: int, *, draws: int, seed: int) -> Comparison:
    """Return what labels of a few patients a class of the new site gain in AUC on its others.

    They are drawn anew `draws` times and weigh as much as one training site; what is compared is
    the same model without them, on the same remaining patients. A site where these are of one class
    is passed over. One comparison, corrected for no other. Raises InputError where fewer than two
    sites are left.
    """
    gained = [
        np.mean(
            [_with_few(data, s, cases, np.random.default_rng([seed, s, d])) for d in range(draws)]
        )
        for s in data.sites
    ]
    told = np.array([gain for gain in gained if np.isfinite(gain)])
    return scanners.against(told, np.zeros(len(told)))


def _with_few(data: Material, site: int, cases: int, rng: np.random.Generator) -> float:
    here = data.site == site
    known = []
    for k in (0, 1):
        of_class = np.unique(data.patient[here & (data.y == k)])
        known += rng.permutation(of_class)[:cases].tolist()
    told = here & np.isin(data.patient, known)
    rest = np.flatnonzero(here & ~told)
    if len(np.unique(data.y[rest])) < 2:
        return float("nan")
    areas = []
    for extra in (None, np.flatnonzero(told)):
        found = remedies.held_out(data, PLAIN, ~here, data.site, extra=extra)
        scores = np.empty(len(data.y))
        scores[found.rows] = found.scores
        areas.append(scanners.area(data.y[rest] == 1, scores[rest]))
    return areas[1] - areas[0]


def leak(
    data: Material, *, of_site: int, deals: int, seed: int, share: float = 0.875
) -> dict[str, Floats]:
    """Return the AUC on labels that were dealt at random, as the cases of all sites are harmonised.

    Studies of `of_site` patients a site are drawn. At every other site a `share` of labels is
    positive, at the rest as many are negative. "on all" fits ComBat once on everything, with
    the labels as what is to be preserved; "in the fold" on the training cases without any
    label. Folds of patients; nothing can be learned, so 0.5 is right, but for what prevalence a
    scanner gives away. Folds that would leave a site fewer than two images to train are dealt anew.
    Raises InputError for fewer than `LEAST_OF_SITE` patients a site.
    """
    if of_site < LEAST_OF_SITE:
        raise InputError(
            f"Studies of {of_site} patients a site leave sites without a spread in training: give "
            f"{LEAST_OF_SITE} or more."
        )
    found = []
    for deal in range(deals):
        rng = np.random.default_rng([seed, 71, deal])
        study = data.at(_few_of_each(data, of_site, rng))
        y, x = _dealt(study, share, rng), study.views["plain"]
        fold = _folds_with_all_sites(y, study, seed + deal)
        labels = y[:, None].astype(float)
        once = ComBat.fit(x, study.site, labels).transform(x, study.site, labels)
        trains = [fold != k for k in np.unique(fold)]
        inside = [aligned(x, study.site, train) for train in trains]
        found.append([_area_of(y, trains, z) for z in ([once] * len(trains), inside)])
    return dict(zip(("on all", "in the fold"), np.array(found).T, strict=True))


def _folds_with_all_sites(y: Integers, study: Material, seed: int) -> Integers:
    """Folds of patients such that every site keeps two images in training; the first that do."""
    place = np.unique(study.site, return_inverse=True)[1]
    for attempt in range(ATTEMPTS):
        fold = scanners.folds_of(y, study.patient, seed=seed + 1000 * attempt)
        left = [np.bincount(place[fold != k], minlength=place.max() + 1) for k in np.unique(fold)]
        if np.min(left) >= FEWEST_IN_TRAINING:
            return fold
    raise InputError(
        f"No deal of {len(np.unique(study.patient))} patients into folds leaves every site "
        f"{FEWEST_IN_TRAINING} images to train: give more patients a site."
    )


def _few_of_each(data: Material, of_site: int, rng: np.random.Generator) -> Bools:
    """The rows of so many patients of each site, drawn."""
    drawn = [rng.permutation(np.unique(data.patient[data.site == s]))[:of_site] for s in data.sites]
    return np.isin(data.patient, np.concatenate(drawn))


def _area_of(y: Integers, trains: Sequence[Bools], harmonised: Sequence[Floats]) -> float:
    """AUC of the out-of-fold scores, from the features that each fold sees."""
    scores = np.empty(len(y))
    for train, x in zip(trains, harmonised, strict=True):
        z = reduced(x[train]).transform(x)
        model = average(z[train], y[train], np.ones(int(train.sum())), STRENGTHS[1])
        scores[~train] = model.probability(z[~train])
    return scanners.area(y == 1, scores)


def _dealt(data: Material, share: float, rng: np.random.Generator) -> Integers:
    """A label of each patient that has nothing to do with the images, but with the site."""
    place = np.unique(data.site, return_inverse=True)[1]
    y = np.empty(len(data.y), dtype=np.int64)
    for s in np.unique(place):
        patients = rng.permutation(np.unique(data.patient[place == s]))
        many = round(len(patients) * (share if s % 2 else 1 - share))
        y[place == s] = np.isin(data.patient[place == s], patients[:many])
    return y


def subgroups(cohort: Cohort) -> dict[str, tuple[str, str, Bools, Bools]]:
    """Return pairs of groups by name: what both are called, and who is in them.

    Sex, age (below 60 years or not) and habitus (chest narrower or wider than the median), as far
    as the table tells them, and where ten patients or more are in both.
    """
    table, found = cohort.table, {}
    patient = cohort.groups
    if "PatientSex" in table:
        sex = table.PatientSex.astype(str).str.upper().str[:1].to_numpy()
        found["sex"] = ("women", "men", sex == "F", sex == "M")
    if "PatientAge" in table:
        years = pd.to_numeric(table.PatientAge.astype(str).str.extract(r"(\d+)")[0]).to_numpy(float)
        found["age"] = ("under 60", "60 or older", years < 60, years >= 60)
    if "chest_width_mm" in table:
        width = table.chest_width_mm.to_numpy(float)
        middle = float(np.median(width))
        found["habitus"] = ("narrow chest", "wide chest", width < middle, width >= middle)
    sizes = {k: [len(np.unique(patient[g])) for g in group[2:]] for k, group in found.items()}
    return {name: group for name, group in found.items() if min(sizes[name]) >= FEWEST}


def gap(data: Material, scores: Floats, one: Bools, other: Bools, *, seed: int) -> Interval:
    """Return the accuracy in one group less that in another, with its interval over patients."""
    right = called_positive(scores) == (data.y == 1)

    def difference(weights: Weights, _: Cases) -> Floats:
        return _share(weights[:, one], right[one]) - _share(weights[:, other], right[other])

    found = statistics.cluster_bootstrap(
        data.y, scores, data.patient, metrics={"gap": difference},
        replicates=scanners.REPLICATES, seed=seed,
    )  # fmt: skip
    return found["gap"]


def _share(weights: Weights, right: Bools) -> Floats:
    """The weighted share; of a group of which a replicate drew nobody, that of the group itself."""
    drawn = weights.sum(axis=1)
    share = weights @ right / np.maximum(drawn, 1)
    return np.asarray(np.where(drawn > 0, share, right.mean()), np.float64)


def patients_for_gap(accuracy: float, points: float = POINTS, power: float = 0.8) -> int:
    """Return how many patients each of two groups needs to show a gap of so many points.

    The better group has the accuracy given; the other one at least 0.01.
    """
    lower = max(accuracy - points, 0.01)
    n = 2
    while statistics.power_two_proportions(n, lower + points, lower).power < power:
        n += 1
    return n
