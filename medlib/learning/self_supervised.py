"""Networks that learn from images without labels: by contrast, or by restoring what was hidden.

What such a network then sees in an image is given to a classifier (a probe), or its weights are
where supervised training starts (fine-tuning).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medlib import imaging
from medlib.learning import augmentation
from medlib.learning.learner import HISTORY, Pair, Report, check_training, require
from medlib.learning.network import FittedNetwork, Start, training_seed
from medlib.models.classifiers import build
from medlib.models.matmul import use_matmul
from medlib.runtime.arithmetic import one_thread
from medlib.types import Features, Images, Labels

PROJECTED = 64
"""Numbers an image in which copies are compared; the features before them are what is kept."""
STRIDE: Final = 32
"""Pixels of the image, each way, to one place of a network's last map."""

Loss = Callable[[Tensor, torch.Generator], Tensor]
"""From a batch of images (n, 1, size, size) and chance to the loss of the pretext task."""


@dataclass(frozen=True)
class PretextLearner(ABC):
    """A network pretrained on images alone; `predict` gives features, n x 512 for ResNet-18.

    Images are resized to `size` pixels a side; `batch_size` images a step, changed `strength`
    times as much as in supervised training. Labels given to `fit` are not looked at. `epochs=0`
    leaves the network as it was drawn.
    """

    network: str = "resnet18"
    size: int = 32
    epochs: int = 20
    learning_rate: float = 1e-3
    batch_size: int = 64
    strength: float = 3.0
    weight_decay: float = 0.01
    in_one_process: ClassVar[bool] = False

    def fit(
        self,
        images: Images,
        labels: Labels,
        *,
        seed: int,
        watch: Pair | None = None,
        report: Report | None = None,
    ) -> "Encoder":
        """Pretrain from the seed; see `Learner.fit`. Raises InputError for images that are none."""
        check_training(images, labels, classes=1)
        with one_thread():
            return self._fit(imaging.resize(images, self.size), training_seed(seed), report)

    @abstractmethod
    def _task(
        self, module: nn.Module, width: int, generator: torch.Generator
    ) -> tuple[list[Tensor], Loss]:
        """Return further weights to learn, which are thrown away afterwards, and the loss."""

    def _fit(self, images: Images, seed: int, report: Report | None) -> "Encoder":
        module: Any = build(self.network, seed=seed)
        width = module.num_features
        module.reset_classifier(0)
        network = FittedNetwork(
            use_matmul(module), imaging.Normaliser.fit(images), self.size, "fp32"
        )
        generator = torch.Generator().manual_seed(seed)
        further, loss = self._task(module, width, generator)
        weights = [*module.parameters(), *further]
        optimizer = torch.optim.AdamW(weights, self.learning_rate, weight_decay=self.weight_decay)
        tensor = network.tensor(images)
        rows: list[dict[str, int | float | str]] = []
        module.train()
        for epoch in range(1, self.epochs + 1):
            mean = self._epoch(loss, optimizer, tensor, generator)
            rows.append({"epoch": epoch, "split": "train", "loss": mean, "accuracy": float("nan")})
            if report is not None:
                report(rows[-1])
        module.eval()
        return Encoder(network, pd.DataFrame(rows, columns=list(HISTORY)))

    def _epoch(
        self,
        loss_of: Loss,
        optimizer: torch.optim.Optimizer,
        images: Tensor,
        generator: torch.Generator,
    ) -> float:
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for batch in order.tensor_split(max(1, round(len(images) / self.batch_size))):
            loss = loss_of(images[batch], generator)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(batch)
        return total / len(images)

    def changed(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return images (n, 1, size, size) turned, moved, scaled and of other contrast."""
        change = augmentation.draw(len(images), generator, flip=True, strength=self.strength)
        return augmentation.apply(images, change)


@dataclass(frozen=True)
class ContrastiveLearner(PretextLearner):
    """SimCLR in its smallest form (Chen et al. 2020, ICML, PMLR 119:1597).

    Two changed copies of an image should look alike to the network, copies of different images
    should not. `temperature` of the softmax over similarities.
    """

    temperature: float = 0.2

    def _task(
        self, module: nn.Module, width: int, generator: torch.Generator
    ) -> tuple[list[Tensor], Loss]:
        first, second = (torch.randn(*shape, generator=generator) / shape[0] ** 0.5
                         for shape in ((width, width), (width, PROJECTED)))  # fmt: skip
        head = [first.requires_grad_(), second.requires_grad_()]
        return head, partial(self._loss, module, head)

    def _loss(
        self, module: nn.Module, head: list[Tensor], images: Tensor, generator: torch.Generator
    ) -> Tensor:
        copies = [self.changed(images, generator) for _ in range(2)]
        seen = module(torch.cat(copies))
        return contrast(F.relu(seen @ head[0]) @ head[1], self.temperature)


@dataclass(frozen=True)
class RestorativeLearner(PretextLearner):
    """Restores what was hidden: SimMIM (Xie et al. 2022, CVPR 9653) on a convolutional network.

    Of each image a share `hidden` of squares of `patch` pixels is replaced by the mean grey level
    (0 after normalising). One linear layer on the network's last map draws the image anew, and the
    loss is its squared error on the hidden pixels.
    """

    hidden: float = 0.5
    patch: int = 8

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be hidden or drawn anew."""
        require(self.size % STRIDE == 0, "size", self.size, f"a multiple of {STRIDE}")
        require(self.size % self.patch == 0, "patch", self.patch, f"a divisor of {self.size}")
        require(0 < self.hidden < 1, "hidden", self.hidden, "a share between 0 and 1")

    def _task(
        self, module: nn.Module, width: int, generator: torch.Generator
    ) -> tuple[list[Tensor], Loss]:
        drawn = torch.randn(width, STRIDE**2, generator=generator) / width
        return [drawn.requires_grad_()], partial(self._loss, module, drawn)

    def _loss(
        self, module: Any, drawn: Tensor, images: Tensor, generator: torch.Generator
    ) -> Tensor:
        images = self.changed(images, generator)
        mask = self.mask(len(images), generator)
        seen = module.forward_features(images * ~mask).permute(0, 2, 3, 1)
        wrong = restored(seen @ drawn) - images
        return wrong.square()[mask].mean()

    def mask(self, n: int, generator: torch.Generator) -> Tensor:
        """Which pixels of n images are hidden: (n, 1, size, size)."""
        side = self.size // self.patch
        number = max(1, round(self.hidden * side**2))
        rank = torch.rand(n, side**2, generator=generator).argsort(dim=1).argsort(dim=1)
        squares = (rank < number).view(n, 1, side, side)
        return squares.repeat_interleave(self.patch, 2).repeat_interleave(self.patch, 3)


def restored(pieces: Tensor) -> Tensor:
    """Put squares (n, rows, columns, STRIDE^2) together: (n, 1, rows STRIDE, columns STRIDE)."""
    n, rows, columns, _ = pieces.shape
    apart = pieces.view(n, rows, columns, STRIDE, STRIDE).permute(0, 1, 3, 2, 4)
    return apart.reshape(n, 1, rows * STRIDE, columns * STRIDE)


def contrast(projected: Tensor, temperature: float) -> Tensor:
    """Return the loss of 2 n projections, of which i and i + n are copies of one image.

    Mean over all of -log softmax of the similarity (cosine / temperature) to the other copy among
    those to all others (NT-Xent).
    """
    unit = F.normalize(projected, dim=1)
    alike = unit @ unit.T / temperature
    n = len(unit) // 2
    alike = alike.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(alike, torch.arange(2 * n).roll(n))


@dataclass(frozen=True)
class Encoder:
    """A pretrained network up to its pooled features."""

    network: FittedNetwork
    history: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(HISTORY)))
    precision: str = "fp32"

    def predict(self, images: Images) -> Features:
        """Return what the network sees in each image, n x features, float32."""
        with one_thread():
            return np.asarray(self.network._logits(self.network.tensor(images)).numpy())

    def as_start(self) -> Start:
        """Return its weights, for `NetworkLearner(start=...)` of the same network."""
        return Start(self.network.module.state_dict())
