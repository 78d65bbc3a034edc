"""What a cohort is: images with patients, labels and sites, and where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib.errors import InputError
from medlib.imaging import pad_square, resize, to_unit
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Image, Integers, Labels

Reader = Callable[[Mapping[str, Any]], Image]
"""Gives the pixels (h x w, float32) of one row of a cohort's table."""

COLUMNS = ("image_id", "patient_id", "label", "site", "sha256")
"""Columns that every table has; `path`, `split`, tags of the scanner and others may follow."""

THREADS = 2  # decoding leaves Python's lock; more gain little and cost memory


def no_refusals() -> pd.DataFrame:
    """Return an empty table of refused files: file, tag, reason."""
    return pd.DataFrame({"file": [], "tag": [], "reason": []}, dtype=str)


class _Table:
    """A field whose reader gets a (lazy) copy, so that nobody changes a cohort by its table."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, cohort: Any, owner: type) -> pd.DataFrame:
        if cohort is None:
            raise AttributeError(self.name)  # so dataclass sees a field without default
        table: pd.DataFrame = cohort.__dict__[self.name]
        return table.copy(deep=False)

    def __set__(self, cohort: Any, table: pd.DataFrame) -> None:
        cohort.__dict__[self.name] = table.reset_index(drop=True)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Cohort:
    """Images of patients, one row of `table` an image; frozen.

    `classes` are ordered: the negative one first, the positive one last. `patient_id_kind` is
    "recorded", "simulated" or "surrogate" (groups made from the images where the source records no
    patients). `label_level` is "patient", or "image" where one patient may have images of several
    classes. `acquisition` names the columns that tell how an image was made, which the audit looks
    into. `grey_range`: the grey levels that count as black and white in figures and where images
    are scaled by fixed numbers; the lung window in HU, else what all files of the source hold, as
    stored (`levels.settle`). `refused` lists files that could not be read: file, tag, reason.
    `left_out` are images of the source whose class was not chosen. `views`: the same images in each
    of several modalities (`medlib.cohorts.modalities`); empty where there is one modality.
    """

    name: str
    table: pd.DataFrame = _Table()  # type: ignore[assignment]
    classes: tuple[str, ...]
    reader: Reader
    modality: str = "unknown"
    units: str = "grey level 0-255"
    grey_range: tuple[float, float] = (0.0, 255.0)
    licence: str = "unknown"
    citation: str = ""
    simulated: bool = False
    patient_id_kind: str = "recorded"
    label_level: str = "patient"
    acquisition: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: pd.DataFrame = field(default_factory=no_refusals)
    left_out: Cohort | None = None
    views: Mapping[str, Cohort] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise InputError if the table lacks a column, or holds an unknown class."""
        missing = [name for name in COLUMNS if name not in self.table]
        if missing:
            raise InputError(f"The table of {self.name} lacks {', '.join(missing)}: add them.")
        unknown = set(self.table.label) - set(self.classes)
        if unknown:
            raise InputError(
                f"{self.name} has labels {sorted(unknown)} beside its classes {self.classes}: "
                "name all classes."
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.table)

    @property
    def labels(self) -> Labels:
        """Index into `classes`, one an image."""
        return pd.Index(self.classes).get_indexer(pd.Index(self.table.label)).astype(np.int64)

    @property
    def groups(self) -> Integers:
        """Number of the patient (or surrogate group), one an image, in order of appearance."""
        return pd.factorize(self.table.patient_id)[0].astype(np.int64)

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of all pixels, labels and patients in order; names and places left out."""
        digest = hashlib.sha256("|".join(self.classes).encode())
        for row in self.table[["sha256", "label", "patient_id"]].itertuples(index=False):
            digest.update("\0".join(map(str, row)).encode() + b"\n")
        return digest.hexdigest()

    def pixels(self, i: int) -> Image:
        """Return image ``i`` as it is: h x w float32 in `units`."""
        row: Mapping[str, Any] = {str(key): v for key, v in self.table.iloc[i].items()}
        return self.reader(row)

    def map(self, function: Callable[[Image], Any]) -> list[Any]:
        """Return ``function(pixels)`` of every image in order; decodes side by side."""
        table = self.table
        rows = [dict(zip(table, row, strict=True)) for row in table.itertuples(index=False)]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda row: function(self.reader(row)), rows))

    def images(self, size: int) -> Image:
        """Return n x size x size float32 in `units`: padded to a square, then antialiased."""
        size = as_number(size, "size")
        return np.stack(self.map(lambda image: resize(pad_square(image), size)))

    def unit_images(self, size: int) -> Image:
        """Return the `images` of this size scaled to 0..1: black to white of `grey_range`."""
        return to_unit(self.images(size), self.grey_range)

    @property
    def level(self) -> tuple[float, float]:
        """Centre and width of `grey_range`: what figures of several images are shown in."""
        black, white = self.grey_range
        return (black + white) / 2, white - black

    def select(self, indices: npt.ArrayLike) -> Cohort:
        """Return the cohort of these images (indices, or a mask) in the given order."""
        chosen = np.asarray(indices)
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return replace(self, table=self.table.iloc[rows], left_out=None)

    def without_copies(self) -> Cohort:
        """Return the cohort without images whose pixels equal those of one before."""
        return self.select(~self.table.sha256.duplicated().to_numpy())

    def draw(self, per_class: int, seed: int) -> Cohort:
        """Draw at most ``per_class`` patients a class, and of each patient one image.

        Each patient, and each image of a patient, is as likely as any other; the order of the
        table is kept. A class with fewer patients gives all it has, which a note says. Raises
        InputError if ``per_class`` is below 1, or the seed no whole number from 0.
        """
        per_class, rng = as_number(per_class, "per_class"), np.random.default_rng(as_seed(seed))
        table = self.table
        one_each = table.iloc[rng.permutation(len(table))].drop_duplicates("patient_id")
        drawn = one_each.iloc[rng.permutation(len(one_each))].groupby("label").head(per_class)
        found = drawn.label.value_counts()
        short = [c for c in self.classes if found.get(c, 0) < per_class]
        notes = tuple(
            f"Only {found.get(c, 0)} of {per_class} patients could be drawn from class {c!r}."
            for c in short
        )
        return replace(self.select(np.sort(drawn.index.to_numpy())), notes=self.notes + notes)

    def with_left_out(self) -> Cohort:
        """Return the cohort followed by the images of classes that were not chosen."""
        other = self.left_out
        if other is None:
            return self
        both = pd.concat([self.table, other.table], ignore_index=True)
        return replace(self, table=both, classes=self.classes + other.classes, left_out=None)

    def noted(self, *notes: str) -> Cohort:
        """Return the cohort with further notes."""
        return replace(self, notes=self.notes + notes)

    def facts(self) -> dict[str, str]:
        """Return what to know of the cohort, in words; the text of its display."""
        table = self.table
        who = {"recorded": "patients", "simulated": "simulated patients"}.get(
            self.patient_id_kind, "surrogate groups (no patient ids recorded)"
        )
        counts = table.groupby("label").patient_id.agg(["size", "nunique"]).reindex(self.classes)
        numbers = counts.fillna(0).astype(int).itertuples()
        per_class = "; ".join(f"{label}: {size} of {n}" for label, size, n in numbers)
        return {
            "images": f"{len(table)} of {table.patient_id.nunique()} {who}",
            "images of patients, a class": per_class,
            "sites": str(table.site.nunique()),
            "pixels": f"{self.modality}, {self.units}" + (", simulated" * self.simulated),
            "black and white": "{:g} and {:g}".format(*self.grey_range),
            "licence": f"{self.licence}. {self.citation}".strip(),
            "content": f"sha256 {self.content_hash[:16]}…",
            "refused files": str(len(self.refused)),
            **{f"note {i}": note for i, note in enumerate(self.notes, 1)},
        }

    def identity(self) -> dict[str, Any]:
        """Return what a result needs to name its data: source, size, licence and hash.

        `sites` counts those the source names; 0 where it names none.
        """
        return {
            "name": self.name,
            "classes": list(self.classes),
            "images": len(self),
            "patients": int(self.table.patient_id.nunique()),
            "images_per_class": {c: int((self.table.label == c).sum()) for c in self.classes},
            "sites": len(set(self.table.site) - {"unknown"}),
            "label_level": self.label_level,
            "patient_id_kind": self.patient_id_kind,
            "simulated": self.simulated,
            "modality": self.modality,
            "units": self.units,
            "grey_range": list(self.grey_range),
            "licence": self.licence,
            "citation": self.citation,
            "content_hash": self.content_hash,
            "refused_files": len(self.refused),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        """Return the facts as lines of text."""
        lines = (f"  {name}: {value}" for name, value in self.facts().items())
        return "\n".join([f"Cohort {self.name}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in self.facts().items()
        )
        return f"<table><caption>Cohort {escape(self.name)}</caption><tbody>{rows}</tbody></table>"


def pixel_hash(image: Image) -> str:
    """Return the SHA-256 (hex) of an image's shape and pixels."""
    header = f"{image.shape}{image.dtype.str}".encode()
    return hashlib.sha256(header + np.ascontiguousarray(image).tobytes()).hexdigest()


def names(items: Iterable[object], limit: int = 3) -> str:
    """Return a few names for a message: ``'a', 'b', 'c' and 4 more``."""
    every = [repr(str(item)) for item in items]
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more
