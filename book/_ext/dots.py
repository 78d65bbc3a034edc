"""Small dot plots as inline SVG: a dot and an interval for each cohort that has the number.

Drawn as text, so that a page of a hundred of them stays light, follows the theme's colours and
prints. Shape and colour both tell cohorts apart, and the values stand beside the dots in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from medlib.results import Record
from medlib.results.markdown import with_interval

WIDTH: Final = 240
ROW: Final = 16
MARGIN: Final = 8
"""Pixels: of a plot, of a line in it, and left and right of its axis."""
MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "simulated": ("●", "#0072b2"),
    "1,000 simulated": ("○", "#0072b2"),
    "iq-oth-nccd": ("■", "#d55e00"),
    "luna16-patches": ("▲", "#009e73"),
    "tcga-lung-ct": ("◆", "#a6609a"),
}
"""Sign and colour of each cohort."""
OTHER: Final = ("▼", "#767676")
SHARE, SMALL, POINTS, PERCENT = (0.0, 1.0), (0.0, 0.2), (-60.0, 60.0), (0.0, 100.0)
"""The axes there are; numbers of any other kind are given in words only."""


@dataclass(frozen=True)
class Measure:
    """One number: what it is called, where it was made, and its record on each cohort."""

    label: str
    link: str
    records: Mapping[str, Record]

    @property
    def axis(self) -> tuple[float, float] | None:
        """Ends of its axis: a share, percentage points or per cent; None where it fits none."""
        records = list(self.records.values())
        values = [value for record in records for value in _numbers(record)]
        # rounding errors, and counts, are no lengths that an axis could show
        if not all(isinstance(r.value, float) for r in records) or max(map(abs, values)) < 1e-3:
            return None
        unit = records[0].unit
        ends = POINTS if "points" in unit else PERCENT if unit.startswith("%") else SHARE
        if ends == SHARE and max(values) <= SMALL[1]:
            ends = SMALL
        return ends if all(ends[0] <= value <= ends[1] for value in values) else None


def _numbers(record: Record) -> tuple[float, ...]:
    value = record.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ()
    return (float(value), *(record.interval or ()))


def cohort_name(folder: str, cohort: Mapping[str, Any]) -> str:
    """What a number was measured on; a run with other settings lies in a folder of its own."""
    if not cohort.get("simulated"):
        return folder
    return "simulated" if folder == cohort["name"] else f"{cohort['patients']:,} simulated"


def html(measures: Sequence[Measure]) -> str:
    """All measures, one below the other, as one line of HTML; nothing without any."""
    return f'<div class="measures">{"".join(map(_measure, measures))}</div>' if measures else ""


def _measure(one: Measure) -> str:
    records = _once(one.records)
    drawn = _svg(one, records) if one.axis else ""
    values = "".join(_value(name, record) for name, record in records.items())
    label = f'<a href="{escape(one.link)}">{escape(one.label)}</a>'
    return (
        f'<div class="measure{"" if drawn else " words"}"><span class="what">{label}</span>{drawn}'
        f'<span class="values">{values}</span></div>'
    )


def _once(records: Mapping[str, Record]) -> Mapping[str, Record]:
    """What is the same on every cohort, such as arithmetic, is shown once."""
    said = {(str(record.value), record.interval) for record in records.values()}
    if len(records) < 2 or len(said) > 1:
        return records
    return {"the same in every run": next(iter(records.values()))}


def _value(name: str, record: Record) -> str:
    sign, colour = MARKS.get(name, OTHER)
    said = f"{with_interval(record)} {_short(record.unit)}".rstrip()
    mark = f'<span style="color:{colour}" aria-hidden="true">{sign}</span>'
    return f"<span>{mark} {escape(name)} {escape(said)}</span>"


def _short(unit: str) -> str:
    """A unit without what the label says already."""
    if unit.startswith("percentage points"):
        return "points"
    return "%" if unit.startswith("%") else unit.split(";")[0].split(",")[0]


def _svg(one: Measure, records: Mapping[str, Record]) -> str:
    low, high = one.axis or SHARE
    height = ROW * len(records) + 14
    bottom = height - 12

    def x(value: float) -> float:
        return round(MARGIN + (value - low) / (high - low) * (WIDTH - 2 * MARGIN), 1)

    ticks = (low, (low + high) / 2, high)
    lines = "".join(
        f'<path d="M{x(t)} 0V{bottom}" class="tick"/>'
        f'<text x="{x(t)}" y="{height - 1}" text-anchor="middle">{t:g}</text>'
        for t in ticks
    )
    dots = "".join(_dot(name, r, x, ROW * k + 8) for k, (name, r) in enumerate(records.items()))
    said = "; ".join(f"{name} {with_interval(record)}" for name, record in records.items())
    return (
        f'<svg role="img" aria-label="{escape(f"{one.label}: {said}")}" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}">{lines}{dots}</svg>'
    )


def _dot(name: str, record: Record, x: Any, y: int) -> str:
    sign, colour = MARKS.get(name, OTHER)
    bar = ""
    if record.interval:
        left, right = map(x, record.interval)
        bar = f'<path d="M{left} {y}H{right}" stroke="{colour}" stroke-width="3" opacity=".45"/>'
    at = x(float(record.value))
    return f'{bar}<text x="{at}" y="{y + 4}" text-anchor="middle" fill="{colour}">{sign}</text>'
