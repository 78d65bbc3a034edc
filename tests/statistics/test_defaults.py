"""What is not asked for is what a journal expects: 95 %, alpha 0.05, power 0.8, a fixed seed."""

import inspect

import pytest

from medlib import statistics as st

FUNCTIONS = {
    name: inspect.signature(thing).parameters
    for name in st.__all__
    if inspect.isfunction(thing := getattr(st, name))
}
ONE_SIDED = [name for name in FUNCTIONS if "margin_test" in name]


def defaults(argument):
    """Return the default of an argument in each function that has one, by the function's name."""
    return {
        name: known[argument].default
        for name, known in FUNCTIONS.items()
        if argument in known and known[argument].default is not inspect.Parameter.empty
    }


@pytest.mark.parametrize(
    ("argument", "usual", "least"), [("confidence", 0.95, 15), ("power", 0.8, 4), ("seed", 0, 5)]
)
def test_every_function_has_the_usual_default(argument, usual, least):
    found = defaults(argument)
    assert len(found) >= least
    assert set(found.values()) == {usual}


def test_alpha_is_a_twentieth_two_sided_and_half_of_that_against_a_margin():
    found = defaults("alpha")
    assert ONE_SIDED
    for name, alpha in found.items():
        assert alpha == (0.025 if name in ONE_SIDED else 0.05), name


def test_redraws_are_many_enough_that_the_second_digit_of_a_limit_holds():
    assert all(count >= 2_000 for count in defaults("replicates").values())
