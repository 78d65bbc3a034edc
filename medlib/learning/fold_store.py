"""Finished folds on disk, each under a key of everything its numbers depend on."""

import hashlib
import inspect
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from functools import cache as remember
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import joblib
import numpy as np
import pandas as pd
import sklearn
import timm
import torch

from medlib import imaging
from medlib.learning import augmentation, learner, network, self_supervised
from medlib.learning import frozen as features
from medlib.learning.learner import HISTORY, Fitted, Learner, Pair
from medlib.models import classifiers, frozen, master_weights, matmul
from medlib.runtime import arithmetic, progress
from medlib.runtime.paths import cache_folder, write_whole
from medlib.types import Probabilities

T = TypeVar("T")
PROJECT_CACHE: Final = "project"
SOURCES: Final = (
    augmentation,
    imaging,
    learner,
    network,
    features,
    self_supervised,
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
    training: Pair
    test: Pair
    seed: int
    name: str
    watched: bool = True
    """Whether the test part is scored after each epoch; no part of the key: it changes no score."""


class Outcome(NamedTuple):
    """What one fold gave."""

    scores: Probabilities
    """Of class 1; with more than two classes cases x classes."""
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
        """Return what is stored; None where something wanted is missing or damaged.

        What is damaged is told in a line that names the file. What is read counts as used now:
        the cache gives up first what nobody used for longest.
        """
        stored = _whole(self.numbers_file, _numbers)
        if stored is None or not self.with_model:
            return stored
        model = _whole(self.model_file, joblib.load)
        return None if model is None else stored._replace(model=model)

    def write(self, outcome: Outcome) -> None:
        """Store whole files; the numbers last, since they say that all is there.

        Raises InputError where the disk is full.
        """
        if self.with_model:
            buffer = BytesIO()
            joblib.dump(outcome.model, buffer)
            write_whole(self.model_file, buffer.getvalue())
        numbers = {
            "scores": outcome.scores.tolist(),
            "history": outcome.history.to_dict("records"),
            "precision": outcome.precision,
        }
        write_whole(self.numbers_file, json.dumps(numbers))


def _whole(path: Path, read: Callable[[Path], T]) -> T | None:
    """Return what `read` makes of a file, None where there is none or it is damaged."""
    if not path.exists():
        return None
    try:
        found = read(path)
    except Exception as error:  # what was cut off fails in any way that its format knows
        if path.exists():  # else another process made room just now
            progress.tell(f"{path} is damaged ({type(error).__name__}): this fold is trained again")
        return None
    with suppress(OSError):  # a cache that is only to be read is as good
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    return found


def _numbers(path: Path) -> Outcome:
    stored = json.loads(path.read_text("utf-8"))
    history = pd.DataFrame(stored["history"], columns=list(HISTORY))
    return Outcome(np.array(stored["scores"], dtype=np.float32), history, stored["precision"])


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
