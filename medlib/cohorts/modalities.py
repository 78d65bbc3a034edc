"""Cohorts whose images come in several modalities: the same patients, seen in several ways.

Such a cohort is a `Cohort` like any other, whose own pixels are those of the first modality there
is; its `views` hold a cohort a modality. A view lacks the images that its modality lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import Cohort, Reader
from medlib.errors import InputError
from medlib.imaging import pad_square, resize, to_unit
from medlib.types import Bools, Image, Images


@dataclass(frozen=True)
class FirstOf:
    """Reads the image of the modality that a row names in `shown`; `readers` by modality."""

    readers: Mapping[str, Reader]

    def __call__(self, row: Mapping[str, Any]) -> Image:
        """Return the pixels of a row."""
        return self.readers[str(row["shown"])](row)


class Seen(NamedTuple):
    """Images of one modality: n x size x size in 0..1 (`grey_range`), zero where not `present`."""

    images: Images
    present: Bools


def seen(cohort: Cohort, modality: str, size: int) -> Seen:
    """Return a cohort's images in one modality, in the order of its table.

    Raises InputError for a modality that it has not.
    """
    if modality not in cohort.views:
        has = ", ".join(cohort.views) or "one modality only"
        raise InputError(
            f"{cohort.name} has no modality {modality!r} (it has {has}): name another."
        )
    view = cohort.views[modality]
    rows = pd.Index(view.table.image_id).get_indexer(pd.Index(cohort.table.image_id))
    present = rows >= 0
    images = np.zeros((len(cohort), size, size), np.float32)
    found = view.select(rows[present]).map(lambda image: resize(pad_square(image), size))
    images[present] = to_unit(np.stack(found), view.grey_range)
    return Seen(images, present)


def require_modalities(cohort: Cohort) -> tuple[str, ...]:
    """Return the names of a cohort's modalities, at least two; InputError where there is one."""
    names = tuple(cohort.views)
    if len(names) < 2:
        raise InputError(
            f"{cohort.name} has images of one modality ({cohort.modality}): fusion needs two or "
            "more; give pairs:DIR, a folder with one sub-folder a modality."
        )
    return names
