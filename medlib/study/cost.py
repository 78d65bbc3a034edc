"""How long a study will take on this machine, from a few steps measured before it starts."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from medlib.cohorts import Cohort
from medlib.learning.frozen import FeatureLearner
from medlib.learning.network import NetworkLearner
from medlib.runtime import progress

SIDE_BY_SIDE: Final = 2
"""Folds that are trained side by side."""
FORWARD: Final = 1 / 3
"""What it takes to test an image, in parts of what it takes to train on it once."""
AT_ONCE: Final = 4
"""Images whose features are timed."""


@dataclass(frozen=True)
class Cost:
    """Seconds an image: of one pass of training at `size` pixels a side, and of features."""

    training: float
    features: float
    size: int

    def minutes(
        self, images: int, *, folds: int, repeats: int, epochs: int, size: int, more: int = 0
    ) -> float:
        """Return minutes of repeated cross-validation and features, with `more` images for these.

        Training grows with the number of pixels; small images take a little longer than that.
        """
        passes = images * repeats * epochs * (folds - 1 + FORWARD)
        trained = passes * self.training * (size / self.size) ** 2
        return (trained / min(SIDE_BY_SIDE, os.cpu_count() or 1) + self.features * more) / 60


def measure(learner: NetworkLearner, frozen: FeatureLearner) -> Cost:
    """Time two passes of one batch, and the features of a few images; takes a few seconds."""
    batch = learner.batch_size
    images = np.random.default_rng(0).random((batch, learner.size, learner.size), np.float32)
    labels = np.arange(batch) % 2
    taken = []
    for epochs in (1, 1, 3):  # the first warms up
        start = time.perf_counter()
        replace(learner, epochs=epochs, pretrained=False).fit(images, labels, seed=0)
        taken.append(time.perf_counter() - start)
    step = max(taken[2] - taken[1], 1e-3) / 2
    images = np.random.default_rng(1).random((2, AT_ONCE, learner.size, learner.size), np.float32)
    for part in images:  # the first loads the network
        start = time.perf_counter()
        frozen.fit(part, np.arange(AT_ONCE) % 2, seed=0)
    return Cost(step / batch, (time.perf_counter() - start) / AT_ONCE, learner.size)


def sentences(
    cost: Cost, counts: Mapping[str, int], *, folds: int, repeats: int, epochs: int, more: int
) -> list[str]:
    """Return what this run takes, and what it would with all images and at other sizes.

    `counts`: images under the names "used" and "all".
    """
    schedule = {"folds": folds, "repeats": repeats, "epochs": epochs}

    def at(images: int, size: int) -> str:
        return in_words(cost.minutes(images, size=size, more=max(images, more), **schedule))

    used, every = counts["used"], counts["all"]
    said = [
        f"{used} images at {cost.size} x {cost.size} pixels, {repeats} repeats of {folds} folds, "
        f"{epochs} epochs: {at(used, cost.size)} on this machine if nothing is kept from an "
        "earlier run"
    ]
    others = [
        f"image_size {size}: {at(used, size)}" for size in (64, 128, 224) if size != cost.size
    ]
    if every > used:
        others.insert(0, f"per_class all ({every} images): {at(every, cost.size)}")
    return [*said, "with other settings: " + "; ".join(others)]


def in_words(minutes: float) -> str:
    """Return minutes as a reader says them: "about 12 minutes", "about 3 hours"."""
    if minutes < 1.5:
        return "about a minute"
    if minutes < 90:
        return f"about {minutes:.0f} minutes"
    hours = minutes / 60
    return f"about {hours:.0f} hours" if hours < 48 else f"about {hours / 24:.0f} days"


def tell_cost(
    learner: NetworkLearner, frozen: FeatureLearner, cases: Cohort, pool: Cohort,
    *, folds: int, repeats: int, draws: int,
) -> None:  # fmt: skip
    """Tell, before a study starts, what it takes here and what other settings would take.

    `draws` other samples of the pool need features too; 0 for none.
    """
    counts = {"used": len(cases), "all": len(pool)}
    more = len(pool) if draws else len(cases)
    schedule = {"folds": folds, "repeats": repeats, "epochs": learner.epochs, "more": more}
    for line in sentences(measure(learner, frozen), counts, **schedule):
        progress.tell(line)
