"""A chapter with a fixed number of folds says how many patients it needs, and why."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.cohorts import from_arrays
from medlib.cohorts.needs import require_patients, require_sites
from medlib.errors import InputError


def cohort(negatives, positives, images=1):
    """Noise images of so many patients of each class, each with so many images."""
    patients = np.repeat(np.arange(negatives + positives), images)
    pixels = np.random.default_rng(0).integers(0, 255, (len(patients), 8, 8))
    return from_arrays(pixels, patients >= negatives, name="mine", patient_ids=patients)


def test_a_class_with_too_few_patients_is_named_with_the_reason():
    with pytest.raises(InputError, match=r"has 4 patients.*needs 5 of each.*because of five folds"):
        require_patients(cohort(9, 4), 5, why="of five folds")


def test_images_of_one_patient_are_not_counted_as_patients():
    with pytest.raises(InputError, match="has 2 patients"):
        require_patients(cohort(2, 9, images=5), 5, why="of five folds")


def test_enough_patients_pass():
    enough = cohort(5, 5)
    assert require_patients(enough, 5, why="of five folds") is enough


def at_sites(counts):
    """A cohort with (negatives, positives) patients at each site."""
    whole = cohort(sum(n for n, _ in counts), sum(p for _, p in counts))
    sites = [f"S{k}" for k, (n, _) in enumerate(counts) for _ in range(n)]
    sites += [f"S{k}" for k, (_, p) in enumerate(counts) for _ in range(p)]
    return replace(whole, table=whole.table.assign(site=sites))


def test_sites_with_patients_enough_pass():
    enough = at_sites([(5, 5), (5, 6), (7, 5)])
    assert require_sites(enough, 5) is enough


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([(9, 9)], "has 1 site, and this chapter needs 3 or more: name a column.*site_by"),
        ([(9, 9), (9, 9)], "has 2 sites"),
        ([(9, 9), (9, 0), (9, 9)], r"Site 'S1' .* 0 patients of class '1' and needs 5 \(1 such"),
        ([(9, 9), (9, 9), (4, 9)], "Site 'S2' .* 4 patients of class '0' .*leave such sites out"),
    ],
)
def test_what_sites_lack_is_said(counts, said):
    with pytest.raises(InputError, match=said):
        require_sites(at_sites(counts), 5)


def test_small_sites_can_be_left_out_as_long_as_three_stay():
    kept = require_sites(at_sites([(5, 5), (5, 5), (5, 5), (9, 0)]), 5, leave_out=True)
    assert set(kept.table.site) == {"S0", "S1", "S2"}
    assert "Left out, too few patients of a class: S3." in kept.notes
    with pytest.raises(InputError, match="has 2 sites with 5 patients of each class"):
        require_sites(at_sites([(5, 5), (5, 5), (9, 0)]), 5, leave_out=True)


def test_a_patient_at_two_sites_is_refused():
    both = at_sites([(5, 5), (5, 5), (5, 5)])
    twice = both.table.assign(patient_id=["p", *both.table.patient_id[:-1]])
    twice.loc[twice.index[-1], "patient_id"] = "p"
    with pytest.raises(InputError, match="Patient 'p' of mine is at 2 sites"):
        require_sites(replace(both, table=twice), 1)
