"""Reporting checklists in the book, filled from one chapter's committed results.

- ``{{ checklists["reforms"].filled }}``: its tables, one a section, for the run on simulated data.
- ``{{ checklists["reforms"].differs }}``: the items that the run on real data answers otherwise.
- ``{{ checklists["reforms"].about }}``: source, count, and how sure the list is.
- ``{{ checklist_overview }}``: how much of each guideline the run fills.
- ``{{ preregistration }}``: the form to fill in before a study, computed for the text's fifty.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.results import Results, read
from medlib.results.checklists import NAMES, answers, differences, guideline, overview, tables
from medlib.results.checklists.preregistration import Plan, form
from medlib.results.markdown import plain, table

CHAPTER = "04_resnet50_cv"
PLAN = Plan(patients=50, prevalence=0.5, accuracy=0.92, discordant=0.2, margin=0.05)
"""The study of the source text, as it might have been planned."""
SIMULATED = "phantom-chest-ct"
REAL = "iq-oth-nccd"


def differing(key: str, simulated: Results, real: Results) -> str:
    """What the two runs say to each item they answer otherwise."""
    header = ["item", "topic", *(f"on {plain(r.cohort['name'])}" for r in (simulated, real))]
    rows = [
        [first.item.id, first.item.topic, *(f"{a.says} ({a.row[3]})" for a in (first, second))]
        for first, second in differences(key, simulated, real)
    ]
    return table(header, rows)


def page(key: str, simulated: Results, real: Results) -> dict[str, str]:
    """The parts of one guideline's page."""
    its = guideline(key)
    return {
        "about": f"{{cite:t}}`{its.cite}`: {its.count}, for {its.scope}. {its.known}",
        "filled": tables(answers(key, simulated)),
        "differs": differing(key, simulated, real),
    }


def fill(app: Sphinx, config: Config) -> None:
    """Give the pages the checklists."""
    results = Path(app.srcdir) / "results"
    simulated, real = (read(results / name / f"{CHAPTER}.json") for name in (SIMULATED, REAL))
    config.myst_substitutions = {
        **config.myst_substitutions,
        "checklists": {key: page(key, simulated, real) for key in NAMES},
        "checklist_overview": overview(simulated),
        "checklist_overview_real": overview(real),
        "preregistration": form(PLAN).partition("\n")[2],  # the page has a heading of its own
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill, priority=600)  # after the results' pages
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
