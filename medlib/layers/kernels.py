"""Kernels that are set by hand, how an image is laid under them, and a layer as a matrix."""

from types import MappingProxyType
from typing import Final

import numpy as np
import scipy.sparse
from torch.nn import functional as F

from medlib.layers.arrays import as_tensor
from medlib.types import Array, Singles

Kernel = Singles
"""Rows x columns of weights."""


def gaussian(sd: float, size: int) -> Kernel:
    """A bell curve of `size` samples that add up to 1; `sd` in samples."""
    place = np.arange(size) - (size - 1) / 2
    bell = np.exp(-(place**2) / (2 * sd**2))
    return np.asarray(bell / bell.sum(), np.float32)


def _one(weight: float, margin: int) -> Kernel:
    """One weight in the middle of zeros."""
    return np.pad([[weight]], margin).astype(np.float32)


SOBEL: Final = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
LAPLACE: Final = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)
BINOMIAL: Final = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)
_BELL: Final = np.outer(gaussian(2, 13), gaussian(2, 13))
KERNELS: Final = MappingProxyType(
    {
        "none (one weight of 1)": _one(1, 1),
        "smoothing: mean of 5 x 5": np.full((5, 5), 1 / 25, np.float32),
        "smoothing: Gaussian, SD 2": _BELL,
        "sharpening: minus Laplace": _one(1, 1) - LAPLACE,
        "unsharp mask: twice minus smooth": _one(2, 6) - _BELL,
        "edges, left to right: Sobel": SOBEL,
        "edges, top to bottom: Sobel": SOBEL.T.copy(),
        "all edges: Laplace": LAPLACE,
    }
)
"""Those of a viewer's buttons. The first five add up to 1, the last three to 0."""


def same_size(image: Array, kernel: Kernel) -> Array:
    """Cross-correlation with the border repeated outwards, so that the size stays; odd kernels."""
    margin = kernel.shape[0] // 2
    padded = F.pad(as_tensor(image), (margin,) * 4, mode="replicate")
    found: Array = F.conv2d(padded, as_tensor(kernel))[0, 0].numpy()
    return found


def as_matrix(kernel: Kernel, n: int) -> scipy.sparse.csr_array:
    """The sparse matrix, n² x n², of a 3 x 3 cross-correlation with zero padding on n x n pixels.

    Times the image as one long vector, row by row, it gives the output as one long vector.
    """
    shifts = [scipy.sparse.eye_array(n, k=d, dtype=np.float32) for d in (-1, 0, 1)]
    terms = [kernel[u, v] * scipy.sparse.kron(shifts[u], shifts[v]) for u, v in np.ndindex(3, 3)]
    return scipy.sparse.csr_array(sum(terms[1:], terms[0]))
