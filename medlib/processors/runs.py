"""Chapters under each profile: every one in a fresh process, with a cache that starts empty.

What is finished is kept in `build/processors`, under a stamp of everything it depends on, so a run
that was killed goes on where it stopped and a changed chapter is run anew.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib

from medlib import chapters
from medlib.errors import NotebookError
from medlib.processors.profiles import Profile
from medlib.results.records import Results, read
from medlib.runtime.paths import project_root, write_whole

FOLDER = "build/processors"
"""Where runs are kept, below the checkout."""
TRAINS = frozenset({"medlib/learning/network.py", "medlib/learning/fusing.py"})
"""Modules whose use makes a chapter depend on the seeds of networks."""
_RUN = (
    "import sys, nbformat; from pathlib import Path; from medlib.run import execution as e; "
    "n = e.execute(e.read_chapter(sys.argv[1]), {}, results=Path(sys.argv[2]), say=lambda _: None);"
    "Path(sys.argv[3]).write_text(nbformat.writes(n), encoding='utf-8')"
)


@dataclass(frozen=True)
class Run:
    """One chapter under one profile."""

    chapter: str
    profile: Profile

    @property
    def folder(self) -> Path:
        """Where the run leaves its files."""
        return project_root() / FOLDER / self.profile.name

    @property
    def numbers(self) -> Path:
        """Its results."""
        return self.folder / f"{self.chapter}.json"

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / f"{self.chapter}.ipynb"

    def results(self) -> Results:
        """The numbers of a finished run."""
        return read(self.numbers)

    def is_finished(self) -> bool:
        """Whether it was run with the text, code, packages and variables of today."""
        stamp = self.numbers.with_suffix(".stamp")
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == self._stamp()

    def do(self) -> None:
        """Run the chapter from nothing; raises NotebookError with what it said where it fails."""
        stamp = self._stamp()
        for left in (self.numbers.with_suffix(".stamp"), self.numbers, self.notebook):
            left.unlink(missing_ok=True)  # of a run with other text, which must not look like this
        cache = self.folder / f"cache-{self.chapter}"
        shutil.rmtree(cache, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        files = (str(self.numbers), str(self.notebook))
        done = subprocess.run(
            [sys.executable, "-c", _RUN, self.chapter, *files],
            cwd=project_root(),
            env={**self.profile.environment(), "MEDLIB_CACHE": str(cache)},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        shutil.rmtree(cache, ignore_errors=True)
        if done.returncode:
            said = done.stderr.strip()[-2000:]
            raise NotebookError(f"{self.chapter} failed under '{self.profile.name}': {said}")
        write_whole(self.numbers.with_suffix(".stamp"), stamp)

    def _stamp(self) -> str:
        digest = hashlib.sha256(json.dumps(dict(self.profile.variables), sort_keys=True).encode())
        for name in chapters.stage(self.chapter)["deps"]:
            digest.update(name.encode() + (project_root() / name).read_bytes())
        return digest.hexdigest()


def plan(names: Iterable[str], profiles: Sequence[Profile]) -> list[Run]:
    """The runs of these chapters; profiles of seeds only for chapters that train networks."""
    return [
        Run(name, profile)
        for profile in profiles
        for name in names
        if not profile.is_seed or TRAINS & set(chapters.closure(name))
    ]


def carry_out(runs: Sequence[Run], *, jobs: int, say: Callable[[str], None]) -> None:
    """Do what is not finished, `jobs` at a time; a failing run stops the ones that follow."""
    rest = [run for run in runs if not run.is_finished()]
    say(f"{len(runs)} runs, {len(rest)} of them to do")

    def do(run: Run) -> None:
        run.do()
        say(f"{run.chapter} under {run.profile.name}: finished")

    joblib.Parallel(n_jobs=jobs, prefer="threads")(joblib.delayed(do)(run) for run in rest)
