"""How a chapter opens: its data, its cases, and where its numbers go."""

import ast
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from medlib.chapters import catalogue
from medlib.cohorts import Cohort, is_simulated, load
from medlib.errors import InputError
from medlib.results import Results

SOURCES: Final = ("cohort", "classes", "test", "predictions", "resnet50")
"""Parameters that say where data come from: the identity of the cohort is recorded instead."""


class Opening(NamedTuple):
    """What a chapter starts from.

    `pool` is all the data hold, `cases` what was drawn from it, `results` the numbers to come.
    """

    pool: Cohort
    cases: Cohort
    results: Results


def begin(
    name: str,
    here: Mapping[str, Any],
    *,
    of_pool: bool = False,
    copies: bool = True,
    several: bool = False,
    **made: Any,
) -> Opening:
    """Load a chapter's cohort, draw its cases, and open its results, by its own parameters.

    `name` is the chapter's ("04_resnet50_cv"), `here` its `globals()`, which hold the parameters.
    `made` says which simulated patients to make, `pool_per_class` of a class if nothing else; a
    real set gives all it has. Where the chapter has a parameter `per_class`, `cases` are so many
    patients a class, one image each, drawn by `seed`; else the pool. `of_pool`: the results name
    the pool as their patients, not the cases. `several` allows more than two classes, and keeps
    all where none are named. `copies=False` leaves out images equal to one before.
    Raises InputError as `load` and `Cohort.draw` do.
    """
    whole = whole_cohort(here, several=several, **made)
    pool = whole if copies else whole.without_copies()
    cases = pool.draw(here["per_class"], seed=here["seed"]) if "per_class" in here else pool
    return Opening(pool, cases, results_of(name, pool if of_pool else cases, here))


def whole_cohort(here: Mapping[str, Any], *, several: bool = False, **made: Any) -> Cohort:
    """The cohort that the parameters `cohort`, `classes` and `seed` name, whole: see `begin`."""
    made = made or {"per_class": here["pool_per_class"]}
    classes, chosen = here["classes"] or None, made if is_simulated(here["cohort"]) else {}
    return load(here["cohort"], classes=classes, seed=here["seed"], several=several, **chosen)


def results_of(name: str, cases: Cohort, here: Mapping[str, Any], **more: Any) -> Results:
    """The results of a chapter on these cases, with its parameters as they stand in `here`.

    `more` are further numbers that decide what comes out, such as the precision of networks.
    Raises InputError where a parameter has been deleted from `here`.
    """
    known = [key for key in parameter_names(name) if key not in SOURCES]
    if gone := [key for key in known if key not in here]:
        raise InputError(f"{name} has lost its parameter '{gone[0]}'; run its first cell again")
    return Results(name, cases.identity(), {key: here[key] for key in known} | more)


def parameter_names(name: str) -> list[str]:
    """Names in the cell of parameters of a chapter, as its text has them."""
    text = catalogue.text_path(name).read_text(encoding="utf-8")
    cell = re.split(r":tags: \[parameters\b[^\]]*\]\n", text, maxsplit=1)[-1].split("\n```", 1)[0]
    lines = ast.parse(cell).body
    return [ast.unparse(line.target) for line in lines if isinstance(line, ast.AnnAssign)]
