"""From a model's scores to what a screening service does with them, for so many people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import stats

from medlib.errors import InputError
from medlib.statistics import Interval, proportion_interval
from medlib.statistics.threshold import called_positive
from medlib.types import Bools, Floats, Integers, Labels

STRATEGIES: Final = (
    "one reader",
    "two readers",
    "reader and model",
    "model sorts: one or two readers",
)
"""Who reads: where two disagree, a third reader decides."""


@dataclass(frozen=True)
class People:
    """What becomes of so many people: whole numbers that add up."""

    found: int
    missed: int
    alarmed: int
    cleared: int

    @property
    def called(self) -> int:
        """Everybody who is called back."""
        return self.found + self.alarmed

    @property
    def needed(self) -> float:
        """Number needed to read: people called back for each cancer found; inf where none is."""
        return self.called / self.found if self.found else float("inf")


def people(
    sensitivity: float, specificity: float, *, prevalence: float, number: int = 10_000
) -> People:
    """Return what becomes of so many people; InputError for shares outside 0..1."""
    for name, share in (("sensitivity", sensitivity), ("specificity", specificity),
                        ("prevalence", prevalence)):  # fmt: skip
        if not 0 <= share <= 1:
            raise InputError(f"{name} is {share}; give a share between 0 and 1.")
    ill = round(number * prevalence)
    found, alarmed = round(ill * sensitivity), round((number - ill) * (1 - specificity))
    return People(found, ill - found, alarmed, number - ill - alarmed)


@dataclass(frozen=True)
class Scored:
    """Out-of-fold scores of independent cases: score, label (1 is ill) and fold, one a case."""

    scores: Floats
    labels: Labels
    folds: Integers

    def dealt_anew(self, seed: int) -> Scored:
        """Return a model that knows nothing: the same scores, dealt at random within each fold."""
        rng = np.random.default_rng([seed, 9])
        scores = self.scores.copy()
        for fold in np.unique(self.folds):
            rows = np.flatnonzero(self.folds == fold)
            scores[rows] = scores[rng.permutation(rows)]
        return replace(self, scores=scores)


def called(cases: Scored, cut: Callable[[Floats, Labels], float]) -> Bools:
    """Return who is called, with each fold's threshold set on the cases of the other folds.

    cut gives a threshold for scores and labels. So no case has a say in its own threshold.
    """
    above = np.zeros(len(cases.scores), dtype=bool)
    for fold in np.unique(cases.folds):
        own = cases.folds == fold
        above[own] = called_positive(cases.scores[own], cut(cases.scores[~own], cases.labels[~own]))
    return above


def cut_for_sensitivity(wanted: float) -> Callable[[Floats, Labels], float]:
    """Return a rule: the highest threshold above which at least this share of the ill lies."""
    return lambda scores, labels: _below(
        np.quantile(_of(1, scores, labels), 1 - wanted, method="lower")
    )


def cut_for_specificity(wanted: float) -> Callable[[Floats, Labels], float]:
    """Return a rule: the threshold above which at most 1 - `wanted` of the well lie."""
    return lambda scores, labels: float(
        np.quantile(_of(0, scores, labels), wanted, method="higher")
    )


def cut_for_workload(saved: float, prevalence: float) -> Callable[[Floats, Labels], float]:
    """Return a rule: the threshold below which about this share of all who come would lie."""

    def cut(scores: Floats, labels: Labels) -> float:
        ill, well = (len(_of(k, scores, labels)) for k in (1, 0))
        weight = np.where(labels == 1, prevalence / ill, (1 - prevalence) / well)
        order = np.argsort(scores, kind="stable")
        at = int(np.searchsorted(np.cumsum(weight[order]), saved * (1 - 1e-9)))
        return float(scores[order[min(at, len(order) - 1)]])

    return cut


def _of(label: int, scores: Floats, labels: Labels) -> Floats:
    """Scores of the ill (1) or of the well (0); InputError where there is nobody."""
    found = np.asarray(scores[labels == label], dtype=np.float64)
    if len(found) == 0:
        who = ("well", "ill")[label]
        raise InputError(
            f"Nobody of {len(labels)} is {who}, so no threshold can be set: give {who} people in "
            "two folds or more."
        )
    return found


def _below(score: float) -> float:
    return float(np.nextafter(score, -np.inf))


@dataclass(frozen=True)
class RuledOut:
    """Nobody reads the least suspicious scans: share of the work saved, cancers missed by it."""

    saved: float
    missed: Interval


def rule_out(cases: Scored, shares: Floats, *, prevalence: float) -> list[RuledOut]:
    """Return, for each share of the work to be saved, what is saved and which share of ill missed.

    Thresholds come from the other folds; the interval is Wilson's, of one set of models.
    """
    ill = cases.labels == 1
    found = []
    for share in shares:
        read = called(cases, cut_for_workload(float(share), prevalence))
        saved = prevalence * (~read[ill]).mean() + (1 - prevalence) * (~read[~ill]).mean()
        missed = proportion_interval(int((~read[ill]).sum()), int(ill.sum()))
        found.append(RuledOut(float(saved), missed))
    return found


@dataclass(frozen=True)
class Readers:
    """Simulated readers with a sensitivity and a specificity.

    alike: how much of what makes a case hard is so for all readers (0..1); like_model: how much of
    that is hard for the model too (0..1).
    """

    sensitivity: float = 0.8
    specificity: float = 0.96
    alike: float = 0.5
    like_model: float = 0.5

    def __post_init__(self) -> None:
        """Raise InputError for readers that never err, and for shares outside 0..1."""
        for name in ("sensitivity", "specificity"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; give readers one within 0..1.")
        for name in ("alike", "like_model"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}; give a share from 0 to 1.")

    def calls(self, cases: Scored, draws: int, rng: np.random.Generator) -> Bools:
        """Return draws x 3 readers x cases: whom they would call."""
        n = len(cases.labels)
        own, rest = rng.standard_normal((draws, 1, n)), rng.standard_normal((draws, 3, n))
        hard = np.sqrt(self.like_model) * _within_class(cases)
        hard = hard + np.sqrt(1 - self.like_model) * own
        shift = stats.norm.ppf(self.sensitivity) + stats.norm.ppf(self.specificity)
        felt = np.sqrt(self.alike) * hard + np.sqrt(1 - self.alike) * rest + shift * cases.labels
        return np.asarray(felt > stats.norm.ppf(self.specificity))


def _within_class(cases: Scored) -> Floats:
    """How suspicious each case is to the model among those of its class, as a normal score."""
    scores = np.empty(len(cases.labels))
    for label in (0, 1):
        rows = cases.labels == label
        ranks = stats.rankdata(cases.scores[rows])
        scores[rows] = stats.norm.ppf((ranks - 0.5) / rows.sum())
    return scores


@dataclass(frozen=True)
class Reading:
    """What a strategy does with each case, averaged over readers: share called, times read."""

    called: Floats
    reads: Floats
    labels: Labels

    def for_many(self, prevalence: float, number: int = 10_000) -> dict[str, float]:
        """Return cancers found, people called in vain, and reads, of so many people."""
        ill = self.labels == 1
        p = prevalence
        return {
            "found": number * p * float(self.called[ill].mean()),
            "in vain": number * (1 - p) * float(self.called[~ill].mean()),
            "reads": number * float(p * self.reads[ill].mean() + (1 - p) * self.reads[~ill].mean()),
        }


def strategies(
    cases: Scored, model: Scored, readers: Readers, *, prevalence: float, draws: int = 200,
    single: float = 0.5, seed: int = 0,
) -> dict[str, Reading]:  # fmt: skip
    """Return what each of `STRATEGIES` does with the same cases and the same simulated readers.

    cases: whose scores tell which cases are hard; model: the scores the strategies go by, those of
    `cases` or of a null model. The model calls as many of the well as a reader does. single: share
    of scans, the least suspicious ones, that one reader reads where the model sorts.
    """
    one, two, third = np.moveaxis(
        readers.calls(cases, draws, np.random.default_rng([seed, 91])), 1, 0
    )
    says = called(model, cut_for_specificity(readers.specificity))
    doubled = called(model, cut_for_workload(single, prevalence))
    with_model = np.broadcast_to(says, one.shape)
    both = _decided(one, two, third), 2.0 + (one != two)
    joined = _decided(one, with_model, third), 1.0 + (one != with_model)
    sorted_ = np.where(doubled, both[0], one), np.where(doubled, both[1], 1.0)
    each = ((one, np.ones(one.shape)), both, joined, sorted_)
    return {
        name: Reading(called.mean(axis=0), reads.mean(axis=0), cases.labels)
        for name, (called, reads) in zip(STRATEGIES, each, strict=True)
    }


def with_null_model(
    cases: Scored, readers: Readers, *, prevalence: float, deals: int = 20, seed: int = 0
) -> dict[str, Reading]:
    """Return `strategies` with a model that knows nothing, averaged over deals of its scores."""
    each = [
        strategies(cases, cases.dealt_anew(seed + deal), readers, prevalence=prevalence, draws=20,
                   seed=seed + deal)
        for deal in range(deals)
    ]  # fmt: skip
    return {
        name: Reading(
            np.mean([ways[name].called for ways in each], axis=0),
            np.mean([ways[name].reads for ways in each], axis=0),
            cases.labels,
        )
        for name in STRATEGIES
    }


def blind(cases: Scored, shares: Floats, *, prevalence: float, deals: int = 20) -> Floats:
    """Return the share of the ill that a model that knows nothing misses: deals x shares."""
    return np.array([
        [found.missed.estimate
         for found in rule_out(cases.dealt_anew(deal), shares, prevalence=prevalence)]
        for deal in range(deals)
    ])  # fmt: skip


def _decided(first: Bools, second: Bools, third: Bools) -> Bools:
    return np.where(first == second, first, third)


def found_more(new: Reading, old: Reading, prevalence: float, number: int = 10_000) -> Interval:
    """Return cancers found by one strategy less by another of so many people, paired by case.

    A t interval over cases; simulated readers are averaged, so it is about readers such as these,
    and about the thresholds as they were set. In 200 simulated studies a setting (60 and 100 ill
    and as many well, 40 draws of readers) it held what a reader and a model gain at these
    thresholds in 0.95, and what they gain at the specificity aimed at in 0.68: the few well move
    the threshold.
    Where no case differs, as far either way as the Wilson interval of none among so many reaches.
    Raises InputError for fewer than two ill.
    """
    apart = (new.called - old.called)[new.labels == 1]
    n = len(apart)
    if n < 2:
        raise InputError(f"{n} ill cannot compare two ways of reading: give two or more.")
    mean, se = float(apart.mean()), float(apart.std(ddof=1) / np.sqrt(n))
    none = proportion_interval(0, n).high
    reach = float(stats.t.ppf(0.975, n - 1)) * se if apart.any() else none
    scale = number * prevalence
    return Interval("cancers found", scale * mean, scale * (mean - reach), scale * (mean + reach),
                    0.95, "paired t over cases", f"n = {n} ill")  # fmt: skip
