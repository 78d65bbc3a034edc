"""Simulated vessels: noise as asked for, and no calcium where there is none."""

import numpy as np
import pytest

from medlib.features.agatston import agatston
from medlib.phantom import coronary


def test_the_same_seed_gives_the_same_bytes_and_a_second_scan_other_noise():
    one, again = coronary.simulate(3), coronary.simulate(3)
    for name, scan in one.scans.items():
        assert np.array_equal(scan, again.scans[name])
        assert np.array_equal(scan, np.rint(scan))
    assert not np.array_equal(one.scans["gated"], one.scans["gated again"])


def test_slices_are_as_thick_as_the_scan_says():
    shapes = {name: scan.shape for name, scan in coronary.simulate(0).scans.items()}
    assert shapes["gated"] == (10, 96, 96)
    assert shapes["in passing"] == (6, 96, 96)


@pytest.mark.parametrize("name", list(coronary.SCANS))
def test_noise_in_fat_has_the_sd_asked_for(name):
    sds = [coronary.simulate(seed).scans[name][:, :12, :12].std() for seed in range(4)]
    assert np.mean(sds) == pytest.approx(coronary.SCANS[name].noise_hu, rel=0.1)


def test_a_vessel_without_plaques_scores_0_and_one_with_large_ones_does_not():
    found = [coronary.simulate(seed) for seed in range(12)]
    scores = np.array([agatston(v.scans["gated"], (0.5, 0.5)) for v in found])
    number = np.array([len(v.plaques) for v in found])
    assert (scores[number == 0] == 0).all()
    assert scores[number == number.max()].min() > 0
