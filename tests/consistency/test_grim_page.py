"""The fields of `medlib grim` in a page hold the answers that the package gives."""

import json
import re

import pytest

from medlib.consistency.report.examination import examine
from medlib.consistency.report.page import fields
from medlib.errors import InputError


@pytest.fixture(scope="module")
def page():
    return fields((50, 30), (5, 10), first="To begin with.")


@pytest.fixture(scope="module")
def answers(page):
    return json.loads(re.search(r"const all = (\{.*?\}), at", page)[1])


def test_what_cannot_be_of_any_count_has_no_answer(answers):
    assert answers["30,5,92"] is None
    assert answers["50,5,91"] is None


def test_an_answer_holds_counts_vectors_spreads_and_interval(answers):
    low, high, vectors, population, sample, below, above, fits = answers["50,5,92"]
    assert (low, high, vectors, population, sample) == (46, 46, 5, "4.0", "4.5")
    assert (below, above) == ("81.2", "96.8")
    assert fits[1] == "2"  # 2 % is no SD over the folds, and can be a standard error


@pytest.mark.parametrize("spread", [2, 4, 8])
def test_meanings_are_those_of_the_examination(answers, spread):
    found = examine(n=50, folds=5, mean="92%", sd=f"{spread}%")
    bits = int(answers["50,5,92"][7][spread - 1])
    assert bool(bits & 1) == found.readings[0].possible
    assert bool(bits & 2) == found.readings[1].possible


def test_the_page_begins_with_the_line_of_the_text_and_needs_nothing_from_elsewhere(page):
    assert page.count("<option selected>") == 2
    assert "<option selected>50</option>" in page
    assert ">To begin with.</output>" in page
    assert "http" not in page


def test_folds_that_differ_in_size_are_refused():
    with pytest.raises(InputError, match="32 cases do not fill 5 folds"):
        fields((32,), (5,), first="")
