"""Activation functions: their slopes, what depth leaves of a gradient, which ones networks use."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.types import Floats

Function = Callable[[Tensor], Tensor]

ACTIVATIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        "ReLU": F.relu,
        "Sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "leaky ReLU": F.leaky_relu,
        "GELU": F.gelu,
        "SiLU": F.silu,
    }
)
GAINS: Final[Mapping[str, Any]] = MappingProxyType(
    {"Sigmoid": "sigmoid", "tanh": "tanh", "leaky ReLU": "leaky_relu"}
)
"""Names for which torch has a gain of its own; others get that of ReLU."""
KINDS: Final = MappingProxyType(
    {
        nn.ReLU: "ReLU",
        nn.ReLU6: "ReLU, cut at 6",
        nn.GELU: "GELU",
        nn.SiLU: "SiLU",
        nn.Hardswish: "hard swish",
        nn.Sigmoid: "Sigmoid",
        nn.Hardsigmoid: "hard sigmoid",
    }
)


def curve(function: Function, points: Floats) -> tuple[Floats, Floats]:
    """The function and its slope at the points, in double precision."""
    grid = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    values = function(grid)
    (slope,) = torch.autograd.grad(values.sum(), grid)
    return values.detach().numpy(), slope.numpy()


def gradient_sizes(
    name: str, image: Tensor, *, seed: int, depth: int = 20, width: int = 8, draws: int = 5
) -> Floats:
    """What `depth` random layers with the activation `name` leave of the gradient, layer by layer.

    The size of the gradient of each layer's weights, relative to the last one, as a power of 10,
    on average over `draws` of first weights. Weights are drawn as suits the activation (He et al.,
    ICCV 2015); `image`: 1 x 1 x rows x columns, mean 0 and SD 1.
    """
    sizes = []
    for draw in range(draws):
        source = torch.Generator().manual_seed(seed + draw)
        kernels = [_drawn(name, width, width if k else 1, source) for k in range(depth)]
        z = image
        for weights in kernels:
            z = ACTIVATIONS[name](F.conv2d(z, weights, padding=1))
        answer = (z * torch.randn(z.shape, generator=source)).sum()
        sizes.append([each.norm().item() for each in torch.autograd.grad(answer, kernels)])
    logs = np.log10(sizes)
    return np.asarray((logs - logs[:, -1:]).mean(axis=0))


def _drawn(name: str, outputs: int, inputs: int, source: torch.Generator) -> Any:
    """Weights of a layer (outputs x inputs x 3 x 3) that keep the size of what passes through."""
    spread = nn.init.calculate_gain(GAINS.get(name, "relu")) / (9 * inputs) ** 0.5
    weights = torch.randn(outputs, inputs, 3, 3, generator=source)
    return (spread * weights).requires_grad_()


def count(network: str) -> dict[str, int]:
    """How many modules of each kind of activation a network of timm has, as it is defined."""
    with torch.device("meta"):  # no weights are made
        found = [type(each) for each in timm.create_model(network).modules()]
    return {
        name: sum(issubclass(each, kind) or each.__name__ == kind.__name__ for each in found)
        for kind, name in KINDS.items()
    }
