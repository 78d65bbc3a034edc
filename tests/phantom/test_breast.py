"""Simulated mammograms: the same bytes, a power-law texture, and findings where they should be."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.phantom.anatomy import breast as breasts
from medlib.phantom.breast import simulate
from medlib.phantom.scanner import mammography


def slope(image):
    """Exponent of the spectrum by a straight line through its logarithm, 1/100 to 1/8 a pixel."""
    n = min(image.shape)
    square = image[:n, :n] - image[:n, :n].mean()
    taper = np.outer(np.hanning(n), np.hanning(n))
    power = np.abs(np.fft.fft2(square * taper)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n)))
    rings = np.geomspace(4 / n, 1 / 8, 12)
    which = np.digitize(frequency, rings)
    middle, mean = zip(
        *((frequency[which == k].mean(), power[which == k].mean()) for k in range(1, len(rings))),
        strict=True,
    )
    return -np.polyfit(np.log(middle), np.log(mean), 1)[0]


def test_the_texture_falls_as_the_cube_of_the_frequency():
    found = [slope(breasts.texture(np.random.default_rng(k))) for k in range(8)]
    assert np.mean(found) == pytest.approx(breasts.SLOPE, abs=0.15)


def test_mammograms_as_shown_keep_about_that_slope():
    found = []
    for seed in range(6):
        whole = simulate(seed, cancer=False, task="view", density="B").images["CC"]
        found.append(slope(whole[320:448, 60:188].astype(float)))
    assert 2.4 < np.mean(found) < 3.4


def test_the_texture_has_an_sd_of_one():
    found = [breasts.texture(np.random.default_rng(k)).std() for k in range(20)]
    assert np.mean(np.square(found)) == pytest.approx(1, abs=0.15)


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones():
    one, again, other = (simulate(seed, cancer=True) for seed in (3, 3, 4))
    for view in breasts.VIEWS:
        assert np.array_equal(one.images[view], again.images[view])
        assert not np.array_equal(one.images[view], other.images[view])


def test_images_are_whole_grey_levels_and_black_outside_the_breast():
    image = simulate(0, cancer=True, task="view").images["MLO"]
    assert image.shape == (breasts.ROWS, breasts.COLUMNS)
    assert np.array_equal(image, np.rint(image))
    assert image.min() == 0
    assert image.max() <= 4095
    assert (image[:40] == 0).all()


def test_a_cancer_changes_its_own_place_and_nothing_else():
    ill, well = (simulate(9, cancer=cancer, task="view") for cancer in (True, False))
    assert ill.breast == well.breast
    for view in breasts.VIEWS:
        rows, columns = np.nonzero(ill.images[view] != well.images[view])
        x, y = ill.finding.seen(view)
        away = np.hypot((columns + 0.5) * breasts.PIXEL_MM - x,
                        (rows - (breasts.ROWS - 1) / 2) * breasts.PIXEL_MM - y)  # fmt: skip
        assert away.max() < 2.2 * max(ill.finding.diameter, well.finding.diameter)


def test_both_views_show_a_finding_at_the_same_distance_from_the_chest_wall():
    finding = simulate(2, cancer=True).finding
    assert finding.seen("CC")[0] == finding.seen("MLO")[0]
    assert finding.seen("CC")[1] != finding.seen("MLO")[1]


def test_denser_breasts_are_brighter():
    means = []
    for density in breasts.DENSITIES:
        whole = simulate(5, cancer=False, task="view", density=density).images["CC"]
        means.append(whole[whole > 0].mean())
    assert means == sorted(means)
    assert means[-1] > 1.5 * means[0]


@pytest.mark.parametrize(("kind", "changed"), [("mass", "mass"), ("calcifications", "calcium")])
def test_a_finding_is_made_of_what_it_is_called(kind, changed):
    breast = breasts.draw(np.random.default_rng(0), "B")
    rays = {}
    for name in ("none", kind):
        finding = breasts.draw_finding(np.random.default_rng(1), breast, name)
        rays[name] = breasts.render(breast, finding, "CC", np.random.default_rng(2))
    assert getattr(rays["none"], changed).sum() == 0
    assert getattr(rays[kind], changed).sum() > 0


def test_specks_hold_the_calcium_of_their_balls():
    breast = breasts.draw(np.random.default_rng(0), "B")
    finding = breasts.draw_finding(np.random.default_rng(1), breast, "calcifications")
    rays = breasts.render(breast, finding, "CC", np.random.default_rng(2))
    volume = rays.calcium.sum() * breasts.PIXEL_MM**2
    assert volume == pytest.approx((np.pi / 6 * finding.specks[:, 3] ** 3).sum(), rel=0.02)


def test_fat_alone_has_the_grey_level_of_fat():
    flat = np.full((50, 50), 50.0)
    none = np.zeros_like(flat)
    image = mammography.acquire(
        thickness=flat, share=none, mass=none, calcium=none, rng=np.random.default_rng(0)
    )
    assert image.mean() == pytest.approx(mammography.LIFT, abs=5)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"task": "slice"}, "'crop' or 'view'"), ({"density": "E"}, "A, B, C, D")],
)
def test_what_cannot_be_simulated_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        simulate(0, cancer=True, **options)
