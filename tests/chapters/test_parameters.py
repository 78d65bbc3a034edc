"""Parameters of every chapter are converted and held to their limits before anything starts."""

import ast

import pytest

from medlib.chapters import contents
from medlib.chapters.parameters import LIMITS, check_parameters, declared_parameters, limits_of
from medlib.errors import InputError
from medlib.learning.network import NetworkLearner
from medlib.run.execution import chapters, read_chapter
from medlib.study.cases import BOOK_SIZE


def defaults(notebook):
    """Name and default, as a reader would type it, of each parameter."""
    [cell] = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    lines = [line for line in ast.parse(cell.source).body if isinstance(line, ast.AnnAssign)]
    return {ast.unparse(line.target): str(ast.literal_eval(line.value)) for line in lines}


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_accepts_its_own_defaults_given_by_hand(name):
    notebook = read_chapter(name)
    given = check_parameters(name, notebook, defaults(notebook))
    assert {key: str(value) for key, value in given.items()} == defaults(notebook)


def test_every_limit_is_of_a_parameter_that_some_chapter_has():
    there = {parameter.name for name in chapters() for parameter in contents.read(name).parameters}
    assert set(LIMITS) <= there


def test_limits_of_one_chapter_stand_in_its_own_cell_and_differ_from_those_of_all():
    own = [p for name in chapters() for p in contents.read(name).parameters if p.limits]
    assert {"folds", "per_class", "network"} <= {p.name for p in own}
    assert not [p.name for p in own if p.limits == LIMITS.get(p.name)]


def test_the_network_that_hand_made_features_are_compared_with_is_that_of_the_experiment():
    """One trained with fewer pixels or epochs would be a straw man; and folds are trained once."""
    here, experiment = (
        check_parameters(name, notebook, defaults(notebook))
        for name in ("12_handmade_or_deep", "04_resnet50_cv")
        for notebook in [read_chapter(name)]
    )
    shared = ("cohort", "classes", "per_class", "pool_per_class", "folds", "seed")
    assert {key: here[key] for key in shared} == {key: experiment[key] for key in shared}
    assert NetworkLearner(size=here["image_size"], epochs=here["epochs"]) == NetworkLearner(
        network=experiment["network"],
        size=experiment["image_size"] or BOOK_SIZE,
        epochs=experiment["epochs"],
        learning_rate=experiment["learning_rate"],
        batch_size=experiment["batch_size"],
    )


@pytest.mark.parametrize("name", ["12_handmade_or_deep", "21_usefulness"])
def test_two_folds_are_refused_where_out_of_fold_tests_cannot_judge_them(name):
    with pytest.raises(InputError, match="of at least 3"):
        check_parameters(name, read_chapter(name), {"folds": "2"})


def test_a_chapter_may_need_more_than_the_others():
    for name, least in (("08_significance", 5), ("02_reported_numbers", 2)):
        chapter = read_chapter(name)
        assert check_parameters(name, chapter, {"repeats": str(least)}) == {"repeats": least}
        with pytest.raises(InputError, match=f"of at least {least}"):
            check_parameters(name, chapter, {"repeats": str(least - 1)})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", "-1"),
        ("seed", "99999999999999999999999"),
        ("folds", "2"),
        ("epochs", "0"),
        ("per_class", "-3"),
        ("draws", "1"),
        ("repeats", "1"),
        ("image_size", "31"),
        ("image_size", "100000"),
        ("batch_size", "1"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("learning_rate", "-0.1"),
        ("learning_rate", "0"),
    ],
)
def test_a_number_that_cannot_be_run_is_refused_by_name_and_value(key, value):
    sentence = rf"parameter '{key}' of 04_resnet50_cv takes a .*number (of|from) .*, not {value}"
    with pytest.raises(InputError, match=sentence):
        check_parameters("04_resnet50_cv", read_chapter("04_resnet50_cv"), {key: value})


def test_all_cases_and_the_size_of_the_data_can_be_asked_for_in_words_and_as_nought():
    chapter = read_chapter("04_resnet50_cv")
    for given in (
        {"per_class": "all", "image_size": "auto"},
        {"per_class": "0", "image_size": "0"},
    ):
        found = check_parameters("04_resnet50_cv", chapter, given)
        assert found == {"per_class": 0, "image_size": 0}
    [per_class] = [p for p in contents.read("4").parameters if p.name == "per_class"]
    assert str(limits_of(per_class)) == "at least 1, or all"
    with pytest.raises(InputError, match="whole number"):
        check_parameters("08_significance", read_chapter("08_significance"), {"per_class": "all"})


def test_a_network_that_the_chapter_cannot_look_into_is_refused():
    chapter = read_chapter("04_resnet50_cv")
    assert check_parameters("04_resnet50_cv", chapter, {"network": "resnet18"})
    with pytest.raises(InputError, match="one of resnet18, resnet50, not 'efficientnet_lite0'"):
        check_parameters("04_resnet50_cv", chapter, {"network": "efficientnet_lite0"})


def test_no_chapter_declares_a_type_that_cannot_be_given():
    for name in chapters():
        assert set(declared_parameters(read_chapter(name)).values()) <= {
            "str", "int", "float", "bool",
        }  # fmt: skip
