"""What a leak fakes: the same cases analysed honestly and leaking, and whether a guard stops it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from medlib import statistics
from medlib.cohorts import Cohort, from_arrays
from medlib.cohorts.audit import LeakageError
from medlib.cohorts.audit.planted import LEAKS, Leak, plant_copies
from medlib.learning.crossval import stratified_patient_folds
from medlib.results import Results
from medlib.types import Array, Bools, Floats, Integers


class Study(NamedTuple):
    """Cases drawn from a pool: which rows, features, classes, honest folds; and its dice."""

    number: int
    rows: Integers
    x: Floats
    y: Integers
    fold: Integers
    rng: np.random.Generator


Analysis = Callable[[Study], npt.ArrayLike]
"""Gives the predicted class of each case of a study."""


def draw_studies(
    x: Floats, labels: Integers, *, per_class: int, draws: int, folds: int, seed: int
) -> Iterator[Study]:
    """Yield studies of `per_class` cases a class, drawn from a pool of two classes."""
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        drawn = [rng.permutation(np.flatnonzero(labels == k))[:per_class] for k in (0, 1)]
        rows = np.sort(np.concatenate(drawn))
        fold = stratified_patient_folds(labels[rows], rows, folds=folds, seed=draw)
        yield Study(draw, rows, x[rows], labels[rows], fold, rng)


def out_of_fold(
    model: Any, x: npt.ArrayLike, y: npt.ArrayLike, fold: npt.ArrayLike, method: str = "predict"
) -> Array:
    """Return the answer for each row of a model fitted on the other folds."""
    return np.asarray(cross_val_predict(model, x, y, cv=PredefinedSplit(fold), method=method))


class LabelledSums(PLSRegression):  # type: ignore[misc]
    """Partial least squares as a step of a pipeline: sums of features that go with the labels."""

    def fit_transform(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
        """Fit, and return the sums; scikit-learn's own returns those of the labels as well."""
        return np.asarray(self.fit(X, y).transform(X))


def copied_study(
    study: Study, name: str, versions: Sequence[Floats], model: Any, seed: int
) -> pd.DataFrame:
    """Return both answers for a study with the copies of a leak planted (`plant_copies`).

    versions: features of the whole pool, as it is and, for augmentation, changed. Honest: copies
    lie in the fold of their original; leaky: in any fold. Copies are never scored.
    """
    folds = len(np.unique(study.fold))
    planted = plant_copies(study.y, folds, study.rng)[name]
    cases, origin = planted.cases, planted.origin
    y, rows, fold = study.y[cases], study.rows[cases], study.fold[cases]
    if len(cases) < len(study.y):  # fewer positives: dealt anew, so that each fold has one
        fold = stratified_patient_folds(y, rows, folds=folds, seed=seed)
    x = np.vstack([v[rows] for v in versions]) if len(versions) > 1 else versions[0][rows][origin]
    z = y[origin]
    torn = stratified_patient_folds(z, np.arange(len(z)), folds=folds, seed=planted.seed)
    honest, leaky = (out_of_fold(model, x, z, f)[: len(y)] for f in (fold[origin], torn))
    return part(y, honest, leaky, rows)


def with_copies(
    pictures: Floats,
    study: Study,
    change: Callable[[Floats], Floats] | None = None,
    number: int = 10,
) -> tuple[Cohort, Integers]:
    """Return the study's pictures and changed copies of the first of them, and their folds.

    pictures: of the whole pool, 0..1. Each copy lies in the fold after its original's. As in a
    release without ids, each image is a patient; without a `change` there are no copies.
    """
    images, y, fold = pictures[study.rows], study.y, study.fold
    if change is not None:
        images = np.concatenate([images, change(images[:number])])
        y = np.append(y, y[:number])
        fold = np.append(fold, (fold[:number] + 1) % len(np.unique(fold)))
    who = np.arange(len(y))
    return from_arrays(images * 255, y, name="the study", patient_ids=who), fold


def after_each_epoch(study: Study, epochs: int, hidden: int = 32) -> Integers:
    """Return the predicted class of each case after each epoch: epochs x cases.

    By a network with one hidden layer on scaled features, one for each fold, with the study's
    number as seed.
    """
    predicted = np.empty((epochs, len(study.y)), np.int64)
    for k in np.unique(study.fold):
        train, test = study.fold != k, study.fold == k
        scaler = StandardScaler().fit(study.x[train])
        network = MLPClassifier(
            hidden, learning_rate_init=3e-3, batch_size=min(8, int(train.sum())),
            random_state=study.number,
        )  # fmt: skip
        for epoch in range(epochs):
            network.partial_fit(scaler.transform(study.x[train]), study.y[train], classes=[0, 1])
            predicted[epoch, test] = network.predict(scaler.transform(study.x[test]))
    return predicted


def history_of(right: Bools, fold: Integers) -> pd.DataFrame:
    """Return fold, epoch (from 1), split "test" and accuracy of answers: epochs x cases."""
    rows = [
        (k, e + 1, "test", float(answers[fold == k].mean()))
        for k in np.unique(fold)
        for e, answers in enumerate(right)
    ]
    return pd.DataFrame(rows, columns=["fold", "epoch", "split", "accuracy"])


def at_best_epoch(after: Integers, study: Study) -> Integers:
    """Return the answers of `after_each_epoch` at the epoch best for each test fold."""
    best = np.empty_like(study.y)
    for k in np.unique(study.fold):
        test = study.fold == k
        best[test] = after[(after[:, test] == study.y[test]).mean(axis=1).argmax(), test]
    return best


def without_borderline(
    right: Bools, clear: Bools, case: Integers, seed: int
) -> statistics.Interval:
    """Return what the accuracy gains where unclear cases are not scored; redraws the cases."""
    rng, n = np.random.default_rng(seed), int(case.max()) + 1
    weights = rng.multinomial(n, np.full(n, 1 / n), size=10_000)[:, case]
    kept = (weights @ (right & clear)) / (weights @ clear)
    low, high = np.quantile(kept - (weights @ right) / weights.sum(axis=1), [0.025, 0.975])
    gain = float(right[clear].mean() - right.mean())
    return statistics.Interval("gain", gain, float(low), float(high), 0.95, "bootstrap of cases")


def part(
    y: npt.ArrayLike, honest: npt.ArrayLike, leaky: npt.ArrayLike, unit: npt.ArrayLike
) -> pd.DataFrame:
    """Return one study: classes, both answers, and the patient (or data set) of each case."""
    unit = np.broadcast_to(unit, len(np.asarray(y)))
    return pd.DataFrame({"label": y, "honest": honest, "leaky": leaky, "unit": unit})


def alarm(guard: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return what a guard says, or nothing where it stays silent."""
    try:
        guard(*arguments, **options)
    except LeakageError as error:
        return str(error)
    return ""


@dataclass
class Measured:
    """One leak: accuracies without and with it, the points it fakes, what its guard did."""

    leak: Leak
    honest: float
    leaky: float
    gain: statistics.Interval
    guard: str = "not tried"
    said: str = ""

    @property
    def points(self) -> str:
        """The faked points with their interval, as text."""
        value, low, high = (
            f"{100 * share:+z.1f}" for share in (self.gain.estimate, self.gain.low, self.gain.high)
        )
        return f"{value} ({low} to {high})"


def key_of(name: str) -> str:
    """Return the key of a result: words joined by underscores."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


@dataclass
class Faked:
    """What each leak fakes in the same studies; numbers go to `results` under the leak's name."""

    results: Results
    studies: Callable[[], Iterable[Study]]
    seed: int = 0
    leaks: dict[str, Measured] = field(default_factory=dict)

    def measure(self, name: str, honest: Analysis, leaky: Analysis) -> None:
        """Run both analyses on each study, and record what the second gains."""
        self.compare(name, [part(s.y, honest(s), leaky(s), s.rows) for s in self.studies()])

    def compare(self, name: str, parts: Iterable[pd.DataFrame]) -> None:
        """Record what the leaky answers of these studies (`part`) gain; patients are redrawn."""
        table = pd.concat(parts, ignore_index=True)
        gain = statistics.paired_bootstrap(
            table.label, table.leaky, table.honest, table.unit.to_numpy(), seed=self.seed
        ).interval
        assert gain is not None  # a bootstrap has one
        right = [float((table[how] == table.label).mean()) for how in ("honest", "leaky")]
        self.record(name, right[0], right[1], gain)

    def record(self, name: str, honest: float, leaky: float, gain: statistics.Interval) -> None:
        """Record both accuracies and the faked points of a leak of `LEAKS`."""
        self.leaks[name] = Measured(LEAKS[name], honest, leaky, gain)
        key = key_of(name)
        self.results.record(f"{key}_honest", honest)
        self.results.record(f"{key}_leaky", leaky)
        self.results.record(f"{key}_faked_points", gain, points=True, claims=LEAKS[name].claims)

    def guard(
        self, name: str, guard: Callable[..., Any], *arguments: Any, already: str = "",
        **options: Any,
    ) -> None:  # fmt: skip
        """Run a guard on a leak, and keep whether it raised and what it said.

        `already` is its alarm with nothing planted: one more would be no sign of the leak.
        """
        row = self.leaks[name]
        if already:
            row.guard = "cannot tell"
            return
        row.said = alarm(guard, *arguments, **options)
        row.guard = "stops it" if row.said else "stays silent"

    def words(self, *names: str) -> str:
        """Return a list in Markdown: what each leak fakes, and what its guard said."""
        return "\n".join(f"- {self._sentence(name)}" for name in names)

    def _sentence(self, name: str) -> str:
        row = self.leaks[name]
        points = row.points.replace(" (", " points (")
        fakes = f"**{name}**: {points}, from {row.honest:.2f} to {row.leaky:.2f}."
        if row.guard == "cannot tell":
            return f"{fakes} Its guard cannot tell: it raises an alarm with nothing planted, too."
        if row.guard == "stays silent":
            return f"{fakes} Its guard stays silent."
        return f"{fakes} Its guard says: *{row.said}*" if row.said else fakes

    def save_guards(self) -> None:
        """Record which leaks were stopped, and how many of how many."""
        for name, row in self.leaks.items():
            self.results.record(f"{key_of(name)}_caught", bool(row.said))
        self.results.record("leaks_planted", len(self.leaks))
        self.results.record("leaks_caught", sum(bool(row.said) for row in self.leaks.values()))

    def table(self) -> pd.DataFrame:
        """Return all leaks, the strongest first: type, what it is, points, guard."""
        rows = [
            (row.leak.code, name, row.leak.what, f"{row.honest:.2f}", f"{row.leaky:.2f}",
             row.points, row.guard, row.leak.data)
            for name, row in self.strongest_first()
        ]  # fmt: skip
        shown = ["type", "leak", "what is done", "honest", "leaky", "faked points, 95 % interval"]
        return pd.DataFrame(rows, columns=[*shown, "its guard", "data"])

    def strongest_first(self) -> list[tuple[str, Measured]]:
        """Return names and measurements, from the most faked points to the fewest."""
        return sorted(self.leaks.items(), key=lambda pair: -pair[1].gain.estimate)
