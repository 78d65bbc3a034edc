"""A chapter is one text, one executed twin, one toc line and one stage, and these agree."""

import re
from pathlib import Path

import pytest
import yaml
from files import write

from medlib import chapters
from medlib.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
CODE = """\
# Trial

```{code-cell} python
%matplotlib inline
from medlib.top import helper
```

Some text with import medlib.never in it.

```{code-cell} python
!ls
def later():
    import medlib.pack.inner
```
"""


@pytest.fixture
def project(tmp_path):
    """A small project with one chapter that is as it should be."""
    write(tmp_path / "notebooks/01_trial.md", CODE)
    write(tmp_path / "notebooks/01_trial.ipynb", "{}")
    write(tmp_path / "results/phantom-chest-ct/01_trial.json", "{}")
    write(tmp_path / "medlib/__init__.py")
    write(tmp_path / "medlib/top.py", "import numpy\nfrom medlib import low\n")
    write(tmp_path / "medlib/low.py", "from typing import TYPE_CHECKING\n")
    write(tmp_path / "medlib/pack/__init__.py", "from .sibling import value\n")
    write(tmp_path / "medlib/pack/inner.py", "from .. import up\n")
    write(tmp_path / "medlib/pack/sibling.py", "value = 1\n")
    write(tmp_path / "medlib/up.py")
    write(tmp_path / "medlib/never.py")
    write(
        tmp_path / "book/_toc.yml",
        "root: book/index\nparts:\n- chapters:\n  - file: notebooks/01_trial\n",
    )
    write(tmp_path / "dvc.yaml", "stages:\n" + chapters.stage_text("01_trial", tmp_path))
    return tmp_path


def test_closure_follows_every_kind_of_import_and_nothing_else(project):
    assert chapters.closure("01_trial", project) == [
        "medlib/__init__.py",
        "medlib/low.py",
        "medlib/pack/__init__.py",
        "medlib/pack/inner.py",
        "medlib/pack/sibling.py",
        "medlib/top.py",
        "medlib/up.py",
    ]


def test_closure_survives_modules_that_import_each_other(project):
    write(project / "medlib/low.py", "import medlib.top\n")
    assert "medlib/low.py" in chapters.closure("01_trial", project)


def test_a_complete_chapter_has_no_problems(project):
    assert chapters.problems(project) == []


def test_data_may_be_added_to_a_stage_but_code_only_as_imported(project):
    stages = yaml.safe_load((project / "dvc.yaml").read_text())
    stages["stages"]["01_trial"]["deps"] += ["results/x.json", "medlib/never.py"]
    write(project / "dvc.yaml", yaml.safe_dump(stages))
    (problem,) = chapters.problems(project)
    assert "medlib/never.py" in problem
    assert "remove" in problem


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("notebooks/01_trial.ipynb", "run `dvc repro 01_trial`"),
        ("results/phantom-chest-ct/01_trial.json", "run `dvc repro 01_trial`"),
        ("book/_toc.yml", "one line `- file: notebooks/01_trial`"),
        ("dvc.yaml", "cmd: medlib execute 01_trial"),
    ],
)
def test_what_is_missing_is_named_with_what_to_add(project, path, said):
    (project / path).unlink()
    (problem,) = chapters.problems(project)
    assert said in problem


def test_a_new_import_asks_for_one_more_dependency(project):
    write(project / "medlib/up.py", "from medlib import never\n")
    assert chapters.problems(project) == [
        "stage 01_trial of dvc.yaml lacks a dependency: add `- medlib/never.py` to its deps"
    ]


def test_a_stage_with_another_command_or_other_outputs_is_found(project):
    text = (project / "dvc.yaml").read_text()
    changed = text.replace("execute 01_trial", "run 01_trial").replace("false", "true")
    write(project / "dvc.yaml", changed)
    command, outputs = chapters.problems(project)
    assert "write cmd: medlib execute 01_trial" in command
    assert "outs" in outputs


def test_renewing_the_stages_mends_them_and_keeps_the_data_they_name(project):
    write(project / "notebooks/02_new.md", CODE)
    stages = yaml.safe_load((project / "dvc.yaml").read_text())
    stages["stages"]["01_trial"]["deps"] = ["data/table.csv", "medlib/gone.py"]
    write(project / "dvc.yaml", yaml.safe_dump(stages))
    chapters.renew(project)
    assert not [problem for problem in chapters.problems(project) if "dvc.yaml" in problem]
    renewed = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    assert list(renewed) == ["01_trial", "02_new"]
    assert "data/table.csv" in renewed["01_trial"]["deps"]
    assert "medlib/gone.py" not in renewed["01_trial"]["deps"]


def test_a_chapter_without_its_text_is_found_everywhere_it_is_named(project):
    (project / "notebooks/01_trial.md").unlink()
    found = chapters.problems(project)
    assert [problem.split(" has ")[0] for problem in found] == [
        "dvc.yaml",
        "book/_toc.yml",
        "notebooks/",
    ]


def test_an_unknown_chapter_is_answered_with_those_there_are(project):
    with pytest.raises(InputError, match=r"'02_trial'.*there are: 01_trial"):
        chapters.closure("02_trial", project)


def test_every_chapter_of_the_book_is_complete():
    assert not chapters.problems(ROOT), "\n".join(chapters.problems(ROOT))


def test_no_import_is_hidden_from_the_closure():
    hidden = re.compile(r"\bimport_module\(|__import__\(")
    sources = [*ROOT.glob("medlib/**/*.py"), *ROOT.glob("notebooks/*.md")]
    assert sources
    assert [p.name for p in sources if hidden.search(p.read_text(encoding="utf-8"))] == []
