"""For all tests, also the notebooks.

With MEDLIB_NO_SKIPS=1 a skipped test is a failed one. A reader's own settings of IPython, Jupyter
and Matplotlib stay outside.
"""

import os
import shutil
import subprocess
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

from medlib.runtime.surroundings import surroundings

pytest_plugins = ["pytester"]
Hook = Generator[None, Any, Any]

# A slow moment of a busy machine is no fault, and 200 ms an example, the default, no promise.
settings.register_profile("medlib", deadline=None)
settings.load_profile("medlib")


MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
CAN_MOUNT = (
    bool(shutil.which("unshare")) and subprocess.run(MOUNT, capture_output=True).returncode == 0
)
collect_ignore = [] if CAN_MOUNT else ["tests/run/test_full_disk.py"]


def pytest_report_header() -> str | None:
    """Say what this system keeps from being tested."""
    return None if CAN_MOUNT else "full disks: not tested, nobody may mount a small one here"


def pytest_configure() -> None:
    """Before any worker or kernel starts, which inherit it."""
    os.environ.update(surroundings())


def _refuse_skip(report: Any) -> Any:
    """A skip means that a tool is missing; where all tools must be there, it hides a failure."""
    if report.skipped and os.environ.get("MEDLIB_NO_SKIPS") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, and MEDLIB_NO_SKIPS=1 forbids that: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: object) -> Hook:
    """Judge a test that was run."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Hook:
    """Judge a module that was read."""
    return _refuse_skip((yield))
