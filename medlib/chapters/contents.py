"""What each chapter asks and takes, read from the few lines of its text that say so.

Reading a text as a notebook needs libraries that take seconds to start; a list has to come at once.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medlib import chapters
from medlib.chapters.limits import Limits
from medlib.chapters.limits import read as read_limits
from medlib.errors import InputError, did_you_mean

TITLE: Final = re.compile(r"^# (?:\d+\. )?(.+)$", re.MULTILINE)
TIME: Final = re.compile(r"^\*\*Time to run:\*\* ([^.,]*? minutes?)", re.MULTILINE)
CELL: Final = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?P<head>(?::[^\n]*\n)+|---\n.*?^---\n)(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COMMENT: Final = re.compile(r"#?\s*(?P<words>.*?)\s*(?:\[(?P<limits>[^\]]*)\])?\s*")


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's `parameters` cell: `name: kind = default  # comment [limits]`."""

    name: str
    kind: str
    default: Any
    comment: str
    limits: Limits | None = None
    """Those that this chapter has, other than every chapter's (`parameters.LIMITS`)."""


@dataclass(frozen=True)
class Chapter:
    """What a chapter says of itself: its title, how long it takes ("under 3 minutes"), ..."""

    name: str
    title: str
    time: str
    parameters: tuple[Parameter, ...]

    def takes(self, parameter: str) -> bool:
        """Whether it has a parameter of that name, such as `cohort`."""
        return any(parameter == own.name for own in self.parameters)


def find(asked: str, root: Path | None = None) -> str:
    """The name of the chapter that is meant by its name, its file, its number or its words alone.

    Raises InputError, with the nearest name or all of them, where there is none.
    """
    known = chapters.names(root)
    name = Path(asked).name.removesuffix(".md").removesuffix(".ipynb")
    if name in known:
        return name
    if name.isdecimal() and (numbered := [n for n in known if int(n[:2]) == int(name)]):
        return numbered[0]
    if worded := [n for n in known if n[3:] == name]:
        return worded[0]
    same = [n for n in known if n[:2] == name[:2]]  # of this number, under another name
    every = f"there are: {', '.join(known) or 'none'}"
    hint = did_you_mean(name, known, f"did you mean {same[0]!r}?" if same else every)
    raise InputError(f"there is no chapter '{asked}'; {hint}")


def read(name: str, root: Path | None = None) -> Chapter:
    """What the text of a chapter says of itself; its name as `find` takes it.

    A line it lacks is empty. Raises InputError where there is no such chapter.
    """
    name = find(name, root)
    text = chapters.text_path(name, root).read_text(encoding="utf-8")
    title, time = TITLE.search(text), TIME.search(text)
    return Chapter(
        name, title[1] if title else "", time[1] if time else "", tuple(_parameters(text))
    )


def in_order(root: Path | None = None) -> list[Chapter]:
    """All chapters as the book's table of contents has them; those it lacks come last."""
    known, listed = chapters.names(root), chapters.reading_order(root)
    first = [name for name in listed if name in known]
    return [read(name, root) for name in [*first, *(n for n in known if n not in first)]]


def _parameters(text: str) -> Iterator[Parameter]:
    """Each parameter of a chapter's text."""
    for cell in CELL.finditer(text):
        if "parameters" in cell["head"]:
            yield from parameters_of(cell["code"])


def parameters_of(code: str) -> Iterator[Parameter]:
    """Each typed line of a cell of parameters, with the comment and the limits behind it."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}
    for line in ast.parse(code).body:
        if isinstance(line, ast.AnnAssign) and line.value:
            said = COMMENT.fullmatch(comments.get(line.lineno, ""))
            assert said is not None  # everything in it is optional
            name, kind = ast.unparse(line.target), ast.unparse(line.annotation)
            own = read_limits(said["limits"]) if said["limits"] else None
            yield Parameter(name, kind, ast.literal_eval(line.value), said["words"], own)
