"""Intervals of the mean and of the median of one score a case, such as a Dice; which of them hold.

Few papers on segmentation give an interval at all (Christodoulou et al., MICCAI 2024).
`WAYS` are those in use, `coverage` counts how often each holds the truth, in populations of scores
as segmentation has them: skewed, with a limit at 1, with misses at 0, with long tails in mm.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.statistics._checks import as_fraction, as_numbers
from medlib.statistics.outcome import Interval
from medlib.types import Floats

Ends = tuple[Floats, Floats]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

RESAMPLES: Final = 400
"""Of each bootstrap: enough for coverage, where a single study would take thousands."""
FAILURES: Final = 0.12
"""Share of cases in which nothing is found, in the population with misses."""
POPULATIONS: Final[Mapping[str, Draw]] = {
    "Dice, skewed": lambda rng, shape: rng.beta(9, 2, shape),
    "Dice, with misses": lambda rng, shape: np.where(
        rng.random(shape) < FAILURES, 0.0, rng.beta(14, 2.5, shape)
    ),
    "HD95, long tail": lambda rng, shape: np.exp(rng.normal(1.5, 0.9, shape)),
}
"""Scores to be drawn, cases by studies."""
TRUTH_DRAWS: Final = 400_000
"""Scores drawn to know a population's own mean and median."""


def mean_t(scores: Floats, level: float) -> Ends:
    """Student's t: mean plus and minus t times SD / sqrt(n); the last axis holds the cases."""
    n = scores.shape[-1]
    half = stats.t.ppf((1 + level) / 2, n - 1) * scores.std(axis=-1, ddof=1) / np.sqrt(n)
    middle = scores.mean(axis=-1)
    return middle - half, middle + half


def median_by_ranks(scores: Floats, level: float) -> Ends:
    """The two ordered scores between which the median lies in at least `level` of studies.

    The number of cases below the median is binomial, whatever the scores look like: k is the
    largest rank with 2 P(X < k) <= 1 - level. With fewer than six cases even the smallest and the
    largest hold it more rarely than in 95 %. Source: Hahn & Meeker, Statistical Intervals (1991),
    ch. 5.
    """
    n = scores.shape[-1]
    k = max(int(stats.binom.ppf((1 - level) / 2, n, 0.5)), 1)
    while k > 1 and 2 * stats.binom.cdf(k - 1, n, 0.5) > 1 - level:
        k -= 1
    ordered = np.sort(scores, axis=-1)
    return ordered[..., k - 1], ordered[..., n - k]


def _bootstrap(statistic: Callable[..., Floats], method: str) -> Callable[[Floats, float], Ends]:
    def ends(scores: Floats, level: float) -> Ends:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # BCa says where it gives no number; that is counted
            found = stats.bootstrap(
                (scores,),
                statistic,
                n_resamples=RESAMPLES,
                axis=-1,
                confidence_level=level,
                method=method,
                rng=np.random.default_rng(RESAMPLES),
            ).confidence_interval
        return np.asarray(found.low), np.asarray(found.high)

    return ends


def median_by_error(scores: Floats, level: float) -> Ends:
    """Median plus and minus the normal quantile times the SD of bootstrapped medians."""
    n = scores.shape[-1]
    rows = np.random.default_rng(RESAMPLES).integers(n, size=(RESAMPLES, n))
    error = np.median(scores[..., rows], axis=-1).std(axis=-1, ddof=1)
    half, middle = stats.norm.ppf((1 + level) / 2) * error, np.median(scores, axis=-1)
    return middle - half, middle + half


WAYS: Final[Mapping[str, tuple[str, Callable[[Floats, float], Ends]]]] = {
    "mean: t": ("mean", mean_t),
    "mean: percentile bootstrap": ("mean", _bootstrap(np.mean, "percentile")),
    "mean: basic bootstrap": ("mean", _bootstrap(np.mean, "basic")),
    "mean: BCa bootstrap": ("mean", _bootstrap(np.mean, "BCa")),
    "median: ranks": ("median", median_by_ranks),
    "median: percentile bootstrap": ("median", _bootstrap(np.median, "percentile")),
    "median: basic bootstrap": ("median", _bootstrap(np.median, "basic")),
    "median: BCa bootstrap": ("median", _bootstrap(np.median, "BCa")),
    "median: bootstrap SE": ("median", median_by_error),
}
"""Ways to an interval by name: of what, and how."""


def coverage(cases: int, *, studies: int = 400, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Return how often each of `WAYS` holds the truth, in studies of so many cases.

    A row a population and way: population, way, of, cases, held (share of studies), low and high
    (its 95 % interval), width (mean, in the score's unit), undefined (share of studies in which a
    way gives no number, which counts as not held). Raises InputError for fewer than three cases.
    """
    n, runs = as_number(cases, "cases", least=3), as_number(studies, "studies", least=2)
    share = as_fraction(level, "level", open_ends=True)
    rows = []
    for k, (name, draw) in enumerate(POPULATIONS.items()):
        first, second = np.random.default_rng([as_seed(seed), 51, k]).spawn(2)
        large = draw(first, (1, TRUTH_DRAWS))
        truth = {"mean": float(large.mean()), "median": float(np.median(large))}
        scores = draw(second, (runs, n))
        for way, (of, ends) in WAYS.items():
            low, high = ends(scores, share)
            lost = ~(np.isfinite(low) & np.isfinite(high))
            held = int(((low <= truth[of]) & (truth[of] <= high) & ~lost).sum())
            span = stats.binomtest(held, runs).proportion_ci(method="wilson")
            width = float((high - low)[~lost].mean()) if not lost.all() else float("nan")
            rows.append((name, way, of, n, held / runs, span.low, span.high, width, lost.mean()))
    columns = ["population", "way", "of", "cases", "held", "low", "high", "width", "undefined"]
    return pd.DataFrame(rows, columns=columns)


def median_interval(scores: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return the median of scores of independent cases, with the interval by ranks.

    See `median_by_ranks`: it holds the median at least as often as it says, whatever the scores
    look like. Raises InputError for fewer than six scores: no ranks give 95 %.
    """
    values = as_numbers(scores, "scores")
    level = as_fraction(confidence, "confidence", open_ends=True)
    if 2 * 0.5**values.size > 1 - level:
        raise InputError(
            f"{values.size} scores have no {level:.0%} interval of the median; add cases."
        )
    low, high = median_by_ranks(values, level)
    return Interval("median", float(np.median(values)), float(low), float(high), level,
                    "ranks (binomial)", f"{values.size} cases")  # fmt: skip
