"""The simulated scanner on the bench."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.laboratory import ct_bench


@pytest.fixture(scope="module")
def chest():
    return ct_bench.whole_chest(3, slices=4, matrix=128)


def test_a_chest_goes_from_the_top_of_the_lungs_to_their_bottom(chest):
    assert chest.hu.shape == chest.tissue.shape == (4, 128, 128)
    assert list(chest.z_mm) == sorted(chest.z_mm, reverse=True)
    assert chest.z_mm[0] - chest.z_mm[-1] > 200
    lung = [(chest.tissue[k] == 1).mean() for k in range(4)]
    assert lung[1] > max(lung[0], lung[-1])  # little lung at either end, much in the middle


def test_tissues_measure_as_drawn_except_thin_bone(chest):
    values = ct_bench.tissue_values(chest).set_index("tissue")
    for soft in ("air", "fat", "muscle"):
        assert abs(values["mean"][soft] - values.nominal[soft]) < 15
    assert values["mean"]["cortical bone"] < 0.8 * values.nominal["cortical bone"]


def test_four_times_the_current_halves_the_noise():
    ratio = ct_bench.noise("standard", 50) / ct_bench.noise("standard", 200)
    assert 1.9 < ratio < 2.1


def test_a_sharp_kernel_keeps_more_detail_and_more_noise():
    soft, sharp = (ct_bench.sharpness(kernel) for kernel in ("soft", "sharp"))
    for (frequency, blunt), (_, keen) in zip(soft, sharp, strict=True):
        assert np.interp(0.25, frequency, keen) > 2 * np.interp(0.25, frequency, blunt)


@pytest.mark.parametrize("wrong", [{"slices": 1}, {"matrix": 1.5}])
def test_counts_that_are_none_are_refused(wrong):
    with pytest.raises(InputError):
        ct_bench.whole_chest(0, **wrong)
