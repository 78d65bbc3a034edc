"""The Python process behind a notebook: it ends with the command that started it."""

import asyncio
import os
import signal
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO, Any, Final

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from medlib.errors import NotebookError, Stopped

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LAST_WORDS: Final = 2000  # characters of what a kernel said before it died


def execute_cells(
    notebook: nbformat.NotebookNode, environment: Mapping[str, str]
) -> nbformat.NotebookNode:
    """Execute top to bottom in a kernel of its own, in the current folder.

    Raises nbclient's CellExecutionError for a failing cell, NotebookError where the kernel died,
    and Stopped where Ctrl-C or SIGTERM ended it; the kernel is gone in every case.
    """
    client = _Client(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": os.getcwd()}},
    )
    # what a kernel says that is shut down at work
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as murmur:
        try:
            return client.execute(env=environment, stderr=murmur)
        except BaseException as error:
            if client.stopped_by:
                raise Stopped(client.stopped_by) from error
            if isinstance(error, DeadKernelError):
                raise NotebookError(_last_words(murmur)) from error
            raise


def _last_words(murmur: IO[str]) -> str:
    murmur.seek(0)
    return (
        "The notebook's Python process was killed, most likely because memory ran out: "
        f"close other programs, or take fewer or smaller images. {murmur.read()[-LAST_WORDS:]}"
    ).strip()


class _Client(NotebookClient):
    """Ends its execution on a signal; nbclient only shuts the kernel down and trips over that."""

    stopped_by = 0

    def create_kernel_manager(self) -> KernelManager:
        """Start this Python, though the reader may have a kernel of the same name elsewhere."""
        manager = super().create_kernel_manager()
        manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
        return manager

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        """Listen from before there is a kernel, in place of nbclient's own handlers."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            if not self.stopped_by:  # a second Ctrl-C must not cut the cleaning up short
                self.stopped_by = number
                task.cancel()

        try:
            for number in SIGNALS:
                loop.add_signal_handler(number, stop, number)
        except RuntimeError:
            pass  # not in the main thread, or on Windows: signals end the process as usual
        await super().async_start_new_kernel(**kwargs)
