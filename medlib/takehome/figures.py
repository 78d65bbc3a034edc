"""ROC and calibration of a cross-validation as figures that describe themselves in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import Final, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medlib import plots
from medlib.cohorts.cohort import Cohort
from medlib.learning.crossval import CrossValidation, correct_and_folds
from medlib.statistics import metrics, out_of_fold_auc
from medlib.takehome.curves import roc_band

SIDE: Final = 4.6
"""Inches."""
BINS: Final = 5
"""Of the calibration plot, as in the chapter."""
RESOLUTION: Final = 200
"""Dots an inch of the pictures."""


class Described(NamedTuple):
    """A figure, its title, and what is to be seen in it, in words."""

    figure: Figure
    title: str
    description: str


def roc_figure(runs: Sequence[CrossValidation], cases: Cohort, model: str) -> Described:
    """Return the ROC curve of each class against the rest (of two: the second), with bands."""
    folds = correct_and_folds(runs)[1]
    scores = np.stack([run.probabilities for run in runs])
    said = []
    with _axes("1 - specificity (false-positive rate)", "sensitivity") as (figure, axis):
        for number, (k, name) in enumerate(_positive(cases)):
            truth = (cases.labels == k).astype(int)
            auc = out_of_fold_auc(truth, scores[..., k], folds, cases.groups)
            band = roc_band(truth, scores[..., k], folds, cases.groups)
            said.append(f"{name}: AUC {auc.estimate:.2f} ({auc.low:.2f} to {auc.high:.2f})")
            rate, colour = band.false_positive_rate, plots.COLOURS[number % len(plots.COLOURS)]
            dash = ("-", "--", "-.", ":")[number % 4]
            axis.plot(rate, band.sensitivity, dash, color=colour, label=said[-1])
            axis.fill_between(rate, band.low, band.high, color=colour, alpha=0.18, linewidth=0)
        axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="chance")
        axis.legend(loc="lower right", fontsize=8)
        title = f"ROC of {model}"
        note = f"{_count(runs, cases)}; band: 95 % at each rate"
        _entitle(axis, title, note)
    middle = band.sensitivity[np.abs(rate - 0.5).argmin()]
    words = (
        f"Line plot, both axes from 0 to 1. {'; '.join(said)}, with 95 % intervals. Dotted "
        f"diagonal: chance. At half of the false positives the last curve stands at {middle:.2f}. "
        f"{note}."
    )
    return Described(figure, title, words)


def calibration_figure(runs: Sequence[CrossValidation], cases: Cohort, model: str) -> Described:
    """Return observed shares against predicted probabilities of the first repeat, by fifths."""
    given = runs[0].probabilities
    said = []
    with _axes("predicted probability", "observed share") as (figure, axis):
        for number, (k, name) in enumerate(_positive(cases)):
            truth = (cases.labels == k).astype(int)
            bins = metrics.calibration(truth, given[:, k], bins=BINS).bins
            plots.reliability(axis, bins, name, number % len(plots.COLOURS))
            pairs = zip(bins.predicted, bins.observed, strict=True)
            said.append(f"{name}: " + ", ".join(f"{p:.2f} and {o:.2f}" for p, o in pairs))
        axis.legend(loc="upper left", fontsize=8)
        title = f"Calibration of {model}"
        each = round(len(cases) / BINS)
        note = f"{_count(runs[:1], cases)}; about {each} cases a point, 95 % (Wilson)"
        _entitle(axis, title, note)
    words = (
        "Points with vertical intervals beside a dotted diagonal, on which probabilities would be "
        f"right. Predicted and observed of {'; of '.join(said)}. {note}."
    )
    return Described(figure, title, words)


def svg_of(described: Described) -> bytes:
    """Return the figure as SVG with <title> and <desc>, the same bytes each time."""
    buffer = BytesIO()
    with plt.rc_context({"svg.hashsalt": "medlib"}):
        described.figure.savefig(buffer, format="svg", metadata={"Date": None})
    start, _, rest = buffer.getvalue().decode().partition("<svg ")
    inside, _, rest = rest.partition(">")
    told = (
        f'<svg role="img" aria-labelledby="title description" {inside}>\n'
        f' <title id="title">{escape(described.title)}</title>\n'
        f' <desc id="description">{escape(described.description)}</desc>'
    )
    return (start + told + rest).encode()


def png_of(described: Described) -> bytes:
    """Return the figure as PNG; title and description are in its text."""
    buffer = BytesIO()
    words = {"Title": described.title, "Description": described.description, "Software": None}
    described.figure.savefig(buffer, format="png", dpi=RESOLUTION, metadata=words)
    return buffer.getvalue()


@contextmanager
def _axes(across: str, up: str) -> Iterator[tuple[Figure, Axes]]:
    """Yield a square figure in the house's style, which no display shows by itself."""
    with plt.rc_context():
        plots.style()
        figure, axis = plt.subplots(figsize=(SIDE, SIDE))
        yield figure, axis
        axis.set(xlabel=across, ylabel=up, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        figure.canvas.draw()
        plt.close(figure)


def _entitle(axis: Axes, title: str, note: str) -> None:
    axis.set_title(f"{title}\n", fontsize=10)
    axis.text(0.5, 1.02, note, transform=axis.transAxes, ha="center", fontsize=7.5)


def _positive(cases: Cohort) -> list[tuple[int, str]]:
    """Return number and name of each class that is held against the rest; of two, the second."""
    numbered = list(enumerate(cases.classes))
    return numbered[1:] if len(numbered) == 2 else numbered


def _count(runs: Sequence[CrossValidation], cases: Cohort) -> str:
    patients = len(np.unique(cases.groups))
    repeats = f", mean of {len(runs)} repeats" if len(runs) > 1 else ", first repeat"
    return f"n = {len(cases)} cases of {patients} patients{repeats}"
