"""medlib: folds side by side, one thread each, convolutions as matrix products."""

import os

import numpy as np

from medlib.learning.crossval import cross_validate
from medlib.learning.network import NetworkLearner


def run(task):
    """Return the probability of class 1 of each case."""
    settings = task.settings
    learner = NetworkLearner(
        size=settings.size,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        weight_decay=settings.weight_decay,
    )
    cases = np.arange(len(task.labels))
    found = cross_validate(
        learner,
        (task.images, task.labels, cases, cases),
        folds=settings.folds,
        seed=settings.seed,
        jobs=os.cpu_count(),
        cache=None,
        progress=False,
    )
    return found.scores
