"""Networks that outline, trained with several seeds and compared on the same patients."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import joblib
import numpy as np
import pandas as pd
import torch
from monai.networks.nets.unet import UNet
from torch import nn

from medlib.cohorts.segmented import Segmented
from medlib.errors import InputError
from medlib.learning.segmenting import (
    FittedSegmenter,
    Masks,
    SegmentationLearner,
    normalised,
)
from medlib.models.classifiers import seeded
from medlib.runtime import progress
from medlib.runtime.arithmetic import one_thread
from medlib.statistics import Comparison, Interval, crossed_interval, crossed_test
from medlib.statistics.overlap import MEASURES, agreement
from medlib.types import Floats, Integers, Singles

LAST_EPOCHS: Final = 3
"""Whose mean is the loss at the end of a training: that of one epoch depends on its patches."""


@dataclass(frozen=True)
class Plan:
    """One way to train: a network, for about how many steps, and what is added to each seed."""

    network: str
    steps: int
    other: int = 0


@dataclass(frozen=True)
class Outlined:
    """What the networks of a plan did on the test cases.

    scores: seeds x cases x parts x `MEASURES`; NaN where a case lacks a part. seconds: processor
    time of each training. losses: of each, the mean of its last epochs. first: the network of the
    first seed, and its masks of the test cases.
    """

    scores: Floats
    seconds: Floats
    losses: Floats
    first: FittedSegmenter
    masks: Masks

    def of_cases(self, measure: str) -> Floats:
        """Mean over the parts that a case has: seeds x cases; of volume errors, of their size."""
        values = self.scores[..., MEASURES.index(measure)]
        values = np.abs(values) if measure == "volume_error" else values
        return np.asarray(np.nanmean(values, axis=2))

    def whole(self, images: Singles) -> Masks:
        """Masks of volumes by the first network, each seen as a whole and not in windows."""
        return self.first.predict(images, windows=False)


def outline(
    plans: Mapping[str, Plan],
    data: Segmented,
    train: Integers,
    test: Integers,
    *,
    seeds: int,
    first: int,
    learner: SegmentationLearner,
    tolerance_mm: float,
) -> dict[str, Outlined]:
    """Train each plan from so many seeds and judge it on the test cases, two side by side.

    Each training is one job of one thread, so that a seed gives the same numbers on any number of
    cores; they are `first` and those after it. `learner` has the settings that all plans share.
    Raises InputError for a part that no training case has, or no test case.
    """
    _check_parts(data, train, test)
    jobs = [(name, plan, first + plan.other + k) for name, plan in plans.items()
            for k in range(seeds)]  # fmt: skip
    total = sum(_epochs(plan, train) + 1 for _, plan, _ in jobs)
    with progress.shown(total, "training") as file, one_thread():
        found = joblib.Parallel(n_jobs=2, prefer="threads")(
            joblib.delayed(_one)(name, plan, seed, data, train, test, learner, tolerance_mm, file)
            for name, plan, seed in jobs
        )
    results = {}
    for name in plans:
        own = [one for (of, _, _), one in zip(jobs, found, strict=True) if of == name]
        results[name] = Outlined(np.stack([one.scores for one in own]),
                                 np.array([one.seconds for one in own]),
                                 np.array([one.loss for one in own]),
                                 own[0].fitted, own[0].masks)  # fmt: skip
    return results


def _check_parts(data: Segmented, train: Integers, test: Integers) -> None:
    """Each part is there on both sides: what was never seen is not found, by any network."""
    sides = {"training": data.present[train], "test": data.present[test]}
    for side, there in sides.items():
        for part, has in zip(data.parts[1:], there.T, strict=True):
            if not has.any():
                raise InputError(
                    f"Part {part!r} of the masks, {data.masks.shape}, is in no {side} case as the "
                    "patients were dealt out: give another seed or test_share, add patients that "
                    "have it, or join it with another part."
                )


class _Done(NamedTuple):
    scores: Floats
    seconds: float
    loss: float
    fitted: FittedSegmenter
    masks: Masks


def _one(
    name: str,
    plan: Plan,
    seed: int,
    data: Segmented,
    train: Integers,
    test: Integers,
    learner: SegmentationLearner,
    tolerance_mm: float,
    file: Path | None,
) -> _Done:
    epochs = _epochs(plan, train)
    learner = replace(learner, network=plan.network, epochs=epochs, classes=len(data.parts))

    def report(row: Mapping[str, object]) -> None:
        progress.say(file, f"{name}, seed {seed}: epoch {row['epoch']} of {epochs}")

    before = time.thread_time()
    fitted = learner.fit_volumes(data.images[train], data.masks[train], seed=seed, report=report)
    seconds = time.thread_time() - before
    masks = fitted.predict(data.images[test])
    scores = judged(masks, data.masks[test], len(data.parts), data.spacing_mm, tolerance_mm)
    progress.say(file, f"{name}, seed {seed}: finished")
    loss = float(fitted.history.loss.tail(LAST_EPOCHS).mean())
    return _Done(scores, seconds, loss, fitted, masks)


def _epochs(plan: Plan, train: Integers) -> int:
    """Times that all training cases give a patch, for the plan's steps of one patch each."""
    return max(1, round(plan.steps / len(train)))


def judged(
    found: Masks, truth: Masks, parts: int, spacing_mm: float, tolerance_mm: float
) -> Floats:
    """Return `agreement` of each case and part but the background: cases x parts x `MEASURES`."""
    return np.array([
        [agreement(a == k, b == k, spacing_mm=spacing_mm, tolerance_mm=tolerance_mm)
         for k in range(1, parts)]
        for a, b in zip(found, truth, strict=True)
    ])  # fmt: skip


class Judge(NamedTuple):
    """Gives means and differences with intervals over seeds and test patients."""

    patients: Integers

    def mean(self, scores: Floats) -> Interval:
        """Mean of scores (seeds x cases), its interval over seeds and patients.

        What is never below 0, such as a distance, has an interval that is not either.
        """
        span = crossed_interval(scores, None, self.patients)
        return replace(span, low=max(0.0, span.low)) if scores.min() >= 0 else span

    def difference(self, a: Floats, b: Floats, *, most: float = math.inf) -> Comparison:
        """Mean of a - b (seeds x cases each), paired by patient and order of seeds.

        `most`: how far apart two scores can be at all; no end of the interval is further off.
        """
        found = crossed_test(a - b, None, self.patients)
        span = found.interval
        if span is None:
            return found
        cut = replace(span, low=max(span.low, -most), high=min(span.high, most))
        return replace(found, interval=cut)


def table_of(results: Mapping[str, Outlined], judge: Judge) -> pd.DataFrame:
    """Return a row a plan: each measure's mean with its interval, as text, seconds and losses."""
    rows = []
    for name, found in results.items():
        row: dict[str, object] = {"network": name}
        for measure in MEASURES:
            span = judge.mean(found.of_cases(measure))
            shown = "{:.1f}" if measure == "hd95_mm" else "{:.2f}"
            middle, *ends = (shown.format(x) for x in (span.estimate, span.low, span.high))
            row[measure] = f"{middle} ({' to '.join(ends)})"
        ends_at = f"{found.losses.mean():.2f} (worst {found.losses.max():.2f})"
        rows.append(row | {"loss": ends_at, "seconds": found.seconds.mean()})
    return pd.DataFrame(rows)


class Windowed(NamedTuple):
    """Largest difference between an answer in windows and one of the whole volume.

    inside: further than `reach` voxels from every border of a window; near: anywhere else.
    """

    reach: int
    inside: float
    near: float


def windows_against_whole(
    volume: Singles, *, norm: str, start: int, patch: int, seed: int
) -> Windowed:
    """Compare one window with the whole volume, for a small untrained U-Net with this norm.

    volume: channels x x x y x z. The window begins at `start` along each axis, a multiple of 2, and
    has `patch` voxels a side. The network's reach is found from its gradient: the furthest voxel
    that moves an answer.
    """
    with seeded(seed), one_thread():
        net = UNet(3, len(volume), 2, (8, 16), (2,), norm=norm).eval()
        whole = normalised(volume)[None]
        cut = (..., *(slice(start, start + patch),) * 3)
        reach = _reach(UNet(3, len(volume), 2, (8, 16), (2,), norm="batch").eval(), len(volume))
        with torch.inference_mode():
            apart = (net(whole)[cut] - net(whole[cut])).abs().amax(dim=(0, 1)).numpy()
    deep = (slice(reach, patch - reach),) * 3
    near = apart.copy()
    near[deep] = 0
    return Windowed(reach, float(apart[deep].max()), float(near.max()))


def _reach(net: nn.Module, channels: int, side: int = 48) -> int:
    """How many voxels away an input can lie that moves an output."""
    noise = torch.randn(1, channels, side, side, side).requires_grad_()
    middle = side // 2
    furthest = 0
    for at in (middle, middle + 1):  # a halving treats even and odd places otherwise
        net(noise)[0, 0, at, at, at].backward()
        assert noise.grad is not None
        moved = noise.grad[0].abs().amax(dim=0).nonzero()
        furthest = max(furthest, int((moved - at).abs().max()))
        noise.grad = None
    return furthest
