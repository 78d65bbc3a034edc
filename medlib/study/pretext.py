"""Pretext training on images without labels: on which images, how long, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
import torch

from medlib.cohorts import Cohort
from medlib.cohorts.sources.kidney import without_labels
from medlib.cohorts.unlabelled import open_unlabelled
from medlib.errors import InputError
from medlib.imaging import Normaliser, pad_square, resize, to_unit
from medlib.learning.learner import Learner
from medlib.learning.pretraining import fit_each
from medlib.learning.self_supervised import (
    ContrastiveLearner,
    Encoder,
    PretextLearner,
    RestorativeLearner,
)
from medlib.study.by_patients import Bench
from medlib.types import Images, Integers

LEAST: Final = 16
"""Images without labels, below which there is nothing to contrast."""
TIMED_STEPS: Final = 6
T = TypeVar("T", bound=PretextLearner)


def images_without_labels(
    pool: Cohort, bench: Bench, spec: str, size: int, *, most: int
) -> tuple[Images, str]:
    """Return images for pretext training (n x size x size, 0 to 1), and whose they are, in words.

    Those of `spec` (images:DIR, dicom:DIR...), whose labels are not read; else the patients of the
    pool without labels; else all that may train, without theirs. Never one that tests, unless
    `spec` holds it. At most `most`, evenly spread. Raises InputError for too few.
    """
    if spec:
        images, whose = _opened(spec, size, pool.grey_range, most), f"those of {spec}"
    elif (hidden := without_labels(pool)) is not None:
        rows = _spread(len(hidden), most)
        images = hidden.select(rows).unit_images(size)
        patients = hidden.select(rows).table.patient_id.nunique()
        whose = f"{patients} other patients, who neither train nor test below"
    else:
        free = np.setdiff1d(np.arange(len(bench.cases)), bench.test)
        images = bench.cases.select(free[_spread(len(free), most)]).unit_images(size)
        whose = "all patients that may train, without their labels"
    if len(images) < LEAST:
        raise InputError(
            f"There are {len(images)} images without labels and pretext training needs {LEAST}: "
            "name a folder of more with -p unlabelled images:DIR."
        )
    return images, whose


def _opened(spec: str, size: int, grey_range: tuple[float, float], most: int) -> Images:
    source = open_unlabelled(spec)
    rows = tuple(source.rows[i] for i in _spread(len(source), most))
    read = [each.image for some in replace(source, rows=rows).read(32) for each in some]
    small = [resize(pad_square(image), size) for image in read if image is not None]
    if not small:
        raise InputError(f"No image of {spec} can be read: check it.")
    return to_unit(np.stack(small), grey_range)


def _spread(number: int, most: int) -> Integers:
    """At most so many rows, evenly spread."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(np.int64))


def for_steps(learner: T, steps: int, images: int) -> T:
    """Return the learner with as many epochs of these images as come nearest to so many steps."""
    return replace(
        learner, epochs=max(1, round(steps / max(1, round(images / learner.batch_size))))
    )


def pretrain(
    learners: Mapping[str, PretextLearner], images: Images, *, steps: int, seed: int
) -> dict[str, Encoder]:
    """Return each learner's network after so many steps on images, side by side."""
    blind = np.zeros(len(images), dtype=np.int64)  # all labels 0: nothing to learn from them
    studies = [
        (for_steps(learner, steps, len(images)), (images, blind), seed)
        for learner in learners.values()
    ]
    found = fit_each(studies)
    return {name: each for name, each in zip(learners, found, strict=True)
            if isinstance(each, Encoder)}  # fmt: skip


def shown(
    images: Images, contrastive: ContrastiveLearner, restorative: RestorativeLearner, *, seed: int
) -> list[Images]:
    """Return what the two pretext tasks are given of images (0 to 1): two copies; and one hidden.

    Three arrays n x height x width, on the scale of the images; what is hidden is their mean.
    """
    normal = Normaliser.fit(images)
    tensor = torch.from_numpy(normal.apply(resize(images, contrastive.size)))[:, None]
    chance = torch.Generator().manual_seed(seed)
    made = [contrastive.changed(tensor, chance) for _ in range(2)]
    made.append(tensor * ~restorative.mask(len(tensor), chance))
    return [np.asarray(each[:, 0].numpy() * normal.sd + normal.mean) for each in made]


def seconds_a_step(learner: Learner, images: Images, labels: Integers, batch_size: int) -> float:
    """Return processor seconds of one step of training, without what is done once."""
    few = np.arange(TIMED_STEPS * batch_size) % len(images)

    def fit(epochs: int) -> float:
        timed: Learner = replace(learner, epochs=epochs)  # type: ignore[type-var]
        return seconds(lambda: timed.fit(images[few], labels[few], seed=0))

    fit(1)  # the first one also builds and allocates
    return max(0.0, fit(3) - fit(1)) / (2 * TIMED_STEPS)


def seconds(do: Callable[[], object]) -> float:
    """Return processor seconds, of all threads of this process, that something takes."""
    start = time.process_time()
    do()
    return time.process_time() - start
