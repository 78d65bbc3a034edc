"""What a chapter consists of, and what of `medlib` it rests on.

A chapter is `notebooks/NN_name.md`, its executed twin `.ipynb`, one line in `book/_toc.yml` and
one stage in `dvc.yaml`. The stage has to name every file whose change can change the chapter's
numbers, or DVC would keep stale ones: the import closure is computed here from the code itself.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from medlib.errors import InputError
from medlib.runtime.paths import project_root, write_whole

PACKAGE = "medlib"
"""The package whose files chapters depend on."""
LOCK = "requirements.lock"
"""The file that says which versions are installed."""
HEADER = """\
# Which notebook depends on what. One stage a chapter, written by `medlib deps --write`; data files
# that a chapter reads may be added to its deps by hand. `cache: false`: outputs live in git;
# `persist: true`: a run that fails leaves the notebook that was there.
stages:
"""
"""How `dvc.yaml` begins."""
COHORT = "phantom-chest-ct"
"""The cohort of a committed run, unless the chapter's own parameter says otherwise."""


def names(root: Path | None = None) -> list[str]:
    """Chapters in order: the stems of `notebooks/NN_*.md` below `root` (default: the project)."""
    folder = (root or project_root()) / "notebooks"
    return sorted(path.stem for path in folder.glob("[0-9][0-9]_*.md"))


def reading_order(root: Path | None = None) -> list[str]:
    """Chapters as `book/_toc.yml` lists them, which is not the order of their numbers."""
    listed = toc_files(_yaml((root or project_root()) / "book/_toc.yml"))
    return [file.removeprefix("notebooks/") for file in listed if file.startswith("notebooks/")]


def text_path(name: str, root: Path | None = None) -> Path:
    """The text of a chapter; InputError names the chapters there are."""
    path = (root or project_root()) / "notebooks" / f"{name}.md"
    if not path.exists():
        known = ", ".join(names(root)) or "none"
        raise InputError(f"there is no chapter '{name}' in {path.parent}; there are: {known}")
    return path


def cohort_of(name: str, root: Path | None = None) -> str:
    """The cohort of a chapter's committed run: what its parameter `cohort` is by default.

    It names the folder of the chapter's results.
    """
    text = text_path(name, root).read_text(encoding="utf-8")
    found = re.search(r'^cohort: str = "([\w-]+)"', text, re.MULTILINE)
    return found[1] if found else COHORT


def closure(name: str, root: Path | None = None) -> list[str]:
    """Files of `medlib` that the chapter imports, directly or not, as sorted relative paths.

    Follows `import medlib.x`, `from medlib.x import y` (y a module or a name), relative imports,
    the `__init__` of each package on the way, and imports inside functions. An import by a text
    that is put together at run time cannot be seen: the house has none.
    """
    base = root or project_root()
    found: set[Path] = set()
    waiting = list(_files(_imported(_code(text_path(name, base)), ""), base))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            module = ".".join(path.relative_to(base).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            waiting += _files(_imported(tree, module), base)
    return sorted(path.relative_to(base).as_posix() for path in found)


def stage(name: str, root: Path | None = None) -> dict[str, Any]:
    """The stage of `dvc.yaml` that a chapter needs, as a dictionary ready for YAML."""
    numbers = f"results/{cohort_of(name, root)}/{name}.json"
    outputs = (f"notebooks/{name}.ipynb", numbers)
    return {
        "cmd": f"medlib execute {name}",
        "deps": [f"notebooks/{name}.md", *closure(name, root), LOCK],
        "outs": [{path: {"cache": False, "persist": True}} for path in outputs],
    }


def stage_text(name: str, root: Path | None = None) -> str:
    """The stage as text to paste below `stages:` in `dvc.yaml`."""
    return _as_text(name, stage(name, root))


def renew(root: Path | None = None) -> Path:
    """Write `dvc.yaml` anew, one stage a chapter; data that a stage names beside code is kept."""
    base = root or project_root()
    path = base / "dvc.yaml"
    old = _yaml(path).get("stages") or {}
    text = HEADER
    for name in names(base):
        new = stage(name, base)
        new["deps"] += [p for p in old.get(name, {}).get("deps", []) if _is_data(p)]
        text += _as_text(name, new)
    return write_whole(path, text)


def problems(root: Path | None = None) -> list[str]:
    """One sentence for each thing that is missing from a chapter, saying what to add; or none."""
    base = root or project_root()
    stages = _yaml(base / "dvc.yaml").get("stages") or {}
    listed = list(toc_files(_yaml(base / "book/_toc.yml")))
    found = []
    for name in names(base):
        found += [*_twin_problems(name, base), *_toc_problems(name, listed)]
        found += _stage_problems(name, stages.get(name), base)
    return found + _strays(stages, listed, base)


def _as_text(name: str, content: Mapping[str, Any]) -> str:
    body = yaml.safe_dump({name: dict(content)}, sort_keys=False, width=100)
    return "".join(f"  {line}\n" for line in body.splitlines())


def _twin_problems(name: str, base: Path) -> Iterator[str]:
    for path in (f"notebooks/{name}.ipynb", f"results/{cohort_of(name, base)}/{name}.json"):
        if not (base / path).exists():
            yield f"{path} is missing: run `dvc repro {name}` and commit what it wrote"


def _toc_problems(name: str, listed: list[str]) -> Iterator[str]:
    if listed.count(f"notebooks/{name}") != 1:
        yield (
            f"book/_toc.yml names notebooks/{name} {listed.count(f'notebooks/{name}')} times: "
            f"it takes one line `- file: notebooks/{name}`"
        )


def _stage_problems(name: str, given: Mapping[str, Any] | None, base: Path) -> Iterator[str]:
    needed = stage(name, base)
    if given is None:
        yield f"dvc.yaml has no stage {name}: add\n{stage_text(name, base)}"
        return
    if given.get("cmd") != needed["cmd"]:
        yield f"stage {name} of dvc.yaml runs '{given.get('cmd')}': write cmd: {needed['cmd']}"
    if given.get("outs") != needed["outs"]:
        yield f"the outs of stage {name} in dvc.yaml are not what `medlib deps {name}` prints"
    have, need = set(given.get("deps", [])), set(needed["deps"])
    for path in sorted(need - have):
        yield f"stage {name} of dvc.yaml lacks a dependency: add `- {path}` to its deps"
    for path in sorted(path for path in have - need if not _is_data(path)):
        yield f"stage {name} of dvc.yaml names {path}, which it does not import: remove that line"


def _is_data(path: str) -> bool:
    """Data and results that a chapter reads are its author's to name; code is not."""
    return path != LOCK and not path.startswith(f"{PACKAGE}/") and not path.endswith(".md")


def _strays(stages: Mapping[str, Any], listed: list[str], base: Path) -> list[str]:
    """Stages, toc lines and notebooks without a chapter's text."""
    texts = set(names(base))
    twins = {path.stem for path in (base / "notebooks").glob("*.ipynb")}
    pages = {file.removeprefix("notebooks/") for file in listed if file.startswith("notebooks/")}
    return [
        f"{where} has {name}, but there is no notebooks/{name}.md: add the text or remove it"
        for where, these in (("dvc.yaml", stages), ("book/_toc.yml", pages), ("notebooks/", twins))
        for name in sorted(set(these) - texts)
    ]


def _code(path: Path) -> ast.Module:
    """The code cells of a chapter's text as one module, without the lines only IPython reads."""
    import jupytext  # takes seconds to start, and a list of chapters needs none of it

    notebook = jupytext.read(path)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    lines = "\n".join(cells).splitlines()
    source = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
    return ast.parse(source, filename=str(path))


def _imported(tree: ast.AST, module: str) -> Iterator[str]:
    """Dotted names below `medlib` that the code may import; `module` resolves relative ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(module.split(".")[: -node.level]) if node.level else ""
            source = ".".join(part for part in (start, node.module) if part)
            if _ours(source):
                yield source
                yield from (f"{source}.{alias.name}" for alias in node.names)


def _ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE


def _files(modules: Iterable[str], base: Path) -> Iterator[Path]:
    """Files behind dotted names, with the `__init__` of each package above; names are passed by."""
    for module in modules:
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            place = base.joinpath(*parts[:end])
            candidates = (place / "__init__.py", place.with_suffix(".py"))
            yield from (path for path in candidates if path.is_file())


def toc_files(content: Any) -> Iterator[str]:
    """Every `file:` of a table of contents as read from YAML, at any depth, in order."""
    if isinstance(content, dict):
        if "file" in content:
            yield content["file"]
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from toc_files(item)


def _yaml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}
