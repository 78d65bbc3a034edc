"""What is left of features once others are taken out of them, learned in training."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from medlib.types import Floats


class Without(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take out of all columns what the last `shortcuts` columns explain; drop these."""

    def __init__(self, shortcuts: int = 9) -> None:
        """Of the columns the last so many are shortcuts."""
        self.shortcuts = shortcuts

    def fit(self, x: ArrayLike, y: ArrayLike | None = None) -> "Without":
        """Learn from training rows what a linear model of the shortcuts explains."""
        self.scaler_ = StandardScaler().fit(x)
        columns, shortcuts = self._apart(x)
        self.line_ = LinearRegression().fit(shortcuts, columns)
        return self

    def transform(self, x: ArrayLike) -> Floats:
        """Return the other columns less what is explained, rows x (columns - shortcuts)."""
        columns, shortcuts = self._apart(x)
        return np.asarray(columns - self.line_.predict(shortcuts))

    def _apart(self, x: ArrayLike) -> tuple[Floats, Floats]:
        scaled = self.scaler_.transform(x)
        return scaled[:, : -self.shortcuts], scaled[:, -self.shortcuts :]
