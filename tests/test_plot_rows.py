"""Plots draw the numbers they are given, where a reader expects them."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.figure import Figure

from medlib import plots
from medlib.consistency import every_result


@pytest.fixture(autouse=True)
def _closed():
    plots.style()
    yield
    plt.close("all")


def points(axis):
    return {line.get_label(): line.get_xydata().tolist() for line in axis.lines}


def test_ranges_show_lowest_median_highest_and_the_one_beside_them():
    table = pd.DataFrame({"a": [1.0], "b": [2.0], "c": [6.0], "d": [4.0]}, index=["key"])
    axis = plots.ranges(table, "d", ["test"], ("bar", "median", "one"))
    assert points(axis) == {"median": [[2, 0]], "one": [[4, 0]]}
    assert axis.collections[0].get_segments()[0].tolist() == [[1, 0], [6, 0]]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["test"]


def test_shares_lie_side_by_side_and_small_ones_are_not_written():
    axis = plots.shares(pd.DataFrame({"x": [0.7, 0.27, 0.03]}, index=["p", "q", "r"]))
    assert [bar.get_x() for bar in axis.patches] == pytest.approx([0, 0.7, 0.97])
    assert [text.get_text() for text in axis.texts] == ["70%", "27%", ""]


def test_a_claim_is_drawn_in_per_cent_in_the_band_that_nothing_can_reach():
    axis = Figure().add_subplot()
    plots.against_possible(axis, every_result(5, 10), {"s": [(0.8, 0.1)]}, (0.92, 0.02))
    found = points(axis)
    assert found["the paper"] == [[92, 2]]
    assert found["s"] == [[80, 10]]
    band = axis.patches[0]
    low, high = band.get_y(), band.get_y() + band.get_height()
    assert low < 2 < high
    possible = found["all that five folds of ten can give"]
    assert not [sd for _, sd in possible if low < sd < high]
    assert axis.get_xlim()[0] == 70


def test_studies_left_of_the_axis_move_its_end():
    axis = Figure().add_subplot()
    plots.against_possible(axis, every_result(5, 10), {"s": [(0.5, 0.1)]}, (0.92, 0.02))
    assert axis.get_xlim()[0] == pytest.approx(49)
