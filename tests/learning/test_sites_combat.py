"""ComBat gives the package's numbers on what it was fitted on, and can face a new site."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.learning.sites import combat, coral
from medlib.learning.sites.combat import ComBat

# Values of neuroCombat 0.2.12 (rows 0, 1, 2 and 17) for the table below; with `ill` preserved in
# the second. It stops when nothing moves by more than 1e-4, so the last digits are free.
OF_THE_PACKAGE = [
    [5.080561, 12.212277, 14.159837, 9.326714, 2.202088],
    [12.863075, 9.389718, 2.199468, -2.970726, -2.046539],
    [-3.5024, -8.659255, -4.665534, 4.725305, 12.701089],
    [1.296203, -3.281511, -1.959162, 5.553181, 14.865587],
]
WITH_COVARIATE = [
    [5.04292, 12.15732, 14.136194, 9.344903, 2.24243],
    [12.832604, 9.359276, 2.187141, -2.953667, -2.020216],
    [-3.506847, -8.658922, -4.667526, 4.715249, 12.708818],
    [1.281535, -3.300293, -1.959563, 5.561112, 14.867237],
]
SHOWN = [0, 1, 2, 17]


@pytest.fixture
def table():
    """18 rows x 5 features at three sites, the third with more spread; and a covariate."""
    i, j = np.mgrid[0:18, 0:5]
    x = 10 * np.sin(1.7 * i + 0.9 * j) + 3 * np.cos(0.37 * i * j) + (i % 3) * (j + 1)
    x = np.round(x + np.where(i % 3 == 2, 4 * np.sin(2.3 * i + j), 0), 3)
    return x, i[:, 0] % 3, (i[:, :1] // 3 % 2).astype(float)


def test_fitted_on_all_sites_it_is_the_packages(table):
    x, site, ill = table
    plain = ComBat.fit(x, site).transform(x, site)
    np.testing.assert_allclose(plain[SHOWN], OF_THE_PACKAGE, atol=1e-5)
    kept = ComBat.fit(x, site, ill).transform(x, site, ill)
    np.testing.assert_allclose(kept[SHOWN], WITH_COVARIATE, atol=1e-5)


def sites(rng, shifts, scales, n=40, k=200):
    """Features that differ between sites by shift and scale alone; site of each row."""
    z = rng.normal(size=(len(shifts), n, k))
    own = rng.normal(size=k)  # features are not alike
    parts = [
        own + shift + scale * each for shift, scale, each in zip(shifts, scales, z, strict=True)
    ]
    return np.concatenate(parts), np.repeat(np.arange(len(shifts)), n)


def test_a_site_that_was_not_in_training_gets_the_mean_and_spread_of_the_others():
    x, site = sites(np.random.default_rng(0), (0, 1, 5), (1, 1, 3))
    train = site < 2
    made = combat.aligned(x, site, train)
    new, old = made[~train], made[train]
    assert abs(x[~train].mean() - x[train].mean()) > 4
    assert abs(new.mean() - old.mean()) < 0.05
    assert new.std(axis=0).mean() == pytest.approx(old.std(axis=0).mean(), rel=0.05)


def test_what_is_learned_in_training_does_not_depend_on_the_new_site():
    x, site = sites(np.random.default_rng(1), (0, 1, 5), (1, 2, 3))
    train, other = site < 2, x.copy()
    other[~train] *= -7
    for aligned in (combat.aligned, coral.aligned):
        np.testing.assert_array_equal(
            aligned(x, site, train)[train], aligned(other, site, train)[train]
        )


def test_means_and_covariances_of_all_sites_are_alike_after_coral(monkeypatch):
    monkeypatch.setattr(coral, "RIDGE", 0.0)
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) + k for k in range(3)])
    site = np.repeat([0, 1, 2], 300)
    made = coral.aligned(x, site, site < 2)
    first, second, new = (made[site == k] for k in range(3))
    for other in (second, new):
        np.testing.assert_allclose(other.mean(axis=0), first.mean(axis=0))
        np.testing.assert_allclose(np.cov(other.T), np.cov(first.T))


def test_where_sites_are_alike_nothing_is_torn_apart():
    x, site = sites(np.random.default_rng(3), (0, 0, 0), (1, 1, 1))
    made = combat.aligned(x, site, site < 2)
    assert np.corrcoef(made.ravel(), x.ravel())[0, 1] > 0.99


def test_a_site_of_one_image_is_refused():
    with pytest.raises(InputError, match="Site 1 has 1 image: ComBat needs two or more"):
        ComBat.fit(np.arange(6.0).reshape(3, 2), np.array([0, 0, 1]))


def test_features_that_never_vary_have_no_say():
    rng = np.random.default_rng(3)
    site, x = np.repeat([0, 1, 2], 20), rng.normal(size=(60, 5))
    more = np.hstack([x, np.full((60, 2), 0.1)])
    alone, beside = (ComBat.fit(each, site).transform(each, site) for each in (x, more))
    np.testing.assert_allclose(beside[:, :5], alone, rtol=1e-9)
    np.testing.assert_array_equal(beside[:, 5:], 0.1)


def test_one_feature_is_harmonised_and_what_is_no_number_refused():
    rng = np.random.default_rng(3)
    site, x = np.repeat([0, 1], 20), rng.normal(size=(40, 1))
    x[site == 1] += 5
    out = ComBat.fit(x, site).transform(x, site)
    assert abs(out[site == 1].mean() - out[site == 0].mean()) < 1e-9
    with pytest.raises(InputError, match="NaN"):
        ComBat.fit(x * np.nan, site)
    with pytest.raises(InputError, match="covariates"):
        ComBat.fit(x, site, x).transform(x, site)


def test_features_that_never_vary_are_left_alone_by_coral_too():
    site = np.repeat([0, 1], 10)
    out = coral.aligned(np.ones((20, 3)), site, site == 0)
    np.testing.assert_allclose(out, 1.0)
