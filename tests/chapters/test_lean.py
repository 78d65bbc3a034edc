"""A chapter shows the few lines of code that teach, and more prose than code."""

import re

import jupytext
import pytest

from medlib import chapters

ALL, IN_VIEW, CELL = 350, 150, 20
"""Most lines of code of a chapter, of those in view, and of one cell in view."""
WORDS = 6
"""Least words of prose a line of code in view."""
FOLDED = {"hide-input", "remove-input", "remove-cell", "hide-cell", "parameters"}
"""Tags of cells whose code a reader unfolds, or that hold the chapter's parameters."""


def lines(source):
    return sum(bool(line.strip()) for line in source.splitlines())


def words(source):
    return len(re.findall(r"\w+", source))


@pytest.mark.parametrize("name", chapters.names())
def test_a_chapter_is_lean(name):
    cells = jupytext.read(chapters.text_path(name)).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    shown = [cell for cell in code if not FOLDED & set(cell.metadata.get("tags", []))]
    prose = sum(words(cell.source) for cell in cells if cell.cell_type == "markdown")
    in_view = sum(lines(cell.source) for cell in shown)
    long = [cell.source.splitlines()[0] for cell in shown if lines(cell.source) > CELL]
    total = sum(lines(cell.source) for cell in code)
    assert total <= ALL, f"{name} has {total} lines of code, too many"
    assert in_view <= IN_VIEW, f"{name} shows {in_view} lines of code: fold what does not teach"
    assert long == [], f"{name} shows cells of over {CELL} lines: one idea a cell"
    assert prose >= WORDS * in_view, f"{name}: {prose} words of prose for {in_view} lines in view"
