"""Reporting checklists, filled from a run's own results file.

Four guidelines are kept as data beside this file (`*.yml`): number and topic of each item, the
fields of a results file that answer it, and what stays with the author. `fill` sets them against
one run; `document` gives the page that `medlib run` leaves as `checklist.md`. Topics are in our
words: a journal wants the official form, and this says what to put into it.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from medlib.results.checklists.fields import (
    FIELDS,
    SPLIT,
    Missing,
    caution,
    has_model,
    has_split,
    is_simulated,
)
from medlib.results.markdown import code, plain, table
from medlib.results.records import Results, read

NAMES: Final = ("reforms", "claim", "tripod_ai", "stard_ai")
"""The guidelines, as their files are called."""
FILLED: Final = "filled from the run"
PARTLY: Final = "filled in part"
TO_WRITE: Final = "for you to write"
NOT_APPLICABLE: Final = "not applicable"
STATUSES: Final = (FILLED, PARTLY, TO_WRITE, NOT_APPLICABLE)
"""How far an item is answered by a run."""
NEEDS: Final[dict[str, tuple[Callable[[Results], bool], str]]] = {
    "split": (has_split, f"the run records no split into training and test ({', '.join(SPLIT)})"),
    "model": (has_model, "the run records no model that was trained and tested"),
}
"""What has to be true of a run for an item to apply, and what to say where it is not."""
NOTHING: Final = "nothing"
"""What stands where a run says nothing to an item."""
HEADER: Final = ("item", "topic", "what this run says", "status")
"""Columns of a checklist."""


@dataclass(frozen=True)
class Item:
    """One row of a guideline; `topic` is ours, the numbers are the guideline's."""

    id: str
    topic: str
    fill: tuple[str, ...] = ()
    write: str = ""
    needs: str = ""
    simulated: str = ""


@dataclass(frozen=True)
class Guideline:
    """A guideline: what it is for, how sure its list is, and its items by section."""

    key: str
    name: str
    cite: str
    source: str
    scope: str
    count: str
    known: str
    sections: dict[str, tuple[Item, ...]]

    @property
    def items(self) -> tuple[Item, ...]:
        """All rows in order."""
        return tuple(item for section in self.sections.values() for item in section)


@dataclass(frozen=True)
class Answer:
    """What a run says to one item; `rest` is what is left to write, or why it does not apply."""

    item: Item
    says: str
    status: str
    rest: str = ""

    @property
    def row(self) -> tuple[str, str, str, str]:
        """The cells of a table, in the order of HEADER."""
        status = f"**{self.status}**" + (f": {self.rest}" if self.rest else "")
        return self.item.id, self.item.topic, self.says, status


@cache
def guideline(key: str) -> Guideline:
    """One of NAMES, as kept in its file."""
    content = yaml.safe_load((files(__name__) / f"{key}.yml").read_text(encoding="utf-8"))
    sections = {s["name"]: tuple(map(_item, s["items"])) for s in content.pop("sections")}
    return Guideline(key=key, sections=sections, **content)


def _item(content: dict[str, Any]) -> Item:
    fill = tuple(content.get("fill", ()))
    return Item(**{**content, "id": str(content["id"]), "fill": fill})


def fill(item: Item, run: Results) -> Answer:
    """What the run says to the item; what its file lacks is said to be missing from it."""
    applies, reason = NEEDS.get(item.needs, (None, ""))
    if applies and not applies(run):
        return Answer(item, NOTHING, NOT_APPLICABLE, reason)
    told, lacking = _told(item.fill, run)
    why_not = item.simulated if is_simulated(run) else ""
    gaps = [f"missing from results.json: {', '.join(lacking)}"] if lacking else []
    says = "; ".join([*told, *gaps]) or NOTHING
    if why_not:
        status = NOT_APPLICABLE if not told else PARTLY if lacking else FILLED
        return Answer(item, says, status, f"simulated patients: {why_not}")
    rest = item.write or ", ".join(lacking)
    return Answer(item, says, TO_WRITE if not told else PARTLY if rest else FILLED, rest)


def _told(names: Iterable[str], run: Results) -> tuple[list[str], list[str]]:
    told, lacking = [], []
    for name in names:
        try:
            told.append(FIELDS[name](run))
        except Missing as error:
            lacking.append(str(error))
    return told, lacking


def answers(key: str, run: Results) -> dict[str, list[Answer]]:
    """All answers of a run to a guideline, by section."""
    sections = guideline(key).sections
    return {name: [fill(item, run) for item in items] for name, items in sections.items()}


def counts(filled: dict[str, list[Answer]]) -> dict[str, int]:
    """How many rows have each status, in the order of STATUSES."""
    found = Counter(answer.status for section in filled.values() for answer in section)
    return {status: found[status] for status in STATUSES}


def tables(filled: dict[str, list[Answer]]) -> str:
    """One table a section, each below its heading."""
    parts = (
        f"### {name}\n\n{table(HEADER, [answer.row for answer in section])}"
        for name, section in filled.items()
    )
    return "\n\n".join(parts)


def overview(run: Results, names: Iterable[str] = NAMES) -> str:
    """A row a guideline: what it is for and how many rows have each status."""
    rows = [
        [guideline(key).name, guideline(key).scope, *map(str, counts(answers(key, run)).values())]
        for key in names
    ]
    return table(["guideline", "for", *STATUSES], rows)


def differences(key: str, first: Results, second: Results) -> list[tuple[Answer, Answer]]:
    """Answers of two runs to the same item, where they differ."""
    pairs = ((fill(item, first), fill(item, second)) for item in guideline(key).items)
    return [(a, b) for a, b in pairs if a.row != b.row]


def document(run: Results) -> str:
    """The page of all four checklists for one run, as Markdown."""
    title = f"{code(run.notebook)} on {plain(run.cohort.get('name', 'unnamed data'))}"
    found = f"**The audit of these data.** {caution(run)}" if caution(run) else ""
    parts = [INTRODUCTION.format(title=title), *filter(None, [found]), overview(run)]
    for key in NAMES:
        its = guideline(key)
        parts += [f"## {its.name}", f"{its.source}. {its.count}.", its.known]
        parts += [tables(answers(key, run))]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def from_file(path: Path) -> str:
    """`document` of a results file; InputError where the file holds no results."""
    return document(read(path))


INTRODUCTION: Final = """\
# Reporting checklists

Filled from `results.json` of the run of {title}.
Every entry in the column "what this run says" was read from that file; nothing else was looked at.

- **filled from the run**: nothing is left to write.
- **filled in part**: the rest is yours; the text says what.
- **for you to write**: a run cannot know it. Some texts say what medlib does of itself.
- **not applicable**: with the reason.

Topics are named in our words and are not the official wording: fill in the official form, and
take from here what to put into it. COHORT in a command stands for your data, which the file does
not name by place.
"""
"""How the page of checklists begins."""
