"""A network that learns from images without labels, by contrast: SimCLR in its smallest form.

Two changed copies of an image should look alike to the network, copies of different images should
not (Chen et al. 2020, ICML, PMLR 119:1597). What it then sees in an image is given to a classifier.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medlib import imaging
from medlib.learning import augmentation
from medlib.learning.learner import HISTORY, Pair, Report, check_training
from medlib.learning.network import FittedNetwork, training_seed
from medlib.models.classifiers import build
from medlib.models.matmul import use_matmul
from medlib.runtime.arithmetic import one_thread
from medlib.types import Features, Images, Labels

PROJECTED = 64
"""Numbers an image in which copies are compared; the features before them are what is kept."""


@dataclass(frozen=True)
class ContrastiveLearner:
    """A network pretrained on images alone; `predict` gives features, n x 512 for ResNet-18.

    Images are resized to `size` pixels a side; `batch_size` images a step, two copies of each,
    changed `strength` times as much as in supervised training; `temperature` of the softmax over
    similarities. Labels given to `fit` are not looked at.
    """

    network: str = "resnet18"
    size: int = 32
    epochs: int = 20
    learning_rate: float = 1e-3
    batch_size: int = 64
    temperature: float = 0.2
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
            return self._fit(imaging.resize(images, self.size), training_seed(seed))

    def _fit(self, images: Images, seed: int) -> "Encoder":
        module: Any = build(self.network, seed=seed)
        width = module.num_features
        module.reset_classifier(0)
        network = FittedNetwork(
            use_matmul(module), imaging.Normaliser.fit(images), self.size, "fp32"
        )
        generator = torch.Generator().manual_seed(seed)
        first, second = (torch.randn(*shape, generator=generator) / shape[0] ** 0.5
                         for shape in ((width, width), (width, PROJECTED)))  # fmt: skip
        weights = [*module.parameters(), first.requires_grad_(), second.requires_grad_()]
        optimizer = torch.optim.AdamW(weights, self.learning_rate, weight_decay=self.weight_decay)
        tensor = network.tensor(images)
        rows = []
        module.train()
        for epoch in range(1, self.epochs + 1):
            loss = self._epoch(module, (first, second), optimizer, tensor, generator)
            rows.append({"epoch": epoch, "split": "train", "loss": loss, "accuracy": float("nan")})
        module.eval()
        return Encoder(network, pd.DataFrame(rows, columns=list(HISTORY)))

    def _epoch(
        self,
        module: nn.Module,
        head: tuple[Tensor, Tensor],
        optimizer: torch.optim.Optimizer,
        images: Tensor,
        generator: torch.Generator,
    ) -> float:
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for batch in order.tensor_split(max(1, round(len(images) / self.batch_size))):
            copies = [
                augmentation.apply(images[batch], self._change(len(batch), generator))
                for _ in range(2)
            ]
            seen = module(torch.cat(copies))
            loss = contrast(F.relu(seen @ head[0]) @ head[1], self.temperature)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(batch)
        return total / len(images)

    def _change(self, n: int, generator: torch.Generator) -> augmentation.Change:
        return augmentation.draw(n, generator, flip=True, strength=self.strength)


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
