"""The sliding kernel as a page has it; `tests/book/test_sliding_kernel.py` plays it."""

import json
import re

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.widgets.sliding_kernel import sliding_kernel

IMAGE = np.random.default_rng(0).integers(-900, 400, (8, 8))
SOBEL = [-1, 0, 1, -2, 0, 2, -1, 0, 1]
KERNELS = {"edge <Sobel>": SOBEL, "mean": [1 / 9] * 9}


def page(image=IMAGE, kernels=KERNELS):
    return sliding_kernel(image, kernels, level=(-600, 1500), unit="HU").data


def test_the_page_holds_the_pixels_the_weights_and_what_is_black_and_white():
    html = page()
    assert json.loads(re.search(r"const x = (\[.*?\])", html)[1]) == IMAGE.ravel().tolist()
    assert json.loads(re.search(r"kernels = (\[\[.*?\]\])", html)[1])[0] == SOBEL
    assert "from -1350 (black) to 150 (white) HU" in html
    assert "$" not in html


def test_names_are_text_and_no_markup_and_nothing_is_loaded():
    html = page()
    assert "edge &lt;Sobel&gt;" in html
    assert not re.search(r"https?:|src=|import|fetch\(", html)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (IMAGE[:, :5], r"shape \(8, 5\)"),
        (IMAGE[:3, :3], r"shape \(3, 3\)"),
        (IMAGE.astype(float), "float64"),
    ],
)
def test_an_image_that_cannot_be_slid_over_is_refused(image, said):
    with pytest.raises(InputError, match=said):
        page(image)


def test_a_kernel_without_nine_weights_is_named():
    with pytest.raises(InputError, match="'short' has 4 weights"):
        page(kernels={"short": [1, 2, 3, 4]})
