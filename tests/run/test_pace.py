"""While a chapter runs it says which cell and step it is at, and about how long the steps take."""

import re

import pytest

from medlib.run import execution
from medlib.run.pace import Pace, in_words
from medlib.runtime import progress

CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter

```{code-cell} python
import numpy as np
from sklearn.linear_model import LogisticRegression
from medlib.learning.crossval import cross_validate_repeatedly
from medlib.results import Results
from medlib.learning.network import NetworkLearner
```

```{code-cell} python
rng = np.random.default_rng(0)
images = rng.normal(size=(12, 32, 32)).astype(np.float32)
cases = (images, np.arange(12) % 2, np.arange(12), np.arange(12))
learner = NetworkLearner(network="resnet18", size=32, epochs=1, batch_size=4)
runs = cross_validate_repeatedly(learner, cases, repeats=REPEATS, folds=2)
results = Results("01_small", {"name": "none"}, {})
results.record("runs", len(runs))
results.save()
```
"""


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock)


def steps(pace, clock, lines, seconds):
    said = []
    for line in lines:
        clock.now += seconds
        said.append(pace.of(line))
    return said


def test_time_left_is_that_of_the_steps_to_come_at_the_pace_of_those_done(pace, clock):
    pace.at_cell(14, 40)
    assert pace.of("training: 25 steps, 0 done before") == "cell 14 of 40; training: 25 steps"
    said = steps(pace, clock, ["fold 1 of 5", "fold 2 of 5"], seconds=10)
    assert said[0] == (
        "cell 14 of 40; training, step 1 of 25, about 4 minutes left (fold 1 of 5)"  # 24 x 10 s
    )
    clock.now += 40  # the third is slow: 22 steps at 20 s
    assert "about 7 minutes left" in pace.of("fold 3 of 5")


def test_steps_of_an_earlier_run_count_as_done_but_not_for_the_pace(pace, clock):
    said = pace.of("training: 25 steps, 20 done before")
    assert said == "training: 25 steps, 20 of them done in an earlier run"
    [said] = steps(pace, clock, ["fold 1 of 5"], seconds=60)
    assert said == "training, step 21 of 25, about 4 minutes left (fold 1 of 5)"


def test_little_is_said_in_a_short_time_but_the_last_step_always(pace, clock):
    pace.of("training: 100 steps, 0 done before")
    said = steps(pace, clock, [f"epoch {n}" for n in range(100)], seconds=0.1)
    assert 1 <= len([line for line in said if line]) <= 3
    assert said[-1] == "training, step 100 of 100 (epoch 99)"


def test_what_is_no_step_is_said_at_once_and_not_counted(pace, clock):
    pace.of("training: 2 steps, 0 done before")
    assert pace.of("note: a file is damaged") == "a file is damaged"
    [said] = steps(pace, clock, ["fold 1"], seconds=9)
    assert "step 1 of 2" in said


def test_steps_of_one_cell_are_not_counted_in_the_next(pace, clock):
    pace.at_cell(1, 2)
    pace.of("training: 2 steps, 0 done before")
    clock.now += 10
    assert pace.at_cell(2, 2) == "cell 2 of 2"
    clock.now += 10
    assert pace.of("something else") == "cell 2 of 2; something else"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "about 1 minute"),
        (240, "about 4 minutes"),
        (5400, "about 1.5 hours"),
    ],
)
def test_a_length_of_time_in_words(seconds, words):
    assert in_words(seconds) == words


def test_nothing_is_announced_where_all_was_done_before(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_PROGRESS", str(tmp_path / "lines"))
    with progress.shown(5, "training", done=5) as file:
        assert file is None
    assert not (tmp_path / "lines").exists()


def test_a_run_says_where_it_stands_and_counts_what_an_earlier_one_finished(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(execution, "project_root", lambda: tmp_path)
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    said = []
    for repeats in (2, 3):
        text = CHAPTER.replace("REPEATS", str(repeats))
        (tmp_path / "notebooks/01_small.md").write_text(text)
        execution.run_chapter("01", {}, tmp_path / "out", say=said.append, page=False)
    assert "cell 2 of 2; training: 8 steps" in said
    assert "cell 2 of 2; training: 12 steps, 8 of them done in an earlier run" in said
    last = r"cell 2 of 2; training, step 12 of 12 \(fold [12] of 2, repeat 3 of 3: finished\)"
    assert re.fullmatch(last, said[-1])
