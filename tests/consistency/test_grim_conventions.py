"""`medlib grim`: which way of shortening each answer needs, against printing every study."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from medlib.consistency import Rounding, parse
from medlib.consistency.report.examination import examine

PRINTING = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.TRUNCATED: ROUND_DOWN,
}


def printed(square, decimals, way):
    """The root of an exact square as a percentage, shortened by the decimal module."""
    with localcontext() as context:
        context.prec = 50
        root = 100 * (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
        return f"{root.quantize(Decimal(1).scaleb(-decimals), rounding=way)}%"


def studies(sizes):
    """(mean, variance) of every result of the folds, for either mean and either SD."""
    for correct in product(*(range(size + 1) for size in sizes)):
        shares = [Fraction(c, size) for c, size in zip(correct, sizes, strict=True)]
        mean = sum(shares) / len(shares)
        squares = sum((x - mean) ** 2 for x in shares)
        for centre in {mean, Fraction(sum(correct), sum(sizes))}:
            yield centre, squares / len(sizes)
            yield centre, squares / (len(sizes) - 1)


def rounds_to(text, square):
    """Whether the root lies within half a unit, either end included: ties fall either way."""
    value, half = parse(text, "number").value, parse(text, "number").unit / 2
    return max(Fraction(0), value - half) ** 2 <= square <= (value + half) ** 2


def conventions(every, mean, sd, decimals):
    """The conventions under which some study prints as these two numbers."""
    found = {
        rounding
        for rounding, way in PRINTING.items()
        if any(
            printed(m**2, decimals, way) == mean and printed(v, decimals, way) == sd
            for m, v in every
        )
    }
    either = any(rounds_to(mean, m**2) and rounds_to(sd, v) for m, v in every)
    return found | ({Rounding.EITHER} if either else set())


def random_setting(rng):
    """Fold sizes, digits and two texts: of a study shortened some way, half of them disturbed."""
    folds = int(rng.integers(2, 5))
    size = int(rng.integers(2, 7))
    unequal = rng.integers(0, 3, folds) if rng.random() < 0.4 else 0
    sizes = tuple(int(s) for s in sorted(size + np.zeros(folds, int) + unequal, reverse=True))
    every = sorted(set(studies(sizes)))
    decimals = int(rng.integers(0, 2))
    mean, variance = every[rng.integers(len(every))]
    way = list(PRINTING.values())[rng.integers(3)]
    texts = [printed(mean**2, decimals, way), printed(variance, decimals, way)]
    if rng.random() < 0.5:
        moved = Decimal(texts[1][:-1]) + Decimal(1).scaleb(-decimals)
        texts[1] = f"{min(moved, Decimal(100)):.{decimals}f}%"
    return sizes, every, decimals, *texts


def check(seed):
    """Return the exit code of one random setting, after holding it to the enumeration."""
    sizes, every, decimals, mean, sd = random_setting(np.random.default_rng(seed))
    result = examine(n=sum(sizes), folds=",".join(map(str, sizes)), mean=mean, sd=sd)
    expected = conventions(every, mean, sd, decimals)
    assert set(result.roundings) == expected, (sizes, mean, sd)
    code = 0 if Rounding.EITHER in expected else 3 if expected else 1
    assert result.exit_code == code
    return code


def test_verdict_and_conventions_are_those_of_printing_every_study():
    assert {check(seed) for seed in range(60)} == {0, 1, 3}


def test_75_cases_allow_2_percent_only_if_digits_were_cut_off():
    result = examine(n=75, folds=5, mean="92%", sd="2%")
    assert result.roundings == (Rounding.TRUNCATED,)
    assert "2.7 % (population) or 3.0 % (sample)" in result.verdict
    assert "Only if digits were cut off" in result.verdict
    found = result.as_dict()
    assert (found["possible"], found["possible_only_if_cut_off"]) == (False, True)
    assert found["fold_vectors"][0]["fits"]["population SD"] == ["cut off"]


@pytest.mark.parametrize(
    ("n", "words"), [(80, "if halves are rounded to even"), (100, "can be: whole")]
)
def test_80_cases_need_ties_to_even_and_100_need_nothing(n, words):
    assert words in examine(n=n, folds=5, mean="92%", sd="2%").verdict


def test_no_smaller_number_of_cases_rounds_to_92_and_2_percent():
    possible = [n for n in range(5, 101, 5) if examine(n, 5, "92%", "2%").possible]
    assert possible == [80, 100]


def test_each_count_vector_and_table_says_what_it_needs():
    found = examine(n=80, folds=5, mean="92%", sd="2%", classes="40,40").as_dict()
    assert found["counts"] == [74]
    even = ["half to even", "ties either way", "cut off"]
    assert found["count_roundings"][74] == even
    assert found["fold_vectors"][0]["roundings"] == even
    assert {tuple(t["roundings"]) for t in found["tables"]["listed"]} == {tuple(even)}
    assert found["readings"][0]["roundings"] == even
    text = examine(n=80, folds=5, mean="92%", sd="2%").text()
    assert "74 right (half to even or cut off)" in text


@pytest.mark.parametrize(
    ("roundings", "words"),
    [
        (tuple(Rounding), "rounded or cut off"),
        ((Rounding.HALF_UP, Rounding.EITHER), "half up"),
        ((Rounding.EITHER, Rounding.TRUNCATED), "ties either way or cut off"),
        ((Rounding.TRUNCATED,), "cut off"),
        ((), "none"),
    ],
)
def test_conventions_are_named_in_words(roundings, words):
    assert Rounding.text(roundings) == words
