"""Simulated patients are made once and kept, by what was asked for and the code that made them."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import joblib
from tqdm.auto import tqdm

from medlib.runtime import progress
from medlib.runtime.workers import Bound

Case = Mapping[str, Any]
"""What is asked for of one patient; all of it can be written as JSON."""


def content_key(case: Case, sources: tuple[Path, ...]) -> str:
    """Return a name for a patient: another one where the case or a byte of the sources differs."""
    text = json.dumps(case, sort_keys=True)
    return hashlib.sha256(f"{_hash_of(sources)}{text}".encode()).hexdigest()[:24]


@lru_cache
def _hash_of(sources: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def archives(
    folder: Path,
    plan: Sequence[Case],
    sources: tuple[Path, ...],
    make: Callable[[Case, Path], None],
    *,
    jobs: int,
) -> list[Path]:
    """Return the ``.npz`` file of each case in a folder, made where it lacks or is damaged."""
    files = [folder / f"{content_key(case, sources)}.npz" for case in plan]
    lacking = [(c, f) for c, f in zip(plan, files, strict=True) if not _is_whole(f)]
    make_side_by_side(make, lacking, jobs)
    return files


def _is_whole(file: Path) -> bool:
    """Whether a file is there and not cut off; a damaged one is told."""
    if not file.exists():
        return False
    if zipfile.is_zipfile(file):
        return True
    progress.tell(f"{file} is damaged: this patient is simulated again")
    return False


def make_side_by_side(
    make: Callable[[Case, Path], None], lacking: Sequence[tuple[Case, Path]], jobs: int
) -> None:
    """Make each lacking patient at its place, ``jobs`` at a time, each with one thread.

    The first one is made alone, so that what cannot be simulated is said before work starts.
    """
    if not lacking:
        return
    first, *others = lacking
    make(*first)
    with joblib.parallel_config("loky", n_jobs=int(jobs), inner_max_num_threads=1):
        making = joblib.Parallel(return_as="generator_unordered")(
            joblib.delayed(Bound(make))(*each) for each in others
        )
        quiet = not sys.stderr.isatty()
        list(tqdm(making, "Simulating patients", len(others), disable=quiet, leave=False))
