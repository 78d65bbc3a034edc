"""Pictures of a multiverse: results in order above their choices, and what a choice is worth."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from medlib.multiverse.choices import FAULTS, Choice
from medlib.plots import COLOURS, MARKERS
from medlib.types import Reals

HONEST: Final[Mapping[str, Any]] = {"marker": "o", "color": COLOURS[0], "markersize": 2.5}
FAULT: Final[Mapping[str, Any]] = {
    "marker": "s",
    "color": COLOURS[1],
    "markersize": 3,
    "fillstyle": "none",
    "markeredgewidth": 0.6,
}
"""Looks of specifications without and with a fault, told apart without colour too."""
_GREY: Final[Mapping[str, Any]] = {"color": "0.85", "linewidth": 7}
BESIDE: Final = ("axes fraction", "data")
"""Coordinates of what stands at the right edge."""


def specification_curve(
    table: pd.DataFrame,
    value: str,
    ends: ArrayLike,
    choices: Sequence[Choice],
    *,
    wrong: ArrayLike,
    marks: Sequence[tuple[float, str]] = (),
) -> Figure:
    """Draw `value` of each row in order with its interval, and below which options it took.

    ends: n x 2, low and high of each row. wrong: whether a row has a fault: filled and blue
    without, open and vermilion with one; options that are faults are vermilion in the matrix below.
    Rows of the same value stand in random order, so that a pattern among them is not that of the
    list. At the right end of each option, the share of the highest tenth that took it. marks:
    values with a name, drawn as dotted lines. After Simonsohn, Simmons & Nelson 2020, Nat. Hum.
    Behav. 4:1208.
    """
    ties = np.random.default_rng(0).random(len(table))
    order = np.lexsort((ties, table[value].to_numpy()))
    rows = 0.11 * sum(len(choice.options) for choice in choices) + 0.4
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(7.5, 7.5), sharex=True, height_ratios=[2, rows]
    )
    place, bad = np.arange(len(order)), np.asarray(wrong, bool)[order]
    height, span = table[value].to_numpy()[order], np.asarray(ends, float)[order]
    upper.vlines(place, span[:, 0], span[:, 1], color="0.85", linewidth=1)
    for these, look, name in ((bad, FAULT, "with a fault"), (~bad, HONEST, "without")):
        upper.plot(place[these], height[these], linestyle="", label=name, **look)
    for level, name in marks:
        upper.axhline(level, color="black", linestyle=":", linewidth=0.8)
        upper.annotate(name, (1.01, level), xycoords=BESIDE, fontsize=8)
    upper.set(ylabel=value)
    upper.legend(loc="lower right", markerscale=1.5)
    _matrix(lower, table.iloc[order], choices)
    return figure


def _matrix(axis: Axes, table: pd.DataFrame, choices: Sequence[Choice]) -> None:
    """Draw a tick where a row took an option, and the share of the last tenth that took it."""
    options = [(choice, option) for choice in choices for option in choice.options]
    tenth = max(len(table) // 10, 1)
    for row, (choice, option) in enumerate(options):
        took = (table[choice.name] == option).to_numpy()
        colour = COLOURS[1] if option in choice.faults else "0.25"
        axis.plot(np.flatnonzero(took), np.full(took.sum(), row), "|", color=colour, markersize=5)
        share = f"{took[-tenth:].mean():.0%}"
        axis.annotate(share, (1.01, row), xycoords=BESIDE, fontsize=8, va="center")
    axis.annotate("top tenth", (1.01, -1), xycoords=BESIDE, fontsize=8, va="center")
    names = [f"{c.name}: {option}{' (fault)' * (option in c.faults)}" for c, option in options]
    axis.set_yticks(range(len(options)), names)
    axis.tick_params(axis="y", labelsize=8, length=0)
    axis.set(xlabel="specifications, lowest to highest", ylim=(len(options) - 0.5, -0.5))
    for edge in np.cumsum([len(choice.options) for choice in choices])[:-1]:
        axis.axhline(edge - 0.5, color="0.8", linewidth=0.6)


def draw_worth(axis: Axes, gains: pd.DataFrame, another: Reals) -> None:
    """Draw what each option is worth, a row an option, and below what another deal moves.

    gains: rows of `worth` with a column `draw`, the first draw being 0. another: differences of
    a second deal, in points.
    """
    order = gains[gains.draw == 0].reset_index(drop=True)
    for row, (_, each) in enumerate(order.iterrows()):
        same = (gains.choice == each.choice) & (gains.option == each.option)
        means, fault = 100 * gains["mean"][same], each.option in FAULTS
        axis.plot([100 * each.low, 100 * each.high], [row, row], **_GREY)
        axis.plot([means.min(), means.max()], [row, row], color=COLOURS[fault], linewidth=2.5)
        axis.plot(means.mean(), row, MARKERS[fault], color=COLOURS[fault])
    last = len(order)
    axis.plot(np.percentile(another, [5, 95]), [last, last], **_GREY)
    axis.plot(another.mean(), last, "D", color="0.4")
    names = [
        f"{r.choice}: {r.option}{' (fault)' * (r.option in FAULTS)}\nagainst {r.against}"
        for r in order.itertuples()
    ]
    axis.set_yticks(range(last + 1), [*names, "another deal, same choices"], fontsize=8.5)
    axis.axvline(0, color="grey", linewidth=0.8, linestyle=":")
    axis.invert_yaxis()
    axis.set_xlabel("gain in accuracy (percentage points)")
