"""What a run leaves: the notebook, its numbers and the checklists, each with what the data hide."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import nbformat

from medlib import results
from medlib.chapters.contents import Chapter
from medlib.cohorts import ChooseTwoError, SeveralLabelsError
from medlib.errors import InputError, NotebookError
from medlib.results import checklists
from medlib.run.data_check import DataCheck, check_data, wanted
from medlib.run.report import report
from medlib.run.said import lines, markdown

SHOWS_LABELS: Final = "03_cohort"
"""The chapter about a data set as a whole: of several labels an image it shows all."""
TAKES_LABELS: Final = "19_fundus"
"""The chapter about several labels an image: it studies all of them in one run."""
Say = Callable[[str], None]


def look(chapter: Chapter, given: Mapping[str, Any], say: Say, warn: Say) -> DataCheck | None:
    """Return what the data that a chapter is given hide, and say it; None for simulated ones.

    None too where they cannot be loaded by these names: the chapter says that in its own words.
    Raises InputError for several labels an image, and where two of several classes are to be
    chosen: it says what to type, before a notebook is started.
    """
    spec = given.get("cohort")
    if not wanted(spec):
        return None
    two = (p.comment.startswith("two ") for p in chapter.parameters if p.name == "classes")
    try:
        check = check_data(
            str(spec),
            given.get("classes"),
            say,
            several=not any(two),
            all_labels=chapter.name == SHOWS_LABELS,
            command=f"medlib run {chapter.name}",
        )
    except SeveralLabelsError as several:
        if chapter.name != TAKES_LABELS:
            raise InputError(several.sentence(f"medlib run {chapter.name}")) from several
        first = several.choosing(several.labels[0])
        check = replace(check_data(first, None, say, all_labels=True), one_a_run="")
    except ChooseTwoError:
        raise
    except InputError:
        return None
    for line in lines(check):
        (warn if check.findings else say)(line)
    return check


def files(
    name: str,
    parameters: Mapping[str, Any],
    executed: nbformat.NotebookNode,
    numbers: Path,
    check: DataCheck | None,
) -> dict[str, str]:
    """Return the content of each file by its name; InputError where a chapter saved no numbers.

    `NN_name.ipynb` the executed notebook, `results.json` its numbers, `checklist.md` reporting
    checklists filled from these, `report.html` one page of what was asked, what came out and what
    to distrust. What was found in the data stands before the accuracies in each.
    """
    run = results.read(numbers)
    if check is not None:
        run = replace(run, audit=_without_place(check, str(parameters["cohort"])))
        run.save(numbers)
        executed.cells.insert(_after_title(executed), _cell(markdown(check)))
    return {
        f"{name}.ipynb": nbformat.writes(executed) + "\n",
        "results.json": numbers.read_text("utf-8"),
        "checklist.md": checklists.document(run),
        "report.html": report(executed, parameters, run, check),
    }


def page(name: str, executed: nbformat.NotebookNode, header: str, say: Say) -> dict[str, str]:
    """Return the notebook as one file of HTML, by its name: `NN_name.html`.

    Nothing, and a line that says why, where it cannot be built: a run is not lost for it.
    """
    from medlib.run import book_page, one_file  # seconds to start, and not asked for by all

    say("building the page of the notebook")
    with TemporaryDirectory() as folder:
        try:
            built = book_page.build(name, executed, Path(folder))
        except (NotebookError, OSError) as error:
            say(f"{name}.html is left out, it could not be built: {error}")
            return {}
        return {f"{name}.html": one_file.one_file(built, header)}


def _without_place(check: DataCheck, spec: str) -> dict[str, Any]:
    """What goes into a file of results, which may be passed on: DIR where the reader's folder is.

    >>> found = DataCheck("Write images:/at/home?groups=runs.", (), 0.5, 2, 2)
    >>> _without_place(found, "images:/at/home")["verdict"]
    'Write images:DIR?groups=runs.'
    """
    place = spec.partition(":")[2].partition("?")[0]
    text = json.dumps(check.as_dict())
    content: dict[str, Any] = json.loads(text.replace(f":{json.dumps(place)[1:-1]}", ":DIR"))
    return content


def header(numbers: Path) -> str:
    """Return what stands above the page: of which run on which data it is."""
    run = results.read(numbers)
    count = f", {run.cohort['images']} images" if "images" in run.cohort else ""
    return f"medlib run {run.notebook} on {run.cohort.get('name', 'unnamed data')}{count}"


def _after_title(notebook: nbformat.NotebookNode) -> int:
    """The place behind the first cell, which holds a chapter's title and what it asks."""
    return int(bool(notebook.cells) and notebook.cells[0].cell_type == "markdown")


def _cell(text: str) -> nbformat.NotebookNode:
    cell: nbformat.NotebookNode = nbformat.v4.new_markdown_cell(text, id="cell-audit")
    return cell
