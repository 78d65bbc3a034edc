"""Several labels an image in one table: how many have each, which of them together, shortcuts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medlib.cohorts import Cohort, SeveralLabelsError
from medlib.cohorts.audit.findings import audit, look
from medlib.cohorts.audit.verdict import accused
from medlib.cohorts.sources.several_labels import each_label, labels_of, together
from medlib.results.markdown import plain, table


@dataclass(frozen=True)
class LabelRow:
    """One label: how many images have it, and how many of those have each of the labels.

    `share`: of all images. `shortcut` and its AUC: the single number that tells the label from its
    absence most surely; empty where the audit accused none.
    """

    label: str
    images: int
    share: float
    both: dict[str, int]
    shortcut: str = ""
    shortcut_auc: float | None = None


def label_rows(cohort: Cohort) -> tuple[LabelRow, ...]:
    """Return a row for each label of a cohort with several, each audited; none for one label."""
    labels = labels_of(cohort)
    if len(labels) < 2:
        return ()
    looked, counts = look(cohort), together(labels)
    rows = []
    for name, one in zip(labels, each_label(cohort), strict=True):
        both = dict(zip(labels, counts.loc[name].to_numpy(int).tolist(), strict=True))
        n = both[name]
        found = accused(audit(one, looked=looked)) if 0 < n < len(cohort) else None
        worst = None if found is None or found.empty else found.iloc[0]
        said = ("", None) if worst is None else (str(worst.statistic), float(worst.auc))
        rows.append(LabelRow(name, n, n / len(cohort), both, *said))
    return tuple(rows)


def as_table(rows: Sequence[LabelRow]) -> str:
    """Return the rows as a table in Markdown."""
    names = [row.label for row in rows]
    head = ["label", "images", "share", *(f"also {name}" for name in names), "told by one number"]
    return table([plain(cell) for cell in head], [[plain(c) for c in _cells(r)] for r in rows])


def as_lines(rows: Sequence[LabelRow]) -> Iterator[str]:
    """Yield a line a label, for a terminal."""
    for row in rows:
        others = [f"{n} also {name}" for name, n in row.both.items() if name != row.label]
        has = f"{row.images} images ({row.share:.2f})"
        yield f"label {row.label}: {', '.join([has, *others])}; {_told(row)}"


def one_a_run(cohort: Cohort, spec: str, chapter: str) -> str:
    """Return which label a run studies and what is typed for the others; empty for one label."""
    labels = labels_of(cohort)
    others = [name for name in labels if name != cohort.classes[-1]]
    if not others:
        return ""
    several = SeveralLabelsError("", labels, _without_choice(spec))
    commands = ", ".join(f'{chapter} -p cohort "{several.choosing(name)}"' for name in others)
    return (
        f"This run studies {cohort.classes[-1]}, one of {len(several.labels)} labels; the others "
        f"are runs of their own, each with an --out of its own: {commands}."
    )


def _without_choice(spec: str) -> str:
    """The cohort as typed without its option ``label``."""
    place, _, query = spec.partition("?")
    rest = "&".join(part for part in query.split("&") if not part.startswith("label="))
    return f"{place}?{rest}" if rest else place


def _cells(row: LabelRow) -> list[str]:
    return [
        row.label,
        str(row.images),
        f"{row.share:.2f}",
        *map(str, row.both.values()),
        _told(row),
    ]


def _told(row: LabelRow) -> str:
    if row.shortcut_auc is None:
        return "no shortcut accused"
    return f"shortcut: {row.shortcut}, AUC {row.shortcut_auc:.2f}"
