"""Convolutions as matrix products, for small images on processors.

Deep in a network a 64-pixel image is 4 x 4 or 2 x 2: general convolution kernels then spend their
time on rearranging weights. In channels-last layout a 1 x 1 convolution is a matrix product as it
stands, and any other becomes one after a cheap gather of neighbours. Same mathematics, same
parameters, same names: only the order of summation differs.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALL: Final = 16
"""Output pixels up to which a gathered convolution was measured to be the faster one."""


class Taps(NamedTuple):
    """Along one axis: number of outputs, and for each tap of the kernel (outputs, inputs)."""

    size: int
    pairs: tuple[tuple[slice, slice], ...]


class MatmulConv2d(nn.Conv2d):
    """A convolution without groups or dilation that multiplies matrices where that is faster."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (n, channels, height, width) to the same output as `nn.Conv2d`."""
        if self.kernel_size == (1, 1):
            return self._pointwise(input)
        taps = [_taps(*axis) for axis in self._axes(input)]
        if taps[0].size * taps[1].size > SMALL:
            return super().forward(input)
        neighbours: Tensor = Gather.apply(input.permute(0, 2, 3, 1), *taps)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # a view in channels-last layout
        return _linear(neighbours, weight, self.bias)

    def _pointwise(self, input: Tensor) -> Tensor:
        rows, columns = self.stride
        if self.stride != (1, 1):
            input = input[:, :, ::rows, ::columns]
        return _linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias)

    def _axes(self, input: Tensor) -> Iterator[tuple[int, int, int, int]]:
        padding = (int(p) for p in self.padding)
        return zip(input.shape[-2:], self.kernel_size, self.stride, padding, strict=True)


class Gather(torch.autograd.Function):
    """Lay neighbourhoods side by side: (n, h, w, c) -> (n, h', w', kernel * kernel * c)."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, rows: Taps, columns: Taps) -> Tensor:
        """Return each output pixel's neighbourhood; what lies outside the image is zero."""
        ctx.shape, ctx.taps = pixels.shape, (rows, columns)
        kernel = len(rows.pairs), len(columns.pairs)
        out = pixels.new_zeros(len(pixels), rows.size, columns.size, *kernel, pixels.shape[3])
        for (i, (to_row, row)), (j, (to_column, column)) in _product(rows, columns):
            out[:, to_row, to_column, i, j] = pixels[:, row, column]
        return out.flatten(3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return to each pixel the sum of what its neighbourhoods received."""
        rows, columns = ctx.taps
        n, _, _, channels = ctx.shape
        kernel = len(rows.pairs), len(columns.pairs)
        taps = gradient.reshape(n, rows.size, columns.size, *kernel, channels)
        out = gradient.new_zeros(ctx.shape)
        for (i, (to_row, row)), (j, (to_column, column)) in _product(rows, columns):
            out[:, row, column] += taps[:, to_row, to_column, i, j]
        return out, None, None


def use_matmul(model: nn.Module) -> nn.Module:
    """Let the model's plain convolutions multiply matrices, and keep it in channels-last layout.

    Changes the model in place and returns it; parameters and their names stay what they were.
    """
    for module in model.modules():
        if type(module) is nn.Conv2d and _is_plain(module):
            # another class, not another module: weights, hooks and names stay where they are
            module.__class__ = MatmulConv2d
    return model.to(memory_format=torch.channels_last)


def _is_plain(conv: nn.Conv2d) -> bool:
    simple_padding = conv.padding_mode == "zeros" and not isinstance(conv.padding, str)
    unpadded_point = conv.kernel_size != (1, 1) or conv.padding == (0, 0)
    return conv.groups == 1 and conv.dilation == (1, 1) and simple_padding and unpadded_point


def _linear(pixels: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Multiply the last axis of (n, h, w, c); return (n, channels, h, w), channels last."""
    # As two axes: of four, torch makes a batch of products, and copies the weights for each.
    product = F.linear(pixels.flatten(0, 2), weight, bias)
    return product.view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)


@cache
def _taps(size: int, kernel: int, stride: int, padding: int) -> Taps:
    """Return, along one axis, which outputs each tap of the kernel feeds, and from which inputs."""
    outputs = (size + 2 * padding - kernel) // stride + 1
    pairs = []
    for tap in range(kernel):
        inside = [o for o in range(outputs) if 0 <= o * stride + tap - padding < size]
        first, last = (inside[0], inside[-1]) if inside else (0, -1)
        start = first * stride + tap - padding
        pairs.append(
            (slice(first, last + 1), slice(start, start + (last - first) * stride + 1, stride))
        )
    return Taps(outputs, tuple(pairs))


def _product(rows: Taps, columns: Taps) -> Iterator[tuple[Any, Any]]:
    return product(enumerate(rows.pairs), enumerate(columns.pairs))
