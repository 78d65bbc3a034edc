"""The accuracies of the folds of a cross-validation, kept as exact counts."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement
from math import comb, exp, factorial, lcm, lgamma, log, prod, sqrt

from scipy import special

from medlib.consistency._checks import as_rate, as_sizes
from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number

MOST_WAYS = 1_000_000
"""Ways to fill folds that are listed."""


def fold_sizes(n: int, folds: int) -> tuple[int, ...]:
    """Sizes of the folds, as equal as they can be, largest first.

    Raises:
        InputError: Fewer than two folds, or more folds than cases.

    Examples:
        >>> fold_sizes(52, 5)
        (11, 11, 10, 10, 10)

    """
    as_number(n, "n", least=1)
    if as_number(folds, "folds", least=0) < 2:
        raise InputError(f"folds is {folds}; a spread needs at least two folds")
    if folds > n:
        raise InputError(f"folds is {folds}, but there are only {n} cases; give at most {n} folds")
    size, larger = divmod(n, folds)
    return (size + 1,) * larger + (size,) * (folds - larger)


@dataclass(frozen=True)
class FoldVector:
    """How many cases were right in each fold, and everything that follows from it.

    All accuracies are proportions. Variances and means are exact; the square roots of them
    are floats for display and decide nothing.
    """

    correct: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of cases that were right."""
        return sum(self.correct)

    @property
    def pooled(self) -> Fraction:
        """Proportion right over all cases."""
        return Fraction(self.total, sum(self.sizes))

    @cached_property
    def _scaled(self) -> tuple[int, list[int]]:
        """A common denominator of the fold accuracies, and their numerators."""
        common = lcm(*set(self.sizes))
        return common, [c * (common // m) for c, m in zip(self.correct, self.sizes, strict=True)]

    @property
    def accuracies(self) -> tuple[Fraction, ...]:
        """Proportion right in each fold."""
        common, numerators = self._scaled
        return tuple(Fraction(x, common) for x in numerators)

    @cached_property
    def mean(self) -> Fraction:
        """Mean over the folds; differs from `pooled` when the folds differ in size."""
        common, numerators = self._scaled
        return Fraction(sum(numerators), common * len(numerators))

    @cached_property
    def sum_of_squares(self) -> Fraction:
        """Sum of squared differences of the fold accuracies from their mean."""
        common, numerators = self._scaled
        k = len(numerators)
        scatter = k * sum(x * x for x in numerators) - sum(numerators) ** 2
        return Fraction(scatter, k * common**2)

    @property
    def population_sd(self) -> float:
        """Standard deviation with divisor k, as `numpy.std` gives it."""
        return sqrt(self.sum_of_squares / len(self.sizes))

    @property
    def sample_sd(self) -> float:
        """Standard deviation with divisor k - 1, as R, Excel and pandas give it."""
        return sqrt(self.sum_of_squares / (len(self.sizes) - 1))

    @property
    def standard_error(self) -> float:
        """Sample standard deviation over the square root of the number of folds."""
        return self.sample_sd / sqrt(len(self.sizes))

    def t(self, reference: float, *, corrected: bool = False, repeats: int = 1) -> float | None:
        """One-sample t of the fold accuracies against a reference accuracy.

        The naive t takes folds for independent samples, which they are not: they share their
        training cases. The corrected one adds n_test / n_train, which is 1 / (k - 1) with k
        folds a repeat, to 1 / (number of folds in all repeats) (Nadeau and Bengio 2003,
        Machine Learning 52:239). None when all folds are equal.
        """
        number = len(self.sizes)
        factor = 1 / number + (1 / (number / repeats - 1) if corrected else 0)
        if self.sum_of_squares == 0:
            return None
        return (float(self.mean) - reference) / (self.sample_sd * sqrt(factor))

    def p(self, reference: float, *, corrected: bool = False, repeats: int = 1) -> float | None:
        """Two-sided p of that t, its degrees of freedom one fewer than folds; None like t."""
        t = self.t(reference, corrected=corrected, repeats=repeats)
        return None if t is None else float(2 * special.stdtr(len(self.sizes) - 1, -abs(t)))

    @cached_property
    def probability(self) -> float:
        """Chance of this vector, in any order of the folds, if the errors fall at random.

        Given the total, every set of that many cases is equally likely to be the right ones
        (the multivariate hypergeometric distribution).
        """
        same = Counter(zip(self.correct, self.sizes, strict=True)).values()
        orders = prod(map(factorial, Counter(self.sizes).values())) // prod(map(factorial, same))
        ways = sum(_log_comb(m, c) for c, m in zip(self.correct, self.sizes, strict=True))
        return exp(log(orders) + ways - _log_comb(sum(self.sizes), self.total))


def every_result(folds: int, size: int) -> tuple[tuple[float, float], ...]:
    """Return each mean accuracy and sample SD that so many folds of so many cases can give.

    Proportions, each pair once. Raises InputError for fewer than two folds or more than a million
    ways to fill them.
    """
    if folds < 2 or size < 1 or comb(folds + size, folds) > MOST_WAYS:
        raise InputError(
            f"folds = {folds}, size = {size}: give two or more folds of one case or more, with at "
            f"most {MOST_WAYS:,} ways to fill them."
        )
    counts = combinations_with_replacement(range(size + 1), folds)
    pairs = {(sum(row), folds * sum(c * c for c in row) - sum(row) ** 2) for row in counts}
    scale = folds * size
    return tuple(
        (total / scale, sqrt(scatter / (folds * (folds - 1))) / size)
        for total, scatter in sorted(pairs)
    )


def _log_comb(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def expected_sd(accuracy: float, sizes: tuple[int, ...]) -> float:
    """Root mean square sample SD over the folds, if the errors fall on the cases at random.

    Exact for a fixed number of errors: the mean over all pairs of folds of half the variance
    of their difference is p (1 - p) n / (n - 1) times the mean of 1 / size.
    """
    n = sum(as_sizes(sizes))
    accuracy = as_rate(accuracy, "accuracy")
    if n < 2:
        raise InputError(f"sizes add up to {n}; a spread needs at least two cases")
    mean_inverse = sum(1 / size for size in sizes) / len(sizes)
    return sqrt(accuracy * (1 - accuracy) * n / (n - 1) * mean_inverse)
