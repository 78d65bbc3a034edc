"""Models that are wanted themselves, not what they say: networks pretrained without labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medlib.learning.crossval import _run
from medlib.learning.fold_store import PROJECT_CACHE, Task, folder_of
from medlib.learning.learner import Fitted, Learner, Pair
from medlib.runtime.whole_numbers import as_seed


def fit_each(
    studies: Sequence[tuple[Learner, Pair, int]],
    *,
    jobs: int | None = 2,
    cache: Path | str | None = PROJECT_CACHE,
    progress: bool = True,
) -> list[Fitted]:
    """Return the fitted model of each study: a learner, its training images and labels, a seed.

    As `train_each`, where the model itself is what is wanted: a network pretrained without labels.
    """
    tasks = []
    for i, (learner, (seen, labels), seed) in enumerate(studies, 1):
        pair = seen.astype(np.float32, copy=False), labels.astype(np.int64)
        first = pair[0][:1], pair[1][:1]
        tasks.append(
            Task(learner, pair, first, as_seed(seed), f"model {i} of {len(studies)}", False)
        )
    folder = folder_of(cache, studies[0][0])
    found = _run(tasks, jobs, folder, progress, keep=True)
    return [outcome.model for outcome in found if outcome.model is not None]
