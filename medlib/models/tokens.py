"""What a frozen ImageNet network sees in each part of an image: one vector a place, a token."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from medlib.errors import InputError
from medlib.models.classifiers import CHUNK, PACKAGED, _as_colour, _frozen, _use_one_thread
from medlib.runtime.arithmetic import one_thread
from medlib.types import Images, Singles

STRIDE: Final = 16
"""Pixels a side that a token stands for."""
CHANNELS: Final = 112
"""Numbers of a token."""
BLOCKS: Final = 5
"""Of EfficientNet-Lite0, those up to the last whose map has a sixteenth of the image's side."""


def imagenet_tokens(
    images: Images, *, network: str = "efficientnet_lite0", size: int = 96
) -> Singles:
    """Return what a frozen ImageNet network sees at each place: n x places x channels, float32.

    `images` as in `imagenet_features`; resized to size x size pixels, of which every 16 x 16 are a
    place (their centres; what is seen there reaches further). Places go row by row.
    """
    if network not in PACKAGED:
        raise InputError(f"tokens need packaged weights, which '{network}' has not")
    stem = _stem(network)
    grey = torch.from_numpy(np.array(images, dtype=np.float32))
    chunks = [grey[i : i + CHUNK] for i in range(0, len(grey), CHUNK)]

    def see(chunk: Tensor) -> Singles:
        with torch.inference_mode():  # holds for its own thread only
            seen: Singles = stem(_as_colour(chunk, size)).flatten(2).transpose(1, 2).numpy()
            return seen

    with one_thread(), ThreadPoolExecutor(os.cpu_count(), initializer=_use_one_thread) as pool:
        return np.concatenate(list(pool.map(see, chunks)))


@cache
def _stem(network: str) -> nn.Module:
    """The network up to its map of a sixteenth."""
    model: Any = _frozen(network)
    return nn.Sequential(model.conv_stem, model.bn1, *model.blocks[:BLOCKS])
