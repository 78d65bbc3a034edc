"""What is unlike the training images gets a warning, and what is like them seldom does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.covariance import LedoitWolf

from medlib.errors import InputError
from medlib.takehome.likeness import SIZE, Cloud, Levels, Likeness, _limit, false_alarms

TRAINED = 60


def made_images(n, seed):
    """Simulated pictures: dark, with a bright disc of some place and size, and fine noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    draws = rng.uniform((70, 70, 25, 140), (150, 150, 60, 180), (n, 4))
    noise = rng.normal(0, 4, (n, SIZE, SIZE))
    discs = [(rows - r) ** 2 + (columns - c) ** 2 < size**2 for r, c, size, _ in draws]
    levels = draws[:, 3, None, None]
    return np.clip(40 + np.stack(discs) * (levels - 40) + noise, 0, 255).astype(np.float32)


@pytest.fixture(scope="module")
def likeness():
    folds = np.arange(TRAINED) % 5
    return Likeness.fit(made_images(TRAINED, seed=0), folds, "grey level 0-255")


def test_distances_are_those_of_the_ledoit_wolf_covariance():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 30)) * rng.uniform(0.1, 3, 30)
    new = rng.normal(size=(9, 30))
    expected = np.sqrt(LedoitWolf().fit(points).mahalanobis(new))
    assert np.allclose(Cloud.fit(points).distances(new), expected, rtol=1e-9)


@given(
    st.integers(1, 60),
    st.sampled_from([0.025, 0.05, 0.2]),
)
def test_of_images_of_one_kind_no_more_than_promised_exceed_the_limit(n, alarms):
    """By symmetry: a new one is as likely at any rank among n + 1."""
    held_out = np.arange(n) + 2.0
    places = np.arange(n + 1) + 1.5  # of a new value among those held out
    exceeding = np.mean(places > _limit(held_out, alarms))
    assert exceeding <= max(alarms, 1 / (n + 1)) + 1e-12


@pytest.mark.parametrize(("images", "share"), [(20, 3 / 21), (50, 3 / 51), (999, 0.05)])
def test_how_many_false_alarms_are_expected_depends_on_the_number_of_images(images, share):
    assert false_alarms(images) == pytest.approx(share)


def test_new_images_of_the_same_kind_seldom_get_a_warning(likeness):
    unlikeness, warnings = likeness.judge(made_images(80, seed=1))
    alarms = [bool(text) for text in warnings]
    assert alarms == (unlikeness > 1).tolist()
    assert np.mean(alarms) <= 3 * false_alarms(TRAINED)  # of 80: beyond it once in a thousand


@pytest.mark.parametrize(
    "change",
    [
        lambda images: 255 - images,
        lambda images: np.clip((images - 100) * 4, 0, 255),
        lambda images: images / 255,
        lambda images: images * 16,
        lambda images: np.full_like(images, 90),
        lambda images: np.stack([gaussian_filter(image, 6) for image in images]),
        lambda images: np.random.default_rng(0).uniform(0, 255, images.shape),
    ],
    ids=["inverted", "narrow window", "of 0-1", "of 12 bits", "empty", "blurred", "noise"],
)
def test_images_of_another_kind_get_a_warning(likeness, change):
    unlikeness, warnings = likeness.judge(change(made_images(10, seed=2)).astype(np.float32))
    assert (unlikeness > 1).all()
    assert all(warnings)


def test_a_warning_says_which_grey_levels_were_expected(likeness):
    _, [warning] = likeness.judge(made_images(1, seed=3) / 255)
    assert "grey levels:" in warning
    assert "in training" in warning


def test_images_that_are_all_one_can_be_learned_from():
    images = np.repeat(made_images(1, seed=0), 8, axis=0)
    likeness = Likeness.fit(images, np.arange(8) % 2, "grey level 0-255")
    assert not likeness.judge(images)[1][0]
    assert likeness.judge(made_images(1, seed=5))[1][0]


def test_too_few_images_are_refused():
    with pytest.raises(InputError, match="too few to tell what is unlike"):
        Likeness.fit(made_images(6, seed=0), np.arange(6) % 2, "grey level 0-255")


def test_levels_deviate_by_standard_deviations_of_the_training_images():
    levels = Levels.fit(np.array([[0.0] * 5, [2.0] * 5]))
    assert levels.distances(np.array([[1.0, 1, 4, 1, 1]])).tolist() == [3.0]
