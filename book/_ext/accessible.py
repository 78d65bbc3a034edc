"""Mend the theme where a screen reader or a keyboard would stumble."""

import re
from typing import Any

from sphinx.application import Sphinx

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+")
BETWEEN_TAGS = re.compile(r">[^<>]*[\u3400-\u9fff][^<>]*<")


def mark_chinese(html: str) -> str:
    """Tell the browser which words are Chinese, for the right voice and the right glyphs.

    >>> mark_chinese("<p>lung 肺</p>")
    '<p>lung <span lang="zh">肺</span></p>'
    """
    return BETWEEN_TAGS.sub(
        lambda text: CHINESE.sub(r'<span lang="zh">\g<0></span>', text.group()), html
    )


def mend(app: Sphinx, pagename: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Change the body of a page before it is written."""
    if context.get("body"):
        context["body"] = mark_chinese(context["body"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("html-page-context", mend, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
