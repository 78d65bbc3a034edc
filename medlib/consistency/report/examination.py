"""Whether the numbers of a report can be true, and what they support."""

from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction

from medlib.consistency import (
    STANDARD_DEVIATIONS,
    FoldVector,
    Reading,
    Reported,
    Rounding,
    Spectrum,
    Spread,
    Tables,
    Window,
    accuracy_bounds,
    expected_sd,
    feasible_tables,
    find_vectors,
    finer_units,
    fold_counts,
    over_folds,
    percent,
    possible_counts,
    rates_possible,
    repeat_means,
    spectrum,
    standard_error,
)
from medlib.consistency.report.question import Question, read_question
from medlib.consistency.report.result import GrimResult, joined
from medlib.errors import TooManyError
from medlib.statistics.outcome import Interval
from medlib.statistics.power import sample_size_for_interval
from medlib.statistics.proportions import ProportionMethod, proportion_interval

METHODS: tuple[ProportionMethod, ...] = ("wilson", "clopper-pearson", "jeffreys", "wald")
"""Intervals shown of a proportion."""
MOST_LISTED = 500
"""Fold vectors kept as examples."""
MOST_SEARCHED = 2000
"""Fold vectors looked at where only a mean is given."""
ACCURACY_OF_A_TABLE = (
    "Rates are taken over all cases at one threshold; a mean over folds can differ in its last "
    "digit if the folds hold unequal numbers of a class."
)
"""A note on rates beside folds."""


def examine(
    n: str | int | None = None,
    folds: str | int | None = None,
    mean: str | None = None,
    sd: str | None = None,
    classes: str | None = None,
    repeats: str | int | None = None,
    unit_per_case: str | int | None = None,
    **rates: str | None,
) -> GrimResult:
    """Judge reported numbers, given as the text that was printed.

    Args:
        n: Number of cases; may be left out if the classes are given.
        folds: Number of folds, or their sizes with commas between them.
        mean: Accuracy, such as "92%" or "0.920".
        sd: The number behind the sign +-.
        classes: Negative and positive cases, such as "25,25".
        repeats: How often the cross-validation was repeated.
        unit_per_case: Units, such as slices, that were counted for each case.
        rates: Any of sensitivity, specificity, ppv, npv, f1, auc, prevalence.

    Returns:
        The findings; `possible` says whether everything can be as written, by rounding.

    Raises:
        InputError: A number cannot be read, is out of range, or contradicts another's meaning.
        TooManyError: The exact answer would take too long.

    """
    return _judge(read_question(n, folds, mean, sd, classes, repeats, unit_per_case, rates))


def _judge(question: Question) -> GrimResult:
    result = GrimResult(question)
    if question.n is not None and question.mean is not None:
        result = _with_counts(result, question.mean, question.n)
    if question.folds is not None and question.mean is not None:
        result = _with_folds(result, question.mean)
    if question.rates or question.classes:
        result = _with_tables(result)
    return _with_area(result)


def _with_counts(result: GrimResult, mean: Reported, n: int) -> GrimResult:
    """Which counts print as the mean, and the interval they support."""
    q = result.question
    found = {rounding: set(_counts(q, mean, n, rounding)) for rounding in Rounding}
    either = sorted(set().union(*found.values()))
    result = replace(
        result,
        counts=sorted(found[Rounding.EITHER]),
        counts_if_cut_off=tuple(sorted(found[Rounding.TRUNCATED] - found[Rounding.EITHER])),
        count_roundings={c: tuple(r for r in Rounding if c in found[r]) for c in either},
    )
    result = _only(result, [r for r in Rounding if found[r]], _no_count(mean, n * q.copies, either))
    if not either:
        return result
    cases = sorted({round(Fraction(c, q.copies)) for c in result.counts or either})
    ends: dict[str, tuple[Interval, Interval]] = {
        m: (_interval(cases[0], n, m), _interval(cases[-1], n, m)) for m in METHODS
    }
    return replace(result, intervals=ends, cases_needed=_cases_needed(q))


def _only(result: GrimResult, roundings: Collection[Rounding], fault: str) -> GrimResult:
    """The result if something can be under these conventions only, with the fault of rounding."""
    left = tuple(r for r in result.roundings if r in set(roundings))
    faults = () if Rounding.EITHER in roundings or not fault else (fault,)
    return replace(result, roundings=left, faults=(*result.faults, *faults))


def _counts(question: Question, mean: Reported, n: int, rounding: Rounding) -> list[int]:
    if question.folds is None:
        return list(possible_counts(mean, n * question.copies, rounding))
    return fold_counts(question.sizes, mean, rounding)


def _interval(count: int, n: int, method: ProportionMethod) -> Interval:
    return proportion_interval(count, n, method=method, quantity="accuracy")


def _no_count(mean: Reported, total: int, cut_off: list[int]) -> str:
    if cut_off:
        return f"No whole number of {total} rounds to {mean}."
    below = int(mean.value * total)
    near = " and ".join(f"{c} ({percent(c / total, 2)})" for c in (below, below + 1) if c <= total)
    return f"No whole number of {total} is {mean}: the nearest are {near}."


def _cases_needed(question: Question) -> int | None:
    mean, sd = question.mean, question.sd
    if mean is None or sd is None or not 0 < mean.value < 1 or not 0 < sd.value < 1:
        return None
    return sample_size_for_interval(float(mean.value), float(sd.value)).n


def _with_folds(result: GrimResult, mean: Reported) -> GrimResult:
    """Which fold vectors have that mean, and which meanings of the spread they allow."""
    q = result.question
    vectors, complete = find_vectors(q.sizes, mean, limit=MOST_SEARCHED)
    counted = None if len(set(q.sizes)) > 1 else spectrum(len(q.sizes), q.sizes[0], mean)
    total = len(vectors) if complete else None if counted is None else counted.total()
    result = replace(
        result,
        vectors=tuple(vectors[:MOST_LISTED]),
        vectors_total=total,
        chance_sd=expected_sd(float(mean.value), q.sizes) if q.copies == q.units else None,
    )
    if q.sd is None:
        return result
    readings = _readings(q, mean, q.sd)
    found = {v.correct: v for v in (*readings[0].examples, *vectors)}
    listed = sorted([*found.values()][:MOST_LISTED], key=lambda v: (v.sum_of_squares, v.correct))
    result = replace(result, readings=readings, vectors=tuple(listed))
    # Where no count rounds to the mean, that is the fault, and the spread adds none to it.
    blamed = bool(vectors) and (bool(result.counts) or not readings[0].roundings)
    if readings[0].possible or not blamed:
        return _only(result, readings[0].roundings, "")
    rounding = Rounding.EITHER if result.counts else Rounding.TRUNCATED
    spreads = _spreads(vectors if complete else [], counted, mean.window(rounding))
    return _only(result, readings[0].roundings, _no_spread(result, q.sd, spreads))


def _spreads(
    vectors: list[FoldVector], counted: Spectrum | None, window: Window
) -> dict[Spread, list[float]]:
    """Every value the SD can take where the mean is in the window; empty if not known."""
    kept = [v for v in vectors if v.mean in window or v.pooled in window]
    if kept:
        return {
            Spread.POPULATION: [v.population_sd for v in kept],
            Spread.SAMPLE: [v.sample_sd for v in kept],
        }
    return {} if counted is None else {s: counted.spreads(s, window) for s in STANDARD_DEVIATIONS}


def _readings(question: Question, mean: Reported, sd: Reported) -> tuple[Reading, ...]:
    q = question
    readings = [
        over_folds(q.sizes, mean, sd),
        standard_error(q.sizes, mean, sd),
        repeat_means(sum(q.folds or ()) * q.units, _more_than_one(q.repeats), mean, sd),
    ]
    if q.units == 1:
        readings.append(finer_units(q.folds or (), mean, sd))
    return tuple(readings)


def _more_than_one(repeats: int | None) -> int | None:
    return repeats if repeats and repeats > 1 else None


def _no_spread(result: GrimResult, sd: Reported, spreads: dict[Spread, list[float]]) -> str:
    """The sentence that says so, with the nearest spreads that can be."""
    sizes = result.question.sizes
    counts = result.counts or list(result.counts_if_cut_off)
    begin = (
        f"With {joined(counts)} of {sum(sizes)} right, no {len(sizes)} folds of "
        f"{joined(sorted(set(sizes)))} have a standard deviation of {sd}"
    )
    if not spreads:
        return f"{begin}."
    population, sample = spreads[Spread.POPULATION], spreads[Spread.SAMPLE]
    if population[0] > sd.value:
        low = f"{percent(population[0])} (population) or {percent(sample[0])} (sample)"
        return f"{begin}: the smallest possible is {low}."
    if sample[-1] < sd.value:
        return f"{begin}: the largest possible is {percent(sample[-1])}."
    below = max(x for x in (*population, *sample) if x <= sd.value)
    above = min(x for x in (*population, *sample) if x > sd.value)
    return f"{begin}: the nearest possible are {percent(below, 2)} and {percent(above, 2)}."


def _with_tables(result: GrimResult) -> GrimResult:
    """Which 2 x 2 tables have all the reported rates."""
    q = result.question
    rates = {name: text for name, text in q.rates.items() if name != "auc"}
    everything = rates | ({"accuracy": q.mean} if q.mean else {})
    anywhere = [r for r in Rounding if not everything or rates_possible(everything, (r,))]
    names = ", ".join(f"{name} {text}" for name, text in everything.items())
    result = _only(result, anywhere, f"No study of any size has all of these: {names}.")
    no_count = result.counts == [] and not result.counts_if_cut_off
    if not anywhere or q.n is None or no_count:
        return result
    usable = dict(q.rates) if q.copies == 1 else rates
    notes = [*result.notes, ACCURACY_OF_A_TABLE] if rates else [*result.notes]
    if usable != q.rates:
        notes.append("The AUC was left out: with repeats or units, areas are averaged.")
    try:
        tables = _tables(q, usable, everything)
    except TooManyError as error:
        return replace(result, notes=(*notes, f"Whole counts were not checked: {error}."))
    # What already cannot be, by its own rounding, is not blamed twice.
    fault = "" if result.faults and tables.total else _no_table(q, usable, everything)
    result = replace(result, tables=tables, notes=tuple(notes))
    return _only(result, [r for r in Rounding if tables.totals[r]], fault)


def _tables(
    question: Question, usable: dict[str, Reported], everything: dict[str, Reported]
) -> Tables:
    q, copies = question, question.copies
    correct: dict[Rounding, Collection[int]] | None = None
    mean = everything.get("accuracy")
    if mean is not None and q.n is not None:
        correct = {r: _counts(q, mean, q.n, r) for r in Rounding}
    negatives, positives = (c * copies for c in q.classes) if q.classes else (None, None)
    n = None if q.n is None else q.n * copies
    return feasible_tables(positives, negatives, usable, n=n, correct=correct)


def _no_table(
    question: Question, usable: dict[str, Reported], everything: dict[str, Reported]
) -> str:
    names = ", ".join(f"{name} {text}" for name, text in (usable | everything).items())
    q = question
    of = f"{q.classes[0]} negative and {q.classes[1]} positive" if q.classes else f"{q.n}"
    return f"No 2 x 2 table of {of} cases has all of these: {names}."


def _with_area(result: GrimResult) -> GrimResult:
    """What the AUC allows for the accuracy, and whether that includes the reported one."""
    q = result.question
    area = q.rates.get("auc")
    share = Fraction(q.classes[1], sum(q.classes)) if q.classes else None
    if share is None and "prevalence" in q.rates:
        share = q.rates["prevalence"].value
    if area is None or share is None or not 0 < share < 1:
        return result
    result = replace(result, bounds=accuracy_bounds(float(area.value), float(share)))
    if q.mean is None or q.classes or q.copies > 1:
        return result
    prevalence = q.rates["prevalence"]
    ends = {r: _accuracies(area.window(r), prevalence.window(r)) for r in Rounding}
    windows = {r: q.mean.window(r) for r in Rounding}
    inside = [
        r for r, (low, high) in ends.items() if windows[r].low <= high and windows[r].high >= low
    ]
    low, high = map(float, ends[Rounding.EITHER])
    fault = (
        f"An AUC of {area} at a prevalence of {prevalence} allows accuracies from "
        f"{percent(low)} to {percent(high)} only, not {q.mean}."
    )
    return _only(result, inside, fault)


def _accuracies(area: Window, prevalence: Window) -> tuple[Fraction, Fraction]:
    """The lowest and highest accuracy that such an area and prevalence allow."""

    def ends(window: Window) -> tuple[Fraction, Fraction]:
        return max(Fraction(0), window.low), min(Fraction(1), window.high)

    rarer = max(Fraction(0), min(min(q, 1 - q) for q in ends(prevalence)))
    return ends(area)[0] * rarer, 1 - (1 - ends(area)[1]) * rarer
