"""A tif may call 0 white: it is read as the same picture in a tif that calls 0 black."""

import numpy as np
import pytest
import tifffile

from medlib.cohorts import load
from medlib.cohorts.sources.pictures import read


@pytest.mark.parametrize(
    ("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535), (np.uint32, 2**32 - 1)]
)
def test_a_tif_that_calls_0_white_is_turned_round_whatever_its_depth(tmp_path, dtype, top):
    shown = (np.array([[0, 0.25, 1], [1, 0.5, 0]]) * top).astype(dtype)
    for kind in ("miniswhite", "minisblack"):
        stored = top - shown if kind == "miniswhite" else shown
        tifffile.imwrite(tmp_path / f"{kind}.tif", stored.astype(dtype), photometric=kind)
    white, black = (read(tmp_path / f"{kind}.tif") for kind in ("miniswhite", "minisblack"))
    assert white.tolist() == black.tolist() == shown.astype(np.float32).tolist()


def test_a_cohort_of_tifs_that_call_0_white_looks_as_the_other_one_does(tmp_path):
    for kind in ("miniswhite", "minisblack"):
        rng = np.random.default_rng(0)
        for i in range(6):
            path = tmp_path / kind / "ab"[i % 2] / f"{i}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            deep = rng.integers(0, 256, (24, 32)).astype(np.uint16) * 257
            stored = 65535 - deep if kind == "miniswhite" else deep
            tifffile.imwrite(path, stored, photometric=kind)
    white, black = (load(f"images:{tmp_path}/{k}") for k in ("miniswhite", "minisblack"))
    assert white.content_hash == black.content_hash
    assert white.grey_range == black.grey_range
