"""A simulated screening scan: what it says of its nodules is what its pixels show."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.phantom.screening import simulate

SMALL = {"slices": 12, "matrix": 96}


@pytest.fixture(scope="module")
def ill():
    return simulate(3, cancer=True, **SMALL)


def hu_at(made, nodule):
    z, y, x = np.rint(np.array(nodule.centre_mm) / made.case.spacing).astype(int)
    return made.case.hu[z, y - 1 : y + 2, x - 1 : x + 2].max()


def test_each_nodule_is_brighter_than_lung_where_it_is_said_to_be(ill):
    assert all(hu_at(ill, each) > -700 for each in ill.nodules)
    assert ill.nodules[0].malignant
    assert sum(each.malignant for each in ill.nodules) == 1


def test_the_same_seed_gives_the_same_bytes_and_a_control_has_no_cancer(ill):
    again = simulate(3, cancer=True, **SMALL)
    assert again.case.hu.tobytes() == ill.case.hu.tobytes()
    assert again.nodules == ill.nodules
    well = simulate(3, cancer=False, **SMALL)
    assert not any(each.malignant for each in well.nodules)
    assert not well.case.lesion_mask.any()
    assert well.case.patient.age == ill.case.patient.age


def test_findings_lie_apart_and_inside_the_slab(ill):
    centres = np.array([each.centre_mm for each in ill.nodules])
    thick = ill.case.spacing[0]
    assert (centres[:, 0] > 0).all()
    assert (centres[:, 0] < thick * (SMALL["slices"] - 1)).all()
    for i, one in enumerate(centres):
        assert all(np.linalg.norm(one - other) > 20 for other in centres[:i])


def test_a_second_visit_moves_the_patient_and_grows_the_first_nodule_only(ill):
    later = simulate(3, cancer=True, visit=1, growth=2.0, **SMALL)
    ratio = (later.nodules[0].diameter_mm / ill.nodules[0].diameter_mm) ** 3
    assert 1.7 < ratio < 2.05  # the fillets between its lobes do not grow
    for before, after in zip(ill.nodules[1:], later.nodules[1:], strict=True):
        assert after.diameter_mm == before.diameter_mm
        assert after.centre_mm != before.centre_mm


@pytest.mark.parametrize(
    ("more", "said"),
    [({"growth": 0}, "growth is 0"), ({"slices": 2}, "slices"), ({"visit": -1}, "visit")],
)
def test_what_cannot_be_simulated_is_refused(more, said):
    with pytest.raises(InputError, match=said):
        simulate(0, cancer=True, **{**SMALL, **more})
