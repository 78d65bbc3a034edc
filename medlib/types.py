"""Types of arrays that rooms share, each with one meaning; shapes are slowest axis first.

mypy checks what an array holds, not its shape: where a name leaves the shape open, the docstring
of the function says it.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
"""Anything an array can hold, in any shape: names of patients, pixels as a file stores them."""
Floats: TypeAlias = NDArray[np.float64]
"""Numbers in double precision; one a case where nothing else is said."""
Reals: TypeAlias = NDArray[np.floating[Any]]
"""Numbers in double or single precision, in the shape that the function names."""
Singles: TypeAlias = NDArray[np.float32]
"""Numbers in single precision that are no grey levels, in the shape that the function names."""
Integers: TypeAlias = NDArray[np.int64]
"""Whole numbers: folds, groups, counts, rows of a table; one a case where nothing else is said."""
Bools: TypeAlias = NDArray[np.bool_]
"""True or false; one a case where nothing else is said."""

Image: TypeAlias = NDArray[np.float32]
"""One grey image, height x width."""
Images: TypeAlias = NDArray[np.float32]
"""Grey images of one size, n x height x width."""
Volume: TypeAlias = NDArray[np.float32]
"""Slices in order, depth x height x width."""
Mask: TypeAlias = NDArray[np.bool_]
"""Which pixels of an image are meant, height x width."""
Masks: TypeAlias = NDArray[np.bool_]
"""The same of several images, n x height x width."""

Labels: TypeAlias = NDArray[np.int64]
"""The class of each case, n: 0, 1, ... (0 negative and 1 positive where there are two)."""
Features: TypeAlias = NDArray[np.float32]
"""What a network sees in each image, n x features."""
Probabilities: TypeAlias = NDArray[np.float32]
"""Of each class in each case, n x classes; each row sums to one."""
