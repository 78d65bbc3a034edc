"""However a run ends, nothing half-written stays behind and no process of its own goes on."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter

```{code-cell} python
import os, pathlib, time
import joblib
from medlib.runtime.workers import Bound

def work(number):
    pathlib.Path(f"pid-{os.getpid()}").touch()
    time.sleep(60)

pathlib.Path(f"pid-{os.getpid()}").touch()
joblib.Parallel(n_jobs=2)(joblib.delayed(Bound(work))(i) for i in range(2))
```
"""
COMMAND = """
import sys
from pathlib import Path
from medlib import cli
from medlib.run import execution
execution.project_root = Path.cwd
sys.argv = ["medlib", "run", "01_long", "--out", "out"]
cli.main()
"""
PATIENCE = 60


def until(happened, what):
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, f"not in {PATIENCE} s: {what}"
        time.sleep(0.1)


@pytest.fixture
def running(tmp_path):
    """A command in the middle of its notebook: the command, and its kernel and two workers."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_long.md").write_text(CHAPTER)
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    until(lambda: len(list(tmp_path.glob("pid-*"))) == 3, "a kernel and two workers at work")
    others = [psutil.Process(int(path.name[4:])) for path in tmp_path.glob("pid-*")]
    yield command, others
    for process in (command, *others):
        if process.poll() is None if process is command else process.is_running():
            process.kill()
    command.communicate()


def assert_all_gone(others, folder):
    until(lambda: not any(alive(other) for other in others), f"the end of {others}")
    assert not (folder / "out").exists()


def alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_so_in_one_line_and_takes_kernel_and_workers_with_it(
    running, tmp_path, number
):
    command, others = running
    command.send_signal(number)
    _, said = command.communicate(timeout=PATIENCE)
    assert command.returncode == 128 + number
    assert said.startswith(f"medlib: stopped by {number.name}: nothing was written")
    assert said.count("\n") == 1
    assert_all_gone(others, tmp_path)


def test_kernel_and_workers_notice_when_the_command_is_killed_outright(running, tmp_path):
    command, others = running
    command.kill()
    assert_all_gone(others, tmp_path)


def test_a_kernel_that_is_killed_is_reported_without_traceback(running, tmp_path):
    command, others = running
    kernel = next(other for other in others if other.ppid() == command.pid)
    os.kill(kernel.pid, signal.SIGKILL)
    _, said = command.communicate(timeout=PATIENCE)
    assert command.returncode == 1
    assert said.startswith("medlib: The notebook's Python process was killed")
    assert "Traceback" not in said
    assert_all_gone(others, tmp_path)
