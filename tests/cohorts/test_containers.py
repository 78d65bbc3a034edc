"""Equal pixels in other containers give an equal scale, equal images and equal features."""

import warnings

import numpy as np
import pytest
import tifffile
from container_files import DEEP, SHALLOW, folder_of, picture
from skimage import data

from medlib import features
from medlib.cohorts import load
from medlib.errors import InputError

SIDE = (20, 24)
WHITE = {8: 255, 10: 1023, 12: 4095, 14: 16383, 16: 65535}


def study(bits, *, saturated, classes=2, each=4):
    """Parts of a photograph, of so many bits; saturated ones hold white areas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        photograph = data.camera().astype(float) / 255
    rows, columns = SIDE
    rng = np.random.default_rng(bits)
    corners = rng.integers(0, 512 - max(SIDE), (classes * each, 2))
    cut = np.stack([photograph[r : r + rows, c : c + columns] for r, c in corners])
    cut = np.clip(1.6 * cut, 0, 1) if saturated else 0.8 * cut / cut.max()
    images = np.rint(cut * WHITE[bits]).astype(np.int64)
    if not saturated:
        assert images.max() > WHITE[bits] / 2  # beyond the next smaller format
    names = ("healthy", "ill", "worse", "worst")[:classes]
    return images, np.repeat(names, each).tolist()


def tables():
    for bits in WHITE:
        containers = DEEP if bits > 8 else DEEP | SHALLOW
        for name in containers:
            if bits in {8, 12} or name in {"png-16", "npz-16", "dicom", "nifti-16"}:
                yield pytest.param(bits, containers[name], id=f"{bits}-{name}")


@pytest.mark.parametrize("saturated", [False, True], ids=["unsaturated", "saturated"])
@pytest.mark.parametrize(("bits", "write"), list(tables()))
def test_equal_pixels_give_an_equal_scale_and_equal_images(tmp_path, bits, write, saturated):
    images, labels = study(bits, saturated=saturated)
    cohort = load(write(tmp_path / "set", images, labels))
    assert cohort.grey_range == (0, WHITE[bits])
    assert f"0-{WHITE[bits]}" in cohort.units
    assert [str(label) for label in cohort.table.label] == labels
    for i, image in enumerate(images):
        assert np.array_equal(cohort.pixels(i), image)
    assert not any("small part of their scale" in note for note in cohort.notes)


@pytest.mark.parametrize("bits", [8, 12])
def test_equal_pixels_give_equal_features_to_the_byte(tmp_path, bits):
    images, labels = study(bits, saturated=True)
    kinds = ("png-16", "npz-float", "tif-16-colour", "dicom-lossless", "nifti-gz", "pgm-16-text")
    found = set()
    for kind in kinds:
        cohort = load(DEEP[kind](tmp_path / kind, images, labels))
        made = features.extract(cohort.images(20), levels=8, span=cohort.grey_range)
        found.add((cohort.unit_images(20).tobytes(), made.to_numpy().tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("bits", WHITE)
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_no_choice_of_images_or_size_changes_the_scale(tmp_path, bits, classes):
    images, labels = study(bits, saturated=True, classes=classes)
    spec = folder_of(picture(".png", lambda x: x.astype(np.uint16)))(tmp_path / "a", images, labels)
    cohort = load(spec, classes="all")
    dark = cohort.select([int(np.argmin(images.max(axis=(1, 2))))])
    assert dark.grey_range == load(spec, classes="healthy,ill").grey_range == (0, WHITE[bits])
    for size in (7, 11, 16, 56):
        assert cohort.unit_images(size).max() <= 1
        assert cohort.unit_images(size).max() > 0.5


def test_a_set_that_uses_a_small_part_of_its_format_is_said_to_be_dark_and_how_to_mend_it(tmp_path):
    images, labels = study(12, saturated=False)
    images[0, 0, 0] = 65535  # a mark burned into one image hides that all others have 12 bits
    spec = DEEP["png-16"](tmp_path / "a", images, labels)
    cohort = load(spec)
    assert cohort.grey_range == (0, 65535)
    note = next(note for note in cohort.notes if "small part of their scale" in note)
    assert "?full_scale=4095" in note
    assert note in cohort.identity()["notes"]
    mended = load(f"{spec}?full_scale=4095")
    assert mended.grey_range == (0, 4095)
    assert any("1 of 8 images hold levels beyond full_scale" in note for note in mended.notes)
    assert mended.unit_images(20)[1:].max() > 0.5


def test_files_of_eight_and_sixteen_bits_in_one_folder_get_one_scale(tmp_path):
    images, labels = study(8, saturated=True)

    def write(path, pixels):
        deep = int(path.name) % 2
        kind = (lambda x: (257 * x).astype(np.uint16)) if deep else (lambda x: x.astype(np.uint8))
        picture(".png", kind)(path, pixels)

    cohort = load(folder_of(write)(tmp_path / "a", images, labels))
    assert cohort.grey_range == (0, 65535)
    assert np.array_equal(np.stack([cohort.pixels(i) for i in range(8)]), 257 * images)
    assert any("mixed" in note for note in cohort.notes)
    assert "container" in cohort.acquisition


def test_the_scale_of_colours_is_that_of_their_channels(tmp_path):
    images, labels = study(12, saturated=True)

    def write(path, pixels):
        blue = np.stack([0 * pixels, 0 * pixels, pixels], axis=-1).astype(np.uint16)
        tifffile.imwrite(path.with_suffix(".tif"), blue, photometric="rgb")

    cohort = load(folder_of(write)(tmp_path / "a", images, labels))
    assert cohort.grey_range == (0, 4095)
    assert cohort.images(20).max() < 512  # blue weighs little


def test_the_scale_is_recorded_with_the_results(tmp_path):
    images, labels = study(12, saturated=True)
    cohort = load(DEEP["npz-16"](tmp_path / "a", images, labels))
    assert cohort.identity()["grey_range"] == [0, 4095]
    assert "4095" in repr(cohort)


def test_scores_below_zero_are_scaled_by_a_fixed_rule_and_said_to_be(tmp_path):
    images, labels = study(8, saturated=False)
    scores = (images - images.mean()) / images.std()
    np.savez(tmp_path / "z.npz", images=scores, labels=labels)
    cohort = load(f"npz:{tmp_path}/z.npz")
    black, white = cohort.grey_range
    assert black == -white
    assert np.log2(white) % 1 == 0
    assert white / 2 < np.abs(scores).max() <= white
    assert "values" in cohort.units
    assert any("units=HU" in note for note in cohort.notes)
    unit = cohort.unit_images(12)
    assert 0 <= unit.min() < 0.5 < unit.max() <= 1


def test_hounsfield_units_in_arrays_or_volumes_get_the_window_of_ct(tmp_path):
    images, labels = study(8, saturated=False)
    np.savez(tmp_path / "ct.npz", images=4 * images - 1000, labels=labels)
    cohort = load(f"npz:{tmp_path}/ct.npz?units=HU")
    assert (cohort.units, cohort.grey_range) == ("HU", (-1350, 150))
    with pytest.raises(InputError, match=r"full_scale .* Hounsfield units"):
        load(f"npz:{tmp_path}/ct.npz?units=HU&full_scale=255")


@pytest.mark.parametrize("given", ["white", "0", "-4095", "nan", "inf"])
def test_a_white_that_is_no_level_is_refused(tmp_path, given):
    images, labels = study(8, saturated=False)
    spec = SHALLOW["npz-8"](tmp_path / "a", images, labels)
    with pytest.raises(InputError, match="give the grey level of white, such as 4095"):
        load(f"{spec}?full_scale={given}")
