"""Helper processes that end with the one that asked for them.

A worker of joblib whose parent is killed goes on with its task, and then waits for five minutes.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

SECONDS: Final = 1.0
"""How often a worker looks for its parent."""


@dataclass(frozen=True)
class Bound:
    """A function to hand to joblib: its process ends when the present one is gone.

    On another computer, or in the present process, it is the function alone.
    """

    function: Callable[..., Any]
    asker: int = field(default_factory=os.getpid)

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns."""
        if os.getppid() == self.asker:
            _end_with(self.asker)
        return self.function(*arguments)


@cache
def _end_with(parent: int) -> None:
    """Watch the parent, once a process; an orphan's parent is another process."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS)
        os._exit(1)  # in the middle of a task, from a thread: nothing milder ends it

    threading.Thread(target=watch, daemon=True).start()
