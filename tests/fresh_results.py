"""A fresh run of every notebook gives the committed numbers, each within the tolerance measured.

The verdicts of the ledger have to follow from the fresh numbers as they do from the committed ones.

Called by `make notebooks` after nbval, which leaves the fresh numbers in the folder MEDLIB_FRESH
names. Not called test_*: without such a run there is nothing to compare.
"""

import os
from pathlib import Path

import pytest

from medlib import chapters, results
from medlib.processors import ledger, on_record

ROOT = Path(__file__).resolve().parents[1]
FRESH = Path(os.environ["MEDLIB_FRESH"])


@pytest.mark.parametrize("chapter", chapters.names(ROOT))
def test_a_fresh_run_gives_the_committed_numbers(chapter):
    name = f"{chapters.cohort_of(chapter)}/{chapter}.json"
    allowed = on_record.tolerances(chapter, chapters.cohort_of(chapter))
    fresh, committed = results.read(FRESH / name), results.read(ROOT / "results" / name)
    former = on_record.former(committed)
    assert not former, f"tolerances of {chapter} were measured around other values of {former}"
    moved = results.compare(fresh, committed, allowed)
    assert not moved, "\n".join(moved)


@pytest.mark.parametrize("chapter", chapters.names(ROOT))
def test_the_verdicts_follow_from_a_fresh_run(chapter):
    fresh = results.read(FRESH / f"{chapters.cohort_of(chapter)}/{chapter}.json")
    faults = ledger.with_fresh(fresh)
    assert not faults, "\n".join(faults)
