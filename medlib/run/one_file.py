"""A built page as one file: styles, pictures, formulas and the words it uses are in it.

Only the article is taken. The theme around it is made for a whole site; here a few lines stand for
it: a list of contents and a switch between light and dark. Nothing is asked of any other file or
machine; what linked to other pages of the book becomes plain words.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from bs4 import BeautifulSoup, Tag
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

from medlib.run.book_page import GLOSSARY

UNUSED: Final = ("fontawesome", "copybutton", "togglebutton", "sphinx-thebe")
"""Style sheets of what the page does not have."""
ICONS: Final = "vendor/fontawesome/6.5.2/webfonts/fa-solid-900.woff2"
"""The font of the icons in coloured boxes, below `_static`."""
IMPORT: Final = re.compile(r"""@import\s+["']([^"']+)["'];""")
LINK: Final = re.compile(r"url\((['\"]?)(?!data:)([^)'\"]+)\1\)")
MAP: Final = re.compile(r"/\*# sourceMappingURL=.*?\*/")
SIZES: Final = re.compile(r"\\[bB]igg?[lrm]?(?![a-zA-Z])")
"""Commands that make a bracket large: MathML stretches brackets by itself."""

PAGE: Final = """<!DOCTYPE html>
<html lang="en" data-mode="auto" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
{own}
</style>
<script>
(() => {{
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = dark.matches ? "dark" : "light";
  addEventListener("DOMContentLoaded", () => {{
    document.getElementById("mode").onclick = () =>
      root.dataset.theme = root.dataset.theme == "dark" ? "light" : "dark";
  }});
}})();
</script>
</head>
<body>
<header class="one-file"><p>{header}</p>
<button id="mode" type="button">light / dark</button></header>
<main class="one-file">
<details class="contents"><summary>Contents</summary>
<nav aria-label="Contents">{contents}</nav></details>
<article class="bd-article">
{article}
</article>
</main>
</body>
</html>
"""
OWN: Final = """
html, body { display: block; height: auto; }
.one-file { max-width: 62rem; margin: 0 auto; padding: 0.5rem 1rem; }
header.one-file { display: flex; gap: 1rem; justify-content: space-between; align-items: start; }
header.one-file p { margin: 0.3rem 0; }
#mode { color: inherit; background: transparent; border: 1px solid; border-radius: 4px;
  padding: 0.2rem 0.6rem; white-space: nowrap; }
details.contents { margin: 0.5rem 0 1rem; }
details.contents ul { list-style: none; padding-left: 1rem; }
.bd-article { padding: 0 !important; }
.bd-article section { overflow-wrap: break-word; }
.bd-article img { max-width: 100%; height: auto; }
.bd-article div.math { display: block; text-align: center; margin: 1rem 0; overflow-x: auto; }
.bd-article .cell_output .text_html { overflow-x: auto; }
.bd-article table:not(.indextable) td:first-child { white-space: normal; }
details.solution > summary { cursor: pointer; }
details.solution > summary p { display: inline; }
@media print { header.one-file button, details.contents { display: none; } }
"""


def one_file(page: Path, header: str) -> str:
    """Return a page that `book_page.build` made as one HTML text; `header` stands above it."""
    built = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    article = built.select_one("article.bd-article")
    if article is None:
        raise ValueError(f"{page} has no article")
    for script in article.select("script"):
        if "kernelName" in script.text or "thebe" in str(script.get("type")):
            script.decompose()
    _add_glossary(article, page.parents[1] / f"{GLOSSARY}.html", built)
    _write_formulas(article, built)
    _unfold_by_click(article, built)
    _embed_pictures(article, page.parent)
    for box in article.select("pre, .cell_output .text_html, div.math"):
        box["tabindex"] = "0"  # what scrolls sideways can be reached with the keyboard
    contents = built.select_one("nav.page-toc")
    _keep_links_within(article)
    title = built.select_one("h1")
    return PAGE.format(
        title=escape(title.get_text().rstrip("#") if title else page.stem),
        style="\n".join(_styles(built, page)),
        own=OWN,
        header=escape(header),
        contents=contents.decode_contents() if contents else "",
        article=article.decode_contents(),
    )


def _styles(built: BeautifulSoup, page: Path) -> Iterator[str]:
    """The style sheets in their order, each with its pictures in it."""
    links = [str(link["href"]) for link in built.select("link[rel=stylesheet]")]
    for link in links:
        sheet = (page.parent / link.partition("?")[0]).resolve()
        if not any(name in link for name in UNUSED):
            yield _style(sheet)
    icons = page.parents[1] / "_static" / ICONS
    if icons.exists():
        face = 'font-family: "Font Awesome 6 Free"; font-weight: 900'
        yield f"@font-face {{ {face}; src: url({_uri(icons)}) format('woff2'); }}"
        yield ':root { --fa-font-solid: normal 900 1em/1 "Font Awesome 6 Free"; }'


def _style(sheet: Path) -> str:
    """One style sheet, with those that it imports and its pictures in it."""
    if not sheet.is_file():
        return ""
    text = MAP.sub("", sheet.read_text("utf-8"))
    text = IMPORT.sub(lambda found: _style((sheet.parent / found[1]).resolve()), text)
    return LINK.sub(lambda found: f"url({_uri(sheet.parent / found[2])})", text)


def _uri(path: Path) -> str:
    """A file as text to be embedded; empty where there is none, since nothing may be asked for."""
    path = Path(str(path).partition("?")[0].partition("#")[0])
    if not path.is_file():
        return "data:,"
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _embed_pictures(article: Tag, folder: Path) -> None:
    for picture in article.select("img[src]"):
        source = str(picture["src"])
        if not source.startswith("data:"):
            picture["src"] = _uri(folder / source)


def _add_glossary(article: Tag, glossary: Path, soup: BeautifulSoup) -> None:
    """Put the words that the article links to at its end, and let the links lead there."""
    known = BeautifulSoup(glossary.read_text("utf-8"), "html.parser")
    used: dict[int, Tag] = {}
    for link in article.select('a[href*="glossary.html#"]'):
        link["href"] = "#" + str(link["href"]).partition("#")[2]
        term = known.find("dt", id=str(link["href"])[1:])
        if isinstance(term, Tag):
            used[id(_definition(term))] = _definition(term)
    if not used:
        return
    section = soup.new_tag("section", id="words")
    heading, listed = soup.new_tag("h2"), soup.new_tag("dl", attrs={"class": "glossary"})
    heading.string = "Words used here"
    for definition in known.select("dl.glossary > dd"):
        if id(definition) in used:
            listed.extend([*_terms(definition), definition])
    section.extend([heading, listed])
    article.append(section)


def _definition(term: Tag) -> Tag:
    found = term.find_next_sibling("dd")
    assert isinstance(found, Tag)  # Sphinx gives each term one
    return found


def _terms(definition: Tag) -> list[Tag]:
    """The terms, in both languages, that stand above a definition."""
    terms: list[Tag] = []
    for before in definition.find_previous_siblings():
        if before.name != "dt":
            break
        terms.insert(0, before)
    return terms


def _write_formulas(article: Tag, soup: BeautifulSoup) -> None:
    """Formulas as MathML, which browsers set by themselves; TeX where it knows no MathML."""
    for formula in article.select(".math"):
        text = formula.get_text().strip()
        tex = SIZES.sub("", text[2:-2].strip()).replace("\\dots", "\\ldots")
        try:
            written = tex2mathml(tex, as_block=formula.name == "div")
        except MathError:
            written = f"<code>{escape(text[2:-2].strip())}</code>"
        formula.clear()
        formula.append(BeautifulSoup(written, "html.parser"))


def _unfold_by_click(article: Tag, soup: BeautifulSoup) -> None:
    """Boxes that the book unfolds by a script become ones that need none."""
    for box in article.select("div.dropdown.admonition"):
        title = box.select_one("p.admonition-title")
        summary = soup.new_tag("summary", attrs={"class": "admonition-title"})
        if title is not None:
            for link in title.select("a"):  # a link inside would take the click
                link.unwrap()
            summary.extend(list(title.contents))
            title.decompose()
        box.name = "details"
        box["class"] = " ".join(name for name in box["class"] if name != "dropdown")
        box.insert(0, summary)


def _keep_links_within(article: Tag) -> None:
    """Links to other pages of the book become plain words: they are not there."""
    places = {str(tag["id"]) for tag in article.select("[id]")}
    for link in article.select("a[href]"):
        address = str(link["href"])
        if address.startswith(("http:", "https:", "mailto:")):
            continue
        if not address.startswith("#") or (len(address) > 1 and address[1:] not in places):
            link.name = "span"
            del link["href"]
