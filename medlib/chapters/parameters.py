"""Parameters of a chapter: read from its text, converted, and held to what can be run."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

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

SEEDS: Final = (0, 2**32 - 1)  # what numpy's older generator, which scikit-learn uses, can take
SPREADS: Final = (2, math.inf)  # there is no spread over fewer than two
SIDES: Final = (32, 1024)  # pixels: networks shrink an image 32-fold; more than 1024 fills memory
INSIDE: Final = (1e-4, 0.9999)  # a share that is neither none nor all
LIMITS: Final[dict[str, tuple[float, float]]] = {
    "seed": SEEDS,
    "folds": SPREADS,
    "inner_folds": SPREADS,
    "draws": SPREADS,
    "repeats": SPREADS,
    "network_repeats": SPREADS,
    "12_handmade_or_deep.folds": (3, math.inf),  # its out-of-fold test needs three
    "08_significance.repeats": (5, math.inf),  # five of them are compared with all
    "04_resnet50_cv.folds": (3, math.inf),  # its intervals need three
    "08_significance.folds": (5, 5),  # its tests are those of 5 and 5 x 5 folds
    "08_significance.per_class": (5, math.inf),  # so that each class fills the folds
    "08_significance.pool_per_class": (5, math.inf),
    "02_reported_numbers.pool_per_class": (5, math.inf),
    "05_multiverse.per_class": (10, math.inf),  # some analyses have ten folds
    "05_multiverse.pool_per_class": (10, math.inf),
    "21_usefulness.folds": (3, math.inf),
    "network_draws": SPREADS,
    "test_share": INSIDE,
    "planned_auc": (0.501, 0.999),
    "planned_prevalence": INSIDE,
    "repeated_draws": SPREADS,
    "toy_repeats": SPREADS,
    "toy_runs": SPREADS,
    "feature_runs": SPREADS,
    "image_size": SIDES,
    "frozen_size": SIDES,
    "batch_size": (2, math.inf),  # batch normalisation needs two
    "levels": (2, 256),
    "learning_rate": (1e-8, 1),  # beyond 1 the weights overflow
    "scan_noise": (0, math.inf),
    "watts_per_core": (1e-3, math.inf),
    "prevalence": INSIDE,
    "threshold": INSIDE,
    "margin": INSIDE,
    "readers": SPREADS,
    "reader_cases": (20, math.inf),  # ten of each class: fewer hardly rank
}
"""Least and greatest value by name, in every chapter or in one; other numbers are at least 1."""

ZERO: Final = {
    "03_cohort.per_class": "all",
    "04_resnet50_cv.per_class": "all",
    "04_resnet50_cv.image_size": "auto",
}
"""What 0 means, beside the limits, and what a reader may write for it."""

CHOICES: Final = {"network": ("resnet18", "resnet50")}  # chapter 4 looks into their last stage


def declared_parameters(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Name and type ("str", "int", "float", "bool") of each line of the `parameters` cell."""
    found = {}
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            for line in ast.parse(cell.source).body:
                if isinstance(line, ast.AnnAssign):
                    found[ast.unparse(line.target)] = ast.unparse(line.annotation)
    return found


def check_parameters(
    name: str, notebook: nbformat.NotebookNode, given: Mapping[str, str]
) -> dict[str, Any]:
    """The given texts as values of the declared types.

    Raises InputError for a parameter that is misspelt, of the wrong type, or beyond its limits.
    """
    known = declared_parameters(notebook)
    values = {
        key: _convert(name, key, _digits(name, key, text), known) for key, text in given.items()
    }
    for key, value in values.items():
        if value not in CHOICES.get(key, (value,)):
            choices = ", ".join(CHOICES[key])
            raise InputError(f"parameter '{key}' of {name} is one of {choices}, not '{value}'")
        if isinstance(value, int | float) and not isinstance(value, bool):
            _check_limits(name, key, value, known[key])
    return values


def _convert(name: str, key: str, text: str, known: Mapping[str, str]) -> Any:
    if key not in known:
        hint = did_you_mean(key, known, f"it takes: {', '.join(known)}")
        raise InputError(f"{name} has no parameter '{key}'; {hint}")
    kind = known[key]
    try:
        return TRUTH[text.lower()] if kind == "bool" else TYPES[kind](text)
    except (ValueError, KeyError) as error:
        raise InputError(
            f"parameter '{key}' of {name} takes {PLAIN[kind]} ({kind}), not '{text}'"
        ) from error


def _digits(name: str, key: str, text: str) -> str:
    """Read the word that stands for 0, where there is one."""
    return "0" if text.strip().lower() == ZERO.get(f"{name}.{key}") else text


def _check_limits(name: str, key: str, value: float, kind: str) -> None:
    low, high = _limits(name, key)
    if value == 0 and f"{name}.{key}" in ZERO:
        return
    if math.isfinite(value) and low <= value <= high:
        return
    limits = f"of at least {low}" if high == math.inf else f"from {low} to {high}"
    raise InputError(f"parameter '{key}' of {name} takes {PLAIN[kind]} {limits}, not {value}")


def _limits(name: str, key: str) -> tuple[float, float]:
    return LIMITS.get(f"{name}.{key}", LIMITS.get(key, (1, math.inf)))


def limits_in_words(name: str, key: str, kind: str) -> str:
    """What a parameter of a chapter may be: "at least 2", "32 to 1024", or choices; or nothing."""
    if key in CHOICES:
        return " or ".join(CHOICES[key])
    if kind not in ("int", "float"):
        return ""
    low, high = _limits(name, key)
    if low == high:
        return f"{low} only"
    word = ZERO.get(f"{name}.{key}")
    return (f"at least {low}" if high == math.inf else f"{low} to {high}") + (
        f", or {word}" if word else ""
    )
