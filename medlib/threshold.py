"""When a score calls a case positive: the one rule of the whole package."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

THRESHOLD: Final = 0.5
"""A case is called positive above this probability."""


def called_positive(scores: ArrayLike, threshold: float = THRESHOLD) -> NDArray[np.bool_]:
    """Return whether each score lies above the threshold; a score on it is called negative.

    So do scikit-learn's `LogisticRegression.predict` and the largest of two outputs, which at a tie
    is the first one, class 0. The shape is that of `scores`, which may be classes 0 and 1 as well.

    Examples:
        >>> called_positive([0.4, 0.5, 0.6]).tolist()
        [False, False, True]

    """
    above: Any = np.asarray(scores) > threshold
    return np.asarray(above, dtype=np.bool_)
