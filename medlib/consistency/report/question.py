"""Reported numbers as they come in to `medlib grim`: read, checked, and refused in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from medlib.consistency import RATES, Reported, fold_sizes, parse, parse_count, parse_counts
from medlib.errors import InputError, TooManyError

MOST_COUNTED = 5_000_000  # cases, or slices of all cases and repeats; about a second


@dataclass(frozen=True)
class Question:
    """The reported numbers, read and checked; what was not reported is None.

    Attributes:
        n: Cases.
        folds: Cases in each fold of one repeat.
        mean: Accuracy.
        sd: The number behind the sign +-.
        classes: Cases of the negative and of the positive class.
        repeats: How often the cross-validation was repeated, None if not said.
        units: Units (slices) a case, 1 if the case itself is counted.
        rates: Other reported rates by name, "auc" among them.

    """

    n: int | None = None
    folds: tuple[int, ...] | None = None
    mean: Reported | None = None
    sd: Reported | None = None
    classes: tuple[int, int] | None = None
    repeats: int | None = None
    units: int = 1
    rates: Mapping[str, Reported] = field(default_factory=dict)

    @property
    def copies(self) -> int:
        """How often each case is counted: units times repeats."""
        return self.units * (self.repeats or 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units in each fold of all repeats."""
        return tuple(size * self.units for size in self.folds or ()) * (self.repeats or 1)


def read_question(
    n: str | int | None,
    folds: str | int | None,
    mean: str | None,
    sd: str | None,
    classes: str | None,
    repeats: str | int | None,
    unit_per_case: str | int | None,
    rates: dict[str, str | None],
) -> Question:
    """The numbers of `medlib.commands.grim.examine` as values.

    Raises:
        InputError: A number cannot be read, is out of range, or lacks another.

    """
    unknown = set(rates) - {*RATES, "auc"}
    if unknown:
        raise InputError(f"'{min(unknown)}' is unknown; choose from {', '.join(RATES)}, auc")
    sizes = _classes(classes)
    cases = parse_count(n, "n", least=2) if n is not None else sum(sizes or ()) or None
    if sizes and cases != sum(sizes):
        raise InputError(f"classes '{classes}' add up to {sum(sizes)}, but n is {cases}")
    question = Question(
        n=cases,
        folds=_folds(folds, cases),
        mean=None if mean is None else parse(mean, "mean"),
        sd=None if sd is None else parse(sd, "sd", spread=True),
        classes=sizes,
        repeats=None if repeats is None else parse_count(repeats, "repeats", most=1000),
        units=1 if unit_per_case is None else parse_count(unit_per_case, "unit-per-case"),
        rates={name: parse(text, name) for name, text in rates.items() if text is not None},
    )
    _check(question)
    return question


def _classes(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    counts = parse_counts(text, "classes")
    if len(counts) != 2:
        raise InputError(
            f"classes '{text}' names {len(counts)} classes; give two, negative first: 25,25"
        )
    return counts[0], counts[1]


def _folds(text: str | int | None, n: int | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    counts = parse_counts(str(text), "folds")
    if n is None:
        raise InputError("folds need the number of cases; give --n too")
    if len(counts) == 1:
        return fold_sizes(n, counts[0])
    if sum(counts) != n:
        raise InputError(f"folds '{text}' hold {sum(counts)} cases together, but n is {n}")
    return tuple(sorted(counts, reverse=True))


def _check(question: Question) -> None:
    """Refuse questions that lack what their answer needs."""
    q = question
    if q.sd is not None and (q.mean is None or q.folds is None):
        raise InputError(f"sd '{q.sd}' can be judged only with --mean, --n and --folds")
    if q.copies > 1 and q.n is None:
        raise InputError("repeats and units a case need the number of cases; give --n too")
    if (q.n or 0) * q.copies > MOST_COUNTED:
        raise TooManyError(
            f"{q.n} cases, counted {q.copies} times each, are more than can be gone through "
            f"({MOST_COUNTED:,})"
        )
    if q.repeats is not None and q.folds is None:
        raise InputError("repeats need the number of folds; give --folds too")
    if q.mean is None and not q.rates:
        raise InputError("there is nothing to judge; give --mean or another reported number")
    if q.n is None and not (set(q.rates) - {"auc"}):
        raise InputError("one number alone is always possible; give --n too, or other rates")
