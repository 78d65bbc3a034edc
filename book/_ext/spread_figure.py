"""The figure of the page on reproducibility: what another processor and another seed move.

A row a number: its 95 % interval as a bar, the results of all processors as circles, those from
other seeds of the networks as crosses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import drawn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medlib import plots
from medlib.chapters import cohort_of
from medlib.processors import on_record
from medlib.results import CONFIDENCE, read

SHOWN: Final = (
    ("12_handmade_or_deep", "handmade_accuracy", "hand-made features"),
    ("12_handmade_or_deep", "frozen_accuracy", "frozen ImageNet features"),
    ("04_resnet50_cv", "features_accuracy", "frozen ImageNet features"),
    ("03_cohort", "whole_slice_features_auc", "AUC: texture of whole slices"),
    ("04_resnet50_cv", "scratch_accuracy", "ResNet-50 from scratch"),
    ("12_handmade_or_deep", "scratch_accuracy", "ResNet-50 from scratch"),
    ("12_handmade_or_deep", "finetuned_accuracy", "EfficientNet-Lite0, fine-tuned"),
    ("08_significance", "true_test_accuracy", "small ResNet-18"),
)
"""Chapter, key and label of the numbers that matter, from those that stay to those that move."""


@dataclass(frozen=True)
class Row:
    """One number with what became of it elsewhere."""

    label: str
    here: float
    interval: tuple[float, float]
    processors: tuple[float, ...]
    seeds: tuple[float, ...]

    @property
    def range_over_processors(self) -> float:
        """Largest less smallest, the present processor included."""
        return _range((self.here, *self.processors))

    @property
    def range_over_seeds(self) -> float:
        """Largest less smallest, the seed of the chapter included."""
        return _range((self.here, *self.seeds))


def rows(root: Path) -> list[Row]:
    """The numbers of `SHOWN`, from committed results and spreads."""
    return [_row(root, *one) for one in SHOWN]


def _row(root: Path, chapter: str, key: str, label: str) -> Row:
    record = read(root / "results" / cohort_of(chapter, root) / f"{chapter}.json")[key]
    moved = {
        one.key: one.values for one in on_record.read(chapter, cohort_of(chapter, root), root)
    }.get(key, {})
    values = {name: _number(value) for name, value in moved.items()}
    seeds = {name for name in values if name.startswith("seed-")}
    if record.interval is None or record.kind != CONFIDENCE:
        raise ValueError(f"{chapter} records '{key}' without an interval; show another number")
    return Row(
        f"{label} ({chapter[:2]})",
        _number(record.value),
        record.interval,
        tuple(value for name, value in values.items() if name not in seeds),
        tuple(values[name] for name in sorted(seeds)),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number; show another one")
    return float(value)


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)


def html(found: Sequence[Row]) -> str:
    """The figure with a description and, as caption, what it shows."""
    return drawn.html(_draw(found), "fig-spread", description(found), caption(found))


def caption(found: Sequence[Row]) -> str:
    """The finding, with its numbers."""
    processors = 100 * max(row.range_over_processors for row in found)
    seeds = 100 * max(row.range_over_seeds for row in found)
    width = 100 * min(high - low for low, high in (row.interval for row in found))
    still = sum(row.range_over_processors < 0.001 for row in found)
    return (
        "Accuracy (one row: AUC) on simulated patients, means over repeats where "
        f"networks are trained. Behaving as another processor moves {still} of these "
        f"{len(found)} numbers by less than a tenth of a point and the rest by up to "
        f"{processors:.1f} points; another seed moves trained networks by up to {seeds:.1f}. "
        "The 95 % intervals, for other patients and other trainings, leave more open: even the "
        f"narrowest spans {width:.0f} points. Chapter in brackets."
    )


def description(found: Iterable[Row]) -> str:
    """For a reader who cannot see it."""
    parts = [
        f"{row.label}: {row.here:.2f}, interval {row.interval[0]:.2f} to {row.interval[1]:.2f}, "
        f"range {row.range_over_processors:.3f} over processors"
        + (f", {row.range_over_seeds:.3f} over seeds" if row.seeds else "")
        for row in found
    ]
    return "Intervals and single results of numbers in rows. " + "; ".join(parts) + "."


def _draw(found: Sequence[Row]) -> Figure:
    figure = Figure(figsize=(7.5, 0.5 * len(found) + 1.1), layout="constrained")
    axis = figure.add_subplot()
    for place, row in enumerate(found):
        _line(axis, place, row, named=place == 0)
    axis.set(xlim=(0.25, 1), ylim=(len(found) - 0.4, -0.6), xlabel="accuracy or AUC")
    axis.set_yticks(range(len(found)), [row.label for row in found])
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    return figure


def _line(axis: Axes, place: int, row: Row, *, named: bool) -> None:
    blue, red = plots.COLOURS[:2]
    words = ("95 % interval", "processors", "seeds") if named else (None, None, None)
    axis.plot(
        row.interval, (place, place), color="0.85", linewidth=9, solid_capstyle="butt",
        label=words[0],
    )  # fmt: skip
    here = (row.here, *row.processors)
    axis.plot(here, [place - 0.13] * len(here), "o", color=blue, mfc="none", label=words[1])
    axis.plot(row.seeds, [place + 0.17] * len(row.seeds), "x", color=red, label=words[2])
