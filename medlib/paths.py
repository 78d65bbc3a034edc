"""Where the project and its cache live."""

import os
import tempfile
from pathlib import Path


def project_root() -> Path:
    """Folder of the checkout that holds `notebooks/`, or the current folder without one."""
    checkout = Path(__file__).resolve().parents[1]
    return checkout if (checkout / "notebooks").is_dir() else Path.cwd()


def cache_folder(name: str) -> Path:
    """Folder for things that can be made again; below MEDLIB_CACHE or the project's `.cache`."""
    base = os.environ.get("MEDLIB_CACHE")
    folder = (Path(base) if base else project_root() / ".cache") / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all: to a temporary neighbour first, then renamed."""
    data = content.encode() if isinstance(content, str) else content
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
    return path
