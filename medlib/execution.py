"""Run a chapter: its text (`notebooks/NN_name.md`) becomes an executed notebook and its numbers."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import jupytext
import nbformat
from nbclient.exceptions import CellExecutionError
from papermill.parameterize import parameterize_notebook

from medlib import checklists, contents
from medlib.chapters import names
from medlib.errors import InputError, NotebookError
from medlib.kernel import execute_cells
from medlib.parameters import check_parameters
from medlib.paths import project_root, write_whole
from medlib.surroundings import surroundings

PROGRESS_SECONDS = 0.5  # how often new lines of progress are looked for


def chapters() -> list[str]:
    """Names of the chapters there are, in order (`05_cohort`, ...)."""
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
) -> nbformat.NotebookNode:
    """Execute top to bottom in the current folder; numbers go below `results` (or to that .json).

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
    with TemporaryDirectory() as scratch, _following(Path(scratch) / "progress", say) as progress:
        environment = {
            **os.environ,
            **surroundings(),
            "MEDLIB_RESULTS": str(results),
            "MEDLIB_PROGRESS": str(progress),
            "PYTHONHASHSEED": "0",
        }
        try:
            return execute_cells(notebook, environment)
        except CellExecutionError as error:
            if error.ename in _input_errors():
                raise InputError(error.evalue) from error
            raise NotebookError(str(error)) from error


def run_chapter(
    name: str, given: Mapping[str, str], out: Path, *, say: Callable[[str], None]
) -> tuple[Path, Path, Path]:
    """Execute a chapter with a reader's parameters.

    Leaves `NN_name.ipynb`, `results.json` and `checklist.md` (reporting checklists filled from
    the results) in `out`; nothing is written there unless the whole notebook ran.
    """
    name = contents.find(name, project_root())
    notebook = read_chapter(name)
    parameters = check_parameters(name, notebook, given)
    _require_folder(out)
    with TemporaryDirectory() as scratch:
        numbers = Path(scratch) / "results.json"
        executed = execute(notebook, parameters, results=numbers, say=say)
        checklist = checklists.from_file(numbers)
        return (
            write_whole(out / f"{name}.ipynb", nbformat.writes(executed) + "\n"),
            write_whole(out / "results.json", numbers.read_bytes()),
            write_whole(out / "checklist.md", checklist),
        )


def _require_folder(out: Path) -> None:
    """Raise InputError, before any work, where results could not be written; makes nothing."""
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"--out {out}: {there} is a file; give a folder")
    try:
        TemporaryFile(dir=there).close()
    except OSError as error:
        raise InputError(
            f"--out {out}: nothing can be written in {there} ({error.strerror}); give another "
            "folder"
        ) from error


def execute_chapter(name: str, *, say: Callable[[str], None]) -> Path:
    """Execute a chapter for the book: the twin beside its text, its numbers in `results/`."""
    root = project_root()
    name = contents.find(name, root)
    executed = execute(read_chapter(name), {}, results=root / "results", say=say)
    return write_whole(root / "notebooks" / f"{name}.ipynb", nbformat.writes(executed) + "\n")


def _input_errors() -> set[str]:
    """Names of InputError and all its kinds: a kernel reports an error by name only."""
    import medlib.cohorts
    import medlib.dicom  # noqa: F401

    kinds, names = [InputError], set()
    while kinds:
        kind = kinds.pop()
        names.add(kind.__name__)
        kinds += kind.__subclasses__()
    return names


@contextmanager
def _following(path: Path, say: Callable[[str], None]) -> Iterator[Path]:
    """Hand each line that appears in `path` to `say` while the block runs."""
    path.touch()
    finished = threading.Event()

    def follow() -> None:
        with path.open(encoding="utf-8") as lines:
            while not finished.wait(PROGRESS_SECONDS):
                for line in lines:
                    say(line.rstrip())

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield path
    finally:
        finished.set()
        follower.join()
