"""Where the project and its cache live, and what is said where a disk has no more room."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from medlib.errors import InputError

FULL: Final = (errno.ENOSPC, errno.EDQUOT)
"""What a system says where the disk, or the reader's share of it, has no more room."""


def project_root() -> Path:
    """Folder of the checkout that holds `notebooks/`, or the current folder without one."""
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "notebooks").is_dir() else Path.cwd()


def cache_home() -> Path:
    """Folder of all that can be made again: MEDLIB_CACHE, or the project's `.cache`."""
    base = os.environ.get("MEDLIB_CACHE")
    return Path(base) if base else project_root() / ".cache"


def cache_folder(name: str) -> Path:
    """Folder of that name in the cache; made where it is not there yet."""
    folder = cache_home() / name
    with room_for(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def disk_full(path: Path) -> InputError:
    """The sentence for a file that found no room: what, where, how much is free, what to do."""
    there = next(p for p in path.absolute().parents if p.is_dir())
    free = shutil.disk_usage(there).free
    in_cache = path.absolute().is_relative_to(cache_home().absolute())
    instead = "set MEDLIB_CACHE to" if in_cache else "give"
    less = "by `medlib cache --limit 1GB`, " if in_cache else ""
    return InputError(
        f"the disk is full: {path.name} could not be written in {there}, where {free / 1e6:.1f} MB "
        f"are free; make room, {less}or {instead} a folder on a larger disk, and start again: "
        "finished folds are kept"
    )


def disk_full_somewhere() -> InputError:
    """The sentence where the system does not say which file found no room."""
    places = [path for path in (cache_home(), Path(tempfile.gettempdir())) if path.is_dir()]
    free = [f"{path} has {shutil.disk_usage(path).free / 1e6:.1f} MB free" for path in places]
    return InputError(
        "the disk is full: a file could not be written, and the system does not say which one; "
        f"{', '.join(free)}; make room there (`medlib cache --limit 1GB`) or where the output of "
        "this command goes, and start again: finished folds are kept"
    )


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Raise the InputError of `disk_full` where what happens inside finds no room for `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path) from error
        raise


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all: to a temporary neighbour first, then renamed.

    Raises InputError where the disk is full.
    """
    data = content.encode() if isinstance(content, str) else content
    with room_for(path):
        _replace(path, data)
    return path


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
