"""The command `medlib predict`; imports when it runs, so that help comes at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medlib.errors import InputError

if TYPE_CHECKING:
    from medlib.takehome.prediction import Prediction
    from medlib.takehome.stored_model import StoredModel

DIGITS = "%.6g"
"""Of a score: the seventh says nothing, and may differ from run to run."""


def predict(
    model: Annotated[Path, typer.Argument(help="Folder with model.json and model.safetensors")],
    images: Annotated[str, typer.Argument(help="Folder of pictures or DICOM, or KIND:PATH")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Where to write; else printed")
    ] = None,
) -> None:
    """Predict images with a model that `medlib run resnet50_cv` left; labels are not read.

    One row an image: a score a class, the predicted class, how unlike the training images it is
    (above 1: do not trust the score), and a warning in words. Not a medical device: do not use
    it to decide about a patient.
    """
    from medlib.cohorts.unlabelled import open_unlabelled
    from medlib.takehome.prediction import predict as predict_images
    from medlib.takehome.stored_model import load_model

    _require_file(out)
    stored = load_model(model)
    unlabelled = open_unlabelled(images, slice=stored.card["input"].get("dicom_slice", "all"))
    found = predict_images(stored, unlabelled)
    text = found.table.to_csv(index=False, float_format=DIGITS, lineterminator="\n")
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
    _tell(stored, found)


def _tell(stored: StoredModel, found: Prediction) -> None:
    """Say on stderr what to distrust, so that a pipe gets the table alone."""
    for file, reason in found.refused.itertuples(index=False):
        typer.echo(f"not read: {file} ({reason})", err=True)
    total, usual = len(found.table), stored.card["warning"]["false_alarms"]
    typer.echo(
        f"{found.unlike} of {total} images are unlike the training images (column warning: do not "
        f"trust their scores); of images of the same kind, up to {100 * usual:.0f} in 100 are.",
        err=True,
    )
    if len(found.refused):
        typer.echo(f"{len(found.refused)} files could not be read and have no row.", err=True)
    typer.echo(stored.card["not_a_medical_device"], err=True)


def _require_file(out: Path | None) -> None:
    """Raise InputError, before any work, where the table could not be written."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"--out {out} is a folder: name a file in it, such as {out}/new.csv.")
    there = next(path for path in out.absolute().parents if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise InputError(f"--out {out} cannot be written in {there}: name another file.")


def _write(path: Path, text: str) -> None:
    from medlib.runtime.paths import write_whole

    try:
        write_whole(path, text)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): name another file."
        ) from error
    typer.echo(path)
