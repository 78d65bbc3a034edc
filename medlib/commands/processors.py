"""The command `medlib processors`: what moves on another processor, and by how much."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from medlib.errors import InputError
from medlib.processors import profiles as known
from medlib.processors.profiles import Profile

if TYPE_CHECKING:
    from medlib.processors.runs import Run
    from medlib.processors.spread import Moved

_SEVERAL = "May be repeated; all by default"
Names = Annotated[
    list[str] | None, typer.Option("--profile", help="May be repeated; all by default")
]
Chapters = Annotated[
    list[str] | None, typer.Option("--chapter", help="May be repeated; all by default")
]


def processors(
    profile: Names = None,
    chapter: Chapters = None,
    seeds: Annotated[int, typer.Option(help="Other seeds for trained networks")] = 5,
    jobs: Annotated[int, typer.Option(help="Chapters at a time")] = 2,
    write: Annotated[bool, typer.Option("--write", help="Derive and keep tolerances")] = False,
    renew_patients: Annotated[
        bool, typer.Option("--renew-patients", help="Keep the hashes of today's patients first")
    ] = False,
) -> None:
    """Run chapters as on other processors and from other seeds; print what moved, and by how much.

    Simulated patients come first: their bytes have to be the same under every profile. Runs that
    are up to date are kept, in build/processors. Exit code 1 where patients differ or a number is
    too unstable to be checked.
    """
    from medlib.processors import patients, runs

    chosen = _profiles(profile, seeds)
    names = _chapters(chapter)
    console = Console(stderr=True)
    if renew_patients:
        patients.write(known.NATIVE)
    wrong = patients.differences([p for p in chosen if not p.is_seed], say=console.print)
    every = runs.plan(names, chosen)
    runs.carry_out(every, jobs=jobs, say=console.print)
    chaotic = [fault for name in names for fault in _report(name, every, write=write)]
    for line in [*wrong, *chaotic]:
        console.print(line, style="bold red", markup=False)
    raise typer.Exit(1 if wrong or chaotic else 0)


def _profiles(names: Sequence[str] | None, seeds: int) -> list[Profile]:
    """The profiles asked for, the native one always among them and first."""
    every = {p.name: p for p in (*known.usable(), *known.seeds(seeds))}
    unknown = set(names or ()) - set(every)
    if unknown:
        raise InputError(
            f"there is no profile {', '.join(sorted(unknown))} on this processor; "
            f"there are: {', '.join(every)}"
        )
    return [p for p in every.values() if not names or p.name in names or p is known.NATIVE]


def _chapters(names: Sequence[str] | None) -> list[str]:
    from medlib import chapters

    for name in names or ():
        chapters.text_path(name)
    return list(names or chapters.names())


def _report(name: str, runs: "Sequence[Run]", *, write: bool) -> list[str]:
    """Print what moved in a chapter, keep it if asked; one sentence for what cannot be checked."""
    from medlib.processors import cells, ledger, on_record, spread

    own = [run for run in runs if run.chapter == name]
    results = {run.profile.name: run.results() for run in own}
    profiles = {run.profile.name: run.profile for run in own}
    moved = spread.moved(results)
    Console().print(_table(name, moved, profiles))
    if write:
        on_record.write(results, profiles)
    return [
        *(f"{name}: '{m.key}' is too unstable to be checked" for m in moved if m.is_chaotic),
        *cells.changed(own),
        *ledger.fallen(own),
    ]


def _table(name: str, moved: "Sequence[Moved]", profiles: Mapping[str, Profile]) -> Table:
    from medlib.processors.spread import largest_step

    table = Table(title=f"{name}: {len(moved)} numbers moved over {len(profiles)} runs")
    for column in ("number", "native", "processors", "seeds", "tolerance", "half interval"):
        table.add_column(column, justify="left" if column == "number" else "right", overflow="fold")
    processors = [p.name for p in profiles.values() if not p.is_seed]
    seeded = [known.NATIVE.name, *(p.name for p in profiles.values() if p.is_seed)]
    for one in moved:
        numbers = (
            largest_step(one, processors), largest_step(one, seeded), one.tolerance,
            one.half_interval,
        )  # fmt: skip
        table.add_row(one.key, str(one.values[known.NATIVE.name])[:40], *map(_shown, numbers))
    return table


def _shown(value: float | None) -> str:
    return "" if value is None or value == 0 else "other" if math.isinf(value) else f"{value:.2g}"
