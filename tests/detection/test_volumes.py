"""Volumes, lungs, candidates and hits: geometry with known answers, and what is refused."""

import numpy as np
import pytest

from medlib.detection import candidates, lungs, volumes
from medlib.errors import InputError

GRID = (2.0, 2.0, 2.0)


def chest(nodules=(), side=64, slices=20):
    """Soft tissue in air, with a lung of -850 HU on either side and bright balls (z, y, x, mm)."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in (slices, side, side)), indexing="ij")
    hu = np.full(z.shape, -1000.0, np.float32)
    hu[(y - 32) ** 2 + (x - 32) ** 2 < 28**2] = 40
    for middle in (20, 44):
        hu[((y - 32) / 16) ** 2 + ((x - middle) / 9) ** 2 < 1] = -850
    for cz, cy, cx, mm in nodules:
        gap = np.sqrt((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2) * 2
        hu = np.where(gap < mm / 2, 30, hu).astype(np.float32)
    return hu


def test_positions_in_mm_survive_resampling():
    volume = np.zeros((12, 30, 30), np.float32)
    volume[6, 10, 20] = 1
    even = volumes.isotropic(volume, (2.5, 1.0, 1.5), 1.0)
    assert even.shape == (28, 30, 44)
    assert np.unravel_index(even.argmax(), even.shape) == (15, 10, 30)


def test_lungs_are_the_air_inside_and_hold_a_nodule_at_the_edge():
    hu = chest([(10, 32, 12, 8)])  # touches the outer edge of the lung
    mask = lungs.segment(hu, GRID)
    assert mask[10, 32, 20]
    assert mask[10, 32, 44]
    assert mask[10, 32, 13]
    assert not mask[10, 2, 2]
    assert not mask[10, 32, 60]


def test_a_ball_is_found_at_its_place_and_before_a_tube():
    hu = chest([(10, 30, 20, 8)])
    hu[:, 40:42, 43:45] = 40  # a vessel through all slices
    found = candidates.find(hu, lungs.segment(hu, GRID), GRID, most=5)
    assert np.linalg.norm(found.centre_mm[0] - np.array([20, 60, 40])) < 2
    assert found.diameter_mm[0] in (6, 9)
    assert (np.diff(found.strength) <= 0).all()


def test_a_hit_lies_within_the_radius_of_the_nearest_nodule():
    nodule, size = np.array([[0.0, 0, 0], [8, 0, 0]]), np.array([8.0, 10.0])
    marks = np.array([[0, 0, 4.0], [0, 0, 4.1], [3.5, 0, 0], [5, 0, 0], [30, 0, 0]])
    assert candidates.match(marks, nodule, size).tolist() == [0, -1, 0, 1, -1]
    assert candidates.match(marks, nodule[:0], size[:0]).tolist() == [-1] * 5


def test_a_cube_has_its_place_in_the_middle_and_repeats_the_edge():
    volume = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)
    cut = volumes.cubes(volume, np.array([[5, 5, 5], [0, 0, 0]]), 4)
    assert cut[0, 2, 2, 2] == volume[5, 5, 5]
    assert cut[1, 2, 2, 2] == cut[1, 0, 0, 0] == 0


@pytest.mark.parametrize("spacing", [(np.nan, 1, 1), (2, 2), (0, 1, 1), (None, 1, 1)])
def test_a_missing_spacing_is_refused(spacing):
    with pytest.raises(InputError, match="The spacing of a volume of shape"):
        volumes.isotropic(np.zeros((4, 4, 4)), spacing)


def test_slices_too_thick_and_an_anisotropic_volume_are_refused():
    with pytest.raises(InputError, match="too anisotropic"):
        volumes.isotropic(np.zeros((4, 4, 4)), (10, 1, 1))
    with pytest.raises(InputError, match="resample the volume"):
        lungs.segment(chest(), (3, 1, 1))


def test_a_mask_of_another_shape_or_empty_and_no_candidate_are_refused():
    hu = chest()
    with pytest.raises(InputError, match=r"mask has shape \(1, 2, 3\)"):
        candidates.find(hu, np.ones((1, 2, 3), bool), GRID)
    with pytest.raises(InputError, match="is empty"):
        candidates.find(hu, np.zeros(hu.shape, bool), GRID)
    with pytest.raises(InputError, match="No candidate"):
        candidates.find(np.full_like(hu, -850), np.ones(hu.shape, bool), GRID)
    with pytest.raises(InputError, match="no candidate to cut"):
        volumes.cubes(hu, np.zeros((0, 3)), 4)
    with pytest.raises(InputError, match="No lung"):
        lungs.segment(np.zeros_like(hu), GRID)
