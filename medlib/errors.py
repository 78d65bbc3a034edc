"""What a reader is meant to see when something cannot be done."""

import difflib
import signal
from collections.abc import Iterable
from typing import ClassVar


class InputError(ValueError):
    """Something the reader gave cannot be used; the message is one sentence that says what to do.

    The command line prints the message alone and exits with `exit_code`.
    """

    exit_code: ClassVar[int] = 2


class TooManyError(InputError):
    """What was given can be read, but the exact answer takes longer than a reader would wait."""

    exit_code = 4


class NotebookError(RuntimeError):
    """A notebook's cell failed for a reason that is not the reader's; holds the traceback."""


class Stopped(Exception):
    """Ctrl-C or SIGTERM ended the work; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        """Say what is left behind: nothing but finished folds."""
        name = signal.Signals(number).name
        super().__init__(
            f"stopped by {name}: nothing was written; finished folds are kept for the next run"
        )
        self.number = number


def did_you_mean(given: str, known: Iterable[str], otherwise: str, *, alike: float = 0.6) -> str:
    """Return "did you mean 'NAME'?" for the known name nearest to what was given.

    `otherwise` is what to say where none is `alike`, from 0 (anything) to 1 (the same).
    """
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=alike)
    return f"did you mean {near[0]!r}?" if near else otherwise
