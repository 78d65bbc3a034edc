"""Make the built pages load nothing from the network."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

THEBE_CONFIG = re.compile(r'<script type="text/x-thebe-config">.*?</script>', re.DOTALL)
FONT_PRELOAD = re.compile(r'<link rel="preload" as="font"[^>]*>\s*')
INDEX = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>medlib</title>
<meta http-equiv="refresh" content="0; url={page}">
</head>
<body><main><h1>medlib</h1><p>The book begins <a href="{page}">on this page</a>.</p></main></body>
</html>
"""


def drop_thebe(app: Sphinx, pagename: str, template: str, context: dict[str, Any], _: Any) -> None:
    """Thebe would run cells on a server elsewhere, and is loaded from elsewhere."""
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context.get(kind, []) if not _is_thebe(file)]
    if context.get("body"):
        context["body"] = THEBE_CONFIG.sub("", context["body"])


def _is_thebe(file: Any) -> bool:
    body = getattr(file, "attributes", {}).get("body") or ""
    return "THEBE_JS_URL" in body or "sphinx-thebe" in str(getattr(file, "filename", file) or "")


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Take what the pages need of the packaged MathJax: one script and its fonts."""
    if exception is None and app.builder.format == "html":
        package = find_spec("sphinx-mathjax-offline")
        if package is None or package.origin is None:
            raise RuntimeError("sphinx-mathjax-offline is missing; install requirements.lock")
        source = Path(package.origin).parent / "static/mathjax"
        fonts = "output/chtml/fonts"
        target = Path(app.outdir) / "_static/mathjax"
        shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)
        shutil.copy2(source / "tex-chtml.js", target)


def drop_font_preloads(app: Sphinx, exception: Exception | None) -> None:
    """Opened from a folder, a browser refuses to load fonts ahead of use, and complains."""
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            page = path.read_text(encoding="utf-8")
            path.write_text(FONT_PRELOAD.sub("", page), encoding="utf-8")


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """The first page has a folder of its own; `index.html` leads there, with a link to click."""
    if exception is None and app.builder.format == "html":
        page = f"{app.config.root_doc}.html"
        (Path(app.outdir) / "index.html").write_text(INDEX.format(page=page), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", drop_font_preloads)
    app.connect("build-finished", write_index, priority=400)  # before a bare one is written
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
