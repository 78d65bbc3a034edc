"""`python -m benchmarks.run_one MODULE TASK.npz`: let one tool do the task, print what it took."""

import importlib
import json
import os
import sys
import time

import numpy as np

from benchmarks import task as tasks
from medlib.statistics.threshold import called_positive


def main():
    """Time the work from data in memory to out-of-fold predictions; imports are not counted."""
    tool = importlib.import_module(f"benchmarks.{sys.argv[1]}")
    task = tasks.read(sys.argv[2])
    begun, used = time.perf_counter(), processor_seconds()
    scores = tool.run(task)
    seconds = time.perf_counter() - begun
    stop_workers()
    took = {
        "seconds": seconds,
        "cpu_seconds": processor_seconds() - used,
        "accuracy": float(np.mean(called_positive(scores) == task.labels)),
    }
    print(json.dumps(took))


def stop_workers():
    """End joblib's workers, so that their processor time is counted among the children's."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def processor_seconds():
    """Return processor seconds of this process and of its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
