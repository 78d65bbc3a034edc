"""Run a chapter: its text (`notebooks/NN_name.md`) becomes an executed notebook and its numbers."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir
from typing import Any, Final

import jupytext
import nbformat
from nbclient.exceptions import CellExecutionError
from papermill.parameterize import parameterize_notebook

from medlib.chapters import contents, sections
from medlib.chapters.catalogue import names
from medlib.chapters.parameters import check_parameters
from medlib.errors import InputError, NotebookError
from medlib.run import leaving
from medlib.run.kernel import execute_cells
from medlib.run.pace import Pace, following
from medlib.runtime import cache
from medlib.runtime.paths import (
    FULL,
    disk_full,
    disk_full_somewhere,
    project_root,
    room_for,
    write_whole,
)
from medlib.runtime.surroundings import surroundings

ROOM: Final = 10 * 10**6
"""Bytes that have to be free for the notebook, its page and its numbers: up to 6 MB."""
TAKEN_HOME: Final = {"04_resnet50_cv": 110 * 10**6}
"""Bytes of what a chapter gives to take home: a ResNet-50 has 94 MB, all else a few."""
NUMBERS: Final = "results.json"


def chapters() -> list[str]:
    """Names of the chapters there are, in order (`03_cohort`, ...)."""
    return names(project_root())


def read_chapter(name: str) -> nbformat.NotebookNode:
    """The notebook of a chapter's text, not executed, with stable cell ids.

    The name is one that `contents.find` takes; InputError where there is no such chapter.
    """
    name = contents.find(name, project_root())
    notebook = jupytext.read(project_root() / "notebooks" / f"{name}.md")
    for number, cell in enumerate(notebook.cells):
        # jupytext draws ids at random; an unchanged notebook has to give the same bytes
        cell.id = f"cell-{number:03d}"
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    return notebook  # type: ignore[no-any-return]


def execute(
    notebook: nbformat.NotebookNode,
    parameters: Mapping[str, Any],
    *,
    results: Path,
    say: Callable[[str], None],
    takehome: Path | None = None,
) -> nbformat.NotebookNode:
    """Execute top to bottom in the current folder; numbers go below `results` (or to that .json).

    What a chapter gives its reader to take home goes to the folder `takehome`; None asks for none.
    `say` gets a line for each step of long work. Raises InputError with the notebook's own
    sentence where the reader's input cannot be used, NotebookError for any other failure,
    Stopped where a signal ended it.
    """
    if parameters:
        notebook.metadata.setdefault("papermill", {})  # papermill expects its own loader's form
        for cell in notebook.cells:
            cell.metadata.setdefault("tags", [])
        notebook = parameterize_notebook(notebook, dict(parameters), comment="Parameters given")
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.tags:
                cell.id = "cell-given"  # papermill draws it at random too
    pace, cells = Pace(), sum(cell.cell_type == "code" for cell in notebook.cells)

    def begin(number: int) -> None:
        if said := pace.at_cell(number, cells):
            say(said)

    with TemporaryDirectory() as scratch, following(Path(scratch) / "progress", pace, say) as lines:
        environment = {
            **os.environ,
            **surroundings(),
            "MEDLIB_RESULTS": str(results),
            "MEDLIB_PROGRESS": str(lines),
            "MEDLIB_TAKEHOME": str(takehome or ""),
            sections.VARIABLE: str(Path(scratch) / "left_out"),
            "PYTHONHASHSEED": "0",
        }
        try:
            return execute_cells(notebook, environment, begin)
        except CellExecutionError as error:
            if error.ename in _input_errors():
                raise InputError(error.evalue) from error
            if full := _full_disk(error):
                raise full from error
            raise NotebookError(str(error)) from error


def run_chapter(
    name: str,
    given: Mapping[str, str],
    out: Path,
    *,
    say: Callable[[str], None],
    warn: Callable[[str], None] | None = None,
    page: bool = True,
) -> list[Path]:
    """Execute a chapter with a reader's parameters, after a look at the data.

    Leaves in `out` what `leaving.files` names, what the chapter gives to take home and, if `page`,
    the notebook as one file of HTML; nothing is written there unless the whole notebook ran. `warn`
    (else `say`) gets what was found in the data, before anything is trained. Raises InputError,
    before any work, where `out` cannot take them or holds those of another chapter.
    """
    name = contents.find(name, project_root())
    notebook = read_chapter(name)
    parameters = check_parameters(name, notebook, given)
    _require_folder(out)
    _require_room(out, TAKEN_HOME.get(name, 0))
    _require_own(out, name)
    with _cache_in_order(say), TemporaryDirectory() as scratch:
        numbers = Path(scratch) / NUMBERS
        home = Path(scratch) / "home"
        chapter = contents.read(name, project_root())
        check = leaving.look(chapter, parameters, say, warn or say)
        executed = execute(notebook, parameters, results=numbers, say=say, takehome=home)
        files = leaving.files(name, parameters, executed, numbers, check)
        if page:
            files |= leaving.page(name, executed, leaving.header(numbers), say)
        return _leave({**files, **_taken_home(home)}, out)


def _taken_home(home: Path) -> dict[str, Path]:
    """Return what a chapter put into a folder, at any depth: relative names and files."""
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return {path.relative_to(home).as_posix(): path for path in files}


def _leave(files: Mapping[str, str | Path], out: Path) -> list[Path]:
    """Write all files or none: beside their places first, where a full disk shows."""
    with room_for(out / next(iter(files))):
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out, prefix=".run-") as beside:
            for name, content in files.items():
                place = Path(beside) / name
                place.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, Path):
                    shutil.copyfile(content, place)
                else:
                    place.write_text(content, encoding="utf-8")
                (out / name).parent.mkdir(parents=True, exist_ok=True)
            return [(Path(beside) / name).replace(out / name) for name in files]


def _require_folder(out: Path) -> None:
    """Raise InputError, before any work, where results could not be written; makes nothing."""
    there = _existing(out)
    if not there.is_dir():
        raise InputError(f"--out {out}: {there} is a file; give a folder")
    try:
        TemporaryFile(dir=there).close()
    except OSError as error:
        raise InputError(
            f"--out {out}: nothing can be written in {there} ({error.strerror}); give another "
            "folder"
        ) from error


def _existing(out: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (out, *out.absolute().parents) if path.exists())


def _require_room(out: Path, taken_home: int) -> None:
    """Raise InputError, before any work, where a disk has no room for what the run leaves.

    What is taken home is written to the folder for temporary files, then copied.
    """
    there, scratch = _existing(out), Path(gettempdir())
    one_disk = there.stat().st_dev == scratch.stat().st_dev
    needs = {there: ROOM + taken_home * (1 + one_disk)}
    if not one_disk:
        needs[scratch] = taken_home
    for place, need in needs.items():
        free = shutil.disk_usage(place).free
        if free < need:
            instead = "set TMPDIR to" if place == scratch else "give --out"
            raise InputError(
                f"--out {out}: the run needs {need / 1e6:.0f} MB in {place}, where "
                f"{free / 1e6:.1f} MB are free; make room, or {instead} a folder on a larger disk"
            )


def _require_own(out: Path, name: str) -> None:
    """Raise InputError where `out` holds numbers that are not of this chapter."""
    there = out / NUMBERS
    if not there.exists():
        return
    try:
        owner = json.loads(there.read_text("utf-8"))["notebook"]
    except (OSError, ValueError, KeyError, TypeError):
        owner = "something that is no chapter"
    if owner != name:
        raise InputError(
            f"--out {out} holds results.json and perhaps checklist.md of {owner}, which {name} "
            f"would overwrite; give a folder of its own, such as --out {out / name}"
        )


@contextmanager
def _cache_in_order(say: Callable[[str], None]) -> Iterator[None]:
    """Before a run, take out damaged patients; after it, hold the cache to its limit."""
    cache.limit()  # what is no size is said before any work
    for sentence in cache.mend():
        say(sentence)
    yield
    if sentence := cache.keep_limit():
        say(sentence)


def _full_disk(error: CellExecutionError) -> InputError | None:
    """The sentence for a notebook that found the disk full; a kernel reports errors as text."""
    number = re.match(r"\[Errno (\d+)\]", error.evalue) if error.ename == "OSError" else None
    if not number or int(number[1]) not in FULL:
        return None
    named = re.search(r"'([^']+)'", error.evalue)
    return disk_full(Path(named[1])) if named else disk_full_somewhere()


def execute_chapter(name: str, *, say: Callable[[str], None]) -> Path:
    """Execute a chapter for the book: the twin beside its text, its numbers in `results/`."""
    root = project_root()
    name = contents.find(name, root)
    with _cache_in_order(say):
        executed = execute(read_chapter(name), {}, results=root / "results", say=say)
    return write_whole(root / "notebooks" / f"{name}.ipynb", nbformat.writes(executed) + "\n")


def _input_errors() -> set[str]:
    """Names of InputError and all its kinds.

    A kernel reports an error by its name alone, so that its kinds have to be known by name: rooms
    may add some, and Python's own list (`__subclasses__`) cannot fall behind.
    """
    import medlib.cohorts
    import medlib.dicom  # noqa: F401

    kinds, names = [InputError], set()
    while kinds:
        kind = kinds.pop()
        names.add(kind.__name__)
        kinds += kind.__subclasses__()
    return names
