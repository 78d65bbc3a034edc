"""Free-response ROC: lesions found against false marks a scan, with bands over patients.

A detector marks any number of places in a scan, each with a score. A lesion is found at a threshold
if its highest mark lies above it; a mark that hits no lesion is a false one; further marks on a
lesion count neither way. The competition score of LUNA16 is the mean sensitivity at seven rates of
false marks a scan (Setio et al., Med Image Anal 2017;42:1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.statistics._checks import as_count, as_fraction, as_generator, as_numbers
from medlib.statistics._sample import Seed, _draw_counts
from medlib.statistics.outcome import Comparison, Interval, Spread, middle_95
from medlib.types import Floats, Integers

LUNA16_RATES: Final = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
"""False marks a scan at which the competition takes the sensitivity."""
SCORE: Final = "mean sensitivity at 1/8 to 8 false marks a scan"


@dataclass(frozen=True)
class Marks:
    """What a detector marked in the scans of some patients.

    patient, score, lesion: one a mark; `lesion` is the number of the lesion hit, -1 for none.
    lesion_patient: the patient of each lesion, hit or not. scans: how many scans each patient has.
    stands_for: how many false marks each of those here stands for, where they are a sample.
    Patients are numbered from 0; those without marks or lesions count too.
    """

    patient: Integers
    score: Floats
    lesion: Integers
    lesion_patient: Integers
    scans: Floats
    stands_for: float = 1.0

    def __post_init__(self) -> None:
        """Raise InputError for marks that do not fit together."""
        n = len(self.patient)
        if n == 0:
            raise InputError("There is no mark: a detector without candidates has no FROC curve.")
        if len(self.lesion_patient) == 0:
            raise InputError("There is no lesion to find: sensitivity needs at least one.")
        for name in ("score", "lesion"):
            as_numbers(getattr(self, name), name, length=n)
        self._check_numbers()

    def _check_numbers(self) -> None:
        last, number = len(self.scans) - 1, len(self.lesion_patient) - 1
        for name, values, low, high in (
            ("patient", self.patient, 0, last),
            ("lesion_patient", self.lesion_patient, 0, last),
            ("lesion", self.lesion, -1, number),
        ):
            if min(values) < low or max(values) > high:
                raise InputError(
                    f"{name} holds {min(values)} to {max(values)}; give numbers {low} to {high}."
                )
        hit = self.lesion >= 0
        if (self.lesion_patient[self.lesion[hit]] != self.patient[hit]).any():
            raise InputError("A mark hits a lesion of another patient: match within scans.")
        if not (min(self.scans) > 0 and self.stands_for > 0):
            raise InputError("scans and stands_for have to be above 0.")

    def scored(self, score: ArrayLike) -> "Marks":
        """Return the same marks with other scores."""
        other = np.asarray(score, dtype=np.float64)
        return Marks(
            self.patient, other, self.lesion, self.lesion_patient, self.scans, self.stands_for
        )

    def best(self) -> Floats:
        """Return the highest score of each lesion's marks, -inf where it has none."""
        best = np.full(len(self.lesion_patient), -np.inf)
        hit = self.lesion >= 0
        np.maximum.at(best, self.lesion[hit], self.score[hit])
        return best

    def false_scores(self) -> Floats:
        """Return the scores of the marks that hit nothing."""
        return self.score[self.lesion < 0]


@dataclass(frozen=True)
class Froc:
    """The competition score, the sensitivity at each of its rates, and the curve with its band.

    curve: columns rate (false marks a scan), sensitivity, low, high.
    """

    score: Interval
    at: Mapping[float, Interval]
    curve: pd.DataFrame

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        return str(self.score)


def froc(
    marks: Marks,
    *,
    rates: Sequence[float] = LUNA16_RATES,
    replicates: int = 2000,
    confidence: float = 0.95,
    seed: Seed = 0,
) -> Froc:
    """Return the score (mean sensitivity at `rates`) and the curve, with intervals over patients.

    The sensitivity at a rate is the largest that a threshold has with no more false marks a scan;
    the script of LUNA16 interpolates between thresholds instead, which is as high or higher.
    Patients are drawn with replacement, those with and without lesions apart (percentile method).
    Assumes independent patients and a fixed detector. Raises InputError as `Marks` does.
    """
    level = as_fraction(confidence, "confidence", open_ends=True)
    grid = np.geomspace(min(rates) / 2, max(rates) * 2, 49)
    every = np.append(np.asarray(rates, dtype=np.float64), grid)
    seen = sensitivities(marks, np.ones((1, len(marks.scans))), every)[0]
    drawn = sensitivities(marks, _redraws(marks, replicates, seed), every)
    number, basis = len(rates), _basis(marks)
    method = f"bootstrap of patients, {replicates:,} replicates"

    def interval(name: str, value: float, draws: Floats) -> Interval:
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        return Interval(name, float(value), float(low), float(high), level, method, basis)

    at = {
        float(rate): interval(f"sensitivity at {rate:g} false marks a scan", seen[i], drawn[:, i])
        for i, rate in enumerate(rates)
    }
    low, high = np.quantile(drawn[:, number:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    curve = pd.DataFrame({"rate": grid, "sensitivity": seen[number:], "low": low, "high": high})
    score = interval(SCORE, seen[:number].mean(), drawn[:, :number].mean(axis=1))
    return Froc(score, at, curve)


def froc_test(
    one: Marks,
    other: Marks,
    *,
    rates: Sequence[float] = LUNA16_RATES,
    replicates: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Return how much two detectors differ in the score, on the same patients redrawn together.

    p is twice the smaller share of replicates on either side of 0, one added to both counts.
    Raises InputError where the two were not given the same lesions and scans.
    """
    same = np.array_equal(one.lesion_patient, other.lesion_patient)
    if not (same and np.array_equal(one.scans, other.scans)):
        raise InputError("The two detectors saw other lesions or scans: compare them on the same.")
    level = as_fraction(confidence, "confidence", open_ends=True)
    once = np.ones((1, len(one.scans)))
    wanted = np.asarray(rates, dtype=np.float64)

    def gap(weights: Floats) -> Floats:
        a, b = (sensitivities(each, weights, wanted).mean(axis=1) for each in (one, other))
        return np.asarray(a - b)

    seen, drawn = float(gap(once)[0]), gap(_redraws(one, replicates, seed))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    method, quantity = f"bootstrap of patients, {replicates:,} replicates", f"difference in {SCORE}"
    span = Interval(quantity, seen, float(low), float(high), level, method, _basis(one))
    tail = int(min((drawn <= 0).sum(), (drawn >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (drawn.size + 1))
    return Comparison(quantity, seen, p_value, method, interval=span, basis=_basis(one))


def chance(
    marks: Marks, *, rates: Sequence[float] = LUNA16_RATES, draws: int = 400, seed: Seed = 0
) -> Spread:
    """Return the score where scores are dealt to the marks at random: mean and middle 95 %."""
    rng, once = as_generator(seed), np.ones((1, len(marks.scans)))
    wanted = np.asarray(rates, dtype=np.float64)
    dealt = (marks.scored(rng.permutation(len(marks.score))) for _ in range(draws))
    return middle_95([sensitivities(each, once, wanted).mean() for each in dealt])


def sensitivities(marks: Marks, weights: Floats, rates: ArrayLike) -> Floats:
    """Return the sensitivity at each rate of each replicate: replicates x rates.

    `weights`, replicates x patients: how often each patient is drawn.
    """
    wanted = np.asarray(rates, dtype=np.float64)
    false = marks.lesion < 0
    order = np.argsort(-marks.score[false], kind="stable")
    score = np.append(marks.score[false][order], -np.inf)
    count = np.cumsum(weights[:, marks.patient[false][order]], axis=1) * marks.stands_for
    allowed = wanted[None] * (weights @ marks.scans)[:, None]
    best = marks.best()
    rank = np.argsort(-best, kind="stable")
    found = np.cumsum(weights[:, marks.lesion_patient[rank]], axis=1)
    found = np.hstack([np.zeros_like(found[:, :1]), found])
    above = np.searchsorted(-best[rank], -score, side="left")  # lesions above each false score
    out = np.empty((len(weights), len(wanted)))
    for i in range(len(wanted)):
        # the first false mark that would be one too many: a threshold has to lie above it
        first = (count <= allowed[:, i : i + 1] + 1e-9).sum(axis=1)
        out[:, i] = found[np.arange(len(weights)), above[first]] / found[:, -1]
    return out


def threshold_at(marks: Marks, rate: float) -> float:
    """Return the score above which there are at most so many false marks a scan."""
    falls = np.sort(marks.false_scores())[::-1]
    allowed = int(np.floor(rate * float(np.sum(marks.scans)) / marks.stands_for + 1e-9))
    return float(falls[allowed]) if allowed < len(falls) else -np.inf


def _redraws(marks: Marks, replicates: int, seed: Seed) -> Floats:
    """Weights of patients, replicates x patients, those with lesions drawn apart."""
    as_count(replicates, "replicates", least=100)
    rng, having = as_generator(seed), np.zeros(len(marks.scans), dtype=bool)
    having[marks.lesion_patient] = True
    times = np.zeros((replicates, len(marks.scans)))
    for members in (np.flatnonzero(having), np.flatnonzero(~having)):
        if len(members):
            times[:, members] = _draw_counts(rng, replicates, len(members))
    return times


def _basis(marks: Marks) -> str:
    return f"{len(marks.lesion_patient)} lesions in {len(marks.scans)} patients"
