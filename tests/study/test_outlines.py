"""Networks that outline are compared on parts that both sides have, with ends that can be."""

import numpy as np
import pytest
from cubes import balls, write

from medlib.cohorts.segmented import load_segmented
from medlib.errors import InputError
from medlib.learning.segmenting import SegmentationLearner
from medlib.study.outlines import Judge, outline


@pytest.mark.parametrize(("side", "train", "test"), [("training", [0, 1], [4, 5]),
                                                     ("test", [4, 5], [0, 1])])  # fmt: skip
def test_a_part_that_one_side_lacks_is_refused_before_anything_is_trained(
    tmp_path, side, train, test
):
    masks = balls()["masks"]
    masks[:4][masks[:4] == 2] = 1
    data = load_segmented(write(tmp_path / "a.npz", masks=masks))
    with pytest.raises(InputError, match=f"'part 2'.* in no {side} case"):
        outline({}, data, np.array(train), np.array(test), seeds=2, first=0,
                learner=SegmentationLearner(), tolerance_mm=1.0)  # fmt: skip


def test_a_difference_of_shares_has_no_end_beyond_what_shares_can_differ():
    rng = np.random.default_rng(0)
    a = np.stack([rng.uniform(0.0, 0.2, 6), rng.uniform(0.8, 1.0, 6)])
    b = a[::-1] * 0.9
    judge = Judge(np.arange(6))
    free, cut = judge.difference(a, b).interval, judge.difference(a, b, most=1.0).interval
    assert free.low < -1
    assert free.high > 1
    assert (cut.low, cut.high) == (-1, 1)
    assert cut.estimate == free.estimate
