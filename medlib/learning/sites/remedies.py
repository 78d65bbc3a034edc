"""Leave one site out: a remedy learns at the others, everything chosen among these, and is tested.

Of the new site a remedy may be given nothing, its images without labels, or a few labelled cases:
`Remedy.needs` says which. All of it is fitted anew for each site left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import joblib
import numpy as np

from medlib.errors import InputError
from medlib.learning.sites import combat, coral
from medlib.learning.sites.heads import Head, average, losses, reduced, worst
from medlib.types import Bools, Floats, Integers

Align = Callable[[Floats, Integers, Bools], Floats]
"""Features (rows x k), site of each row, which rows train; all rows, aligned."""

STRENGTHS: Final = (1e-4, 1e-3, 1e-2, 1e-1)
"""Of logistic regression (its C)."""
STEPS: Final = (0.5, 2.0)
"""Of GroupDRO: how fast a site with a large loss gains weight."""
SENSITIVITY: Final = 0.9
"""Wanted at the operating point, which training sites fix."""


@dataclass(frozen=True)
class Material:
    """Cases of several sites: features of each view of the images (rows x k), labels, sites."""

    views: Mapping[str, Floats]
    y: Integers
    site: Integers
    patient: Integers

    @property
    def sites(self) -> list[int]:
        """Sites by number."""
        return [int(each) for each in np.unique(self.site)]

    def at(self, rows: Integers | Bools) -> "Material":
        """The same of some rows."""
        views = {name: x[rows] for name, x in self.views.items()}
        return Material(views, self.y[rows], self.site[rows], self.patient[rows])


@dataclass(frozen=True)
class Remedy:
    """What is done about scanners: how images are seen, features aligned, and errors weighed."""

    name: str
    key: str
    needs: str = "nothing"
    view: str = "plain"
    copies: tuple[str, ...] = ()
    """Views of the training images that are learned from beside the first."""
    align: Align | None = None
    """Of features as they are, before the directions of largest variance are taken."""
    recolour: Align | None = None
    """Of these directions."""
    robust: bool = False


PLAIN: Final = Remedy("nothing (pooled training)", "erm")
UNLABELLED: Final = "images of the site"
REMEDIES: Final = (
    Remedy("resample to one pixel size", "resampled", "pixel size", view="resampled"),
    Remedy("standardise grey levels", "standardised", view="standardised"),
    Remedy("rescan in training", "rescanned", copies=("rescanned 1", "rescanned 2")),
    Remedy("GroupDRO", "groupdro", robust=True),
    Remedy("CORAL", "coral", UNLABELLED, recolour=coral.aligned),
    Remedy("ComBat", "combat", UNLABELLED, align=combat.aligned),
    Remedy("batch norm of the site", "batchnorm", UNLABELLED, view="adapted"),
)
"""What is compared with `PLAIN`; see `few_cases` for one that needs labels."""


class HeldOut(NamedTuple):
    """Probabilities of the cases not trained on, and the operating point fixed in training."""

    rows: Integers
    scores: Floats
    threshold: float


def held_out(
    data: Material,
    remedy: Remedy,
    train: Bools,
    inner: Integers,
    *,
    extra: Integers | None = None,
) -> HeldOut:
    """Train on `train` rows and predict all others.

    inner: the inner fold of each row (its site, where sites are left out); settings are those of
    the least loss, and the threshold the highest that keeps `SENSITIVITY`, over inner folds.
    extra: rows of the new site whose labels may be used, with the weight of one training site.
    """
    x = data.views[remedy.view]
    if remedy.align is not None:
        x = remedy.align(x, data.site, train)
    ready = reduced(x[train])
    rows = np.flatnonzero(train)
    first = ready.transform(x)
    if remedy.recolour is not None:
        first = remedy.recolour(first, data.site, train)
    parts = [first, *(ready.transform(data.views[name]) for name in remedy.copies)]
    fit = _Fit(parts, data.y, data.site, extra)
    settings = _settings(remedy, fit, rows, inner)
    told = _inner(fit, rows, inner, settings)
    test = np.flatnonzero(~train)
    scores = fit(rows, settings).probability(parts[0][test])
    return HeldOut(test, scores, operating_point(data.y[rows], told))


def left_out(data: Material, remedy: Remedy, *, jobs: int = 2) -> list[HeldOut]:
    """Of each site in turn, what a model of all other sites says."""
    return dealt(data, remedy, data.site, jobs=jobs)


def dealt(data: Material, remedy: Remedy, fold: Integers, *, jobs: int = 2) -> list[HeldOut]:
    """Of each fold in turn, what a model of all other folds says, settings chosen between these."""
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads")
    calls = ((data, remedy, fold != k, fold) for k in np.unique(fold))
    return list(pool(joblib.delayed(held_out)(*each) for each in calls))


def joined(parts: Sequence[HeldOut], n: int) -> tuple[Floats, Floats]:
    """Probability, and threshold of the model that gave it, of each of n cases."""
    scores, thresholds = np.empty(n), np.empty(n)
    for part in parts:
        scores[part.rows], thresholds[part.rows] = part.scores, part.threshold
    return scores, thresholds


def operating_point(y: Integers, scores: Floats) -> float:
    """The highest threshold above which at least `SENSITIVITY` of the positives lie.

    Raises InputError where no case is positive.
    """
    positive = np.sort(scores[y == 1])[::-1]
    if len(positive) == 0:
        raise InputError(
            f"None of {len(y)} cases that train is positive, so no threshold finds a share of "
            "these: add positive patients at the sites that train, or leave out others."
        )
    last = positive[int(np.ceil(SENSITIVITY * len(positive))) - 1]
    return float(np.nextafter(last, -np.inf))


@dataclass(frozen=True)
class _Fit:
    """Fits a head on rows of the parts (plain images, then copies), with what is extra."""

    parts: Sequence[Floats]
    y: Integers
    site: Integers
    extra: Integers | None = None
    robust: bool = field(default=False)

    def __call__(self, rows: Integers, settings: Mapping[str, float]) -> Head:
        """Return the model."""
        z = np.concatenate([part[rows] for part in self.parts])
        y, site = (np.tile(each[rows], len(self.parts)) for each in (self.y, self.site))
        weights = np.full(len(z), 1 / len(self.parts))
        if self.extra is not None:
            each = len(rows) / len(np.unique(self.site[rows])) / len(self.extra)
            z = np.concatenate([z, self.parts[0][self.extra]])
            y, site = (
                np.concatenate([a, b[self.extra]]) for a, b in ((y, self.y), (site, self.site))
            )
            weights = np.concatenate([weights, np.full(len(self.extra), each)])
        if "step" in settings:
            return worst(z, y, site, weights, settings["strength"], settings["step"])
        return average(z, y, weights, settings["strength"])


def _settings(remedy: Remedy, fit: _Fit, rows: Integers, inner: Integers) -> dict[str, float]:
    """Those of the least loss in inner folds: first the strength, then GroupDRO's step."""
    best = _best([{"strength": c} for c in STRENGTHS], fit, rows, inner)
    if not remedy.robust:
        return best
    return _best([{**best, "step": step} for step in STEPS], fit, rows, inner)


def _best(
    choices: Sequence[dict[str, float]], fit: _Fit, rows: Integers, inner: Integers
) -> dict[str, float]:
    y = fit.y[rows]
    reached = [float(losses(_inner(fit, rows, inner, each), y).mean()) for each in choices]
    return choices[int(np.argmin(reached))]


def _inner(fit: _Fit, rows: Integers, inner: Integers, settings: Mapping[str, float]) -> Floats:
    """Probability of each training row, by a model of the other inner folds."""
    scores, place = np.empty(len(rows)), inner[rows]
    for k in np.unique(place):
        away = place == k
        scores[away] = fit(rows[~away], settings).probability(fit.parts[0][rows[away]])
    return scores
