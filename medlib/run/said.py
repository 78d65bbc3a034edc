"""What a look at the data found, as lines for a terminal and as a cell for a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from medlib.results.markdown import plain, table
from medlib.run.data_check import DataCheck, Row
from medlib.run.labels import as_lines, as_table

TITLE: Final = "Audit of the data, before anything was trained"


def lines(check: DataCheck) -> Iterator[str]:
    """Yield what was found, what to do about it, and what a shortcut or runs are worth."""
    if not check.findings:
        yield f"audit: {check.verdict}"
    for number, one in enumerate(check.findings, 1):
        yield f"audit: {number}. {one.says}"
        yield f"       What to do: {one.do}"
    if check.findings and check.searched:
        yield f"       {check.searched}"
    for row in check.accuracies:
        yield f"       accuracy {_ends(row)}: {row.what}; {_kept(row)}"
    if check.accuracies:
        yield f"       accuracy {check.majority:.2f}: always the most frequent class"
    yield from as_lines(check.labels)
    if check.one_a_run:
        yield check.one_a_run


def markdown(check: DataCheck) -> str:
    """Return the same as Markdown, with the accuracies as a table."""
    found = [f"**{_prose(one.says)}**\n   *What to do:* {_prose(one.do)}" for one in check.findings]
    numbered = [f"{number}. {text}" for number, text in enumerate(found, 1)]
    parts = [WRITTEN, f"**{TITLE}**", "\n".join(numbered) or _prose(check.verdict)]
    if check.findings and check.searched:
        parts.append(_prose(check.searched))
    if check.accuracies:
        parts += [f"What quick models reach that nothing was chosen for, {FROM}:", _table(check)]
    if check.labels:
        parts += [f"All labels of these images; of the images with each, {ALSO}:"]
        parts += [as_table(check.labels)]
    if check.one_a_run:
        parts.append(_prose(check.one_a_run))
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    """Text as Markdown; what is to be typed in type of fixed width, where quotes stay straight."""
    return TYPED.sub(lambda typed: f"`{typed[0].replace(chr(92), '')}`", plain(text))


TYPED: Final = re.compile(r'--[a-z]+|"[^"\s]+groups=\w+"|medlib run \S+ -p cohort "[^"]+"')
"""What a reader types: an option, a cohort with its groups, a run of another label."""
ALSO: Final = (
    "how many have each other one too (itself: all), and what tells it without the disease"
)
"""What the columns of the table of labels say."""
WRITTEN: Final = (
    "*The plain text of this chapter, its captions and key points were written about simulated "
    "patients. Tables, figures and the sentences printed below cells are of your data: where the "
    "two differ, they are right.*"
)
"""What stands in front of a chapter that was run on other data than its author's."""
FROM: Final = "in 5 repeats of five-fold cross-validation on all images of the source"
"""Where the accuracies come from."""


def _table(check: DataCheck) -> str:
    rows = [[plain(cell) for cell in row] for row in rows_of(check)]
    return table(["model", "kept in one fold", "accuracy (95 % interval)"], rows)


def rows_of(check: DataCheck) -> list[list[str]]:
    """Return each model, what it kept in one fold, and its accuracy; the baseline first."""
    baseline = ["always the most frequent class", "", f"{check.majority:.2f}"]
    return [baseline, *([row.what, _kept(row), _ends(row)] for row in check.accuracies)]


def _kept(row: Row) -> str:
    return f"{row.groups} groups, {row.kept}"


def _ends(row: Row) -> str:
    return f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
