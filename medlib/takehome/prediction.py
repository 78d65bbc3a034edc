"""Predict new images with a model that was taken home, and say which are unlike its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from medlib import imaging
from medlib.cohorts.cohort import pixel_hash
from medlib.cohorts.unlabelled import Read, Unlabelled
from medlib.errors import InputError
from medlib.runtime import progress
from medlib.takehome.likeness import SIZE
from medlib.takehome.out_of_fold_table import score_columns
from medlib.takehome.stored_model import StoredModel, fingerprints
from medlib.types import Bools, Image, Images

AT_ONCE: Final = 128
"""Images held in memory as they are."""
SEEN: Final = "the model learned from this image: its score is no test"


class Prediction(NamedTuple):
    """What a model says of images."""

    table: pd.DataFrame
    """A row an image: file, a score a class, predicted, unlikeness (1: the limit), warning."""
    refused: pd.DataFrame
    """Files that could not be read: file, reason."""

    @property
    def unlike(self) -> int:
        """Number of images that are unlike the training images."""
        return int((self.table.unlikeness > 1).sum())


def predict(model: StoredModel, images: Unlabelled) -> Prediction:
    """Return a row for each readable image, in order.

    Grey levels are taken as the files hold them: images on another scale than the model's own are
    unlike them, and said to be. Raises InputError, before any image is read, where one has
    Hounsfield units and the other has not, or the modality is another, and where no image can be
    read.
    """
    _require_units(model, images)
    parts: list[pd.DataFrame] = []
    refused = list(images.refused)
    with progress.shown(-(-len(images) // AT_ONCE), "predicting") as file:
        for done, some in enumerate(images.read(AT_ONCE), 1):
            read = [each for each in some if each.image is not None]
            refused += [(each.file, each.reason) for each in some if each.image is None]
            if read:
                parts.append(_rows(model, read))
            progress.say(file, f"{min(done * AT_ONCE, len(images))} of {len(images)} images")
    if not parts:
        first, reason = refused[0]
        raise InputError(
            f"None of {len(refused)} images of {images.name} can be read, such as {first!r} "
            f"({reason}): check that the copy is complete."
        )
    table = pd.concat(parts, ignore_index=True)
    return Prediction(table, pd.DataFrame(refused, columns=["file", "reason"]))


def _rows(model: StoredModel, read: Sequence[Read]) -> pd.DataFrame:
    squares = [imaging.pad_square(each.image) for each in read if each.image is not None]
    given = model.probabilities(_resized(squares, model.size))
    unlikeness, warnings = model.likeness.judge(_resized(squares, SIZE))
    known = fingerprints([pixel_hash(e.image) for e in read if e.image is not None])
    seen = np.isin(known, model.seen)
    table = pd.DataFrame({"file": [each.file for each in read]})
    table[score_columns(model.classes)] = given
    return table.assign(
        predicted=model.predicted(given),
        unlikeness=unlikeness.round(3),
        warning=list(_joined(warnings, seen)),
    )


def _resized(squares: Sequence[Image], size: int) -> Images:
    return np.stack([imaging.resize(square, size) for square in squares])


def _joined(warnings: Sequence[str], seen: Bools) -> Iterator[str]:
    for warning, known in zip(warnings, seen, strict=True):
        yield "; ".join(part for part in (warning, SEEN if known else "") if part)


def _require_units(model: StoredModel, images: Unlabelled) -> None:
    expected = model.card["input"]
    if (expected["units"] == "HU") != (images.units == "HU"):  # other scales are warned of
        raise InputError(
            f"The model takes {_plain(expected['units'])} and {images.name} holds "
            f"{_plain(images.units)}: give images of the kind it learned from"
            f"{_hint(expected['units'], images.units)}."
        )
    known = {expected["modality"], images.modality} - {"unknown"}
    if len(known) > 1:
        raise InputError(
            f"The model learned from {expected['modality']} and {images.name} is "
            f"{images.modality}: give images of the kind it learned from."
        )


def _plain(units: str) -> str:
    return "Hounsfield units (HU)" if units == "HU" else units


def _hint(expected: str, found: str) -> str:
    if expected == "HU" and found.startswith("grey level"):
        return ", CT as DICOM files (dicom:DIR where pictures lie beside them)"
    return ""
