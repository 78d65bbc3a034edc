"""How often tests and intervals err in studies of two equally good learners, by procedure."""

import numpy as np

from medlib.statistics.batches import accuracy_intervals, p_values
from medlib.types import Floats, Integers, Reals

SEVERAL = 5
"""Repeats that a t-test is given: those that papers report. The out-of-fold test gets all."""


def names_of_tests(folds: int, repeats: int) -> dict[str, str]:
    """Return what each test of differences is called, by a key without numbers of other designs."""
    several = min(SEVERAL, repeats)
    return {
        "naive_5fold": f"naive t, {folds} folds",
        "naive_5x5": f"naive t, {several} x {folds} folds",
        "naive_repeat_means": f"naive t, {several} repeat means",
        "corrected_5fold": f"corrected t, {folds} folds",
        "corrected_5x5": f"corrected t, {several} x {folds} folds",
        "mcnemar": "exact McNemar, one run",
        "out_of_fold": f"out-of-fold test, {repeats} x {folds}",
    }


def names_of_intervals(folds: int, repeats: int) -> dict[str, str]:
    """Return what each interval of an accuracy is called, by key, Wilson's among them."""
    plain = [(k, name) for k, name in names_of_tests(folds, repeats).items() if " t, " in name]
    return dict(plain) | {
        "wilson": "Wilson, one run",
        "out_of_fold": f"out-of-fold interval, {repeats} x {folds}",
    }


def p_by_test(difference: Floats, dealt: Integers) -> dict[str, Reals]:
    """Return two-sided p-values, one a run, by the keys of `names_of_tests`.

    difference: runs x repeats x n, right of one learner less right of the other, or less a score to
    be beaten; dealt: repeats x n.
    """
    found = p_values(difference, dealt) | p_values(difference[:, :SEVERAL], dealt[:SEVERAL])
    return {key: found[name] for key, name in names_of_tests(*_design(dealt)).items()}


def false_alarms(right: Floats, dealt: Integers) -> dict[str, float]:
    """Return the share of studies with p < 0.05, by test; right: 2 x runs x repeats x n."""
    p = p_by_test(right[0] - right[1], dealt)
    return {key: float((values < 0.05).mean()) for key, values in p.items()}


def coverage(right: Floats, dealt: Integers) -> dict[str, float]:
    """Return the share of 95 % intervals that hold the mean accuracy of all studies, by interval.

    right: runs x repeats x n, of one learner.
    """
    ends = accuracy_intervals(right, dealt)
    ends |= accuracy_intervals(right[:, :SEVERAL], dealt[:SEVERAL])
    truth = right.mean()
    return {
        key: float(((ends[name][0] <= truth) & (truth <= ends[name][1])).mean())
        for key, name in names_of_intervals(*_design(dealt)).items()
    }


def _design(dealt: Integers) -> tuple[int, int]:
    return int(np.max(dealt)) + 1, len(dealt)
