"""Cross-validation that respects patients: one fold, one single-threaded job.

Each finished fold is stored under a key of everything its numbers depend on, so a run that was
killed goes on from its finished folds and ends with the same numbers. Jobs go through joblib: on
this computer's cores, or on a cluster inside `joblib.parallel_config(backend="dask")`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.learning.fold_store import PROJECT_CACHE, Outcome, Store, Task, folder_of, key_of
from medlib.learning.folds import stratified_patient_folds
from medlib.learning.learner import HISTORY, Learner, Pair, check_training
from medlib.learning.result import CrossValidation, correct_and_folds, score_columns
from medlib.runtime import progress
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Array, Images, Integers, Labels, Reals

__all__ = [
    "CrossValidation",
    "correct_and_folds",
    "cross_validate",
    "cross_validate_many",
    "cross_validate_repeatedly",
    "stratified_patient_folds",
    "train_and_test",
    "train_each",
]


class CohortLike(Protocol):
    """What of a cohort is needed here."""

    @property
    def table(self) -> pd.DataFrame:
        """A row an image, with patient_id and image_id."""

    @property
    def labels(self) -> Labels:
        """Class of each image: 0, 1, ..."""

    def images(self, size: int) -> Images:
        """Return n x size x size grey levels."""


Arrays = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
"""Images (n x height x width), labels, patients, image ids."""


def cross_validate(
    learner: Learner,
    cohort: CohortLike | Arrays,
    *,
    folds: int = 5,
    seed: int = 0,
    jobs: int | None = 2,
    cache: Path | str | None = PROJECT_CACHE,
    progress: bool = True,
    keep_models: bool = False,
) -> CrossValidation:
    """Return out-of-fold predictions of the learner, one row a case in the cohort's order.

    `cohort` is a Cohort, or (images, labels, patients, image ids). `jobs` folds run side by side,
    one thread each (those of a learner that says `in_one_process` one after the other): the
    numbers do not depend on it. `cache` is the folder of finished folds, by
    default the project's; None keeps nothing. See `cross_validate_many` for several cohorts.
    Raises InputError, before any training, for labels other than 0, 1, ... with none left out, for
    images and labels that do not fit together, and for fewer patients in a class than folds.
    """
    [result] = cross_validate_many(
        learner,
        [cohort],
        folds=folds,
        seed=seed,
        jobs=jobs,
        cache=cache,
        progress=progress,
        keep_models=keep_models,
    )
    return result


def cross_validate_many(
    learner: Learner,
    cohorts: Sequence[CohortLike | Arrays],
    *,
    folds: int = 5,
    seed: int = 0,
    jobs: int | None = 2,
    cache: Path | str | None = PROJECT_CACHE,
    progress: bool = True,
    keep_models: bool = False,
) -> list[CrossValidation]:
    """Return `cross_validate` of each cohort, with all their folds in one queue.

    Five folds leave one of two cores idle at the end; twenty hardly do.
    """
    pairs = [(cohort, as_seed(seed)) for cohort in cohorts]
    return _validate(learner, pairs, folds, jobs, cache, progress, keep_models)


def cross_validate_repeatedly(
    learner: Learner,
    cohort: CohortLike | Arrays,
    *,
    repeats: int,
    folds: int = 5,
    seed: int = 0,
    jobs: int | None = 2,
    cache: Path | str | None = PROJECT_CACHE,
    progress: bool = True,
) -> list[CrossValidation]:
    """Return cross-validations of the same cases, each with another deal and other first weights.

    Repeat r (0, 1, ...) is `cross_validate` with seed + r; all folds stand in one queue. One
    accuracy and its interval from all of them: `statistics.out_of_fold_interval`. Raises
    InputError for repeats below 1.
    """
    first = as_seed(seed)
    pairs = [(cohort, first + repeat) for repeat in range(as_number(repeats, "repeats"))]
    return _validate(learner, pairs, folds, jobs, cache, progress, keep_models=False)


def train_and_test(
    learner: Learner,
    development: CohortLike,
    external: CohortLike,
    *,
    seed: int = 0,
    cache: Path | str | None = PROJECT_CACHE,
    progress: bool = True,
) -> CrossValidation:
    """Return predictions of other cases, one row each, by one model fitted on all development.

    For an external test: the other cases are seen once, after the last epoch, and nothing is
    chosen by them. `fold` is 0 everywhere. That no patient is in both is the caller's to see to
    (`cohorts.assert_no_leakage`). Raises InputError as cross_validate does.
    """
    seed = as_seed(seed)
    parts = [_cases(cohort, learner) for cohort in (development, external)]
    check_training(parts[0].images, parts[0].labels)
    (train, test), name = [(part.images, part.labels) for part in parts], "external test"
    task = Task(learner, train, test, seed, name, watched=False)
    outcomes = _run([task], 1, folder_of(cache, learner), progress, keep=False)
    return _collect(parts[1], outcomes)


def train_each(
    studies: Sequence[tuple[Learner, Pair, Images, int]],
    *,
    jobs: int | None = 2,
    cache: Path | str | None = PROJECT_CACHE,
    progress: bool = True,
) -> list[Reals]:
    """Return what the model of each study gives for its other images: P(positive), or n x outputs.

    A study is a learner, its training images with their labels, other images, and a seed. All stand
    in one queue, each a job of one thread, stored as folds are. To see how well a model knows its
    own training cases, give them among the other images.
    """
    tasks = []
    for i, (learner, (seen, labels), others, seed) in enumerate(studies, 1):
        pair = seen.astype(np.float32, copy=False), labels.astype(np.int64)
        test = others.astype(np.float32, copy=False), np.zeros(len(others), dtype=np.int64)
        name = f"study {i} of {len(studies)}"
        tasks.append(Task(learner, pair, test, as_seed(seed), name, watched=False))
    folder = folder_of(cache, studies[0][0])
    return [found.scores for found in _run(tasks, jobs, folder, progress, keep=False)]


def _validate(
    learner: Learner,
    pairs: Sequence[tuple[CohortLike | Arrays, int]],
    folds: int,
    jobs: int | None,
    cache: Path | str | None,
    progress: bool,
    keep_models: bool,
) -> list[CrossValidation]:
    """Cross-validate each cohort with its seed, all folds in one queue."""
    studies = [_study(cohort, learner, folds, seed) for cohort, seed in pairs]
    seeds = [seed for _, seed in pairs]
    tasks = [
        task
        for study, seed in zip(studies, seeds, strict=True)
        for task in _tasks(learner, study, folds, seed)
    ]
    what = "repeat" if len({id(cohort) for cohort, _ in pairs}) == 1 else "draw"
    for i, task in enumerate(tasks if len(pairs) > 1 else ()):
        name = f"{task.name}, {what} {i // folds + 1} of {len(pairs)}"
        tasks[i] = task._replace(name=name)
    folder = folder_of(cache, learner)
    outcomes = _run(tasks, jobs, folder, progress, keep_models)
    parts = [outcomes[i : i + folds] for i in range(0, len(outcomes), folds)]
    return [_collect(study, part) for study, part in zip(studies, parts, strict=True)]


class _Study(NamedTuple):
    images: Images
    labels: Labels
    patients: Array
    ids: Array
    fold: Integers


def _study(cohort: CohortLike | Arrays, learner: Learner, folds: int, seed: int) -> _Study:
    """Return the cases with their folds; all that can be wrong is said before pixels are read."""
    if isinstance(cohort, tuple):
        images, labels, patients, ids = (np.asarray(part) for part in cohort)
    else:
        parts = cohort.labels, cohort.table["patient_id"], cohort.table["image_id"]
        labels, patients, ids = map(np.asarray, parts)
    _check_cases(labels, patients, ids)
    fold = stratified_patient_folds(labels, patients, folds=folds, seed=seed)
    if not isinstance(cohort, tuple):
        images = cohort.images(learner.size)
    images = images.astype(np.float32, copy=False)
    check_training(images, labels)
    return _Study(images, labels.astype(np.int64), patients, ids, fold)


def _cases(cohort: CohortLike, learner: Learner) -> _Study:
    """Return a cohort's cases, all in one fold."""
    table, images = cohort.table, cohort.images(learner.size).astype(np.float32, copy=False)
    one_fold = np.zeros(len(table), dtype=np.int64)
    patients, ids = table["patient_id"].to_numpy(), table["image_id"].to_numpy()
    return _Study(images, cohort.labels.astype(np.int64), patients, ids, one_fold)


def _tasks(learner: Learner, study: _Study, folds: int, seed: int) -> list[Task]:
    tasks = []
    for number in range(folds):
        test = study.fold == number
        pairs = [(study.images[rows], study.labels[rows]) for rows in (~test, test)]
        own_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        tasks.append(Task(learner, pairs[0], pairs[1], own_seed, f"fold {number + 1} of {folds}"))
    return tasks


def _run(
    tasks: list[Task], jobs: int | None, folder: Path | None, bar: bool, keep: bool
) -> list[Outcome]:
    """Return the outcome of each task: from the folder where it is there, else by doing it."""
    stores = [None if folder is None else Store(folder, key_of(task), keep) for task in tasks]
    outcomes = {i: found for i, store in enumerate(stores) if store and (found := store.read())}
    rest = [i for i in range(len(tasks)) if i not in outcomes]
    steps = [1 + task.learner.epochs for task in tasks]
    done_before = sum(steps[i] for i in outcomes)
    # Threads start at once, where new processes first import torch for seconds, and torch lets go
    # of Python's lock while it computes. A cluster chosen with joblib.parallel_config comes first.
    pool = joblib.Parallel(n_jobs=_workers(jobs, [tasks[i] for i in rest]), prefer="threads")
    with (
        progress.shown(sum(steps), "training", done=done_before, wanted=bar) as file,
        one_thread(),
    ):
        done = pool(joblib.delayed(_do)(tasks[i], stores[i], file, keep) for i in rest)
    outcomes.update(zip(rest, done, strict=True))
    return [outcomes[i] for i in range(len(tasks))]


def _workers(jobs: int | None, tasks: list[Task]) -> int | None:
    """Return the number of processes; None leaves it to joblib's surrounding configuration."""
    if any(task.learner.in_one_process for task in tasks):
        return 1
    return None if jobs is None else max(1, min(jobs, len(tasks)))


def _do(task: Task, store: Store | None, file: Path | None, keep: bool) -> Outcome:
    """Fit and test one fold, and store it before anyone can lose it."""
    epochs = task.learner.epochs
    latest: dict[str, float] = {}

    def report(row: Mapping[str, Any]) -> None:
        latest[row["split"]] = row["accuracy"]
        if row["split"] == ("test" if task.watched else "train"):
            words = {"train": "in training", "test": "in test"}
            known = "".join(
                f", {value:.2f} {words[split]}"
                for split, value in latest.items()
                if np.isfinite(value)  # pretext tasks have no accuracy
            )
            progress.say(file, f"{task.name}: epoch {row['epoch']} of {epochs}{known}")

    watch = task.test if task.watched else None
    model = task.learner.fit(*task.training, seed=task.seed, watch=watch, report=report)
    probabilities = model.predict(task.test[0])
    # of two classes one score says all
    scores = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    outcome = Outcome(scores, model.history, model.precision, model if keep else None)
    if store is not None:
        store.write(outcome)
    progress.say(file, f"{task.name}: finished")
    return outcome


def _collect(study: _Study, outcomes: list[Outcome]) -> CrossValidation:
    scores = np.empty((len(study.labels), *outcomes[0].scores.shape[1:]))
    for number, outcome in enumerate(outcomes):
        scores[study.fold == number] = outcome.scores
    columns = {
        "image_id": study.ids,
        "patient_id": study.patients,
        "label": study.labels,
        "fold": study.fold,
        **score_columns(scores),
    }
    parts = [outcome.history.assign(fold=number) for number, outcome in enumerate(outcomes)]
    histories = pd.concat(parts, ignore_index=True)[["fold", *HISTORY]]
    models = tuple(outcome.model for outcome in outcomes if outcome.model is not None)
    return CrossValidation(pd.DataFrame(columns), histories, outcomes[0].precision, models)


def _check_cases(labels: Array, patients: Array, ids: Array) -> None:
    if not len(labels) == len(patients) == len(ids):
        raise InputError(
            f"There are {len(labels)} labels, {len(patients)} patients and {len(ids)} image ids; "
            "give one of each a case."
        )
    present = sorted(np.unique(labels).tolist())
    if len(present) < 2 or present != list(range(len(present))):
        raise InputError(
            f"Labels are {present}; give two classes, 0 (negative) and 1 (positive), or more, "
            "numbered 0, 1, 2, ... with none left out."
        )
