"""Parameters of a chapter: read from its text, converted, and held to what can be run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from medlib.chapters.contents import Parameter, parameters_of
from medlib.chapters.limits import Limits
from medlib.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import nbformat

TYPES: Final[dict[str, type]] = {"str": str, "int": int, "float": float, "bool": bool}
"""The types a parameter may have, by their names."""
PLAIN: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
"""The same types in a reader's words."""
TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""How a reader may write true and false."""

SEEDS: Final = Limits(0, 2**32 - 1)  # numpy's older generator, which scikit-learn uses
SPREADS: Final = Limits(2)  # there is no spread over fewer than two
SIDES: Final = Limits(32, 1024)  # networks shrink an image 32-fold; more pixels fill memory
INSIDE: Final = Limits(1e-4, 0.9999)  # a share that is neither none nor all
LIMITS: Final = {
    "seed": SEEDS,
    "folds": SPREADS,
    "inner_folds": SPREADS,
    "draws": SPREADS,
    "repeats": SPREADS,
    "network_repeats": SPREADS,
    "network_draws": SPREADS,
    "test_share": INSIDE,
    "planned_auc": Limits(0.501, 0.999),
    "planned_prevalence": INSIDE,
    "repeated_draws": SPREADS,
    "toy_repeats": SPREADS,
    "toy_runs": SPREADS,
    "feature_runs": SPREADS,
    "image_size": SIDES,
    "frozen_size": SIDES,
    "batch_size": Limits(2),  # batch normalisation needs two
    "levels": Limits(2, 256),
    "learning_rate": Limits(1e-8, 1),  # beyond 1 the weights overflow
    "scan_noise": Limits(0),
    "watts_per_core": Limits(1e-3),
    "prevalence": INSIDE,
    "threshold": INSIDE,
    "margin": INSIDE,
    "readers": SPREADS,
    "least_at_site": SPREADS,  # fewer patients of a class have no spread
    "reader_cases": Limits(20),  # ten of each class: fewer hardly rank
}
"""Limits by name, in every chapter whose own cell says nothing else; other numbers: at least 1."""


def declared_parameters(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Name and type ("str", "int", "float", "bool") of each line of the `parameters` cell."""
    return {each.name: each.kind for each in _declared(notebook)}


def check_parameters(
    name: str, notebook: nbformat.NotebookNode, given: Mapping[str, str]
) -> dict[str, Any]:
    """The given texts as values of the declared types.

    Raises InputError for a parameter that is misspelt, of the wrong type, or beyond its limits.
    """
    known = {each.name: each for each in _declared(notebook)}
    for key in given:
        if key not in known:
            hint = did_you_mean(key, known, f"it takes: {', '.join(known)}")
            raise InputError(f"{name} has no parameter '{key}'; {hint}")
    return {key: _checked(name, known[key], text) for key, text in given.items()}


def _declared(notebook: nbformat.NotebookNode) -> Iterator[Parameter]:
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            yield from parameters_of(cell.source)


def _checked(name: str, parameter: Parameter, text: str) -> Any:
    """The value of one text, within its limits."""
    limits, said = limits_of(parameter), f"parameter '{parameter.name}' of {name}"
    if limits is None:
        return _convert(said, parameter, text)
    if limits.choices:
        if text not in limits.choices:
            raise InputError(f"{said} is one of {', '.join(limits.choices)}, not '{text}'")
        return text
    word_for_zero = limits.word and text.strip().lower() == limits.word
    value = _convert(said, parameter, "0" if word_for_zero else text)
    if not limits.hold(value):
        low, high, kind = limits.low, limits.high, PLAIN[parameter.kind]
        ends = f"of at least {low}" if high == math.inf else f"from {low} to {high}"
        raise InputError(f"{said} takes {kind} {ends}, not {value}")
    return value


def _convert(said: str, parameter: Parameter, text: str) -> Any:
    kind = parameter.kind
    try:
        return TRUTH[text.lower()] if kind == "bool" else TYPES[kind](text)
    except (ValueError, KeyError) as error:
        raise InputError(f"{said} takes {PLAIN[kind]} ({kind}), not '{text}'") from error


def limits_of(parameter: Parameter) -> Limits | None:
    """What a parameter may be: as its chapter says, else as every chapter has it.

    None for text without choices, and for true or false. `str` tells it in words.
    """
    if parameter.limits or parameter.kind not in ("int", "float"):
        return parameter.limits
    return LIMITS.get(parameter.name, Limits())
