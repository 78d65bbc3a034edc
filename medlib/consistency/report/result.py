"""What `medlib grim` finds out about a reported result, for people and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from medlib.consistency import (
    STANDARD_DEVIATIONS,
    AccuracyBounds,
    FoldVector,
    Reading,
    Rounding,
    Spread,
    Tables,
    percent,
    roundings_matched,
    spreads_matched,
)
from medlib.consistency.report.question import Question
from medlib.statistics.outcome import Interval

CHANCE, TRADITIONAL = 0.5, 0.75  # reference accuracies of the t-tests shown
ONLY_IF_CUT_OFF = "They can be only if digits were cut off and not rounded."
"""The verdict between "can be" and "cannot"."""
TIES = {
    Rounding.HALF_UP: "up",
    Rounding.HALF_EVEN: "to even",
    Rounding.EITHER: "now up, now down, as binary floating point does",
}
"""What is done with ties under each convention, in words."""


@dataclass(frozen=True)
class GrimResult:
    """Everything that follows from the reported numbers.

    Attributes:
        question: The numbers.
        roundings: The conventions under which everything can be as written.
        counts: How many can have been right, ascending; None if no mean or n was given.
        counts_if_cut_off: Further counts, if digits were cut off and not rounded.
        count_roundings: Of each count, the conventions that print it as the mean.
        vectors: Fold vectors with that mean, by rising spread.
        vectors_total: How many there are; None if more than were listed and not counted.
        readings: What the spread can mean, the literal reading first.
        intervals: 95 % intervals for the accuracy on independent cases, by method.
        cases_needed: Cases for a 95 % interval of +- the reported spread.
        chance_sd: SD over the folds to expect if the errors fall at random.
        tables: 2 x 2 tables that fit; None if nothing was said about classes or rates.
        bounds: What the AUC allows for the accuracy.
        faults: A sentence for each thing that cannot be by rounding; empty if all can.
        notes: Sentences on what was assumed.

    """

    question: Question
    roundings: tuple[Rounding, ...] = tuple(Rounding)
    counts: list[int] | None = None
    counts_if_cut_off: tuple[int, ...] = ()
    count_roundings: Mapping[int, tuple[Rounding, ...]] = field(default_factory=dict)
    vectors: tuple[FoldVector, ...] = ()
    vectors_total: int | None = 0
    readings: tuple[Reading, ...] = ()
    intervals: Mapping[str, tuple[Interval, Interval]] = field(default_factory=dict)
    cases_needed: int | None = None
    chance_sd: float | None = None
    tables: Tables | None = None
    bounds: AccuracyBounds | None = None
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether the numbers, rounded, can be as written: SD over the folds, and the rest."""
        return Rounding.EITHER in self.roundings

    @property
    def only_if_cut_off(self) -> bool:
        """Whether the numbers can be only if digits were cut off and not rounded."""
        return not self.possible and Rounding.TRUNCATED in self.roundings

    @property
    def exit_code(self) -> int:
        """0 if the numbers can be, 1 if they cannot, 3 if only with digits cut off."""
        return 0 if self.possible else 3 if self.only_if_cut_off else 1

    @property
    def verdict(self) -> str:
        """One or more sentences."""
        if self.possible:
            return f"These numbers can be{self._ties}: whole counts exist that print like this."
        if not self.only_if_cut_off:
            return " ".join(self.faults)
        spread = self.readings and self.readings[0].only_if_cut_off
        last = self.readings[0].sentence if spread else ONLY_IF_CUT_OFF
        return " ".join(["By rounding these numbers cannot be.", *self.faults, last])

    @property
    def _ties(self) -> str:
        """What must be true of numbers half-way between two, if it matters."""
        halves = tuple(r for r in (Rounding.HALF_UP, Rounding.HALF_EVEN) if r in self.roundings)
        if len(halves) == 2:
            return ""
        way = TIES[halves[0] if halves else Rounding.EITHER]
        return f", if halves are rounded {way}"

    def text(self, width: int = 100) -> str:
        """The report for a reader, as plain text of that many columns."""
        from medlib.consistency.report.text import as_text

        return as_text(self, width)

    @cached_property
    def fits(self) -> dict[tuple[int, ...], dict[Spread, tuple[Rounding, ...]]]:
        """Which meanings of the reported spread each vector fits, and under which conventions."""
        mean, sd = self.question.mean, self.question.sd
        if mean is None or sd is None:
            return {}
        return {v.correct: spreads_matched(v, mean, sd) for v in self.vectors}

    def as_dict(self) -> dict[str, Any]:
        """The same for programs: plain lists, numbers as proportions, None for undefined."""
        return {
            "possible": self.possible,
            "possible_only_if_cut_off": self.only_if_cut_off,
            "roundings": _names(self.roundings),
            "verdict": self.verdict,
            "question": self._question(),
            "counts": self.counts,
            "counts_if_cut_off": list(self.counts_if_cut_off),
            "count_roundings": {c: _names(r) for c, r in self.count_roundings.items()},
            "fold_vectors": [self._vector(v) for v in self.vectors],
            "fold_vectors_total": self.vectors_total,
            "readings": [_reading(r) for r in self.readings],
            "intervals": {m: [a.low, b.high] for m, (a, b) in self.intervals.items()},
            "cases_needed_for_interval_of_sd": self.cases_needed,
            "sd_expected_by_chance": self.chance_sd,
            "tables": None if self.tables is None else _tables(self.tables),
            "accuracy_allowed_by_auc": None if self.bounds is None else vars(self.bounds),
            "notes": list(self.notes),
        }

    def _question(self) -> dict[str, Any]:
        q = self.question
        texts = {"mean": q.mean, "sd": q.sd, **q.rates}
        return {
            "n": q.n,
            "fold_sizes": list(q.folds or ()),
            "classes": list(q.classes or ()),
            "repeats": q.repeats,
            "unit_per_case": q.units,
            **{name: str(text) for name, text in texts.items() if text is not None},
        }

    def _vector(self, vector: FoldVector) -> dict[str, Any]:
        return {
            "correct": list(vector.correct),
            "sizes": list(vector.sizes),
            "mean": float(vector.mean),
            "probability": self.probability(vector),
            "population_sd": vector.population_sd,
            "sample_sd": vector.sample_sd,
            "standard_error": vector.standard_error,
            **{f"t_against_{r}": self.tests(vector.t, r) for r in (CHANCE, TRADITIONAL)},
            **{f"p_against_{r}": self.tests(vector.p, r) for r in (CHANCE, TRADITIONAL)},
            "roundings": _names(self.vector_roundings(vector)),
            "fits": {s: _names(r) for s, r in self.fits.get(vector.correct, {}).items()},
        }

    def vector_roundings(self, vector: FoldVector) -> tuple[Rounding, ...]:
        """The conventions that print its mean and the spread it fits, SD before error, as given."""
        fits = self.fits.get(vector.correct, {})
        found = {r for s in STANDARD_DEVIATIONS for r in fits.get(s, ())}
        found = found or {r for roundings in fits.values() for r in roundings}
        if found or self.question.mean is None:
            return tuple(r for r in Rounding if r in found)
        return roundings_matched(vector, self.question.mean)

    def tests(self, statistic: Any, reference: float) -> dict[str, float | None]:
        """A naive and a corrected t or p against a reference."""
        repeats = self.question.repeats or 1
        return {
            "naive": statistic(reference, repeats=repeats),
            "corrected": statistic(reference, corrected=True, repeats=repeats),
        }

    def probability(self, vector: FoldVector) -> float | None:
        """Chance of a vector if errors fall at random; None for repeats of the same cases."""
        return None if (self.question.repeats or 1) > 1 else vector.probability


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "name": reading.name,
        "title": reading.title,
        "possible": reading.possible,
        "sentence": reading.sentence,
        "example": list(reading.examples[0].correct) if reading.examples else None,
        "figures": reading.figures,
        "roundings": _names(reading.roundings),
    }


def _names(roundings: tuple[Rounding, ...]) -> list[str]:
    return [str(rounding) for rounding in roundings]


def _tables(tables: Tables) -> dict[str, Any]:
    return {
        "total": tables.total,
        "totals": dict(tables.totals),
        "listed": [
            {**vars(table), "roundings": _names(roundings)}
            for table, roundings in zip(tables.listed, tables.roundings, strict=True)
        ],
        "ranges": {rate: [float(a), float(b)] for rate, (a, b) in tables.spans.items()},
    }


def joined(numbers: list[int], most: int = 8) -> str:
    """Whole numbers as text: "46", "229 to 231", "1, 5 or 7"."""
    if not numbers:
        return "none"
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]} to {numbers[-1]}"
    shown = [str(number) for number in numbers[:most]] + ["..."] * (len(numbers) > most)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def spans_text(low: float, high: float) -> str:
    """A range of proportions as text."""
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"
