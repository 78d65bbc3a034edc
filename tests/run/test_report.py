"""The report of a run says what was asked, what came out, and what to distrust."""

import re
from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from medlib.cohorts.audit.verdict import Finding
from medlib.results import Results
from medlib.run.data_check import DataCheck, Row
from medlib.run.report import main_numbers, report

PARAMETERS = 'cohort: str = "phantom-chest-ct"\nseed: int = 0\nfolds: int = 5\n'
LIMITS = """## What this does and does not show

- A {term}`fold <fold>` is no hospital {cite}`other2020`. More of this.
- **Two** of *three* <b>things</b> are open.

## Next

- Not a limit.
"""


@pytest.fixture
def notebook():
    parameters = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    cells = [new_markdown_cell("# Is it {term}`right`?"), parameters, new_markdown_cell(LIMITS)]
    return new_notebook(cells=cells)


@pytest.fixture
def run():
    cohort = {
        "name": "a <set>",
        "images": 120,
        "patients": 90,
        "images_per_class": {"normal": 90, "ill": 30},
        "patient_id_kind": "surrogate",
        "refused_files": 2,
    }
    results = Results("04_resnet50_cv", cohort, {"seed": 0}, {})
    results.record("epochs_done", 12)
    results.record("scratch_accuracy", 0.71, interval=(0.55, 0.83))
    results.record("scratch_auc", 0.9, interval=(0.8, 0.95))
    results.record("seconds", 12.5, unit="s", compared=False)
    return results


def checked(*findings, rows=()):
    return DataCheck("Said.", findings, 0.75, 120, 90, "SD", 0.02, accuracies=rows)


def words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<body>")[2]).split())


def test_what_was_asked_names_chapter_data_classes_and_only_settings_that_differ(notebook, run):
    said = words(report(notebook, {"cohort": "images:D", "seed": 3, "folds": 5}, run, None))
    assert "Is it right?" in said
    assert "chapter 04_resnet50_cv" in said
    assert "data images:D (your images)" in said
    assert "cases 120 images of 90 groups" in said
    assert "classes normal 90, ill 30" in said
    assert "settings seed 3 (usually 0) What came out" in said


def test_of_outlines_nothing_is_said_of_classes_and_notes_of_the_data_are_doubts(notebook, run):
    outlined = {"images_per_class": {"outlined": 16}, "notes": ["Averaged down by 2."]}
    said = words(report(notebook, {}, replace(run, cohort=run.cohort | outlined), None))
    assert "class" not in said
    assert "There are few cases: 16. Another draw" in said
    assert "Averaged down by 2." in said


def test_limits_written_about_simulated_patients_say_so_on_other_data(notebook, run):
    of_author = "wrote these about simulated patients"
    assert of_author in words(report(notebook, {}, run, None))
    simulated = replace(run, cohort=run.cohort | {"simulated": True})
    assert of_author not in words(report(notebook, {}, simulated, None))


def test_what_came_out_puts_accuracies_first_with_interval_and_the_baseline_above_them(
    notebook, run
):
    assert [r.key for r in main_numbers(run)] == ["scratch_accuracy", "scratch_auc", "epochs_done"]
    said = words(report(notebook, {}, run, None))
    came_out = said.partition("What came out")[2].partition("What to distrust")[0]
    baseline = "most frequent class, for comparison 0.75"
    accuracy = "scratch accuracy 0.71 [95 % CI: 0.55, 0.83]"
    assert came_out.index(baseline) < came_out.index(accuracy)
    assert "scratch AUC 0.90" in came_out
    assert "results.json holds 4 numbers in all" in came_out


def test_what_to_distrust_names_groups_few_cases_refused_files_and_chance(notebook, run):
    said = words(report(notebook, {}, run, None)).partition("What to distrust")[2]
    assert "No patient ids are recorded" in said
    assert "30 of class ill" in said
    assert "2 files could not be read" in said
    assert "Intervals are wide: scratch accuracy is 0.71" in said
    assert "not told apart from always answering the most frequent class (0.75)" in said


def test_a_null_run_comes_last_and_that_it_is_at_chance_is_no_reason_to_doubt(notebook, run):
    run.record("null_scratch_accuracy", 0.74, interval=(0.5, 0.9))
    assert [r.key for r in main_numbers(run)][:3] == [
        "scratch_accuracy", "scratch_auc", "null_scratch_accuracy",
    ]  # fmt: skip
    said = words(report(notebook, {}, run, None)).partition("What to distrust")[2]
    assert "null scratch accuracy" not in said


def test_what_the_data_give_away_stands_before_any_number(notebook, run):
    row = Row("the shortcut alone (x)", 90, "as released", 0.97, 0.9, 0.99)
    found = checked(Finding("SD alone does it.", "Make them alike."), rows=(row,))
    said = words(report(notebook, {}, run, found))
    assert said.index("SD alone does it.") < said.index("What was asked")
    assert "accuracy of 0.97 (95 % interval 0.90 to 0.99)" in said
    assert "What to do: Make them alike." in said
    assert "the shortcut alone (x) 90 groups, as released 0.97 (0.90 to 0.99)" in said


def test_limits_are_the_chapters_own_without_marks_of_sphinx(notebook, run):
    said = report(notebook, {}, run, checked()).partition("What this chapter shows")[2]
    assert "A fold is no hospital . More of this." in said
    assert "<strong>Two</strong> of <em>three</em> &lt;b&gt;things" in said
    assert "Not a limit" not in said


def test_names_that_look_like_tags_are_text_and_nothing_is_loaded(notebook, run):
    page = report(notebook, {}, run, checked())
    assert "a &lt;set&gt;" in page
    assert not re.search(r"<script|https?:|src=|@import|<link", page)


def test_a_notebook_of_another_make_has_a_report_too(run):
    page = report(nbformat.v4.new_notebook(), {}, Results("x", {"name": "n"}, {}, {}), None)
    assert "What to distrust" in page


def test_an_external_accuracy_stands_on_the_page_however_many_classes_there_are():
    run = Results("04_resnet50_cv", {}, {}, {})
    for key in ("accuracy", *(f"sensitivity_{n}" for n in range(20)), "external_accuracy"):
        run.record(key, 0.5, interval=(0.4, 0.6))
    assert [one.key for one in main_numbers(run)][:2] == ["accuracy", "external_accuracy"]
