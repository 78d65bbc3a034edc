"""A reader sees what chapters there are and what each takes, at once and before anything runs."""

import os
import subprocess
import sys

import pytest
import yaml

from medlib.chapters import contents, toc_files
from medlib.chapters.limits import Limits
from medlib.chapters.limits import read as read_limits
from medlib.chapters.parameters import LIMITS, declared_parameters, limits_of
from medlib.errors import InputError
from medlib.run.execution import chapters, read_chapter
from medlib.runtime.paths import project_root

MAIN = "import sys; sys.argv[0] = 'medlib'; from medlib.cli import main; main()"
CHAPTER = """# Is {name} a question?

**Time to run:** under 3 minutes on two processor cores.

```{{code-cell}} python
:tags: [parameters]

cohort: str = "phantom#1"  # or images:DIR
seed: int = -3
```
"""


def medlib(*options, **variables):
    command = [sys.executable, "-c", MAIN, *options]
    environment = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)


@pytest.fixture
def clone(tmp_path):
    """A project of three chapters in a folder that is hard to name."""
    root = tmp_path / "my clone ä"
    for folder in ("notebooks", "book"):
        (root / folder).mkdir(parents=True)
    for name in ("01_one", "02_two", "03_three"):
        text = CHAPTER.format(name=name)
        (root / f"notebooks/{name}.md").write_text(text, encoding="utf-8")
    (root / "book/_toc.yml").write_text(
        "chapters:\n- file: notebooks/02_two\n- file: notebooks/01_one"
    )
    return root


def test_chapters_come_in_the_order_of_the_book_and_new_ones_last(clone):
    assert [c.name for c in contents.in_order(clone)] == ["02_two", "01_one", "03_three"]


def test_a_chapter_says_what_it_asks_how_long_it_takes_and_what_it_is_given(clone):
    chapter = contents.read("01_one", clone)
    assert (chapter.title, chapter.time) == ("Is 01_one a question?", "under 3 minutes")
    assert chapter.parameters == (
        contents.Parameter("cohort", "str", "phantom#1", "or images:DIR"),
        contents.Parameter("seed", "int", -3, ""),
    )
    assert chapter.takes("cohort")
    assert not chapter.takes("predictions")


@pytest.mark.parametrize(
    "asked", ["02_two", "02", "2", "two", "02_two.md", "notebooks/02_two.ipynb"]
)
def test_a_chapter_is_found_by_its_name_its_file_its_number_or_its_words(clone, asked):
    assert contents.find(asked, clone) == "02_two"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("01_on", "did you mean '01_one'"),
        ("thre", "did you mean '03_three'"),
        ("02x", "did you mean '02_two'"),
        ("7", "there are: 01_one, 02_two, 03_three"),
    ],
)
def test_a_chapter_that_is_not_there_is_answered_with_the_nearest(clone, asked, sentence):
    with pytest.raises(InputError, match=f"there is no chapter '{asked}'; {sentence}"):
        contents.find(asked, clone)


@pytest.mark.parametrize("name", chapters())
def test_every_chapter_says_its_question_its_minutes_and_the_parameters_that_a_run_takes(name):
    chapter = contents.read(name)
    assert chapter.title
    assert chapter.time.endswith(("minutes", "minute"))
    assert {p.name: p.kind for p in chapter.parameters} == declared_parameters(read_chapter(name))


def test_the_list_has_every_chapter_in_the_order_of_the_book():
    toc = yaml.safe_load((project_root() / "book/_toc.yml").read_text(encoding="utf-8"))
    order = [f.split("/")[1] for f in toc_files(toc) if f.startswith("notebooks/")]
    done = medlib("list")
    assert done.returncode == 0, done.stderr
    shown = [line.split()[0] for line in done.stdout.splitlines() if line.strip()[:2].isdigit()]
    assert shown == order


@pytest.mark.parametrize("options", [("run", "04", "--help"), ("run", "--help", "04_resnet50_cv")])
def test_help_beside_a_chapter_tells_of_its_parameters(options):
    done = medlib(*options)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if "image_size" in line)
    assert " ".join(line.split()) == (
        "image_size whole number 0 32 to 1024, or auto pixels a side (0: auto)"
    )


def test_help_without_a_chapter_is_that_of_the_command():
    done = medlib("run", "--help")
    assert done.returncode == 0
    assert "--out" in done.stdout


def test_help_for_a_chapter_that_is_not_there_is_one_sentence():
    done = medlib("run", "lekage", "--help")
    assert done.returncode == 2
    assert done.stderr == "medlib: there is no chapter 'lekage'; did you mean '06_leakage'?\n"


def test_neither_list_nor_help_waits_for_torch_or_jupyter():
    code = (
        "import sys; from medlib.commands.chapter import *; "
        "list_chapters(); show_parameters('resnet50_cv'); "
        "print({'torch', 'numpy', 'jupytext', 'nbformat'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines()[-1] == "set()"


def limits(chapter, name):
    """The limits of a parameter of a chapter, in words."""
    [found] = [p for p in contents.read(chapter).parameters if p.name == name]
    return str(limits_of(found) or "")


def test_limits_are_told_as_they_are_checked():
    assert limits("04_resnet50_cv", "folds") == "at least 3"
    assert limits("08_significance", "folds") == "5 only"
    assert limits("04_resnet50_cv", "network") == "resnet18 or resnet50"
    assert limits("04_resnet50_cv", "cohort") == ""
    assert limits("11_what_a_network_sees", "images_per_class") == "at least 1"
    assert all("inf" not in str(each) for each in LIMITS.values())


@pytest.mark.parametrize(
    "words",
    ["at least 3", "at least 1, or all", "32 to 1024, or auto", "5 only", "a or b", "0.5 to 1"],
)
def test_limits_are_read_as_they_are_told(words):
    assert str(read_limits(words)) == words


@pytest.mark.parametrize("words", ["", "three", "at most 5", "at least some"])
def test_limits_in_other_words_are_refused(words):
    with pytest.raises(InputError, match="limits of a parameter are"):
        read_limits(words)


def test_a_comment_may_end_with_the_limits_of_its_chapter():
    code = "folds: int = 5  # of patients [at least 3]\nn: int = 1  # [5 only]\nk: str = 'x'\n"
    folds, n, k = contents.parameters_of(code)
    assert (folds.comment, folds.limits) == ("of patients", Limits(3))
    assert (n.comment, n.limits) == ("", Limits(5, 5))
    assert (k.comment, k.limits) == ("", None)
