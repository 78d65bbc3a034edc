"""What a chapter runs in: the same for every reader, whatever a home folder holds or forbids."""

import os
import subprocess
import sys
from pathlib import Path

from medlib.runtime.paths import cache_folder


def surroundings() -> dict[str, str]:
    """Variables that make IPython, Jupyter, Matplotlib and DVC keep their files in the cache.

    A start-up script of IPython or a style of Matplotlib in a reader's home folder would change a
    chapter's outputs; a home folder that cannot be written to puts warnings into them.
    """
    variables = {
        "DVC_SITE_CACHE_DIR": "dvc",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "jupyter",
        "JUPYTER_DATA_DIR": "jupyter",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "MPLCONFIGDIR": "matplotlib",
    }
    folders = {name: cache_folder(f"surroundings/{place}") for name, place in variables.items()}
    _list_fonts(folders["MPLCONFIGDIR"])
    return {name: str(folder) for name, folder in folders.items()} | {"PYTHONUTF8": "1"}


def _list_fonts(folder: Path) -> None:
    """Make Matplotlib's list of fonts once: where that takes long, it says so in the notebook."""
    if not any(folder.glob("fontlist-*.json")):
        command = [sys.executable, "-c", "import matplotlib.font_manager"]
        environment = {**os.environ, "MPLCONFIGDIR": str(folder)}
        subprocess.run(command, env=environment, capture_output=True, check=True)
