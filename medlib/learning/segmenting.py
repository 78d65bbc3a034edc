"""A network that draws outlines, as a learner: patches in, the number of a part for each voxel out.

The training loop is that of every network of this package (`network`). What nnU-Net sets by rule is
set so here too: each channel of a case normalised within it, patches of which half are sure to hold
a part, mirroring along all axes, Dice and cross-entropy, overlapping windows in inference.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np
import pandas as pd
import torch
from monai.inferers.utils import sliding_window_inference
from monai.losses.dice import DiceLoss
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from medlib.errors import InputError
from medlib.learning import augmentation
from medlib.learning.learner import HISTORY, Report, require
from medlib.learning.network import PRECISIONS, NetworkLearner, Tensors, training_seed
from medlib.models.segmenters import (
    HALVINGS,
    NETWORKS,
    Segmenter,
    build_segmenter,
    head_weights,
)
from medlib.runtime.arithmetic import chosen_precision, one_thread, precise_to
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Singles

Masks = NDArray[np.uint8]
"""Number of the part of each voxel, n x x x y x z."""

WITH_A_PART: Final = 0.5
"""Share of training patches whose middle lies in a part: nnU-Net's, where a step has two."""
OVERLAP: Final = 0.5
"""Of neighbouring windows, as part of their side."""
STEP: Final = 2**HALVINGS


@dataclass(frozen=True)
class SegmentationLearner(NetworkLearner):
    """One of `segmenters.NETWORKS`, trained on patches of `patch` voxels a side.

    An epoch takes one patch of each case. `width`: see `build_segmenter`. `classes`: parts with
    the background.
    """

    network: str = "unet"
    epochs: int = 8
    learning_rate: float = 2e-3
    batch_size: int = 1
    patch: int = 32
    width: int = 8
    classes: int = 4
    gradient_norm: ClassVar[float | None] = 12.0  # nnU-Net's: a leap of the loss ends no training

    def __post_init__(self) -> None:
        """Raise InputError for what cannot be trained."""
        require(self.network in NETWORKS, "network", self.network, ", ".join(NETWORKS))
        require(self.precision in PRECISIONS, "precision", self.precision, ", ".join(PRECISIONS))
        as_number(self.epochs, "epochs")
        as_number(self.batch_size, "batch_size")
        fits = self.patch >= 2 * STEP and self.patch % STEP == 0
        require(fits, "patch", self.patch, f"a multiple of {STEP} of at least {2 * STEP}")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "a positive number")

    def fit_volumes(
        self, images: Singles, masks: Masks, *, seed: int, report: Report | None = None
    ) -> "FittedSegmenter":
        """Train from the seed on n x channels x x x y x z and n x x x y x z.

        Raises InputError for volumes and masks that do not fit together.
        """
        if images.ndim != 5 or masks.shape != images.shape[:1] + images.shape[2:]:
            raise InputError(
                f"Masks of shape {masks.shape} do not fit volumes of shape {images.shape}; give "
                "(n, x, y, z) and (n, channels, x, y, z)."
            )
        as_seed(seed)
        with one_thread():
            start = training_seed(seed)
            module = build_segmenter(self.network, channels=images.shape[1], classes=self.classes,
                                     width=self.width, seed=start)  # fmt: skip
            fitted = FittedSegmenter(module, chosen_precision(self.precision), self.patch)
            training = _tensors(images, masks, self.patch)
            rows = []
            for row in self._epochs(fitted, training, None, start):  # type: ignore[arg-type]
                rows.append(row)
                if report is not None:
                    report(row)
        module.eval()
        return replace(fitted, history=pd.DataFrame(rows, columns=list(HISTORY)))

    def _batch(self, training: Tensors, rows: Tensor, generator: torch.Generator) -> Tensors:
        """A patch of each case, mirrored along each axis by the toss of a coin."""
        images, masks = zip(*(self._patch(training, int(row), generator) for row in rows),
                            strict=True)  # fmt: skip
        volumes = torch.stack(images)
        if self.augment:
            change = augmentation.draw(len(rows), generator)
            wide = (-1, 1, 1, 1, 1)
            volumes = volumes * change.contrast.view(wide) + change.brightness.view(wide)
        return volumes.contiguous(memory_format=torch.channels_last_3d), torch.stack(masks)

    def _patch(
        self, training: Tensors, row: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        image, mask = training[0][row], training[1][row]
        free = torch.tensor(mask.shape) - self.patch
        first = (torch.rand(3, generator=generator) * (free + 1)).long()
        sure, which = torch.rand(2, generator=generator).tolist()
        parts = mask[mask > 0].unique()  # type: ignore[no-untyped-call]
        if sure < WITH_A_PART and len(parts):  # any part, so that small ones are seen as often
            chosen = parts[torch.randint(len(parts), (1,), generator=generator)]
            outlined = (mask == chosen).nonzero()
            middle = outlined[int(which * len(outlined))] - self.patch // 2
            first = torch.minimum(middle.clamp(min=0), free)
        x, y, z = (slice(int(f), int(f) + self.patch) for f in first)
        image, mask = image[:, x, y, z], mask[x, y, z]
        coins = torch.rand(3, generator=generator)
        axes = [axis - 3 for axis in range(3) if self.augment and coins[axis] < 0.5]
        return (image.flip(axes), mask.flip(axes)) if axes else (image, mask)

    def _loss(self, output: Tensor, labels: Tensor) -> tuple[Tensor, float]:
        """Dice and cross-entropy, heads weighed; and the sum of the cases' overlap (Dice)."""
        counts = head_weights(self.network, output.shape[1])
        each = [w * dice_and_entropy(output[:, k], labels) for k, w in enumerate(counts)]
        loss = torch.stack(each).sum()
        found = output[:, -1].argmax(1)
        same = ((found == labels) & (labels > 0)).sum()
        overlap = 2 * same / ((found > 0).sum() + (labels > 0).sum()).clamp(min=1)
        return loss, float(overlap) * len(labels)


def dice_and_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 1 - Dice over the batch, mean of the parts, plus cross-entropy in nats."""
    dice = DiceLoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    overlap: Tensor = dice(logits, labels[:, None])
    return overlap + F.cross_entropy(logits, labels)


@dataclass(frozen=True)
class FittedSegmenter:
    """A trained network that outlines; `patch` is the side of its windows."""

    module: Segmenter
    precision: str
    patch: int
    history: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(HISTORY)))

    def predict(self, images: Singles, *, windows: bool = True) -> Masks:
        """Return the most probable part of each voxel: n x x x y x z.

        In overlapping windows whose answers are averaged, those near a window's middle counting
        more, or with `windows=False` in each volume as a whole.
        """
        with one_thread(), torch.inference_mode(), precise_to(self.precision):
            return np.stack([self._one(image, windows) for image in images])

    def _one(self, image: Singles, windows: bool) -> NDArray[np.uint8]:
        volume = padded(normalised(image), self.patch)[None]
        ask: Callable[[Tensor], Tensor] = lambda part: self.module(part)[:, -1].float()  # noqa: E731
        logits = in_windows(volume, ask, self.patch) if windows else ask(as_whole(volume))
        x, y, z = image.shape[1:]
        return logits[0, :, :x, :y, :z].argmax(0).to(torch.uint8).numpy()


def in_windows(
    volume: Tensor, ask: Callable[[Tensor], Tensor], patch: int, *, mode: str = "gaussian"
) -> Tensor:
    """Return what `ask` gives for windows of a volume (1 x channels x ...), averaged."""
    found: Tensor = sliding_window_inference(volume, patch, 1, ask, overlap=OVERLAP, mode=mode)  # type: ignore[assignment]
    return found


def as_whole(volume: Tensor) -> Tensor:
    """Return a volume padded with zeros to sides that halve often enough."""
    missing = [-n % STEP for n in reversed(volume.shape[2:])]
    return F.pad(volume, [end for m in missing for end in (0, m)])


def normalised(image: Singles) -> Tensor:
    """Each channel less its mean, over its SD; of cut-out organs, within what is not 0.

    Where more than a quarter of the voxels are 0 in all channels, these stay 0 and do not count.
    """
    inside = (image != 0).any(axis=0)
    if inside.mean() > 0.75 or not inside.any():
        inside = np.ones_like(inside)
    values = image[:, inside].astype(np.float64)
    spread = np.maximum(values.std(axis=1), 1e-6)
    shape = (-1, 1, 1, 1)
    scaled = (image - values.mean(axis=1).reshape(shape)) / spread.reshape(shape) * inside
    return torch.from_numpy(scaled.astype(np.float32))


def padded(volume: Tensor, patch: int) -> Tensor:
    """Return a volume with zeros behind its ends, so that no side is shorter than a patch."""
    missing = [max(0, patch - n) for n in reversed(volume.shape[-3:])]
    return F.pad(volume, [end for m in missing for end in (0, m)])


def _tensors(images: Singles, masks: Masks, patch: int) -> Tensors:
    volumes = torch.stack([padded(normalised(image), patch) for image in images])
    outlined = padded(torch.from_numpy(masks.astype(np.int64)), patch)
    return volumes, outlined
