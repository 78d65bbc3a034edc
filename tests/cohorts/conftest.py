"""What tests of guards are given."""

import numpy as np
import pytest


@pytest.fixture
def noise():
    """60 cases of 200 features that know nothing of the labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 200)), np.arange(60) % 2
