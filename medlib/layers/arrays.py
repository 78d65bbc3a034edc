"""From NumPy to torch, and how far two ways to compute the same thing are apart."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from medlib.types import Array

ROUNDING = 1e-12
"""In double precision a sum of 500 products errs by at most 500 x 2e-16 of its size."""
ROUNDING_SINGLE = 1e-5
"""In single precision, through some twenty layers."""


def as_tensor(image: Array) -> Tensor:
    """An image (rows x columns) as torch takes it: 1 x 1 x rows x columns."""
    return torch.from_numpy(np.ascontiguousarray(image))[None, None]


def largest_difference(first: ArrayLike | Tensor, *others: ArrayLike | Tensor) -> float:
    """Largest absolute difference between the first array and any of the others, of its shape."""
    one, *rest = (np.asarray(each, float) for each in (first, *others))
    return max(float(np.abs(one - each).max()) for each in rest)
