"""Numbers, names and tables as Markdown that Jupyter Book and code hosts read alike."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from medlib.results.records import CONFIDENCE, Kind, Record

LONGEST_LIST = 6  # values a table cell can show
SHORT: Final[Mapping[Kind, str]] = {
    "confidence interval": "95 % CI",
    "quantile range": "middle 95 %",
    "range": "range",
}
"""What two ends are, as short as brackets need it; `ENDS` explains it."""
ENDS: Final = (
    "*95 % CI*: confidence interval. *Middle 95 %*: so many of the draws or repeats lie between "
    "the ends; it says how they differ, not how well the value is known. *Range*: lowest and "
    "highest of the cases listed."
)


def number(value: Any, spread: float | None = None) -> str:
    """A value as text: two digits of its spread where there is one, else three digits of its own.

    >>> number(0.81234, 0.12), number(0.81234), number(23508032), number(True)
    ('0.81', '0.812', '23,508,032', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        inside = ", ".join(number(entry, spread) for entry in value)
        return f"({inside})" if len(value) <= LONGEST_LIST else f"{len(value)} values"
    if isinstance(value, str):
        return value
    if spread:
        return f"{value:.{max(0, min(6, 1 - math.floor(math.log10(spread))))}f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def with_interval(record: Record) -> str:
    """`0.81 [95 % CI: 0.74, 0.88]`, or the value alone where no ends were recorded.

    >>> with_interval(Record("a", 0.8, interval=(0.7, 0.9), kind="quantile range"))
    '0.80 [middle 95 %: 0.70, 0.90]'
    """
    if record.interval is None:
        return number(record.value)
    low, high = record.interval
    spread = high - low
    ends = f"{number(low, spread)}, {number(high, spread)}"
    return f"{number(record.value, spread)} [{SHORT[record.kind or CONFIDENCE]}: {ends}]"


def code(text: object) -> str:
    """A name in type of fixed width, safe inside a table.

    >>> code("fold_sd"), code("a|`b")
    ('`fold_sd`', "`a/'b`")
    """
    return f"`{' '.join(str(text).split()).replace('|', '/').replace('`', chr(39))}`"


def plain(text: object) -> str:
    r"""Text of unknown origin, safe inside a table of Markdown or MyST.

    >>> plain("a|b <i> {x} *y*")
    'a\\|b \\<i\\> \\{x\\} \\*y\\*'
    """
    marks = "\\`*_{}[]<>|$#~"
    return "".join(f"\\{c}" if c in marks else c for c in " ".join(str(text).split()))


def named(values: Mapping[str, Any]) -> str:
    """Entries as `name` = value, in their order."""
    return ", ".join(f"{code(name)} = {plain(value)}" for name, value in values.items())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already, and lie on one line.

    >>> print(table(["a", "b"], [["1", ""]]))
    | a | b |
    | --- | --- |
    | 1 |   |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell or " " for cell in line) + " |" for line in lines)
