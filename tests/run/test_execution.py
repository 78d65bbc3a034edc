"""A chapter runs on a reader's parameters, or stops with one sentence and nothing half-written."""

import json

import pytest

from medlib.chapters import contents
from medlib.cli import join_pairs
from medlib.errors import InputError, NotebookError
from medlib.models import classifiers
from medlib.results import checklists
from medlib.run import execution

CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter

```{code-cell} python
:tags: [parameters]

cohort: str = "phantom-chest-ct"
seed: int = 0
mild: bool = True
```

```{code-cell} python
from medlib.errors import InputError
from medlib.results import Results

results = Results("01_small", {"name": "none"}, {"seed": seed, "mild": mild})
results.record("twice the seed", 2 * seed)
if seed == 7:
    raise InputError("seed 7 is taken; choose another")
if seed == 8:
    1 / 0
results.save()
```
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_small.md").write_text(CHAPTER)
    monkeypatch.setattr(execution, "project_root", lambda: tmp_path)
    return tmp_path


def run(project, **given):
    return execution.run_chapter("01_small", given, project / "out", say=print, page=False)


def test_a_run_leaves_the_executed_notebook_and_its_numbers(project):
    run(project, seed="3", mild="no")
    left = {"01_small.ipynb", "results.json", "checklist.md", "report.html"}
    assert {p.name for p in (project / "out").iterdir()} == left
    content = json.loads((project / "out/results.json").read_text())
    assert content["records"][0]["value"] == 6
    assert content["parameters"] == {"seed": 3, "mild": False}
    cells = json.loads((project / "out/01_small.ipynb").read_text())["cells"]
    counts = [c["execution_count"] for c in cells if c["cell_type"] == "code"]
    assert counts == [1, 2, 3]


def test_a_run_leaves_the_reporting_checklists_filled_from_its_own_numbers(project):
    run(project, seed="3")
    filled = (project / "out/checklist.md").read_text()
    assert filled == checklists.from_file(project / "out/results.json")
    assert "run of `01_small` on none" in filled
    assert "-p seed 3 -p mild True" in filled
    assert "missing from results.json: cohort.images" in filled


TAKEN_HOME = """
import os
from pathlib import Path
if home := os.environ["MEDLIB_TAKEHOME"]:
    (Path(home) / "deeper").mkdir(parents=True)
    (Path(home) / "deeper/model.bin").write_bytes(bytes(range(256)))
results.save()
"""


def test_what_a_chapter_gives_to_take_home_is_left_with_the_rest_and_to_readers_only(project):
    text = project / "notebooks/01_small.md"
    text.write_text(CHAPTER.replace("results.save()", TAKEN_HOME))
    for _ in range(2):  # also where it was left before
        left = run(project)
    assert left[-1] == project / "out/deeper/model.bin"
    assert left[-1].read_bytes() == bytes(range(256))
    execution.execute_chapter("01_small", say=print)
    assert [path.parent for path in project.rglob("model.bin")] == [project / "out/deeper"]


def test_a_chapter_that_saves_no_numbers_leaves_nothing(project):
    text = project / "notebooks/01_small.md"
    text.write_text(text.read_text().replace("results.save()", ""))
    with pytest.raises(InputError, match="holds no results"):
        run(project)
    assert not (project / "out").exists()


def test_an_unchanged_chapter_gives_the_same_bytes(project):
    first = execution.execute_chapter("01_small", say=print).read_bytes()
    assert execution.execute_chapter("01_small", say=print).read_bytes() == first


def test_the_same_run_gives_the_same_bytes(project):
    text = project / "notebooks/01_small.md"
    text.write_text(text.read_text().replace("results.save()", "results.save();"))  # shows no path
    first = [path.read_bytes() for path in run(project, seed="3")]
    assert [path.read_bytes() for path in run(project, seed="3")] == first


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sede": "3"}, "did you mean 'seed'"),
        ({"seed": "three"}, "takes a whole number"),
        ({"mild": "perhaps"}, "takes true or false"),
        ({"seed": "7"}, "seed 7 is taken; choose another"),
    ],
)
def test_what_the_reader_can_mend_stops_with_a_sentence_and_leaves_nothing(
    project, given, sentence
):
    with pytest.raises(InputError, match=sentence):
        run(project, **given)
    assert not (project / "out").exists()


@pytest.mark.parametrize("place", ["taken", "taken/below", "/proc/medlib"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(project, place):
    (project / "taken").write_text("a file")
    (project / "notebooks/01_small.md").write_text(CHAPTER.replace("results.save()", "1 / 0"))
    with pytest.raises(InputError, match="give a"):
        execution.run_chapter("01_small", {}, project / place, say=print, page=False)
    assert (project / "taken").read_text() == "a file"


@pytest.mark.parametrize(
    ("there", "owner"),
    [
        ('{"notebook": "02_other"}', "02_other"),
        ("[1]", "something that is no chapter"),
        ("{", "something that is no chapter"),
    ],
)
def test_numbers_of_another_chapter_are_not_overwritten(project, there, owner):
    (project / "notebooks/01_small.md").write_text(CHAPTER.replace("results.save()", "1 / 0"))
    (project / "out").mkdir()
    (project / "out/results.json").write_text(there)
    with pytest.raises(InputError, match=f"checklist.md of {owner}, .*such as --out .*/out/01_sma"):
        run(project)
    assert [path.read_text() for path in (project / "out").iterdir()] == [there]


def test_a_chapter_may_be_run_again_into_its_folder_and_be_named_by_its_number(project):
    for seed in ("3", "4"):
        left = execution.run_chapter("01", {"seed": seed}, project / "out", say=print, page=False)
        assert left[0].name == "01_small.ipynb"
    assert json.loads((project / "out/results.json").read_text())["records"][0]["value"] == 8


def test_a_run_leaves_no_more_in_the_cache_than_is_allowed_and_says_so(
    project, monkeypatch, capsys
):
    monkeypatch.setenv("MEDLIB_CACHE", str(project / "cache"))
    monkeypatch.setenv("MEDLIB_CACHE_LIMIT", "1MB")
    model = project / "cache/folds/old.model"
    model.parent.mkdir(parents=True)
    model.write_bytes(bytes(2 * 10**6))
    run(project)
    assert not model.exists()
    assert "the 1 longest unused entries (2 MB) were removed" in capsys.readouterr().out


def test_a_limit_that_is_no_size_is_refused_before_anything_runs(project, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE_LIMIT", "little")
    (project / "notebooks/01_small.md").write_text(CHAPTER.replace("results.save()", "1 / 0"))
    with pytest.raises(InputError, match="MEDLIB_CACHE_LIMIT is 'little'"):
        run(project)


def test_a_failing_cell_is_reported_with_its_traceback_and_leaves_nothing(project):
    with pytest.raises(NotebookError, match="ZeroDivisionError"):
        run(project, seed="8")
    assert not (project / "out").exists()


def test_an_unknown_chapter_names_the_nearest_one(project):
    with pytest.raises(InputError, match="did you mean '01_small'"):
        execution.run_chapter("01_smal", {}, project / "out", say=print, page=False)


def test_parameters_are_pairs_of_words_as_in_papermill():
    assert join_pairs(["run", "x", "-p", "cohort", "images:a=b", "--out", "d"]) == [
        "run",
        "x",
        "-p",
        "cohort=images:a=b",
        "--out",
        "d",
    ]
    assert join_pairs(["-p", "seed=3", "-p", "shift", "-1"]) == ["-p", "seed=3", "-p", "shift=-1"]
    assert join_pairs(["-p", "seed", "--out", "d"]) == ["-p", "seed", "--out", "d"]


NETWORKS = {p.name: p.limits for p in contents.read("04_resnet50_cv").parameters}["network"].choices


@pytest.mark.parametrize("network", NETWORKS)
def test_the_room_asked_for_holds_the_largest_model_that_chapter_6_leaves(network):
    tensors = classifiers.build(network, seed=0).state_dict().values()
    model = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert model + 10 * 10**6 < execution.TAKEN_HOME["04_resnet50_cv"]
