"""A network learns to outline, from a seed, and its windows put together what they see."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from cubes import balls

from medlib.errors import InputError
from medlib.learning.network import NetworkLearner
from medlib.learning.segmenting import (
    SegmentationLearner,
    dice_and_entropy,
    in_windows,
    normalised,
)
from medlib.study.outlines import windows_against_whole

SMALL = SegmentationLearner(width=4, epochs=10, classes=3, learning_rate=2e-2, batch_size=1)


@pytest.fixture(scope="module")
def data():
    return balls(8)


@pytest.fixture(scope="module")
def fitted(data):
    return SMALL.fit_volumes(data["images"][:6], data["masks"][:6], seed=0)


def test_it_learns_to_outline_a_bright_ball(data, fitted):
    found = fitted.predict(data["images"][6:])
    truth = data["masks"][6:]
    inside = ((found > 0) & (truth > 0)).sum() * 2 / ((found > 0).sum() + (truth > 0).sum())
    assert found.shape == truth.shape
    assert inside > 0.7


def test_a_seed_gives_the_same_network(data, fitted):
    short = SegmentationLearner(width=4, epochs=1, classes=3, batch_size=1)
    a, b, c = (
        short.fit_volumes(data["images"][:2], data["masks"][:2], seed=seed) for seed in (0, 0, 1)
    )
    same = [torch.equal(x, y) for x, y in zip(a.module.parameters(), b.module.parameters(),
                                              strict=True)]  # fmt: skip
    assert all(same)
    assert a.history.loss.tolist() == b.history.loss.tolist() != c.history.loss.tolist()


def test_a_leap_of_the_loss_moves_no_weight_further_than_the_bound_allows(data, monkeypatch):
    """Of gradients that are a thousand times as long, a step takes what nnU-Net would take."""
    seen = []

    def watched(self, *args, **kwargs):
        squares = [float((p.grad**2).sum()) for g in self.param_groups for p in g["params"]]
        seen.append(sum(squares) ** 0.5)
        return step(self, *args, **kwargs)

    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    leaping = replace(SMALL, epochs=1)
    calm = SegmentationLearner._loss
    monkeypatch.setattr(SegmentationLearner, "_loss",
                        lambda self, *of: (1000 * calm(self, *of)[0], 0.0))  # fmt: skip
    leaping.fit_volumes(data["images"][:2], data["masks"][:2], seed=0)
    assert len(seen) == 2
    assert seen == pytest.approx([12.0, 12.0], rel=1e-4)


def test_networks_of_other_chapters_keep_their_gradients():
    assert NetworkLearner().gradient_norm is None


def test_loss_is_least_where_the_answer_is_right():
    labels = torch.from_numpy(balls(1)["masks"].astype(np.int64))
    right = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1) * 20.0
    assert float(dice_and_entropy(right, labels)) < 1e-3
    assert float(dice_and_entropy(-right, labels)) > 2


def test_a_cut_out_organ_is_normalised_within_itself():
    image = np.zeros((1, 20, 20, 20), np.float32)
    image[:, 5:12, 5:12, 5:12] = np.random.default_rng(0).normal(100, 5, (7, 7, 7))
    scaled = normalised(image).numpy()
    part = scaled[:, 5:12, 5:12, 5:12]
    assert (scaled[image == 0] == 0).all()
    assert part.mean() == pytest.approx(0, abs=1e-4)
    assert part.std() == pytest.approx(1, abs=1e-4)


def test_windows_give_back_what_each_voxel_says_by_itself():
    volume = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2, 40, 36, 48))).float()
    found = in_windows(volume, lambda part: part[:, :1] * 3, 32)
    assert torch.allclose(found, volume[:, :1] * 3, atol=1e-5)


def test_a_window_equals_the_whole_away_from_its_border_unless_the_norm_looks_at_it():
    cube = np.random.default_rng(0).normal(size=(1, 40, 40, 40)).astype(np.float32)
    batch, instance = (windows_against_whole(cube, norm=norm, start=4, patch=32, seed=0)
                       for norm in ("batch", "instance"))  # fmt: skip
    assert 2 <= batch.reach < 16
    assert batch.inside < 1e-5 < batch.near
    assert instance.inside > 1e-3


def test_volumes_and_masks_that_do_not_fit_are_refused(data):
    with pytest.raises(InputError, match=r"\(2, 32, 32, 31\).*\(2, 2, 32, 32, 32\)"):
        SMALL.fit_volumes(data["images"][:2], data["masks"][:2, ..., :31], seed=0)
    with pytest.raises(InputError, match="patch is 24"):
        SegmentationLearner(patch=24)
    with pytest.raises(InputError, match="network is 'resnet18'"):
        SegmentationLearner(network="resnet18")
