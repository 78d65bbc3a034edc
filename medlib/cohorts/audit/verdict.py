"""What an audit found and what to do about it, in sentences that need no statistics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from medlib.cohorts.audit.regions import FILE, alarms
from medlib.cohorts.audit.shortcuts import LEVEL, NOTABLE, in_the_middle
from medlib.cohorts.cohort import names

if TYPE_CHECKING:
    from medlib.cohorts.audit.findings import Audit

JOINS_TOO_MUCH: Final = 0.1
"""Share of unrelated images that `groups=runs` may join before it is no longer suggested."""
TAKE_GROUPS: Final = ("images", "npz")
"""Kinds of cohorts with the option `groups`."""
KEPT: Final = 0.9
"""Share of likely neighbours in one group already, from which nothing is said of runs."""

WORDS: Final = {
    "mean": "brightness (the mean grey level)",
    "SD": "contrast (the SD of the grey levels)",
    "minimum": "the darkest grey level",
    "maximum": "the brightest grey level",
    "corners (mean of four)": "the brightness of the four corners",
    "bytes": "the size of the file",
    "rows": "the height of the image",
    "columns": "the width of the image",
    "aspect (columns : rows)": "the shape of the image",
}
"""Statistics in words of every day."""

PARTS: Final = {
    "top eighth": "the texture of the top eighth of the image",
    "border": "the texture of its border, a sixteenth of the side wide,",
    "corners": "the texture of its four corners",
    FILE: "what file and scanner say of themselves, taken together,",
}
"""Parts of the image in words."""


class Finding(NamedTuple):
    """One thing that an audit found."""

    says: str
    do: str


def findings(audit: Audit) -> tuple[Finding, ...]:
    """Return what was found, the gravest first; empty where nothing was."""
    every = (
        *(_shortcut(audit), _region(audit), *_crossing(audit)),
        *(_runs(audit), _two_labels(audit), _copies(audit)),
    )
    return tuple(one for one in every if one is not None)


def nothing(audit: Audit) -> str:
    """Return the verdict on data in which nothing was found, and what could not have been seen."""
    least = max(audit.noticed, NOTABLE)
    seen = (
        f"at this size a statistic has to reach an AUC of about {least:.2f} to be noticed"
        if least < 1
        else "with so few cases even a perfect shortcut would pass for chance"
    )
    copies = "no copies" if audit.duplicates.empty else "no copies that a split could tear"
    runs = "no runs of one scan, " if audit.scans else ""
    parts = " Nor do the textures of border, corners or top of the image."
    return (
        f"Nothing was found: {copies}, {runs}and no single number that tells the classes apart "
        f"better than chance does.{'' if audit.regions is None or audit.regions.empty else parts} "
        f"That is no proof that there is none; {seen}."
    )


def accused(audit: Audit) -> pd.DataFrame:
    """Return the statistics that tell the classes apart; pixels in the middle come last."""
    far = (audit.shortcuts.auc - 0.5).abs() > NOTABLE - 0.5
    found = audit.shortcuts[far & (audit.adjusted < LEVEL)]
    return found.loc[found.statistic.map(in_the_middle).sort_values(kind="stable").index]


def _shortcut(audit: Audit) -> Finding | None:
    found = accused(audit)
    if found.empty:
        return None
    worst = found.iloc[0]
    middle = in_the_middle(worst.statistic)
    how = "by a single pixel" if middle else "without looking at the disease"
    low, high = (worst.low, worst.high) if worst.auc > 0.5 else (1 - worst.high, 1 - worst.low)
    says = (
        f"These classes can be told apart {how}: {in_words(worst.statistic)} alone does it in "
        f"{_of_hundred(max(worst.auc, 1 - worst.auc))} pairs of {_pair(audit, worst)} "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f}; "
        f"50 is chance)."
    )
    if len(found) > 1:
        says += f" So do {len(found) - 1} of the other {len(audit.shortcuts) - 1} statistics."
    return Finding(says, _about_pixel() if middle else _about_statistic())


def _region(audit: Audit) -> Finding | None:
    """What a part of the image that hardly holds the disease tells, all its textures together."""
    if audit.regions is None or (found := alarms(audit.regions)).empty:
        return None
    worst = found.iloc[0]
    pair = _pair(audit, worst if len(audit.classes) > 2 else worst.drop("class"))
    return Finding(
        f"These classes can be told apart by a part that hardly holds the disease: "
        f"{PARTS.get(worst.part, worst.part)} does it in {_of_hundred(worst.auc)} pairs of {pair} "
        f"(95 % interval {100 * worst.low:.0f} to {100 * worst.high:.0f}; 50 is chance).",
        "Look whether the disease can reach there. If not, how the images were made differs "
        "between the classes; cutting that part away does not help where it differs everywhere. "
        "Make the images alike, or report what this part gets alone, beside the network.",
    )


def _pair(audit: Audit, row: pd.Series) -> str:
    """The two images of which one is to be told from the other."""
    if "class" in row:
        return f"a {row['class']!r} image and one of another class"
    return f"a {audit.classes[-1]!r} and a {audit.classes[0]!r} image"


def _about_statistic() -> str:
    return (
        "Find out how the images of each class were made: scanner, site, export, crop, window, "
        "compression. Make them alike, or collect cases in which they are, and audit again. Where "
        "the disease itself changes this number, report how far it gets alone, beside the network."
    )


def _about_pixel() -> str:
    return (
        "Look at what is there in each class: a mark or a collimator is a shortcut, and has to "
        "go; in a crop around the lesion it may be the disease itself."
    )


def in_words(statistic: str) -> str:
    """Return a statistic in words of every day."""
    if statistic in WORDS:
        return WORDS[statistic]
    if place := re.search(r"\((row \d+, column \d+)\)$", statistic):
        return f"one grey level ({place[1]} of a grid of 16 x 16)"
    if statistic.startswith("corner "):
        return f"the brightness of the {statistic.removeprefix('corner ')} corner"
    return " or ".join(WORDS.get(part, repr(part)) for part in statistic.split(" / "))


def _of_hundred(share: float) -> str:
    if share < 1 and round(100 * share) == 100:
        return "more than 99 of 100"
    return f"{100 * share:.0f} of 100"


def _crossing(audit: Audit) -> list[Finding]:
    return [Finding(*_halves(said)) for said in audit.crossing]


def _halves(message: str) -> tuple[str, str]:
    """What is wrong, and what to do: before and after the last colon of a message."""
    wrong, _, do = message.rpartition(": ")
    return f"{wrong}.", (
        f"{do[:1].upper()}{do[1:]} Until then a result on this split is no internal test."
    )


def _runs(audit: Audit) -> Finding | None:
    scans = audit.scans
    if scans is None or not scans.likely:
        return None
    says = (
        f"These images are likely no {len(scans.scan)} patients, but runs of about {scans.number} "
        f"scans: of {100 * scans.neighbours:.0f} in 100 images the most similar one is among the "
        f"four next to it in the list (in a random order {100 * scans.by_chance:.0f}). With labels "
        f"dealt at random to stretches of four, the most similar image in another fold has the "
        f"right label in {100 * scans.dealt:.0f} of 100 cases (50 is chance): so much can be had "
        "by remembering."
    )
    return Finding(says, _about_runs(audit, scans.unrelated))


def _about_runs(audit: Audit, unrelated: float) -> str:
    kind = audit.spec.partition(":")[0]
    where = "an array patient_ids" if kind == "npz" else "patients.csv: file,patient_id"
    ids = f"Give patient ids if you can get them ({where})"
    if "groups=runs" in audit.spec:
        return f"{ids}: groups=runs joins only part of these runs."
    if unrelated > JOINS_TOO_MUCH:
        return (
            f"{ids}. groups=runs would not do here: it would also join "
            f"{100 * unrelated:.0f} of 100 neighbours that are unrelated."
        )
    if not _takes_groups(audit):
        return f"{ids}."
    return (
        f"{ids}; if not, keep each run in one fold: write the cohort as "
        f"{_with_groups(audit, 'runs')}. Nothing was grouped: look whether neighbours in the list "
        "are of one scan."
    )


def _takes_groups(audit: Audit) -> bool:
    """Whether the cohort, as typed, can be given an option `groups` (in a notebook: perhaps)."""
    kind = audit.spec.partition(":")[0]
    return not audit.spec or (kind in TAKE_GROUPS and "groups=" not in audit.spec)


def _with_groups(audit: Audit, groups: str) -> str:
    """The cohort with an option, as it is typed in a shell."""
    mark = "&" if "?" in audit.spec else "?"
    return f'"{audit.spec or "COHORT"}{mark}groups={groups}"'


def _two_labels(audit: Audit) -> Finding | None:
    pairs = audit.duplicates
    clash = pairs[pairs.in_cohort & (pairs.label_a != pairs.label_b)]
    if clash.empty:
        return None
    a = clash.iloc[0]
    return Finding(
        f"{_pairs(len(clash))} of copies carry two labels, first {a.image_a!r} ({a.label_a}) and "
        f"{a.image_b!r} ({a.label_b}).",
        "Look which label is right; leave out both where nobody knows.",
    )


def _copies(audit: Audit) -> Finding | None:
    pairs = audit.duplicates[audit.duplicates.in_cohort]
    counted = pairs if audit.surrogate else pairs[_apart(pairs)]
    if counted.empty:
        return None
    exact = int((counted.kind == "exact").sum())
    alike = len(counted) - exact
    apart = "" if audit.surrogate else f" of two patients ({names(_patients(counted))})"
    do = "Look at them: add --pairs pairs.html to medlib audit. Of true copies keep one, or all in "
    do += "one fold. Nothing was left out."
    if audit.surrogate and alike and _takes_groups(audit):
        do += f" If those that look alike are no copies, write {_with_groups(audit, 'exact')}."
    return Finding(
        f"{_pairs(len(counted))} of images{apart} seem to be copies of one another: {exact} with "
        f"equal pixels, {alike} that look alike"
        + (", as neighbouring slices of one scan may." if alike else "."),
        do,
    )


def _apart(pairs: pd.DataFrame) -> pd.Series:
    apart: pd.Series = (pairs.patient_a != pairs.patient_b) | (pairs.kind == "exact")
    return apart


def _patients(pairs: pd.DataFrame) -> list[str]:
    return list((pairs.patient_a + " / " + pairs.patient_b).unique())


def _pairs(n: int) -> str:
    return "One pair" if n == 1 else f"{n} pairs"
