"""What values a parameter may have, in the words in which it is written, told and read."""

import math
import re
from dataclasses import dataclass
from typing import Final

from medlib.errors import InputError

RANGE: Final = re.compile(
    r"(?:at least (?P<least>[^\s,]+)|(?P<low>\S+) to (?P<high>[^\s,]+)|(?P<only>\S+) only)"
    r"(?:, or (?P<word>[a-z]+))?"
)


@dataclass(frozen=True)
class Limits:
    """Least and greatest value of a number, the word that 0 has beside them, or choices of text.

    >>> str(Limits(32, 1024, "auto"))
    '32 to 1024, or auto'
    >>> read("5 only") == Limits(5, 5)
    True
    """

    low: float = 1
    high: float = math.inf
    word: str = ""
    """What a reader may write for 0; empty: 0 is no value unless `low` allows it."""
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As `read` takes it: "at least 2", "32 to 1024, or auto", "5 only", "one or other"."""
        if self.choices:
            return " or ".join(self.choices)
        if self.low == self.high:
            return f"{self.low} only"
        wide = self.high == math.inf
        said = f"at least {self.low}" if wide else f"{self.low} to {self.high}"
        return said + (f", or {self.word}" if self.word else "")

    def hold(self, value: float) -> bool:
        """Whether a number may be taken; what is not finite may not."""
        return (value == 0 and bool(self.word)) or (
            math.isfinite(value) and self.low <= value <= self.high
        )


def read(words: str) -> Limits:
    """The limits that were written; InputError where they are in no such form."""
    try:
        return _read(words)
    except ValueError as error:
        raise InputError(
            "limits of a parameter are 'at least 3', '32 to 1024', '5 only', each perhaps with "
            f"', or all' behind it, or 'this or that', not '{words}'"
        ) from error


def _read(words: str) -> Limits:
    if found := RANGE.fullmatch(words):
        low = _number(found["least"] or found["low"] or found["only"])
        return Limits(low, _number(found["high"] or found["only"] or "inf"), found["word"] or "")
    if len(choices := words.split(" or ")) > 1:
        return Limits(choices=tuple(choices))
    raise ValueError


def _number(text: str) -> float:
    return int(text) if text.isdecimal() else float(text)
