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
from scipy import special

from medlib.errors import InputError
from medlib.statistics._checks import as_count, as_fraction, as_generator, as_numbers
from medlib.statistics._sample import Seed, _draw_counts
from medlib.statistics.outcome import Comparison, Interval, Spread, middle_95
from medlib.statistics.proportions import wilson_ends
from medlib.types import Floats, Integers

LUNA16_RATES: Final = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
"""False marks a scan at which the competition takes the sensitivity."""
STILL: Final = 1e-15
"""A variance below it is rounding."""
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
        for name in ("patient", "lesion", "lesion_patient"):
            if np.asarray(getattr(self, name)).dtype.kind not in "iu":
                raise InputError(f"{name} holds what is no whole number; give numbers from 0.")
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
        counts = np.append(np.asarray(self.scans, dtype=np.float64), self.stands_for)
        if not ((counts > 0) & (counts < np.inf)).all():
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

    Intervals are Wilson's, with as many lesions as would have the variance of redrawn patients,
    those with and without lesions apart, widened as t is for the patients with lesions; where
    nothing varies or all is found, with so many lesions as there are such patients. In simulated
    studies (effects of patients on lesions and false marks, 300 a setting) they held the score and
    the sensitivities in 0.93 to 1.00 for 10, 20 and 30 patients; the middle of the redraws, which
    is common, in 0.84 to 0.92, and in 0.25 where nearly all lesions are found.

    Assumes independent patients and a fixed detector. Raises InputError as `Marks` does, for rates
    that are not above 0, and where fewer than two patients have a lesion.
    """
    level = as_fraction(confidence, "confidence", open_ends=True)
    wanted, having = _rates(rates), len(np.unique(marks.lesion_patient))
    if having < 2:
        raise InputError("One patient has all the lesions; an interval needs two or more.")
    grid = np.geomspace(wanted.min() / 2, wanted.max() * 2, 49)
    every = np.append(wanted, grid)
    seen = sensitivities(marks, np.ones((1, len(marks.scans))), every)
    drawn = sensitivities(marks, _redraws(marks, replicates, seed), every)
    number, basis = len(wanted), _basis(marks)
    # the score beside the sensitivities, all with ends of one kind
    seen, drawn = (np.insert(s, 0, s[:, :number].mean(axis=1), axis=1) for s in (seen, drawn))
    low, high = _ends(seen[0], drawn, having, level)
    method = f"bootstrap of patients, {replicates:,} replicates, Wilson"
    names = [SCORE, *(f"sensitivity at {rate:g} false marks a scan" for rate in wanted)]
    spans = [
        Interval(name, float(value), float(a), float(b), level, method, basis)
        for name, value, a, b in zip(names, seen[0], low, high, strict=False)  # then the curve
    ]
    columns = {"sensitivity": seen[0], "low": low, "high": high}
    curve = pd.DataFrame({"rate": grid} | {k: each[number + 1 :] for k, each in columns.items()})
    return Froc(spans[0], dict(zip(map(float, wanted), spans[1:], strict=True)), curve)


def _rates(rates: Sequence[float]) -> Floats:
    wanted = as_numbers(rates, "rates")
    if not min(wanted) > 0:
        raise InputError(f"rates go down to {min(wanted):g} false marks a scan: give some above 0.")
    return wanted


def _ends(seen: Floats, drawn: Floats, patients: int, level: float) -> tuple[Floats, Floats]:
    """Wilson's ends for as many lesions as have the variance of the replicates (rows of drawn)."""
    more = patients / (patients - 1)
    wider = special.stdtrit(patients - 1, (1 + level) / 2) / special.ndtri((1 + level) / 2)
    variance, of_one = drawn.var(axis=0, ddof=1) * more * wider**2, seen * (1 - seen)
    unseen = 2 * (0.5 - seen) ** 2 / patients**2  # the odd patient who was not there
    still = (variance < STILL) | (of_one < STILL)
    variance = np.where(still, 1.0, variance)
    cases = np.maximum(of_one / (variance + unseen), np.minimum(of_one / variance, patients))
    low, high = wilson_ends(seen, np.where(still, float(patients), cases), level)
    return np.asarray(low), np.asarray(high)


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
    wanted = _rates(rates)
    same = np.array_equal(one.lesion_patient, other.lesion_patient)
    if not (same and np.array_equal(one.scans, other.scans)):
        raise InputError("The two detectors saw other lesions or scans: compare them on the same.")
    level = as_fraction(confidence, "confidence", open_ends=True)
    once = np.ones((1, len(one.scans)))

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
    rng, once, wanted = as_generator(seed), np.ones((1, len(marks.scans))), _rates(rates)
    number = as_count(draws, "draws", least=2)
    dealt = (marks.scored(rng.permutation(len(marks.score))) for _ in range(number))
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
