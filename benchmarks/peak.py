"""What this processor can do at most, and which share of it our training step reaches.

`python -m benchmarks.peak TASK.npz` prints both as JSON. One thread each, as a fold runs.
"""

import json
import sys
import time

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import task as tasks
from medlib.models.classifiers import build
from medlib.models.master_weights import MasterWeights
from medlib.models.matmul import use_matmul
from medlib.runtime.arithmetic import chosen_precision, one_thread

REPEATS = 7


def best(work):
    """Return processor seconds of the quickest of some runs: others may be using the machine."""
    seconds = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def matrix_peak(precision, n=1024):
    """Return floating-point operations a second of a square matrix product."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(n, n).to(dtype) for _ in range(2))
    return 2 * n**3 / best(lambda: a @ b)


def step_operations(images, labels):
    """Return the operations of forward and backward pass by the network's definition."""
    model = build("resnet50", seed=0).train()
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(images), labels).backward()
    return counter.get_total_flops()


def step_seconds(images, labels, precision):
    """Return seconds of one whole training step, optimiser included."""
    weights = MasterWeights(use_matmul(build("resnet50", seed=0)).train(), precision)
    optimizer = torch.optim.AdamW(weights.masters, fused=True)
    images = images.contiguous(memory_format=torch.channels_last)

    def step():
        F.cross_entropy(weights(images), labels).backward()
        optimizer.step()
        weights.follow()

    step()
    return best(step)


def measure(settings):
    """Return precision, the peak in GFLOP/s, and the share of it that a training step reaches."""
    precision = chosen_precision("auto")
    labels = torch.arange(settings.batch_size) % 2
    images = torch.randn(settings.batch_size, 1, settings.size, settings.size)
    with one_thread():
        peak = matrix_peak(precision)
        reached = step_operations(images, labels) / step_seconds(images, labels, precision)
    return {"precision": precision, "peak_gflops": peak / 1e9, "share_of_peak": reached / peak}


if __name__ == "__main__":
    print(json.dumps(measure(tasks.read(sys.argv[1]).settings)))
