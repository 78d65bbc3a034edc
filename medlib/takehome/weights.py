"""Fitted models as named tensors and plain settings, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Final

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.errors import InputError
from medlib.imaging import Normaliser
from medlib.learning.frozen import FeatureLearner, FittedFeatures
from medlib.learning.learner import Learner, Report
from medlib.learning.network import PREDICTED_AT_ONCE, FittedNetwork, NetworkLearner
from medlib.models.classifiers import build
from medlib.models.matmul import use_matmul
from medlib.types import Array, Images, Labels, Probabilities

Tensors = dict[str, Array]
FittedModel = FittedNetwork | FittedFeatures

NETWORK: Final = "trained network"
FEATURES: Final = "logistic regression on features of a frozen network"


def fit_on_all(
    learner: Learner, images: Images, labels: Labels, *, seed: int, report: Report
) -> FittedModel:
    """Return the learner fitted on all images there are.

    Raises InputError for a learner that is neither a network nor frozen features.
    """
    if not isinstance(learner, NetworkLearner | FeatureLearner):
        raise InputError(
            f"A {type(learner).__name__} cannot be stored: take a NetworkLearner or a "
            "FeatureLearner."
        )
    return learner.fit(images, labels, seed=seed, report=report)


def settings_of(learner: Learner, fitted: FittedModel) -> dict[str, Any]:
    """Return kind, settings and what was learned beside tensors, ready for JSON."""
    assert is_dataclass(learner)
    assert not isinstance(learner, type)
    settings = asdict(learner) | {"precision": fitted.precision}
    if settings.get("start") is not None:
        settings["start"] = settings["start"].sha256  # where training began, for the record
    if isinstance(fitted, FittedNetwork):
        return {"kind": NETWORK, **settings, "normaliser": asdict(fitted.normaliser)}
    return {"kind": FEATURES, **settings, "window": [float(end) for end in fitted.window]}


def tensors_of(fitted: FittedModel) -> Tensors:
    """Return the tensors of a fitted model by name; those of a network have timm's names."""
    if isinstance(fitted, FittedNetwork):
        state = fitted.module.state_dict()
        return {name: tensor.detach().contiguous().numpy() for name, tensor in state.items()}
    scaler, regression = (step for _, step in fitted.pipeline.steps)
    return {
        "scaler.mean": scaler.mean_,
        "scaler.scale": scaler.scale_,
        "regression.weights": regression.coef_,
        "regression.intercept": regression.intercept_,
    }


def rebuilt(settings: Mapping[str, Any], tensors: Tensors, classes: int) -> FittedModel:
    """Return the fitted model of `settings_of` and `tensors_of`.

    Raises KeyError or TypeError for settings that are missing, InputError for an unknown network,
    and ValueError for tensors that do not fit the settings.
    """
    if settings["kind"] == NETWORK:
        return _network(settings, tensors, classes)
    if settings["kind"] == FEATURES:
        return _features(settings, tensors, classes)
    raise ValueError(f"the kind of model is {settings['kind']!r}")


def probabilities(fitted: FittedModel, images: Images) -> Probabilities:
    """Return `fitted.predict(images)`, for each image the same whatever images stand beside it.

    Sums of products are taken in another order for another number of images at once, and differ
    in their last digits; so a network is always given PREDICTED_AT_ONCE, the last ones repeated.
    """
    if not isinstance(fitted, FittedNetwork):
        return fitted.predict(images)
    missing = -len(images) % PREDICTED_AT_ONCE
    return fitted.predict(np.concatenate([images, *[images[-1:]] * missing]))[: len(images)]


def _network(settings: Mapping[str, Any], tensors: Tensors, classes: int) -> FittedNetwork:
    module = use_matmul(build(settings["network"], classes=classes, seed=0))
    try:
        module.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    except RuntimeError as error:
        raise ValueError(" ".join(str(error).split())) from error
    module.eval()
    normaliser = Normaliser(**settings["normaliser"])
    return FittedNetwork(module, normaliser, int(settings["size"]), settings["precision"])


def _features(settings: Mapping[str, Any], tensors: Tensors, classes: int) -> FittedFeatures:
    low, high = settings["window"]
    learner = FeatureLearner(
        settings["network"], int(settings["size"]), settings["C"], (float(low), float(high))
    )
    scaler, regression = StandardScaler(), LogisticRegression(C=learner.C)
    scaler.mean_, scaler.scale_ = tensors["scaler.mean"], tensors["scaler.scale"]
    regression.coef_ = tensors["regression.weights"]
    regression.intercept_ = tensors["regression.intercept"]
    _require_shapes(tensors, classes)
    scaler.var_ = scaler.scale_**2
    regression.classes_ = np.arange(classes)
    scaler.n_features_in_ = regression.n_features_in_ = len(scaler.mean_)
    return FittedFeatures(learner, (float(low), float(high)), make_pipeline(scaler, regression))


def _require_shapes(tensors: Tensors, classes: int) -> None:
    features = len(tensors["scaler.mean"])
    rows = 1 if classes == 2 else classes
    expected = {
        "scaler.mean": (features,),
        "scaler.scale": (features,),
        "regression.weights": (rows, features),
        "regression.intercept": (rows,),
    }
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise ValueError(f"{name} has shape {tensors[name].shape} where {shape} fits")
