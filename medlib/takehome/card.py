"""The card of a model, `model.json`: what it is, takes, learned from, reaches and is not for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import medlib
from medlib.cohorts.cohort import Cohort
from medlib.learning.crossval import CrossValidation, correct_and_folds
from medlib.learning.learner import Learner
from medlib.statistics import out_of_fold_auc, out_of_fold_interval
from medlib.statistics.outcome import Interval
from medlib.statistics.threshold import THRESHOLD
from medlib.takehome.likeness import false_alarms
from medlib.takehome.weights import FEATURES, FittedModel, settings_of

NOT_A_DEVICE: Final = (
    "This is not a medical device. Teaching and research software: do not use it to decide about "
    "a patient."
)
PERFORMANCE: Final = (
    "Of the cross-validation, whose models each learned from part of the cases. This model learned "
    "from all of them and was tested on none: these numbers estimate what it reaches on new "
    "patients of the same kind, and do not measure it."
)
STEPS: Final = (
    "grey levels as the files hold them, in the units above",
    "padded to a square, on both sides of the shorter axis, with the image's own lowest level",
    "resized to the size above with an antialiasing triangle filter (Pillow's BILINEAR)",
)
WARNING: Final = (
    "An image is called unlike the training images where its Mahalanobis distance (covariance "
    "shrunk by Ledoit and Wolf) among features of a frozen EfficientNet-Lite0 or among the means "
    "of 8 x 8 parts, or its grey levels (mean, SD, percentiles, in SD), exceed what training "
    "images of held-out patients reach. An image without a warning can still be one that the "
    "model is wrong about."
)
PRECISION: Final = (
    "Computed again with the same versions on the same kind of processor, scores are the same "
    "to the last digit for a trained network, and to a millionth for frozen features. On other "
    "processors expect differences up to 0.00001 in fp32 and 0.005 in bf16 (seen with AVX2 and SSE "
    "in place of AVX-512: 0.000004 and 0.0008)."
)
LICENCES: Final = {
    FEATURES: "EfficientNet-Lite0's ImageNet weights: Apache 2.0 (not in this file)",
}


def card_of(
    learner: Learner,
    fitted: FittedModel,
    runs: Sequence[CrossValidation],
    cases: Cohort,
    *,
    seed: int,
    source: str,
) -> dict[str, Any]:
    """Return the card of a model that was fitted on all cases, ready for JSON.

    `runs`: repeats of its cross-validation. `source`: the cohort as it was asked for, of which
    the kind is kept and the place is not.
    """
    settings = settings_of(learner, fitted)
    return {
        "not_a_medical_device": NOT_A_DEVICE,
        "made_by": f"medlib {medlib.__version__}",
        "classes": list(cases.classes),
        "threshold": THRESHOLD,
        "decision": _decision(cases.classes),
        "input": input_of(learner, settings, cases, source),
        "performance": performance(runs, cases) | {"what": PERFORMANCE},
        "training_data": cases.identity(),
        "model": settings | {"seed": seed, "fitted_on": "all cases of training_data"},
        "warning": {"what": WARNING, "false_alarms": round(false_alarms(len(cases)), 3)},
        "precision": PRECISION,
        "licence": licence(settings["kind"], cases),
        "versions": _versions(),
    }


def input_of(
    learner: Learner, settings: Mapping[str, Any], cases: Cohort, source: str
) -> dict[str, Any]:
    """Return units, black and white, size and steps from a file to what the model takes."""
    known = {"modality": cases.modality, "units": cases.units, "size": learner.size}
    known["black_and_white"] = list(cases.grey_range)
    last = (
        {"window": settings["window"], "last_step": "grey levels mapped from window to 0..1"}
        if settings["kind"] == FEATURES
        else {
            "normaliser": settings["normaliser"],
            "last_step": "clipped to low..high, minus mean, divided by sd",
        }
    )
    return known | {"steps": list(STEPS)} | last | _dicom_slice(source, cases)


def performance(runs: Sequence[CrossValidation], cases: Cohort) -> dict[str, Any]:
    """Return accuracy, and AUC of each class (of two: the second), with 95 % intervals."""
    correct, folds = correct_and_folds(runs)
    binary = len(cases.classes) == 2
    accuracy = out_of_fold_interval(
        correct, folds, cases.groups, labels=cases.labels if binary else None
    )
    found: dict[str, Any] = {"accuracy": _as_json(accuracy)}
    if binary:
        scores = [run.scores for run in runs]
        auc = out_of_fold_auc(cases.labels, scores, folds, cases.groups)
        found["auc"] = _as_json(auc)
    return found


def licence(kind: str, cases: Cohort) -> dict[str, str]:
    """Return whose rights lie on the model: the images' go before any of ours."""
    return {
        "images": f"{cases.licence}. {cases.citation}".strip(),
        "model": "made from the images above: what their licence says of derived works holds",
        "code": "MIT (medlib)",
        **({"features": LICENCES[kind]} if kind in LICENCES else {}),
    }


def _as_json(interval: Interval) -> dict[str, Any]:
    ends = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
    rounded = {name: round(float(value), 4) for name, value in ends.items()}
    return rounded | {"confidence": interval.confidence, "basis": interval.basis}


def _decision(classes: Sequence[str]) -> str:
    if len(classes) == 2:
        return f"{classes[1]} where its score is above {THRESHOLD:g}, else {classes[0]}"
    return "the class with the highest score"


def _dicom_slice(source: str, cases: Cohort) -> dict[str, str]:
    """Return which slice of a series was an image: `medlib predict` takes the same."""
    if not source.startswith("dicom:") or "series_uid" not in cases.table:
        return {}
    given = dict(parse_qsl(source.partition("?")[2]))
    one_each = cases.table.series_uid.is_unique
    return {"dicom_slice": given.get("slice", "middle") if one_each else "all"}


def _versions() -> dict[str, str]:
    import numpy
    import sklearn
    import timm
    import torch

    modules = {"numpy": numpy, "scikit-learn": sklearn, "timm": timm, "torch": torch}
    found = {name: str(module.__version__) for name, module in modules.items()}
    return {"python": ".".join(map(str, sys.version_info[:2])), **found}
