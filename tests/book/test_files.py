"""The files of the built book: nothing missing, nothing foreign, nothing too large."""

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup

LARGEST = 40e6  # bytes of the whole site
LARGEST_NOTEBOOK = 1.5e6
ROOT = Path(__file__).resolve().parents[2]
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|webp|gif)$|_images/", re.IGNORECASE)


@pytest.fixture(scope="module")
def pages(site):
    """Path -> parsed page, of all pages but the theme's fragments."""
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert len(found) > 5
    return {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in found}


def is_elsewhere(link):
    return bool(urlsplit(link).scheme) or link.startswith("//")


def loaded(page):
    """Addresses that a browser fetches without being asked."""
    for name, attribute in LOADS.items():
        yield from (tag[attribute] for tag in page.find_all(name, attrs={attribute: True}))
    yield from (tag["href"] for tag in page.find_all("link", rel=["stylesheet", "icon", "preload"]))


def test_the_site_is_small_enough_to_pass_on(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < LARGEST


def test_no_notebook_is_too_large():
    large = {p.name: p.stat().st_size for p in ROOT.glob("notebooks/*.ipynb")}
    assert {name: size for name, size in large.items() if size > LARGEST_NOTEBOOK} == {}


def test_pages_load_only_their_own_files(pages):
    foreign = {
        (path.name, link)
        for path, page in pages.items()
        for link in loaded(page)
        if is_elsewhere(link) and not link.startswith("data:")
    }
    assert foreign == set()


def test_style_sheets_load_only_their_own_files(site):
    links = re.compile(r"(?:url\(|@import\s+)[\"']?(https?:)?//")
    styles = list(site.rglob("*.css"))
    assert styles
    assert [path.name for path in styles if links.search(path.read_text(encoding="utf-8"))] == []


def test_every_link_leads_to_a_page_and_a_place_on_it(site, pages):
    broken = []
    for path, page in pages.items():
        for link in (tag["href"] for tag in page.find_all("a", href=True)):
            if is_elsewhere(link):
                continue
            file, place = urldefrag(link)
            target = (path.parent / unquote(urlsplit(file).path)).resolve() if file else path
            if not target.is_file() or not target.is_relative_to(site.resolve()):
                broken.append(f"{path.relative_to(site)}: no file {link}")
            elif place and target in pages and not _has(pages[target], unquote(place)):
                broken.append(f"{path.relative_to(site)}: no place {link}")
    assert broken == []


def _has(page, place):
    return place == "top" or page.find(id=place) or page.find(attrs={"name": place})


def test_every_file_a_page_loads_is_there(site, pages):
    missing = [
        f"{path.relative_to(site)}: {link}"
        for path, page in pages.items()
        for link in loaded(page)
        if not is_elsewhere(link)
        and not (path.parent / unquote(urlsplit(link).path)).resolve().is_file()
    ]
    assert missing == []


def test_every_picture_is_described_in_words(pages):
    """A description that is missing or a file name is what accessibility checkers do not notice."""
    pictures = [
        (path.name, tag.get("alt", ""))
        for path, page in pages.items()
        for tag in page.find_all("img")
        if "logo__image" not in tag.get("class", [])  # its name stands beside it
    ]
    poor = [(name, alt) for name, alt in pictures if len(alt.split()) < 4 or FILE_NAME.search(alt)]
    assert poor == []


def test_pages_name_no_file_outside_the_project(site):
    """A path of the machine the notebooks ran on tells a reader nothing."""
    here = "|".join(re.escape(str(folder)) for folder in (ROOT.parent, Path.home()))
    private = re.compile(rf"(?<![\w.:/])(?:/home|/root|/Users|/tmp|/var|{here})/\w+")
    shown = [*site.rglob("*.html"), *site.rglob("*.ipynb")]
    found = {p.name: private.findall(p.read_text(encoding="utf-8")) for p in shown}
    assert {name: paths for name, paths in found.items() if paths} == {}
