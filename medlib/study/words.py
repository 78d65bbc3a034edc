"""What a study's cases and results are, in sentences made from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medlib.cohorts import Cohort
from medlib.learning.crossval import CrossValidation
from medlib.study.cases import MOST_SHARED, largest_share
from medlib.study.internal import as_text, kappas
from medlib.types import Integers


def folds_in_words(cases: Cohort, fold: Integers) -> str:
    """Return how many cases and patients lie in the folds, and what a model trains on."""
    sizes = np.bincount(fold)
    a_class = [_range(np.bincount(fold[cases.labels == k])) for k in range(len(cases.classes))]
    what = ", ".join(f"{n} {name!r}" for n, name in zip(a_class, cases.classes, strict=True))
    left = len(cases) - sizes
    return (
        f"Here {len(cases)} images of {cases.table.patient_id.nunique()} patients or groups lie "
        f"in {len(sizes)} folds of {_range(sizes)} ({what} in each), and {_range(left)} train "
        f"each model. One image more or less right is {100 / sizes.min():.0f} points of a fold."
    )


def models_in_words(cases: Cohort, runs: dict[str, Sequence[CrossValidation]]) -> str:
    """Return how the models stand to always answering with the largest class; kappa of several."""
    share, k = largest_share(cases), len(cases.classes)
    largest = cases.classes[int(np.bincount(cases.labels, minlength=k).argmax())]
    said = f"Always answering {largest!r} is right in {100 * share:.0f} % of these cases"
    if np.ptp(np.bincount(cases.labels, minlength=k)) == 0:
        said = f"Classes are equally large, so always answering {largest!r} is right in "
        said += f"{100 * share:.0f} % of cases"
    means = {name: np.mean([run.accuracy for run in some]) for name, some in runs.items()}
    below = [name for name, mean in means.items() if mean <= share]
    said += f"; {' and '.join(below)} reached no more than that." if below else "."
    if k > 2:
        agreed = [f"{name} {as_text(found)}" for name, found in kappas(cases, runs).items()]
        said += f" Cohen's kappa, agreement beyond chance, 95 %: {'; '.join(agreed)}."
    return said


def no_draws(pool: Cohort, per_class: int) -> str:
    """Return why other draws of patients say nothing here, as a sentence."""
    if not per_class:
        return "All images are used, so there are no other patients to draw."
    least = min(pool.table.groupby("label").patient_id.nunique())
    return (
        f"Of the smallest class there are {least} patients or groups, and {per_class} are drawn: "
        f"any two draws would share more than {100 * MOST_SHARED:.0f} % of them, so their "
        "results would look steadier than those of another study."
    )


def _range(counts: Integers) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"
