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


def without_home() -> dict[str, str]:
    """Variables for programs that want to write to the home folder, where nobody can.

    Empty where the home folder can be written to, and for each variable that is set already.
    """
    home = Path(os.path.expanduser("~"))
    if os.access(home, os.W_OK):
        return {}
    wanted = {
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter",
        "JUPYTER_DATA_DIR": "jupyter",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "MPLCONFIGDIR": "matplotlib",
    }
    lacking = {name: place for name, place in wanted.items() if name not in os.environ}
    return {name: str(cache_folder(f"home/{place}")) for name, place in lacking.items()}


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
