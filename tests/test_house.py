"""The house as `CONTRIBUTING.md` describes it: rooms, floors, sizes."""

import ast
import re
import textwrap
import tomllib

import pytest

from medlib.runtime.paths import project_root

ROOT = project_root()
MODULES = sorted((ROOT / "medlib").rglob("*.py"))


def floors():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]["layers"]


def test_contributing_shows_the_floors_that_are_checked():
    shown = "".join(f'  "{floor}",\n' for floor in floors())
    listed = textwrap.indent(f"layers = [\n{shown}]\n", "  ")
    assert listed in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_room_and_module_has_a_floor():
    on_a_floor = {name for floor in floors() for name in floor.split(" | ")}
    there = {p.stem for p in (ROOT / "medlib").glob("*.py")} - {"__init__"}
    rooms = {p.parent.name for p in (ROOT / "medlib").glob("*/__init__.py")}
    assert on_a_floor == there | rooms
    assert len(there) <= 6


def test_every_room_has_its_tests_and_every_folder_of_tests_its_room():
    rooms = {p.parent.name for p in (ROOT / "medlib").glob("*/__init__.py")}
    tested = {p.parent.name for p in (ROOT / "tests").glob("*/test_*.py")}
    assert tested - {"book"} == rooms


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    long = [name for name, lines in functions(tree) if lines > 40]
    assert not long


NAMED = {"Any", "floating[Any]", "floating", "float64", "float32", "int64", "bool_"}
"""What arrays hold that `medlib/types.py` has a name for."""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_types_of_arrays_are_named_in_one_place(path):
    if path != ROOT / "medlib/types.py":
        written = re.findall(r"\bNDArray\[(?:np\.)?([\w\[\]]+)\]", path.read_text(encoding="utf-8"))
        assert not NAMED & set(written), "take its name from medlib.types"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_torchs_own_random_state_is_touched_in_one_place(path):
    """It is one for all threads, and trainings run in threads: `seeded` lets in one at a time."""
    if path != ROOT / "medlib/models/classifiers.py":
        used = re.findall(r"torch\.manual_seed|fork_rng", path.read_text(encoding="utf-8"))
        assert not used, "use medlib.models.classifiers.seeded"


def functions(tree):
    """Name and lines of each function, without its head and docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, node.end_lineno - body[0].lineno + 1 if body else 0
