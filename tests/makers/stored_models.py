"""Small models as a reader takes them home."""

import numpy as np

from medlib.cohorts import from_arrays
from medlib.learning.crossval import cross_validate_repeatedly
from medlib.learning.frozen import FeatureLearner
from medlib.learning.network import NetworkLearner
from medlib.takehome.card import card_of
from medlib.takehome.likeness import Cloud, Levels, Likeness
from medlib.takehome.stored_model import StoredModel, fingerprints

LEARNERS = {
    "network": NetworkLearner(network="resnet18", size=32, epochs=1),
    "features": FeatureLearner(),
}
LIKENESS = Likeness(
    (0.0, 255.0),
    Cloud.fit(np.eye(6)),
    Cloud.fit(np.eye(5)),
    Levels.fit(np.ones((4, 5))),
    np.array([3.0, 4.0, 5.0]),
)


def made_cases(classes=2, each=8, seed=0):
    """Simulated grey images, brighter in each class than in the one before."""
    labels = np.repeat(np.arange(classes), each)
    noise = np.random.default_rng(seed).normal(0, 20, (len(labels), 40, 40))
    images = np.clip(80 + 30 * labels[:, None, None] + noise, 0, 255).astype(np.float32)
    names = [f"kind {k}" for k in range(classes)]
    patients = [f"p{i}" for i in range(len(labels))]
    return from_arrays(images, labels, classes=names, patient_ids=patients, name="made")


def stored(learner, cases):
    fitted = learner.fit(cases.images(learner.size), cases.labels, seed=3)
    runs = cross_validate_repeatedly(
        FeatureLearner(), cases, repeats=2, folds=3, cache=None, progress=False
    )
    card = card_of(learner, fitted, runs, cases, seed=3, source="npz:made.npz")
    return StoredModel(card, fitted, LIKENESS, fingerprints(cases.table.sha256.tolist()))
