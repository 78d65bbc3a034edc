"""Questions about the folds of a cross-validation, one number a fold.

values: one difference (or one score, with its reference) a fold; with repeats a table, repeats x
folds. All except naive_t allow in some way for folds sharing training cases; no test can do so
without bias (Bengio & Grandvalet 2004, J. Mach. Learn. Res. 5:1089).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from medlib.errors import InputError
from medlib.statistics._checks import (
    as_count,
    as_finite,
    as_floats,
    as_fraction,
    as_numbers,
    as_table,
)
from medlib.statistics.outcome import Comparison, student
from medlib.types import Floats


def naive_t(values: ArrayLike, *, reference: float = 0.0, confidence: float = 0.95) -> Comparison:
    """Return the plain t-test over folds, which papers use, to be seen to fail.

    t = (mean - reference) / (s / sqrt(J)), J - 1 degrees of freedom, s with J - 1.

    Assumes independent folds, which they are not: their training sets overlap. So it finds
    differences that are not there, about 1 time in 10 over 5 folds instead of 1 in 20, and 4 to 5
    times in 10 over 5 x 5. Do not use it for a result; use corrected_t or out_of_fold_test.
    Raises InputError for fewer than two folds, NaN, or values that are equal but not the reference.
    """
    folds = _folds(values)
    return _student(folds, 1 / folds.size, folds.size - 1, reference, confidence, "naive t")


def corrected_t(
    values: ArrayLike,
    *,
    n_train: int,
    n_test: int,
    reference: float = 0.0,
    confidence: float = 0.95,
) -> Comparison:
    """Return the corrected resampled t-test of Nadeau and Bengio over k folds, once or repeated.

    t = (mean - reference) / sqrt((1/J + n_test/n_train) s^2), J - 1 degrees of freedom, J the
    number of values (folds x repeats), s^2 with J - 1; n_train, n_test: cases a fold is trained and
    tested on. Five folds of 50 cases: n_train = 40, n_test = 10.

    Assumes that values are about normal and that folds correlate by n_test / (n_train + n_test), a
    convention. With 5 folds it is safe and weak (rejects 0 to 5 % at a nominal 5 %); with 10 x 5
    folds less weak, and 0 to 11 %. Not for folds with very few errors, where s^2 is 0 or a jump.

    Sources: Nadeau & Bengio 2003, Mach. Learn. 52:239; Bouckaert & Frank 2004, PAKDD (repeated).
    Raises InputError for fewer than two folds, NaN, counts below one, or values that are equal but
    not the reference.
    """
    folds = _folds(values)
    train, test = as_count(n_train, "n_train", least=1), as_count(n_test, "n_test", least=1)
    share = 1 / folds.size + test / train
    return _student(
        folds, share, folds.size - 1, reference, confidence, "Nadeau-Bengio corrected t"
    )


def five_by_two_t(values: ArrayLike) -> Comparison:
    """Return Dietterich's 5x2cv paired t-test: values 5 x 2, one difference a half.

    With s_i^2 the variance of repeat i about its mean: t = first difference of the first repeat /
    sqrt(mean of s_i^2), 5 degrees of freedom. The numerator is one of ten differences, so another
    order of the repeats gives another answer; five_by_two_f uses all ten.

    Assumes that the halves' differences are normal and nearly independent (then it rejects 3 %, not
    5 %, for its numerator is part of its denominator). Compares learners
    trained on half the cases: not where half of a small study is too little to learn from.
    Source: Dietterich 1998, Neural Comput. 10:1895.
    Raises InputError for another shape, NaN, or differences without any variance.
    """
    table, variances = _five_by_two(values)
    t = float(table[0, 0] / np.sqrt(variances.mean()))
    p_value = float(2 * special.stdtr(5, -abs(t)))
    mean = float(table.mean())
    return Comparison("mean difference", mean, p_value, "5x2cv t", statistic=t, df=5.0)


def five_by_two_f(values: ArrayLike) -> Comparison:
    """Return Alpaydin's combined 5x2cv F-test: values 5 x 2, one difference a half.

    F = sum of the ten squared differences / (2 sum of s_i^2), 10 and 5 degrees of freedom.
    Assumptions and limits as five_by_two_t, without its dependence on the order.
    Source: Alpaydin 1999, Neural Comput. 11:1885. Raises InputError as five_by_two_t.
    """
    table, variances = _five_by_two(values)
    f = float((table**2).sum() / (2 * variances.sum()))
    p_value, mean = float(special.fdtrc(10, 5, f)), float(table.mean())
    return Comparison("mean difference", mean, p_value, "5x2cv F(10, 5)", statistic=f, df=5.0)


@dataclass(frozen=True, slots=True)
class Posterior:
    """How probable it is that a difference is below, in or above a region of equivalence."""

    mean: float
    rope: float
    below: float
    equivalent: float
    above: float

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        return (
            f"mean difference {self.mean:+.3f}: probability {self.below:.3f} that it is below "
            f"{-self.rope:g}, {self.equivalent:.3f} that it is within +-{self.rope:g}, "
            f"{self.above:.3f} that it is above {self.rope:g} (Bayesian correlated t)"
        )


def bayesian_correlated_t(
    values: ArrayLike, *, rope: float = 0.01, correlation: float = 0.2
) -> Posterior:
    """Return how probable a difference worth having is, given the folds' differences.

    Posterior: Student t with J - 1 degrees of freedom around the mean, scale
    s sqrt(1/J + rho / (1 - rho)); rho = correlation between folds, by convention 1/k (0.2 for five
    folds, where it agrees with corrected_t). rope: differences within +-rope count as none.

    Assumes normal differences and a flat prior. With 0 in place of rope it is corrected_t's one-
    sided p-value under another name. Not a licence to choose rope after seeing the folds.
    Source: Benavoli, Corani, Demsar & Zaffalon 2017, J. Mach. Learn. Res. 18:77.
    Raises InputError for fewer than two folds, NaN, equal folds, rope below 0, rho outside 0..1.
    """
    folds = _folds(values)
    region = as_finite(rope, "rope")
    if region < 0:
        raise InputError(f"rope = {region:g} is negative; give half the width of the region.")
    rho = as_fraction(correlation, "correlation")
    if rho == 1:
        raise InputError("correlation = 1 leaves one fold's worth of data; give 1/k for k folds.")
    spread, mean = float(folds.std(ddof=1)), float(folds.mean())
    if _constant(folds):
        raise InputError(f"values are all {mean:g}; without variance there is no posterior.")
    scale = spread * np.sqrt(1 / folds.size + rho / (1 - rho))
    df = folds.size - 1
    below = float(special.stdtr(df, (-region - mean) / scale))
    above = float(special.stdtr(df, (mean - region) / scale))
    return Posterior(mean, region, below, max(0.0, 1 - below - above), above)


def _folds(values: ArrayLike) -> Floats:
    given = as_floats(values, "values")
    folds = as_table(given, "values").ravel() if given.ndim == 2 else as_numbers(given, "values")
    if folds.size < 2:
        raise InputError(f"values holds {folds.size} fold; a variance needs two or more.")
    return folds


def _constant(values: Floats) -> bool:
    """Return whether values differ by rounding alone: 0.1 + 0.2 against 0.3 is no variance."""
    return bool(np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())))


def _five_by_two(values: ArrayLike) -> tuple[Floats, Floats]:
    table = as_table(values, "values")
    if table.shape != (5, 2):
        raise InputError(f"values has shape {table.shape}; give 5 repeats x 2 halves.")
    variances = table.var(axis=1, ddof=1)
    if not np.any(np.ptp(table, axis=1) > 1e-12):
        raise InputError(
            "values are equal in both halves of all five repeats, so there is no variance to judge "
            "them by; use mcnemar_test on cases instead."
        )
    return table, variances


def _student(
    folds: Floats, share: float, df: int, reference: float, confidence: float, method: str
) -> Comparison:
    """Return the t-test of the mean, its variance being share x the variance of the values."""
    against = as_finite(reference, "reference")
    level = as_fraction(confidence, "confidence", open_ends=True)
    difference = float(folds.mean()) - against
    quantity = "mean difference" if against == 0 else f"mean minus {against:g}"
    basis = f"{folds.size} values"
    if _constant(folds):
        if abs(difference) > 1e-12:
            raise InputError(
                f"values are all {folds[0]:g}; without variance between folds there is no t-test; "
                "use mcnemar_test or binomial_test on cases."
            )
        return Comparison(quantity, 0.0, 1.0, method, 0.0, float(df), basis=basis + ", all equal")
    se = float(np.sqrt(share * folds.var(ddof=1)))
    return student(quantity, difference, se, df, level, method, basis)
