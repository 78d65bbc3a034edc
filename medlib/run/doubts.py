"""What to distrust in a run: its data, its size, its intervals, and the limits of its chapter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import nbformat
from markdown_it import MarkdownIt

from medlib.results.markdown import with_interval
from medlib.results.records import CONFIDENCE, Record, Results
from medlib.run.data_check import DataCheck

FEW: Final = 50
"""Patients of a class below which an accuracy has an interval of more than ten points a side."""
WIDE: Final = 0.2
"""Width of an interval from which it hardly says more than whether something was learned."""
LIMITS: Final = re.compile(r"^## What this does and does not show\n(.+?)(?=^## |\Z)", re.M | re.S)
BULLET: Final = re.compile(r"^- (.+?)(?=^- |^\n|^[`:]{3}|\Z)", re.M | re.S)
ROLE: Final = re.compile(r"\{(\w+)(?::\w+)?\}`([^`<]*?)\s*(?:<[^`]*>)?`")
SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"*])")
"""Where one sentence ends and the next begins."""
LENGTH: Final = 160
"""Characters of a limit from which its further sentences are left to the notebook."""
SHORT: Final = ("auc", "sd", "ppv", "npv")
"""Parts of keys that are written in capitals."""
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False})
NOTES: Final = 2
"""Notes of a cohort on the page; all are in results.json."""
MOST: Final = 6
"""Limits of a chapter on the page."""


def doubts(run: Results, shown: Sequence[Record], check: DataCheck | None) -> Iterator[str]:
    """Yield a sentence for each reason to doubt the numbers shown; never none."""
    found = [*_of_data(check), *_of_patients(run), *_of_numbers(run, shown)]
    yield from found or ["Nothing in these data or intervals was noticed; that proves nothing."]


def _of_data(check: DataCheck | None) -> Iterator[str]:
    for number, one in enumerate(check.findings if check is not None else ()):
        said = one.says if number else "The data themselves, as said above."  # in the caution
        yield f"{said} What to do: {one.do}"
    if check is not None and not check.findings:
        yield f"The audit of the data: {check.verdict}"
    elif check is not None and check.searched:
        yield check.searched


def _of_patients(run: Results) -> Iterator[str]:
    cohort = run.cohort
    if cohort.get("simulated"):
        yield "The patients are simulated: numbers show how methods work, not how patients fare."
    if cohort.get("patient_id_kind") == "surrogate":
        yield (
            "No patient ids are recorded: groups made from the images stand for patients. Where "
            "two images of one patient are in two groups, every accuracy is too good."
        )
    classes = cohort.get("images_per_class") or {}
    if classes and min(classes.values()) < FEW:
        name = min(classes, key=lambda each: classes[each])
        of = f" of class {name}" * (len(classes) > 1)
        yield f"There are few cases: {classes[name]}{of}. Another draw may differ much."
    if not cohort.get("simulated"):
        yield from map(str, (cohort.get("notes") or [])[:NOTES])
    if cohort.get("refused_files"):
        yield f"{cohort['refused_files']} files could not be read and were left out."


def _of_numbers(run: Results, shown: Sequence[Record]) -> Iterator[str]:
    ends = [
        r
        for r in shown
        if r.kind == CONFIDENCE and r.interval and "accuracy" in r.key and not is_null(r)
    ]
    wide = [r for r in ends if r.interval and r.interval[1] - r.interval[0] > WIDE]
    if wide:
        one = max(wide, key=lambda r: r.interval[1] - r.interval[0] if r.interval else 0)
        yield (
            f"Intervals are wide: {name_of(one)} is {with_interval(one)}, and any value in the "
            "brackets fits these cases."
        )
    share = majority(run)
    for one in ends:
        if share is not None and one.interval and one.interval[0] <= share <= one.interval[1]:
            yield (
                f"{name_of(one)}, {with_interval(one)}, is not told apart from always answering "
                f"the most frequent class ({share:.2f})."
            )


def is_null(record: Record) -> bool:
    """Return whether a number is that of a null run, which is meant to be no better than chance."""
    return record.key.startswith("null_")


def name_of(record: Record) -> str:
    """Return the key of a number in words."""
    return " ".join(part.upper() if part in SHORT else part for part in record.key.split("_"))


def majority(run: Results) -> float | None:
    """Return the share of the most frequent class; None if not recorded, or where nothing is told.

    Of volumes with outlines all are of one class, and no share is an accuracy.
    """
    counts = list((run.cohort.get("images_per_class") or {}).values())
    return max(counts) / sum(counts) if len(counts) > 1 and sum(counts) else None


def title(notebook: nbformat.NotebookNode) -> str:
    """Return the title of a chapter."""
    found = re.search(r"^# (.+)$", _text(notebook), re.MULTILINE)
    return _plain(found[1]) if found else "A chapter"


def limits(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the first sentences of each limit that the chapter names, as HTML."""
    section = LIMITS.search(_text(notebook))
    bullets = BULLET.findall(section[1]) if section else []
    return [_MARKDOWN.renderInline(_first(_plain(bullet))) for bullet in bullets[:MOST]]


def _first(text: str) -> str:
    """The first sentences of a text, whole ones, until there are enough characters."""
    said = ""
    for sentence in SENTENCE.split(" ".join(text.split())):
        if len(said) >= LENGTH:
            break
        said = f"{said} {sentence}".strip()
    return said


def _plain(text: str) -> str:
    """Markdown without the roles of Sphinx: a term is its word, a citation goes."""
    return ROLE.sub(lambda role: "" if role[1] == "cite" else role[2].split("/")[-1], text)


def _text(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
