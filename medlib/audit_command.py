"""The command `medlib audit`; imports when it runs, so that help comes at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from medlib.errors import InputError

Text = str | None


def audit(
    cohort: Annotated[str, typer.Argument(help="Cohort, such as images:DIR or npz:FILE")],
    classes: Annotated[
        Text, typer.Option(help="Classes, negative first: a,b; all if not given")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Page of the pairs of copies")
    ] = None,
) -> None:
    """Look for copies, runs of one scan and shortcuts in a data set before any training.

    Exit code 0: nothing found; 1: something found; 2: the data cannot be read.

    A folder without patient ids: each image counts as a patient, copies as one.
    "images:DIR?groups=runs" takes runs of similar successive images for patients, for slices
    listed scan by scan; "images:DIR?groups=exact" joins equal pixels only. The audit says where
    runs are likely; it groups nothing by itself.
    """
    from medlib.cohorts import load
    from medlib.cohorts.audit import audit as audit_cohort

    source = load(cohort, classes=classes, several=True)
    found = replace(audit_cohort(source), spec=cohort)
    typer.echo(f"{found}\n\n{source}")
    if len(source.refused):
        typer.echo(f"\nRefused files:\n{source.refused.to_string(index=False)}")
    if pairs is not None:
        from medlib.cohorts.pairs_page import pairs_page

        _write(pairs, pairs_page(source, found.duplicates))
    raise typer.Exit(found.exit_code)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): name another file."
        ) from error
    typer.echo(f"\nThe pairs as pictures: {path}")
