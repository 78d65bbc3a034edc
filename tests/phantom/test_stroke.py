"""Simulated heads: blood is dense at once, an infarct loses density over hours."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.phantom.anatomy import stroke
from medlib.phantom.stroke import MAP, simulate


@pytest.fixture(scope="module")
def head():
    return stroke.draw(np.random.default_rng(1))


def test_the_same_seed_gives_the_same_bytes():
    one, again, other = (simulate(seed, kind="bleed").hu for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(one, np.rint(one))


def test_blood_has_60_to_80_hu_before_the_scanner_sees_it(head):
    large = replace(head, radius=8.0)
    apart = stroke.render(large, "bleed", MAP) - stroke.render(large, "well", MAP)
    blood = stroke.render(large, "bleed", MAP)[apart > 20]
    assert stroke.BLOOD_HU[0] <= np.median(blood) <= stroke.BLOOD_HU[1]


@pytest.mark.parametrize(("hours", "lost"), [(0.5, 0), (1, 0), (7, 8.8), (1000, 14)])
def test_an_infarct_is_invisible_at_first_and_dark_in_the_end(head, hours, lost):
    struck = replace(head, hours=hours)
    apart = stroke.render(struck, "well", MAP) - stroke.render(struck, "infarct", MAP)
    assert apart.max() == pytest.approx(lost, abs=0.1)
    assert apart.min() >= 0


def test_an_infarct_lies_in_one_half_of_the_brain(head):
    struck = replace(head, hours=24.0, turn=0.0)
    apart = stroke.render(struck, "well", MAP) - stroke.render(struck, "infarct", MAP)
    across = MAP.axes()[0] * head.side
    assert apart[:, across < 0].max() == 0
    assert apart[:, across > 0].max() > 10


def test_an_unknown_kind_is_refused(head):
    with pytest.raises(InputError, match="well, bleed, infarct"):
        stroke.render(head, "tumour", MAP)
