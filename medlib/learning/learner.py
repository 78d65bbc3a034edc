"""What a learner is: a description of how to learn, complete but for data and seed.

`fit` turns it into something that predicts. Whatever is learned from pixels, the normalisation
included, is learned from the images given to `fit`.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np
import pandas as pd

from medlib.errors import InputError
from medlib.types import Images, Labels, Probabilities

Row = dict[str, int | float | str]
Report = Callable[[Mapping[str, int | float | str]], None]
Pair = tuple[Images, Labels]
"""Images and their labels."""

HISTORY: Final = ("epoch", "split", "loss", "accuracy")
"""Columns of a history."""
SMALLEST: Final = 32
"""Pixels a side that a network's five halvings leave one pixel of."""


class Fitted(Protocol):
    """What a learner becomes by fitting."""

    @property
    def history(self) -> pd.DataFrame:
        """Columns epoch (from 1), split ("train" or "test"), loss, accuracy; empty without any."""

    @property
    def precision(self) -> str:
        """The arithmetic it was fitted in: "fp32" or "bf16"."""

    def predict(self, images: Images) -> Probabilities:
        """Return the probability of each class, n x classes, of images n x height x width."""


class Learner(Protocol):
    """A description of how to learn, complete but for data and seed."""

    @property
    def size(self) -> int:
        """Pixels a side to which images are resized."""

    @property
    def epochs(self) -> int:
        """How often `fit` goes through the training images; 0 where it has no history."""

    @property
    def in_one_process(self) -> bool:
        """Whether folds share work and use all cores by themselves: none run side by side."""

    def fit(
        self,
        images: Images,
        labels: Labels,
        *,
        seed: int,
        watch: Pair | None = None,
        report: Report | None = None,
    ) -> Fitted:
        """Learn from images (n x height x width) and labels (0, 1, ...).

        `watch` is scored after each epoch and influences nothing. `report` receives each row of
        the history as it is made.
        """


def check_training(
    images: Images, labels: Labels, *, classes: int = 2, volumes: bool = False
) -> None:
    """Raise InputError unless images are n x height x width, finite, and labels fit them.

    With `volumes` they may also be n x depth x height x width.
    """
    if images.ndim not in (3, 3 + volumes) or len(images) != len(labels):
        raise InputError(
            f"{len(labels)} labels do not fit images of shape {images.shape}; "
            f"give one label an image, and images as n x {'depth x ' * volumes}height x width."
        )
    if not np.isfinite(images).all():
        raise InputError("An image holds NaN or infinity; find and remove it.")
    found = np.unique(labels)
    if len(found) < classes or found.min() < 0:
        raise InputError(
            f"Labels are {found.tolist()}; give classes 0, 1, ... with at least {classes} present."
        )


def require(right: bool, name: str, value: object, expected: str) -> None:
    """Raise InputError, with the name of a setting and what it should be, where it is not right."""
    if not right:
        raise InputError(f"{name} is {value!r}; give {expected}.")
