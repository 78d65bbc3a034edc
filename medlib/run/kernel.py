"""The Python process behind a notebook: it ends with the command that started it."""

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from medlib.chapters import sections
from medlib.errors import NotebookError, Stopped

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LAST_WORDS: Final = 2000  # characters of what a kernel said before it died


def execute_cells(
    notebook: nbformat.NotebookNode,
    environment: Mapping[str, str],
    begin: Callable[[int], None] = lambda number: None,
) -> nbformat.NotebookNode:
    """Execute top to bottom in a kernel of its own, in the current folder.

    `begin` gets the number of each code cell, from 1, before it runs. Raises nbclient's
    CellExecutionError for a failing cell, NotebookError where the kernel died, and Stopped where
    Ctrl-C or SIGTERM ended it; the kernel is gone in every case.
    """
    numbers = itertools.count(1)

    def started(cell: nbformat.NotebookNode, **_: Any) -> None:
        if cell.cell_type == "code":
            begin(next(numbers))

    client = _Client(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        on_cell_start=started,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": os.getcwd()}},
    )
    if file := environment.get(sections.VARIABLE):
        client.left_out_file = Path(file)
    # what a kernel says that is shut down at work
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as murmur:
        try:
            executed = client.execute(env=environment, stderr=murmur)
            executed.cells = sections.without(executed.cells, nbformat.v4.new_markdown_cell)
            return executed
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
    left_out_file: Path | None = None

    async def async_execute_cell(
        self, cell: Any, cell_index: int, *args: Any, **options: Any
    ) -> Any:
        """Pass a cell over whose section the chapter has left out; text cells are passed here too.

        Which sections these are stands in the file that MEDLIB_LEFT_OUT names to the kernel.
        """
        if self.left_out_file is not None:
            why = sections.reason(
                cell.metadata.get("tags", []), sections.left_out(self.left_out_file)
            )
            if why is not None:
                cell.metadata[sections.MARK] = why
                return cell
        return await super().async_execute_cell(cell, cell_index, *args, **options)

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
