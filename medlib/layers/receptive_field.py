"""How much of its input one value of a ResNet's map sees: computed, measured, and in effect."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage
import torch
from torch import Tensor, nn

from medlib.types import Floats


class Field(NamedTuple):
    """After some layer: pixels a side that one value sees, pixels from one value to the next."""

    size: int
    step: int


def computed(network: nn.Module) -> dict[str, Field]:
    """The field after the first layer, the pooling and each stage of a ResNet, on its longest path.

    A kernel of k on maps thinned to one value in `step` pixels adds (k - 1) steps.
    Source: Araujo, Norris, Sim, Distill 2019, doi:10.23915/distill.00021.
    """
    size, step, fields = 1, 1, {}
    for where, layer in _longest_path(network):
        size += (_side(layer.kernel_size) - 1) * step
        step *= _side(layer.stride)
        fields[where] = Field(size, step)
    return fields


def measured(network: nn.Module, pixels: int = 544) -> dict[str, int]:
    """The field in rows, as autograd finds it: from the first row that matters to the last.

    The network is changed: see `_open_up`. `pixels`: rows of the image of ones that it is shown.
    """
    tall = torch.ones(1, 1, pixels, 32, dtype=torch.float64, requires_grad=True)  # down as across
    fields = {}
    for where, z in maps(_open_up(network), tall):
        middle = z[0, 0, z.shape[2] // 2, z.shape[3] // 2]
        (gradient,) = torch.autograd.grad(middle, tall, retain_graph=True)
        seen = np.flatnonzero(np.abs(gradient[0, 0].numpy()).sum(axis=1))
        fields[where] = int(seen[-1] - seen[0] + 1)
    return fields


def influence(network: nn.Module, image: Tensor, *, seed: int) -> Floats:
    """Squared gradient of the last map's middle value (a random mix of its channels) by pixel.

    `image`: 1 x 1 x rows x columns. Returns rows x columns. Source: Luo et al., NeurIPS 2016.
    """
    image = image.clone().requires_grad_()
    *_, (_, last) = maps(network, image)
    mix = torch.randn(last.shape[1], generator=torch.Generator().manual_seed(seed))
    middle = last[0, :, last.shape[2] // 2, last.shape[3] // 2]
    (gradient,) = torch.autograd.grad((middle * mix).sum(), image)
    return np.asarray(gradient[0, 0].numpy() ** 2)


class Effective(NamedTuple):
    """Where an influence has its middle (row, column), how far each pixel is from it, and ..."""

    centre: Floats
    distance: Floats
    influence: Floats

    def width_of(self, share: float) -> float:
        """Side, in pixels, of the square around the middle that holds this share."""
        order = np.argsort(self.distance, axis=None)
        growing = np.cumsum(self.influence.ravel()[order]) / self.influence.sum()
        return float(2 * self.distance.ravel()[order][np.searchsorted(growing, share)])

    def share_within(self, width: float) -> float:
        """Share of the influence inside a square of this side around the middle."""
        inside = self.influence[self.distance <= width / 2]
        return float(inside.sum() / self.influence.sum())


def effective(influence: Floats) -> Effective:
    """An influence (rows x columns) with its middle; distance is the larger of the two axes'."""
    centre = np.array(scipy.ndimage.center_of_mass(influence))
    distance = np.abs(np.indices(influence.shape) - centre[:, None, None]).max(axis=0)
    return Effective(centre, distance, influence)


def maps(network: Any, image: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Name and output of a ResNet's first layer, pooling and stages."""
    z = network.conv1(image)
    yield "first layer", z
    z = network.maxpool(network.act1(network.bn1(z)))
    yield "max pooling", z
    for stage in range(1, 5):
        z = getattr(network, f"layer{stage}")(z)
        yield f"stage {stage}", z


def _longest_path(network: Any) -> Iterator[tuple[str, Any]]:
    """The layers of a ResNet on its main path, with where they stand."""
    yield "first layer", network.conv1
    yield "max pooling", network.maxpool
    for stage in range(1, 5):
        for block in getattr(network, f"layer{stage}"):
            for name in ("conv1", "conv2", "conv3"):  # a block of ResNet-18 has two
                if hasattr(block, name):
                    yield f"stage {stage}", getattr(block, name)


def _side(size: int | tuple[int, int]) -> int:
    """The first of a pair, or the number itself."""
    return size if isinstance(size, int) else size[0]


def _open_up(network: nn.Module) -> nn.Module:
    """The network without batch norms and with equal positive weights: what can reach, does."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):  # a maximum passes one pixel on, a mean all
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
            elif isinstance(child, nn.Conv2d):
                nn.init.constant_(child.weight, 1 / child.weight[0].numel())
    return network.double().eval()
