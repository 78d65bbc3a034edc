"""Can these rates belong to one study of any size? Exact, without knowing the counts.

Let tp, fn, tn, fp be the shares of the four cells of a 2 x 2 table. "PPV lies between a and b"
is a (tp + fp) <= tp <= b (tp + fp), which is linear in the shares, and so for every other
rate. Printed rates thus cut a polytope out of a tetrahedron; it is empty, or its corners are
found by solving small linear systems in fractions.
"""

from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations

from medlib.consistency._checks import as_reports
from medlib.consistency.reported import COVERING, Reported, Rounding, Window

Row = tuple[int, ...]  # coefficients over the cells, without denominators

# Each rate as (numerator, denominator) over the cells tp, fn, tn, fp.
CELLS: dict[str, tuple[Row, Row]] = {
    "accuracy": ((1, 0, 1, 0), (1, 1, 1, 1)),
    "sensitivity": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "specificity": ((0, 0, 1, 0), (0, 0, 1, 1)),
    "ppv": ((1, 0, 0, 0), (1, 0, 0, 1)),
    "npv": ((0, 0, 1, 0), (0, 1, 1, 0)),
    "f1": ((2, 0, 0, 0), (2, 1, 0, 1)),
    "prevalence": ((1, 1, 0, 0), (1, 1, 1, 1)),
}


def cuts(name: str, window: Window) -> list[tuple[Row, bool]]:
    """The linear inequalities row . cells >= 0, or > 0 where True, that put a rate in a window.

    The last one says that the rate is defined: its denominator is not zero.
    """
    part, whole = CELLS[name]
    a, b = window.low.as_integer_ratio()
    c, d = window.high.as_integer_ratio()
    low = tuple(b * p - a * w for p, w in zip(part, whole, strict=True))
    high = tuple(c * w - d * p for p, w in zip(part, whole, strict=True))
    return [(low, window.low_open), (high, window.high_open), (whole, True)]


def rates_possible(
    reported: dict[str, Reported], roundings: Iterable[Rounding] = COVERING
) -> tuple[Fraction, ...] | None:
    """Shares (tp, fn, tn, fp) of a study that would print these rates, or None if none would.

    Args:
        reported: Printed rates by name, of those in `CELLS`. All were shortened in one way.
        roundings: The ways to try; the default covers every one there is.

    Returns:
        An example, not the only one; None is a proof that the rates contradict each other.

    """
    as_reports(reported, tuple(CELLS))
    for rounding in roundings:
        shares = _shares(reported, rounding)
        if shares is not None:
            return shares
    return None


def _shares(reported: dict[str, Reported], rounding: Rounding) -> tuple[Fraction, ...] | None:
    rows = [row for name, text in reported.items() for row in cuts(name, text.window(rounding))]
    closed = [tuple(int(i == j) for j in range(4)) for i in range(4)] + [row for row, _ in rows]
    strict = [row for row, is_strict in rows if is_strict]
    corners = _corners(closed)
    if not corners:
        return None
    # The mean of the corners is inside: where it touches a face, the whole polytope does.
    centre = tuple(sum(axis, Fraction(0)) / len(corners) for axis in zip(*corners, strict=True))
    return centre if all(_dot(row, centre) > 0 for row in strict) else None


def _dot(row: Row, point: Iterable[Fraction | int]) -> Fraction | int:
    return sum(a * b for a, b in zip(row, point, strict=True))


def _corners(rows: list[Row]) -> list[tuple[Fraction, ...]]:
    """Corners of {x: sum x = 1 and row . x >= 0 for every row}."""
    found = set()
    for tight in combinations(sorted(set(rows)), 3):
        direction = _meet(tight)
        total = sum(direction)
        if total and all(_dot(row, direction) * total >= 0 for row in rows):
            found.add(tuple(Fraction(d, total) for d in direction))
    return sorted(found)


def _meet(rows: tuple[Row, ...]) -> Row:
    """A direction common to three planes through the origin: the 3 x 3 minors, signs in turn."""
    direction = []
    for left_out in range(4):
        a, b, c = (row[:left_out] + row[left_out + 1 :] for row in rows)
        minor = (
            a[0] * (b[1] * c[2] - b[2] * c[1])
            - a[1] * (b[0] * c[2] - b[2] * c[0])
            + a[2] * (b[0] * c[1] - b[1] * c[0])
        )
        direction.append(minor if left_out % 2 == 0 else -minor)
    return tuple(direction)
