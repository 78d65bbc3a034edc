"""What moves an accuracy: the choices, the patients drawn, or the deal into folds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from medlib.errors import InputError
from medlib.types import Reals


class Moved(NamedTuple):
    """Standard deviations of a grid of results, in its unit.

    choices: of the specifications listed. alike: of draws, in all specifications alike. apart: of
    draws, in each specification by itself. together: of draws, both.
    """

    choices: float
    alike: float
    apart: float
    together: float


def moved_by(grid: Reals) -> Moved:
    """Take apart a grid of results, draws x specifications, as a two-way analysis of variance.

    Variances that come out below 0 count as 0. Raises InputError for fewer than two
    rows or columns.
    """
    if grid.ndim != 2 or min(grid.shape) < 2:
        raise InputError(f"The grid is {grid.shape}; give two draws of two specifications or more.")
    draws, specifications = grid.shape
    of_draw, of_choice = grid.mean(axis=1), grid.mean(axis=0)
    rest = grid - of_draw[:, None] - of_choice + grid.mean()
    residual = (rest**2).sum() / ((draws - 1) * (specifications - 1))
    choices, alike, apart = np.maximum(
        [
            of_choice.var(ddof=1) - residual / draws,
            of_draw.var(ddof=1) - residual / specifications,
            residual,
        ],
        0,
    )
    return Moved(*np.sqrt([choices, alike, apart, alike + apart]).tolist())
