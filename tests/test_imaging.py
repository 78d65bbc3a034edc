"""Windows, sizes, crops and normalisation mean what a radiographer expects of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medlib import imaging
from medlib.errors import InputError


def picture(rows=40, columns=56, seed=0):
    return np.random.default_rng(seed).normal(0, 300, (rows, columns)).astype(np.float32)


def test_the_soft_tissue_window_shows_fat_as_dark_and_contrast_as_white():
    fat, water, muscle, contrast = imaging.window(
        [-160.0, 0.0, 40.0, 400.0], *imaging.SOFT_TISSUE_WINDOW
    )
    assert (fat, contrast) == (0.0, 1.0)
    assert water == pytest.approx(0.4)
    assert muscle == pytest.approx(0.5)


def test_a_window_without_width_is_refused():
    with pytest.raises(InputError, match="0 wide"):
        imaging.window([0.0], 40, 0)


@given(st.integers(1, 60), st.integers(1, 60))
def test_resizing_agrees_with_pillow_at_any_size(rows, columns):
    image = picture()
    theirs = np.asarray(
        Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR), np.float32
    )
    assert np.allclose(imaging.resize(image, (rows, columns)), theirs, atol=0.05)


def test_resizing_a_stack_equals_resizing_one_by_one():
    stack = np.stack([picture(seed=s) for s in range(3)])
    singly = np.stack([imaging.resize(image, 16) for image in stack])
    assert np.allclose(imaging.resize(stack, 16), singly, atol=1e-3)


def test_a_pattern_finer_than_the_new_grid_turns_grey_and_does_not_alias():
    stripes = np.tile(np.array([0.0, 100.0], np.float32), (64, 32))
    assert np.abs(imaging.resize(stripes, 16)[:, 1:-1] - 50).max() < 0.01  # but for the edge


def test_an_even_image_stays_even_at_any_size():
    assert np.allclose(imaging.resize(np.full((33, 47), -1000.0), (20, 90)), -1000)


def test_resampling_makes_pixels_square_in_millimetres():
    assert imaging.resample(picture(40, 56), (0.5, 1.0), 1.0).shape == (20, 56)


def test_padding_keeps_every_pixel_and_the_image_central():
    image = picture(10, 16)
    square = imaging.pad_square(image)
    assert square.shape == (16, 16)
    assert np.array_equal(square[3:13], image)
    assert np.all(square[:3] == image.min())


def test_a_crop_has_its_centre_where_asked():
    image = np.zeros((40, 40), np.float32)
    image[12, 30] = 1
    assert imaging.crop(image, (12, 30), 5)[2, 2] == 1
    in_mm = imaging.crop(image, (6.0, 15.0), 5.5, spacing=(0.5, 0.5))
    assert in_mm.shape == (11, 11)
    assert in_mm[5, 5] == 1


def test_a_crop_over_the_edge_is_filled_with_air():
    image = np.full((20, 20), 40, np.float32)
    image[0, 0] = -1000
    cut = imaging.crop(image, (0, 0), 9)
    assert cut.shape == (9, 9)
    assert np.all(cut[:4] == -1000)
    assert cut[8, 8] == 40


@pytest.mark.parametrize("centre", [(-50, 5), (5, 60)])
def test_a_crop_beside_the_image_is_refused(centre):
    with pytest.raises(InputError, match="outside the image"):
        imaging.crop(picture(), centre, 7)


def test_normalised_training_images_have_mean_zero_and_sd_one():
    images = picture(64, 64)[None]
    done = imaging.Normaliser.fit(images).apply(images)
    assert done.mean() == pytest.approx(0, abs=1e-5)
    assert done.std() == pytest.approx(1, abs=1e-5)
    assert done.dtype == np.float32


def test_the_normaliser_knows_nothing_of_the_images_it_is_applied_to():
    fitted = imaging.Normaliser.fit(picture(seed=1))
    shifted = picture(seed=2) + 5000
    assert fitted.apply(shifted).mean() > 2
    assert fitted == imaging.Normaliser.fit(picture(seed=1))


def test_one_metal_pixel_does_not_set_the_scale():
    image = picture(64, 64)
    metal = image.copy()
    metal[0, 0] = 1e6
    assert imaging.Normaliser.fit(metal).sd == pytest.approx(imaging.Normaliser.fit(image).sd, 0.02)


def test_a_small_bright_thing_on_an_even_ground_is_kept():
    image = np.zeros((100, 100), np.float32)
    image[50, 50] = 1
    assert imaging.Normaliser.fit(image).apply(image).max() > 10


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 8, 8)), "no training images"),
        (np.full((2, 8, 8), np.nan), "NaN"),
        (np.full((2, 8, 8), 7.0), "value 7"),
    ],
)
def test_images_that_teach_no_scale_are_refused(images, message):
    with pytest.raises(InputError, match=message):
        imaging.Normaliser.fit(images)


@pytest.mark.parametrize(
    ("low", "high", "black", "white"),
    [
        (0, 0.4, 0, 1),
        (0, 1.0000001, 0, 1),  # somebody resized fractions before storing them
        (5, 200, 0, 255),
        (0, 255.00003, 0, 255),
        (0, 256, 0, 1023),
        (0, 1800, 0, 4095),
        (0, 16383, 0, 16383),
        (0, 60000, 0, 65535),
        (0, 65536, 0, 2**17 - 1),
        (-1, 1, -1, 1),
        (-2.9, 5.1, -8, 8),
        (-1024, 3071, -4096, 4096),
        (-7, -3, -8, 8),
    ],
)
def test_black_and_white_are_the_smallest_format_that_holds_what_files_hold(
    low, high, black, white
):
    assert imaging.grey_range(low, high) == (black, white)


def test_grey_levels_are_scaled_from_black_to_white_and_clipped():
    levels = np.array([[-5, 0, 51, 255, 300]], np.float32)
    assert imaging.to_unit(levels, (0, 255)) == pytest.approx(np.array([[0, 0, 0.2, 1, 1]]))
    assert imaging.to_unit([-8.0, 0.0, 8.0], (-8, 8)).tolist() == [0, 0.5, 1]


def test_hounsfield_units_are_scaled_by_the_lung_window():
    assert imaging.to_unit([-1350.0, -600.0, 150.0], imaging.LUNG_RANGE).tolist() == [0.0, 0.5, 1.0]
