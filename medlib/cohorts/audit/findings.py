"""What stands between a cohort and a study: duplicates, shortcuts and leaks, found and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html import escape
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib.cohorts.audit.against_rest import against_rest
from medlib.cohorts.audit.leaks import (
    LeakageError,
    assert_copies_apart,
    assert_no_leakage,
    assert_patients_apart,
)
from medlib.cohorts.audit.regions import FEWEST, check_regions
from medlib.cohorts.audit.shortcuts import (
    PERMUTATIONS,
    acquisition_statistics,
    grid_of_pixels,
    image_statistics,
    shortcuts,
)
from medlib.cohorts.audit.verdict import KEPT, Finding, findings, nothing
from medlib.cohorts.cohort import Cohort, names
from medlib.cohorts.similar.duplicates import FINE, find_duplicates
from medlib.cohorts.similar.scans import Scans, likely_scans
from medlib.cohorts.similar.search import in_words as of_the_search
from medlib.imaging import resize
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Floats, Image, Images


@dataclass(frozen=True)
class Audit:
    """What an audit found; prints as text and shows as tables in a notebook.

    `duplicates`: image_a, image_b, kind ("exact", "near", "flipped left-right"...), correlation (of
    detail, once one image is laid on the other, 1 where pixels are equal), label and patient of
    both, in_cohort. Pairs that are not exact include neighbouring slices of one scan, which this
    cannot tell from altered copies. `shortcuts`: statistic, auc, low, high (95 %), p, n; the
    farthest from 0.5 first; of more than two classes also class, the one against all others.
    `adjusted`: p of each, adjusted for all of them being looked at and counting each likely scan
    once. `regions`: what parts of the image that hardly hold the disease tell together
    (`regions.tell_apart`), None where nobody looked. `noticed`: the AUC from which a statistic is
    noticed at this size. `crossing`: how a split that comes with the data is crossed. `scans`:
    likely scans where patients are not recorded. `searched`: what a quick search for copies, of
    many images, may have missed. `spec`: the cohort as typed.
    """

    name: str
    classes: tuple[str, ...]
    duplicates: pd.DataFrame
    shortcuts: pd.DataFrame
    notes: tuple[str, ...]
    adjusted: Floats
    noticed: float
    crossing: tuple[str, ...] = ()
    scans: Scans | None = None
    searched: str = ""
    surrogate: bool = False
    spec: str = ""
    regions: pd.DataFrame | None = None

    @property
    def exact(self) -> pd.DataFrame:
        """Return the exact duplicates: one row a superfluous copy."""
        return self.duplicates[self.duplicates.kind == "exact"]

    @property
    def near(self) -> pd.DataFrame:
        """Return the near duplicates: one row a pair."""
        return self.duplicates[self.duplicates.kind != "exact"]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what was found and what to do about it, the gravest first."""
        return findings(self)

    @property
    def exit_code(self) -> int:
        """Return 1 where something was found, else 0."""
        return int(bool(self.findings))

    @property
    def verdict(self) -> str:
        """Return what was found, in sentences."""
        said = " ".join(one.says for one in self.findings) or nothing(self)
        return f"{said} {self.searched}".strip()

    def __str__(self) -> str:
        """Return verdict, what to do, the strongest shortcuts and the pairs of copies as text."""
        return self.text()

    def text(self, *, pairs: bool = True) -> str:
        """Return the text; without the list of pairs where it was shown before."""
        said = [
            line
            for number, one in enumerate(self.findings, 1)
            for line in (f"{number}. {one.says}", f"   What to do: {one.do}")
        ] or [nothing(self)]
        tables = [self._title(), *_shown(self._statistics(), STATISTICS)]
        tables += self._regions()
        tables += self._pairs() if pairs else []
        notes = [f"- {note}" for note in (*self.notes, self.searched) if note]
        return "\n".join([f"Audit of {self.name}", *said, "", *tables, "", *notes])

    def __repr__(self) -> str:
        """Return the text."""
        return str(self)

    def _title(self) -> str:
        once = ", each likely scan counted once" if self.scans and self.scans.likely else ""
        two = f"{self.classes[-1]} against {self.classes[0]}"
        who = two if len(self.classes) == 2 else "a class against all others"
        return (
            f"AUC of single statistics, {who}, the farthest "
            f"from 0.5 first (p of all: adjusted for all of them{once})"
        )

    def _statistics(self) -> pd.DataFrame:
        table = self.shortcuts.copy()
        table.insert(5, "p of all", self.adjusted)
        return table

    def _regions(self) -> list[str]:
        if self.regions is None:
            return []
        if self.regions.empty:
            return ["", REGIONS_TITLE, TOO_FEW]
        formats = {name: how for name, how in _FORMATS.items() if name in self.regions}
        return ["", REGIONS_TITLE, self.regions.to_string(index=False, formatters=formats)]

    def _pairs(self) -> list[str]:
        if self.duplicates.empty:
            return []
        columns = ["image_a", "image_b", "kind", "correlation", "label_a", "label_b"]
        return ["", PAIRS_TITLE, *_shown(self.duplicates[columns], PAIRS)]

    def _repr_html_(self) -> str:
        said = "".join(
            f"<li>{escape(one.says)}<br><i>What to do:</i> {escape(one.do)}</li>"
            for one in self.findings
        )
        said = f"<ol>{said}</ol>" if said else f"<p>{escape(nothing(self))}</p>"
        notes = "".join(f"<li>{escape(note)}</li>" for note in (*self.notes, self.searched) if note)
        shown = self._statistics()
        # a tag that goes with many others has a long name: in lines, or the numbers leave the page
        shown["statistic"] = [escape(name).replace(" / ", "<br>") for name in shown.statistic]
        table = shown.to_html(index=False, formatters=_FORMATS, border=0, escape=False)
        if self.regions is not None:
            own = self.regions.to_html(index=False, formatters=_FORMATS, border=0)
            table += f"<p>{escape(REGIONS_TITLE)}</p>{TOO_FEW if self.regions.empty else own}"
        return (
            f"<p><b>Audit of {escape(self.name)}</b></p>{said}"
            f"<p>{escape(self._title())}</p>{table}<ul>{notes}</ul>"
        )


def p_value(p: float) -> str:
    """Return a p of permutations as text; what none of them reached is no zero."""
    floor = 1 / (PERMUTATIONS + 1)
    return f"< {2 * floor:.3f}" if p <= floor else f"{p:.3f}"


STATISTICS: Final = 10
"""Statistics that are printed."""
PAIRS: Final = 30
"""Pairs of copies that are printed."""
PAIRS_TITLE: Final = (
    "Pairs that seem to be copies (correlation: of detail, once one is laid on the other; where "
    "not exact, a pair may be neighbouring slices of one scan)"
)
REGIONS_TITLE: Final = (
    "AUC of all textures of a part of the image together, parts that hardly hold a disease (ridge "
    "regression, out of fold; p of all: adjusted for all of them)"
)
TOO_FEW: Final = (
    f"Not looked at: a class has fewer than {FEWEST} patients or groups, or the parts are equal "
    "in all images."
)
_FORMATS: Final[dict[str, Callable[..., str]]] = {
    **dict.fromkeys(("auc", "low", "high", "correlation"), "{:.3f}".format),
    **dict.fromkeys(("p", "p of all"), p_value),
}


def _shown(table: pd.DataFrame, most: int) -> Iterator[str]:
    formats = {name: how for name, how in _FORMATS.items() if name in table}
    yield table.head(most).to_string(index=False, formatters=formats)
    if len(table) > most:
        yield f"... and {len(table) - most} more"


class Looked(NamedTuple):
    """What is measured of the images whatever their labels: see `look`."""

    statistics: pd.DataFrame
    thumbnails: Images
    pairs: pd.DataFrame


def look(cohort: Cohort) -> Looked:
    """Return single numbers, a thumbnail and the copies of all images, left out classes too."""
    whole = cohort.with_left_out()
    looked = pd.DataFrame(whole.map(_look))
    thumbnails = np.stack(list(looked.pop("thumbnail")))
    return Looked(looked, thumbnails, find_duplicates(whole, thumbnails))


def audit(
    cohort: Cohort,
    folds: npt.ArrayLike | None = None,
    *,
    seed: int = 0,
    looked: Looked | None = None,
) -> Audit:
    """Look for duplicates, runs of one scan and shortcuts; raise LeakageError if folds leak.

    ``folds``: one an image; where a patient or a copy crosses them the study has to stop. Where a
    split that comes with the data (column ``split``) is crossed, the audit says so instead.
    Duplicates are also looked for among images of the source whose class was not chosen.
    ``seed`` is that of the permutations which say what chance alone would give. ``looked``: what
    `look` gave of the same images under other labels, which saves looking again.
    """
    seed, whole = as_seed(seed), cohort.with_left_out()
    statistics, thumbnails, pairs = looked or look(cohort)
    inside = pairs[(pairs.i < len(cohort)) & (pairs.j < len(cohort))]
    if folds is not None:
        assert_no_leakage(cohort, folds, duplicates=inside)
    own = cohort.table.get("split") if folds is None else None
    scans = _scans(cohort, thumbnails[: len(cohort)], seed)
    found = (shortcuts if len(cohort.classes) == 2 else against_rest)(
        cohort,
        acquisition_statistics(cohort).join(statistics),
        grid_of_pixels(thumbnails[: len(cohort)]),
        seed,
        scans.scan if scans is not None and scans.likely else None,
    )
    listed = _listed(whole, pairs, len(cohort))
    return Audit(
        name=cohort.name,
        classes=cohort.classes,
        duplicates=listed,
        shortcuts=found.table,
        notes=(*_duplicate_notes(listed, len(cohort), len(whole)), found.chance),
        searched=of_the_search(len(whole)),
        adjusted=found.adjusted,
        noticed=found.noticed,
        crossing=() if own is None else tuple(_crossing(cohort, own, inside)),
        scans=scans,
        surrogate=cohort.patient_id_kind == "surrogate",
    )


def with_regions(found: Audit, cohort: Cohort, *, seed: int = 0) -> Audit:
    """Return the audit of a cohort with a look at parts of the image that hardly hold a disease.

    Where runs of one scan are likely, each of these counts as one patient. Takes seconds a thousand
    images, and one more reading of all of them.
    """
    likely = found.scans is not None and found.scans.likely
    groups = found.scans.scan if found.scans is not None and likely else None
    return replace(found, regions=check_regions(cohort, groups=groups, seed=as_seed(seed)))


def _look(image: Image) -> dict[str, object]:
    return {**image_statistics(image), "thumbnail": resize(image, FINE)}


def _scans(cohort: Cohort, thumbnails: Images, seed: int) -> Scans | None:
    """Likely scans where patients are not recorded and the groups do not hold them already."""
    if cohort.patient_id_kind != "surrogate":
        return None
    scans = likely_scans(thumbnails, cohort.labels, seed=seed)
    return None if scans is None or scans.kept_together(cohort.groups) > KEPT else scans


def _crossing(cohort: Cohort, split: npt.ArrayLike, pairs: pd.DataFrame) -> Iterator[str]:
    """How copies and patients cross a split; groups made of copies are not said twice."""
    part = np.asarray(split)
    try:
        assert_copies_apart(cohort, part, pairs)
    except LeakageError as error:
        yield str(error)
        if cohort.patient_id_kind == "surrogate":
            return
    try:
        assert_patients_apart(cohort.table.patient_id, part, name=cohort.name)
    except LeakageError as error:
        yield str(error)


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
    if not exact.all():
        low, middle, high = listed.correlation[~exact].quantile([0, 0.5, 1])
        yield (
            f"The detail of near duplicates correlates by {low:.3f} to {high:.3f} (median "
            f"{middle:.3f}): altered copies do so, and neighbouring slices of one scan; only a "
            "look at the pairs tells which."
        )
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
