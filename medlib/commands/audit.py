"""The command `medlib audit`; imports when it runs, so that help comes at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

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

    Beside single numbers it asks how well all textures of the border, the corners and the top of
    the image tell the classes apart together: parts that hardly hold a disease.

    Exit code 0: nothing found; 1: something found; 2: the data cannot be read.

    A folder without patient ids: each image counts as a patient, copies as one.
    "images:DIR?groups=runs" takes runs of similar successive images for patients, for slices
    listed scan by scan; "images:DIR?groups=exact" joins equal pixels only. The audit says where
    runs are likely; it groups nothing by itself. Of a table with several labels an image it looks
    at each against its absence, and shows how often they come together.
    """
    from medlib.cohorts import load_each_label
    from medlib.cohorts.audit.findings import audit as audit_cohort
    from medlib.cohorts.audit.findings import look, with_regions
    from medlib.cohorts.sources.several_labels import labels_of

    looked, worst = None, 0
    for source in load_each_label(cohort, classes):
        first, labels = looked is None, labels_of(source)
        if looked is None:
            typer.echo(_labels(labels, cohort), nl=False)
            looked = look(source)
        found = with_regions(replace(audit_cohort(source, looked=looked), spec=cohort), source)
        if labels:
            found = replace(found, name=f"{found.name}: {source.classes[-1]}")
        typer.echo(f"{found.text(pairs=first)}\n\n{source}\n")
        if first and len(source.refused):
            typer.echo(f"Refused files:\n{source.refused.to_string(index=False)}\n")
        if first and pairs is not None:
            from medlib.cohorts.audit.pairs_page import pairs_page

            _write(pairs, pairs_page(source, found.duplicates))
        worst = max(worst, found.exit_code)
    raise typer.Exit(worst)


def _labels(labels: Mapping[str, Any], cohort: str) -> str:
    """How often several labels are on one image; empty where an image has one label."""
    if len(labels) < 2:
        return ""
    from medlib.cohorts.sources.several_labels import together

    counts = sum(labels.values())
    return (
        f"{len(labels)} labels an image, each looked at against its absence. Of {len(counts)} "
        f"images {(counts == 0).sum()} have none, {(counts == 1).sum()} one, "
        f"{(counts > 1).sum()} several.\nImages with both of two labels (with one, on the "
        f"diagonal):\n{together(labels).to_string()}\nEach label is judged by itself: of "
        f"labels without any shortcut up to one in 20 is accused by chance.{_no_label(cohort)}\n\n"
    )


def _no_label(cohort: str) -> str:
    """What is typed where a column of a table is no label."""
    if cohort.startswith("npz:") or "label_columns=" in cohort:
        return ""
    return " If one of them is no label, such as sex, name those that are: ?label_columns=A,B."


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): name another file."
        ) from error
    typer.echo(f"The pairs as pictures: {path}")
