"""The command `medlib`: the book, one chapter on your own data, checks of data and numbers."""

import os
import subprocess
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from medlib.commands.audit import audit
from medlib.commands.cache import cache
from medlib.commands.chapter import ChapterHelp, list_chapters
from medlib.commands.grim import grim
from medlib.commands.predict import predict
from medlib.commands.processors import processors
from medlib.errors import InputError, NotebookError, Stopped
from medlib.runtime.paths import FULL, disk_full, disk_full_somewhere

app = typer.Typer(
    help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
console = Console(stderr=True)
BOOK_OPTIONS = (
    "-W", "-n", "--keep-going", "-q", "--path-output", "book",
    "--config", "book/_config.yml", "--toc", "book/_toc.yml",
)  # fmt: skip

ParameterOption = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME VALUE", help="A parameter; may be repeated."),
]


app.command("list")(list_chapters)


@app.command(cls=ChapterHelp)
def run(
    notebook: Annotated[str, typer.Argument(help="Chapter, such as 04_resnet50_cv, or 06")],
    out: Annotated[Path, typer.Option(help="Folder for notebook, report, numbers")],
    parameter: ParameterOption = None,
    page: Annotated[bool, typer.Option(help="Leave the notebook as a page, NN_name.html")] = True,
) -> None:
    """Run a chapter on data of your choice: -p cohort images:DIR, dicom:DIR, iq-oth-nccd:DIR...

    medlib list names the chapters, medlib run resnet50_cv --help says what one of them takes.
    """
    from medlib.run.execution import run_chapter

    given = dict(_split(text) for text in parameter or [])
    for path in run_chapter(notebook, given, out, say=_say, warn=_warn, page=page):
        typer.echo(path)


@app.command()
def execute(notebook: Annotated[str, typer.Argument(help="Chapter, such as 03_cohort")]) -> None:
    """Execute a chapter for the book: its .ipynb and results/ are written anew."""
    from medlib.run.execution import execute_chapter

    typer.echo(execute_chapter(notebook, say=_say))


@app.command()
def report() -> None:
    """Bring all notebooks up to date (DVC knows which changed) and build the book."""
    from medlib.runtime.paths import project_root
    from medlib.runtime.surroundings import surroundings

    root, programs = project_root(), Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, **surroundings(), "PATH": path}
    for command in (["dvc", "repro", "--quiet"], ["jupyter-book", "build", *BOOK_OPTIONS, "."]):
        if subprocess.run(
            [programs / command[0], *command[1:]], cwd=root, env=environment
        ).returncode:
            raise NotebookError(f"'{' '.join(command[:2])}' failed; its message is above")
    typer.echo(root / "book/_build/html/index.html")


@app.command()
def deps(
    notebook: Annotated[str | None, typer.Argument(help="Chapter, such as 03_cohort")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write all stages to dvc.yaml")] = False,
) -> None:
    """Print the DVC stage that a chapter needs, or write all stages anew."""
    from medlib import chapters

    if write:
        typer.echo(chapters.renew())
    for name in [notebook] if notebook else [] if write else chapters.names():
        typer.echo(chapters.stage_text(name))


app.command()(audit)
app.command()(cache)
app.command()(grim)
app.command()(predict)
app.command()(processors)


def main() -> NoReturn:
    """Entry point: what the reader can mend is one sentence on stderr and exit code 2, or 4."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a letter that the terminal lacks is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        _answer(sys.argv[1:])
    except (InputError, NotebookError, Stopped) as error:
        _print(f"medlib: {error}", style="bold red")
        raise SystemExit(_exit_code(error)) from error
    raise SystemExit(0)


def _answer(arguments: list[str]) -> None:
    """Do what is asked; a full disk is something a reader can mend."""
    try:
        app(args=join_pairs(arguments))
    except OSError as error:
        if error.errno not in FULL:
            raise
        named = error.filename
        raise (disk_full(Path(named)) if named else disk_full_somewhere()) from error


def join_pairs(arguments: list[str]) -> list[str]:
    """`-p NAME VALUE` as `-p NAME=VALUE`.

    Typer refuses options of two values that repeat (list[tuple[str, str]]), and click's nargs=2
    would take `--out` for the value that a reader forgot.
    """
    joined: list[str] = []
    rest = arguments[::-1]
    while rest:
        joined.append(rest.pop())
        if joined[-1] in ("-p", "--parameter") and rest:
            name = rest.pop()
            has_value = "=" not in name and rest and not rest[-1].startswith("--")
            joined.append(f"{name}={rest.pop()}" if has_value else name)
    return joined


def _split(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise InputError(f"-p takes a name and a value, got '{text}'; write -p seed 3")
    return name, value


def _exit_code(error: InputError | NotebookError | Stopped) -> int:
    if isinstance(error, Stopped):
        return 128 + error.number  # as a shell says it
    return error.exit_code if isinstance(error, InputError) else 1


def _say(line: str) -> None:
    _print(line, style="dim")


def _warn(line: str) -> None:
    _print(line, style="bold yellow")


def _print(line: str, *, style: str) -> None:
    """One line stays one line: a terminal breaks it, a file or pipe must not get it broken."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
