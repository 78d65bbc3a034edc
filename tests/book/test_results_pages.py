"""Numbers reach the pages as recorded and sensibly rounded; a missing one stops the build."""

import doctest
import json
import os
import subprocess
import sys
from pathlib import Path

import accessible
import pytest
import results_pages

from medlib.results import Results, markdown

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """\
import sys
sys.path.insert(0, {extensions!r})
extensions = ["myst_parser", "results_pages"]
myst_enable_extensions = ["substitution"]
root_doc = "book/page"
"""


@pytest.fixture
def runs():
    simulated = Results("01_trial", {"name": "phantom", "simulated": True}, {}, {"processor": "P"})
    simulated.record("accuracy", 0.81234, interval=(0.7, 0.9), claims=["C42"])
    simulated.record("noise", 12.3456, unit="HU")
    real = Results(
        "01_trial",
        {"name": "clinic", "content_hash": "ab" * 32, "citation": "Somebody 2020."},
        {},
        {"processor": "Q"},
    )
    real.record("accuracy", 0.9, claims=["C43"])
    return {("clinic", "01_trial"): real, ("phantom", "01_trial"): simulated}


@pytest.mark.parametrize("module", [accessible, markdown])
def test_examples_in_docstrings(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (0.81234, 0.2, "0.81"),
        (0.81234, 0.02, "0.812"),
        (0.5, 40.0, "0"),
        (1234.56, None, "1,235"),
        (0.0123456, None, "0.0123"),
        (50, 0.2, "50"),
        ("none", None, "none"),
        (True, None, "yes"),
        ([0.8, 0.9], None, "(0.8, 0.9)"),
        ([[23, 2], [3, 22]], None, "((23, 2), (3, 22))"),
        (list(range(7)), None, "7 values"),
    ],
)
def test_a_number_shows_the_digits_it_supports(value, spread, shown):
    assert markdown.number(value, spread) == shown


def test_cohorts_stand_side_by_side_simulated_first(runs):
    lines = results_pages.side_by_side(results_pages.by_notebook(runs)["01_trial"]).splitlines()
    assert lines[0] == "| number | phantom (simulated) | clinic (real) | claims |"
    assert lines[2] == "| `accuracy` | 0.81 [95 % CI: 0.70, 0.90] | 0.9 | C42, C43 |"
    assert lines[3] == "| `noise` (HU) | 12.3 | not recorded |   |"
    assert "`abababababababab`" in lines[-1]
    assert "Somebody 2020; run on Q" in lines[-1]


def test_a_benchmark_has_a_table_for_each_task(tmp_path):
    path = tmp_path / "results.json"
    row = {"tool": "t", "seconds": 2.5, "peak_mb": 1234.5, "accuracy": 0.9, "ratio": 2.0}
    path.write_text(json.dumps([{"task": "a", **row}, {"task": "b", **row, "accuracy": None}]))
    tables = results_pages.benchmark_tables(path)
    assert tables["a"].splitlines()[2] == "| t | 2.5 | 1,234 | 0.9 | 2 |"
    assert tables["b"].splitlines()[2] == "| t | 2.5 | 1,234 | 2 |"  # no column without a value


def test_a_benchmark_says_which_share_of_the_peak_is_reached(tmp_path):
    path = tmp_path / "results.json"
    ours = {"share_of_peak": 0.64, "peak_gflops": 86.5, "precision": "fp32"}
    path.write_text(json.dumps([{"task": "a", "tool": "medlib", "seconds": 2.5, **ours}]))
    [text] = results_pages.benchmark_tables(path).values()
    assert "A training step of medlib reaches 64% of the 86 GFLOP/s" in text


def built(folder, page, runs):
    """Build a book of one page with the project's extension; returns stderr and the page's text."""
    (folder / "book").mkdir()
    (folder / "book/page.md").write_text(f"# Page\n\n{page}\n")
    (folder / "book/_toc.yml").write_text("root: book/page\n")
    (folder / "book/claims.yml").write_text(
        "- {id: C01, section: Intro, zh: 肺癌, en: Lung cancer, type: fact}\n"
    )
    (folder / "conf.py").write_text(CONFIGURATION.format(extensions=str(ROOT / "book/_ext")))
    for (cohort, notebook), run in runs.items():
        run.save(folder / "results" / cohort / f"{notebook}.json")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "text", str(folder)]
    # Sphinx's own command stops at a locale that this computer lacks, which Jupyter Book's does not
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*command, str(folder / "out")], capture_output=True, text=True, env=environment
    )
    page = folder / "out/book/page.txt"
    return done.returncode, done.stderr, page.read_text() if page.exists() else ""


def test_prose_and_tables_get_their_numbers(tmp_path, runs):
    number = '{{ r["01_trial"]["phantom"]["accuracy"].text }}'
    failed, said, page = built(tmp_path, f"It is {number}.\n\n{{{{ statements }}}}", runs)
    assert (failed, said) == (0, "")
    assert "It is 0.81 [95 % CI: 0.70, 0.90]." in page
    assert "肺癌" in page


def test_brackets_say_what_they_are_and_the_page_explains_it(tmp_path, runs):
    simulated = runs["phantom", "01_trial"]
    simulated.record("draws", 0.8, interval=(0.7, 0.9), kind="quantile range")
    simulated.record("pairs", 0.8, interval=(0.7, 0.9), kind="range")
    text = results_pages.side_by_side(results_pages.by_notebook(runs)["01_trial"])
    failed, said, page = built(tmp_path, "In the brackets: {{ ends }}", runs)
    assert (failed, said) == (0, "")
    for short in markdown.SHORT.values():
        assert f"[{short}: 0.70, 0.90]" in text
        assert f"*{short.lower()}*" in " ".join(page.lower().split())


@pytest.mark.parametrize(
    "missing",
    ['r["01_trial"]["phantom"]["precision"].text', 'r["02_gone"]["phantom"]', 'tables["02_gone"]'],
)
def test_a_missing_number_stops_the_build(tmp_path, runs, missing):
    failed, said, _ = built(tmp_path, f"It is {{{{ {missing} }}}}.", runs)
    assert failed
    assert "page.md" in said
    assert "UndefinedError" in said


def test_every_chapter_that_ran_on_real_data_has_its_table_in_the_book():
    page = (ROOT / "book/real_data.md").read_text()
    real = {
        path.stem for path in ROOT.glob("results/*/*.json") if "phantom" not in path.parent.name
    }
    assert [name for name in sorted(real) if f'tables["{name}"]' not in page] == []


def test_every_run_on_real_data_has_the_command_that_repeats_it_in_the_book():
    page = (ROOT / "book/real_data.md").read_text()
    runs = {
        f"medlib run {path.stem} -p cohort {path.parent.name}:DIR"
        for path in ROOT.glob("results/*/*.json")
        if "phantom" not in path.parent.name
    }
    assert [run for run in sorted(runs) if run not in page] == []
