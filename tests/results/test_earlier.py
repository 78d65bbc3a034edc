"""A chapter finds what a reader's earlier run of another chapter gave, and no other numbers."""

import shlex

import numpy as np
import pytest

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.results import Results
from medlib.results.earlier import how_to_run, results_of

CHAPTER = "04_resnet50_cv"


def cases(seed):
    """Eight noise images of two classes."""
    images = np.random.default_rng(seed).integers(0, 255, (8, 16, 16)).astype(np.float32)
    return from_arrays(images, np.arange(8) % 2, name="mine", patient_ids=np.arange(8))


def run(folder, cohort, chapter=CHAPTER):
    """What `medlib run --out` leaves of a chapter's numbers."""
    results = Results(chapter, cohort.identity(), {})
    results.record("scratch_accuracy", 0.75)
    results.save(folder / "results.json")
    return str(folder)


def test_numbers_of_an_own_run_on_the_same_cases_are_found(tmp_path):
    found = results_of(CHAPTER, cases(0).identity(), run(tmp_path, cases(0)))
    assert found["scratch_accuracy"].value == 0.75


def test_numbers_on_other_cases_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"other cases than these \(8 of mine\)"):
        results_of(CHAPTER, cases(1).identity(), run(tmp_path, cases(0)))


def test_numbers_of_another_chapter_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds results of 03_cohort"):
        results_of(CHAPTER, cases(0).identity(), run(tmp_path, cases(0), "03_cohort"))


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        results_of(CHAPTER, cases(0).identity(), str(tmp_path / "nothing"))


def test_without_a_folder_only_the_cohorts_of_the_book_have_numbers():
    assert results_of(CHAPTER, cases(0).identity()) is None
    assert results_of(CHAPTER, {"name": "phantom-chest-ct"}).notebook == CHAPTER


def test_the_line_to_type_survives_a_shell():
    line = how_to_run(CHAPTER, {"cohort": "images:my set", "classes": "", "seed": 3}, "out 6")
    assert shlex.split(line) == [
        *("medlib", "run", CHAPTER, "-p", "cohort", "images:my set"),
        *("-p", "seed", "3", "--out", "out 6"),
    ]
