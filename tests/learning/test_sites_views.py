"""Views of images learn from no other image, and rescanning does what scanners do."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.learning.sites import views
from medlib.models import adapted
from medlib.models.classifiers import imagenet_features


@pytest.fixture
def unit():
    return np.random.default_rng(0).random((6, 32, 32)).astype(np.float32)


def disc(pixel_mm, n=64, radius_mm=8.0):
    """A bright disc of a size in millimetres, at a pixel size."""
    place = (np.arange(n) - (n - 1) / 2) * pixel_mm
    return np.where(np.hypot.outer(place, place) < radius_mm, 200.0, 10.0)


def test_after_resampling_a_disc_has_the_same_size_whatever_its_pixels_were():
    spacing = np.array([0.6, 0.9, 0.75, 0.6])
    cohort = from_arrays(np.stack([disc(s) for s in spacing]), np.array([0, 1, 0, 1]))
    table = cohort.table.assign(spacing_x=spacing, spacing_y=spacing, rows=64, columns=64)
    share = (views.resampled(replace(cohort, table=table), 48) > 0.4).mean(axis=(1, 2))
    assert np.ptp([(image > 100).mean() for image in cohort.images(64)]) > 0.05
    np.testing.assert_allclose(share, np.pi * 8**2 / (64 * 0.6) ** 2, atol=0.006)


def test_without_pixel_sizes_resampling_is_refused():
    cohort = from_arrays(np.zeros((4, 8, 8)) + np.eye(8), np.array([0, 1, 0, 1]), name="mine")
    assert not views.has_pixel_size(cohort)
    with pytest.raises(InputError, match="mine does not record pixel sizes"):
        views.resampled(cohort, 8)


def test_brightness_and_contrast_are_gone_after_standardising(unit):
    np.testing.assert_allclose(views.standardised(unit), views.standardised(300 * unit - 50),
                               atol=1e-5)  # fmt: skip


@pytest.mark.parametrize("view", [views.standardised, lambda x: views.frozen(x, 32)])
def test_a_view_of_an_image_depends_on_no_other_image(unit, view, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    np.testing.assert_allclose(view(unit)[:2], view(unit[:2]), rtol=1e-4, atol=1e-5)


def test_noise_of_a_kernel_keeps_its_strength_and_gets_the_kernels_grain():
    white = np.random.default_rng(1).standard_normal((64, 64))

    def roughness(kernel):
        noise = views.shaped(white, kernel)
        assert noise.std() == pytest.approx(1, abs=0.1)
        return np.abs(np.diff(noise, axis=1)).mean()

    soft, standard, sharp = map(roughness, ("soft", "standard", "sharp"))
    assert soft < standard < sharp


def test_rescanning_is_drawn_beforehand_and_stays_an_image(unit):
    first, again = (views.rescanned(unit, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == unit.shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert np.abs(first - unit).mean() > 0.01


def test_features_are_kept_and_a_file_that_was_cut_off_is_made_again(unit, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    made = views.frozen(unit, 32)
    [kept] = (tmp_path / views.CACHE).glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(views.frozen(unit, 32), made)
    assert len(np.load(kept)) == len(unit)


def test_batch_norm_of_a_site_takes_out_what_all_its_images_share(unit):
    """Images of half the contrast, normalised among themselves, look like the others."""
    both = np.concatenate([unit, 0.5 * unit + 0.3])
    site = np.repeat([0, 1], len(unit))

    def moved(features):
        one, other = features[site == 0], features[site == 1]
        return np.abs(one - other).mean() / np.abs(one - one.mean(axis=0)).mean()

    own = adapted.features_by_batch(both, site, size=32)
    assert own.shape == (12, 1280)
    assert moved(own) < 0.5 * moved(imagenet_features(both, size=32))


def test_statistics_of_one_site_do_not_reach_another(unit):
    site = np.array([0, 0, 0, 1, 1, 1])
    whole = adapted.features_by_batch(unit, site, size=32)
    alone = adapted.features_by_batch(unit[:3], site[:3], size=32)
    np.testing.assert_allclose(whole[:3], alone, rtol=1e-4, atol=1e-5)
