"""The picture of a multiverse: results in order above, the choices behind each below."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from medlib.multiverse.choices import Choice
from medlib.plots import COLOURS


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

    ends: n x 2, low and high of each row. wrong: whether a row has a fault: blue without, vermilion
    with one; options that are faults are vermilion in the matrix below. marks: values with a name,
    drawn as dotted lines. After Simonsohn, Simmons & Nelson 2020, Nat. Hum. Behav. 4:1208.
    """
    order = np.argsort(table[value].to_numpy(), kind="stable")
    options = [(choice, option) for choice in choices for option in choice.options]
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(9, 7.5), sharex=True, height_ratios=[2, 0.11 * len(options) + 0.4]
    )
    place, bad = np.arange(len(order)), np.asarray(wrong, bool)[order]
    height, span = table[value].to_numpy()[order], np.asarray(ends, float)[order]
    upper.vlines(place, span[:, 0], span[:, 1], color="0.85", linewidth=1)
    for these, colour, name in ((bad, COLOURS[1], "a fault"), (~bad, COLOURS[0], "no fault")):
        upper.plot(place[these], height[these], ".", color=colour, markersize=4, label=name)
    for level, name in marks:
        upper.axhline(level, color="black", linestyle=":", linewidth=0.8)
        upper.annotate(name, (1.01, level), xycoords=("axes fraction", "data"), fontsize=8)
    upper.set(ylabel=value)
    upper.legend(loc="lower right", markerscale=2)
    for row, (choice, option) in enumerate(options):
        taken = place[(table[choice.name] == option).to_numpy()[order]]
        colour = COLOURS[1] if option in choice.faults else "0.25"
        lower.plot(taken, np.full(len(taken), row), "|", color=colour, markersize=5)
    names = [f"{c.name}: {option}{' (fault)' * (option in c.faults)}" for c, option in options]
    lower.set_yticks(range(len(options)), names)
    lower.tick_params(axis="y", labelsize=8, length=0)
    lower.set(xlabel="specifications, lowest to highest", ylim=(len(options) - 0.5, -0.5))
    for edge in np.cumsum([len(choice.options) for choice in choices])[:-1]:
        lower.axhline(edge - 0.5, color="0.8", linewidth=0.6)
    return figure
