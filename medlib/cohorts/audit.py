"""The guard between a cohort and a study: leakage raises, duplicates and shortcuts are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.duplicates import FINE, find_duplicates
from medlib.cohorts.shortcuts import (
    acquisition_statistics,
    grid_of_pixels,
    image_statistics,
    shortcuts,
)
from medlib.errors import InputError
from medlib.imaging import resize


class LeakageError(InputError):
    """What a model is tested on would have been in its training."""


@dataclass(frozen=True)
class Audit:
    """What an audit found; prints as text and shows as tables in a notebook.

    `duplicates`: image_a, image_b, kind ("exact", "near", "flipped left-right"...), correlation,
    label and patient of both, in_cohort. `shortcuts`: statistic, auc, low, high (95 %), p, n; the
    farthest from 0.5 first.
    """

    name: str
    classes: tuple[str, ...]
    duplicates: pd.DataFrame
    shortcuts: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def exact(self) -> pd.DataFrame:
        """Return the exact duplicates: one row a superfluous copy."""
        return self.duplicates[self.duplicates.kind == "exact"]

    @property
    def near(self) -> pd.DataFrame:
        """Return the near duplicates: one row a pair."""
        return self.duplicates[self.duplicates.kind != "exact"]

    def __str__(self) -> str:
        """Return notes and the ten strongest shortcuts as text."""
        lines = [f"Audit of {self.name}", *(f"- {note}" for note in self.notes), ""]
        table = self.shortcuts.head(10).to_string(index=False, formatters=_FORMATS)
        return "\n".join([*lines, self._title(), table])

    def __repr__(self) -> str:
        """Return the text."""
        return str(self)

    def _title(self) -> str:
        return f"AUC of single statistics, {self.classes[-1]} against {self.classes[0]}"

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        table = self.shortcuts.to_html(index=False, formatters=_FORMATS, border=0)
        return (
            f"<p><b>Audit of {escape(self.name)}</b></p><ul>{notes}</ul>"
            f"<p>{escape(self._title())}</p>{table}"
        )


_FORMATS = {
    "auc": "{:.3f}".format,
    "low": "{:.3f}".format,
    "high": "{:.3f}".format,
    "p": "{:.3f}".format,
}


def audit(cohort: Cohort, folds: npt.ArrayLike | None = None, *, seed: int = 0) -> Audit:
    """Look for duplicates and shortcuts; raise LeakageError where a split is crossed.

    The split is ``folds`` (one an image), or else the table's column ``split``. Duplicates are
    also looked for among images of the source whose class was not chosen. ``seed`` is that of
    the permutations which say what chance alone would give.
    """
    whole = cohort.with_left_out()
    looked = pd.DataFrame(whole.map(_look))
    thumbnails = np.stack(list(looked.pop("thumbnail")))
    pairs = find_duplicates(whole, thumbnails)
    split = cohort.table.get("split") if folds is None else folds
    if split is not None:
        inside = pairs[(pairs.i < len(cohort)) & (pairs.j < len(cohort))]
        assert_no_leakage(cohort, split, duplicates=inside)
    statistics = acquisition_statistics(cohort).join(looked)
    table, chance = shortcuts(cohort, statistics, grid_of_pixels(thumbnails[: len(cohort)]), seed)
    listed = _listed(whole, pairs, len(cohort))
    notes = (*_duplicate_notes(listed, len(cohort), len(whole)), chance)
    return Audit(cohort.name, cohort.classes, listed, table, notes)


def _look(image: npt.NDArray[np.float32]) -> dict[str, object]:
    return {**image_statistics(image), "thumbnail": resize(image, FINE)}


def assert_no_leakage(
    cohort: Cohort, folds: npt.ArrayLike, *, duplicates: pd.DataFrame | None = None
) -> None:
    """Raise LeakageError if a patient, or an image and its copy, lie in different folds.

    ``folds``: number or name of the fold, one an image. ``duplicates`` (`find_duplicates`) are
    searched for if not given. Raises InputError if there is not one fold an image.
    """
    fold = np.asarray(folds)
    assert_patients_apart(cohort.table.patient_id, fold, name=cohort.name)
    pairs = find_duplicates(cohort) if duplicates is None else duplicates
    i, j = pairs.i.to_numpy(int), pairs.j.to_numpy(int)
    crossing = np.flatnonzero(fold[i] != fold[j])
    if len(crossing):
        a, b = i[crossing[0]], j[crossing[0]]
        ids = cohort.table.image_id
        raise LeakageError(
            f"{len(crossing)} pairs of duplicate images of {cohort.name} lie in different folds, "
            f"first {ids[a]!r} (fold {fold[a]}) and {ids[b]!r} (fold {fold[b]}, "
            f"{pairs.kind.iloc[crossing[0]]}): remove the copies or keep them in one fold."
        )


def assert_patients_apart(patients: npt.ArrayLike, folds: npt.ArrayLike, *, name: str = "") -> None:
    """Raise LeakageError if images of one patient lie in different folds; names the patient.

    Both one an image. Raises InputError if their lengths differ.
    """
    patient, fold = np.asarray(patients).astype(str), np.asarray(folds)
    if patient.shape != fold.shape:
        raise InputError(
            f"There are {len(patient)} images and {fold.size} folds: give one fold an image."
        )
    spread = pd.Series(fold).groupby(patient).nunique()
    crossing = spread.index[spread > 1]
    if len(crossing):
        where = ", ".join(map(str, pd.unique(fold[patient == crossing[0]])))
        raise LeakageError(
            f"{len(crossing)} patients or groups{' of ' * bool(name)}{name} lie in several folds, "
            f"first {str(crossing[0])!r} in {where}: keep all images of a patient in one fold."
        )


def _listed(whole: Cohort, pairs: pd.DataFrame, n: int) -> pd.DataFrame:
    """The duplicates by name instead of row number."""
    table = whole.table
    a, b = (table.iloc[row.to_numpy(int)].reset_index(drop=True) for row in (pairs.i, pairs.j))
    return pd.DataFrame(
        {
            "image_a": a.image_id,
            "image_b": b.image_id,
            "kind": pairs.kind,
            "correlation": pairs.correlation,
            "label_a": a.label,
            "label_b": b.label,
            "patient_a": a.patient_id,
            "patient_b": b.patient_id,
            "in_cohort": (pairs.i < n) & (pairs.j < n),
        }
    )


def _duplicate_notes(listed: pd.DataFrame, n: int, whole: int) -> Iterator[str]:
    """What the duplicates mean, in sentences."""
    exact, inside = listed.kind == "exact", listed.in_cohort
    among = f"{n} images" if n == whole else f"{whole} images of the source, all classes"
    own = "" if n == whole else f" ({(exact & inside).sum()} among the {n} of the chosen classes)"
    yield f"{exact.sum()} exact duplicates among {among}{own}."
    kinds = listed.kind[~exact].value_counts().to_dict()
    words = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    yield f"{(~exact).sum()} pairs of near duplicates" + (f" ({words})." if words else ".")
    clash = listed[listed.label_a != listed.label_b]
    if len(clash):
        first = clash.iloc[0]
        yield (
            f"{len(clash)} duplicates carry two labels, such as {first.image_a!r} "
            f"({first.label_a}) and {first.image_b!r} ({first.label_b})."
        )
    apart = listed[inside & (listed.patient_a != listed.patient_b)]
    if len(apart):
        pairs = apart.patient_a + " / " + apart.patient_b
        yield f"{len(apart)} duplicates belong to two patients: {names(pairs.unique())}."
