"""How far numbers move between processors and seeds: `results/*/spread/*.json` as tables.

- ``{{ spread["04_resnet50_cv"] }}``: what moved in a chapter, and the tolerance that follows.
- ``{{ spread_counts }}``: a row a chapter: runs, numbers recorded, those that moved.
- ``{{ profiles }}``: what was run.
- ``{{ spread_figure }}``: the numbers that matter, by `spread_figure`.
"""

import json
from pathlib import Path
from typing import Any

import spread_figure
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.chapters import cohort_of, names
from medlib.processors import on_record, spread
from medlib.processors.profiles import NATIVE
from medlib.processors.spread import Moved
from medlib.results import read
from medlib.results.markdown import number, table

HEADER = ["number", "here", "range over processors", "range over seeds", "tolerance"]


def moved_table(moved: list[Moved]) -> str:
    """One row a number that moved; lists by their largest step."""
    return table(HEADER, [_row(one) for one in moved]) if moved else "No number moved."


def _row(one: Moved) -> list[str]:
    seeded = [name for name in one.values if name.startswith("seed-")]
    processors = [name for name in one.values if name not in seeded]
    here = one.values[NATIVE.name]
    steps = [spread.largest_step(one, group) for group in (processors, [NATIVE.name, *seeded])]
    return [
        f"`{one.key}`",
        number(here) if isinstance(here, int | float) else str(here),
        *(number(step) if step else "none" for step in steps),
        number(one.tolerance) if one.tolerance is not None else "none fits",
    ]


def counts(root: Path) -> str:
    """How often each chapter was run, how many numbers it records, and how many of them moved."""
    rows = []
    for name in names(root):
        records = read(root / "results" / cohort_of(name, root) / f"{name}.json").records.values()
        compared = sum(record.compared and record.below is None for record in records)
        moved = len(on_record.read(name, cohort_of(name, root), root))
        figures = (len(records), len(records) - compared, compared - moved, moved)
        rows.append([name, str(len(_content(root, name)["profiles"])), *map(str, figures)])
    return table(["chapter", "runs", "numbers", "not compared", "never moved", "moved"], rows)


def _content(root: Path, name: str) -> dict[str, Any]:
    text = on_record.location(name, cohort_of(name, root), root).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def profiles(root: Path) -> str:
    """Every profile that any chapter was run under, with what it means, and the machine."""
    found: dict[str, str] = {}
    machines = set()
    for name in names(root):
        content = _content(root, name)
        found |= content["profiles"]
        machines.add(str(content["machine"]["processor"]))
    rows = [[f"`{name}`", meaning] for name, meaning in found.items()]
    return table(["profile", "what it stands for"], rows) + f"\n\nRun on: {', '.join(machines)}."


def fill(app: Sphinx, config: Config) -> None:
    """Give the page its tables."""
    root = Path(app.srcdir)
    config.myst_substitutions = {
        **config.myst_substitutions,
        "spread": {
            name: moved_table(on_record.read(name, cohort_of(name, root), root))
            for name in names(root)
        },
        "spread_counts": counts(root),
        "profiles": profiles(root),
        "spread_figure": spread_figure.html(spread_figure.rows(root)),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
