"""When a score calls a case positive: the one rule of the whole package."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.types import Bools

THRESHOLD: Final = 0.5
"""A case is called positive above this probability."""


def called_positive(scores: ArrayLike, threshold: float = THRESHOLD) -> Bools:
    """Return whether each score lies above the threshold; a score on it is called negative.

    So do scikit-learn's `LogisticRegression.predict` and the largest of two outputs, which at a tie
    is the first one, class 0. The shape is that of `scores`, which may be classes 0 and 1 as well.

    Compared in double precision, whatever precision scores come in: a float32 score of 0.3, which
    is 0.30000001, lies above 0.3. Raises InputError where a score or the threshold is no number.

    Examples:
        >>> called_positive([0.4, 0.5, 0.6]).tolist()
        [False, False, True]

    """
    try:
        score, cut = np.asarray(scores, dtype=np.float64), float(threshold)
    except (TypeError, ValueError):
        raise InputError("Scores or threshold hold what is no number; give numbers.") from None
    if np.isnan(cut) or np.isnan(score).any():
        raise InputError("Scores or threshold hold NaN, which calls nobody; give numbers.")
    above: Any = score > cut
    return np.asarray(above, dtype=np.bool_)
