"""The scanner's kernels, as weights and by their ratio."""

import numpy as np
import pytest
import scipy.fft

from medlib.phantom.scanner import exchange
from medlib.phantom.scanner.ct import KERNELS
from medlib.phantom.scanner.projector import project

N = 64
y, x = np.indices((N, N)) - (N - 1) / 2
BODY = exchange.in_scan_field(1000 * np.exp(-((y - 4) ** 2 + (x + 6) ** 2) / 50) - 900)
RAYS = project(BODY, 120)


def test_the_scan_field_is_a_circle_above_nothing():
    assert BODY.min() == 0
    assert not BODY[exchange.distance_from_middle(N) > N / 2].any()


def test_a_soft_image_comes_from_a_sharp_one():
    images = exchange.reconstructions(RAYS)
    inside = exchange.distance_from_middle(N) < N / 2 - 4
    made = exchange.exchange(images["sharp"], "sharp", "soft")
    apart = np.abs(made - images["soft"])[inside].max()
    assert apart < 1e-3 * np.abs(images["sharp"] - images["soft"])[inside].max()


@pytest.mark.parametrize("name", KERNELS)
def test_the_weights_along_the_detector_filter_as_the_frequencies_do(name):
    taps = exchange.taps(name, N)
    assert taps.argmax() == N
    assert taps.sum() == pytest.approx(0, abs=2e-3)  # nearly: the ramp is cut off
    ray = RAYS[30].astype(float)
    by_sum = np.convolve(ray, taps)[N : 2 * N]
    spectrum = scipy.fft.rfft(ray, 2 * N) * exchange.response(name, N)
    assert by_sum == pytest.approx(scipy.fft.irfft(spectrum, 2 * N)[:N], abs=1e-9 * ray.max())
