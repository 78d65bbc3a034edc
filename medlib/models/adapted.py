"""Features of the frozen network whose batch norm takes its statistics from the images at hand.

Test-time normalisation: Li et al. 2017 (AdaBN), Schneider et al. 2020 (NeurIPS). Weights stay as
they are; mean and variance of every channel are those of a batch of one site's images.
"""

from functools import cache
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from medlib.models.classifiers import NETWORKS, _as_colour, _check_unit, _with_packaged_weights
from medlib.runtime.arithmetic import one_thread
from medlib.types import Features, Images, Integers

MOST: Final = 128
"""Images of a batch: a larger site is normalised in parts."""


def features_by_batch(
    images: Images, batch: Integers, *, network: str = "efficientnet_lite0", size: int = 224
) -> Features:
    """Return n x 1280 float32; the images (grey, 0..1) of one batch number are normalised together.

    What is said of an image depends on the others of its batch, but on no label. Raises InputError
    as `imagenet_features` does.
    """
    _check_unit(images)
    model, out = _normalising(network), np.empty((len(images), 1280), np.float32)
    grey = torch.from_numpy(np.array(images, dtype=np.float32))
    with one_thread(), torch.no_grad():
        for number in np.unique(batch):
            rows = np.flatnonzero(batch == number)
            for part in np.array_split(rows, -(-len(rows) // MOST)):
                out[part] = model(_as_colour(grey[part], size)).numpy()
    return out


@cache
def _normalising(network: str) -> nn.Module:
    """Return the network in evaluation mode but for its batch norms, which keep no memory."""
    model: Any = _with_packaged_weights(NETWORKS[network], 1000, 3)
    model.reset_classifier(0)
    model.eval().to(memory_format=torch.channels_last).requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
            module.momentum = 0.0
    return model  # type: ignore[no-any-return]
