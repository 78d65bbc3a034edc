"""Metrics of many reweighted copies of the same cases at once.

A replicate is a vector of weights: how often each case is drawn. A metric takes the weights of many
replicates together (replicates x cases) and gives one value a replicate; nothing loops over them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from medlib.errors import InputError
from medlib.types import Bools, Floats, Reals

Weights: TypeAlias = Reals


@dataclass(frozen=True, slots=True)
class Cases:
    """What a metric sees beside the weights: labels, scores and thresholded scores, one a case."""

    labels: Bools
    scores: Floats
    predicted: Bools

    def joined(self, other: "Cases") -> "Cases":
        """Return these cases followed by the others."""
        return Cases(
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.predicted, other.predicted]),
        )


Metric: TypeAlias = Callable[[Weights, Cases], Floats]


def accuracy(weights: Weights, cases: Cases) -> Floats:
    """Return the weighted share of cases predicted right, one a replicate."""
    return _share(weights, cases.labels == cases.predicted, np.ones_like(cases.labels))


def sensitivity(weights: Weights, cases: Cases) -> Floats:
    """Return the weighted share of positive cases predicted positive, one a replicate."""
    return _share(weights, cases.predicted, cases.labels)


def specificity(weights: Weights, cases: Cases) -> Floats:
    """Return the weighted share of negative cases predicted negative, one a replicate."""
    return _share(weights, ~cases.predicted, ~cases.labels)


def _share(weights: Weights, part: Bools, whole: Bools) -> Floats:
    counts = weights @ np.stack([part & whole, whole], axis=1).astype(weights.dtype)
    return _ratio(counts[:, 0], counts[:, 1])


def auc(weights: Weights, cases: Cases) -> Floats:
    """Return the weighted AUC, ties counted one half, one a replicate.

    Cases are sorted by score; the cumulative weight of the negatives below each positive then
    counts all pairs in O(replicates x cases).
    """
    order = np.argsort(cases.scores, kind="stable")
    scores, labels = cases.scores[order], cases.labels[order]
    positive, negative = weights[:, order[labels]], weights[:, order[~labels]]
    upto = np.cumsum(negative, axis=1)
    upto = np.hstack([np.zeros_like(upto[:, :1]), upto])  # column j: the j lowest negatives
    below = np.searchsorted(scores[~labels], scores[labels], side="left")
    below_or_tied = np.searchsorted(scores[~labels], scores[labels], side="right")
    pairs = np.einsum("rc,rc->r", positive, upto[:, below])
    if not np.array_equal(below, below_or_tied):
        pairs = (pairs + np.einsum("rc,rc->r", positive, upto[:, below_or_tied])) / 2
    return _ratio(pairs, upto[:, -1] * positive.sum(axis=1))


def _ratio(part: Weights, whole: Weights) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part.astype(np.float64) / whole.astype(np.float64))


METRICS: Mapping[str, Metric] = {
    "accuracy": accuracy,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "AUC": auc,
}
"""The metrics known by name; any other function of (weights, Cases) can be given instead."""


def named_metrics(metrics: Sequence[str] | Mapping[str, Metric]) -> dict[str, Metric]:
    """Return the functions for names in METRICS, or those given; InputError for an unknown name."""
    if isinstance(metrics, Mapping) and metrics and all(map(callable, metrics.values())):
        return dict(metrics)
    known = isinstance(metrics, Sequence) and all(name in tuple(METRICS) for name in metrics)
    if not known or not metrics:
        raise InputError(
            f"metrics = {metrics!r}; choose among {', '.join(METRICS)}, or give a function each."
        )
    return {name: METRICS[name] for name in metrics}


def one_metric(metric: str | Metric) -> tuple[str, Metric]:
    """Return name and function of one metric given either way; InputError for an unknown name."""
    chosen = [metric] if isinstance(metric, str) else {"metric": metric}
    return next(iter(named_metrics(chosen).items()))


def checked(values: Floats, name: str) -> Floats:
    """Return the values; InputError where the metric does not exist in some replicate."""
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise InputError(
            f"{name} does not exist in {missing} of {values.size} replicates (0 / 0); choose a "
            "metric that always exists, or more cases."
        )
    return values
