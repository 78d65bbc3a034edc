"""Finished folds on disk, each under a key of everything its numbers depend on."""

import hashlib
import inspect
import json
import os
from dataclasses import asdict, is_dataclass
from functools import cache as remember
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import joblib
import numpy as np
import pandas as pd
import sklearn
import timm
import torch

from medlib import augmentation, imaging, training
from medlib.models import arithmetic, classifiers, frozen, master_weights, matmul
from medlib.paths import cache_folder, write_whole
from medlib.training import Fitted, Floats, Learner

PROJECT_CACHE: Final = "project"
SOURCES: Final = (
    augmentation,
    imaging,
    training,
    arithmetic,
    classifiers,
    frozen,
    master_weights,
    matmul,
)
"""Modules whose text is part of a key."""


class Task(NamedTuple):
    """One fold's work, complete."""

    learner: Learner
    training: training.Pair
    test: training.Pair
    seed: int
    name: str


class Outcome(NamedTuple):
    """What one fold gave."""

    scores: Floats
    history: pd.DataFrame
    precision: str
    model: Fitted | None = None


class Store(NamedTuple):
    """Where one fold's outcome is kept; numbers as text, the model (if wanted) beside them."""

    folder: Path
    key: str
    with_model: bool

    @property
    def numbers_file(self) -> Path:
        """Scores and history."""
        return self.folder / f"{self.key}.json"

    @property
    def model_file(self) -> Path:
        """The fitted learner."""
        return self.folder / f"{self.key}.model"

    def read(self) -> Outcome | None:
        """Return what is stored, None where something wanted is missing."""
        if not self.numbers_file.exists() or (self.with_model and not self.model_file.exists()):
            return None
        stored = json.loads(self.numbers_file.read_text("utf-8"))
        model = joblib.load(self.model_file) if self.with_model else None
        history = pd.DataFrame(stored["history"], columns=list(training.HISTORY))
        scores = np.array(stored["scores"], dtype=np.float32)
        return Outcome(scores, history, stored["precision"], model)

    def write(self, outcome: Outcome) -> None:
        """Store whole files; the numbers last, since they say that all is there."""
        if self.with_model:
            buffer = BytesIO()
            joblib.dump(outcome.model, buffer)
            write_whole(self.model_file, buffer.getvalue())
        numbers = {
            "scores": [float(score) for score in outcome.scores],
            "history": outcome.history.to_dict("records"),
            "precision": outcome.precision,
        }
        write_whole(self.numbers_file, json.dumps(numbers))


def folder_of(cache: Path | str | None, learner: Learner) -> Path | None:
    """Return the folder of finished folds; None if not wanted, or the learner is indescribable."""
    if cache is None or _description(learner) is None:
        return None
    return cache_folder("folds") if cache == PROJECT_CACHE else Path(cache)


def key_of(task: Task) -> str:
    """Return a hash of everything the fold's numbers depend on."""
    digest = hashlib.sha256(json.dumps([_description(task.learner), task.seed]).encode())
    digest.update(json.dumps(_environment()).encode())
    for images, labels in (task.training, task.test):
        digest.update(str(images.shape).encode() + np.ascontiguousarray(images).tobytes())
        digest.update(labels.tobytes())
    return digest.hexdigest()


def _description(learner: Learner) -> list[Any] | None:
    """Return class, source and settings of a learner; None if it is not a dataclass with source."""
    if not is_dataclass(learner) or isinstance(learner, type):
        return None
    try:
        source = inspect.getsource(type(learner))
    except (OSError, TypeError):
        return None
    return [type(learner).__qualname__, source, repr(asdict(learner))]


@remember
def _environment() -> list[str]:
    """Return versions, processor and our own sources: other ones give other digits."""
    versions = [f"{module.__name__} {module.__version__}" for module in (np, sklearn, timm, torch)]
    processor = [torch.backends.cpu.get_cpu_capability(), arithmetic.chosen_precision("auto")]
    processor.append(os.environ.get("MEDLIB_TRAINING_SEED", ""))
    return [*versions, *processor, *(inspect.getsource(module) for module in SOURCES)]
