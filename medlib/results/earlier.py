"""Numbers of another chapter that a chapter builds on: of a reader's own run, else the book's."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlib.errors import InputError
from medlib.results.records import Results, read
from medlib.runtime.paths import project_root


def results_of(chapter: str, cohort: Mapping[str, Any], folder: str = "") -> Results | None:
    """The results of `chapter` on the same cases: those in `folder`, else the book's, else None.

    `cohort` is what `Cohort.identity` says of the cases; `folder` is the `--out` of a
    `medlib run`. Raises InputError where it holds none of that chapter, or other cases than these
    (simulated ones may be others: chapters draw them from pools of different sizes).
    """
    if not folder:
        path = project_root() / "results" / str(cohort["name"]) / f"{chapter}.json"
        return read(path) if path.exists() else None
    found = read(Path(folder) / "results.json")
    if found.notebook != chapter:
        raise InputError(f"{folder} holds results of {found.notebook}; give those of {chapter}")
    part = "name" if cohort["simulated"] else "content_hash"
    if found.cohort.get(part) != cohort[part]:
        raise InputError(
            f"{folder} holds {chapter} on other cases than these ({found.cohort.get('images')} of "
            f"{found.cohort.get('name')}); run it with the same cohort, classes, per_class and seed"
        )
    return found


def how_to_run(chapter: str, parameters: Mapping[str, Any], out: str) -> str:
    """The line to type that runs a chapter with these parameters; empty ones are left out."""
    given = [f"-p {key} {shlex.quote(str(value))}" for key, value in parameters.items() if value]
    return " ".join(["medlib run", chapter, *given, "--out", shlex.quote(out)])
