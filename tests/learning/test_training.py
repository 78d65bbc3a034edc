"""One learner, one split: it learns what is there, from training images only, repeatably."""

from copy import deepcopy
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch

from medlib.errors import InputError
from medlib.learning import augmentation
from medlib.learning.frozen import FeatureLearner
from medlib.learning.learner import check_training
from medlib.learning.network import NetworkLearner
from medlib.models import frozen
from medlib.models.classifiers import build
from medlib.runtime.arithmetic import chosen_precision, precision_for

TINY = NetworkLearner(network="resnet18", size=32, epochs=4, batch_size=8, learning_rate=3e-3)


def discs(n=24, side=32, seed=0, contrast=600.0):
    """HU-like noise; class 1 has a bright disc in the middle."""
    rng = np.random.default_rng(seed)
    images = rng.normal(-800, 60, (n, side, side)).astype(np.float32)
    labels = np.arange(n) % 2
    rows, columns = np.ogrid[:side, :side]
    disc = (rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (side / 5) ** 2
    images[labels == 1] += contrast * disc
    return images, labels


def test_a_network_learns_to_see_a_nodule_and_its_history_says_how():
    fitted = replace(TINY, epochs=8).fit(*discs(), seed=1, watch=discs(seed=9))
    history = fitted.history
    assert list(history.columns) == ["epoch", "split", "loss", "accuracy"]
    assert history.groupby("split")["epoch"].apply(list).to_dict() == {
        "train": list(range(1, 9)),
        "test": list(range(1, 9)),
    }
    images, labels = discs(seed=5)
    probabilities = fitted.predict(images)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labels).mean() >= 0.9


def test_last_test_row_of_the_history_is_what_prediction_gives():
    watched = discs(n=12, seed=9)
    fitted = TINY.fit(*discs(), seed=1, watch=watched)
    right = (fitted.predict(watched[0]).argmax(axis=1) == watched[1]).mean()
    assert fitted.history.query("split == 'test'")["accuracy"].iloc[-1] == pytest.approx(right)


def test_same_seed_same_numbers_whatever_the_cores_and_other_seed_other_numbers():
    data, new = discs(n=16), discs(n=6, seed=3)[0]
    threads = torch.get_num_threads()
    predictions = []
    for seed, cores in ((1, 1), (1, 2), (2, 1)):
        torch.set_num_threads(cores)
        torch.manual_seed(cores)  # no global state may matter
        predictions.append(TINY.fit(*data, seed=seed).predict(new))
    torch.set_num_threads(threads)
    assert np.array_equal(predictions[0], predictions[1])
    assert not np.array_equal(predictions[0], predictions[2])


def test_watching_test_images_changes_nothing():
    data, new = discs(n=16), discs(n=6, seed=3)[0]
    watched = TINY.fit(*data, seed=1, watch=discs(n=4, seed=8)).predict(new)
    assert np.array_equal(watched, TINY.fit(*data, seed=1).predict(new))


@pytest.mark.parametrize("learner", [TINY, FeatureLearner(size=32)])
def test_an_image_is_judged_alike_alone_and_among_extreme_others(learner):
    fitted = learner.fit(*discs(n=16), seed=1)
    images = discs(n=3, seed=4)[0]
    among = fitted.predict(np.concatenate([images, np.full_like(images, 3000)]))[:3]
    np.testing.assert_allclose(fitted.predict(images[:1])[0], among[0], atol=1e-4)


def test_bf16_learns_too_with_weights_kept_in_fp32():
    new, truth = discs(n=16, seed=5)
    fitted = replace(TINY, epochs=5, precision="bf16").fit(*discs(n=16), seed=1)
    assert fitted.precision == "bf16"
    assert all(parameter.dtype == torch.float32 for parameter in fitted.module.parameters())
    assert (fitted.predict(new).argmax(axis=1) == truth).mean() >= 0.8


def test_bf16_really_computes_in_bf16():
    images = discs(n=4)[0]
    fp32 = replace(TINY, precision="fp32").fit(*discs(), seed=1)
    assert fp32.tensor(images).is_contiguous(memory_format=torch.channels_last)
    bf16 = replace(fp32, precision="bf16")
    difference = np.abs(fp32.predict(images) - bf16.predict(images)).max()
    assert 0 < difference < 0.1


def test_bf16_training_takes_other_roundings_and_much_the_same_way():
    losses = [
        replace(TINY, epochs=1, precision=precision).fit(*discs(), seed=1).history["loss"][0]
        for precision in ("fp32", "bf16")
    ]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], abs=0.1)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_fitted_network_can_be_stored_copied_and_trained_on(precision, tmp_path):
    fitted = replace(TINY, epochs=1, precision=precision).fit(*discs(n=16), seed=1)
    state, fresh = fitted.module.state_dict(), build("resnet18", seed=1).state_dict()
    assert {name: value.dtype for name, value in state.items()} == {
        name: value.dtype for name, value in fresh.items()
    }
    joblib.dump(fitted, tmp_path / "fold.model")
    images = discs(n=4, seed=3)[0]
    for twin in (joblib.load(tmp_path / "fold.model"), deepcopy(fitted)):
        assert np.array_equal(twin.predict(images), fitted.predict(images))
    fitted.module(fitted.tensor(images)).sum().backward()
    assert all(parameter.grad is not None for parameter in fitted.module.parameters())


def test_other_networks_come_of_the_same_seed_where_their_spread_is_measured(monkeypatch):
    def scores():
        return TINY.fit(*discs(), seed=1).predict(discs(n=4, seed=9)[0])

    usual = scores()
    monkeypatch.setenv("MEDLIB_TRAINING_SEED", "1")
    other = scores()
    assert np.abs(usual - other).max() > 1e-3
    np.testing.assert_array_equal(scores(), other)


def test_a_network_starts_from_the_weights_that_untrained_shows(monkeypatch):
    """With a tiny learning rate nearly nothing changes; another seed is another start."""
    still = replace(TINY, epochs=1, learning_rate=1e-9)
    for other in ("", "1"):
        monkeypatch.setenv("MEDLIB_TRAINING_SEED", other)
        start = still.untrained(seed=1).conv1.weight.detach().numpy()
        end = still.fit(*discs(), seed=1).module.conv1.weight.detach().numpy()
        np.testing.assert_allclose(end, start, atol=1e-6)


def test_depthwise_convolutions_are_not_computed_in_bf16_unless_asked_to(monkeypatch):
    monkeypatch.setenv("MEDLIB_PRECISION", "bf16")
    plain, depthwise = (
        replace(TINY, network=name).untrained(seed=0) for name in ("resnet18", "efficientnet_lite0")
    )
    assert precision_for(plain, "auto") == "bf16"
    assert precision_for(depthwise, "auto") == "fp32"
    assert precision_for(depthwise, "bf16") == "bf16"


def test_auto_precision_follows_the_processor(monkeypatch):
    monkeypatch.delenv("MEDLIB_PRECISION", raising=False)
    for able in ("avx512_bf16", "amx_bf16"):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {able: True})
        assert chosen_precision("auto") == "bf16"
        assert chosen_precision("fp32") == "fp32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert chosen_precision("auto") == "fp32"


def test_each_epoch_is_reported_as_it_ends():
    seen = []
    TINY.fit(*discs(n=16), seed=1, watch=discs(n=4), report=seen.append)
    assert [(row["epoch"], row["split"]) for row in seen[:3]] == [
        (1, "train"),
        (1, "test"),
        (2, "train"),
    ]


def test_frozen_features_separate_discs_and_are_computed_once(monkeypatch):
    computed = []
    original = frozen.imagenet_features

    def counted(images, **options):
        computed.append(len(images))
        return original(images, **options)

    monkeypatch.setattr(frozen, "imagenet_features", counted)
    learner = FeatureLearner(size=64, window=(-1000.0, 200.0))
    (images, labels), (new, truth) = discs(contrast=300), discs(seed=77, contrast=300)
    assert (learner.fit(images, labels, seed=0).predict(new).argmax(axis=1) == truth).mean() >= 0.9
    first = sum(computed)
    learner.fit(images[::-1], labels[::-1], seed=0)
    assert sum(computed) == first == len(images) + len(new)


def test_augmentation_is_drawn_apart_from_its_effect():
    images = torch.randn(6, 1, 32, 32)
    changes = [augmentation.draw(6, torch.Generator().manual_seed(3), flip=True) for _ in range(2)]
    batch = augmentation.apply(images, changes[0])
    assert torch.equal(batch, augmentation.apply(images, changes[1]))
    for i in range(6):
        alone = augmentation.Change(*(part[i : i + 1] for part in changes[0]))
        torch.testing.assert_close(augmentation.apply(images[i : i + 1], alone)[0], batch[i])


def test_augmentation_moves_a_spot_by_no_more_than_it_says():
    images = torch.zeros(200, 1, 65, 65)
    images[:, :, 32, 32] = 1  # the very middle: rotation and scale leave it
    change = augmentation.draw(200, torch.Generator().manual_seed(0))
    moved = augmentation.apply(images, change._replace(brightness=torch.zeros(200)))
    at = moved.flatten(1).argmax(dim=1)
    offset = torch.stack([at // 65 - 32, at % 65 - 32]).abs() / 65
    limit = augmentation.SHIFT * (1 + augmentation.SCALE) * (2**0.5) + 1 / 65
    assert 0.5 * augmentation.SHIFT < offset.max() <= limit


def test_flip_mirrors_half_of_the_images_left_to_right_and_only_on_request():
    ramp = torch.linspace(-1, 1, 32).expand(200, 1, 32, 32).contiguous()

    def mirrored(flip):
        change = augmentation.draw(200, torch.Generator().manual_seed(0), flip=flip)
        image = augmentation.apply(ramp, change)
        return float((image[:, 0, 16, 28] < image[:, 0, 16, 4]).float().mean())

    assert mirrored(False) == 0
    assert 0.4 < mirrored(True) < 0.6


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: NetworkLearner(size=16), "size is 16"),
        (lambda: NetworkLearner(precision="fp8"), "precision is 'fp8'"),
        (lambda: NetworkLearner(epochs=0), "epochs is 0"),
        (lambda: NetworkLearner(batch_size=1), "batch_size is 1"),
        (lambda: NetworkLearner(learning_rate=-1.0), "learning_rate"),
        (lambda: NetworkLearner(network="vgg"), "no network 'vgg'"),
        (lambda: FeatureLearner(network="resnet50"), "network is 'resnet50'"),
        (lambda: FeatureLearner(window=(5.0, 5.0)), "window"),
        (lambda: check_training(discs()[0], np.zeros(3)), "3 labels do not fit"),
        (lambda: check_training(discs()[0] * np.nan, discs()[1]), "NaN"),
        (lambda: check_training(discs()[0], np.zeros(24, int)), "at least 2"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(call, said):
    with pytest.raises(InputError, match=said):
        call()
