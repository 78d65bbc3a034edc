"""Every page of the book as a reader's browser shows it."""

from pathlib import Path

import pytest
import yaml
from page_checks import (
    AXE,
    BROKEN,
    CUT_OFF,
    SCROLL_WIDTH,
    UNRENDERED,
    VIOLATIONS,
    WIDE_LETTERS,
)

from medlib import chapters

ROOT = Path(__file__).resolve().parents[2]
TOC = yaml.safe_load((ROOT / "book/_toc.yml").read_text())
NAMES = [TOC["root"], *chapters.toc_files(TOC), "search", "genindex"]
every_page = pytest.mark.parametrize("visit", NAMES, indirect=True)


@every_page
def test_the_page_opens_whole_and_asks_nobody_else_for_anything(visit):
    assert visit.faults == []
    assert visit.evaluate(BROKEN) == []
    assert visit.evaluate(UNRENDERED) == []


@every_page
@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_page_is_accessible(visit, mode):
    visit.evaluate(f"document.documentElement.dataset.theme = '{mode}'")
    visit.evaluate(AXE)
    assert visit.evaluate(VIOLATIONS) == []


@every_page
@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("letters", ["* {}", WIDE_LETTERS], ids=["usual letters", "wide letters"])
def test_the_page_fits_a_telephone_whatever_its_fonts(visit, width, letters):
    """Fonts differ between machines; letters almost twice as wide stand for the widest."""
    visit.set_viewport_size({"width": width, "height": 800})
    style = visit.add_style_tag(content=letters)
    cut_off, needed = visit.evaluate(CUT_OFF, width), visit.evaluate(SCROLL_WIDTH)
    style.evaluate("each => each.remove()")
    visit.set_viewport_size({"width": 1280, "height": 720})
    assert cut_off == []
    assert needed <= width


def test_what_does_not_fit_is_noticed(page):
    """Both kinds: what makes the page wider, and what a box without a scrollbar cuts off."""
    page.set_viewport_size({"width": 390, "height": 800})
    wide = "<p style='width: 500px'>wide</p>"
    page.set_content(wide)
    assert page.evaluate(SCROLL_WIDTH) > 390
    page.set_content(f"<div style='overflow: hidden'>{wide}</div>")
    assert page.evaluate(SCROLL_WIDTH) == 390
    assert page.evaluate(CUT_OFF, 390) == ["p : wide"]
    page.set_content(f"<div style='overflow: auto'>{wide}</div>")
    assert page.evaluate(CUT_OFF, 390) == []


@pytest.mark.parametrize("visit", ["book/source_text"], indirect=True)
def test_the_formula_that_the_text_lacks_is_typeset(visit):
    """Otherwise the check for formulas that are not typeset might have found none to check."""
    assert visit.locator("mjx-container").count() == 1


def test_the_front_page_opens_from_a_folder_too(page, site):
    page.goto((site / "index.html").as_uri())
    page.wait_for_url("**/book/index.html", wait_until="networkidle")
    assert page.faults == []
    assert page.locator("h1").first.inner_text().startswith("A paper says")


def test_search_finds_a_word_and_a_chapter(page, address):
    page.goto(f"{address}book/index.html")
    page.keyboard.press("Control+K")
    page.keyboard.type("Hounsfield")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=Hounsfield")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    assert any("Glossary" in text for text in results.all_inner_texts())
    assert page.faults == []


def test_the_download_button_gives_the_notebook(page, address):
    for name in chapters.names(ROOT):
        page.goto(f"{address}notebooks/{name}.html")
        link = page.locator("a[href$='.ipynb']").first.get_attribute("href")
        answer = page.request.get(f"{address}notebooks/{link}")
        assert answer.ok
        assert answer.body() == (ROOT / f"notebooks/{name}.ipynb").read_bytes()
