"""A figure of a chapter on another page: the same picture, description and caption, with a link.

``{{ picture["02_reported_numbers"]["fig-vectors"] }}`` is what the executed twin shows under that
name, so a page cannot show another picture than its chapter. A name that does not exist is an
undefined value, for which the build stops.
"""

import json
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.chapters import names


def pictures(notebook: Path) -> dict[str, str]:
    """Figure name -> HTML of each figure of an executed notebook."""
    content: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    found = {}
    for cell in content["cells"]:
        shown = cell["metadata"].get("mystnb", {})
        image = _image(cell)
        if image and "name" in shown.get("figure", {}):
            found[shown["figure"]["name"]] = _html(notebook.stem, shown, image)
    return found


def _image(cell: dict[str, Any]) -> str:
    """The first picture that a cell put out, in base64; empty where it has none."""
    kinds = (output.get("data", {}).get("image/png") for output in cell.get("outputs", []))
    return "".join("".join(next(filter(None, kinds), "")).split())


def _html(chapter: str, shown: dict[str, Any], image: str) -> str:
    name, caption = shown["figure"]["name"], " ".join(shown["figure"].get("caption", "").split())
    return (
        f'<figure class="quoted"><a href="../notebooks/{chapter}.html#{name}">'
        f'<img src="data:image/png;base64,{image}" alt="{escape(shown["image"]["alt"])}"></a>'
        f"<figcaption><p>{escape(caption)}</p></figcaption></figure>"
    )


def fill(app: Sphinx, config: Config) -> None:
    """Give the pages the pictures of all chapters."""
    root = Path(app.srcdir)
    config.myst_substitutions = {
        **config.myst_substitutions,
        "picture": {name: pictures(root / f"notebooks/{name}.ipynb") for name in names(root)},
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
