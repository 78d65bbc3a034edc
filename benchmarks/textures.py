"""Compute texture features of the same cohort by four ways and write what they took.

    python -m benchmarks.textures [--images 1000] [--repeats 3]

Rows go to benchmarks/results.json beside those of the training. pyradiomics, which needs an older
numpy, gets an environment of its own in build/.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from benchmarks import records, run
from medlib.cohorts import load

LEVELS = 32
VENV = run.ROOT / "build" / "benchmark-pyradiomics"
PYRADIOMICS = "pyradiomics==3.0.1"
BUILT_WITH = ("numpy==1.26.4", "setuptools<81", "wheel", "versioneer", "SimpleITK", "PyWavelets")
NEEDED = (*BUILT_WITH, "pykwalify", "six")
TASKS = {
    "glcm": "GLCM features",
    "all": "intensity, GLCM, GLRLM and GLSZM features",
}
WAYS = {
    "glcm": ("medlib", "scikit-image", "pyradiomics"),
    "all": ("medlib", "pyradiomics"),
}
TOOLS = {
    "medlib": "medlib",
    "scikit-image": "loop over scikit-image's graycomatrix and graycoprops",
    "pyradiomics": "pyradiomics 3.0.1",
}
CLOSE = 1e-6
"""Largest relative difference between values that count as equal."""
TINY = 1e-3
"""Differences of smaller values are taken relative to this."""


def main(arguments=None):
    """Run all ways, print a table, put the rows into results.json."""
    given = parsed(arguments)
    install()
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", cohort(given.images))
        rows = []
        for task, ways in WAYS.items():
            took = {way: [] for way in ways}
            for way in list(ways) * given.repeats:  # all once, then all again
                took[way].append(measured(task, way, Path(folder)))
            name = f"{TASKS[task]} of {given.images} images of 64 px, {LEVELS} levels"
            rows += summary(name, task, took, Path(folder))
    records.merge("textures", rows)
    show(rows)


def parsed(arguments):
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args(arguments)


def cohort(count, patients=50, seed=2024):
    """Return simulated crops, each shifted around its edges until there are enough: float64."""
    crops = load("phantom-chest-ct", seed=seed, per_class=patients // 2).images(64)
    shifts = -(-count // len(crops))
    moved = [np.roll(crops, 6 * k, axis=(1, 2)) for k in range(shifts)]
    return np.concatenate(moved)[:count].astype(np.float64)


def install():
    """Build pyradiomics once, away from the project's environment."""
    stamp = VENV / "installed.txt"
    wanted = "\n".join((*NEEDED, PYRADIOMICS))
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    print("installing pyradiomics into build/ (once)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [str(VENV / "bin/python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *NEEDED], check=True)
    subprocess.run([*pip, "--no-build-isolation", PYRADIOMICS], check=True)
    stamp.write_text(wanted, "utf-8")


def measured(task, way, folder):
    """Return seconds and peak memory of one way, in a process of its own on one thread."""
    python = VENV / "bin/python" if way == "pyradiomics" else sys.executable
    script = run.HERE / f"textures_by_{way.replace('-', '_')}.py"
    command = [str(python), "-W", "ignore", str(script), task, str(folder)]
    environment = {"PYTHONPATH": str(run.ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
    peak = {"mb": 0.0}
    watcher = threading.Thread(target=run.watch, args=(process, peak))
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode or not output:
        raise SystemExit(f"{script.name} ended with exit code {process.returncode}")
    return json.loads(output.splitlines()[-1]) | {"peak_mb": round(peak["mb"], 1)}


def summary(name, task, took, folder):
    """Return one row a way: medians over the repeats, times over ours, agreement with ours."""
    ours = values(folder, task, "medlib")
    rows = []
    for way, runs in took.items():
        row = {key: float(np.median([one[key] for one in runs])) for key in ("seconds", "peak_mb")}
        row |= {"features": runs[0]["features"], **agreement(ours, values(folder, task, way))}
        rows.append({"task": name, "tool": TOOLS[way], "accuracy": None, **row})
    for row in rows:
        row["ratio"] = round(row["seconds"] / rows[0]["seconds"], 2)
        row["seconds"] = round(row["seconds"], 4)
    return rows


def values(folder, task, way):
    """Return the features that a way wrote: name -> n values."""
    with np.load(folder / f"{task}_{way}.npz") as file:
        return dict(file)


def agreement(ours, theirs):
    """Return how many features both have, and the share of their values that are equal."""
    both = sorted(ours.keys() & theirs.keys())
    a, b = (np.array([each[name] for name in both]) for each in (ours, theirs))
    apart = abs(a - b) / np.maximum(np.maximum(abs(a), abs(b)), TINY)
    return {
        "compared_features": len(both),
        "agreement": round(float((apart <= CLOSE).mean()), 6),
        "largest_relative_difference": float(f"{apart.max():.2g}"),
    }


def show(rows):
    """Print a table a task."""
    for task in dict.fromkeys(row["task"] for row in rows):
        print(task)
        print(f"{'':56}{'seconds':>9}{'ratio':>8}{'peak MB':>9}{'features':>10}{'as ours':>9}")
        for row in (row for row in rows if row["task"] == task):
            print(
                f"{row['tool']:56}{row['seconds']:9.3f}{row['ratio']:8.1f}{row['peak_mb']:9.0f}"
                f"{row['features']:10}{row['agreement']:9.1%}"
            )


if __name__ == "__main__":
    main()
