"""The Agatston score on images that can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from medlib.errors import InputError
from medlib.features.agatston import RISK, agatston, risk_class, weight


def slices(*rows):
    """Slices of small images, each given as rows of HU."""
    return np.array(rows, dtype=np.float32)


def spot(value, pixels=4):
    """A slice of 10 x 10 pixels with so many pixels in a row at one value."""
    image = np.zeros((1, 10, 10), dtype=np.float32)
    image[0, 4, :pixels] = value
    return image


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(129.9, 0), (130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (2000, 4)],
)
def test_weights_change_at_130_200_300_and_400_hu(highest, expected):
    assert weight(highest) == expected
    assert agatston(spot(highest), (1, 1)) == 4 * expected


def test_the_area_counts_times_the_weight():
    assert agatston(spot(250, pixels=6), (0.5, 0.5)) == 6 * 0.25 * 2


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_a_mask_of_numbers_keeps_the_same_pixels(dtype):
    mask = np.zeros((1, 10, 10), dtype)
    mask[0, 4, :2] = 2
    assert agatston(spot(250), (1, 1), mask=mask) == 2 * 2


def test_a_region_below_1_mm2_does_not_count_and_one_of_1_mm2_does():
    assert agatston(spot(500, pixels=3), (0.5, 0.5)) == 0
    assert agatston(spot(500, pixels=4), (0.5, 0.5)) == 4


def test_one_bright_pixel_weighs_for_its_whole_region_and_not_for_the_next():
    image = spot(150, pixels=4)
    image[0, 4, 0] = 450
    image[0, 8, 5:9] = 150  # apart
    assert agatston(image, (1, 1)) == 4 * 4 + 4 * 1


def test_pixels_that_touch_at_a_corner_are_one_region():
    image = np.zeros((1, 4, 4), dtype=np.float32)
    image[0, 0, 0], image[0, 1, 1] = 150, 320
    assert agatston(image, (1, 1)) == 2 * 3


def test_regions_of_neighbouring_slices_are_weighed_apart():
    two = np.concatenate([spot(150), spot(420)])
    assert agatston(two, (1, 1)) == 4 * 1 + 4 * 4


def test_thicker_slices_are_scaled_to_3_mm():
    assert agatston(spot(150), (1, 1), slice_mm=5) == pytest.approx(4 * 5 / 3)


def test_a_mask_leaves_out_what_is_no_vessel():
    image = spot(250)
    mask = np.zeros(image.shape, dtype=bool)
    assert agatston(image, (1, 1), mask=mask) == 0
    mask[0, 4, :2] = True
    assert agatston(image, (1, 1), mask=mask) == 2 * 2


def test_no_calcium_scores_0():
    assert agatston(np.full((3, 8, 8), 129.0, dtype=np.float32), (0.5, 0.5)) == 0


@pytest.mark.parametrize(
    ("score", "name"),
    [(0, "0"), (0.4, "1-10"), (1, "1-10"), (10, "1-10"), (11, "11-100"), (100, "11-100"),
     (101, "101-400"), (400, "101-400"), (401, ">400")],
)  # fmt: skip
def test_risk_classes_end_at_0_10_100_and_400(score, name):
    assert RISK[int(risk_class(score))] == name


@settings(max_examples=30, deadline=None)
@given(some.integers(0, 2**32 - 1))
def test_more_density_never_lowers_the_score_of_separate_spots(seed):
    rng = np.random.default_rng(seed)
    image = np.zeros((2, 9, 9), dtype=np.float32)
    image[:, 1::3, 1::3] = rng.uniform(0, 600, (2, 3, 3))
    assert agatston(image + 50 * (image > 0), (1, 1)) >= agatston(image, (1, 1))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hu": np.zeros((4, 4), np.float32)}, "slices x rows x columns"),
        ({"mask": np.ones((1, 3, 3), bool)}, "make them alike"),
        ({"pixel_mm": (0.0, 0.5)}, "above 0"),
        ({"slice_mm": 0.0}, "above 0"),
        ({"hu": np.full((1, 10, 10), np.nan, np.float32)}, "NaN"),
        ({"hu": np.full((1, 10, 10), np.inf, np.float32)}, "infinity"),
        ({"pixel_mm": (0.5, np.nan)}, "pixel_mm"),
        ({"pixel_mm": (0.5, np.inf)}, "pixel_mm"),
        ({"pixel_mm": (0.5, 0.5, 3)}, "pixel_mm"),
    ],
)
def test_what_cannot_be_scored_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        agatston(**({"hu": spot(200), "pixel_mm": (0.5, 0.5)} | arguments))


def test_a_score_below_0_has_no_class():
    with pytest.raises(InputError, match="below 0"):
        risk_class([-1.0])
