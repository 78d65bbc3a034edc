"""Every hand-made feature has a plain name of its own, which says what the feature looks at."""

import numpy as np
import pytest

from medlib import features
from medlib.errors import InputError
from medlib.features import words
from medlib.features.patterns import ORIENTATIONS

DOWN, RIGHT = np.mgrid[:64, :64] - 31.5
"""Distance of each pixel from the middle of an image."""


def values(images, family):
    """The features of the first image, by name."""
    return features.extract(images, families=[family]).iloc[0]


def test_each_feature_has_a_plain_name_and_no_two_share_one():
    noise = np.random.default_rng(0).normal(size=(2, 32, 32))
    columns = features.extract(noise, np.ones((2, 32, 32))).columns
    plain = [words.plain(name) for name in columns]
    assert len({*plain}) == len(columns)
    assert set(words.NAMES) <= set(columns)
    assert not [name for name in plain if "_" in name]
    assert set(words.FAMILIES) == set(features.FAMILIES)


def test_an_unknown_feature_is_told():
    with pytest.raises(InputError, match="no hand-made feature 'hog_row_9'"):
        words.plain("hog_row_9")


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_edges_run_where_their_clock_says(orientation):
    clock = np.radians(words.edges(f"hog_row_0_column_0_orientation_{orientation}").clock)
    along = np.array([np.sin(clock), -np.cos(clock)])  # rightwards, downwards
    ramp = (RIGHT * along[1] - DOWN * along[0])[None]  # does not change along the edge
    strongest = str(values(ramp, "hog").idxmax())
    assert words.edges(strongest).orientation == orientation
    assert ("rising" in words.plain(strongest)) == (along[0] * along[1] < 0)


@pytest.mark.parametrize(("rays", "said"), [(True, words.AWAY), (False, words.AROUND)])
def test_rays_lead_away_from_the_middle_and_rings_run_around_it(rays, said):
    rings = np.cos(0.8 * np.hypot(DOWN, RIGHT))
    stripes = np.cos(12 * np.arctan2(DOWN, RIGHT))
    found = values((stripes if rays else rings)[None], "hog")
    share = sum(found[name] ** 2 for name in found.index if said in words.plain(name))
    assert share > 0.8  # of 1, the squared length of all values


@pytest.mark.parametrize(("band", "image"), [("level", np.sin(DOWN)), ("upright", np.sin(RIGHT))])
def test_wavelets_see_edges_of_the_direction_they_are_named_after(band, image):
    found = values(image[None], "wavelet").rename(words.plain)
    fine = found[found.index.str.startswith("strength of fine")]
    assert fine.idxmax() == f"strength of fine {band} edges"
