"""Networks: what a photograph, a seed and an offline computer should give."""

import time

import numpy as np
import pytest
import torch
from skimage import data, transform

from medlib.errors import InputError
from medlib.models import classifiers
from medlib.models.classifiers import build, fold_batch_norm, imagenet_features

TABBY_TO_EGYPTIAN = range(281, 286)  # ImageNet's domestic cats


def colour(photograph):
    """1 x 3 x 224 x 224 in -1..1."""
    small = transform.resize(photograph, (224, 224), anti_aliasing=True) * 2 - 1
    return torch.tensor(small, dtype=torch.float32).permute(2, 0, 1)[None]


def grey_images(n=3, side=40, seed=0):
    return np.random.default_rng(seed).random((n, side, side), dtype=np.float32)


@pytest.mark.parametrize("network", classifiers.PACKAGED)
def test_packaged_weights_recognise_a_cat_and_an_espresso(network):
    model = build(network, pretrained=True, classes=1000, channels=3).eval()
    with torch.inference_mode():
        cat = model(colour(data.chelsea()[:300, 75:375])).argmax().item()
        espresso = model(colour(data.coffee()[:, 100:500])).argmax().item()
    assert cat in TABBY_TO_EGYPTIAN
    assert espresso == 967


def test_one_channel_network_sees_a_grey_image_as_the_colour_network_does():
    grey = torch.rand(2, 1, 64, 64)
    one = build("efficientnet_lite0", pretrained=True, channels=1, seed=0).eval()
    three = build("efficientnet_lite0", pretrained=True, channels=3, seed=0).eval()
    with torch.inference_mode():
        torch.testing.assert_close(
            one.forward_features(grey),
            three.forward_features(grey.expand(-1, 3, -1, -1)),
            rtol=1e-3,
            atol=1e-4,
        )


@pytest.mark.parametrize("network", sorted(classifiers.NETWORKS))
def test_every_network_maps_one_channel_to_two_logits(network):
    logits = build(network, seed=0).eval()(torch.zeros(2, 1, 64, 64))
    assert logits.shape == (2, 2)
    assert torch.isfinite(logits).all()


def test_same_seed_same_weights_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (build("resnet18", seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize("network", ["resnet18", *classifiers.PACKAGED])
def test_merging_batch_norms_changes_time_not_output(network):
    model = build(network, seed=0)
    images = torch.randn(4, 1, 64, 64)
    model.train()
    model(images)  # norms now hold statistics other than 0 and 1
    model.eval()
    with torch.inference_mode():
        expected = model(images)
        merged = fold_batch_norm(model)(images)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in model.modules())
    torch.testing.assert_close(merged, expected, rtol=1e-4, atol=1e-5)


def test_features_of_an_image_depend_on_no_other_image_nor_on_threads():
    images = grey_images(n=classifiers.CHUNK + 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = imagenet_features(images, size=64)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    alone = np.concatenate([imagenet_features(image[None], size=64) for image in images])
    assert together.shape == (len(images), 1280)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("network", classifiers.PACKAGED)
def test_features_are_those_of_the_network_that_knows_the_cat(network):
    grey = data.chelsea()[:300, 75:375].mean(axis=2).astype(np.float32)[None] / 255
    features = torch.from_numpy(imagenet_features(grey, network=network))
    model = build(network, pretrained=True, classes=1000, channels=3)
    assert model.classifier(features).argmax().item() in TABBY_TO_EGYPTIAN


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: build("resnet5O"), "no network 'resnet5O'"),
        (lambda: build("resnet18", classes=1), "classes is 1"),
        (lambda: imagenet_features(grey_images() * 255), "within 0..1"),
        (lambda: imagenet_features(grey_images() * np.nan), "within 0..1"),
        (lambda: imagenet_features(grey_images()[0]), r"shape \(40, 40\)"),
        (lambda: imagenet_features(grey_images(), network="resnet50"), "packaged"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(call, said):
    with pytest.raises(InputError, match=said):
        call()


def test_offline_pretrained_resnet_stops_at_once_and_says_why(monkeypatch):
    def unreachable(request, timeout):
        raise OSError("no route to host")

    monkeypatch.setattr(classifiers.urllib.request, "urlopen", unreachable)
    monkeypatch.setattr(classifiers.huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"'resnet50'.*no route to host.*efficientnet_lite0"):
        build("resnet50", pretrained=True)
    assert time.monotonic() - started < 5
