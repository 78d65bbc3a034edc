"""Logistic regression on the features of a frozen ImageNet network, as a learner."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib import imaging
from medlib.learning.learner import HISTORY, SMALLEST, Pair, Report, check_training, require
from medlib.models.classifiers import PACKAGED
from medlib.models.frozen import remembered_features
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Features, Images, Labels, Probabilities


@dataclass(frozen=True)
class FeatureLearner:
    """Logistic regression on what a frozen ImageNet network sees.

    Features are scaled, and weighed with L2 strength 1 / `C`, inside the training images. Grey
    levels are mapped to 0..1 by `window` (low, high) if given, which is the same for every image
    and lets features be computed once; otherwise by the training images' own range.
    """

    epochs: ClassVar[int] = 0
    """Regression sees all images at once."""
    in_one_process: ClassVar[bool] = True
    """Folds share features, and those are computed on all cores: see `cross_validate`."""

    network: str = "efficientnet_lite0"
    size: int = 224
    C: float = 0.01
    window: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be fitted."""
        require(self.network in PACKAGED, "network", self.network, ", ".join(PACKAGED))
        as_number(self.size, "size", least=SMALLEST)
        require(self.C > 0, "C", self.C, "a positive number")
        ordered = self.window is None or self.window[0] < self.window[1]
        require(ordered, "window", self.window, "its lower end first")

    def fit(
        self,
        images: Images,
        labels: Labels,
        *,
        seed: int,
        watch: Pair | None = None,
        report: Report | None = None,
    ) -> "FittedFeatures":
        """Fit scaling and regression; there are no epochs, so nothing is watched or reported."""
        check_training(images, labels)
        window = self.window
        if window is None:
            normaliser = imaging.Normaliser.fit(images)
            window = normaliser.low, normaliser.high
        regression = LogisticRegression(C=self.C, max_iter=2000, random_state=as_seed(seed))
        fitted = FittedFeatures(self, window, make_pipeline(StandardScaler(), regression))
        with one_thread():
            fitted.pipeline.fit(fitted.features(images), labels)
        return fitted


@dataclass(frozen=True)
class FittedFeatures:
    """A logistic regression on frozen features, with the grey-level window it was fitted under."""

    learner: FeatureLearner
    window: tuple[float, float]
    pipeline: Pipeline
    precision: str = "fp32"
    history: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(HISTORY)))

    def features(self, images: Images) -> Features:
        """Return n x 1280 features of images n x height x width."""
        low, high = self.window
        grey = imaging.window(images, (low + high) / 2, high - low)
        return remembered_features(grey, self.learner.network, self.learner.size)

    def predict(self, images: Images) -> Probabilities:
        """Return the probability of each class, n x classes float32."""
        with one_thread():
            probabilities = self.pipeline.predict_proba(self.features(images))
        return np.asarray(probabilities, dtype=np.float32)
