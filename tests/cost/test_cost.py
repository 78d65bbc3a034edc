"""What methods cost: counts against closed forms and the counter, times that can be told before."""

import numpy as np
import pytest
import torch
from skimage.feature import hog
from torch import nn

from medlib.cost import memory, methods, operations, roofline, timing
from medlib.models.classifiers import build


def small():
    """Two convolutions, one of them in groups, a transposed one and a linear one, on meta."""
    with torch.device("meta"):
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4),
            nn.ConvTranspose2d(8, 4, 2, stride=2),
            nn.Flatten(),
            nn.Linear(4 * 16 * 16, 2),
        )


def test_counts_are_those_of_paper_and_of_the_counter():
    table = operations.by_layer(small(), 16)
    first, grouped = 9 * 1 * 8 * 16**2, 9 * 8 // 4 * 8 * 8**2
    spread, linear = 4 * 8 * 4 * 8**2, 4 * 16**2 * 2
    assert table.MACs.tolist() == table.counter.tolist() == [first, grouped, spread, linear]
    assert operations.total(small(), 16) == first + grouped + spread + linear
    assert operations.number_of_kernels(small()) == 8 + 8 + 4


def test_a_training_step_is_three_forward_passes_less_the_first_layer_s_gradient_of_the_image():
    network = small()
    with torch.device("meta"):  # the counter does not know groups on the way back
        network[3] = nn.Conv2d(8, 8, 3, stride=2, padding=1)
    forward = operations.by_layer(network, 16).MACs
    assert operations.training_step(network, 16) == 3 * forward.sum() - forward[0]
    assert network.training


def test_resnet_50_of_one_channel_has_the_published_count_less_two_channels_of_its_first_layer():
    with torch.device("meta"):
        network = build("resnet50", seed=0).eval()
    colour = 7 * 7 * 2 * 64 * 112**2 + 2048 * 998
    assert operations.total(network, 224) == 4_089_184_256 - colour


def test_bytes_are_those_of_inputs_outputs_and_weights():
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1))
    assert operations.bytes_moved(network, 8) == 4 * (64 + 128 + 18)


def test_memory_of_a_pass_is_that_of_the_tensors_alive_at_once():
    with torch.device("meta"):
        network = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(5)))
    image = 4 * 32**2
    alive = memory.of_network(network.eval(), 32)  # what goes into a layer, what comes out
    assert alive == 2 * image
    assert memory.of_network(network, 32, training=True) > 5 * image
    assert not network.training


def test_memory_of_arrays_is_what_numpy_asked_for():
    asked = memory.of_arrays(lambda given: np.zeros(10**6, np.uint8), np.zeros(1))
    assert 10**6 <= asked < 1.01 * 10**6


def test_each_round_takes_the_next_call_and_the_quickest_counts(monkeypatch):
    said = iter([3.0, 5.0, 1.0, 4.0, 2.0, 6.0])
    called = []

    def seconds(work):
        work()
        return next(said)

    monkeypatch.setattr(timing, "seconds", seconds)
    work = {"a": [lambda: called.append("a1"), lambda: called.append("a2")],
            "b": [lambda: called.append("b")]}  # fmt: skip
    assert timing.quickest(work, 3) == {"a": 1.0, "b": 4.0}
    assert called == ["a1", "b", "a2", "b", "a1", "b"]


def test_short_calls_are_repeated_until_the_clock_can_tell():
    calls = []
    spent = timing.seconds(lambda: calls.append(sum(range(100))), at_least=0.01)
    assert len(calls) > 100
    assert 0 < spent < 0.001


def test_exponent_and_line_of_an_exact_power_law():
    pixels = np.array([100, 400, 900, 1600])
    found = timing.exponent(pixels, 3e-6 * pixels**2.0)
    assert found.estimate == pytest.approx(2)
    assert found.width == pytest.approx(0, abs=1e-6)
    assert timing.power_law(pixels, 3e-6 * pixels**2.0, [50]) == pytest.approx(3e-6 * 2500)


def test_the_interval_of_an_exponent_holds_the_truth_95_times_in_100():
    rng, pixels = np.random.default_rng(0), np.array([1e2, 3e2, 1e3, 3e3, 1e4])
    noisy = (timing.exponent(pixels, pixels * np.exp(rng.normal(0, 0.1, 5))) for _ in range(1000))
    assert 0.93 < np.mean([1 in each for each in noisy]) < 0.97


def test_two_power_laws_cross_where_they_are_equal():
    sides = [10, 20, 40, 80]
    steep = {side: side**4 / 30**2 for side in sides}
    assert timing.crossover(steep, {side: side**2 for side in (5, *sides)}) == pytest.approx(30)


def test_every_method_runs_on_every_image_and_non_local_means_of_all_pixels_sees_all():
    networks = {name: nn.Conv2d(1, 1, 3) for name in ("ResNet-50", "EfficientNet-Lite0", "U-Net")}
    every = methods.HAND_MADE | methods.deep(networks)
    few = {name: each._replace(sides=(24,), more=(32,)) for name, each in every.items()}
    images = np.random.default_rng(0).random((2, 32, 32)).astype(np.float32)
    work = methods.calls(few, images)
    assert {*work} == {(name, side) for name in every for side in (24, 32)}
    assert all(len(each) == 2 for each in work.values())
    for each in work.values():
        each[0]()
    alike = np.tile(images[0, :8, :8], (2, 2))
    assert np.ptp(methods.nlm_all(np.full((12, 12), 0.5, np.float32))) == 0
    assert methods.nlm_all(alike).shape == (16, 16)


def test_features_are_those_of_the_libraries():
    image = np.random.default_rng(1).random((32, 32)).astype(np.float32)
    contrast, energy = methods.glcm(image)
    assert contrast.shape == energy.shape == (1, 4)
    assert methods.lbp(image).sum() == 32**2
    assert len(methods.wavelets(image)) == 1 + 3 * 3
    np.testing.assert_array_equal(methods.HAND_MADE["HOG"].work(image), hog(image))


def test_attention_gives_each_position_a_weighted_mean():
    positions = methods.as_positions(np.full((3, 3), 0.25, np.float32))
    assert positions.shape == (9, methods.CHANNELS)
    torch.testing.assert_close(methods.attention(positions), positions)


def test_a_network_in_use_gives_the_answers_of_the_one_it_was_made_of():
    network, image = build("resnet18", seed=0).eval(), torch.rand(1, 1, 32, 32)
    expected = network(image)
    torch.testing.assert_close(
        methods.for_inference(network)(image), expected, rtol=1e-4, atol=1e-5
    )


def test_a_training_step_moves_the_weights_even_while_others_are_timed():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 36, 2))
    before = network[0].weight.detach().clone()
    step = methods.training_step(network, torch.rand(4, 1, 8, 8))
    with torch.inference_mode():
        step()
    assert not torch.equal(network[0].weight, before)


def test_points_and_limits_follow_from_seconds():
    layer, given = nn.Linear(100, 10), torch.zeros(1, 100)
    found = roofline.layer_point(layer, given, 1e-3)
    assert found == (2 * 1000 / (4 * (100 + 10 + 1010)), 2 * 1000 / 1e-3)
    spent = {("product", "limit"): 1.0, ("memory", "limit"): 2.0, ("cache", "limit"): 0.5}
    limits = roofline.limits(spent, {"slow": found})
    assert limits == (2 * 1024**3, 4 * 2**25, 16 * 2**18)
    assert roofline.limits(spent, {"fast": roofline.Point(1, 1e12)}).peak == 1e12


def test_every_layer_and_limit_of_the_roofline_can_be_called():
    some = roofline.layers()
    work = roofline.calls({name: some[name] for name in ("ReLU", "fully connected")})
    for key in (("ReLU", "layer"), ("fully connected", "layer"), ("cache", "limit")):
        work[key][0]()
    assert {name for name, kind in work if kind == "limit"} == {"product", "memory", "cache"}
