"""The sliding kernel in a browser computes what SciPy computes."""

import re

import numpy as np
import pytest
import scipy.signal

from medlib.widgets.sliding_kernel import sliding_kernel

IMAGE = np.random.default_rng(0).integers(-900, 400, (8, 8))
SOBEL = [-1, 0, 1, -2, 0, 2, -1, 0, 1]


@pytest.fixture
def shown(browser):
    """The figure alone on a page."""
    opened = browser.new_page()
    kernels = {"edge": SOBEL, "mean": [1 / 9] * 9}
    opened.set_content(sliding_kernel(IMAGE, kernels, level=(-600, 1500), unit="HU").data)
    yield opened
    opened.close()


def choose(opened, kernel, activation, bias, place):
    opened.select_option("#sliding-kernel-k", kernel)
    opened.select_option("#sliding-kernel-f", activation)
    for name, value in (("b", bias), ("p", place)):
        set_to = f"each => {{ each.value = {value}; each.dispatchEvent(new Event('input')) }}"
        opened.eval_on_selector(f"#sliding-kernel-{name}", set_to)
    return opened.locator("#sliding-kernel-o").inner_text()


def test_the_page_computes_what_scipy_computes(shown):
    expected = scipy.signal.correlate2d(IMAGE, np.reshape(SOBEL, (3, 3)), mode="valid")
    for place in (0, 7, 35):
        said = choose(shown, "0", "ReLU", -50, place)
        total = expected.ravel()[place]
        assert f"add up to {total}." in said
        assert said.endswith(f"y = {max(total - 50, 0)}.")


def test_weights_that_add_up_to_1_are_shown_as_the_image_is(shown):
    choose(shown, "1", "none", 0, 35)
    scale = shown.locator("#sliding-kernel-s")
    assert scale.inner_text() == ", from -1350 (black) to 150 (white)"
    choose(shown, "0", "none", 0, 35)
    low, high = re.findall(r"-?\d+", scale.inner_text())
    assert int(low) == -int(high) < 0


def test_play_starts_and_pauses(shown):
    button = shown.locator("#sliding-kernel-go")
    choose(shown, "0", "ReLU", 0, 3)
    button.click()
    assert button.inner_text() == "Pause"
    button.click()
    assert button.inner_text() == "Play"
