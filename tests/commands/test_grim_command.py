"""`medlib grim`: what a reviewer and a program are told, and the exit code."""

import json
import subprocess
import sys
import time
import unicodedata

import pytest
import typer
from typer.testing import CliRunner

from medlib.commands.grim import grim
from medlib.consistency.report.examination import examine
from medlib.errors import InputError

app = typer.Typer()
app.command()(grim)


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


SOURCE = {"n": 50, "folds": 5, "mean": "92%", "sd": "2%"}
MANY_SIZES = ",".join(map(str, range(90, 110)))


def test_the_line_of_the_source_cannot_be_and_three_readings_rescue_it():
    result = run("--n", 50, "--folds", 5, "--mean", "92%", "--sd", "2%", "--json")
    found = json.loads(result.output)
    assert result.exit_code == 1
    assert found["possible"] is False
    assert found["counts"] == [46]
    assert [v["correct"] for v in found["fold_vectors"]] == [
        [10, 9, 9, 9, 9],
        [10, 10, 9, 9, 8],
        [10, 10, 10, 8, 8],
        [10, 10, 10, 9, 7],
        [10, 10, 10, 10, 6],
    ]
    assert found["fold_vectors_total"] == 5
    assert {r["name"]: r["possible"] for r in found["readings"]} == {
        "sd_over_folds": False,
        "standard_error": True,
        "sd_of_repeat_means": True,
        "unit_per_case": True,
    }
    assert sorted(found["readings"][2]["example"]) == [45, 45, 46, 47, 47]
    assert found["cases_needed_for_interval_of_sd"] == 707


def test_the_intervals_are_those_of_46_of_50():
    found = examine(**SOURCE).as_dict()["intervals"]
    rounded = {method: [round(end, 3) for end in ends] for method, ends in found.items()}
    assert rounded == {
        "wilson": [0.812, 0.968],
        "clopper-pearson": [0.808, 0.978],
        "jeffreys": [0.821, 0.972],
        "wald": [0.845, 0.995],
    }


def test_figures_of_a_vector_follow_its_counts():
    first = examine(**SOURCE).as_dict()["fold_vectors"][0]
    assert first["probability"] == pytest.approx(0.217, abs=5e-4)
    assert (first["population_sd"], first["standard_error"]) == pytest.approx((0.04, 0.02))
    assert first["t_against_0.5"] == pytest.approx({"naive": 21.0, "corrected": 14.0})
    assert first["p_against_0.75"] == pytest.approx(
        {"naive": 0.00105, "corrected": 0.00478}, abs=5e-6
    )
    assert "standard error" in first["fits"]
    assert "sample SD" not in first["fits"]


def test_the_report_names_the_smallest_spread_that_can_be():
    text = examine(**SOURCE).text(width=100)
    assert "CANNOT BE" in text
    assert "4.0 % (population) or 4.5 % (sample)" in text
    assert "10 9 9 9 9" in text
    assert "45 45 46 47 47" in text
    assert "81.2 % to 96.8 %" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_terminal_shows_the_same_as_text():
    printed = run("--n", 50, "--folds", 5, "--mean", "92%", "--sd", "2%")
    assert printed.exit_code == 1
    assert printed.output.split() == examine(**SOURCE).text(width=80).split()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--n 50 --folds 5 --mean 92% --sd 4%", 0),
        ("--n 50 --folds 5 --mean 92% --sd 4.5%", 0),
        ("--n 50 --folds 5 --mean 92% --sd 4.9%", 1),
        ("--n 50 --folds 5 --mean 92% --sd 30%", 1),
        ("--n 50 --mean 91%", 1),
        ("--n 52 --folds 5 --mean 92% --sd 4%", 0),
        ("--n 52 --folds 11,11,10,10,10 --mean 92%", 0),
        ("--n 50 --folds 5 --mean 92% --sd 2% --repeats 5", 1),
        ("--n 50 --folds 5 --mean 92% --sd 2% --unit-per-case 18", 0),
        ("--classes 25,25 --mean 92% --sensitivity 92% --specificity 92%", 0),
        ("--classes 25,25 --mean 92% --sensitivity 90%", 1),
        ("--classes 25,25 --mean 92% --sensitivity 92% --specificity 96%", 1),
        ("--classes 25,25 --sensitivity 96% --auc 0.40", 0),
        ("--classes 25,25 --sensitivity 96% --specificity 96% --auc 0.90", 1),
        ("--mean 97% --sensitivity 95% --specificity 90%", 1),
        ("--mean 94% --auc 0.944 --prevalence 1.1%", 0),
        ("--mean 99% --auc 0.80 --prevalence 50%", 1),
        ("--n 50 --mean 92% --ppv 90% --f1 0.99", 1),
        ("--n 50 --folds 5 --mean 100% --sd 0%", 0),
        ("--n 50 --folds 5 --mean 92,0% --sd ±2%", 1),
        ("--n 50 --folds 5 --mean ９２％ --sd ±４％", 0),
        ("--n 75 --folds 5 --mean 92% --sd 2%", 3),
        ("--n 80 --folds 5 --mean 92% --sd 2%", 0),
        ("--n 100 --folds 5 --mean 92% --sd 2%", 0),
        ("--n 7 --mean 0.85", 3),
        ("--classes 7,7 --sensitivity 0.85", 3),
        ("--mean 96.9% --sensitivity 94% --specificity 96%", 3),
        ("--mean 90.5% --auc 0.80 --prevalence 50%", 3),
    ],
)
def test_exit_code_says_whether_the_numbers_can_be(arguments, code):
    result = run(*arguments.split())
    assert result.exit_code == code, result.output
    word = {0: "CAN BE", 1: "CANNOT BE", 3: "ONLY IF CUT OFF"}[code]
    assert f" {word} " in result.output
    assert "nan" not in result.output


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"n": "50", "mean": "101%"}, "mean '101%' is above 100"),
        ({"n": "50.5", "mean": "92%"}, "n '50.5' is not a whole number"),
        ({"n": "fifty", "mean": "92%"}, "not a whole number"),
        ({"n": "50", "mean": "92"}, "with its sign"),
        ({"n": "50", "mean": "92%", "sd": "2%"}, "only with"),
        ({"n": "50", "folds": "1", "mean": "92%"}, "at least two"),
        ({"n": "50", "folds": "10,10", "mean": "92%"}, "hold 20 cases"),
        ({"n": "50", "folds": "60", "mean": "92%"}, "only 50 cases"),
        ({"n": "50", "classes": "25,24", "mean": "92%"}, "add up to 49"),
        ({"classes": "20,20,10", "mean": "92%"}, "names 3 classes"),
        ({"n": "50", "mean": "92%", "repeats": "5"}, "number of folds"),
        ({"n": "50", "folds": "5"}, "nothing to judge"),
        ({"mean": "92%"}, "always possible"),
        ({"folds": "5", "mean": "92%"}, "give --n too"),
        ({"n": "50", "folds": "5", "mean": "92%", "unit_per_case": "18.4"}, "unit-per-case '18.4'"),
        ({"n": "1,000", "mean": "92%"}, "thousands or decimals"),
        ({"n": "50", "mean": 0.92}, "no text; give it as printed"),
        ({"n": "50", "mean": "92%", "recall": "0.9"}, "'recall' is unknown; choose from accuracy"),
        ({"n": "50", "folds": "5", "mean": "92%", "unit_per_case": "200000"}, "gone through"),
        ({"n": "50", "mean": "92% ± 2%"}, "has the sign ±"),
        ({"n": "1990", "folds": MANY_SIZES, "mean": "50%", "sd": "2%"}, "too many combinations"),
    ],
)
def test_unusable_input_is_refused_in_one_sentence(given, why):
    with pytest.raises(InputError, match=why) as error:
        examine(**given)
    assert "\n" not in str(error.value)


def test_tables_that_remain_are_listed_with_the_range_of_each_rate():
    tables = examine(mean="92%", classes="25,25").as_dict()["tables"]
    assert tables["total"] == 5
    first = {"tp": 21, "fn": 4, "tn": 25, "fp": 0}
    assert first.items() <= tables["listed"][0].items()
    assert tables["ranges"]["sensitivity"] == [0.84, 1.0]
    assert tables["ranges"]["specificity"] == [0.84, 1.0]


def test_classes_are_negative_first():
    found = examine(classes="30,20", sensitivity="95%").as_dict()
    assert {t["tp"] + t["fn"] for t in found["tables"]["listed"]} == {20}


def test_repeats_count_every_test_once():
    found = examine(**SOURCE, repeats=5).as_dict()
    assert found["counts"] == [229, 230, 231]
    assert found["counts_if_cut_off"] == [232]
    assert found["fold_vectors_total"] == 1946
    assert found["fold_vectors"][0]["probability"] is None
    assert found["intervals"]["wilson"] == examine(**SOURCE).as_dict()["intervals"]["wilson"]


def test_what_an_area_allows_is_told():
    bounds = examine(mean="94%", auc="0.944", prevalence="1.1%").as_dict()[
        "accuracy_allowed_by_auc"
    ]
    assert bounds["trivial"] == pytest.approx(0.989)
    assert bounds["highest"] == pytest.approx(0.999384)


def test_too_many_tables_are_said_to_be_unchecked():
    result = examine(n=5000, mean="92%", sensitivity="92%")
    assert result.possible
    assert any("not checked" in note for note in result.notes)


def test_a_mean_that_only_cutting_off_gives_has_a_verdict_of_its_own():
    result = examine(n=8, mean="0.62", folds=2)  # 5 of 8 is 0.625
    assert result.possible
    result = examine(n=7, mean="0.85")  # 6 of 7 is 0.857
    assert result.only_if_cut_off
    assert not result.possible
    assert (result.counts, result.counts_if_cut_off) == ([], (6,))
    assert "No number of 7 cases rounds to 0.85" in result.text()


@pytest.mark.parametrize(
    "given",
    [
        {"n": 10_000, "folds": 10, "mean": "92%", "sd": "2%"},
        {"n": 10_003, "folds": 10, "mean": "92.0%", "sd": "2.0%"},
        {"n": 1000, "folds": 10, "mean": "92%", "sd": "0.1%", "repeats": 10},
        {"n": 1_000_000, "folds": 10, "mean": "92%", "sd": "2%"},
        {"n": 100_003, "folds": 10, "mean": "92%", "sd": "2%"},
        {"n": 100, "folds": "17,19,21,23,20", "mean": "92.0%", "sd": "2.0%"},
        {"n": 100, "folds": "17,19,21,23,20", "mean": "50.0%", "sd": "2.0%"},
    ],
)
def test_large_studies_do_not_hang(given):
    start = time.process_time()
    result = examine(**given)
    text = result.text()
    assert time.process_time() - start < 5  # a second on an idle machine
    assert ("more than" in text) == (result.vectors_total is None)
    assert "CAN" in text


def test_what_takes_too_long_has_an_exit_code_of_its_own_and_help_names_all():
    main = "import sys; sys.argv[0] = 'medlib'; from medlib.cli import main; main()"
    options = ["grim", "--n", "1990", "--folds", MANY_SIZES, "--mean", "50%", "--sd", "2%"]
    run = subprocess.run(
        [sys.executable, "-c", main, *options], capture_output=True, text=True, check=False
    )
    assert run.returncode == 4
    assert "too many combinations" in run.stderr
    text = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert all(f"{code}: " in text for code in range(5))


def test_help_waits_for_no_statistics():
    code = "import sys, medlib.cli; print({'scipy', 'numpy', 'torch'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("mean", "sd", "code"),
    [("92%", "2%", 1), ("92%", "4.5%", 0), ("192%", "2%", 2), ("９２．０％", "２％", 1)],
)
def test_the_installed_command_answers_with_its_exit_code(mean, sd, code):
    main = "import sys; sys.argv[0] = 'medlib'; from medlib.cli import main; main()"
    options = ["grim", "--n", "50", "--folds", "5", "--mean", mean, "--sd", sd]
    run = subprocess.run(
        [sys.executable, "-c", main, *options], capture_output=True, text=True, check=False
    )
    assert run.returncode == code
    assert unicodedata.normalize("NFKC", mean) in run.stdout + run.stderr
