"""Overlap and distances of outlines against shapes whose numbers are known."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.statistics.overlap import (
    agreement,
    dice_to_iou,
    iou_to_dice,
    readings_of_a_gain,
)


def boxes(shift):
    a, b = np.zeros((2, 24, 24, 24), bool)
    a[4:14, 4:14, 4:14] = True
    b[4 + shift : 14 + shift, 4:14, 4:14] = True
    return b, a


@pytest.mark.parametrize("shift", [0, 1, 4, 8])
def test_a_box_moved_along_an_axis(shift):
    """Overlap (10 - s) / 10; the faces across, over a tenth of the surface, lie s away."""
    found = agreement(*boxes(shift), spacing_mm=2.0, tolerance_mm=0.5)
    assert found.dice == pytest.approx((10 - shift) / 10)
    assert found.hd95_mm == pytest.approx(2.0 * shift)
    assert found.volume_error == 0
    assert found.surface_dice == 1.0 if shift == 0 else found.surface_dice < 1


def test_surfaces_within_the_tolerance_agree():
    moved = boxes(1)
    assert agreement(*moved, spacing_mm=2.0, tolerance_mm=2.0).surface_dice == 1.0
    assert agreement(*moved, spacing_mm=2.0, tolerance_mm=1.9).surface_dice < 1.0


def test_hd95_against_the_definition():
    """Of all distances of one surface's voxels to the other surface; the larger direction."""
    rng = np.random.default_rng(0)
    place = np.stack(np.indices((14, 14, 14)))
    ball = ((place - 7) ** 2).sum(axis=0) < 22
    other = ball & (rng.random(ball.shape) < 0.97)
    other[2, 7, 7] = True

    def surface(mask):
        inner = mask.copy()
        for axis in range(3):
            for step in (1, -1):
                inner &= np.roll(mask, step, axis)
        return np.argwhere(mask & ~inner)

    a, b = surface(other), surface(ball)
    apart = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))
    expected = max(np.percentile(apart.min(axis=1), 95), np.percentile(apart.min(axis=0), 95))
    found = agreement(other, ball, spacing_mm=1.0, tolerance_mm=1.0)
    assert found.hd95_mm == pytest.approx(expected)


def test_a_miss_is_the_worst_there_is_and_what_is_not_there_says_nothing():
    nothing, box = np.zeros((24, 24, 24), bool), boxes(0)[0]
    missed = agreement(nothing, box, spacing_mm=2.0, tolerance_mm=1.0)
    assert missed == (0.0, pytest.approx(2 * 24 * 3**0.5), 0.0, -1.0)
    assert np.isnan(agreement(box, nothing, spacing_mm=2.0, tolerance_mm=1.0)).all()


def test_masks_of_unlike_shape_are_refused():
    with pytest.raises(InputError, match="cannot be compared"):
        agreement(np.ones((2, 2, 2)), np.ones((2, 2, 3)), spacing_mm=1, tolerance_mm=1)
    with pytest.raises(InputError, match="above 0"):
        agreement(np.ones((2, 2, 2)), np.ones((2, 2, 2)), spacing_mm=0, tolerance_mm=1)


@pytest.mark.parametrize("dice", [0.1, 0.5, 0.87, 1.0])
def test_dice_and_iou_are_two_names_of_one_number(dice):
    assert iou_to_dice(dice_to_iou(dice)) == pytest.approx(dice)


def test_fifteen_per_cent_more_is_impossible_where_little_is_left():
    assert readings_of_a_gain(0.88)["Dice, relative"] > 1
    assert readings_of_a_gain(0.86)["Dice, relative"] < 1
    assert readings_of_a_gain(0.86)["Dice, points"] > 1
