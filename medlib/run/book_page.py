"""An executed notebook built as the book builds it, in a folder of its own.

Sphinx gets the notebook, the glossary, and of every other page of the book its title alone, so that
terms, captions, exercises and references to chapters read as they do there.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import nbformat
import yaml

from medlib import chapters
from medlib.errors import NotebookError
from medlib.runtime.paths import project_root
from medlib.runtime.surroundings import surroundings

GLOSSARY: Final = "book/glossary"
EXTENSIONS: Final = ("offline_assets", "accessible")
"""The book's own extensions that a chapter needs; the others fill pages of numbers."""
REFERENCES: Final = "## References\n\n```{bibliography}\n:filter: docname in docnames\n```\n"
LAST_WORDS: Final = 2000
"""Characters of what the build said before it failed."""


def build(name: str, notebook: nbformat.NotebookNode, folder: Path) -> Path:
    """Build a chapter's executed notebook below an empty folder; return its page.

    Style sheets and pictures lie where the page says, the glossary is `book/glossary.html` beside
    the page's own folder. Raises NotebookError with the last words of a build that failed.
    """
    root, source = project_root(), folder / "source"
    _write(source / f"notebooks/{name}.ipynb", nbformat.writes(_with_references(notebook)))
    for page in _pages(root):
        if page != f"notebooks/{name}":
            _write(source / f"{page}.md", _stub(root / f"{page}.md", whole=page == GLOSSARY))
    _write(source / "_config.yml", yaml.safe_dump(_config(root)))
    _write(source / "_toc.yml", yaml.safe_dump(_contents(root, name)))
    _run(source, folder)
    return folder / f"_build/html/notebooks/{name}.html"


def _run(source: Path, folder: Path) -> None:
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(source), "-q", "--path-output", str(folder)]
    environment = {**os.environ, **surroundings()}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise NotebookError(done.stderr[-LAST_WORDS:])


def _pages(root: Path) -> Iterator[str]:
    """All pages of the book in the order of its table of contents."""
    toc = yaml.safe_load((root / "book/_toc.yml").read_text("utf-8"))
    yield toc["root"]
    yield from chapters.toc_files(toc)


def _stub(page: Path, *, whole: bool) -> str:
    """A page of the book, or its title only."""
    text = page.read_text("utf-8")
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    return text if whole or not title else f"# {title[1]}\n"


def _with_references(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the works that it cites at its end."""
    cited = any("{cite" in cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    cells = [nbformat.v4.new_markdown_cell(REFERENCES, id="cell-references")] * cited
    return nbformat.NotebookNode({**notebook, "cells": [*notebook.cells, *cells]})


def _config(root: Path) -> dict[str, Any]:
    """The book's configuration, with its files named from anywhere."""
    config: dict[str, Any] = yaml.safe_load((root / "book/_config.yml").read_text("utf-8"))
    config["bibtex_bibfiles"] = [str(root / path) for path in config["bibtex_bibfiles"]]
    config["exclude_patterns"] = []
    config["html"]["favicon"] = ""
    sphinx = config["sphinx"]
    sphinx["local_extensions"] = {name: str(root / "book/_ext") for name in EXTENSIONS}
    sphinx["config"]["templates_path"] = []
    paths = sphinx["config"]["html_static_path"]
    sphinx["config"]["html_static_path"] = [str(root / path) for path in paths]
    return config


def _contents(root: Path, name: str) -> dict[str, Any]:
    own = f"notebooks/{name}"
    others = [{"file": page} for page in _pages(root) if page != own]
    return {"format": "jb-book", "root": own, "chapters": others}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
