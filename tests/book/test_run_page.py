"""The page and the report that `medlib run` leaves, as a browser shows them from a folder."""

import re
from pathlib import Path

import nbformat
import pytest
from page_checks import AXE, BROKEN, CUT_OFF, SCROLL_WIDTH, VIOLATIONS

from medlib import results
from medlib.cohorts.audit.verdict import Finding
from medlib.run import book_page, execution
from medlib.run.data_check import DataCheck, Row
from medlib.run.one_file import one_file
from medlib.run.report import report

ROOT = Path(__file__).resolve().parents[2]
NAME = "10_convolution"  # has formulas, a figure that plays, exercises, a quiz, works cited
MOST = 5 * 10**6  # bytes


def notebook(name):
    return nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The folder of a run: its page and its report, and nothing else."""
    folder = tmp_path_factory.mktemp("left")
    built = book_page.build(NAME, notebook(NAME), tmp_path_factory.mktemp("built"))
    (folder / "page.html").write_text(one_file(built, "medlib run 02 on a set"), "utf-8")
    run = results.read(ROOT / "results/iq-oth-nccd/04_resnet50_cv.json")
    rows = tuple(Row("a quick model " * 6, 70, "as released", 0.8, 0.7, 0.9) for _ in range(6))
    findings = tuple(Finding("A long sentence. " * 22, "Do this. " * 30) for _ in range(3))
    check = DataCheck("Said.", findings, 0.5, 976, 70, "SD", 0.02, 70, rows)
    text = report(notebook("04_resnet50_cv"), {"cohort": "images:D"}, run, check)
    (folder / "report.html").write_text(text, "utf-8")
    return folder


@pytest.fixture(params=["page.html", "report.html"])
def opened(request, left, browser):
    context = browser.new_context(reduced_motion="reduce")
    page, page.faults = context.new_page(), []
    page.on("request", lambda asked: page.faults.append(asked.url))
    page.on("console", lambda said: page.faults.append(said.text))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto((left / request.param).as_uri())
    yield page
    context.close()


def test_it_asks_for_nothing_but_itself(opened, left):
    asked = [url for url in opened.faults if not url.startswith("data:")]
    assert [Path(url).name for url in asked] == [Path(opened.url).name]
    assert opened.evaluate(BROKEN) == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_is_accessible_in_light_and_dark(opened, mode):
    opened.emulate_media(color_scheme=mode)
    opened.reload()
    opened.evaluate(AXE)
    assert opened.evaluate(VIOLATIONS) == []


def test_it_fits_a_telephone(opened):
    opened.set_viewport_size({"width": 390, "height": 800})
    assert opened.evaluate(SCROLL_WIDTH) <= 390
    assert opened.evaluate(CUT_OFF, 390) == []


def test_every_link_leads_to_a_place_in_the_page_or_to_the_web(opened):
    links = "[...document.links].map(each => each.getAttribute('href'))"
    ids = set(opened.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)"))
    dead = [a for a in opened.evaluate(links) if not a.startswith("http") and a[1:] not in ids]
    assert dead == []


def test_the_report_prints_on_one_sheet_however_much_was_found(left, browser):
    page = browser.new_page()
    page.goto((left / "report.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1


def test_the_page_reads_as_in_the_book(left, browser):
    page = browser.new_page()
    page.goto((left / "page.html").as_uri())
    assert (left / "page.html").stat().st_size < MOST
    assert page.locator("math").count() > 20  # formulas are typeset
    assert page.locator(".math code").count() == 0  # none was left as TeX
    assert page.locator("figcaption .caption-text").count() >= 5
    assert all(page.evaluate("[...document.images].map(each => each.alt)"))
    assert not re.search(r":::|\{(term|doc|cite)\}`", page.locator("article").inner_text())
    page.locator("a[href='#term-kernel']").first.click()
    assert page.locator("#term-kernel").is_visible()
    answer = page.locator("#quiz details").first
    answer.locator("summary").click()
    assert answer.get_by_text(re.compile("^(Right|Not quite|No)\\.")).is_visible()
    solution = page.locator("details.solution").first
    assert not solution.locator(".cell_input").first.is_visible()
    solution.locator("summary").click()
    assert solution.locator(".cell_input").first.is_visible()
    page.close()


CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter of a {term}`fold`

```{code-cell} python
from medlib.results import Results

results = Results("01_small", {"name": "none"}, {})
results.record("one", 1)
results.save();
```
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_small.md").write_text(CHAPTER, encoding="utf-8")
    monkeypatch.setattr(execution, "project_root", lambda: tmp_path)
    return tmp_path


def test_a_run_leaves_both_beside_its_notebook(small):
    paths = execution.run_chapter("01", {}, small / "out", say=print)
    names = {"01_small.ipynb", "01_small.html", "report.html", "results.json", "checklist.md"}
    assert {path.name for path in paths} == names
    page = (small / "out/01_small.html").read_text("utf-8")
    assert 'href="#term-fold"' in page
    assert str(small) not in page


def test_a_page_that_cannot_be_built_costs_nothing_else(small, monkeypatch):
    monkeypatch.setattr(book_page, "project_root", lambda: small)  # which holds no book
    said = []
    paths = execution.run_chapter("01", {}, small / "out", say=said.append)
    assert "report.html" in {path.name for path in paths}
    assert said[-1].startswith("01_small.html is left out, it could not be built: ")


def test_a_switch_turns_light_into_dark(left, browser):
    page = browser.new_page(color_scheme="light")
    page.goto((left / "page.html").as_uri())
    page.locator("#mode").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.close()
