"""Mend the theme where a screen reader or a keyboard would stumble."""

import re
from typing import Any

from sphinx.application import Sphinx

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")
EMPTY_HEADER = re.compile(r"<th([^>]*)>(?:\s|&nbsp;|&#160;)*</th>")
BETWEEN_TAGS = re.compile(r">[^<>]*[\u3400-\u9fff][^<>]*<")


def mark_chinese(html: str) -> str:
    """Tell the browser which words are Chinese, for the right voice and the right glyphs.

    >>> mark_chinese("<p>lung 肺</p>")
    '<p>lung <span lang="zh">肺</span></p>'
    """
    return BETWEEN_TAGS.sub(
        lambda text: CHINESE.sub(r'<span lang="zh">\g<0></span>', text.group()), html
    )


def name_headers(html: str) -> str:
    """An empty header cell (pandas puts one above its index) is no header: make it a plain cell."""
    return EMPTY_HEADER.sub(r"<td\g<1>></td>", html)


def reach_tables(html: str) -> str:
    """A table that scrolls sideways can be reached and moved with the keyboard."""
    box = '<div class="pst-scrollable-table-container"'
    return html.replace(f"{box}>", f'{box} tabindex="0">')


def name_toggles(html: str) -> str:
    """The arrow that unfolds the pages below a page has no words: give it some.

    >>> name_toggles('<summary><span class="toctree-toggle"></span></summary>')
    '<summary aria-label="Pages below"><span class="toctree-toggle"></span></summary>'
    """
    arrow = '<span class="toctree-toggle"'
    return html.replace(f"<summary>{arrow}", f'<summary aria-label="Pages below">{arrow}')


def plain_bibliography(html: str) -> str:
    """Drop roles that the standard has withdrawn or that need children which are not there."""
    return html.replace(' role="doc-biblioentry"', "").replace(
        '<div role="list" class="citation-list">', '<div class="citation-list">'
    )


def mend(app: Sphinx, pagename: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Change the body of a page, and the contents beside it, before they are written."""
    contents = context.get("generate_toctree_html")
    if contents:
        context["generate_toctree_html"] = lambda *args, **options: name_toggles(
            str(contents(*args, **options))
        )
    if context.get("body"):
        context["body"] = reach_tables(
            plain_bibliography(name_headers(mark_chinese(context["body"])))
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("html-page-context", mend, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
