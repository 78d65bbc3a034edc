"""Working memory: the most bytes that are alive at one moment, of a network or of NumPy."""

import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from medlib.types import Array


class Peak(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Most bytes of tensors alive at once while the block runs; the network's own excepted."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.owned = {each.untyped_storage()._cdata for each in network.state_dict().values()}
        self.users: dict[int, int] = {}
        self.now = self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._born(tensor, tensor.untyped_storage())
        return made

    def _born(self, tensor: Tensor, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self.owned:
            self.now += 0 if self.users.get(key) else size  # views share a storage: counted once
            self.users[key] = self.users.get(key, 0) + 1
            self.bytes = max(self.bytes, self.now)
            weakref.finalize(tensor, self._dies, key, size)

    def _dies(self, key: int, size: int) -> None:
        self.users[key] -= 1
        self.now -= 0 if self.users[key] else size


def of_network(network: nn.Module, side: int, *, training: bool = False) -> int:
    """Peak of bytes for one image beside the weights; of a network on the meta device.

    A training step is taken of two images, for batch norms, and halved.
    """
    before = network.training
    given = torch.empty(1 + training, 1, side, side, device="meta")
    with Peak(network) as peak, torch.set_grad_enabled(training):
        made = network.train(training)(given)
        if training:
            made.sum().backward()
    network.train(before).zero_grad()
    return int(peak.bytes) // (1 + training)


def of_arrays(work: Callable[[Array], object], given: Array) -> int:
    """Peak of bytes that NumPy asked for during a call."""
    tracemalloc.start()
    try:
        work(given)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
