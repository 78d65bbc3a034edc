"""Progress of long work: a bar for who watches, lines in a file for who asks, silence otherwise.

Jobs in other processes cannot draw on this one's terminal, so each appends lines to a file, and
the bar counts them.
"""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tqdm.auto import tqdm

VARIABLE: Final = "MEDLIB_PROGRESS"
"""Environment variable: a file to append to, or "off"."""
ANNOUNCED: Final = re.compile(r"(.+): (\d+) steps, (\d+) done before")
"""The line by which work says, in the file that is asked for, how many steps will follow."""
NOTE: Final = "note: "
"""How a line in that file begins that is no step."""
SECONDS: Final = 0.5
"""How often a follower looks for new lines."""


def say(file: Path | None, line: str) -> None:
    """Append one line to the file of progress; in one write, so lines of many jobs do not mix."""
    if file is not None:
        with file.open("ab", buffering=0) as lines:
            lines.write(f"{line}\n".encode())


def tell(line: str) -> None:
    """Say one line that is no step of work: in the file that MEDLIB_PROGRESS names, or on stderr.

    Silent where it is "off".
    """
    asked = os.environ.get(VARIABLE, "")
    if asked and asked != "off":
        say(Path(asked), f"{NOTE}{line}")
    elif not asked:
        print(line, file=sys.stderr)


@contextmanager
def shown(total: int, what: str, *, done: int = 0, wanted: bool = True) -> Iterator[Path | None]:
    """Yield the file to which jobs `say` each step that is left, or None where nobody looks.

    total: all steps; done: those of them that an earlier run left finished. The file is the one
    MEDLIB_PROGRESS names; without it, in a terminal or a notebook that a person runs, a temporary
    one that moves a bar.
    """
    asked = os.environ.get(VARIABLE, "")
    if not wanted or asked == "off" or total <= done:
        yield None
    elif asked:
        say(Path(asked), f"{what}: {total} steps, {done} done before")
        yield Path(asked)
    elif _watched():
        with (
            TemporaryDirectory() as folder,
            _bar(Path(folder) / "lines", total, done, what) as file,
        ):
            yield file
    else:
        yield None


def _watched() -> bool:
    """Return whether a person sees the output: a terminal, or JupyterLab and not a test of it."""
    if "ipykernel" in sys.modules:
        return "JPY_SESSION_NAME" in os.environ  # Jupyter's server sets it, nbclient does not
    return sys.stderr.isatty()


@contextmanager
def _bar(file: Path, total: int, done: int, what: str) -> Iterator[Path]:
    with tqdm(total=total, initial=done, desc=what, leave=False) as bar:

        def step(line: str) -> None:
            bar.set_postfix_str(line, refresh=False)
            bar.update()

        with following(file, step):
            yield file


@contextmanager
def following(file: Path, take: Callable[[str], None]) -> Iterator[Path]:
    """Hand each line that appears in `file` to `take`, in order, while the block runs.

    Lines that were written before the block ended are handed over too. Yields the file, made empty
    where there is none.
    """
    file.touch()
    finished = threading.Event()

    def follow() -> None:
        with file.open(encoding="utf-8") as lines:
            while True:
                last = finished.wait(SECONDS)
                for line in lines:
                    take(line.strip())
                if last:
                    return

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield file
    finally:
        finished.set()
        follower.join()
