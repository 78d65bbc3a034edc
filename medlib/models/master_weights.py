"""Weights in training: in fp32 where they change, and in the precision they are multiplied in.

A step often changes a weight by less than bf16 can tell apart, so an optimizer adds to fp32
masters. Products take bf16 copies, rounded once a step, where autocast would cast all weights and
all their gradients in every pass. The numbers are those of autocast.
"""

from collections.abc import Callable, Iterator
from typing import Final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from medlib.runtime.arithmetic import precise_to

MULTIPLIED: Final = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose3d, nn.Linear)
"""Layers whose weights autocast rounds to bf16; those of norms stay in fp32."""


class MasterWeights:
    """A module in training: computes like it, and gives an optimizer what to change.

    The module keeps its fp32 parameters, which share memory with the masters, and receives no
    gradients: those go to the masters.
    """

    def __init__(self, module: nn.Module, precision: str) -> None:
        """Take a module with channels-last weights, all of them trained, and "fp32" or "bf16"."""
        self._module, self._precision = module, precision
        rounded = set(_multiplied(module)) if precision == "bf16" else set()
        self._used: dict[str, Tensor] = {}
        self.masters: list[nn.Parameter] = []
        """Each weight's elements in one row, fp32, for an optimizer."""
        for name, parameter in module.named_parameters():
            dtype = torch.bfloat16 if name in rounded else torch.float32
            self._add(name, parameter, dtype)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the module's output in fp32; going backward gives the masters new gradients."""
        with precise_to(self._precision):
            output: Tensor = functional_call(self._module, self._used, images)
        return output.float()

    def follow(self) -> None:
        """Take over what the optimizer has made of the masters."""
        for master, used in zip(self.masters, self._used.values(), strict=True):
            if used.dtype != master.dtype:  # the others share memory
                _channels_last(used.detach()).view(-1).copy_(master.detach())

    def _add(self, name: str, parameter: nn.Parameter, dtype: torch.dtype) -> None:
        values = parameter.detach()
        # The fused AdamW copies what is not contiguous, there and back: hence the row. `view`
        # raises where a row could only be a copy, whose changes the module would not see.
        master = nn.Parameter(_channels_last(values).view(-1))
        used = values.to(dtype).requires_grad_(parameter.requires_grad)
        used.register_post_accumulate_grad_hook(_hand_to(master))  # type: ignore[no-untyped-call]
        self.masters.append(master)
        self._used[name] = used


def _channels_last(weight: Tensor) -> Tensor:
    """Return a view whose order of axes is that of memory."""
    return weight.movedim(1, -1) if weight.dim() > 1 else weight


def _multiplied(module: nn.Module) -> Iterator[str]:
    """Yield the names of the parameters of convolutions and linear layers."""
    for layer, part in module.named_modules():
        if isinstance(part, MULTIPLIED):
            yield from (name for name, _ in part.named_parameters(layer))


def _hand_to(master: nn.Parameter) -> Callable[[Tensor], None]:
    """Return a hook that moves a gradient to the master as it arises, still in the cache.

    Each step's gradient takes the place of the last one's: memory asked for anew costs more than
    what is written to it.
    """
    kept = torch.empty_like(master)

    def hook(used: Tensor) -> None:
        assert used.grad is not None
        gradient = _channels_last(used.grad)
        master.grad = kept
        kept.view(gradient.shape).copy_(gradient)
        used.grad = None

    return hook
