"""Simulated reader studies find more the larger they are, and little where nothing is."""

import numpy as np
import pytest

from medlib import statistics as st
from medlib.errors import InputError


def test_larger_studies_find_more_and_exaggerate_less():
    few, many = (
        st.reader_power(readers, cases, aucs=(0.75, 0.85), studies=40, seed=1)
        for readers, cases in ((3, 60), (10, 300))
    )
    assert few.share.estimate < 0.6 < 0.9 < many.share.estimate
    assert few.width > 1.5 * many.width
    assert few.gain > many.gain > 0.07


def test_where_nothing_is_little_is_found():
    found = st.reader_power(5, 80, aucs=(0.8, 0.8), studies=100, seed=2)
    assert found.share.estimate <= 0.08
    wins = st.model_power(5, 80, aucs=(0.8, 0.8), studies=100, seed=2)
    assert wins.estimate <= 0.12


def test_a_much_better_model_is_found():
    assert st.model_power(5, 100, aucs=(0.7, 0.95), studies=40, seed=3).estimate > 0.9


def test_a_generator_goes_on_from_study_to_study():
    rng = np.random.default_rng(0)
    first, second = (
        st.reader_power(3, 40, aucs=(0.7, 0.9), studies=10, seed=rng) for _ in range(2)
    )
    assert first.width != second.width


@pytest.mark.parametrize("power", [st.reader_power, st.model_power])
def test_one_area_is_refused(power):
    with pytest.raises(InputError, match="1 numbers"):
        power(3, 40, aucs=(0.8,), studies=5)
