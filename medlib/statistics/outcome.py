"""The small results that print as a sentence."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


def percent(fraction: float) -> str:
    """Return a confidence level as text: 0.95 -> '95 %'."""
    return f"{100 * fraction:g} %"


def p_text(p_value: float) -> str:
    """Return 'p = 0.012', or 'p < 0.0001' where more digits would say nothing."""
    return "p < 0.0001" if p_value < 1e-4 else f"p = {p_value:.2g}"


def _of(target: str) -> str:
    return f" of the {target}" if target else ""


def _but(caution: str) -> str:
    return f"; caution: {caution}" if caution else ""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the range of values the data do not contradict.

    Attributes: quantity (what is estimated), estimate, low, high (same unit as the estimate),
    confidence (0..1), method (its name in the literature), basis (what it rests on: "n = 50"),
    target (whose, where there is a choice: "procedure" or "model"), caution (why it may be wrong).
    """

    quantity: str
    estimate: float
    low: float
    high: float
    confidence: float
    method: str
    basis: str = ""
    target: str = ""
    caution: str = ""

    @property
    def width(self) -> float:
        """Return high - low."""
        return self.high - self.low

    def __contains__(self, value: float) -> bool:
        """Return whether the value lies in the interval, ends included."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        basis = f", {self.basis}" if self.basis else ""
        return (
            f"{self.quantity}{_of(self.target)} {self.estimate:.3f}, {percent(self.confidence)} "
            f"interval {self.low:.3f} to {self.high:.3f} ({self.method}{basis})"
            f"{_but(self.caution)}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A difference between two things, and how surprising it were if there was none.

    Attributes: quantity, difference (first minus second, or observed minus reference), p_value
    (two-sided), method, statistic and df (None where the method has none), interval (None where
    the method gives none), basis (the counts it rests on), target and caution as of an Interval.
    """

    quantity: str
    difference: float
    p_value: float
    method: str
    statistic: float | None = None
    df: float | None = None
    interval: Interval | None = None
    basis: str = ""
    target: str = ""
    caution: str = ""

    def __str__(self) -> str:
        """Return the sentence a report would hold."""
        span = ""
        if self.interval is not None:
            level = percent(self.interval.confidence)
            span = f" ({level} interval {self.interval.low:+.3f} to {self.interval.high:+.3f})"
        basis = f"; {self.basis}" if self.basis else ""
        return (
            f"{self.quantity} {self.difference:+.3f}{span}, {p_text(self.p_value)} "
            f"({self.method}{basis}){_but(self.caution)}"
        )


def student(
    quantity: str, difference: float, se: float, df: float, level: float, method: str, basis: str
) -> Comparison:
    """Return the two-sided t-test and interval of a difference with its standard error.

    An infinite df makes them normal.
    """
    t, half = difference / se, float(special.stdtrit(df, (1 + level) / 2)) * se
    low, high = difference - half, difference + half
    span = Interval(quantity, difference, low, high, level, method, basis)
    p_value = float(2 * special.stdtr(df, -abs(t)))
    return Comparison(quantity, difference, p_value, method, t, float(df), span, basis)


@dataclass(frozen=True, slots=True)
class Spread:
    """A value that stands for several, with ends that are no confidence interval.

    Attributes: value, low, high (one unit), kind: "quantile range" where the ends hold the middle
    95 % of several studies, draws or repeats, "range" where they are the lowest and the highest.
    """

    value: float
    low: float
    high: float
    kind: Literal["quantile range", "range"]


def middle_95(values: ArrayLike) -> Spread:
    """Return the mean of several draws or repeats with the ends of their middle 95 %."""
    every = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(every, [0.025, 0.975])
    return Spread(float(every.mean()), float(low), float(high), "quantile range")


def extremes(values: ArrayLike, value: float | None = None) -> Spread:
    """Return the mean of several possibilities, or `value`, with the lowest and the highest."""
    every = np.asarray(values, dtype=np.float64)
    stands = float(every.mean()) if value is None else float(value)
    return Spread(stands, float(every.min()), float(every.max()), "range")
