"""Features of a frozen network, remembered: the five folds of one study share their images."""

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

import numpy as np

from medlib.models.classifiers import imagenet_features
from medlib.types import Features, Images

REMEMBERED: Final = 5000
"""Images whose features are kept, 5 kB each."""

_memory: OrderedDict[bytes, Features] = OrderedDict()


def remembered_features(grey: Images, network: str, size: int) -> Features:
    """Return features, computing only those of images not seen lately: five folds share images."""
    keys = [
        blake2b(image.tobytes() + f"{image.shape} {network} {size}".encode()).digest()
        for image in grey
    ]
    new = [i for i, key in enumerate(keys) if key not in _memory]
    if new:
        found = imagenet_features(grey[new], network=network, size=size)
        _memory.update((keys[i], row) for i, row in zip(new, found, strict=True))
    features = np.stack([_memory[key] for key in keys])
    while len(_memory) > REMEMBERED:
        _memory.popitem(last=False)
    return features
