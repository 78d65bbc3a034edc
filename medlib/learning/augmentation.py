"""Small, anatomically sensible changes of training images, a batch at a time.

What is drawn and what is applied are kept apart: `draw` gives one row of parameters an image,
`apply` is a pure function of images and parameters.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

ROTATION: Final = 10.0
"""Degrees to either side: patients lie a little turned."""

SHIFT: Final = 0.06
"""Part of the image's side, to any side: crops are centred by hand."""

SCALE: Final = 0.10
"""Part of the size, larger or smaller: bodies and fields of view differ."""

CONTRAST: Final = 0.10
"""Part of the contrast, more or less: scanners differ."""

BRIGHTNESS: Final = 0.10
"""In training standard deviations, up or down."""


class Change(NamedTuple):
    """What happens to each of n images."""

    affine: Tensor
    """(n, 2, 3): output to input coordinates, each from -1 to 1 (x, y), as `affine_grid` has it."""
    contrast: Tensor
    """(n,): factor on the normalised grey level."""
    brightness: Tensor
    """(n,): added to the normalised grey level."""


def draw(
    n: int, generator: torch.Generator, *, flip: bool = False, strength: float = 1.0
) -> Change:
    """Draw changes for n images; `flip` mirrors half of them left to right.

    `strength` multiplies how far all other changes reach.

    Leave `flip` off where the side matters (the heart is on the left) and on for crops, in which
    it does not.
    """

    def uniform(reach: float, *shape: int) -> Tensor:
        return (2 * torch.rand(n, *shape, generator=generator) - 1) * reach * strength

    angle = torch.deg2rad(uniform(ROTATION))
    size = 1 + uniform(SCALE)
    mirrored = torch.rand(n, generator=generator) < 0.5
    side = torch.where(mirrored & flip, -1.0, 1.0)
    across = torch.stack([side * angle.cos(), -angle.sin()], dim=1)
    down = torch.stack([side * angle.sin(), angle.cos()], dim=1)
    linear = torch.stack([across, down], dim=1) / size[:, None, None]
    shift = uniform(2 * SHIFT, 2, 1)  # the coordinates span 2
    return Change(torch.cat([linear, shift], dim=2), 1 + uniform(CONTRAST), uniform(BRIGHTNESS))


def apply(images: Tensor, change: Change) -> Tensor:
    """Return images (n, channels, height, width) after the change; edges are repeated outwards."""
    grid = F.affine_grid(change.affine, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    contrast, brightness = (x.view(-1, 1, 1, 1) for x in (change.contrast, change.brightness))
    return moved * contrast + brightness
