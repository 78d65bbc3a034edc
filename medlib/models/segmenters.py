"""Networks that give each voxel a part: MONAI's, by name, with about equally many weights.

- unet: Çiçek et al. 2016 (3D U-Net): down four halvings, up again, the way down beside the way up.
- unetpp: Zhou et al. 2018 (UNet++): every step of the way up starts from every depth, so that four
  U-Nets of growing depth lie in one another.
- unetpp_supervised: the same with deep supervision: each of the four has an answer of its own, all
  are trained, and the mean of their probabilities counts.
- resenc: a U-Net whose way down has residual blocks (SegResNetDS), set as nnU-Net sets its own
  (Isensee et al. 2024): instance norm, leaky ReLU, strided convolutions, deep supervision at
  coarser resolutions with halving weights, one block a step of the way up.
"""

from typing import Any, Final

import torch
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
from monai.networks.nets.segresnet_ds import SegResNetDS
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.errors import InputError
from medlib.models.classifiers import seeded
from medlib.runtime.whole_numbers import as_number

NETWORKS: Final = ("unet", "unetpp", "unetpp_supervised", "resenc")
"""The networks by name."""
HALVINGS: Final = 4
"""How often a network halves its input; a side has to be a multiple of 2 ** HALVINGS."""
ACT: Final = ("leakyrelu", {"negative_slope": 0.01, "inplace": True})
NORM: Final = ("instance", {"affine": True})
COARSER: Final = 3
"""Resolutions at which the residual-encoder U-Net is supervised, the finest among them."""


BOTTOMS: Final = ("down_4", "conv_4_0")
"""How MONAI calls the coarsest level of U-Net and UNet++."""


class FullConv3d(nn.Conv3d):
    """A convolution in fp32 where all else is in bf16.

    At 2 x 2 x 2 voxels torch's bf16 gradient of the weights was seen to differ in its last digits
    from one call to the next, on one thread: a seed would no longer give the same network.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map as `nn.Conv3d` does."""
        with torch.autocast("cpu", enabled=False):
            bias = None if self.bias is None else self.bias.float()
            output: Tensor = self._conv_forward(input.float(), self.weight.float(), bias)
        return output


class NormOfOne(nn.InstanceNorm3d):
    """Instance norm as batch norm, which is the same where a batch is one volume.

    torch copies volumes into another order of memory for instance norm, and convolutions copy them
    back: a sixth of the time of a step.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map as `nn.InstanceNorm3d` does."""
        if len(input) > 1:
            return super().forward(input)
        return F.batch_norm(input, None, None, self.weight, self.bias, training=True, eps=self.eps)


class Segmenter(nn.Module):
    """A network whose output is one tensor, whatever it is: n x heads x classes x x x y x z logits.

    The last head is the answer at full depth and resolution. In evaluation there is one head.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        # another class, not another module: weights and names stay where they are
        for name, module in body.named_modules():
            if name.startswith(BOTTOMS) and type(module) is nn.Conv3d:
                module.__class__ = FullConv3d
            elif type(module) is nn.InstanceNorm3d:
                module.__class__ = NormOfOne

    def forward(self, volumes: Tensor) -> Tensor:
        """Map n x channels x x x y x z to logits; coarser heads are resampled to the volume."""
        output: Any = self.body(volumes)
        heads = [output] if isinstance(output, Tensor) else list(output)
        if isinstance(self.body, SegResNetDS):  # gives the finest first
            heads = [F.interpolate(head, volumes.shape[2:]) for head in reversed(heads)]
        logits = torch.stack(heads, dim=1)
        if self.training or len(heads) == 1:
            return logits
        return logits.float().softmax(dim=2).mean(dim=1, keepdim=True).clamp_min(1e-7).log()


def build_segmenter(
    network: str, *, channels: int, classes: int, width: int = 8, seed: int
) -> Segmenter:
    """Return a network that maps n x channels x volume to n x heads x classes x volume logits.

    `width`: channels at full resolution; 8 gives each network about 440,000 weights, 4 about
    110,000. The same seed gives the same weights and leaves torch's random state as it was. Raises
    InputError for an unknown network.
    """
    if network not in NETWORKS:
        raise InputError(f"There is no network '{network}'; choose one of: {', '.join(NETWORKS)}.")
    w = as_number(width, "width", least=2)
    size: dict[str, Any] = {"spatial_dims": 3, "in_channels": as_number(channels, "channels"),
                            "out_channels": as_number(classes, "classes", least=2)}  # fmt: skip
    with seeded(seed):
        body = _body(network, w, size)
    return Segmenter(body).to(memory_format=torch.channels_last_3d)


def _body(network: str, w: int, size: dict[str, Any]) -> nn.Module:
    body: nn.Module
    if network == "unet":  # a wider bottom makes up for the weights that UNet++ has between
        body = BasicUNet(features=(w, w, 2 * w, 4 * w, 10 * w, w), act=ACT, norm=NORM, **size)
    elif network == "resenc":  # residual blocks have more weights at the same width
        body = SegResNetDS(init_filters=3 * w // 4, act=ACT, norm=NORM, blocks_down=(1, 2, 2, 2),
                           dsdepth=COARSER, **size)  # fmt: skip
    else:
        size["deep_supervision"] = network == "unetpp_supervised"
        body = BasicUNetPlusPlus(
            features=(w, w, 2 * w, 4 * w, 8 * w, w), act=ACT, norm=NORM, **size
        )
    return body


def head_weights(network: str, heads: int) -> tuple[float, ...]:
    """Return what the loss of each head counts, the answer last; they add up to 1.

    UNet++ counts its heads alike, nnU-Net halves the weight with each coarser resolution.
    """
    each = [0.5**k if network == "resenc" else 1.0 for k in reversed(range(heads))]
    return tuple(one / sum(each) for one in each)


def weights_of(module: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(parameter.numel() for parameter in module.parameters())
