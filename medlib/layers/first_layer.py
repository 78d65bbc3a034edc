"""First layers before and after training: how alike, how smooth, and whether they are needed."""

import copy
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from medlib.types import Floats, Reals

Kernels = Reals
"""Kernels x rows x columns of a layer that takes one channel."""


class HasModule(Protocol):
    """What is fitted around a network."""

    module: Any


Fitted = TypeVar("Fitted", bound=HasModule)


def kernels_of(networks: Iterable[Any]) -> Kernels:
    """Weights of the first layers of ResNets, networks x kernels x rows x columns."""
    return np.stack([network.conv1.weight.detach().numpy()[:, 0] for network in networks])


def smoothness(kernels: Kernels) -> float:
    """Mean correlation of a weight with its neighbours in the same kernel; 0 for noise."""
    k = kernels - kernels.mean()
    pairs = [(k[:, 1:] * k[:, :-1]).mean(), (k[..., 1:] * k[..., :-1]).mean()]
    return float(np.mean(pairs) / (k**2).mean())


def mean_smoothness(layers: Iterable[Kernels]) -> float:
    """Mean of `smoothness` over layers."""
    return float(np.mean([smoothness(one) for one in layers]))


def noise_smoothness(
    shape: tuple[int, ...], layers: int, rng: np.random.Generator, draws: int = 500
) -> Floats:
    """`mean_smoothness` of so many layers of noise of this shape, drawn again and again."""
    return np.array(
        [mean_smoothness(rng.normal(size=shape) for _ in range(layers)) for _ in range(draws)]
    )


def against_start(layers: Kernels, start: Kernels) -> tuple[float, float]:
    """Mean correlation with the start, and mean way travelled in lengths of the start.

    Both networks x kernels x rows x columns.
    """
    pairs = list(zip(layers, start, strict=True))
    related = [np.corrcoef(k.ravel(), s.ravel())[0, 1] for k, s in pairs]
    travelled = [np.linalg.norm(k - s) / np.linalg.norm(s) for k, s in pairs]
    return float(np.mean(related)), float(np.mean(travelled))


def even_share(change: Kernels) -> float:
    """Share of a change that is the same for all weights of a kernel, mean over networks."""
    return float(
        np.mean([(c.mean(axis=(1, 2)) ** 2).sum() * c[0].size / (c**2).sum() for c in change])
    )


def with_first_layer(fitted: Fitted, kernels: Kernels) -> Fitted:
    """A copy of what was fitted, its first layer now `kernels` (n x rows x columns)."""
    again = copy.deepcopy(fitted)
    with torch.no_grad():
        again.module.conv1.weight.copy_(torch.from_numpy(kernels[:, None]))
    return again
