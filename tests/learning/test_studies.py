"""A pool is dealt into disjoint studies that hold everybody once, with the pool's classes."""

import numpy as np
import pytest

from medlib.learning import studies


@pytest.mark.parametrize("n", [10, 25, 37, 60, 120])
def test_studies_are_disjoint_of_about_the_size_asked_and_hold_the_classes_in_their_shares(n):
    y = np.random.default_rng(0).permutation(np.repeat([0, 1], [80, 40]))
    dealt = studies.deal(y, n, seed=3)
    assert sorted(np.concatenate(dealt)) == list(range(120))
    assert all(n <= len(part) <= 1.5 * n for part in dealt)
    positive = [int(y[part].sum()) for part in dealt]
    assert max(positive) - min(positive) <= 1


def test_another_seed_deals_otherwise_and_the_same_one_alike():
    y = np.arange(60) % 2
    once, again, other = (studies.deal(y, 20, seed) for seed in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(once, again, strict=True))
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(once, other, strict=True))


def test_sizes_double_up_to_half_the_pool_and_end_with_all_of_it():
    y, patient = np.arange(200) % 2, np.arange(200)
    assert studies.sizes(y, patient, 25, 5, seed=0) == ([25, 50, 100, 200], [])
    assert studies.sizes(y, patient, 150, 5, seed=0) == ([200], [])


def test_a_size_whose_studies_have_too_few_patients_of_a_class_is_left_out():
    y, patient = np.arange(200) % 2, np.arange(200)
    assert studies.sizes(y, patient, 8, 5, seed=0) == ([16, 32, 64, 200], [8])
    two_ill = np.where(y == 1, 1000 + patient // 100, patient)
    assert studies.sizes(y, two_ill, 25, 5, seed=0) == ([200], [25, 50, 100])
