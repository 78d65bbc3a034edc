"""Diameters, volumes and responses of RECIST 1.1, counted by hand."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.features.recist import (
    VOLUME_GROWTH,
    longest_diameter,
    progressed,
    response,
    volume,
)


def block(depth, rows, columns):
    mask = np.zeros((6, 30, 30), dtype=bool)
    mask[1 : 1 + depth, 2 : 2 + rows, 3 : 3 + columns] = True
    return mask


def test_one_pixel_is_as_long_as_its_diagonal():
    assert longest_diameter(block(1, 1, 1), (3, 4)) == pytest.approx(5)


def test_a_block_is_as_long_as_the_diagonal_of_its_slice_however_deep():
    assert longest_diameter(block(4, 6, 8), (1, 1)) == pytest.approx(10)


def test_the_longest_slice_decides_and_slices_are_not_joined():
    mask = block(1, 3, 4)
    mask[3, 10:16, 10:18] = True
    assert longest_diameter(mask, (1, 1)) == pytest.approx(10)


def test_a_mask_of_0_and_255_has_the_volume_of_its_voxels():
    mask = block(2, 3, 4)
    assert volume(255 * mask.astype(np.uint8), (1, 1), 2) == volume(mask, (1, 1), 2) == 48


def test_what_had_gone_and_is_back_has_progressed_however_small():
    assert response(50, 0, 3) == "progression"
    assert response(50, 0, 0) == "complete response"
    assert response(50, 1, 4) == "partial response"  # it had not gone: 5 mm are needed


@pytest.mark.parametrize("sums", [(0, 0, 0), (50, 50, np.inf), (50, np.nan, 4), (np.inf, 4, 4)])
def test_sums_that_answer_no_question_are_refused(sums):
    with pytest.raises(InputError, match="Sums of diameters"):
        response(*sums)


def test_sizes_that_are_no_numbers_are_refused():
    for call in (lambda: volume(block(1, 1, 1), (1, 1), np.nan),
                 lambda: longest_diameter(block(1, 1, 1), (1, np.nan))):  # fmt: skip
        with pytest.raises(InputError, match="above 0"):
            call()


def test_a_disc_is_as_long_as_its_diameter():
    y, x = np.mgrid[-50:51, -50:51]
    disc = (np.hypot(x, y) <= 40)[None]
    assert longest_diameter(disc, (0.5, 0.5)) == pytest.approx(40.5, abs=0.3)


def test_a_volume_counts_voxels():
    assert volume(block(2, 3, 4), (0.5, 0.5), 3) == 24 * 0.75


def test_a_ball_that_grows_by_a_fifth_in_diameter_grows_by_73_percent_in_volume():
    assert VOLUME_GROWTH == 0.728


@pytest.mark.parametrize(
    ("before", "now", "called"),
    [(20, 24.9, False), (20, 25, True), (24, 29, True), (25, 30, True), (50, 59.9, False),
     (50, 60, True), (10, 14, False)],
)  # fmt: skip
def test_progression_needs_20_percent_and_5_mm(before, now, called):
    assert progressed(before, now) is called


@pytest.mark.parametrize(
    ("first", "smallest", "now", "said"),
    [
        (50, 50, 0, "complete response"),
        (50, 50, 35, "partial response"),
        (50, 50, 35.1, "stable"),
        (50, 30, 36, "progression"),  # over the smallest, though still below the first
        (50, 30, 34.9, "partial response"),
        (50, 0, 5, "progression"),
        (50, 50, 60, "progression"),
    ],
)
def test_responses_follow_the_first_and_the_smallest_sum(first, smallest, now, said):
    assert response(first, smallest, now) == said


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: longest_diameter(np.zeros((2, 3, 3), bool), (1, 1)), "empty"),
        (lambda: longest_diameter(np.ones((3, 3), bool), (1, 1)), "slices x rows x columns"),
        (lambda: volume(np.ones((1, 3, 3), bool), (1, 1), 0), "above 0"),
        (lambda: response(10, 12, 12), "at most the first"),
        (lambda: response(10, 8, -1), "below 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(ask, said):
    with pytest.raises(InputError, match=said):
        ask()
