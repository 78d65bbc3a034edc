"""A convolutional network as a learner: its training loop, on one thread, from one seed."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import ClassVar, Final

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medlib import imaging
from medlib.errors import InputError
from medlib.learning import augmentation
from medlib.learning.learner import HISTORY, SMALLEST, Pair, Report, Row, check_training, require
from medlib.models.classifiers import build, timm_name
from medlib.models.master_weights import MasterWeights
from medlib.models.matmul import use_matmul
from medlib.runtime.arithmetic import one_thread, precise_to, precision_for
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Floats, Images, Labels, Probabilities

Tensors = tuple[Tensor, Tensor]
Loss = Callable[[Tensor, Tensor], tuple[Tensor, float]]
"""Of a network's output and the labels: mean loss, and how many cases of the batch are right."""

PRECISIONS: Final = ("auto", "fp32", "bf16")
"""What networks compute in."""
PREDICTED_AT_ONCE: Final = 32
"""Images a step of prediction."""


class Start:
    """Weights that training starts from: those of a network without its last layer."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        """Take a network's `state_dict`."""
        self.state = {name: tensor.detach().clone() for name, tensor in state.items()}
        parts = (name.encode() + t.numpy().tobytes() for name, t in self.state.items())
        self.sha256 = sha256(b"".join(parts)).hexdigest()

    def __repr__(self) -> str:
        """Return what tells it from others: finished folds are kept under it."""
        return f"Start({self.sha256})"

    def put_into(self, module: nn.Module) -> None:
        """Give a network these weights; InputError where any but its last layer's lacks."""
        try:
            lacking, unknown = module.load_state_dict(self.state, strict=False)
        except RuntimeError as error:
            raise InputError(f"These weights are of another network: {error}") from error
        body = [name for name in lacking if not name.startswith("fc.")]
        if body or unknown:
            raise InputError(
                f"These weights are of another network: {len(body)} lack and {len(unknown)} are "
                "unknown to it; pretrain the network that is fine-tuned."
            )


@dataclass(frozen=True)
class NetworkLearner:
    """A convolutional network trained with AdamW and a one-cycle learning rate.

    Images are resized to `size` pixels a side, `learning_rate` is the cycle's peak, `augment`
    changes training images slightly (`flip` also mirrors them), `start` are weights of a pretext
    task to start from (`self_supervised`), `precision` is "fp32", "bf16" or
    "auto": bf16 where it is quicker (see `precision_for`). Runs on one thread, so a seed
    gives the same numbers on any number of cores; other processors differ in the last digits.
    """

    network: str = "resnet50"
    pretrained: bool = False
    size: int = 64
    epochs: int = 20
    learning_rate: float = 1e-3
    batch_size: int = 10
    weight_decay: float = 0.01
    augment: bool = True
    flip: bool = False
    precision: str = "auto"
    start: Start | None = None
    in_one_process: ClassVar[bool] = False
    """A fold is one job of one thread, and folds run side by side."""
    volumes: ClassVar[bool] = False
    """Whether images may have a depth."""
    gradient_norm: ClassVar[float | None] = None
    """Longer gradients, of all weights together, are scaled down to this; None leaves all be."""

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be trained."""
        timm_name(self.network)
        require(self.precision in PRECISIONS, "precision", self.precision, ", ".join(PRECISIONS))
        as_number(self.size, "size", least=SMALLEST)
        as_number(self.epochs, "epochs")
        as_number(self.batch_size, "batch_size", least=2)
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "a positive number")

    def fit(
        self,
        images: Images,
        labels: Labels,
        *,
        seed: int,
        watch: Pair | None = None,
        report: Report | None = None,
    ) -> "FittedNetwork":
        """Train from the seed; see `Learner.fit`.

        Training loss and accuracy are means over the epoch's own batches, as they were trained
        on. Raises InputError for images or labels that do not fit together.
        """
        check_training(images, labels, volumes=self.volumes)
        if watch is not None:
            check_training(*watch, classes=1, volumes=self.volumes)
        with one_thread():
            fitted = self._start(self._resized(images), labels, seed)
            tensors = None if watch is None else _tensors(fitted, *watch)
            rows: list[Row] = []
            training = _tensors(fitted, images, labels)
            for row in self._epochs(fitted, training, tensors, training_seed(seed)):
                rows.append(row)
                if report is not None:
                    report(row)
        fitted.module.eval()
        return replace(fitted, history=pd.DataFrame(rows, columns=list(HISTORY)))

    def untrained(self, *, seed: int, classes: int = 2) -> nn.Module:
        """Return the network that `fit` starts from with this seed."""
        first = training_seed(as_seed(seed))
        module = build(self.network, pretrained=self.pretrained, classes=classes, seed=first)
        if self.start is not None:
            self.start.put_into(module)
        return module

    def _resized(self, images: Images) -> Images:
        return imaging.resize(images, self.size)

    def _start(self, images: Images, labels: Labels, seed: int) -> "FittedNetwork":
        """Return the untrained network beside the normalisation of the training images."""
        module = self.untrained(seed=seed, classes=int(labels.max()) + 1)
        precision = precision_for(module, self.precision)
        return FittedNetwork(
            use_matmul(module), imaging.Normaliser.fit(images), self.size, precision
        )

    def _epochs(
        self, fitted: "FittedNetwork", training: Tensors, watch: Tensors | None, seed: int
    ) -> Iterator[Row]:
        """Train one epoch after the other; yield the rows of the history."""
        generator = torch.Generator().manual_seed(seed)
        steps = _steps(len(training[0]), self.batch_size)
        weights = MasterWeights(fitted.module, fitted.precision)
        optimizer = torch.optim.AdamW(weights.masters, weight_decay=self.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=self.epochs * steps
        )
        for epoch in range(1, self.epochs + 1):
            order = torch.randperm(len(training[0]), generator=generator)
            totals = np.zeros(2)
            fitted.module.train()
            for batch in order.tensor_split(steps):
                part = self._batch(training, batch, generator)
                totals += _step(weights, optimizer, *part, self._loss, self.gradient_norm)
                schedule.step()
            yield _row(epoch, "train", totals / len(order))
            if watch is not None:
                yield _row(epoch, "test", _evaluate(fitted, watch))

    def _batch(self, training: Tensors, rows: Tensor, generator: torch.Generator) -> Tensors:
        """Return what one step learns from: these cases, changed a little."""
        return self._augmented(training[0][rows], generator), training[1][rows]

    def _loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, float]:
        """Return the mean loss of a batch, and in how many of its cases the answer is right."""
        return F.cross_entropy(output, labels), float((output.argmax(1) == labels).sum())

    def _augmented(self, images: Tensor, generator: torch.Generator) -> Tensor:
        if not self.augment:
            return images
        change = augmentation.draw(len(images), generator, flip=self.flip)
        return augmentation.apply(images, change)


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network with the normalisation it was trained under."""

    module: nn.Module
    """In evaluation mode; maps `tensor(images)` to logits."""
    normaliser: imaging.Normaliser
    size: int
    precision: str
    history: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(HISTORY)))

    def tensor(self, images: Images) -> Tensor:
        """Return images (n x height x width) as the network takes them: (n, 1, size, size)."""
        normal = self.normaliser.apply(imaging.resize(images, self.size))
        tensor = torch.from_numpy(normal)[:, None]
        return tensor.contiguous(memory_format=torch.channels_last)

    def predict(self, images: Images) -> Probabilities:
        """Return the probability of each class, n x classes float32."""
        with one_thread():
            return self._logits(self.tensor(images)).softmax(dim=1).numpy()

    def _logits(self, tensor: Tensor) -> Tensor:
        self.module.eval()
        with torch.inference_mode(), precise_to(self.precision):
            starts = range(0, len(tensor), PREDICTED_AT_ONCE)
            parts = [self.module(tensor[i : i + PREDICTED_AT_ONCE]).float() for i in starts]
        return torch.cat(parts)


def training_seed(seed: int) -> int:
    """Return the seed, or another one where MEDLIB_TRAINING_SEED asks for other networks.

    That is how far results move by the luck of training alone is measured: see `make processors`.
    """
    other = os.environ.get("MEDLIB_TRAINING_SEED")
    if not other:
        return seed
    return int(np.random.SeedSequence([seed, int(other)]).generate_state(1)[0])


def _tensors(fitted: FittedNetwork, images: Images, labels: Labels) -> Tensors:
    return fitted.tensor(images), torch.from_numpy(np.asarray(labels, dtype=np.int64))


def _steps(cases: int, batch_size: int) -> int:
    """Return the number of batches: nearly equal ones, so that none is too small to normalise."""
    return max(1, round(cases / batch_size))


def _step(
    weights: MasterWeights,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    loss_of: Loss,
    longest: float | None = None,
) -> tuple[float, float]:
    """Take one step; return the batch's summed loss and number of right answers."""
    loss, right = loss_of(weights(images), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    if longest is not None:
        nn.utils.clip_grad_norm_(weights.masters, longest)
    optimizer.step()
    weights.follow()
    return loss.item() * len(labels), right


def _evaluate(fitted: FittedNetwork, tensors: Tensors) -> Floats:
    logits = fitted._logits(tensors[0])
    right = (logits.argmax(1) == tensors[1]).float().mean()
    return np.array([F.cross_entropy(logits, tensors[1]).item(), right.item()])


def _row(epoch: int, split: str, loss_and_accuracy: Floats) -> Row:
    loss, accuracy = loss_and_accuracy
    return {"epoch": epoch, "split": split, "loss": float(loss), "accuracy": float(accuracy)}
