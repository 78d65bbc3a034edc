"""The work that every tool is given: the same cases, folds, network and number of epochs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from medlib.cohorts import load
from medlib.learning.crossval import stratified_patient_folds


@dataclass(frozen=True)
class Settings:
    """What all tools have in common."""

    epochs: int = 8
    size: int = 64
    batch_size: int = 10
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Task:
    """Images (n x size x size, float32, HU), labels, fold of each case, settings."""

    images: np.ndarray
    labels: np.ndarray
    fold: np.ndarray
    settings: Settings

    def splits(self):
        """Yield ((training images, labels), (test images, labels), test mask) of each fold."""
        for number in range(self.settings.folds):
            test = self.fold == number
            train = self.images[~test], self.labels[~test]
            yield train, (self.images[test], self.labels[test]), test


def make(settings, per_class=25, seed=2024):
    """Return the task on freshly simulated crops; the draw is used nowhere else in the project."""
    cohort = load("phantom-chest-ct", seed=seed, per_class=per_class)
    fold = stratified_patient_folds(
        cohort.labels, cohort.groups, folds=settings.folds, seed=settings.seed
    )
    return Task(cohort.images(settings.size), cohort.labels, fold, settings)


def save(task, path):
    """Write the task to one .npz file."""
    settings = json.dumps(asdict(task.settings))
    np.savez(path, images=task.images, labels=task.labels, fold=task.fold, settings=settings)


def read(path):
    """Read a task back."""
    with np.load(Path(path)) as file:
        settings = Settings(**json.loads(str(file["settings"])))
        return Task(file["images"], file["labels"], file["fold"], settings)
