"""Questions about waiting: who waits how long for a reader, with and without a list by priority.

One reader (or several), scans that arrive by chance, a time to read each; who is first in the list
is read next, and nobody is interrupted. The simulation is held to closed forms in
tests/statistics/test_queueing.py: M/M/1, time in the system 1 / (mu - lambda), and Cobham 1954,
Operations Research 2:70, for two priorities.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.statistics._checks import as_count
from medlib.types import Floats, Integers


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When each scan comes and how long it takes to read, in the same unit of time."""

    at: Floats
    takes: Floats


def arrivals(number: int, *, every: float, takes: float, rng: np.random.Generator) -> Arrivals:
    """Return scans that come on average `every` so long and take `takes` on average (M/M).

    Raises InputError for times that are not above 0, and for fewer than one scan.
    """
    count = as_count(number, "number", least=1)
    if not (0 < every < np.inf and 0 < takes < np.inf):
        raise InputError(f"every is {every} and takes {takes}: give times above 0.")
    gaps, work = rng.standard_exponential((2, count))
    return Arrivals(np.cumsum(gaps * every), work * takes)


def waits(scans: Arrivals, priority: ArrayLike | None = None, *, readers: int = 1) -> Floats:
    """Return how long each scan waits until somebody begins to read it.

    priority: a whole number a scan, the smallest is read first; those with the same in the order
    in which they came. None: first come, first served. Raises InputError for another length.
    """
    first = np.zeros(len(scans.at)) if priority is None else np.asarray(priority, dtype=float)
    if first.shape != scans.at.shape:
        raise InputError(f"priority has {first.size} entries for {len(scans.at)} scans.")
    free = [0.0] * as_count(readers, "readers", least=1)
    waiting: list[tuple[float, int]] = []
    waited, coming = np.zeros(len(scans.at)), 0
    for _ in range(len(scans.at)):
        now = free[0]
        if not waiting:
            now = max(now, float(scans.at[coming]))
        while coming < len(scans.at) and scans.at[coming] <= now:
            heapq.heappush(waiting, (float(first[coming]), coming))
            coming += 1
        _, scan = heapq.heappop(waiting)
        waited[scan] = now - scans.at[scan]
        heapq.heapreplace(free, now + float(scans.takes[scan]))
    return waited


def mean_wait(load: float, takes: float) -> float:
    """Return the mean wait of M/M/1 at a load (0..1): load / (1 - load) times the time to read."""
    return _load(load) / (1 - load) * takes


def mean_waits_by_priority(first: float, load: float, takes: float) -> tuple[float, float]:
    """Return mean waits of urgent and of other scans (Cobham): M/M/1, nobody interrupted.

    first: share of scans that are urgent. Averaged over all scans it is `mean_wait`, whatever the
    share: where reading takes as long for all, priority moves waiting from some to others.
    """
    share = _load(load) * first
    urgent = load * takes / (1 - share)
    return urgent, urgent / (1 - load)


def _load(load: float) -> float:
    if not 0 <= load < 1:
        raise InputError(f"The load is {load}; from 1 on the list grows without end: give 0 to 1.")
    return load


def settled_in(scans: Arrivals, *, after: float = 0.1) -> Integers:
    """Return the scans after the first part, in which an empty list fills."""
    return np.arange(int(after * len(scans.at)), len(scans.at))
