"""Copies that were turned, cropped, written on, inverted or compressed are found at 50 pixels."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

from medlib.cohorts.similar.aligned import agreement, between, without_slope
from medlib.cohorts.similar.near_duplicates import near_duplicates
from medlib.cohorts.similar.remembered import remembered
from medlib.cohorts.similar.search import _keep_best, _mirrored
from medlib.cohorts.similar.surround import content
from medlib.imaging import resize


def slices(n, seed=0, shared=0.0, side=50):
    """Bright round bodies with organs and vessels, grey levels 0-255; ``shared``: how alike."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    body = np.hypot(row / 0.7, column / 0.9) < 1
    common, own = rng.normal(size=(1, side, side)), rng.normal(size=(n, side, side))
    organs = ndimage.gaussian_filter(
        np.sqrt(shared) * common + np.sqrt(1 - shared) * own, (0, 4, 4)
    )
    vessels = ndimage.gaussian_filter(rng.normal(size=(n, side, side)), (0, 1.2, 1.2))
    stack = 40 + body * (100 + 500 * organs + 100 * vessels)
    return np.clip(stack, 0, 255).astype(np.float32)


def jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), np.float32)


def written_on(image):
    image = image.copy()
    image[3:9, 3:25:3] = image[41:47, 30:47:2] = 255  # strokes of letters
    return image


def turned(image, degrees):
    return ndimage.rotate(image, degrees, reshape=False, order=1)


CHANGES = {
    "JPEG of quality 20": (lambda a: jpeg(a, 20), "near"),
    "half the size": (lambda a: resize(resize(a, 25), 50), "near"),
    "turned by 2 degrees": (lambda a: turned(a, 2), "near"),
    "turned by 5 degrees": (lambda a: turned(a, -5), "near"),
    "turned by 90 degrees": (np.rot90, "turned by 90 degrees"),
    "transposed": (np.transpose, "flipped along a diagonal"),
    "cropped by 2 % a side": (lambda a: resize(a[1:-1, 1:-1], 50), "near"),
    "cropped by 5 % a side": (lambda a: resize(a[2:-3, 2:-3], 50), "near"),
    "cropped off the middle": (lambda a: resize(a[:-4, 4:], 50), "near"),
    "cropped by 10 % a side": (lambda a: resize(a[5:-5, 5:-5], 50), "near"),
    "written on": (written_on, "near"),
    "inverted": (lambda a: 255 - a, "inverted"),
    "mirrored and inverted": (lambda a: 255 - np.fliplr(a), "flipped left-right, inverted"),
    "augmented": (
        lambda a: jpeg(0.9 * resize(turned(np.fliplr(a), 4)[2:-1, 1:-2], 50), 60),
        "flipped left-right",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change):
    change, kind = CHANGES[change]
    images = slices(20)
    stack = np.concatenate([images, change(images[7])[None].astype(np.float32)])
    assert [pair[:3] for pair in near_duplicates(resize(stack, 48))] == [(7, 20, kind)]


@pytest.mark.parametrize("change", CHANGES)
def test_a_quick_search_finds_the_same_copies_with_the_same_agreement(monkeypatch, change):
    images = slices(20)
    stack = resize(np.concatenate([images, CHANGES[change][0](images[7])[None]]), 48)
    thorough = near_duplicates(stack)
    monkeypatch.setattr("medlib.cohorts.similar.search.MANY", 20)
    quick = near_duplicates(stack)
    assert [pair[:3] for pair in quick] == [pair[:3] for pair in thorough]
    assert [pair[3] for pair in quick] == pytest.approx([pair[3] for pair in thorough], abs=0.01)


def test_a_quick_search_looks_inside_round_masks_as_well(monkeypatch):
    monkeypatch.setattr("medlib.cohorts.similar.search.MANY", 20)
    eyes = fundus(30)
    assert near_duplicates(resize(eyes, 48)) == []
    stack = np.concatenate([eyes, resize(eyes[7][3:-3, 3:-3], 64)[None]])
    assert [pair[:3] for pair in near_duplicates(resize(stack, 48))] == [(7, 30, "near")]


def test_slices_that_share_body_and_organs_are_no_copies():
    stack = resize(slices(20, shared=0.9), 48)
    assert np.corrcoef(stack.reshape(20, -1))[0, 1] > 0.9
    assert near_duplicates(stack) == []


def test_units_and_grey_scale_do_not_matter():
    images = slices(8)
    stack = resize(np.concatenate([images, jpeg(images[2], 40)[None]]), 48)
    found = near_duplicates(stack)
    for scaled in (stack / 255, stack * 16 - 1024):
        assert [pair[:3] for pair in near_duplicates(scaled)] == [pair[:3] for pair in found]


def test_each_copy_of_an_image_with_many_is_linked():
    images = slices(6)
    stack = np.concatenate([images, *(images[:1] * 0.98**k for k in range(1, 21))])
    linked = {i for pair in near_duplicates(resize(stack, 48)) for i in pair[:2]}
    assert linked == {0, *range(6, 26)}


def test_agreement_is_one_for_equal_detail_and_low_where_there_is_none():
    images = slices(3)[:, 1:-1, 1:-1]
    inside = np.ones((3, 48 * 48), bool)
    assert agreement(images, 2 * images + 5, inside) == pytest.approx(1)
    assert agreement(images, images[[1, 2, 0]], inside).max() < 0.9
    assert agreement(images, np.full_like(images, 7), inside).tolist() == [0, 0, 0]


def test_fewer_images_than_partners_and_none_at_all():
    assert near_duplicates(np.zeros((0, 48, 48), np.float32)) == []
    assert near_duplicates(resize(slices(1), 48)) == []
    assert len(near_duplicates(resize(slices(2)[[0, 0]] * [[[1]], [[0.9]]], 48))) == 1


def test_the_black_corners_of_a_turned_copy_of_a_bright_image_do_not_hide_it():
    rng = np.random.default_rng(4)
    tissue = ndimage.gaussian_filter(rng.normal(size=(12, 50, 50)), (0, 2.5, 2.5))
    images = (150 + 300 * tissue).clip(0, 255).astype(np.float32)
    stack = np.concatenate([images, *(turned(image, 2)[None] for image in images)])
    found = {pair[:2] for pair in near_duplicates(resize(stack, 48))}
    assert found == {(i, i + 12) for i in range(12)}


def fundus(n, seed=0, side=64):
    """Photographs of different eyes: a bright disc on black, vessels and mottling of its own."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    distance = np.hypot(row, column)
    mottled = ndimage.gaussian_filter(rng.normal(size=(n, side, side)), (0, 3, 3)) * 60
    vessels = ndimage.gaussian_filter(rng.normal(size=(n, side, side)), (0, 1, 1)) * 12
    stack = (150 - 50 * distance**2 + mottled + vessels) * (distance < 0.92)
    return np.clip(stack, 0, 255).astype(np.float32)


def test_photographs_of_different_eyes_in_one_round_mask_are_no_copies():
    assert near_duplicates(resize(fundus(60), 48)) == []


def patches(picture, side=96):
    """Squares of a picture, side by side, that show something."""
    grey = picture[..., :3].mean(axis=2).astype(np.float32)
    rows, columns = (range(0, length - side + 1, side) for length in grey.shape)
    squares = [grey[r : r + side, c : c + side] for r in rows for c in columns]
    return [square for square in squares if square.std() > 20]


def test_of_photographs_no_threshold_was_chosen_on_copies_are_found_and_nothing_else():
    pictures = (data.astronaut(), data.chelsea(), data.rocket())
    squares = [square for picture in pictures for square in patches(picture)]
    assert len(squares) > 40
    copies = [jpeg(0.8 * np.fliplr(square[5:-5, 5:-5]), 50) for square in squares[:20]]
    stack = np.stack([resize(np.ascontiguousarray(image), 48) for image in [*squares, *copies]])
    found = {pair[:2] for pair in near_duplicates(stack)}
    assert found <= {(i, len(squares) + i) for i in range(20)}
    assert len(found) >= 19


def test_without_a_look_inside_the_mask_they_would_be(monkeypatch):
    monkeypatch.setattr(
        "medlib.cohorts.similar.near_duplicates.content", lambda a: np.full(a.shape, True)
    )
    assert near_duplicates(resize(fundus(60), 48)) != []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda a: jpeg(a, 40), "near"),
        (lambda a: 0.8 * a, "near"),
        (np.fliplr, "flipped left-right"),
        (lambda a: 255 - a, "inverted"),
    ],
)
def test_a_copy_of_a_photograph_in_a_round_mask_is_found(change, kind):
    eyes = fundus(30)
    stack = np.concatenate([eyes, change(eyes[7])[None].astype(np.float32)])
    assert [pair[:3] for pair in near_duplicates(resize(stack, 48))] == [(7, 30, kind)]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_a_crop_of_a_photograph_in_a_round_mask_is_found(share):
    """The mask of a crop is larger than that of its original: it must not lead the search."""
    eyes = fundus(30)
    edge = round(64 * share)
    crop = resize(eyes[7][edge:-edge, edge:-edge], 64)
    stack = np.concatenate([eyes, crop[None]])
    assert [pair[:3] for pair in near_duplicates(resize(stack, 48))] == [(7, 30, "near")]


@pytest.mark.parametrize("side", [32, 16])
def test_small_photographs_of_different_eyes_are_no_copies(side):
    """Enlarged, the edge of their mask is wide, and there is little else to compare."""
    eyes = [eye if i < 20 else resize(eye, side) for i, eye in enumerate(fundus(40))]
    assert near_duplicates(np.stack([resize(eye, 48) for eye in eyes])) == []


def test_a_crop_of_one_slice_among_many_alike_is_linked_to_its_scan():
    first, last, *others = slices(22)
    turns = np.linspace(0, 0.4, 20)
    scan = np.array([first * np.cos(t) + last * np.sin(t) for t in turns], np.float32)
    crop = resize(turned(scan[9], 3)[4:-5, 5:-4], 50)
    stack = np.concatenate([scan, others, crop[None]])
    linked = {i for i, j, *_ in near_duplicates(resize(stack, 48)) if j == len(stack) - 1}
    assert 9 in linked
    assert linked <= set(range(20))


def test_a_band_is_the_difference_of_two_gaussian_blurs_and_nothing_of_an_even_image():
    images = slices(3, side=48)
    fine = ndimage.gaussian_filter(images, (0, 1, 1), mode="nearest")
    coarse = ndimage.gaussian_filter(fine, (0, 4, 4), mode="nearest")
    assert between(images, 1, 4) == pytest.approx(fine - coarse, abs=1e-3)
    assert not between(np.full((1, 48, 48), 7, np.float32), 1, 4).any()


def test_a_lamp_in_the_middle_is_taken_away_inside_the_mask():
    row, column = np.mgrid[-1:1:32j, -1:1:32j].astype(np.float32)
    known = (np.hypot(row, column) < 0.9).astype(np.float32)[None]
    lamp = (5 - 2 * row**2 + row * column + 0.5 * column)[None]
    assert without_slope(lamp, known) == pytest.approx(0, abs=1e-2)


def test_the_even_surround_and_its_rim_are_not_compared_and_a_full_frame_is():
    eye = resize(fundus(1), 48)[0]
    shown = content(eye)
    assert shown[24, 24]
    assert not shown[0].any()
    assert 0.3 < shown.mean() < 0.6
    assert content(slices(1, side=48)[0] + np.random.default_rng(0).normal(0, 9, (48, 48))).all()


def test_four_flips_in_one_product_are_those_of_four():
    rng = np.random.default_rng(0)
    frames, moved = rng.normal(size=(2, 40, 16, 16)).astype(np.float32)
    best, which = np.zeros((40, 40), np.float32), np.zeros((40, 40), np.int16)
    _keep_best(_mirrored(frames), _mirrored(moved).transpose(0, 2, 1), 7, best, which)
    flips = [frames[:, ::a, ::b] for a in (1, -1) for b in (1, -1)]
    each = [np.abs(np.einsum("iab,jab->ij", flip, moved)) for flip in flips]
    np.testing.assert_allclose(best, np.max(each, axis=0), rtol=1e-4)
    assert (which == 7).all()


def test_what_was_found_among_many_images_is_found_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    monkeypatch.delenv("MEDLIB_PROGRESS", raising=False)
    looked, many = [], np.zeros((300, 4, 4), np.float32)

    def find(stack):
        looked.append(len(stack))
        return [(0, 1, "near", 0.1 + 0.2)]

    assert remembered(many, find) == remembered(many, find) == [(0, 1, "near", 0.1 + 0.2)]
    assert looked == [300]
    remembered(many + 1, find)
    assert looked == [300, 300]  # other images
    for stored in tmp_path.rglob("*.json"):
        stored.write_text("[[0, 1")
    assert remembered(many, find) == [(0, 1, "near", 0.1 + 0.2)]
    assert looked == [300, 300, 300]
    assert "is damaged (JSONDecodeError): copies are looked for again" in capsys.readouterr().err
    assert remembered(many[:20], find)
    assert remembered(many[:20], find)
    assert looked[3:] == [20, 20]  # few: looked at again
