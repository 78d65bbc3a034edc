"""Figures in one style: units on axes, colours that survive colour-blindness and grey print."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from medlib.imaging import window
from medlib.types import Reals

# Okabe & Ito (2008), Color Universal Design: blue, vermillion, green, purple, orange, sky
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of Okabe and Ito, which colour-blind readers can tell apart."""
MARKERS = ("o", "s", "^", "D", "v", "P")
"""Shapes beside the colours, for print in grey."""


def style() -> None:
    """Set the look of all figures that follow: quiet axes, readable type, these colours."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 10,
            "font.size": 10,
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "image.cmap": "gray",
            "legend.frameon": False,
            "savefig.facecolor": "white",
        }
    )


def show_slices(
    images: Sequence[Reals],
    titles: Sequence[str],
    *,
    level: tuple[float, float] | None = None,
    columns: int = 6,
    millimetres: float | None = None,
    width: float = 9.0,
) -> Figure:
    """Grey images in a grid; `level` is (centre, width) in HU, None scales each set to its range.

    `millimetres` is the side of an image: a bar of a fifth of it is drawn into the first.
    """
    rows = -(-len(images) // columns)
    size = width / columns
    figure, axes = plt.subplots(rows, columns, figsize=(width, rows * (size + 0.28)), squeeze=False)
    low, high = _range(images, level)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        shown = window(image, *level) if level else image
        axis.imshow(shown, vmin=low, vmax=high, interpolation="bilinear")
        axis.set_title(title, fontsize=8)
    if millimetres:
        scale_bar(axes.flat[0], images[0].shape[-1], millimetres)
    return figure


def table(
    frame: pd.DataFrame, *, digits: int = 2, index: bool = False, caption: str | None = None
) -> HTML:
    """A table for display, floats with so many decimals; the same frame gives the same bytes."""
    html = frame.to_html(index=index, border=0, float_format=f"{{:.{digits}f}}".format)
    if caption:
        html = html.replace("<thead>", f"<caption>{escape(caption)}</caption><thead>", 1)
    return HTML(html)  # type: ignore[no-untyped-call]


def scale_bar(axis: Axes, pixels: int, millimetres: float) -> None:
    """A white bar of a fifth of the image's side, with its length in mm."""
    length, edge = pixels / 5, pixels * 0.06
    for colour, width in (("black", 4), ("white", 2)):
        axis.plot([edge, edge + length], [pixels - edge] * 2, color=colour, linewidth=width)
    axis.text(
        edge, pixels - 1.5 * edge, f"{millimetres / 5:g} mm", color="white", fontsize=7,
        va="bottom",
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )  # fmt: skip


def edge_cell(axis: Axes, cell: float, row: int, column: int, clock: float) -> None:
    """Outline the cell of an image, `cell` pixels a side, and draw a line through its middle.

    row, column: which cell, from 0; `clock`: slant of the line, degrees clockwise from up.
    """
    left, top = column * cell - 0.5, row * cell - 0.5
    x, y = left + cell / 2, top + cell / 2
    along = 0.45 * cell * np.array([np.sin(np.radians(clock)), -np.cos(np.radians(clock))])
    for colour, width in (("black", 3), (COLOURS[4], 1.5)):
        axis.add_patch(Rectangle((left, top), cell, cell, fill=False, ec=colour, lw=width))
        ends = np.array([-along, along]).T
        axis.plot(x + ends[0], y + ends[1], color=colour, linewidth=width)


def learning_curves(histories: pd.DataFrame, *, chance: float = 0.5) -> Figure:
    """Loss and accuracy by epoch, a thin line a fold, training against test, means in bold.

    `histories`: columns fold, epoch, split ("train" or "test"), loss, accuracy. A dotted line marks
    the accuracy of `chance`.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for colour, dash, split in zip(COLOURS, ("-", "--"), ("train", "test"), strict=False):
            part = histories[histories["split"] == split]
            curves = part.pivot(index="epoch", columns="fold", values=quantity)
            axis.plot(curves, dash, color=colour, linewidth=0.7, alpha=0.45)
            axis.plot(curves.mean(axis=1), dash, color=colour, linewidth=2.2, label=split)
        axis.set(xlabel="epoch", ylabel=f"{quantity}{' (nats)' if quantity == 'loss' else ''}")
    axes[0].set_yscale("log")
    axes[1].set_ylim(0, 1.02)
    axes[1].axhline(chance, color="grey", linewidth=0.8, linestyle=":")
    axes[1].legend(title="mean of folds", loc="lower right")
    return figure


def confusion_matrix(axis: Axes, counts: NDArray[np.integer[Any]], classes: Sequence[str]) -> None:
    """Counts of cases: rows are the reference standard, columns the prediction."""
    axis.imshow(counts, cmap="Blues", vmin=0, vmax=counts.sum(axis=1).max())
    for (row, column), count in np.ndenumerate(counts):
        dark = count > counts.sum(axis=1).max() / 2
        axis.text(
            column, row, str(count), ha="center", va="center",
            fontsize=14, color="white" if dark else "black",
        )  # fmt: skip
    places = range(len(classes))
    axis.set_xticks(places, classes)
    axis.set_yticks(places, classes)
    axis.set(xlabel="predicted", ylabel="reference standard")
    axis.spines[:].set_visible(False)


def reliability(axis: Axes, bins: pd.DataFrame, label: str, number: int = 0) -> None:
    """Observed against predicted probability; `bins`: columns predicted, observed, low, high."""
    below = bins["observed"] - bins["low"]
    above = bins["high"] - bins["observed"]
    axis.errorbar(
        bins["predicted"], bins["observed"], yerr=np.clip([below, above], 0, None),
        fmt=MARKERS[number], color=COLOURS[number], capsize=3, label=label,
    )  # fmt: skip
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axis.set(
        xlabel="predicted probability", ylabel="observed share", xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )  # fmt: skip


def calibration_curve(
    axis: Axes,
    curve: pd.DataFrame,
    scores: Reals,
    labels: NDArray[np.integer[Any]],
) -> None:
    """A smooth calibration curve with its band; ticks are cases, positive above, negative below.

    `curve`: columns predicted, observed, low, high, as `CalibrationMeasures` has them.
    """
    axis.fill_between(curve["predicted"], curve["low"], curve["high"], alpha=0.2)
    axis.plot(curve["predicted"], curve["observed"])
    axis.plot([0, 1], [0, 1], ":", color="grey")
    for label, place in ((0, -0.04), (1, 1.04)):
        some = scores[labels == label]
        axis.plot(some, np.full(len(some), place), "|", color="black", markersize=5, alpha=0.4)
    axis.set(xlabel="probability given", xlim=(-0.02, 1.02), ylim=(-0.08, 1.08))


def decision_curve(axis: Axes, table: pd.DataFrame) -> None:
    """Net benefit over the threshold: acting on a model with its band, on all, on nobody.

    `table`: columns threshold, model, model_low, model_high, treat_all, as `DecisionCurve` has it.
    """
    axis.fill_between(table["threshold"], table["model_low"], table["model_high"], alpha=0.2)
    axis.plot(table["threshold"], table["model"], label="act on the model")
    axis.plot(table["threshold"], table["treat_all"], "--", label="treat all")
    axis.axhline(0, color="black", linewidth=0.8, label="treat none")
    axis.set_xlabel("threshold probability")


def intervals(
    axis: Axes,
    names: Sequence[str],
    values: Sequence[float],
    ends: Sequence[Sequence[float]],
    *,
    chance: float | None = None,
) -> None:
    """A dot and a line for each named value with its interval, first at the top."""
    for row, (value, (low, high)) in enumerate(zip(values, ends, strict=True)):
        colour = COLOURS[row % len(COLOURS)]
        axis.plot([low, high], [row, row], color=colour, linewidth=2)
        axis.plot(value, row, MARKERS[row % len(MARKERS)], color=colour)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    if chance is not None:
        axis.axvline(chance, color="grey", linewidth=0.8, linestyle=":")


def against_possible(
    axis: Axes,
    possible: Sequence[tuple[float, float]],
    studies: Mapping[str, Sequence[tuple[float, float]]],
    claim: tuple[float, float],
    *,
    folds: str = "five folds of ten",
) -> None:
    """Studies as (mean accuracy, SD over folds) among all that folds can give, and a claim: a star.

    The band shaded lies between an SD of 0 and the smallest one above it: nothing can lie there.
    """
    gap = 100 * min(sd for _, sd in possible if sd > 0)
    axis.axhspan(0.1, gap - 0.1, color="0.88", zorder=0)
    grey = {"color": "0.7", "markersize": 3.5, "zorder": 1}
    _percent(axis, possible, ".", **grey, label=f"all that {folds} can give")
    for number, (name, pairs) in enumerate(studies.items()):
        _percent(axis, pairs, MARKERS[number], color=COLOURS[number], alpha=0.6, label=name)
    _percent(axis, [claim], "*", color="black", markersize=18, label="the paper")
    left = min(70.0, *(100 * mean - 1 for pairs in studies.values() for mean, _ in pairs))
    top = 100 * max(sd for pairs in studies.values() for _, sd in pairs) + 1
    axis.text(left + 1, gap / 2, f"no SD between 0 and {gap:.1f} %", va="center", fontsize=9)
    axis.set(xlim=(left, 100.5), ylim=(-0.4, top))
    axis.set(xlabel="mean accuracy of the folds, %", ylabel="SD over the folds, %")


def _percent(axis: Axes, pairs: Sequence[tuple[float, float]], marker: str, **look: Any) -> None:
    axis.plot(*(100 * np.asarray(pairs)).T, marker, linestyle="none", **look)


def ranges(
    table: pd.DataFrame, one: str, names: Iterable[str], labels: tuple[str, str, str]
) -> Axes:
    """A row a line of the table: lowest, median and highest of its columns, and the column `one`.

    `labels` are what the legend calls the bar, its median and the diamond of `one`.
    """
    figure, axis = plt.subplots(figsize=(6.4, 3.6))
    rows, several = range(len(table)), table.drop(columns=one)
    axis.hlines(
        rows, several.min(axis=1), several.max(axis=1),
        color=COLOURS[0], linewidth=6, alpha=0.3, label=labels[0],
    )  # fmt: skip
    axis.plot(several.median(axis=1), rows, "o", color=COLOURS[0], label=labels[1])
    axis.plot(table[one], rows, "D", color=COLOURS[1], markerfacecolor="none", label=labels[2])
    axis.set_yticks(rows, list(names))
    axis.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return axis


def shares(table: pd.DataFrame, *, least: float = 0.06) -> Axes:
    """A bar a column, divided by the rows, which add up to 1; shares above `least` are written."""
    figure, axis = plt.subplots(figsize=(6.4, 0.9 + 0.5 * table.shape[1]))
    left = np.zeros(table.shape[1])
    for number, (cause, row) in enumerate(table.iterrows()):
        bars = axis.barh(
            table.columns, row, left=left, label=str(cause), color=COLOURS[number],
            hatch=("", "//", "..", "xx")[number], edgecolor="white",
        )  # fmt: skip
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        said = [f"{share:.0%}" if share > least else "" for share in row]
        axis.bar_label(bars, said, label_type="center", bbox=box, fontsize=9)
        left += row.to_numpy()
    axis.set_xlim(0, 1)
    axis.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=4, fontsize=9)
    return axis


def _range(images: Sequence[Reals], level: tuple[float, float] | None) -> tuple[float, float]:
    if level:
        return 0.0, 1.0
    return float(min(i.min() for i in images)), float(max(i.max() for i in images))
