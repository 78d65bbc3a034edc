"""What the number behind the sign +- could be: the literal reading, and three that rescue it.

1. the standard deviation over the folds;
2. the standard error of their mean;
3. the standard deviation of the means of several repeats of the whole cross-validation;
4. any of these with a smaller unit than the case, such as the slice.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from medlib.consistency._checks import as_reported, as_sizes
from medlib.consistency.folds import FoldVector
from medlib.consistency.grimmer import (
    STANDARD_DEVIATIONS,
    STANDARD_ERRORS,
    Spread,
    find_vectors,
    matching_vectors,
    spreads_matched,
)
from medlib.consistency.reported import COVERING, ORDINARY, Reported, Rounding
from medlib.errors import TooManyError
from medlib.runtime.whole_numbers import as_number

USUAL_REPEATS = (5, 10, 3, 2, 4, 20)
"""Numbers of repeats tried where none is given, the usual ones first."""
MOST_PLAIN = 10  # folds whose counts are written out
ENOUGH = 200  # vectors to choose a telling example from
MOST_UNITS = 50  # per case; a search for the smallest stops here


@dataclass(frozen=True)
class Reading:
    """One meaning of the printed spread.

    Attributes:
        name: Short, for programs.
        title: Short, for people.
        possible: Whether whole counts exist that round to this; None if not decided.
        sentence: What follows, in plain words.
        examples: Vectors that do, closest to the printed spread first.
        figures: Numbers the sentence mentions.
        roundings: The conventions under which whole counts exist that are printed like this.

    """

    name: str
    title: str
    possible: bool | None
    sentence: str
    examples: tuple[FoldVector, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    roundings: tuple[Rounding, ...] = ()

    @property
    def only_if_cut_off(self) -> bool:
        """Whether whole counts exist only if digits were cut off and not rounded."""
        return self.roundings == (Rounding.TRUNCATED,)


def over_folds(sizes: tuple[int, ...], mean: Reported, sd: Reported) -> Reading:
    """The first reading: standard deviation, of either kind, over the folds.

    Raises:
        TooManyError: It cannot be decided in about a second.

    """
    title = "standard deviation over the folds"
    fit = _fit(sizes, mean, sd, STANDARD_DEVIATIONS)
    if not fit.examples:
        sentence = f"No way to spread the errors over the folds gives {sd}."
        return Reading("sd_over_folds", title, possible=False, sentence=sentence)
    return fit.reading("sd_over_folds", title, f"{_counts(fit.examples[0])} right, for example.")


def standard_error(sizes: tuple[int, ...], mean: Reported, sd: Reported) -> Reading:
    """The standard error of the mean of the folds: the SD over the root of their number."""
    name, title = "standard_error", "standard error of the mean over the folds"
    try:
        fit = _fit(sizes, mean, sd, STANDARD_ERRORS)
    except TooManyError as error:
        return Reading(name, title, None, f"{error}.")
    if not fit.examples:
        return Reading(name, title, False, f"No fold results have a standard error of {sd}.")
    only = "This fixes the folds at" if fit.only and len(fit.examples) == 1 else "For example"
    sentence = (
        f"{only} {_counts(fit.examples[0])} right, with a standard deviation of "
        f"{percent(fit.examples[0].sample_sd)}. A standard error says how well the mean is "
        "known, not how far folds differ, and folds that share training cases make it too "
        "small."
    )
    return fit.reading(name, title, sentence)


def repeat_means(cases: int, repeats: int | None, mean: Reported, sd: Reported) -> Reading:
    """The SD of the means of several repeats, each a cross-validation of all cases.

    Args:
        cases: Number of cases (or finer units), all tested once in each repeat.
        repeats: How many repeats; None to try the usual numbers.
        mean: Printed mean.
        sd: Printed spread.

    """
    as_number(cases, "cases", least=1)
    if repeats is not None:
        as_number(repeats, "repeats", least=2)
    name, title = "sd_of_repeat_means", "standard deviation of the means of repeats"
    found = None
    for number in (repeats,) if repeats else USUAL_REPEATS:
        try:
            fit = _fit((cases,) * number, mean, sd, STANDARD_DEVIATIONS)
        except TooManyError as error:
            return Reading(name, title, None, f"{error}.")
        if fit.examples and (found is None or fit.possible):
            sentence = _repeats_sentence(cases, fit.examples[0], known=repeats is not None)
            found = fit.reading(name, title, sentence, {"repeats": float(number)})
        if fit.possible:
            break
    tried = repeats or " or ".join(map(str, sorted(USUAL_REPEATS)))
    sentence = f"No means of {tried} repeats have a standard deviation of {sd}."
    return found or Reading(name, title, False, sentence)


def _repeats_sentence(cases: int, example: FoldVector, *, known: bool) -> str:
    number = len(example.sizes)
    begin = f"The {number} repeats" if known else f"If all was repeated {number} times, the repeats"
    return (
        f"{begin} got, say, {_counts(example)} of {cases} right: SD {example.sample_sd:.4f}. "
        "Repeats see the same cases, so this shows only how the result hangs on the partition, "
        "not how it would vary with other patients."
    )


def finer_units(
    sizes: tuple[int, ...], mean: Reported, sd: Reported, units_per_case: int | None = None
) -> Reading:
    """Accuracy counted on something smaller than the case, such as the slice.

    If errors fall independently, a fold of m units has a binomial SD of sqrt(p (1 - p) / m),
    so an SD of s needs m = p (1 - p) / s^2.

    Args:
        sizes: Cases in each fold.
        mean: Printed mean.
        sd: Printed spread.
        units_per_case: How many units a case has; None to find the number needed.

    """
    title = "standard deviation over folds of a smaller unit, such as the slice"
    sizes = as_sizes(sizes, least=2)
    if units_per_case is not None:
        as_number(units_per_case, "units_per_case", least=1)
    p = as_reported(mean, "mean").value
    as_reported(sd, "sd")
    if sd.value == 0 or not 0 < p < 1:
        return Reading("unit_per_case", title, False, f"No number of units explains {sd}.")
    per_fold = p * (1 - p) / sd.value**2
    per_case = per_fold * len(sizes) / sum(sizes)
    figures = {
        "units_per_fold": float(per_fold),
        "units": float(per_fold * len(sizes)),
        "units_per_case": float(per_case),
    }
    if per_case <= 1 and units_per_case is None:
        sentence = f"Not needed: chance alone spreads folds of so many cases by {sd} or less."
        return Reading("unit_per_case", title, True, sentence, (), figures, tuple(Rounding))
    factor = units_per_case or round(per_case)
    return _units_reading(title, sizes, mean, sd, factor, figures)


def _units_reading(
    title: str,
    sizes: tuple[int, ...],
    mean: Reported,
    sd: Reported,
    factor: int,
    figures: dict[str, float],
) -> Reading:
    try:
        fit = _fit(_times(sizes, factor), mean, sd, STANDARD_DEVIATIONS)
        figures |= _smallest_factor(sizes, mean, sd)
    except TooManyError as error:
        return Reading("unit_per_case", title, None, f"{error}.", (), figures)
    sentence = (
        f"Chance alone gives {sd} with about {figures['units_per_fold']:.0f} units a fold, "
        f"{figures['units']:.0f} in all, {figures['units_per_case']:.0f} a case. Units of one "
        "patient resemble each other: were they split between training and test, the accuracy "
        "is too high; and the number of independent cases stays what it was."
    )
    return fit.reading("unit_per_case", title, sentence, figures)


def _smallest_factor(sizes: tuple[int, ...], mean: Reported, sd: Reported) -> dict[str, float]:
    """The fewest units a case for which whole counts exist at all, if few are enough."""
    for factor in range(1, MOST_UNITS + 1):
        if find_vectors(_times(sizes, factor), mean, sd, limit=1, roundings=ORDINARY)[0]:
            return {"fewest_units_per_case": float(factor)}
    return {}


def _times(sizes: tuple[int, ...], factor: int) -> tuple[int, ...]:
    return tuple(size * factor for size in sizes)


@dataclass(frozen=True)
class _Fit:
    """Vectors that fit, closest to the printed spread first, and under which conventions some do.

    The vectors are those of ordinary rounding, or where there are none those of cutting off.
    """

    examples: tuple[FoldVector, ...] = ()
    roundings: tuple[Rounding, ...] = ()
    only: bool = False  # whether there are no other vectors

    @property
    def possible(self) -> bool:
        """Whether some vector is rounded to the printed numbers."""
        return Rounding.EITHER in self.roundings

    def reading(
        self, name: str, title: str, sentence: str, figures: dict[str, float] | None = None
    ) -> Reading:
        """The reading that these vectors allow."""
        if self.examples and not self.possible:
            sentence = f"Only if digits were cut off and not rounded. {sentence}"
        return Reading(
            name, title, self.possible, sentence, self.examples, figures or {}, self.roundings
        )


def _fit(sizes: tuple[int, ...], mean: Reported, sd: Reported, spreads: tuple[Spread, ...]) -> _Fit:
    as_reported(sd, "sd")
    for covering in COVERING:
        vectors, complete = _some(sizes, mean, sd, spreads, covering)
        if vectors:
            break
    else:
        return _Fit()
    matched = (spreads_matched(v, mean, sd, spreads).values() for v in vectors)
    roundings = {covering}.union(*(found for each in matched for found in each))
    if covering is Rounding.EITHER:
        missing = [r for r in Rounding if r not in roundings]
        roundings |= {r for r in missing if _exists(sizes, mean, sd, spreads, r)}
    ordered = tuple(r for r in Rounding if r in roundings)
    return _Fit(_nearest_first(vectors, mean, sd, spreads), ordered, only=complete)


def _some(
    sizes: tuple[int, ...],
    mean: Reported,
    sd: Reported,
    spreads: tuple[Spread, ...],
    rounding: Rounding,
    enough: int = ENOUGH,
) -> tuple[list[FoldVector], bool]:
    """Vectors that fit under one convention, and whether these are all.

    Raises:
        TooManyError: None was found before the search became too long.

    """
    found, error = dict[tuple[int, ...], FoldVector](), None
    for spread in spreads:
        try:
            for vector in matching_vectors(sizes, mean, sd, spread, rounding):
                if len(found) >= enough:
                    break
                found[vector.correct] = vector
        except TooManyError as too_many:
            error = too_many
    if error is not None and not found:
        raise error
    ordered = sorted(found.values(), key=lambda v: (v.sum_of_squares, v.correct))
    return ordered, error is None and len(found) < enough


def _exists(
    sizes: tuple[int, ...],
    mean: Reported,
    sd: Reported,
    spreads: tuple[Spread, ...],
    rounding: Rounding,
) -> bool:
    """Whether a vector is printed so under this convention; no where that takes too long to see."""
    try:
        return bool(_some(sizes, mean, sd, spreads, rounding, enough=1)[0])
    except TooManyError:
        return False


def _nearest_first(
    vectors: list[FoldVector], mean: Reported, sd: Reported, spreads: tuple[Spread, ...]
) -> tuple[FoldVector, ...]:
    divisor = spreads[-1 if spreads is STANDARD_DEVIATIONS else 0].divisor(len(vectors[0].sizes))

    def distance(vector: FoldVector) -> tuple[float, Fraction]:
        spread = float(vector.sum_of_squares / divisor) ** 0.5
        return round(abs(spread - float(sd.value)), 9), abs(vector.mean - mean.value)

    return tuple(sorted(vectors, key=distance))


def _counts(vector: FoldVector) -> str:
    """The counts; of many folds as "20 x 9, 5 x 10"."""
    if len(vector.correct) <= MOST_PLAIN:
        return " ".join(map(str, sorted(vector.correct)))
    counts = sorted(set(vector.correct))
    return ", ".join(f"{vector.correct.count(count)} x {count}" for count in counts)


def percent(proportion: float, digits: int = 1) -> str:
    """A proportion as text, such as "4.5 %"."""
    return f"{100 * proportion:.{digits}f} %"
