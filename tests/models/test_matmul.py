"""Convolutions as matrix products must be the same convolutions."""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from medlib.models.classifiers import build
from medlib.models.matmul import MatmulConv2d, use_matmul


@pytest.mark.parametrize("kernel", [1, 3, (3, 5)])
@pytest.mark.parametrize("stride", [1, 2, (1, 2)])
@pytest.mark.parametrize("size", [(2, 2), (4, 3), (5, 4), (9, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_output_and_gradients_are_those_of_the_convolution(kernel, stride, size, bias):
    padding = 0 if kernel == 1 else (1, 2) if isinstance(kernel, tuple) else 1
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 4, kernel, stride, padding, bias=bias).double()
    quick = MatmulConv2d(3, 4, kernel, stride, padding, bias=bias).double()
    quick.load_state_dict(plain.state_dict())
    quick = quick.to(memory_format=torch.channels_last)
    outputs, gradients = [], []
    for conv in (plain, quick):
        torch.manual_seed(1)
        images = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
        output = conv(images)
        (output * torch.arange(output.numel()).view_as(output).sin()).sum().backward()
        outputs.append(output)
        gradients.append([images.grad, *(p.grad for p in conv.parameters())])
    torch.testing.assert_close(*outputs)
    torch.testing.assert_close(*gradients)


def test_a_whole_network_learns_the_same():
    images, labels = torch.randn(4, 1, 64, 64), torch.tensor([0, 1, 1, 0])
    losses = []
    for change in (lambda model: model, use_matmul):
        model = change(build("resnet18", seed=0)).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


class Operations(TorchDispatchMode):
    """Notes the operations that are carried out."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_small_convolution_is_one_product_whether_it_learns_or_predicts(kernel, learning, dtype):
    """As a batch of products, torch copies the weights for each, which takes six times as long."""
    conv = use_matmul(nn.Conv2d(8, 4, kernel, padding=kernel // 2, bias=False)).to(dtype)
    images = torch.randn(2, 8, 4, 4, dtype=dtype).to(memory_format=torch.channels_last)
    with torch.set_grad_enabled(learning), Operations() as done:
        conv(images)
    assert done.names.count("mm") == 1
    assert "bmm" not in done.names


def test_parameters_keep_their_names_and_grouped_convolutions_are_left_alone():
    model = build("efficientnet_lite0", seed=0)
    names = list(model.state_dict())
    changed = use_matmul(model)
    assert list(changed.state_dict()) == names
    for module in changed.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            assert type(module) is MatmulConv2d
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            assert type(module) is not MatmulConv2d
