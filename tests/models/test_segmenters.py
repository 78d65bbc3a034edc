"""Networks that outline have the output, the size and the start that is said of them."""

import joblib
import pytest
import torch
from torch.nn import InstanceNorm3d

from medlib.errors import InputError
from medlib.models.segmenters import (
    NETWORKS,
    NormOfOne,
    build_segmenter,
    head_weights,
    weights_of,
)

HEADS = {"unet": 1, "unetpp": 1, "unetpp_supervised": 4, "resenc": 3}


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_gives_every_voxel_a_number_a_part(network):
    net = build_segmenter(network, channels=2, classes=3, width=4, seed=0)
    volume = torch.zeros(1, 2, 32, 32, 32)
    assert net.train()(volume).shape == (1, HEADS[network], 3, 32, 32, 32)
    assert net.eval()(volume).shape == (1, 1, 3, 32, 32, 32)


def test_networks_have_about_equally_many_weights():
    sizes = [weights_of(build_segmenter(n, channels=4, classes=4, seed=0)) for n in NETWORKS]
    assert max(sizes) < 1.05 * min(sizes)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_seed_gives_the_same_weights_and_leaves_torch_as_it_was(network):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    a, b = (build_segmenter(network, channels=1, classes=2, width=4, seed=5) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_networks_made_side_by_side_have_the_weights_of_their_seeds():
    """Trainings run in threads; torch's random state is one for all of them."""

    def first_weights(seed):
        net = build_segmenter("unet", channels=1, classes=2, width=2, seed=seed)
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    alone = [first_weights(seed) for seed in range(12)]
    together = joblib.Parallel(n_jobs=4, prefer="threads")(
        joblib.delayed(first_weights)(seed) for seed in range(12)
    )
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("cases", [1, 2])
def test_instance_norm_is_torchs_own_for_one_volume_and_for_more(cases):
    torch.manual_seed(0)
    own, torchs = NormOfOne(3, affine=True), InstanceNorm3d(3, affine=True)
    volumes = torch.randn(cases, 3, 6, 5, 4).contiguous(memory_format=torch.channels_last_3d)
    for norm in (own.train(), own.eval()):
        assert torch.allclose(norm(volumes), torchs(volumes), atol=1e-6)


def test_no_instance_norm_of_a_network_is_left_to_torch():
    for network in NETWORKS:
        net = build_segmenter(network, channels=1, classes=2, width=4, seed=0)
        assert {type(part) for part in net.modules() if isinstance(part, InstanceNorm3d)} == {
            NormOfOne
        }


def test_what_heads_count_adds_up_to_one_and_the_answer_counts_most():
    assert head_weights("resenc", 3) == pytest.approx((1 / 7, 2 / 7, 4 / 7))
    assert head_weights("unetpp_supervised", 4) == (0.25,) * 4
    assert head_weights("unet", 1) == (1.0,)


def test_an_unknown_network_is_refused():
    with pytest.raises(InputError, match="no network 'transformer'"):
        build_segmenter("transformer", channels=1, classes=2, seed=0)
