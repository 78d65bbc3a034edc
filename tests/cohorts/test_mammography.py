"""Simulated mammograms as a cohort: two views a woman, made once and kept."""

import numpy as np
import pytest

from medlib.cohorts import load
from medlib.errors import InputError
from medlib.learning.folds import stratified_patient_folds


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A cache of this page, for a file of it is damaged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def women(home):
    return load("phantom-mammography", per_class=3)


def test_every_woman_has_two_views_of_one_label(women):
    table = women.table
    assert table.groupby("patient_id").view.apply(list).map(lambda v: v == ["CC", "MLO"]).all()
    assert (table.groupby("patient_id").label.nunique() == 1).all()
    assert table.drop_duplicates("patient_id").label.value_counts().to_dict() == {
        "no cancer": 3,
        "cancer": 3,
    }


def test_findings_go_with_the_label(women):
    cancers = women.table[women.table.label == "cancer"].finding
    others = women.table[women.table.label == "no cancer"].finding
    assert set(cancers) <= {"mass", "calcifications", "mass and calcifications"}
    assert set(others) <= {"none", "benign mass"}


def test_a_woman_looks_the_same_in_a_larger_cohort(women):
    more = load("phantom-mammography", per_class=4)
    assert np.array_equal(women.pixels(4), more.pixels(4))
    assert more.table.image_id[:12].tolist() == women.table.image_id.tolist()


def test_views_of_a_woman_stay_in_one_fold(women):
    folds = stratified_patient_folds(women.labels, women.table.patient_id, folds=3, seed=0)
    assert (folds[::2] == folds[1::2]).all()


def test_a_damaged_file_is_made_again(women, capsys):
    path, before = women.table.path[0], women.pixels(0)
    with open(path, "wb") as file:
        file.write(b"cut off")
    again = load("phantom-mammography", per_class=3)
    assert np.array_equal(again.pixels(0), before)


def test_density_can_be_asked_for():
    dense = load("phantom-mammography?density=D", per_class=1)
    assert set(dense.table.density) == {"D"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("phantom-mammography?task=slice", "'crop' or 'view'"),
        ("phantom-mammography?density=E", "A, B, C, D"),
        ("phantom-mammography?dose=2", "no option 'dose'"),
        ("phantom-mammography:here", "has no place"),
    ],
)
def test_what_cannot_be_simulated_is_refused(spec, said):
    with pytest.raises(InputError, match=said):
        load(spec)
