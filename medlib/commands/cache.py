"""The command `medlib cache`: where it is, how much it takes, how to make room."""

from collections.abc import Sequence
from typing import Annotated

import typer

from medlib.commands.chapter import show, table
from medlib.runtime import cache as store
from medlib.runtime.paths import cache_home


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove all that can be made again")
    ] = False,
    limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Remove the longest unused above this: 5GB")
    ] = None,
) -> None:
    """Say where finished folds and simulated patients are kept and how much they take; make room.

    Chapters make again what is removed, to the same numbers; do not remove while one runs.
    """
    if clear or limit is not None:
        gone = store.shrink(0 if clear or limit is None else store.size_of(limit, "--limit"))
        typer.echo(f"removed: {_told(gone)}")
    left = store.entries()
    most = store.limit()
    typer.echo(f"cache: {cache_home()}")
    rows = table("what", "entries", "size", "folder")
    for kind, words in store.KINDS.items():
        of_kind = [entry for entry in left if entry.kind == kind]
        rows.add_row(words, str(len(of_kind)), _size(of_kind), kind)
    rows.add_row("settings and numbers, which stay", "", store.in_words(store.other_size()), "")
    show(rows)
    kept = "all is kept" if most is None else f"{store.in_words(most)} are kept"
    typer.echo(f"After a run {kept}; {store.VARIABLE} sets another limit, such as 5GB or none.")


def _size(entries: Sequence[store.Entry]) -> str:
    return store.in_words(sum(entry.size for entry in entries))


def _told(gone: Sequence[store.Entry]) -> str:
    return f"{len(gone)} entries, {_size(gone)}" if gone else "nothing"
