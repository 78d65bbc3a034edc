"""Volumes of balls, doubling times in closed form, and the table of Lung-RADS."""

import numpy as np
import pytest

from medlib.detection import growth, lung_rads
from medlib.errors import InputError


def ball(mm, centre=(24.0, 24.3, 23.6), side=48, level=30.0):
    """A ball in lung at 1 mm, with partial volume at its edge."""
    axis = np.arange(side, dtype=float)
    grid = np.meshgrid(axis, axis, axis, indexing="ij")
    gap = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))
    return -850 + (level + 850) * np.clip(mm / 2 - gap + 0.5, 0, 1)


@pytest.mark.parametrize("mm", [6, 8, 12, 16])
@pytest.mark.parametrize("level", [30.0, -600.0])
def test_the_volume_of_a_ball(mm, level):
    found = growth.volume_mm3(ball(mm, level=level), (1, 1, 1), np.array([24.0, 24.3, 23.6]))
    assert found == pytest.approx(np.pi * mm**3 / 6, rel=0.12)


def test_the_ratio_of_two_balls_is_nearer_than_either():
    at = np.array([24.0, 24.3, 23.6])
    one, other = (growth.volume_mm3(ball(d), (1, 1, 1), at) for d in (9, 11))
    assert other / one == pytest.approx((11 / 9) ** 3, rel=0.06)


def test_doubling_times():
    assert growth.doubling_days(100, 400, 90) == pytest.approx(45)
    assert growth.doubling_days(200, 100, 90) == pytest.approx(-90)
    assert growth.doubling_days(100, 100, 90) == np.inf
    with pytest.raises(InputError, match="above 0"):
        growth.doubling_days(0, 100, 90)


def test_places_without_a_nodule_are_refused():
    empty = np.full((30, 30, 30), -850.0)
    with pytest.raises(InputError, match="brighter"):
        growth.volume_mm3(empty, (1, 1, 1), np.array([15.0, 15, 15]))
    with pytest.raises(InputError, match="outside"):
        growth.volume_mm3(empty, (1, 1, 1), np.array([99.0, 15, 15]))
    with pytest.raises(InputError, match="spacing"):
        growth.volume_mm3(empty, (np.nan, 1, 1), np.array([15.0, 15, 15]))


@pytest.mark.parametrize(
    ("density", "mm", "core", "category"),
    [
        ("solid", 5.9, None, "2"),
        ("solid", 6, None, "3"),
        ("solid", 7.9, None, "3"),
        ("solid", 8, None, "4A"),
        ("solid", 15, None, "4B"),
        ("part-solid", 5.9, 5.9, "2"),
        ("part-solid", 12, 5.9, "3"),
        ("part-solid", 12, 6, "4A"),
        ("part-solid", 12, 8, "4B"),
        ("ground-glass", 29.9, None, "2"),
        ("ground-glass", 30, None, "3"),
    ],
)
def test_lung_rads_2022_at_a_first_scan(density, mm, core, category):
    assert lung_rads.at_baseline(density, mm, core) == category


def test_growth_is_more_than_one_and_a_half_millimetres_within_a_year():
    assert not lung_rads.grown(6, 7.5, 12)
    assert lung_rads.grown(6, 7.6, 12)
    assert lung_rads.at_follow_up("solid", 6, 7.7, 6) == "4A"
    assert lung_rads.at_follow_up("solid", 7, 9, 6) == "4B"
    assert lung_rads.at_follow_up("solid", 7, 7.5, 6) == "3"
    assert lung_rads.of_patient(["2", "4A", "3"]) == "4A"
    assert lung_rads.of_patient([]) == "1"
    with pytest.raises(InputError, match="within 12"):
        lung_rads.grown(6, 9, 20)
    with pytest.raises(InputError, match="density"):
        lung_rads.at_baseline("calcified", 6)
    with pytest.raises(InputError, match="solid_mm"):
        lung_rads.at_baseline("part-solid", 7)
    with pytest.raises(InputError, match="7 mm measures 20 mm"):
        lung_rads.at_baseline("part-solid", 7, 20)
    with pytest.raises(InputError, match="'5' is no category"):
        lung_rads.of_patient(["2", "5"])


@pytest.mark.parametrize("place", [(5, 5), (np.nan, 5, 5), 5])
def test_a_place_that_is_none_is_refused(place):
    with pytest.raises(InputError, match=r"give \(z, y, x\) in mm"):
        growth.volume_mm3(np.zeros((20, 20, 20)), (1, 1, 1), np.array(place))


@pytest.mark.parametrize("numbers", [(100, np.inf, 90), (np.nan, 100, 90), (100, 200, np.inf)])
def test_a_doubling_time_needs_finite_numbers(numbers):
    with pytest.raises(InputError, match="above 0"):
        growth.doubling_days(*numbers)
