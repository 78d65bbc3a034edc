"""Give every tool the same 5-fold training and write what it took to benchmarks/results.json.

    python -m benchmarks.run [--epochs 8] [--per-class 25] [--batch-size 10] [--repeats 1]

Each tool runs in a process of its own, with the threads it takes by default.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks import records
from benchmarks import task as tasks

HERE = Path(__file__).parent
ROOT = HERE.parent
EXTRA = ROOT / "build" / "benchmark-packages"
TOOLS = {
    "medlib": "ours",
    "plain PyTorch": "plain_pytorch",
    "MONAI": "monai_way",
    "PyTorch Lightning": "lightning_way",
}
POLL_SECONDS = 0.2


def main():
    """Run all tools, print a table, write results.json."""
    given = arguments()
    install()
    settings = tasks.Settings(epochs=given.epochs, batch_size=given.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.npz"
        print(f"simulating {2 * given.per_class} patients", flush=True)
        tasks.save(tasks.make(settings, given.per_class), path)
        runs = []
        for tool in list(TOOLS) * given.repeats:  # all once, then all again: loads come and go
            runs.append({"tool": tool, **measured(TOOLS[tool], path)})
            print(f"{tool}: {runs[-1]['seconds']:.0f} s", flush=True)
        peak = json.loads(python("-m", "benchmarks.peak", str(path)).communicate()[0])
    name = (
        f"ResNet-50 from scratch, 5 folds, {2 * given.per_class} images of {settings.size} px, "
        f"{settings.epochs} epochs, batch {settings.batch_size}"
    )
    rows = summary(name, runs, peak)
    records.merge("training", rows)
    show(rows)


def arguments():
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=tasks.Settings.epochs)
    parser.add_argument("--batch-size", type=int, default=tasks.Settings.batch_size)
    parser.add_argument("--per-class", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=1)
    return parser.parse_args()


def install():
    """Put the packages that only the comparison needs into build/, once for each version."""
    wanted = (HERE / "requirements.txt").read_text("utf-8")
    stamp = EXTRA / "installed.txt"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--no-deps"]
    requirements = ["--target", str(EXTRA), "-r", str(HERE / "requirements.txt")]
    subprocess.run([*command, *requirements], check=True)
    stamp.write_text(wanted, "utf-8")


def python(*arguments):
    """Start Python with the extra packages behind our own, and with threads as by default."""
    unset = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(EXTRA)))
    command = [sys.executable, "-W", "ignore", *arguments]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8"
    )


def measured(module, path):
    """Return seconds, processor seconds, accuracy and peak memory of one tool."""
    process = python("-m", "benchmarks.run_one", module, str(path))
    peak = {"mb": 0.0}
    watcher = threading.Thread(target=watch, args=(process, peak))
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode or not output:  # Lightning, when terminated, exits with code 0
        raise SystemExit(f"{module} gave no result and ended with exit code {process.returncode}")
    return {**json.loads(output.splitlines()[-1]), "peak_mb": peak["mb"]}


def watch(process, peak):
    """Note the largest memory of a process and its children, shared pages counted once."""
    while process.poll() is None:
        peak["mb"] = max(peak["mb"], sum(proportional_mb(pid) for pid in family(process.pid)))
        time.sleep(POLL_SECONDS)


def family(pid):
    """Return the process and all its descendants."""
    try:
        tasks_of = Path(f"/proc/{pid}/task").iterdir()
        children = [
            child for t in tasks_of for child in (t / "children").read_text("utf-8").split()
        ]
    except OSError:
        return []
    return [pid, *(member for child in children for member in family(int(child)))]


def proportional_mb(pid):
    """Return memory in MB, each shared page divided by its users; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def summary(name, runs, peak):
    """Return one row a tool: medians over the repeats, and times over ours."""
    rows = []
    for tool in TOOLS:
        mine = [run for run in runs if run["tool"] == tool]
        keys = mine[0].keys() - {"tool"}
        middle = {key: float(np.median([run[key] for run in mine])) for key in sorted(keys)}
        rows.append({"task": name, "tool": tool} | {k: round(v, 3) for k, v in middle.items()})
    for row in rows:
        row["ratio"] = round(row["seconds"] / rows[0]["seconds"], 2)
        row["cpu_ratio"] = round(row["cpu_seconds"] / rows[0]["cpu_seconds"], 2)
    rows[0] |= peak
    return rows


def show(rows):
    """Print the table."""
    print(rows[0]["task"])
    print(f"{'tool':20}{'seconds':>9}{'ratio':>7}{'CPU s':>8}{'peak MB':>9}{'accuracy':>10}")
    for row in rows:
        print(
            f"{row['tool']:20}{row['seconds']:9.1f}{row['ratio']:7.2f}{row['cpu_seconds']:8.1f}"
            f"{row['peak_mb']:9.0f}{row['accuracy']:10.2f}"
        )
    ours = rows[0]
    print(
        f"Our training step reaches {ours['share_of_peak']:.0%} of this processor's "
        f"{ours['peak_gflops']:.0f} GFLOP/s a core ({ours['precision']} matrix product)."
    )


if __name__ == "__main__":
    main()
