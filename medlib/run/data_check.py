"""A look at the data before anything is trained: the audit, and what a shortcut alone would give.

Every `medlib run` on data that are not simulated here has it. Nothing is left out or grouped by
it: it says what the numbers of the run are worth.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from medlib.cohorts import SIMULATED, Cohort, load
from medlib.cohorts.audit.findings import audit, with_regions
from medlib.cohorts.audit.shortcuts import acquisition_statistics, grid_of_pixels, image_statistics
from medlib.cohorts.audit.verdict import Finding, accused, in_words
from medlib.cohorts.similar.duplicates import FINE
from medlib.errors import InputError
from medlib.imaging import resize
from medlib.run.labels import LabelRow, label_rows, one_a_run
from medlib.run.quick_model import (
    Accuracy,
    accuracy,
    pixel_model,
    residual_model,
    threshold_model,
)
from medlib.runtime.paths import cache_folder, write_whole
from medlib.types import Floats, Image, Integers, Labels

ENOUGH: Final = 3
"""Images a shortcut below which nothing is left to tell what is left without them."""
ALONE: Final = "the shortcut alone"
QUICK: Final = "logistic regression on 16 x 16 pixels"
AS_RELEASED: Final = "as released"
BY_SCAN: Final = "each likely scan in one fold"


@dataclass(frozen=True)
class Row:
    """One accuracy: of what, with how many groups kept in one fold each, and its 95 % interval."""

    what: str
    groups: int
    kept: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class DataCheck:
    """What was found in the data; `shortcut` and its AUC are empty where nothing was accused.

    `majority`: share of the most frequent class, the accuracy of always answering it. `scans`: how
    many scans are likely behind the images, None where runs are not likely. `labels`: of a set with
    several labels an image, all of them, where the chapter shows them; `one_a_run`: what is typed
    for the others. `searched`: what a quick search for copies may have missed (in `verdict` too).
    """

    verdict: str
    findings: tuple[Finding, ...]
    majority: float
    images: int
    groups: int
    shortcut: str = ""
    shortcut_auc: float | None = None
    scans: int | None = None
    accuracies: tuple[Row, ...] = ()
    labels: tuple[LabelRow, ...] = ()
    one_a_run: str = ""
    searched: str = ""

    @property
    def caution(self) -> str:
        """Return what stands in front of every accuracy of the run; empty if nothing was found."""
        if not self.findings:
            return ""
        alone = [row for row in self.accuracies if row.what.startswith(ALONE)][:1]
        said = [self.findings[0].says, *map(in_a_sentence, alone), self.side_by_side()]
        return " ".join(filter(None, said))

    def side_by_side(self) -> str:
        """Return what keeping each likely scan in one fold changes; empty where none is likely."""
        same = [row for row in self.accuracies if row.what == QUICK]
        if len(same) < 2:
            return ""
        free, kept = same[:2]
        return (
            f"The accuracy of a {QUICK} is {_with_ends(free)} with the {free.groups} groups as "
            f"released, {_with_ends(kept)} with each of the {kept.groups} likely scans in one fold."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the form that goes to disk, as the field `audit` of a results file."""
        findings = [one._asdict() for one in self.findings]
        return {"caution": self.caution, **asdict(self), "findings": findings}


def from_dict(content: Mapping[str, Any]) -> DataCheck:
    """Return what `as_dict` gave; InputError where it is something else."""
    try:
        findings = tuple(Finding(**one) for one in content["findings"])
        rows = tuple(Row(**row) for row in content["accuracies"])
        labels = tuple(LabelRow(**row) for row in content.get("labels", ()))
        rest = {name: value for name, value in content.items() if name != "caution"}
        return DataCheck(**{**rest, "findings": findings, "accuracies": rows, "labels": labels})
    except (TypeError, KeyError) as error:
        raise InputError(f"this is no audit of a run ({error}): run the chapter again") from error


def in_a_sentence(row: Row) -> str:
    """Return an accuracy in words."""
    return f"{row.what[:1].upper()}{row.what[1:]} reaches an accuracy of {_with_ends(row)}."


def _with_ends(row: Row) -> str:
    return f"{row.value:.2f} (95 % interval {row.low:.2f} to {row.high:.2f})"


def wanted(cohort: object) -> bool:
    """Whether data so named are looked at: all but the simulated patients."""
    return isinstance(cohort, str) and bool(cohort) and not cohort.startswith(SIMULATED)


def check_data(
    spec: str,
    classes: str | None,
    say: Callable[[str], None],
    *,
    several: bool = False,
    all_labels: bool = False,
    command: str = "medlib run resnet50_cv",
) -> DataCheck:
    """Return what is found in the cohort that a chapter loads by the same name and classes.

    several: the chapter takes more than two classes. all_labels: of several labels an image all
    are audited; command: what runs the chapter, for each of the others. A second look at the same
    data is read from the cache. Raises InputError where they cannot be used, as the chapter would.
    """
    cohort = load(spec, classes=classes or None, several=several)
    stored = cache_folder("audits") / f"{_key(f'{spec}|{all_labels}|{command}', cohort)}.json"
    if found := _read(stored):
        return found
    say(f"looking at {len(cohort)} images before anything is trained (audit)")
    found = replace(
        examine(cohort, spec),
        labels=label_rows(cohort) if all_labels else (),
        one_a_run=one_a_run(cohort, spec, command),
    )
    write_whole(stored, json.dumps(found.as_dict(), ensure_ascii=False))
    return found


def examine(cohort: Cohort, spec: str = "") -> DataCheck:
    """Return what the audit finds, and what shortcut, residual and runs are worth."""
    found = with_regions(replace(audit(cohort), spec=spec), cohort)
    guilty = accused(found)
    likely = found.scans if found.scans is not None and found.scans.likely else None
    worst = None if guilty.empty else guilty.iloc[0]
    labels = cohort.labels
    seen = _Seen(cohort) if worst is not None or likely else None
    groupings = {AS_RELEASED: cohort.groups}
    if likely:
        groupings[BY_SCAN] = likely.scan
    return DataCheck(
        verdict=found.verdict,
        findings=found.findings,
        searched=found.searched,
        majority=float(np.bincount(labels).max() / len(labels)),
        images=len(cohort),
        groups=len(np.unique(cohort.groups)),
        shortcut="" if worst is None else str(worst.statistic),
        shortcut_auc=None if worst is None else float(worst.auc),
        scans=likely.number if likely else None,
        accuracies=() if seen is None else tuple(_accuracies(seen, worst, labels, groupings)),
    )


class _Seen:
    """What the quick models get: single numbers of each image, and its grey levels, n x 256."""

    def __init__(self, cohort: Cohort) -> None:
        looked = pd.DataFrame(cohort.map(_look))
        thumbnails = np.stack(list(looked.pop("thumbnail")))
        self.statistics = acquisition_statistics(cohort).join(looked)
        self.pixels: Floats = grid_of_pixels(thumbnails)


def _look(image: Image) -> dict[str, object]:
    return {**image_statistics(image), "thumbnail": resize(image, FINE)}


def _accuracies(
    seen: _Seen, worst: Any, labels: Labels, groupings: Mapping[str, Integers]
) -> Iterator[Row]:
    """A row for each question and each way of grouping; what has too few groups is left out."""
    for kept, groups in groupings.items():
        for what, found in _of_models(seen, worst, labels, groups):
            if found is not None:
                yield Row(what, len(np.unique(groups)), kept, *map(_rounded, found))


def _of_models(
    seen: _Seen, worst: Any, labels: Labels, groups: Integers
) -> Iterator[tuple[str, Accuracy | None]]:
    numbers = seen.statistics.to_numpy(np.float64)
    classes = len(np.unique(labels))
    if worst is not None:
        # which numbers are tried hangs on what the audit accused; which of them, on training alone
        single = str(worst.statistic).startswith("best of")
        x = seen.pixels if single else numbers
        kind = "one grey level" if single else f"one number such as {in_words(worst.statistic)}"
        name = f"{ALONE} (one threshold on {kind}, both chosen in training)"
        yield name, accuracy(lambda: threshold_model(classes), x, labels, groups)
    yield QUICK, accuracy(pixel_model, seen.pixels, labels, groups)
    many = len(labels) >= ENOUGH * numbers.shape[1] and np.isfinite(numbers).any(axis=0).all()
    if worst is not None and many and not str(worst.statistic).startswith("best of"):
        both = np.hstack([seen.pixels, numbers])
        name = f"{QUICK}, with what such numbers explain taken out"
        yield name, accuracy(lambda: residual_model(numbers.shape[1]), both, labels, groups)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _key(spec: str, cohort: Cohort) -> str:
    """A hash of all that the look depends on: name, content, tags, and our own code."""
    digest = hashlib.sha256(f"{spec}|{cohort.classes}|{cohort.patient_id_kind}".encode())
    whole = cohort.with_left_out()
    digest.update(whole.table.to_csv(index=False).encode())
    package = Path(__file__).resolve().parents[1]
    for path in sorted(
        p for room in ("cohorts", "features", "run") for p in (package / room).rglob("*.py")
    ):
        digest.update(path.read_bytes())
    digest.update((package / "imaging.py").read_bytes())
    return digest.hexdigest()


def _read(stored: Path) -> DataCheck | None:
    """What an earlier look found; None where there was none or its file is damaged."""
    try:
        return from_dict(json.loads(stored.read_text("utf-8")))
    except (OSError, ValueError):
        return None
