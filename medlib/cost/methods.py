"""Ten methods whose time is measured against the number of pixels: hand-made ones, and networks.

Each is given a square image from 0 (black) to 1 (white). What hand-made ones compute by definition,
in operations and bytes a pixel, stands in `DEFINED`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pywt
import torch
from monai.networks.nets.basic_unet import BasicUNet
from skimage.feature import graycomatrix, graycoprops, hog, local_binary_pattern
from skimage.restoration import denoise_nl_means
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.imaging import resize
from medlib.models.classifiers import fold_batch_norm
from medlib.types import Integers, Singles

Image = Singles  # side x side, from 0 to 1

LEVELS: Final = 32
"""Grey levels of the co-occurrence matrices."""
DIRECTIONS: Final = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
CHANNELS: Final = 64
"""Of each position in self-attention."""
DEFINED: Final = {
    "GLCM": (2 + 4, 4 + 1),  # scale and clip; one count a direction
    "LBP": (8 * 2 + 4 * 7, 1 + 8),  # compare and weigh 8 neighbours, 4 of them interpolated
    "HOG": (2 + 4 + 1 + 9 + 4, 4 + 4),  # gradient, magnitude, angle, nine bins, norms
    "wavelets": (2 * 8 * (1 + 1 / 4 + 1 / 16), 4 + 4),  # db2: 4 products a value, two passes
    "non-local means, window": (13**2 / 2 * 12, 4 + 4),  # a shift: difference, sums, exp, weight
}
"""Operations and bytes a pixel that follow from the definition, to within a factor of about two."""


class Method(NamedTuple):
    """What is timed, and at which sides: `sides` for the slope, `more` to find a crossover."""

    work: Callable[[Any], object]
    prepare: Callable[[Image], Any]
    sides: tuple[int, ...]
    more: tuple[int, ...] = ()

    @property
    def pixels(self) -> Integers:
        """Numbers of pixels at the sides that the slope is fitted through."""
        squares: Integers = np.square(np.array(self.sides))
        return squares


def glcm(image: Image) -> object:
    """Contrast and energy of the co-occurrence matrices in four directions."""
    grey = np.minimum(image * LEVELS, LEVELS - 1).astype(np.uint8)
    matrices = graycomatrix(grey, [1], DIRECTIONS, levels=LEVELS, normed=True)  # type: ignore[no-untyped-call]
    contrast = graycoprops(matrices, "contrast")  # type: ignore[no-untyped-call]
    return contrast, graycoprops(matrices, "energy")  # type: ignore[no-untyped-call]


def lbp(image: Image) -> object:
    """Histogram of local binary patterns of eight neighbours."""
    grey = (image * 255).astype(np.uint8)
    patterns = local_binary_pattern(grey, 8, 1, "uniform")  # type: ignore[no-untyped-call]
    return np.bincount(patterns.astype(int).ravel())


def wavelets(image: Image) -> object:
    """Energy of each band of three levels of Daubechies wavelets."""
    bands = pywt.wavedec2(image, "db2", level=3)
    return [
        np.square(each).sum() for each in (bands[0], *(b for level in bands[1:] for b in level))
    ]


def nlm_window(image: Image) -> object:
    """Non-local means, each pixel against the 13 x 13 around it."""
    return denoise_nl_means(image, patch_size=5, patch_distance=6, fast_mode=True)


def nlm_all(image: Image) -> object:
    """Non-local means, each pixel against all others."""
    return denoise_nl_means(image, patch_size=5, patch_distance=len(image), fast_mode=False)


def attention(positions: Tensor) -> Tensor:
    """Self-attention among n positions with d channels: n x d."""
    return torch.softmax(positions @ positions.T / positions.shape[1] ** 0.5, dim=1) @ positions


def as_positions(image: Image) -> Tensor:
    """Each pixel as a position with `CHANNELS` equal channels."""
    return torch.from_numpy(image).reshape(-1, 1).repeat(1, CHANNELS)


def as_tensor(image: Image) -> Tensor:
    """1 x 1 x height x width in the layout of the networks."""
    return torch.from_numpy(image)[None, None].contiguous(memory_format=torch.channels_last)


def as_is(image: Image) -> Image:
    """The image."""
    return image


HAND_MADE: Final = {
    "GLCM": Method(glcm, as_is, (512, 768, 1024, 1536, 2048)),
    "LBP": Method(lbp, as_is, (256, 384, 512, 768, 1024)),
    "HOG": Method(hog, as_is, (256, 384, 512, 768, 1024)),
    "wavelets": Method(wavelets, as_is, (300, 450, 600, 900, 1200), (512,)),
    "non-local means, window": Method(nlm_window, as_is, (128, 192, 256, 384, 512)),
    "non-local means, all pixels": Method(nlm_all, as_is, (20, 26, 32, 40, 52), (12, 16)),
}
"""The first four are features, the last two remove noise. Sides: where a call takes about 1 ms."""


def deep(networks: Mapping[str, nn.Module]) -> dict[str, Method]:
    """Self-attention, and the three networks "ResNet-50", "EfficientNet-Lite0" and "U-Net"."""
    sides = {
        "ResNet-50": ((192, 256, 320, 384, 512), (12, 16, 20, 26, 32, 40, 52, 64)),
        "EfficientNet-Lite0": ((256, 320, 384, 512, 768), ()),
        "U-Net": ((128, 192, 256, 384, 512), ()),
    }
    made = {name: Method(networks[name], as_tensor, *each) for name, each in sides.items()}
    return {"self-attention": Method(attention, as_positions, (20, 26, 32, 40, 52), (64,)), **made}


def calls(
    methods: Mapping[str, Method], images: Singles
) -> dict[tuple[str, int], list[Callable[[], object]]]:
    """What `timing.quickest` takes: of each method at each side a call for every image."""
    wanted = {name: (*each.sides, *each.more) for name, each in methods.items()}
    at = {side: np.clip(resize(images, side), 0, 1) for side in set().union(*wanted.values())}
    return {
        (name, side): [partial(each.work, each.prepare(picture)) for picture in at[side]]
        for name, each in methods.items()
        for side in wanted[name]
    }


def for_inference(network: nn.Module) -> nn.Module:
    """The network as it is used: batch norms merged into convolutions, channels last."""
    merged = network.eval() if isinstance(network, BasicUNet) else fold_batch_norm(network)
    return merged.to(memory_format=torch.channels_last)


def training_step(network: nn.Module, batch: Tensor) -> Callable[[], None]:
    """One step of training on a batch, with labels in turn: forward, backward, AdamW."""
    learning = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(learning.parameters(), fused=True)
    labels = torch.arange(len(batch)) % 2

    def step() -> None:
        with torch.inference_mode(False):
            loss = F.cross_entropy(learning(batch), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()

    return step
