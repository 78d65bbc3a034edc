"""Simulated against real images."""

import numpy as np

from medlib.cohorts import from_arrays
from medlib.study.simulated_or_real import simulated_or_real


def cohort(seed, *, smooth):
    """Sixteen images, half of them with a bright square; noise in fine or in coarse grains."""
    rng, label = np.random.default_rng(seed), np.repeat([0, 1], 8)
    grain = rng.normal(100, 20, (16, 4, 4) if smooth else (16, 32, 32))
    images = np.kron(grain, np.ones((8, 8))) if smooth else grain
    images[label == 1, 8:24, 8:24] += 80
    return from_arrays(images.astype(np.float32), label)


def test_texture_tells_the_source():
    found = simulated_or_real(cohort(0, smooth=True), cohort(1, smooth=False), folds=4)
    assert found.told_apart == found.of_images.estimate == 1


def test_of_one_source_nothing_is_told_apart_and_the_disease_carries_over():
    found = simulated_or_real(cohort(0, smooth=False), cohort(1, smooth=False), folds=4)
    assert found.of_images.low < 0.5 < found.of_images.high
    assert found.simulated_to_real.estimate > 0.9
    assert found.real_to_simulated.estimate > 0.9
