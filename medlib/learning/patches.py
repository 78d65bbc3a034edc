"""A small network for what lies round a candidate: cubes of a volume, or squares of a slice."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import torch
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

from medlib import imaging
from medlib.learning.learner import require
from medlib.learning.network import FittedNetwork, NetworkLearner, training_seed
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Images

WIDTHS: Final = (12, 24, 48, 64)
"""Channels of the four stages, each at half the resolution of the one before from the second."""
SMALLEST_PATCH: Final = 12
"""Pixels a side that the halvings leave one of."""


@dataclass(frozen=True)
class PatchLearner(NetworkLearner):
    """MONAI's residual network with one block a stage, trained as every network of this package.

    Images are n x depth x height x width or n x height x width, all of one size, and are taken as
    they are. Training turns them round: a patch mirrored along any axis is as good a patch.
    """

    network: str = "small residual network"
    size: int = 16
    epochs: int = 10
    learning_rate: float = 3e-3
    batch_size: int = 16
    precision: str = "fp32"
    axes: int = 3
    volumes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be trained."""
        as_number(self.size, "size", least=SMALLEST_PATCH)
        as_number(self.epochs, "epochs")
        as_number(self.batch_size, "batch_size", least=2)
        require(self.axes in (2, 3), "axes", self.axes, "2 for squares or 3 for cubes")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "a positive number")

    def untrained(self, *, seed: int, classes: int = 2) -> nn.Module:
        """Return the network that `fit` starts from with this seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training_seed(as_seed(seed)))
            module = ResNet(
                "basic",
                [1] * len(WIDTHS),
                list(WIDTHS),
                spatial_dims=self.axes,
                n_input_channels=1,
                conv1_t_size=3,
                conv1_t_stride=1,
                num_classes=classes,
            )
        return module.to(memory_format=_memory(self.axes))

    def _resized(self, images: Images) -> Images:
        wanted = (self.size,) * self.axes
        require(images.shape[1:] == wanted, "the patches' shape", images.shape[1:], str(wanted))
        return images

    def _start(self, images: Images, labels: np.ndarray, seed: int) -> "FittedPatches":
        module = self.untrained(seed=seed, classes=int(labels.max()) + 1)
        return FittedPatches(module, imaging.Normaliser.fit(images), self.size, self.precision)

    def _augmented(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Mirror each image along each axis with a chance of one half, and move the batch."""
        if not self.augment:
            return images
        axes = range(2, images.dim())
        for axis in axes:
            turned = torch.rand(len(images), generator=generator) < 0.5
            choose = turned.view(-1, *[1] * (images.dim() - 1))
            images = torch.where(choose, images.flip(axis), images)
        steps = torch.randint(-1, 2, (len(axes),), generator=generator).tolist()
        return images.roll(steps, list(axes)).contiguous(memory_format=_memory(len(axes)))


@dataclass(frozen=True)
class FittedPatches(FittedNetwork):
    """A trained network of patches with the normalisation it was trained under."""

    def tensor(self, images: Images) -> Tensor:
        """Return patches as the network takes them, (n, 1, ...)."""
        tensor = torch.from_numpy(self.normaliser.apply(images))[:, None]
        return tensor.contiguous(memory_format=_memory(images.ndim - 1))


def _memory(axes: int) -> torch.memory_format:
    return torch.channels_last_3d if axes == 3 else torch.channels_last
