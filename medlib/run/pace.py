"""Where a run stands: which cell, which step of how many, and about how long the steps will take.

The estimate is the simplest there is: steps to come at the pace of those done since the work began.
Steps that an earlier run left finished count as done, and say nothing of the pace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from medlib.runtime import progress
from medlib.runtime.progress import ANNOUNCED, NOTE

QUIET: Final = 5.0
"""Seconds of silence after a line, unless work begins or ends."""
MINUTE, HOUR = 60, 3600


class Pace:
    """Turns lines of progress into sentences; keeps silent while little is new."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin before the first cell. `clock` gives seconds."""
        self.clock = clock
        self.cell = ""
        self.what, self.total, self.before, self.steps, self.begun = "", 0, 0, 0, clock()
        self.said_at = -QUIET

    def at_cell(self, number: int, total: int) -> str:
        """Take note that a cell begins; return what to say of it, perhaps nothing."""
        if not self.cell:  # the first cell is no news
            self.said_at = self.clock()
        self.cell, self.total = f"cell {number} of {total}", 0
        return self._unless_quiet(self.cell)

    def of(self, line: str) -> str:
        """Return what to say at a line of progress, perhaps nothing."""
        if line.startswith(NOTE):
            return line.removeprefix(NOTE)
        if announced := ANNOUNCED.fullmatch(line):
            self.what, self.total, self.before = announced[1], int(announced[2]), int(announced[3])
            self.steps, self.begun = 0, self.clock()
            kept = f", {self.before} of them done in an earlier run" * (self.before > 0)
            return self._say(self._where(f"{self.what}: {self.total} steps{kept}"))
        if not self.total:
            return self._unless_quiet(self._where(line))
        self.steps += 1
        done = self.before + self.steps
        said = self._where(f"{self.what}, step {done} of {self.total}{self._left()} ({line})")
        return self._say(said) if done >= self.total else self._unless_quiet(said)

    def _left(self) -> str:
        to_come = self.total - self.before - self.steps
        if to_come <= 0:
            return ""
        return f", {in_words(to_come * (self.clock() - self.begun) / self.steps)} left"

    def _where(self, said: str) -> str:
        return f"{self.cell}; {said}" if self.cell else said

    def _say(self, said: str) -> str:
        self.said_at = self.clock()
        return said

    def _unless_quiet(self, said: str) -> str:
        return self._say(said) if self.clock() - self.said_at >= QUIET else ""


def in_words(seconds: float) -> str:
    """Return a length of time as one says it.

    >>> in_words(20), in_words(230), in_words(6000)
    ('less than a minute', 'about 4 minutes', 'about 1.7 hours')
    """
    if seconds < MINUTE:
        return "less than a minute"
    if seconds < HOUR:
        minutes = max(1, round(seconds / MINUTE))
        return f"about {minutes} minute{'s' * (minutes > 1)}"
    return f"about {seconds / HOUR:.1f} hours"


@contextmanager
def following(path: Path, pace: Pace, say: Callable[[str], None]) -> Iterator[Path]:
    """Hand what `pace` makes of each line that appears in `path` to `say`, while the block runs."""

    def take(line: str) -> None:
        if said := pace.of(line):
            say(said)

    with progress.following(path, take):
        yield path
