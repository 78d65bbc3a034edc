"""Questions about many tests at once: which results remain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from medlib.errors import InputError
from medlib.statistics._checks import as_fraction, as_numbers
from medlib.types import Floats


@dataclass(frozen=True, slots=True)
class Adjusted:
    """P-values adjusted for how many there are, in the order given."""

    method: str
    p_values: tuple[float, ...]
    adjusted: tuple[float, ...]
    alpha: float

    @property
    def rejected(self) -> tuple[bool, ...]:
        """Return for each test whether its adjusted p-value is at most alpha."""
        return tuple(p <= self.alpha for p in self.adjusted)

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        naive = sum(p <= self.alpha for p in self.p_values)
        return (
            f"{sum(self.rejected)} of {len(self.p_values)} tests remain at {self.alpha:g} after "
            f"{self.method} ({naive} before)"
        )


def holm(p_values: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Return which tests remain when not one false alarm is wanted (family-wise error).

    Sorted p(1) <= ... <= p(m): adjusted p(i) = max over j <= i of min(1, (m - j + 1) p(j)). Valid
    under any dependence. Not for screening thousands of features, where some false finds are fine
    (use benjamini_hochberg). Source: Holm 1979, Scand. J. Statist. 6:65. Equals R's
    p.adjust(method = "holm"). Raises InputError for p-values outside 0..1.
    """
    values = _p_values(p_values)
    order = np.argsort(values)
    # Written here because statsmodels collects garbage in each call: 0.3 s in a notebook's process.
    steps = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1)
    return _adjusted("Holm", values, adjusted, alpha)


def benjamini_hochberg(p_values: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Return which tests remain when at most a share alpha of the finds may be false (FDR).

    Adjusted p(i) = min over j >= i of min(1, m p(j) / j). Valid for independent or positively
    dependent tests. Not for the one primary hypothesis of a study. Source: Benjamini & Hochberg
    1995, J. R. Statist. Soc. B 57:289. Computed by SciPy; equals R's p.adjust(method = "BH").
    Raises InputError for p-values outside 0..1.
    """
    values = _p_values(p_values)
    adjusted = stats.false_discovery_control(values, method="bh")
    return _adjusted("Benjamini-Hochberg", values, adjusted, alpha)


def _p_values(p_values: ArrayLike) -> Floats:
    values = as_numbers(p_values, "p_values")
    bad = np.flatnonzero((values < 0) | (values > 1))
    if bad.size:
        raise InputError(f"p_values[{bad[0]}] = {values[bad[0]]:g} is no probability from 0 to 1.")
    return values


def _adjusted(method: str, values: Floats, adjusted: Floats, alpha: float) -> Adjusted:
    level = as_fraction(alpha, "alpha", open_ends=True)
    return Adjusted(method, tuple(map(float, values)), tuple(map(float, adjusted)), level)
