"""A chapter gives the same on every reader's machine, whatever the home folder holds or forbids."""

import json
import os
import subprocess
import sys

import pytest
from files import write

from medlib.runtime.paths import project_root

CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter

```{code-cell} python
import sys, matplotlib.pyplot as plt
from pathlib import Path
from medlib.results import Results

Path("words.txt").write_text("肺")
results = Results("01_small", {"name": "none"}, {})
results.record("python", sys.executable)
results.record("from a start-up script", str(globals().get("mine", "nothing")))
results.record("lines", float(plt.rcParams["lines.linewidth"]))
results.save();
```
"""
COMMAND = """
import sys
from pathlib import Path
from medlib import cli
from medlib.run import execution
execution.project_root = Path.cwd
sys.argv = ["medlib", "run", "01_small", "--out", "out", "--no-page"]
cli.main()
"""
OTHER_KERNEL = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}


@pytest.fixture
def folder(tmp_path):
    """A project in a folder that is hard to name."""
    folder = tmp_path / "Mein Ordner ä 肺"
    write(folder / "notebooks/01_small.md", CHAPTER)
    return folder


def run(folder, **variables):
    """Numbers and notebook of a run by a reader whose environment has these variables."""
    ours = ("IPYTHON", "JUPYTER", "MPL", "MEDLIB", "PYTHONUTF8", "XDG", "LC_", "LANG")
    plain = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    # An editable install names its folder in a file that Python reads in the locale's letters, so
    # in a folder such as "ü" it is not found without UTF-8; the variable is taken byte for byte.
    found = {"PYTHONPATH": str(project_root())}
    environment = plain | found | {"MEDLIB_CACHE": str(folder / "cache")} | variables
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    records = json.loads((folder / "out/results.json").read_text(encoding="utf-8"))["records"]
    return {r["key"]: r["value"] for r in records}, (folder / "out/01_small.ipynb").read_bytes()


def test_settings_in_the_home_folder_change_nothing(folder):
    home = folder / "home"
    write(home / ".ipython/profile_default/startup/mine.py", "mine = 'something'")
    write(home / ".config/matplotlib/matplotlibrc", "lines.linewidth: 9")
    write(home / ".local/share/jupyter/kernels/python3/kernel.json", json.dumps(OTHER_KERNEL))
    numbers, _ = run(folder, HOME=str(home), JUPYTER_PREFER_ENV_PATH="0")
    assert numbers["from a start-up script"] == "nothing"
    assert numbers["python"] == sys.executable
    assert numbers["lines"] != 9


def test_no_home_folder_and_a_locale_without_chinese_change_no_byte(folder):
    home = folder / "home"
    home.mkdir()
    usual = run(folder, HOME=str(home), LC_ALL="C.UTF-8")
    nowhere = "/dev/null/home"  # not even for root
    assert run(folder, HOME=nowhere, LC_ALL="tr_TR.ISO-8859-9", TZ="Asia/Kathmandu") == usual
