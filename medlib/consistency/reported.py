"""A number as it was printed, and the exact range of values that would print like it.

Reported numbers come in as text, because trailing zeros are data: "0.90" was rounded to two
digits and "0.9" to one. From there on everything is integers and `fractions.Fraction`; no
floating-point number decides whether a report can be true.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from medlib.errors import InputError

MOST_DIGITS = 12  # a proportion printed to more digits is a computer's output, not a report


class Rounding(StrEnum):
    """How the authors, or their software, may have shortened a number."""

    HALF_UP = "half up"
    HALF_EVEN = "half to even"
    EITHER = "ties either way"  # what binary floating point does: 0.575 prints as 0.57
    TRUNCATED = "cut off"

    @staticmethod
    def text(roundings: Iterable["Rounding"]) -> str:
        """What these conventions come to, such as "rounded or cut off" or "half to even"."""
        found = set(roundings)
        halves = [r for r in (Rounding.HALF_UP, Rounding.HALF_EVEN) if r in found]
        either = [Rounding.EITHER] if Rounding.EITHER in found else []
        ordinary = "rounded" if len(halves) == 2 else "".join(halves or either)
        cut = [Rounding.TRUNCATED] if Rounding.TRUNCATED in found else []
        return " or ".join([ordinary, *cut] if ordinary else cut) or "none"


ORDINARY = (Rounding.EITHER,)
"""Rounding, whatever is done with ties: what a number is taken to be unless said otherwise."""

COVERING = (Rounding.EITHER, Rounding.TRUNCATED)
"""Two that cover all four: every window of HALF_UP and HALF_EVEN lies inside that of EITHER."""


@dataclass(frozen=True)
class Window:
    """An interval of exact numbers, each end open or closed.

    Examples:
        >>> list(Window(Fraction(915, 1000), Fraction(925, 1000)).integers(50))
        [46]

    """

    low: Fraction
    high: Fraction
    low_open: bool = False
    high_open: bool = False

    def side(self, numerator: int, denominator: int = 1) -> int:
        """-1, 0 or 1 as the fraction lies below, in or above (denominator positive)."""
        below = numerator * self.low.denominator - self.low.numerator * denominator
        if below < 0 or (self.low_open and below == 0):
            return -1
        above = numerator * self.high.denominator - self.high.numerator * denominator
        return int(above > 0 or (self.high_open and above == 0))

    def __contains__(self, value: Fraction | int) -> bool:
        """Whether the exact value lies in the window."""
        return self.side(value.numerator, value.denominator) == 0

    def integers(self, denominator: int = 1) -> range:
        """All integers k with k / denominator in the window, ascending."""
        low, high = self.low * denominator, self.high * denominator
        first = low.__floor__() + 1 if self.low_open else low.__ceil__()
        last = high.__ceil__() - 1 if self.high_open else high.__floor__()
        return range(first, max(first, last + 1))

    def squared(self) -> "Window":
        """The window of the squares of its numbers that are not negative."""
        if self.low < 0:
            return Window(Fraction(0), self.high**2, False, self.high_open)
        return Window(self.low**2, self.high**2, self.low_open, self.high_open)

    def affine(self, scale: Fraction | int, shift: Fraction | int = 0) -> "Window":
        """The window of scale * x + shift (scale positive)."""
        low, high = self.low * scale + shift, self.high * scale + shift
        return Window(low, high, self.low_open, self.high_open)


@dataclass(frozen=True)
class Reported:
    """A proportion as printed: its text, its value, and the size of its last digit."""

    text: str
    value: Fraction
    unit: Fraction

    def window(self, rounding: Rounding = Rounding.EITHER) -> Window:
        """All exact values that this convention prints as this text."""
        half = self.unit / 2
        low, high = self.value - half, self.value + half
        if rounding is Rounding.TRUNCATED:
            return Window(self.value, self.value + self.unit, high_open=True)
        if rounding is Rounding.HALF_UP:
            return Window(low, high, high_open=True)
        odd = (self.value / self.unit).numerator % 2 == 1
        ties_leave = rounding is Rounding.HALF_EVEN and odd
        return Window(low, high, ties_leave, ties_leave)

    def matches(self, value: Fraction | int) -> tuple[Rounding, ...]:
        """The conventions under which this exact value is printed as this text."""
        return tuple(rounding for rounding in Rounding if value in self.window(rounding))

    def __str__(self) -> str:
        """The number as it was printed."""
        return self.text


# Digits, letters and signs as wide as a Chinese character, as ASCII. Not NFKC, which would also
# read the footnote mark of "9²%" as a digit.
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0xFE6A: "%"}
_NARROW |= dict.fromkeys((0x3000, 0xA0, 0x2009, 0x202F), " ")  # as before the % of many journals
# No proportion has thousands, so a comma in one can only be the decimal mark.
_NUMBER = re.compile(r"(?P<whole>\d*)(?:[.,](?P<decimals>\d*))?\s*(?P<percent>%)?", re.ASCII)
_SIGN = re.compile(r"(±|\+/?-)\s*")


def parse(text: str, name: str, *, spread: bool = False) -> Reported:
    """Read a printed proportion: "92%", "92.0 %", "0.92", ".92", "92,0%", "９２％".

    Args:
        text: The number exactly as printed, with its trailing zeros.
        name: What the number is called in an error message.
        spread: Whether it may begin with the sign of a spread: "±2%", "+-2%", "+/-2%".

    Raises:
        InputError: It is no text or no number, lies outside 0 to 100 %, or has no digit to judge
            it by.

    """
    if not isinstance(text, str):
        raise InputError(
            f"{name} {text!r} is no text; give it as printed, between quotes, such as '92.0%'"
        )
    stripped = text.translate(_NARROW).strip()
    sign = _SIGN.search(stripped)
    if sign is not None and spread and sign.start() == 0:
        stripped = stripped[sign.end() :]
    elif sign is not None:
        raise InputError(
            f"{name} '{text}' has the sign ± of a spread in it; give one number, and what "
            "follows the sign as sd"
        )
    match = _NUMBER.fullmatch(stripped)
    if match is None or not (match["whole"] or match["decimals"]):
        raise InputError(
            f"{name} '{text}' is not a proportion; write it as printed, such as 92% or 0.92"
        )
    decimals = match["decimals"] or ""
    scale = 100 if match["percent"] else 1
    value = Fraction(int((match["whole"] or "0") + decimals), 10 ** len(decimals) * scale)
    _check(text, name, value, decimals, percent=bool(match["percent"]))
    return Reported(stripped, value, Fraction(1, 10 ** len(decimals) * scale))


def _check(text: str, name: str, value: Fraction, decimals: str, *, percent: bool) -> None:
    if value > 1 and not percent and value <= 100:
        raise InputError(
            f"{name} '{text}' is above 1; if it is a percentage, write it with its sign: {text}%"
        )
    if value > 1:
        raise InputError(f"{name} '{text}' is above 100 %, which no proportion can be")
    if not percent and not decimals:
        raise InputError(
            f"{name} '{text}' has no digit after the point, so nothing says how it was rounded; "
            f"write it as printed, such as {value}.00 or {100 * value}%"
        )
    if len(decimals) > MOST_DIGITS:
        raise InputError(
            f"{name} '{text}' has {len(decimals)} digits after the point; "
            f"give it as printed, with at most {MOST_DIGITS}"
        )


def parse_count(text: str | int, name: str, *, least: int = 1, most: int = 1_000_000) -> int:
    """Read a whole number such as the number of cases.

    Raises:
        InputError: It is not a whole number, or lies outside least to most.

    """
    digits = str(text).translate(_NARROW).strip()
    if "," in digits:
        raise InputError(
            f"{name} '{text}' has a comma, which may mark thousands or decimals; "
            "write a whole number without it, such as 1000"
        )
    if not re.fullmatch(r"\d+", digits, re.ASCII):
        raise InputError(f"{name} '{text}' is not a whole number")
    count = int(digits[:20])
    if not least <= count <= most:
        raise InputError(f"{name} is {digits}; it must be {least} to {most}")
    return count


def parse_counts(text: str, name: str) -> tuple[int, ...]:
    """Read whole numbers with commas between them, such as "25,25".

    Raises:
        InputError: One of them is not a positive whole number.

    """
    if not isinstance(text, str):
        raise InputError(f"{name} is {text!r}; give text, such as '25,25'")
    return tuple(parse_count(part, name) for part in text.translate(_NARROW).split(","))
