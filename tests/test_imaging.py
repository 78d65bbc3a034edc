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


@pytest.mark.parametrize(("highest", "scale"), [(0.4, 1), (200, 255), (2000, 4095), (60000, 65535)])
def test_grey_levels_are_scaled_by_their_format_whatever_the_images_hold(highest, scale):
    assert imaging.full_scale([[0, highest]]) == scale
    assert imaging.to_unit([[0, highest]], "grey level 0-255").max() == pytest.approx(
        highest / scale
    )


def test_hounsfield_units_are_scaled_by_the_lung_window():
    assert imaging.to_unit([-1350.0, -600.0, 150.0], "HU").tolist() == [0.0, 0.5, 1.0]


def test_negative_grey_levels_that_are_no_hounsfield_units_are_refused():
    with pytest.raises(InputError, match="Grey levels run from -1000 to 500"):
        imaging.to_unit([-1000.0, 500.0], "grey level 0-255")


@pytest.mark.parametrize("top", [1.0, 255.0, 4095.0, 65535.0])
def test_the_rounding_of_a_resize_makes_no_other_format(top):
    levels = np.array([[0.0, top * (1 + 2e-7)]], dtype=np.float32)
    assert imaging.full_scale(levels) == top


def test_a_resized_white_image_keeps_its_format():
    white = np.full((3, 224, 224), 255, np.float32)
    resized = [imaging.resize(white, size) for size in range(20, 160, 7)]
    assert {imaging.full_scale(images) for images in resized} == {255.0}
