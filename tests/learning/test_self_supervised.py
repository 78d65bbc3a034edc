"""Learning without labels: what is hidden, what is drawn anew, and where fine-tuning starts."""

import numpy as np
import pytest
import torch

from medlib.errors import InputError
from medlib.learning.crossval import train_each
from medlib.learning.network import NetworkLearner
from medlib.learning.pretraining import fit_each
from medlib.learning.self_supervised import (
    STRIDE,
    ContrastiveLearner,
    Encoder,
    RestorativeLearner,
    restored,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 64, 64)).astype(np.float32)
BLIND = np.zeros(12, dtype=np.int64)
SMALL = {"network": "resnet10", "size": 64, "epochs": 1, "batch_size": 6}


def test_the_share_that_is_hidden_is_hidden_in_whole_squares():
    learner = RestorativeLearner(size=64, hidden=0.25, patch=16)
    mask = learner.mask(5, torch.Generator().manual_seed(0))
    assert mask.shape == (5, 1, 64, 64)
    assert (mask.float().mean(dim=(1, 2, 3)) == 0.25).all()
    squares = mask.view(5, 4, 16, 4, 16).permute(0, 1, 3, 2, 4).flatten(3)
    assert ((squares.all(-1)) | (~squares.any(-1))).all()
    assert not torch.equal(mask[0], mask[1])


def test_squares_are_put_where_they_were():
    image = torch.arange(128 * 64.0).view(1, 1, 128, 64)
    pieces = image.view(4, STRIDE, 2, STRIDE).permute(0, 2, 1, 3).reshape(1, 4, 2, -1)
    assert torch.equal(restored(pieces), image)


def test_restoring_learns_to_draw_what_it_always_sees():
    """Images that are all alike can be drawn from nothing: the error falls to a tenth."""
    across = np.linspace(-1, 1, 64, dtype=np.float32)
    images = np.tile(across[None, :, None] * across[None, None, :], (12, 1, 1))
    learner = RestorativeLearner(**SMALL | {"epochs": 40, "strength": 0.0, "learning_rate": 3e-3})
    plain = images * np.sign(RNG.normal(size=(12, 1, 1))).astype(np.float32) ** 2
    loss = learner.fit(plain, BLIND, seed=0).history.loss
    assert loss.iloc[-1] < 0.3 * loss.iloc[0]


@pytest.mark.parametrize("kind", [ContrastiveLearner, RestorativeLearner])
def test_a_pretext_network_never_sees_labels_and_keeps_its_seed(kind):
    learner = kind(**SMALL)
    first = learner.fit(IMAGES, BLIND, seed=3).predict(IMAGES)
    assert first.shape == (12, 256)
    np.testing.assert_array_equal(first, learner.fit(IMAGES, BLIND + 1, seed=3).predict(IMAGES))
    assert not np.array_equal(first, learner.fit(IMAGES, BLIND, seed=4).predict(IMAGES))


def test_fine_tuning_starts_from_the_pretrained_weights():
    encoder = ContrastiveLearner(**SMALL).fit(IMAGES, BLIND, seed=0)
    start = encoder.as_start()
    learner = NetworkLearner("resnet10", size=64, start=start)
    module = learner.untrained(seed=5, classes=4)
    state = module.state_dict()
    for name, tensor in encoder.network.module.state_dict().items():
        assert torch.equal(state[name], tensor), name
    assert state["fc.weight"].shape == (4, 256)
    assert start.sha256 in repr(learner)  # finished folds are kept by what is written there
    with pytest.raises(InputError, match="another network"):
        NetworkLearner("resnet18", size=64, start=start).untrained(seed=0)


def test_models_are_kept_as_folds_are(tmp_path):
    studies = [(ContrastiveLearner(**SMALL), (IMAGES, BLIND), 0)]
    first, again = (fit_each(studies, cache=tmp_path, progress=False)[0] for _ in range(2))
    assert isinstance(again, Encoder)
    np.testing.assert_array_equal(first.predict(IMAGES), again.predict(IMAGES))
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_hidden_is_refused():
    for wrong, said in (({"size": 48}, "multiple of 32"), ({"patch": 7}, "divisor"),
                        ({"hidden": 1.0}, "share")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            RestorativeLearner(**({"size": 64} | wrong))


def test_each_step_that_is_announced_is_told_also_where_no_test_is_watched(tmp_path, monkeypatch):
    file = tmp_path / "lines"
    monkeypatch.setenv("MEDLIB_PROGRESS", str(file))
    labels = np.arange(12) % 2
    learners = NetworkLearner(**SMALL), ContrastiveLearner(**SMALL | {"epochs": 2})
    train_each([(one, (IMAGES, labels), IMAGES, 0) for one in learners], jobs=1, cache=None)
    announced, first, *rest = file.read_text().splitlines()
    assert announced == "training: 5 steps, 0 done before"
    assert first.startswith("study 1 of 2: epoch 1 of 1, ")
    assert first.endswith(" in training")
    assert rest == ["study 1 of 2: finished", "study 2 of 2: epoch 1 of 2",
                    "study 2 of 2: epoch 2 of 2", "study 2 of 2: finished"]  # fmt: skip
