"""The projector against analytic projections, direct sums, and itself run backwards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.errors import InputError
from medlib.phantom.scanner.projector import (
    FourierSampler,
    back_project,
    kept_frequencies,
    project,
    ramp,
    view_angles,
)

VIEWS = 360


def positions(n, pixel=1.0):
    return (np.arange(n) - (n - 1) / 2) * pixel


def blob(y, x, centre, width):
    return np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * width**2))


def smooth_body(y, x):
    """Three smooth humps of up to 1,000: smooth enough for the grid, and nowhere symmetric."""
    return (
        1000 * blob(y, x, (20, -30), 12)
        - 400 * blob(y, x, (-40, 10), 8)
        + 700 * blob(y, x, (5, 50), 20)
    )


def on_grid(n, function):
    return function(positions(n)[:, None], positions(n)[None, :]).astype(np.float32)


def disc(n, centre, radius, parts=8):
    """Share of each pixel inside a disc."""
    fine = positions(n * parts, 1 / parts)
    inside = (fine[:, None] - centre[0]) ** 2 + (fine - centre[1]) ** 2 < radius**2
    return inside.reshape(n, parts, n, parts).mean((1, 3)).astype(np.float32)


def ray_distance(n, centre):
    """Distance of each ray (views x n) from a point (y, x)."""
    angles = view_angles(VIEWS)[:, None]
    return positions(n) - (centre[1] * np.cos(angles) + centre[0] * np.sin(angles))


def flat_window(n, scale=1.0):
    return np.ones_like(kept_frequencies(n, scale))


def test_projection_of_an_off_centre_disc_is_its_chord():
    centre, radius = (20.3, -33.7), 40.0
    chord = 2 * np.sqrt(np.clip(radius**2 - ray_distance(256, centre) ** 2, 0, None))
    error = project(disc(256, centre, radius), VIEWS) - chord
    assert np.sqrt((error**2).mean()) < 0.25
    away_from_tangents = np.abs(np.abs(ray_distance(256, centre)) - radius) > 4
    assert np.abs(error[away_from_tangents]).max() < 0.8  # 1 % of the peak


def test_projection_of_a_smooth_blob_is_its_analytic_projection():
    centre, width = (-31.2, 47.9), 6.0
    image = on_grid(256, lambda y, x: blob(y, x, centre, width))
    expected = width * np.sqrt(2 * np.pi) * np.exp(-(ray_distance(256, centre) ** 2) / 2 / width**2)
    np.testing.assert_allclose(project(image, VIEWS), expected, atol=1e-3 * expected.max())


def test_every_view_sees_the_same_mass():
    image = on_grid(128, lambda y, x: blob(y, x, (11, -7), 9))
    np.testing.assert_allclose(project(image, 90).sum(axis=1), image.sum(), rtol=1e-3)


def test_reconstruction_returns_a_smooth_object_within_one_hu():
    image = on_grid(256, smooth_body)
    result = back_project(project(image, VIEWS), flat_window(256), matrix=256)
    assert np.abs(result - image).max() < 1.0


@pytest.mark.parametrize(("matrix", "pixel"), [(64, 0.5), (96, 1.3), (100, 2.0)])
def test_a_region_is_reconstructed_at_any_place_and_pixel(matrix, pixel):
    centre = (12.0, -18.5)
    y = positions(matrix, pixel)[:, None] + centre[0]
    x = positions(matrix, pixel)[None, :] + centre[1]
    sinogram = project(on_grid(256, smooth_body), VIEWS)
    window = flat_window(256, pixel)
    result = back_project(sinogram, window, matrix=matrix, scale=pixel, centre=centre)
    seen = y**2 + x**2 < 120**2
    assert np.abs(result - smooth_body(y, x))[seen].max() < 1.0


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([8, 10, 16, 30]),
    st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(0, 0.5)), min_size=1, max_size=20),
    st.integers(0, 2**32 - 1),
)
def test_sampler_and_adjoint_agree_with_the_direct_sums(n, points, seed):
    rng = np.random.default_rng(seed)
    frequencies = np.array(points)
    image = rng.standard_normal((n, n)).astype(np.float32)
    spectrum = (rng.standard_normal((2, len(points))).T @ [1, 1j]).astype(np.complex64)
    p = positions(n)
    waves = np.exp(
        -2j * np.pi * (frequencies[:, :1, None] * p[:, None] + frequencies[:, 1:, None] * p)
    )
    sampler = FourierSampler(n, frequencies)
    direct = (waves * image).sum(axis=(1, 2))
    back = (spectrum[:, None, None] * waves.conj()).sum(axis=0).real
    assert np.abs(sampler.transform(image) - direct).max() < 5e-3 * n
    assert np.abs(sampler.adjoint(spectrum) - back).max() < 6e-3 * np.abs(spectrum).sum()


def test_ramp_rises_with_frequency_and_keeps_the_mean_exact():
    response = ramp(512)
    np.testing.assert_allclose(response, np.linspace(0, 0.5, 257), atol=2e-3)
    assert 0 < response[0] < 1e-3  # zero here would lower the whole image


def test_results_are_in_double_precision_so_that_processors_agree():
    sinogram = project(on_grid(64, smooth_body), 40)
    image = back_project(
        sinogram, flat_window(64), matrix=32, centre=(np.float64(3), np.float64(4))
    )
    assert sinogram.dtype == image.dtype == np.float64


def test_frequencies_stop_at_the_coarser_of_detector_and_pixel():
    assert len(kept_frequencies(256)) == len(kept_frequencies(256, 0.5)) == 257
    assert len(kept_frequencies(256, 2.0)) == 129
    assert kept_frequencies(256, 1.7)[-1] <= 1


@pytest.mark.parametrize("shape", [(16, 20), (15, 15), (4, 4)])
def test_images_that_cannot_be_projected_are_refused(shape):
    with pytest.raises(InputError, match=r"square|even"):
        project(np.zeros(shape, np.float32), 8)


def test_a_window_of_the_wrong_length_is_refused():
    with pytest.raises(InputError, match="65 frequencies"):
        back_project(np.zeros((8, 64), np.float32), np.ones(64, np.float32), matrix=64)


def test_frequencies_beyond_the_half_plane_are_refused():
    for x in (-0.1, 0.6, np.nan):
        with pytest.raises(InputError, match="outside"):
            FourierSampler(16, np.array([[0.1, x]]))
