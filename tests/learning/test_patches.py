"""The network of patches: cubes and squares, shapes, seeds, and what it refuses."""

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.learning.patches import PatchLearner


def patches(axes, size, n=24):
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(n, *[size] * axes)), np.arange(n) % 2
    middle = (labels == 1, *[slice(size // 2 - 3, size // 2 + 3)] * axes)
    images[middle] += 2
    return images.astype(np.float32), labels


@pytest.mark.parametrize(("axes", "size"), [(3, 12), (2, 16)])
def test_it_learns_a_blob_and_the_same_seed_gives_the_same_network(axes, size):
    images, labels = patches(axes, size)
    learner = PatchLearner(axes=axes, size=size, epochs=6, batch_size=8)
    one, same = (learner.fit(images, labels, seed=1) for _ in range(2))
    told = one.predict(images)
    assert told.shape == (len(images), 2)
    assert ((told[:, 1] > 0.5) == labels).mean() > 0.9
    assert np.array_equal(told, same.predict(images))


def test_patches_of_another_size_are_refused_with_both_shapes():
    images, labels = patches(3, 12)
    with pytest.raises(InputError, match=r"\(12, 12, 12\).*\(16, 16, 16\)"):
        PatchLearner(size=16).fit(images, labels, seed=0)
    with pytest.raises(InputError, match="axes"):
        PatchLearner(axes=4)
    with pytest.raises(InputError, match="size"):
        PatchLearner(size=4)
