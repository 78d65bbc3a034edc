"""The commands `medlib list` and `medlib run NAME --help`: the chapters, and what each takes.

Neither starts torch or Jupyter.
"""

from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand

from medlib.chapters import contents, parameters

PIPED = 120
"""Columns of a table that nobody's terminal limits."""


def list_chapters() -> None:
    """List the chapters in reading order: what each asks, its minutes, whether it takes images."""
    rows = table("chapter", "what it asks", "time", "your images")
    for chapter in contents.in_order():
        images = "yes" if chapter.takes("cohort") else "no"
        rows.add_row(
            chapter.name,
            chapter.title,
            chapter.time,
            f"{images}, or predictions" if chapter.takes("predictions") else images,
        )
    show(rows)
    typer.echo("Times are what each chapter promises on simulated patients. More of a chapter:")
    typer.echo("  medlib run resnet50_cv --help")


class ChapterHelp(TyperCommand):
    """`--help` beside a chapter's name tells of that chapter, before or behind the name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Print the chapter's help and end where both are given."""
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        if given.get("help") and given.get("notebook"):
            show_parameters(given["notebook"])
            ctx.exit()
        return super().parse_args(ctx, args)


def show_parameters(name: str) -> None:
    """Print the parameters of a chapter: type, default, limits, and what its text says of each."""
    chapter = contents.read(name)
    typer.echo(f"{chapter.name}: {chapter.title}")
    typer.echo(f"Takes {chapter.time or 'an unknown time'} with these parameters.\n")
    rows = table("parameter", "type", "default", "limits", "what it is")
    for each in chapter.parameters:
        limits = str(parameters.limits_of(each) or "")
        default = str(each.default) if each.default != "" else '""'
        kind = parameters.PLAIN[each.kind].removeprefix("a ")
        rows.add_row(each.name, kind, default, limits, each.comment)
    show(rows)
    typer.echo(f"  medlib run {chapter.name} -p NAME VALUE -p NAME VALUE --out FOLDER")


def table(*columns: str) -> Table:
    """An empty table with these columns; the first one, of names, is never broken."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, no_wrap=number == 0, overflow="fold")
    return made


def show(rows: Table) -> None:
    """Print a table as wide as the terminal, or as a file is wide enough for."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=PIPED)
    console.print(rows)
