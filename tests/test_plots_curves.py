"""Curves that judge a model are drawn from the tables of `medlib.statistics`."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from medlib import plots, statistics

LABELS = np.repeat([0, 1], 40)
SCORES = np.clip(np.random.default_rng(0).normal(0.35 + 0.3 * LABELS, 0.2), 0.01, 0.99)


@pytest.fixture
def axis():
    _, made = plt.subplots()
    yield made
    plt.close()


def test_a_calibration_curve_shows_every_case_on_its_side(axis):
    found = statistics.calibration_measures(LABELS, SCORES, replicates=100, seed=0)
    plots.calibration_curve(axis, found.curve, SCORES, LABELS)
    line, diagonal, below, above = axis.lines
    assert line.get_ydata() == pytest.approx(found.curve.observed)
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert below.get_xdata() == pytest.approx(SCORES[LABELS == 0])
    assert max(below.get_ydata()) < 0
    assert above.get_xdata() == pytest.approx(SCORES[LABELS == 1])
    assert min(above.get_ydata()) > 1


def test_a_decision_curve_shows_all_three_strategies(axis):
    found = statistics.decision_curve(LABELS, SCORES, thresholds=[0.1, 0.2], prevalence=0.5)
    plots.decision_curve(axis, found.table)
    assert axis.get_legend_handles_labels()[1] == ["act on the model", "treat all", "treat none"]
    assert axis.lines[0].get_ydata() == pytest.approx(found.table.model)
    assert axis.lines[1].get_ydata() == pytest.approx(found.table.treat_all)


def test_a_cell_of_edges_is_outlined_with_a_line_of_their_slant_in_its_middle(axis):
    plots.edge_cell(axis, 16, row=2, column=1, clock=135)
    outline = axis.patches[-1].get_bbox()
    assert outline.bounds == (15.5, 31.5, 16, 16)  # pixels 16 to 31, and 32 to 47
    x, y = axis.lines[-1].get_data()
    assert (np.mean(x), np.mean(y)) == pytest.approx((23.5, 39.5))
    assert np.diff(x) * np.diff(y) > 0  # falls to the right: rows are counted downwards
    assert abs(np.diff(x)) == pytest.approx(abs(np.diff(y)))
