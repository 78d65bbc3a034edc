"""Cells that a test compares to the letter must show the same under every profile."""

import configparser
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from medlib.processors.runs import Run
from medlib.runtime.paths import project_root

IGNORED = "nbval-ignore-output"
"""The tag of cells whose output may differ between machines."""
COMPARED = ("text/plain", "text/html", "text/markdown")
"""Kinds of output that are held to the stored ones."""


def changed(runs: Sequence[Run]) -> list[str]:
    """One sentence for each cell without the tag whose output differs from the first run's."""
    first, *others = runs
    reference = _shown(first.notebook)
    faults = []
    for run in others:
        for number, (old, new) in enumerate(zip(reference, _shown(run.notebook), strict=True)):
            if old != new:
                what = f"cell {number} of {run.chapter} shows other output"
                faults.append(f"{what} under '{run.profile.name}'; give it the tag {IGNORED}")
    return faults


def _shown(path: Path) -> list[list[str]]:
    """What each cell shows that is compared; nothing for those with the tag."""
    notebook = nbformat.read(path, as_version=4)
    return [
        [] if IGNORED in cell.metadata.get("tags", []) else _texts(cell.get("outputs", []))
        for cell in notebook.cells
    ]


def _texts(outputs: Sequence[Any]) -> list[str]:
    texts = [output.get("text", "") for output in outputs]
    texts += [o.get("data", {}).get(kind, "") for o in outputs for kind in COMPARED]
    return [_sanitised(text) for text in texts]


def _sanitised(text: str) -> str:
    """Without what differs between two honest runs, as nbval is told."""
    rules = configparser.RawConfigParser()
    rules.read(project_root() / "tests" / "nbval_sanitize.cfg", encoding="utf-8")
    for name in rules.sections():
        text = re.sub(rules[name]["regex"], rules[name]["replace"], text)
    return text
