"""How a processor computes: on one thread, and in fp32 or bf16."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import nn


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch and NumPy on one thread inside the block, and on as many as before after it.

    Sums of parts depend on how many parts there are; on one thread the result does not depend on
    the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def has_bf16() -> bool:
    """Return whether this processor multiplies bf16 in hardware (AVX512-BF16 or AMX)."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def chosen_precision(precision: str) -> str:
    """Return "fp32" or "bf16": what "auto" comes to on this processor, or in MEDLIB_PRECISION."""
    if precision != "auto":
        return precision
    return os.environ.get("MEDLIB_PRECISION") or ("bf16" if has_bf16() else "fp32")


def precision_for(module: nn.Module, precision: str) -> str:
    """Return `chosen_precision`, with "auto" never bf16 for a network of depthwise convolutions.

    Those multiply no matrices, and torch's bf16 kernels for them took twice the time of fp32 on a
    processor with AVX512-BF16 (EfficientNet-Lite0, a training step at 56 pixels).
    """
    grouped = any(isinstance(part, nn.Conv2d) and part.groups > 1 for part in module.modules())
    return "fp32" if precision == "auto" and grouped else chosen_precision(precision)


def precise_to(precision: str) -> torch.autocast:
    """Return the context in which a network computes: bf16 autocast, or plain fp32."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")
