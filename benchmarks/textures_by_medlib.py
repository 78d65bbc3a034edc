"""medlib: the whole cohort at once."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from medlib.features import extract

FAMILIES = {"glcm": ["glcm"], "all": ["intensity", "glcm", "glrlm", "glszm"]}


def main(task, folder):
    """Print seconds and number of features; write the values."""
    images = np.load(folder / "images.npy")
    begun = time.perf_counter()
    found = extract(images, families=FAMILIES[task], levels=32)
    seconds = time.perf_counter() - begun
    np.savez(folder / f"{task}_medlib.npz", **{name: found[name] for name in found})
    print(json.dumps({"seconds": seconds, "features": found.shape[1]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
