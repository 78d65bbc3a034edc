"""The findings of `medlib grim` in words and tables, for a reviewer who is no statistician."""

from collections.abc import Iterator
from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from medlib.consistency import FoldVector, Reading, Rounding, percent
from medlib.consistency.readings import MOST_PLAIN
from medlib.consistency.report.result import TRADITIONAL, GrimResult, joined, spans_text

MOST_ROWS = 12
"""Rows of a table that are printed."""
MOST_LETTERS = 20  # of a vector beside which t and p still fit
NARROWEST = 60
"""Characters a line below which tables are no longer readable."""
NAMES = {"wilson": "Wilson", "clopper-pearson": "Clopper-Pearson", "jeffreys": "Jeffreys"}
"""The methods as they are printed."""
EXPLANATION = (
    "SD pop. divides by the number of folds, SD sample by one less. p: naive / corrected "
    "for the training cases that folds share."
)
"""What the columns mean."""
CONVENTIONS = (
    "Rounding says what must have been done for it to be printed so: any; rounded; up, even or "
    "ties (halves rounded up, to even, or now up, now down); cut (digits cut off)."
)
"""What the column of rounding means."""
SHORT = {
    Rounding.HALF_UP: "up",
    Rounding.HALF_EVEN: "even",
    Rounding.EITHER: "ties",
    Rounding.TRUNCATED: "cut",
}
"""Conventions of rounding, as short as a column needs them."""
MARKS = {
    True: ("can be", "green"),
    False: ("cannot", "red"),
    None: ("unknown", "yellow"),
}
"""Words and colours of yes, no and not decided."""
CUT_OFF = ("cut off", "yellow")
"""Word and colour of what can be only if digits were cut off."""


def as_text(result: GrimResult, width: int) -> str:
    """The report as plain text."""
    stream = StringIO()
    show(result, Console(file=stream, width=max(NARROWEST, width), color_system=None))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def show(result: GrimResult, console: Console | None = None) -> None:
    """Print the report."""
    console = console or Console(highlight=False)
    console.print(Text(_headline(result), style="bold"))
    for number, (title, body) in enumerate(_sections(result), start=1):
        console.print(Text(f"\n{number}. {title}", style="bold"))
        console.print(body, highlight=False)
    for note in result.notes:
        console.print(Text(note, style="dim"))
    console.print()
    console.print(_verdict(result))


def _headline(result: GrimResult) -> str:
    """What was reported, in one line."""
    q = result.question
    parts = [f"accuracy {q.mean}" + (f" +- {q.sd}" if q.sd else "")] if q.mean else []
    parts += [f"{name.upper() if len(name) < 4 else name} {text}" for name, text in q.rates.items()]
    where = [f"{q.n} cases"] if q.n else []
    where += [f"{len(q.folds)} folds"] if q.folds else []
    where += [f"{q.repeats} repeats"] if q.repeats else []
    where += [f"{q.units} units a case"] if q.units > 1 else []
    return f"Reported: {', '.join(parts)}" + (f" ({', '.join(where)})" if where else "")


def _verdict(result: GrimResult) -> Panel:
    word, style = ("CAN BE", "green") if result.possible else ("CANNOT BE", "red")
    if result.only_if_cut_off:
        word, style = "ONLY IF CUT OFF", "yellow"
    rescues = [r.title for r in result.readings[1:] if r.possible]
    text = result.verdict
    if not result.possible and rescues and result.readings[0].possible is False:
        text += f" Readings under which the spread can be: {'; '.join(rescues)}."
    return Panel(Text(text), title=Text(word, style=f"bold {style}"), border_style=style)


def _sections(result: GrimResult) -> Iterator[tuple[str, RenderableType]]:
    if result.counts is not None:
        yield "How many were right", Text(_count_sentence(result))
    if result.vectors:
        yield "How the folds can have come out", _folds(result)
    if result.readings:
        yield f"What +- {result.question.sd} can mean", _readings(result.readings)
    if result.intervals:
        yield "What the numbers support", _intervals(result)
    if result.tables is not None:
        yield "Which 2 x 2 tables remain", _tables(result)
    if result.bounds is not None:
        yield "What the AUC allows the accuracy to be", Text(f"{result.bounds}.")


def _count_sentence(result: GrimResult) -> str:
    q = result.question
    total = (q.n or 0) * q.copies
    unit = "slices or other units" if q.units > 1 else "cases" if q.copies == 1 else "tests"
    text = (
        f"{q.mean} of {total} {unit} is {joined(result.counts)} right ({_how_printed(result)})."
        if result.counts
        else (f"No number of {total} {unit} rounds to {q.mean}.")
    )
    if result.counts_if_cut_off:
        further = joined(list(result.counts_if_cut_off))
        text += f" If digits were cut off and not rounded: also {further}."
    return text


def _how_printed(result: GrimResult) -> str:
    """Which counts are printed as the mean by which convention."""
    groups: dict[str, list[int]] = {}
    for count in result.counts or ():
        groups.setdefault(Rounding.text(result.count_roundings[count]), []).append(count)
    if len(groups) == 1:
        return next(iter(groups))
    return "; ".join(f"{joined(counts)} {text}" for text, counts in groups.items())


def _rounding(roundings: tuple[Rounding, ...]) -> str:
    """The same for one row of a table: every convention is "any"."""
    words = Rounding.text(roundings)
    for rounding, short in SHORT.items():
        words = words.replace(rounding, short)
    return "any" if set(roundings) == set(Rounding) else words.replace(" or ", "/")


def _folds(result: GrimResult) -> RenderableType:
    q = result.question
    total = result.vectors_total
    number = f"more than {len(result.vectors)}" if total is None else f"{total}"
    shown, left = _most_telling(result), ""
    if len(shown) < len(result.vectors):
        which = (
            "those that fit some reading of the spread best"
            if result.fits.get(shown[-1].correct)
            else "the most even"
        )
        left = f" The table shows {len(shown)}, {which}."
    plural = "way" if total == 1 else "ways"
    lines: list[RenderableType] = [
        Text(
            f"{number} {plural} to share them among {len(q.sizes)} folds of "
            f"{joined(sorted(set(q.sizes)))}, the order aside.{left}"
        ),
        _vector_grid(result, shown),
    ]
    lines += [Text(EXPLANATION, style="dim"), Text(CONVENTIONS, style="dim")]
    if result.chance_sd is not None:
        by_chance = f"If the errors fell at random, expect an SD of {percent(result.chance_sd)}."
        lines.append(Text(by_chance))
    return Group(*lines)


def _most_telling(result: GrimResult) -> list[FoldVector]:
    """The vectors that fit the spread, those nearest to it first, then those of least spread."""
    sd = 0.0 if result.question.sd is None else float(result.question.sd.value)

    def rank(vector: FoldVector) -> tuple[bool, float]:
        fits = bool(result.fits.get(vector.correct))
        return not fits, abs(vector.sample_sd - sd) if fits else vector.sample_sd

    return sorted(sorted(result.vectors, key=rank)[:MOST_ROWS], key=lambda v: v.sum_of_squares)


def _vector_grid(result: GrimResult, vectors: list[FoldVector]) -> Grid:
    many = len(result.question.sizes) > MOST_PLAIN
    rows = [_vector_row(result, vector) for vector in vectors]
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("folds x\nright" if many else "right in\neach fold", min_width=14)
    grid.add_column("\nrounding", no_wrap=True)
    titles = ["\nchance"] if rows[0][2] else [""]
    titles += ["SD\npop.", "SD\nsample", "std.\nerror"]
    titles.append(f"p against\n{TRADITIONAL:.0%}")
    # Long vectors leave no room for the test, which says least where there are many cases.
    shown = 7 if max(len(row[0]) for row in rows) <= MOST_LETTERS else 6
    for title in titles[: shown - 2]:
        grid.add_column(title, justify="right", no_wrap=True)
    for vector, row in zip(vectors, rows, strict=True):
        grid.add_row(*row[:shown], style="green" if result.fits.get(vector.correct) else None)
    return grid


def _vector_row(result: GrimResult, vector: FoldVector) -> list[str]:
    chance = result.probability(vector)
    p = result.tests(vector.p, TRADITIONAL)
    return [
        _short(vector),
        _rounding(result.vector_roundings(vector)),
        "" if chance is None else _small(chance),
        percent(vector.population_sd),
        percent(vector.sample_sd),
        percent(vector.standard_error),
        " / ".join(map(_small, p.values())),
    ]


def _short(vector: FoldVector) -> str:
    """The counts; with many folds "3x10 20x9" for three folds with 10 and twenty with 9."""
    if len(vector.correct) <= MOST_PLAIN:
        return " ".join(map(str, vector.correct))
    counts = sorted(set(vector.correct), reverse=True)
    return " ".join(f"{vector.correct.count(count)}x{count}" for count in counts)


def _small(p: float | None) -> str:
    return "-" if p is None else "<.001" if p < 0.001 else f"{p:.3f}"


def _readings(readings: tuple[Reading, ...]) -> Grid:
    grid = Grid.grid(padding=(0, 2, 1, 0))
    grid.add_column(justify="right", min_width=5)
    grid.add_column()
    for reading in readings:
        word, style = CUT_OFF if reading.only_if_cut_off else MARKS[reading.possible]
        how = f" ({Rounding.text(reading.roundings)})" if reading.roundings else ""
        title = Text(f"The {reading.title}{how}.", style="bold")
        grid.add_row(Text(word, style=f"bold {style}"), Group(title, Text(reading.sentence)))
    return grid


def _intervals(result: GrimResult) -> RenderableType:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("95 % interval")
    grid.add_column("accuracy", justify="right")
    for method, (first, last) in result.intervals.items():
        name = NAMES.get(method, "Wald (too narrow)")
        grid.add_row(name, f"{percent(first.low)} to {percent(last.high)}")
    basis = f"With {result.question.n} independent cases:"
    lines: list[RenderableType] = [Text(basis), grid]
    if result.cases_needed is not None:
        needed = f"An interval of +- {result.question.sd} takes {result.cases_needed} cases."
        lines.append(Text(needed))
    return Group(*lines)


def _tables(result: GrimResult) -> RenderableType:
    tables = result.tables
    if tables is None or not tables.total:
        return Text("None.")
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("true pos.", "missed", "true neg.", "false pos."):
        grid.add_column(title, justify="right")
    grid.add_column("rounding")
    for table, how in list(zip(tables.listed, tables.roundings, strict=True))[:MOST_ROWS]:
        grid.add_row(*map(str, (table.tp, table.fn, table.tn, table.fp)), _rounding(how))
    shown = f", the first {MOST_ROWS} shown" if tables.total > MOST_ROWS else ""
    ranges = "; ".join(
        f"{name.upper() if len(name) < 4 else name} {spans_text(float(low), float(high))}"
        for name, (low, high) in tables.spans.items()
    )
    number = f"{tables.total} tables fit{shown}." if tables.total > 1 else "One table fits."
    over_all = Text(f"Over all of them: {ranges}.")
    return Group(Text(number), grid, Text(CONVENTIONS, style="dim"), over_all)
