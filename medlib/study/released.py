"""A release of picture files with a shortcut in it, and a release split in three ways."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from medlib import statistics
from medlib.cohorts import Cohort, load
from medlib.cohorts.audit import audit
from medlib.cohorts.audit.planted import Leak, Shortcut, from_soft_scanner, soft
from medlib.learning.crossval import stratified_patient_folds
from medlib.study.faked import Faked, Measured, key_of
from medlib.types import Array, Bools, Floats, Integers

SPLITS: Final = ("as released", "without copies", "by group")
"""How a release with several images a patient is dealt into folds."""
Answers = Callable[[Floats, Integers, Integers], Integers]
"""Out-of-fold classes, from features, classes and folds."""


def release(folder: str, pictures: npt.NDArray[np.uint8], positive: Bools, how: Shortcut) -> Cohort:
    """Write cases as picture files with a table of patients and sites, and load them back.

    pictures: n x height x width. The cohort has the order of its files: see `numbers`.
    """
    lines = ["file,patient_id,site"]
    for number, (image, ill) in enumerate(zip(pictures, positive.tolist(), strict=True)):
        ending, stored = how.file(image, ill, number)
        path = Path(folder) / ("positive" if ill else "negative") / f"{number:04d}{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(stored)
        site = "B" if how.change is soft and from_soft_scanner(ill, number) else "A"
        lines.append(f"{path.parent.name}/{path.name},P{number:04d},{site}")
    (Path(folder) / "patients.csv").write_text("\n".join(lines), "utf-8")
    return load(f"images:{folder}", classes="negative,positive")


def numbers(cases: Cohort) -> Integers:
    """Return the number that each case of a `release` had before."""
    return np.array([int(Path(name).stem) for name in cases.table.image_id])


def seen_in_release(
    pictures: npt.NDArray[np.uint8], positive: Bools, how: Shortcut,
    see: Callable[[Array], Floats], *, size: int, seed: int,
) -> tuple[Floats, pd.DataFrame]:  # fmt: skip
    """Return features of released files, in the order of the pictures, and the audit's shortcuts.

    see: gives features of images of `size` pixels a side, 0..1.
    """
    with tempfile.TemporaryDirectory() as folder:
        cases = release(folder, pictures, positive, how)
        features = see(np.clip(cases.images(size) / 255, 0, 1))
        return features[np.argsort(numbers(cases))], audit(cases, seed=seed).shortcuts


def outline_of(pool: Cohort, number: int) -> Bools:
    """Return the outline of a simulated lesion in the plane of its slice: rows x columns."""
    masks = np.load(Path(pool.table.folder[number]) / "masks.npz")
    return np.asarray(masks["lesion"].max(axis=0), bool)


def balanced(cohort: Cohort, most: int, seed: int) -> Cohort:
    """Return at most `most` images, half of each class, without groups alone of their kind.

    The kinds are groups of negatives, of positives, and of both: of one group nothing can be
    redrawn.
    """
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(cohort.labels == k))[: most // 2] for k in (0, 1)]
    chosen = cohort.select(np.sort(np.concatenate(rows)))
    share = pd.Series(chosen.labels).groupby(chosen.groups).mean()
    kind = np.sign(share - 0.5) * (share % 1 == 0)
    alone = kind.index[kind.map(kind.value_counts()) == 1]
    return chosen.select(~np.isin(chosen.groups, alone))


class Images(NamedTuple):
    """Features, classes, groups of a release, and whether each image is the first of its kind."""

    x: Floats
    y: Integers
    group: Integers
    first: Bools


def three_splits(
    y: Integers, images: Images, folds: int, rng: np.random.Generator
) -> Iterator[tuple[str, Integers, Integers]]:
    """Yield name, rows and folds: as released, without copies, and with groups whole."""
    everyone, some = np.arange(len(y)), np.flatnonzero(images.first)
    step = int(rng.integers(1 << 30))
    for name, rows, unit in zip(
        SPLITS, (everyone, some, some), (everyone, some, images.group[some]), strict=True
    ):
        yield name, rows, stratified_patient_folds(y[rows], unit, folds=folds, seed=step)


def split_outcomes(
    images: Images, answers: Answers, *, folds: int, repeats: int, seed: int, dealt: bool = False
) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Return one row an image and repeat (label, unit, answers by split), and SDs over folds.

    Only images that are no copies are scored. `dealt`: labels are dealt to groups at random.
    """
    parts, spreads = [], []
    x, y, group, first = images
    for number in range(repeats):
        rng = np.random.default_rng([seed, 4, number])
        z = rng.permutation(np.arange(group.max() + 1) % 2)[group] if dealt else y
        row, spread = {"label": z[first], "unit": group[first]}, {}
        deals = np.random.default_rng([seed, 3, number])
        for name, rows, fold in three_splits(z, images, folds, deals):
            given = answers(x[rows], z[rows], fold)
            row[name] = given[first[rows]]
            spread[name] = fold_sd(given == z[rows], fold)
        parts.append(pd.DataFrame(row))
        spreads.append(spread)
    return pd.concat(parts, ignore_index=True), pd.DataFrame(spreads).mean()


def fold_sd(right: Bools, fold: Integers) -> float:
    """Return the SD over folds of the share that was right."""
    return float(np.std(np.bincount(fold, right) / np.bincount(fold), ddof=1))


def record_release(
    leaks: Faked, how: str, found: pd.DataFrame, spread: pd.Series[float]
) -> list[tuple[str, str, str, float]]:
    """Record `split_outcomes` of one classifier, and return rows of a table.

    A row: classifier, split, accuracy with its interval, mean SD over folds.
    """
    rows = []
    for split in SPLITS:
        name = f"release_{key_of(how)}_{key_of(split)}"
        accuracy = statistics.cluster_bootstrap(
            found.label, found[split], found.unit.to_numpy(), metrics=["accuracy"], seed=leaks.seed
        )["accuracy"]
        leaks.results.record(f"{name}_accuracy", accuracy, claims=["C34"])
        leaks.results.record(f"{name}_fold_sd", spread[split], claims=["C43"])
        shown = f"{accuracy.estimate:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})"
        rows.append((how, split, shown, float(spread[split])))
    return rows


def release_fakes(leaks: Faked, how: str, found: pd.DataFrame, data: str) -> list[str]:
    """Record what splitting image by image gains, and return the names of these leaks."""
    names = []
    for split in SPLITS[:2]:
        gain = statistics.paired_bootstrap(
            found.label, found[split], found["by group"], found.unit.to_numpy(), seed=leaks.seed
        ).interval
        assert gain is not None  # a bootstrap has one
        key = f"release_{key_of(how)}_{key_of(split)}_faked_points"
        leaks.results.record(key, gain, points=True, claims=["C34"])
        if "random" not in how:
            names.append(f"{data}, {split}, {how}")
            honest, leaky = (float((found[s] == found.label).mean()) for s in ("by group", split))
            what = Leak("L3.2", "images of one group lie in several folds", data=data)
            leaks.leaks[names[-1]] = Measured(what, honest, leaky, gain)
    return names
