"""Colours of pictures as a network is shown them: cut to the field, square, from 0 to 1."""

import numpy as np
import pytest
from PIL import Image

from medlib.cohorts import from_arrays, load
from medlib.cohorts.colours import IN_COLOUR, colour_images, field_of, noted_in_colour
from medlib.cohorts.sources.pictures import GREYED


@pytest.fixture
def folder(tmp_path):
    """Six pictures, two classes: a coloured square in a black frame of another size each."""
    for i in range(6):
        picture = np.zeros((60 + 10 * i, 100, 3), np.uint8)
        picture[10 : 50 + 10 * i, 20:60] = (200, 100, 10 * i)
        home = tmp_path / ("ill" if i % 2 else "normal")
        home.mkdir(exist_ok=True)
        Image.fromarray(picture).save(home / f"{i}.png")
    return tmp_path


def test_the_black_frame_is_cut_off_and_colours_stay(folder):
    cohort = load(f"images:{folder}")
    images = colour_images(cohort, 32)
    assert images.shape == (6, 32, 32, 3)
    assert images.dtype == np.float32
    blue = [int(name.split("/")[-1][0]) * 10 for name in cohort.table.image_id]
    centre = 255 * images[:, 16, 16]
    np.testing.assert_allclose(centre[:, :2], [[200, 100]] * 6, atol=1)
    np.testing.assert_allclose(centre[:, 2], blue, atol=1)


def test_where_colours_are_kept_the_cohort_does_not_say_that_they_were_made_grey(folder):
    cohort = load(f"images:{folder}")
    assert f"6 of 6 images: {GREYED}." in cohort.notes
    assert f"6 of 6 images: {IN_COLOUR}." in noted_in_colour(cohort).notes
    assert len(noted_in_colour(cohort).notes) == len(cohort.notes)


def test_where_colours_are_lost_the_cohort_goes_on_saying_so(folder):
    for file in folder.rglob("*.png"):
        Image.open(file).save(file.with_suffix(".ppm"))
        file.unlink()
    cohort = load(f"images:{folder}")
    assert noted_in_colour(cohort).notes == cohort.notes
    assert any(GREYED in note for note in cohort.notes)


def test_a_picture_with_transparency_keeps_its_colours_on_black(folder):
    for file in folder.rglob("*.png"):
        clear = Image.open(file).convert("RGBA")
        clear.paste((255, 255, 255, 0), (0, 0, 100, 10))  # a white strip that nobody sees
        clear.save(file)
    cohort = load(f"images:{folder}")
    centre = 255 * colour_images(cohort, 32)[:, 16, 16]
    np.testing.assert_allclose(centre[:, :2], [[200, 100]] * 6, atol=1)
    assert any(IN_COLOUR in note for note in noted_in_colour(cohort).notes)


def test_the_field_of_a_picture_is_where_it_is_bright():
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[100:300, 50:450, 0] = 180
    left, upper, right, lower = field_of(Image.fromarray(picture))
    assert abs(left - 50) <= 4
    assert abs(upper - 100) <= 4
    assert abs(right - 450) <= 4
    assert abs(lower - 300) <= 4
    assert field_of(Image.new("RGB", (30, 20))) == (0, 0, 30, 20)  # all black: nothing to cut


def test_grey_images_have_three_equal_channels(tmp_path):
    pixels = np.tile(np.arange(40, 104, dtype=np.float32), (6, 64, 1))
    pixels += np.arange(6, dtype=np.float32)[:, None, None]
    cohort = from_arrays(pixels, np.array(["a", "b"] * 3), patient_ids=np.arange(6))
    images = colour_images(cohort, 48)
    assert images.shape == (6, 48, 48, 3)
    assert np.array_equal(images[..., 0], images[..., 2])
