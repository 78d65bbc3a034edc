"""A disk that is full stops a run with one sentence, and what was finished before is of use.

Each test has a small file system of its own, in a mount namespace that ends with its process; where
the system grants none, conftest.py leaves this file out and says so.
"""

import os
import subprocess
import sys
from pathlib import Path

MOUNTED = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
FOLDS = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from learners import MeanLearner, study
from medlib.learning.crossval import cross_validate
from medlib.errors import InputError

cache = Path(os.environ["MEDLIB_CACHE"])
(cache / "folds").mkdir()
room = os.statvfs(cache).f_bavail - 2  # pages: one for each small file
(cache / "other").write_bytes(bytes(room * os.statvfs(cache).f_frsize))
try:
    cross_validate(MeanLearner(), study(), jobs=1)
except InputError as error:
    print(error)
kept = {{path: path.stat().st_mtime_ns for path in (cache / "folds").iterdir()}}
(cache / "other").unlink()
resumed = cross_validate(MeanLearner(), study(), jobs=1)
assert resumed.predictions.equals(cross_validate(MeanLearner(), study(), cache=None).predictions)
print(len(kept), all(path.stat().st_mtime_ns == when for path, when in kept.items()))
"""
CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter

```{{code-cell}} python
from pathlib import Path
from medlib.results import Results

results = Results("01_small", {{"name": "none"}}, {{}})
results.record("one", 1)
results.save()
{fill}
```
"""
RUN = """
import sys
from pathlib import Path
from medlib import cli
from medlib.run import execution
execution.project_root = Path.cwd
sys.argv = ["medlib", "run", "01", "--out", sys.argv[1]]
try:
    cli.main()
finally:
    print(sorted(path.name for path in Path(sys.argv[4]).glob("*")))
"""
RUN_06 = """
import sys
from pathlib import Path
from medlib import cli
sys.argv = ["medlib", "run", "resnet50_cv", "--out", sys.argv[1]]
try:
    cli.main()
finally:
    print(sorted(path.name for path in Path(sys.argv[4]).glob("*")))
"""


def on_small_disk(size, disk, code, *arguments, **variables):
    """Output of Python code while a file system of that size is mounted on the folder `disk`."""
    disk.mkdir()
    shell = [*NAMESPACE, "sh", "-c", MOUNTED, "sh", size, str(disk)]
    plain = {k: v for k, v in os.environ.items() if k not in ("MEDLIB_PROGRESS", "MEDLIB_RESULTS")}
    return subprocess.run(
        [*shell, sys.executable, "-c", code, *arguments],
        cwd=disk.parent,
        env=plain | variables,
        capture_output=True,
        encoding="utf-8",
    )


def chapter(folder, fill):
    (folder / "notebooks").mkdir()
    (folder / "notebooks/01_small.md").write_text(CHAPTER.format(fill=fill))


def test_folds_finished_before_the_disk_was_full_are_used_by_the_next_run(tmp_path):
    disk = tmp_path / "small disk"
    code = FOLDS.format(tests=str(Path(__file__).parents[1] / "makers"))
    done = on_small_disk("1m", disk, code, MEDLIB_CACHE=str(disk))
    assert done.returncode == 0, done.stderr
    sentence, kept = done.stdout.splitlines()
    assert sentence.startswith("the disk is full: ")
    assert f".json could not be written in {disk}/folds, where 0.0 MB are free" in sentence
    assert "set MEDLIB_CACHE to a folder on a larger disk" in sentence
    assert kept == "2 True"


def test_patients_that_find_the_cache_full_end_the_run_with_one_sentence(tmp_path):
    disk = tmp_path / "small disk"
    chapter(tmp_path, "from medlib.cohorts import load\nload('phantom-chest-ct', per_class=40)")
    done = on_small_disk("1m", disk, RUN, str(tmp_path / "out"), MEDLIB_CACHE=str(disk))
    assert done.returncode == 2
    assert done.stderr.startswith("medlib: the disk is full: ")
    assert str(disk) in done.stderr
    assert "0.0 MB" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == "[]\n"


def test_a_folder_without_room_is_refused_before_any_work(tmp_path):
    disk = tmp_path / "small disk"
    chapter(tmp_path, "1 / 0")
    done = on_small_disk("2m", disk, RUN, str(disk))
    assert done.returncode == 2
    assert f"the run needs 10 MB in {disk}, where 2.1 MB are free" in done.stderr
    assert done.stdout == "[]\n"


def test_a_folder_with_room_for_the_notebook_but_not_for_the_model_is_refused_too(tmp_path):
    disk = tmp_path / "small disk"
    done = on_small_disk("60m", disk, RUN_06, str(disk), TMPDIR=str(tmp_path))
    assert done.returncode == 2
    assert f"the run needs 120 MB in {disk}, where 62.9 MB are free" in done.stderr
    assert "give --out a folder on a larger disk" in done.stderr
    assert done.stdout == "[]\n"


def test_a_folder_for_temporary_files_without_room_for_the_model_is_refused_too(tmp_path):
    disk, out = tmp_path / "small disk", tmp_path / "out"
    done = on_small_disk("60m", disk, RUN_06, str(out), TMPDIR=str(disk))
    assert done.returncode == 2
    assert f"the run needs 110 MB in {disk}, where 62.9 MB are free" in done.stderr
    assert "set TMPDIR to a folder on a larger disk" in done.stderr
    assert not out.exists()


def test_a_folder_that_fills_up_during_the_run_is_left_as_it_was(tmp_path):
    disk = tmp_path / "small disk"
    fill = f"""
try:
    with Path({str(disk)!r}, "other").open("wb") as file:
        file.write(bytes(20 * 10**6))
except OSError:
    pass"""
    chapter(tmp_path, fill)
    done = on_small_disk("12m", disk, RUN, str(disk))
    assert done.returncode == 2
    assert f"01_small.ipynb could not be written in {disk}, where 0.0 MB are free" in done.stderr
    assert "give a folder on a larger disk" in done.stderr
    assert done.stdout == "['other']\n"


def test_output_that_finds_no_room_is_one_sentence_too():
    main = "import sys; from medlib.cli import main; sys.argv[0] = 'medlib'; main()"
    command = [sys.executable, "-c", main, "list"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 2
    assert "make room there" in done.stderr
    assert "the output of this command" in done.stderr
    assert "Traceback" not in done.stderr
