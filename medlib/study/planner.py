"""How large a study has to be: each question with its answer, as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medlib.laboratory.equal_pairs import power_at
from medlib.statistics import (
    proportion_interval,
    sample_size_for_development,
    sample_size_for_interval,
    sample_size_for_validation,
)


def plan(*, cases: int, prevalence: float, auc: float, accuracy: float, parameters: int,
         half_width: float) -> pd.DataFrame:  # fmt: skip
    """Return a row a question: question, cases needed, whether `cases` are enough.

    prevalence: share of positives; auc, accuracy: what is hoped for; parameters: numbers that the
    model weighs, tried ones too; half_width: of the interval of the accuracy. Raises InputError as
    the functions of `medlib.statistics` do.
    """
    width = sample_size_for_interval(accuracy, half_width, method="wilson")
    development = sample_size_for_development(parameters, prevalence=prevalence, auc=auc)
    validation = sample_size_for_validation(prevalence=prevalence, auc=auc)
    asked = {
        f"an accuracy of {100 * accuracy:.0f} % known to ± {100 * half_width:g} points": width.n,
        **{f"development, {parameters} parameters: {name}": size.n
           for name, size in development.criteria.items()},
        **{f"validation in new patients: {name}": size.n
           for name, size in validation.criteria.items()},
    }  # fmt: skip
    rows = [(what, n, "yes" if cases >= n else "no") for what, n in asked.items()]
    return pd.DataFrame(rows, columns=["for", "cases", f"are {cases} enough?"])


def half_width(accuracy: float, cases: int) -> float:
    """Return half the width of the 95 % interval (Wilson) of so many independent cases."""
    return proportion_interval(round(accuracy * cases), cases).width / 2


def power_of_out_of_fold_test(
    sizes: list[int], *, worse: float = 0.5, runs: int = 300, repeats: int = 5, seed: int = 0
) -> pd.DataFrame:
    """Return a row for each number of cases: points that one learner is better, and the power.

    Simulated learners, one right in about 92 % of cases: see `power_at`.
    """
    found = [
        power_at(n, worse, runs=runs, repeats=repeats, rng=np.random.default_rng([seed, n]))
        for n in sizes
    ]
    rows = [(n, 100 * better, power) for n, (better, power) in zip(sizes, found, strict=True)]
    return pd.DataFrame(rows, columns=["cases", "points better", "power"])
