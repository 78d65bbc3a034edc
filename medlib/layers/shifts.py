"""What a shift of the image does to the maps of a layer and of an EfficientNet."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from medlib.types import Floats

Drift = dict[int, Floats]
"""By the step of a stage in input pixels: relative change after a shift by 0, 1, 2, ... rows."""


def moved_down(image: Tensor, rows: int) -> Tensor:
    """The image moved down by so many pixels; what leaves below comes in above."""
    return torch.roll(image, rows, dims=-2)


def departure(
    operation: Callable[[Tensor], Tensor],
    image: Tensor,
    rows: int,
    *,
    stride: int = 1,
    rim: int = 8,
) -> float:
    """Relative change between moving before and after an operation, `rim` pixels left out."""
    first = operation(moved_down(image, rows))
    second = moved_down(operation(image), rows // stride)
    first, second = (each[..., rim:-rim, rim:-rim] for each in (first, second))
    return float((first - second).norm() / second.norm())


def stages(network: Any, image: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Maps of an EfficientNet where their size changes, with their step in input pixels."""
    z = network.bn1(network.conv_stem(image))
    for number, block in enumerate(network.blocks):
        z = block(z)
        if number in (0, 1, 2, 4, 6):  # the last block before, or at, each change of size
            yield image.shape[-1] // z.shape[-1], z


def endless(network: nn.Module) -> nn.Module:
    """A copy whose convolutions go on beyond the border as if the image repeated itself."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and child.kernel_size[0] > 1:
                setattr(module, name, _tiled(child))
    return network


def _tiled(layer: nn.Conv2d) -> nn.Conv2d:
    """The same layer, padded with the opposite side of the image."""
    tiled = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]
        layer.stride,  # type: ignore[arg-type]
        layer.kernel_size[0] // 2,
        groups=layer.groups,
        bias=False,
        padding_mode="circular",
    )
    tiled.weight = layer.weight
    return tiled


def drift(network: nn.Module, image: Tensor, most: int = 32) -> Drift:
    """How far each stage's maps, averaged over all places, move when the image is moved down.

    Relative change of the averages against no shift, for 0 to `most` pixels.
    """
    averages: dict[int, list[Floats]] = {}
    with torch.inference_mode():
        for rows in range(most + 1):
            for step, z in stages(network, moved_down(image, rows)):
                averages.setdefault(step, []).append(z.mean((0, 2, 3)).numpy())
    return {
        step: np.linalg.norm(np.array(each) - each[0], axis=1) / np.linalg.norm(each[0])
        for step, each in averages.items()
    }
