"""The roofline of one core (Williams et al., 2009): its limits, and single layers below them.

A point is an arithmetic intensity, in operations per byte that has to be moved at least once, and a
rate, in operations a second.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from medlib.cost.operations import FLOPS, FP32, WEIGHTED, macs

MATRIX: Final = 1024
"""Side of the two matrices whose product measures the peak of arithmetic."""
LARGE: Final = 2**25
"""Numbers passed over to measure the way from memory (128 MiB)."""
SMALL: Final = 2**18
"""Numbers passed over to measure the way from a cache (1 MiB)."""
LAYER: Final = "layer"
LIMIT: Final = "limit"
Calls = dict[tuple[str, str], list[Callable[[], object]]]


class Point(NamedTuple):
    """Operations per byte, and operations a second."""

    intensity: float
    rate: float


class Limits(NamedTuple):
    """Operations a second at most; bytes a second from memory and from cache."""

    peak: float
    memory: float
    cache: float


def layers() -> dict[str, tuple[nn.Module, Tensor]]:
    """Layers as ResNet-50 and EfficientNet-Lite0 have them, and random numbers to put in."""
    made: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "3 x 3 convolution": (nn.Conv2d(64, 64, 3, padding=1), (4, 64, 56, 56)),
        "1 x 1 convolution": (nn.Conv2d(256, 64, 1), (4, 256, 56, 56)),
        "depthwise 3 x 3": (nn.Conv2d(240, 240, 3, padding=1, groups=240), (4, 240, 28, 28)),
        "fully connected": (nn.Linear(2048, 1000), (1, 2048)),
        "batch norm": (nn.BatchNorm2d(256).eval(), (4, 256, 56, 56)),
        "ReLU": (nn.ReLU(), (4, 256, 56, 56)),
    }
    return {name: (layer, _in_layout(torch.randn(shape))) for name, (layer, shape) in made.items()}


def calls(some: Mapping[str, tuple[nn.Module, Tensor]]) -> Calls:
    """What `timing.quickest` takes: the layers, a matrix product, and two passes over numbers."""
    factor = torch.randn(MATRIX, MATRIX)
    work: Calls = {(name, LAYER): [partial(layer, given)] for name, (layer, given) in some.items()}
    return work | {
        ("product", LIMIT): [partial(torch.matmul, factor, factor)],
        ("memory", LIMIT): [torch.ones(LARGE).relu_],
        ("cache", LIMIT): [torch.ones(SMALL).relu_],
    }


def limits(best: Mapping[Any, float], points: Mapping[str, Point]) -> Limits:
    """The limits by the seconds of `calls`; a layer that is faster than the product is the peak.

    Two libraries multiply, either of which may be the faster one on a given processor.
    """
    product = FLOPS * MATRIX**3 / best["product", LIMIT]
    peak = max(product, *(each.rate for each in points.values()))
    read_and_write = 2 * FP32
    memory = read_and_write * LARGE / best["memory", LIMIT]
    return Limits(peak, memory, read_and_write * SMALL / best["cache", LIMIT])


def point(operations: float, moved: float, seconds: float) -> Point:
    """Where work stands that does so many operations with so many bytes in so many seconds."""
    return Point(operations / moved, operations / seconds)


def layer_point(layer: nn.Module, given: Tensor, seconds: float) -> Point:
    """Where a layer stands, its operations and bytes counted by its definition."""
    with torch.inference_mode():
        made = layer(given)
    if isinstance(layer, WEIGHTED):
        operations = FLOPS * len(given) * macs(layer, given, made)
    else:  # a comparison, or a product and a sum
        operations = made.numel() * (1 if isinstance(layer, nn.ReLU) else 2)
    weights = sum(each.numel() for each in layer.parameters())
    return point(operations, FP32 * (given.numel() + made.numel() + weights), seconds)


def _in_layout(given: Tensor) -> Tensor:
    """In the layout of the networks, if it is images."""
    return given.contiguous(memory_format=torch.channels_last) if given.ndim == 4 else given
