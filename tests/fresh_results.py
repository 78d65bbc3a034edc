"""A fresh run of every notebook gives the committed numbers, each within its own tolerance.

Called by `make notebooks` after nbval, which leaves the fresh numbers in the folder MEDLIB_FRESH
names. Not called test_*: without such a run there is nothing to compare.
"""

import os
from pathlib import Path

import pytest

from medlib import chapters, results

ROOT = Path(__file__).resolve().parents[1]
FRESH = Path(os.environ["MEDLIB_FRESH"])


@pytest.mark.parametrize("chapter", chapters.names(ROOT))
def test_a_fresh_run_gives_the_committed_numbers(chapter):
    name = f"{chapters.COHORT}/{chapter}.json"
    moved = results.compare(results.read(FRESH / name), results.read(ROOT / "results" / name))
    assert not moved, "\n".join(moved)
