"""Sections of a chapter that make no sense on a cohort: left out of its run, which says so.

A cell names its section by a tag, `section-NAME`; text cells can carry tags as code cells do. A
chapter calls `leave_out(NAME, why)` once it knows its data. `medlib run` then neither executes nor
keeps the cells of that section that follow, and puts the reason in the place of the first. In
JupyterLab, where nobody removes cells, they stay and are about the data they say they are about.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "MEDLIB_LEFT_OUT"
"""Environment variable: the file to which a chapter writes what it leaves out."""
TAG: Final = "section-"
"""How a tag begins that names a section."""
MARK: Final = "left_out"
"""Key in the metadata of a cell that was passed over: the reason."""


def leave_out(section: str, why: str) -> None:
    """Leave a section out of this run; `why` is a sentence for the reader."""
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([section, why]) + "\n")


def left_out(path: Path) -> dict[str, str]:
    """Return the sections that a chapter has left out so far, each with its reason."""
    if not path.exists():
        return {}
    return dict(json.loads(line) for line in path.read_text("utf-8").splitlines())


def reason(tags: Iterable[str], sections: dict[str, str]) -> str | None:
    """Return why a cell with these tags is left out; None if it stays."""
    named = (tag.removeprefix(TAG) for tag in tags if tag.startswith(TAG))
    return next((sections[name] for name in named if name in sections), None)


def without(cells: Sequence[Any], note: Any) -> list[Any]:
    """Return the cells that were not passed over; `note(text)` makes one for each reason, once."""
    kept, told = [], set()
    for cell in cells:
        why = cell.metadata.get(MARK)
        if why is None:
            kept.append(cell)
        elif why not in told:
            told.add(why)
            made = note(f"*Left out on these data: {why}*")
            made.id = f"{cell.id}-left-out"
            kept.append(made)
    return kept
