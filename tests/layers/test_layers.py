"""Layers taken apart, against closed forms, torch and networks small enough to reckon with."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.signal
import torch
from torch import nn
from torch.nn import functional as F

from medlib.layers import activations, arrays, first_layer, kernels, receptive_field, shifts
from medlib.models.classifiers import build

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(-900, 400, (16, 16)).astype(np.float32)


def test_the_largest_difference_is_over_all_others():
    assert arrays.largest_difference([1, 2], [1, 2.5], torch.tensor([0.0, 2.0])) == 1


def test_an_image_becomes_a_batch_of_one_with_one_channel():
    assert arrays.as_tensor(IMAGE[::-1]).shape == (1, 1, 16, 16)


def test_kernels_add_up_to_one_or_to_zero():
    sums = [float(kernel.sum()) for kernel in kernels.KERNELS.values()]
    assert sums == pytest.approx([1] * 5 + [0] * 3, abs=1e-6)


def test_a_bell_curve_has_its_standard_deviation():
    bell = kernels.gaussian(2, 31).astype(float)
    place = np.arange(31) - 15
    assert np.sqrt((bell * place**2).sum()) == pytest.approx(2, abs=1e-4)


def test_the_same_size_is_a_correlation_with_the_border_repeated():
    padded = np.pad(IMAGE, 1, mode="edge")
    expected = scipy.signal.correlate2d(padded, kernels.SOBEL, mode="valid")
    assert np.array_equal(kernels.same_size(IMAGE, kernels.SOBEL), expected)


def test_the_matrix_of_a_layer_gives_what_the_layer_gives():
    product = (kernels.as_matrix(kernels.SOBEL, 16) @ IMAGE.ravel()).reshape(16, 16)
    layer = F.conv2d(arrays.as_tensor(IMAGE), arrays.as_tensor(kernels.SOBEL), padding=1)[0, 0]
    assert np.array_equal(product, layer.numpy())


def test_slopes_are_derivatives():
    grid = np.linspace(-4.5, 4.5, 10)  # not at the bend of ReLU
    for name, function in activations.ACTIVATIONS.items():
        _, slope = activations.curve(function, grid)
        step = (activations.curve(function, grid + 1e-6)[0]
                - activations.curve(function, grid - 1e-6)[0]) / 2e-6  # fmt: skip
        assert slope == pytest.approx(step, abs=1e-6), name
    assert activations.curve(torch.sigmoid, np.zeros(1))[1][0] == 0.25


def test_a_gradient_fades_through_sigmoids_and_not_through_relus():
    image = torch.randn(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    faded = {name: activations.gradient_sizes(name, image, seed=0, depth=8, draws=2)
             for name in ("ReLU", "Sigmoid")}  # fmt: skip
    assert faded["Sigmoid"][-1] == faded["ReLU"][-1] == 0
    assert faded["Sigmoid"][0] < -3
    assert abs(faded["ReLU"][0]) < 1


def test_activations_are_counted_by_kind():
    found = activations.count("resnet18")
    assert found.pop("ReLU") == 17
    assert set(found.values()) == {0}


def test_fields_of_resnets_are_those_of_the_literature():
    fields = receptive_field.computed(build("resnet50", seed=0))
    assert fields["first layer"] == (7, 2)
    assert fields["stage 4"] == (427, 32)  # 483 where the stride is in the first of three layers
    assert receptive_field.computed(build("resnet18", seed=0))["stage 4"] == (435, 32)


def test_fields_are_measured_as_they_are_computed():
    network = build("resnet18", seed=0)
    fields = receptive_field.computed(network)
    seen = receptive_field.measured(network)
    assert seen == {where: field.size for where, field in fields.items()}


def test_an_effective_field_holds_the_share_it_says():
    place = np.arange(65) - 32
    bell = np.exp(-(place**2) / (2 * 8**2))
    field = receptive_field.effective(np.outer(bell, bell))
    assert field.centre == pytest.approx([32, 32])
    assert field.share_within(field.width_of(0.5)) == pytest.approx(0.5, abs=0.05)
    assert field.share_within(65) == 1
    assert field.width_of(0.95) > field.width_of(0.5)


def test_influence_has_the_size_of_the_image_and_the_image_is_left_alone():
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    found = receptive_field.influence(build("resnet18", seed=0).eval(), image, seed=0)
    assert found.shape == (64, 64)
    assert found.sum() > 0
    assert not image.requires_grad


def test_a_convolution_moves_with_the_image_and_a_stride_of_two_only_by_two():
    kernel = arrays.as_tensor(kernels.SOBEL)

    def strided(image):
        return F.conv2d(image, kernel, padding=1, stride=2)

    image = arrays.as_tensor(np.tile(IMAGE, (3, 3)))
    assert shifts.departure(lambda z: F.conv2d(z, kernel, padding=1), image, 1) == 0
    assert shifts.departure(strided, image, 2, stride=2) == 0
    assert shifts.departure(strided, image, 1, stride=2) > 0.1


def test_without_a_border_the_averages_return_after_a_step():
    network = build("efficientnet_lite0", seed=0).eval()
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    found = shifts.drift(shifts.endless(network), image, most=8)
    assert list(found) == [2, 4, 8, 16, 32]
    assert all(found[step][step] < arrays.ROUNDING_SINGLE for step in (2, 4, 8))
    assert found[8][1] > arrays.ROUNDING_SINGLE
    assert all(type(each).__name__ != "_tiled" and each.padding_mode == "zeros"
               for each in network.modules() if isinstance(each, nn.Conv2d))  # fmt: skip


def test_smooth_kernels_are_smooth_and_noise_is_not():
    ramps = np.add.outer(np.arange(7.0), np.arange(7.0))[None].repeat(4, axis=0)
    assert first_layer.smoothness(ramps) > 0.5
    low, high = np.quantile(first_layer.noise_smoothness((16, 7, 7), 2, RNG, 100), [0.025, 0.975])
    assert -0.1 < low < 0 < high < 0.1


def test_a_layer_that_did_not_move_is_its_start():
    start = RNG.normal(size=(2, 8, 7, 7))
    related, travelled = first_layer.against_start(start, start)
    assert (related, travelled) == (pytest.approx(1), 0)
    assert first_layer.against_start(2 * start, start)[1] == pytest.approx(1)


def test_a_change_is_even_or_not():
    kernels_moved = np.ones((1, 8, 7, 7)) * RNG.normal(size=(1, 8, 1, 1))
    assert first_layer.even_share(kernels_moved) == pytest.approx(1)
    centred = kernels_moved * np.where(np.arange(7) < 3, 1, -0.75)  # rows that add up to 0
    assert first_layer.even_share(centred) == pytest.approx(0)


def test_a_first_layer_is_put_back_into_a_copy():
    fitted = SimpleNamespace(module=build("resnet18", seed=0))
    kept = first_layer.kernels_of([fitted.module])[0]
    again = first_layer.with_first_layer(fitted, np.zeros_like(kept))
    assert not first_layer.kernels_of([again.module]).any()
    assert np.array_equal(first_layer.kernels_of([fitted.module])[0], kept)
