"""Questions about many tests at once: which results remain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from medlib.errors import InputError
from medlib.statistics._checks import as_fraction, as_numbers


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
    (use benjamini_hochberg). Source: Holm 1979, Scand. J. Statist. 6:65. Computed by statsmodels;
    equals R's p.adjust(method = "holm"). Raises InputError for p-values outside 0..1.
    """
    return _adjust(p_values, "holm", "Holm", alpha)


def benjamini_hochberg(p_values: ArrayLike, *, alpha: float = 0.05) -> Adjusted:
    """Return which tests remain when at most a share alpha of the finds may be false (FDR).

    Adjusted p(i) = min over j >= i of min(1, m p(j) / j). Valid for independent or positively
    dependent tests. Not for the one primary hypothesis of a study. Source: Benjamini & Hochberg
    1995, J. R. Statist. Soc. B 57:289. Computed by statsmodels; equals R's p.adjust(method = "BH").
    Raises InputError for p-values outside 0..1.
    """
    return _adjust(p_values, "fdr_bh", "Benjamini-Hochberg", alpha)


def _adjust(p_values: ArrayLike, code: str, name: str, alpha: float) -> Adjusted:
    values = as_numbers(p_values, "p_values")
    bad = np.flatnonzero((values < 0) | (values > 1))
    if bad.size:
        raise InputError(f"p_values[{bad[0]}] = {values[bad[0]]:g} is no probability from 0 to 1.")
    level = as_fraction(alpha, "alpha", open_ends=True)
    adjusted = multipletests(values, alpha=level, method=code)[1]
    return Adjusted(name, tuple(map(float, values)), tuple(map(float, adjusted)), level)
