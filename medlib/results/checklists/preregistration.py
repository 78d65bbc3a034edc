"""A form to fill in before a study: what has to be fixed, and what can be computed beforehand.

The questions are kept as data beside this file (`preregistration.yml`). `form` gives the page; with
a `Plan` it holds the sizes and widths that medlib can work out, the rest stays open for the author.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from medlib import statistics
from medlib.errors import InputError
from medlib.results.markdown import table
from medlib.statistics.auc import score_ends

OPEN: Final = "____"
"""What the author still has to write."""
HEADER: Final = ("item", "fix before the first result", "why", "answer")
"""Columns of the form."""
POWER: Final = 0.8
"""Share of studies that should find what is there: four of five."""


@dataclass(frozen=True)
class Item:
    """One thing to fix: its number, the question, what goes wrong without, what can be computed."""

    id: str
    fix: str
    why: str
    fill: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is expected of a study; None where nothing is, and then nothing is computed from it.

    Attributes: patients; prevalence (positive share among them); accuracy, sensitivity, auc
    (expected); parameters (candidates that the model fits: for a network those of its last layer,
    at the least); discordant (share of patients on which exactly one of two models is right);
    margin (loss that would matter).
    """

    patients: int
    prevalence: float
    accuracy: float | None = None
    sensitivity: float | None = None
    auc: float | None = None
    parameters: int | None = None
    discordant: float | None = None
    margin: float | None = None

    @property
    def positives(self) -> int:
        """Return how many patients are expected to be positive."""
        return round(self.patients * self.prevalence)


@cache
def sections() -> dict[str, tuple[Item, ...]]:
    """The items of the form by section, in order."""
    text = (files(__package__) / "preregistration.yml").read_text(encoding="utf-8")
    return {
        section["name"]: tuple(
            Item(**{**item, "fill": tuple(item.get("fill", ()))}) for item in section["items"]
        )
        for section in yaml.safe_load(text)["sections"]
    }


def form(plan: Plan | None = None) -> str:
    """The form as Markdown, one table a section; with a plan, what can be computed is filled in.

    Raises InputError for a plan whose numbers are impossible, as the functions of `statistics` do.
    """
    answers = {} if plan is None else computed(plan)
    parts = [INTRODUCTION]
    for name, items in sections().items():
        rows = [(item.id, item.fix, item.why, _answer(item, answers)) for item in items]
        parts += [f"## {name}", table(HEADER, rows)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _answer(item: Item, answers: dict[str, str]) -> str:
    found = [answers[name] for name in item.fill if name in answers]
    return "; ".join([*found, OPEN])


def computed(plan: Plan) -> dict[str, str]:
    """What can be worked out from a plan, by the name that items ask for it.

    Raises InputError as `form` does.
    """
    positives = plan.positives
    if not 0 < positives < plan.patients:
        raise InputError(
            f"patients = {plan.patients} with prevalence = {plan.prevalence:g} leaves a class "
            "without patients; plan for both."
        )
    told = {name: of(plan) for name, of in COMPUTED.items()}
    return {name: text for name, text in told.items() if text is not None}


def _patients(plan: Plan) -> str:
    return (
        f"{plan.patients} patients, {plan.positives} positive and "
        f"{plan.patients - plan.positives} negative"
    )


def _accuracy_width(plan: Plan) -> str | None:
    return _width("accuracy", plan.accuracy, plan.patients)


def _sensitivity_width(plan: Plan) -> str | None:
    return _width("sensitivity", plan.sensitivity, plan.positives)


def _width(name: str, expected: float | None, n: int) -> str | None:
    if expected is None:
        return None
    span = statistics.proportion_interval(round(n * expected), n)
    return (
        f"{name} {span.estimate:.2f}: {span.low:.2f} to {span.high:.2f} (Wilson, one fixed model)"
    )


def _auc_width(plan: Plan) -> str | None:
    if plan.auc is None:
        return None
    low, high = score_ends(plan.auc, plan.positives, plan.patients - plan.positives, 0.95)
    return f"AUC {plan.auc:.2f}: {low:.2f} to {high:.2f} (Newcombe, one fixed model)"


def _detectable(plan: Plan) -> str | None:
    if plan.discordant is None:
        return None
    found = statistics.detectable_difference(plan.patients, plan.discordant, power=POWER)
    return (
        f"{found:.2f} in accuracy, where the models disagree on {plan.discordant:g} of patients "
        "(exact McNemar, two-sided 0.05)"
    )


def _margin(plan: Plan) -> str | None:
    if plan.margin is None or plan.discordant is None:
        return None
    each = plan.discordant / 2
    size = statistics.sample_size_margin_test(each, each, margin=plan.margin, power=POWER)
    return (
        f"{plan.margin:g}: needs {size.n} patients if the models are equally good and disagree on "
        f"{plan.discordant:g} (Tango, one-sided 0.025)"
    )


def _development(plan: Plan) -> str | None:
    if plan.parameters is None or plan.auc is None:
        return None
    sizes = statistics.sample_size_for_development(
        plan.parameters, prevalence=plan.prevalence, auc=plan.auc
    )
    return str(sizes)


def _validation(plan: Plan) -> str | None:
    if plan.auc is None:
        return None
    return str(statistics.sample_size_for_validation(prevalence=plan.prevalence, auc=plan.auc))


COMPUTED: Final[dict[str, Callable[[Plan], str | None]]] = {
    "patients": _patients,
    "accuracy_width": _accuracy_width,
    "sensitivity_width": _sensitivity_width,
    "auc_width": _auc_width,
    "detectable": _detectable,
    "margin": _margin,
    "development": _development,
    "validation": _validation,
}
"""What can be worked out from a plan, by the name items ask for it; None where it lacks a guess."""

INTRODUCTION: Final = """\
# Plan of the study, fixed before its first result

Fill in every `____`, put a date to it, and lay it down where it cannot be changed unseen: a
registry, or a commit that others hold. What was computed beforehand says what to expect if the
guesses behind it are right; with cross-validation, or where training fails by seed, intervals are
wider. An item that does not apply is answered with "no", and why.
"""
"""How the form begins."""
