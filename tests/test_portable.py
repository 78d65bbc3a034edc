"""The project works in any folder, under any locale, on any machine."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("medlib/**/*.py", "book/_ext/*.py", "benchmarks/*.py", "notebooks/*.md")
OPENERS = {"open": 3, "fdopen": 3, "read_text": 0, "write_text": 1, "TemporaryFile": 9}
"""Calls that read or write text, and where the encoding stands among their arguments."""
NO_TEXT = ("Pillow.open", "stored.open")  # a picture; a member of a zip file, which is bytes
A_MACHINES_PATH = re.compile(
    r"[^\"]{,40}(site-packages/|ipykernel_\d|(?<![\w.:/~])/(home|root|Users|tmp|var|opt|mnt)/\w)[^\"]{,80}"
)
PROGRAM = """#!/bin/sh
printf '%s\\n' "$(basename "$0") $*" "results in $MEDLIB_RESULTS" "fresh in $MEDLIB_FRESH" \
  "found as $(command -v pytest)" >> said
"""


def code(path):
    """Of a module, or of a chapter without the lines only IPython reads."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = [c.source for c in jupytext.read(path).cells if c.cell_type == "code"]
    return re.sub(r"^(\s*)[%!].*", r"\1pass", "\n".join(cells), flags=re.MULTILINE)


def by_locale(source):
    """Calls in a source that read or write text in the encoding of whoever runs them."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = {option.arg: option.value for option in call.keywords}
        as_text = "text" in given and ast.unparse(given["text"]) == "True"
        opens = name in OPENERS and ast.unparse(call.func) not in NO_TEXT
        unsaid = opens and len(call.args) <= OPENERS[name] and not _is_binary(call, given)
        if "encoding" not in given and (as_text or unsaid):
            yield ast.unparse(call)


def _is_binary(call, given):
    """A mode with a b, or a temporary file, which is binary unless its mode says otherwise."""
    texts = [n.value for n in (*call.args, *given.values()) if isinstance(n, ast.Constant)]
    modes = [t for t in texts if isinstance(t, str) and re.fullmatch(r"[rwax+bt]{1,3}", t)]
    name = ast.unparse(call.func)
    return any("b" in m for m in modes) or ("TemporaryFile" in name and not modes)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("path.read_text()", 1),
        ("path.read_text('utf-8')", 0),
        ("path.write_text(words)", 1),
        ("path.write_text(words, encoding='utf-8')", 0),
        ("open(path)", 1),
        ("path.open('rb')", 0),
        ("path.open(mode='w')", 1),
        ("TemporaryFile(dir=there)", 0),
        ("TemporaryFile('w+')", 1),
        ("subprocess.run(command, text=True)", 1),
        ("subprocess.run(command, encoding='utf-8')", 0),
    ],
)
def test_text_opened_by_locale_is_noticed(source, found):
    assert len(list(by_locale(source))) == found


@pytest.mark.parametrize("pattern", OURS)
def test_every_text_is_utf8_whatever_the_locale(pattern):
    paths = sorted(ROOT.glob(pattern))
    assert paths
    found = {path.name: list(by_locale(code(path))) for path in paths}
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_make_works_in_a_folder_whose_name_the_shell_would_take_apart(tmp_path):
    """Programs that note how they were called stand in for the real ones."""
    folder = tmp_path / "Eva's Ordner (neu) & 医学"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("medlib", "ruff", "mypy", "pytest", "jupyter", "python"):
        program = folder / ".venv/bin" / name
        program.write_text(PROGRAM, encoding="utf-8")
        program.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv/.installed").touch()
    told = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "MEDLIB"))}
    for target in ("report", "test", "lab", "clean"):
        subprocess.run(["make", "-s", target], cwd=folder, env=told, check=True)
    said = (folder / "said").read_text(encoding="utf-8").splitlines()
    assert "medlib report" in said
    assert f"results in {folder}/build/fresh_results" in said
    assert f"fresh in {folder}/build/fresh_results" in said
    assert {s for s in said if s.startswith("found as")} == {f"found as {folder}/.venv/bin/pytest"}


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.stem)
def test_no_chapter_shows_where_on_a_machine_it_ran(path):
    """Such a path, mostly of a warning, tells a reader nothing and differs on the next machine."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = [json.dumps(cell.get("outputs", [])) for cell in cells]
    assert [
        found.group() for text in shown for found in [A_MACHINES_PATH.search(text)] if found
    ] == []


def test_a_letter_that_the_terminal_lacks_does_not_stop_the_command(tmp_path):
    code = "import sys; from medlib.cli import main; sys.argv[0] = 'medlib'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "audit", f"images:{tmp_path}/肺"],
        env={**os.environ, "PYTHONIOENCODING": "iso-8859-9:strict"},
        capture_output=True,
        encoding="iso-8859-9",
    )
    assert done.returncode == 2
    assert "There is no folder or file" in done.stderr
    assert r"\u80ba" in done.stderr
