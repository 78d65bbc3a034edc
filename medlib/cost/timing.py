"""Processor time of calls on one thread, how it grows with pixels, and where two methods cross."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from time import process_time
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.stats import linregress, t

from medlib.runtime import progress
from medlib.runtime.arithmetic import one_thread
from medlib.statistics import Interval
from medlib.types import Floats

Key = TypeVar("Key", bound=Hashable)

SHORTEST: Final = 0.01
"""Seconds that a measurement takes at least: below, the clock's own steps would show."""


def seconds(work: Callable[[], object], at_least: float = SHORTEST) -> float:
    """Processor seconds of one call; short ones are repeated until the clock can tell.

    Waiting for a busy neighbour does not add to processor time.
    """
    calls, spent = 1, 0.0
    while spent < at_least:
        begun = process_time()
        for _ in range(calls):
            work()
        spent, calls = process_time() - begun, 2 * calls
    return spent / (calls // 2)


def quickest(work: Mapping[Key, Sequence[Callable[[], object]]], rounds: int) -> dict[Key, float]:
    """Processor seconds of each work on one thread, in its quickest round: noise only ever adds.

    Rounds are interleaved, so that a slow minute of the machine hits all alike; each round takes
    the next of a work's calls.
    """
    best = dict.fromkeys(work, math.inf)
    with (
        one_thread(),
        torch.inference_mode(),
        progress.shown(rounds, "rounds of timing") as file,
    ):
        for turn in range(rounds):
            for key, calls in work.items():
                best[key] = min(best[key], seconds(calls[turn % len(calls)]))
            progress.say(file, f"round {turn + 1} of {rounds}")
    return best


def exponent(pixels: ArrayLike, spent: ArrayLike) -> Interval:
    """The power of the number of pixels with which time grows: slope of its logarithm, 95 %.

    The interval is that of a straight line through the sizes; it holds noise and departures from a
    power law, not the choice of sizes.
    """
    x, y = np.log(np.asarray(pixels, float)), np.log(np.asarray(spent, float))
    fit = linregress(x, y)
    half = float(t.ppf(0.975, len(x) - 2) * fit.stderr)
    slope = float(fit.slope)
    return Interval(
        "power of the number of pixels", slope, slope - half, slope + half, 0.95,
        "least squares on logarithms", f"{len(x)} sizes",
    )  # fmt: skip


def power_law(pixels: ArrayLike, spent: ArrayLike, at: ArrayLike) -> Floats:
    """Seconds at other numbers of pixels, by the line through the logarithms of those measured."""
    fit = np.polyfit(np.log(np.asarray(pixels, float)), np.log(np.asarray(spent, float)), 1)
    return np.exp(np.polyval(fit, np.log(np.asarray(at, float))))


def crossover(first: Mapping[int, float], second: Mapping[int, float]) -> float:
    """The size from which on the first takes longer, interpolated between sizes of both.

    `first` and `second`: seconds by size. The end of the sizes is given where they do not cross.
    """
    common: list[Any] = sorted({*first} & {*second})
    excess = [math.log(first[size] / second[size]) for size in common]
    return float(np.exp(np.interp(0, excess, np.log(common))))
