"""A simulated glioma looks in each sequence as its tissues have to, and pushes tissue away."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.phantom import head
from medlib.phantom.anatomy import brain, glioma


@pytest.fixture(scope="module")
def patient():
    return head.simulate(1, bright=True)


def mean(patient, channel, part):
    return float(patient.images[head.CHANNELS.index(channel)][patient.mask == part].mean())


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_patient(patient):
    again, other = head.simulate(1, bright=True, side=32), head.simulate(2, bright=True, side=32)
    same = head.simulate(1, bright=True, side=32)
    assert np.array_equal(again.images, same.images)
    assert not np.array_equal(again.images, other.images)
    assert patient.images.shape == (4, 48, 48, 48)
    assert patient.spacing_mm == 4.0


def test_every_part_is_there_and_lies_within_the_brain(patient):
    assert set(np.unique(patient.mask)) == {0, 1, 2, 3}
    inside = (patient.images > 0).any(axis=0)
    assert inside[patient.mask > 0].mean() > 0.99


def test_contrast_agent_lights_up_the_rim_alone(patient):
    gain = {part: mean(patient, "t1c", part) / mean(patient, "t1", part) for part in (1, 2, 3)}
    assert gain[3] > 1.2 * max(gain[1], gain[2])


def test_a_bright_rim_is_brighter_than_a_faint_one(patient):
    faint = head.simulate(1, bright=False)
    assert mean(patient, "t1c", 3) > 1.15 * mean(faint, "t1c", 3)


def test_dead_core_is_fluid_in_t2_and_oedema_bright_in_flair(patient):
    brain_ = (patient.mask == 0) & (patient.images > 0).all(axis=0)
    t2, flair = patient.images[2], patient.images[3]
    assert mean(patient, "t2", 1) > 1.3 * np.median(t2[brain_])
    assert mean(patient, "flair", 2) > 1.1 * np.median(flair[brain_])


def test_growth_moves_tissue_outwards_and_compresses_nothing():
    """A ball of volume V round the middle held V - m R^3 of tissue before (times 4 pi / 3)."""
    fields = np.zeros((4, 3, 3, 3))
    ball = glioma.Glioma(centre=np.zeros(3), radius=20, rim=5, oedema=5, uptake=0.2, pushes=0.5,
                         relaxation=np.ones((2, 3)), lumps=fields)  # fmt: skip
    r = np.array([25.0, 40.0, 80.0])
    at = brain.Places(r, np.zeros(3), np.zeros(3))
    before = glioma.before(ball, at).x
    assert before**3 == pytest.approx(r**3 - 0.5 * 20**3, rel=1e-6)
    assert (before < r).all()


def test_the_atlas_is_a_brain_of_plausible_size():
    shares = brain.atlas()
    litres = shares.sum(axis=(1, 2, 3)) * brain.VOXEL_MM**3 / 1e6
    assert shares.min() >= 0
    assert shares.sum(axis=0).max() < 1 + 1e-12
    assert 1.6 < litres.sum() < 2.1  # the mean of many brains, blurred, with the fluid round it
    assert litres[0] > litres[1]


def test_a_size_that_cannot_be_scanned_is_refused():
    with pytest.raises(InputError, match="48 or 32"):
        head.simulate(0, side=40)
