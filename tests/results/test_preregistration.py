"""The form asks for every choice once, and fills in what follows from a plan and nothing else."""

import pytest

from medlib import statistics
from medlib.errors import InputError
from medlib.results.checklists import preregistration
from medlib.results.checklists.preregistration import COMPUTED, OPEN, Plan, form, sections

ITEMS = [item for section in sections().values() for item in section]
FULL = Plan(
    patients=200,
    prevalence=0.25,
    accuracy=0.9,
    sensitivity=0.9,
    auc=0.85,
    parameters=10,
    discordant=0.2,
    margin=0.1,
)


def test_every_item_is_there_once_and_in_order():
    ids = [item.id for item in ITEMS]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    "choice",
    [
        *("comparator", "unit of analysis", "side of the test", "threshold", "primary endpoint"),
        *("margin", "folds and repeats", "seeds", "exclusion rules", "duplicate"),
    ],
)
def test_the_form_fixes(choice):
    assert any(choice in item.fix for item in ITEMS)


def test_every_computed_text_is_asked_for_by_one_item():
    asked = [name for item in ITEMS for name in item.fill]
    assert sorted(asked) == sorted(COMPUTED)


def test_an_empty_form_leaves_every_answer_open():
    assert form().count(f"| {OPEN} |") == len(ITEMS)


def test_a_plan_is_told_what_follows_from_it():
    told = preregistration.computed(FULL)
    assert told["patients"] == "200 patients, 50 positive and 150 negative"
    span = statistics.proportion_interval(45, 50)
    assert told["sensitivity_width"].startswith(f"sensitivity 0.90: {span.low:.2f} to")
    size = statistics.sample_size_margin_test(0.1, 0.1, margin=0.1)
    assert f"needs {size.n} patients" in told["margin"]
    sizes = statistics.sample_size_for_validation(prevalence=0.25, auc=0.85)
    assert told["validation"] == str(sizes)
    assert all(text in form(FULL) for text in told.values())


def test_what_a_plan_does_not_guess_is_not_computed():
    assert set(preregistration.computed(Plan(patients=50, prevalence=0.5))) == {"patients"}


def test_a_plan_without_positive_patients_is_refused():
    with pytest.raises(InputError, match="leaves a class without patients"):
        form(Plan(patients=50, prevalence=0.001))
