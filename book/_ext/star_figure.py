"""The figure of the front page: a printed 92 % +- 2 % among all that five folds of ten can give.

``{{ star_figure }}``: drawn from `results/*/02_reported_numbers.json`, with the verdict of
`medlib grim` as its caption.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import drawn
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib import plots
from medlib.consistency import every_result
from medlib.consistency.report.examination import examine
from medlib.results import Results, read

CHAPTER: Final = "02_reported_numbers"
COHORTS: Final = {"phantom-chest-ct": "simulated patients", "iq-oth-nccd": "real CT (IQ-OTH/NCCD)"}
"""Whose studies are shown, and what they are called."""
CLAIM: Final = (0.92, 0.02)

Studies = Mapping[str, Sequence[tuple[float, float]]]


def studies(root: Path) -> Studies:
    """Accuracy and SD over the folds of every study that the chapter ran, by its patients."""
    found = {
        said: read(root / "results" / cohort / f"{CHAPTER}.json")
        for cohort, said in COHORTS.items()
    }
    return {
        f"{len(_list(run, 'draws_accuracies'))} studies of {said}": list(
            zip(_list(run, "draws_accuracies"), _list(run, "draws_fold_sds"), strict=True)
        )
        for said, run in found.items()
    }


def _list(run: Results, key: str) -> list[float]:
    value = run[key].value
    if not isinstance(value, list):
        raise ValueError(f"{key} of {run.notebook} is no list; show another number")
    return value


def html(root: Path) -> str:
    """The figure, its description and its caption."""
    figure = Figure(figsize=(5.4, 4.2), layout="constrained")
    shown = studies(root)
    axis = figure.add_subplot()
    axis.spines[["top", "right"]].set_visible(False)
    plots.against_possible(axis, every_result(5, 10), shown, CLAIM)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return drawn.html(figure, "fig-star", description(shown), caption(shown))


def caption(shown: Studies) -> str:
    """The verdict on the printed numbers, and what the dots are."""
    verdict = examine(n=50, folds=5, mean="92%", sd="2%").verdict
    return (
        f"{verdict} The star is what the paper printed, if it meant the SD over the folds; small "
        f"grey dots are all results that can be; the large ones are {' and '.join(shown)}, each of "
        "fifty cases, run for this book."
    )


def description(shown: Studies) -> str:
    """For a reader who cannot see it."""
    gap = 100 * min(sd for _, sd in every_result(5, 10) if sd > 0)
    lowest = 100 * min(sd for pairs in shown.values() for _, sd in pairs)
    return (
        "Standard deviation over the folds against mean accuracy. A star at 92 and 2 percent lies "
        f"alone in a grey band between 0 and {gap:.1f} percent where no result can lie; the dots "
        f"of {' and '.join(shown)} lie above it, the lowest at {lowest:.1f} percent."
    )


def fill(app: Sphinx, config: Config) -> None:
    """Give pages the figure."""
    config.myst_substitutions = {
        **config.myst_substitutions,
        "star_figure": html(Path(app.srcdir)),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
