"""Masters in fp32 with rounded copies must train as autocast does, and AdamW as it is defined."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from medlib.models.classifiers import build
from medlib.models.master_weights import MasterWeights
from medlib.models.matmul import use_matmul
from medlib.runtime.arithmetic import one_thread, precise_to

EPSILON = torch.finfo(torch.float32).eps
LABELS = torch.arange(6) % 2
RATE, DECAY, BETAS, TINY = 1e-3, 0.01, (0.9, 0.999), 1e-8


def network(name="resnet18"):
    return use_matmul(build(name, seed=0)).train()


def in_a_row(weight):
    return (weight.permute(0, 2, 3, 1) if weight.dim() == 4 else weight).flatten()


def images(seed=0):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(6, 1, 32, 32, generator=generator)
    return drawn.contiguous(memory_format=torch.channels_last)


def optimizer_of(parameters):
    return torch.optim.AdamW(parameters, RATE, BETAS, TINY, DECAY, fused=True)


def by_masters(module, precision, steps=1):
    """Return masters and losses after some steps of the class under test."""
    weights, losses = MasterWeights(module, precision), []
    optimizer = optimizer_of(weights.masters)
    for step in range(steps):
        losses.append(F.cross_entropy(weights(images(step)), LABELS))
        losses[-1].backward()
        optimizer.step()
        weights.follow()
    return weights.masters, [loss.item() for loss in losses]


def by_autocast(module, precision, steps=1):
    """Return parameters, with their last gradients, and losses as PyTorch's manual has it."""
    losses = []
    optimizer = optimizer_of(module.parameters())
    for step in range(steps):
        with precise_to(precision):
            logits = module(images(step)).float()
        losses.append(F.cross_entropy(logits, LABELS))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return list(module.parameters()), [loss.item() for loss in losses]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_first_loss_and_gradients_are_exactly_those_of_autocast(name, precision):
    with one_thread():
        masters, losses = by_masters(network(name), precision)
        parameters, expected = by_autocast(network(name), precision)
    assert losses == expected
    for master, parameter in zip(masters, parameters, strict=True):
        assert torch.equal(master.grad, in_a_row(parameter.grad))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_some_steps_go_the_way_of_autocast(precision):
    """The kernel of AdamW may round an element differently at the end of a row: 1 part in 10^7."""
    with one_thread():
        _, losses = by_masters(network(), precision, steps=4)
        _, expected = by_autocast(network(), precision, steps=4)
    assert losses == pytest.approx(expected, abs=0.01)
    assert losses[1] != losses[0]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_first_update_is_adamw_by_its_definition(precision):
    """Each of a handful of fp32 roundings is at most half an epsilon of weight or of update."""
    module = network()
    before = [in_a_row(p.detach()).double() for p in deepcopy(module).parameters()]
    with one_thread():
        masters, _ = by_masters(module, precision)
    for master, old in zip(masters, before, strict=True):
        gradient = master.grad.double()
        # After one step both moments, corrected for their start at 0, are those of the gradient.
        expected = old * (1 - RATE * DECAY) - RATE * gradient / (gradient.abs() + TINY)
        error = (master.detach().double() - expected).abs()
        assert (error <= 2 * EPSILON * old.abs() + 8 * EPSILON * RATE).all()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_module_keeps_its_own_parameters_and_they_follow_the_masters(precision):
    module = network()
    parameters, names = list(module.parameters()), list(module.state_dict())
    masters, _ = by_masters(module, precision, steps=2)
    assert all(now is before for now, before in zip(module.parameters(), parameters, strict=True))
    assert list(module.state_dict()) == names
    assert int(module.bn1.num_batches_tracked) == 2
    for parameter, master in zip(parameters, masters, strict=True):
        assert parameter.dtype == torch.float32
        assert parameter.grad is None
        assert torch.equal(in_a_row(parameter.detach()), master.detach())


def test_convolutions_multiply_rounded_weights_and_norms_keep_theirs():
    weights = MasterWeights(network(), "bf16")
    seen = {}
    for name, layer in weights._module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            layer.register_forward_hook(
                lambda layer, _, output, name=name: seen.update({name: layer.weight.dtype})
            )
    weights(images())
    norms = {name for name in seen if "bn" in name or "downsample.1" in name}
    assert len(norms) == 20
    assert all(seen[name] == torch.float32 for name in norms)
    assert all(seen[name] == torch.bfloat16 for name in seen.keys() - norms)


def test_changes_too_small_for_bf16_add_up():
    """At 1, bf16 has steps of 1/128: sixteen changes of 1/1000 would each be rounded away."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)
    weights = MasterWeights(module, "bf16")
    optimizer = torch.optim.SGD(weights.masters, lr=1e-3)
    for _ in range(16):
        weights(torch.ones(1, 1)).sum().backward()
        optimizer.step()
        weights.follow()
    assert module.weight.item() == pytest.approx(1 - 0.016, abs=1e-5)
    assert weights(torch.ones(1, 1)).item() == pytest.approx(1 - 0.016, abs=1 / 256)


def test_a_layout_that_only_a_copy_could_put_in_a_row_is_refused():
    with pytest.raises(RuntimeError, match="view"):
        MasterWeights(nn.Conv2d(2, 2, 3), "fp32")
