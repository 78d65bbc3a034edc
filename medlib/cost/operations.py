"""Multiply-accumulates of a network, by the formula and by PyTorch's own counter.

Networks are asked on torch's meta device, where tensors have shapes and no numbers: a count costs
no time and is the same on any machine. Build them inside `with torch.device("meta")`.
"""

from typing import Any, Final, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

CONVOLUTIONS: Final = (nn.Conv2d, nn.ConvTranspose2d)
WEIGHTED: Final = (*CONVOLUTIONS, nn.Linear)
"""Layers that multiply by weights; all others are left out of a count."""
FP32: Final = 4
"""Bytes of a number."""
FLOPS: Final = 2
"""Floating-point operations of one multiply-accumulate."""


class Visit(NamedTuple):
    """One layer during a forward pass: its name, itself, what it was given and what it made."""

    name: str
    layer: Any
    given: Tensor
    made: Tensor


def number_of_kernels(network: nn.Module) -> int:
    """Output channels of all convolutions together: the m of O(nm)."""
    return sum(each.out_channels for each in network.modules() if isinstance(each, CONVOLUTIONS))


def macs(layer: Any, given: Tensor, made: Tensor) -> int:
    """Multiply-accumulates of a layer for one image: k² C_in C_out H W / groups.

    H x W is the size of the output; of a transposed convolution that of the input, each pixel of
    which is spread over k² outputs. A fully connected layer has one pixel.
    """
    if isinstance(layer, nn.Linear):
        return layer.in_features * layer.out_features
    places = given if isinstance(layer, nn.ConvTranspose2d) else made
    height, width = places.shape[2:]
    k_squared = layer.kernel_size[0] * layer.kernel_size[1]
    each = k_squared * layer.in_channels // layer.groups * layer.out_channels
    return int(each * height * width)


def by_layer(network: nn.Module, side: int, channels: int = 1) -> pd.DataFrame:
    """One row a layer with weights, for one image of `side` pixels, in the order of the pass.

    Columns: layer (its name), MACs (by the formula), counter (PyTorch's, which watches operations
    as they are called and knows nothing of the formula).
    """
    visits, counter = _forward(network, side, channels)
    seen, whole = counter.get_flop_counts(), type(network).__name__
    rows = [
        (name, macs(layer, given, made), sum(seen[f"{whole}.{name}"].values()) // FLOPS)
        for name, layer, given, made in visits
    ]
    return pd.DataFrame(rows, columns=["layer", "MACs", "counter"])


def total(network: nn.Module, side: int, channels: int = 1) -> int:
    """Multiply-accumulates of a forward pass for one image, by the formula."""
    visits, _ = _forward(network, side, channels)
    return sum(macs(layer, given, made) for _, layer, given, made in visits)


def training_step(network: nn.Module, side: int) -> int:
    """Multiply-accumulates an image of a step of training, forward and backward, as counted.

    PyTorch's counter takes the way back of grouped convolutions for that of whole ones: too many.
    """
    before, images = network.training, 2  # batch norms do not train on one image
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        answers = network.train()(torch.empty(images, 1, side, side))
        loss = F.cross_entropy(answers, torch.zeros(images, dtype=torch.long))
        loss.backward()  # type: ignore[no-untyped-call]
    network.train(before).zero_grad()
    return int(counter.get_total_flops()) // (images * FLOPS)


def bytes_moved(network: nn.Module, side: int) -> int:
    """Bytes that the layers with weights must read and write for one image, each once, in fp32."""
    visits, _ = _forward(network, side, 1)
    numbers = (
        given.numel() + made.numel() + layer.weight.numel() for _, layer, given, made in visits
    )
    return FP32 * int(sum(numbers))


def _forward(network: nn.Module, side: int, channels: int) -> tuple[list[Visit], FlopCounterMode]:
    """The layers with weights in the order of a forward pass of one image, and what was counted."""
    visits: list[Visit] = []

    def note(name: str) -> Any:
        return lambda layer, given, made: visits.append(Visit(name, layer, given[0], made))

    hooks = [
        layer.register_forward_hook(note(name))
        for name, layer in network.named_modules()
        if isinstance(layer, WEIGHTED)
    ]
    try:
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, channels, side, side, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return visits, counter
