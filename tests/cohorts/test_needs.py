"""A chapter with a fixed number of folds says how many patients it needs, and why."""

import numpy as np
import pytest

from medlib.cohorts import from_arrays
from medlib.cohorts.needs import require_patients
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
