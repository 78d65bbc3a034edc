"""Sentences about tests say what the numbers say, whichever way they came out."""

import numpy as np
import pandas as pd
import pytest

from medlib.errors import InputError
from medlib.results import Results
from medlib.statistics import Interval
from medlib.study import significance

COHORT = {"name": "x", "simulated": True, "images": 50, "images_per_class": {"a": 25, "b": 25}}


def run(**records):
    made = Results("04_resnet50_cv", COHORT, {})
    for key, (value, *ends) in records.items():
        made.record(key, value, interval=ends or None)
    return made


def trained(true, shuffled, curve=0.95):
    return run(
        true_test_accuracy=true, shuffled_test_accuracy=shuffled,
        true_train_accuracy=(curve,), shuffled_train_accuracy=(curve,),
    )  # fmt: skip


def test_a_difference_of_shares_is_newcombes_of_his_example():
    # Newcombe 1998, table II (a): 56 of 70 against 48 of 80, method 10
    first = Interval("p", 56 / 70, 0.6917, 0.8773, 0.95, "Wilson")
    second = Interval("p", 48 / 80, 0.4904, 0.7003, 0.95, "Wilson")
    found = significance.difference_of_shares(first, second)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=3e-4)


@pytest.mark.parametrize(
    ("true", "shuffled", "curve", "said"),
    [
        ((0.7, 0.55, 0.8), (0.5, 0.4, 0.6), 0.9, "begins at 0.55, above chance"),
        ((0.5, 0.4, 0.6), (0.5, 0.4, 0.6), 0.9, "there is no contrast: both training curves climb"),
        ((0.5, 0.4, 0.6), (0.5, 0.4, 0.6), 0.5, "both trainings were short"),
        ((0.7, 0.6, 0.8), (0.7, 0.6, 0.8), 0.9, "look for a leak"),
    ],
)
def test_a_contrast_is_claimed_only_where_the_true_labels_lie_above_chance(
    true, shuffled, curve, said
):
    assert said in significance.contrast_in_words(trained(true, shuffled, curve))


def test_a_record_that_is_no_number_is_named():
    wrong = run(true_test_accuracy=("high",), shuffled_test_accuracy=(0.5, 0.4, 0.6))
    with pytest.raises(InputError, match=r"true_test_accuracy .* is 'high'"):
        significance.true_minus_shuffled(wrong)


def test_only_rates_whose_interval_lies_outside_the_level_are_named():
    rates = {"careful": 0.005, "fine": 0.05, "bold": 0.12, "few": 0.12}
    found = significance.clearly_outside(rates, {"careful": 2000, "fine": 2000, "bold": 2000,
                                                 "few": 20})  # fmt: skip
    assert list(found) == ["careful", "bold"]
    assert "0.5 %" in found["careful"]
    assert "too careful" in found["careful"]
    assert "too bold" in found["bold"]


def test_rates_are_recorded_with_the_range_of_the_simple_pairs_and_the_error_of_the_images():
    results = run()
    table = pd.DataFrame({"p": [0.02], "q": [0.03], "r": [0.07], "img": [0.05]}, index=["t"])
    significance.record_rates(results, "typeI", table, "img", 600)
    assert (results["typeI_t"].value, results["typeI_t"].interval) == (0.03, (0.02, 0.07))
    assert results["typeI_t"].kind == "range"
    low, high = results["features_typeI_t"].interval
    assert low < 0.05 < high


def summary(out_of_fold):
    rows = [*significance.RIVALS.values(), significance.OF_ONE_MODEL]
    table = pd.DataFrame(
        {"fits": 5, "lowest level": 0.01, "highest level": 0.06, "lowest coverage": 0.8,
         "mean width": np.linspace(0.1, 0.5, len(rows)), "holds one model, lowest": 0.9},
        index=rows,
    )  # fmt: skip
    table.loc["corrected t, all repeats", "lowest coverage"] = 0.95
    table.loc["out-of-fold", "lowest coverage"] = out_of_fold
    table.loc["out-of-fold", "mean width"] = 0.15
    return table


def test_the_sentence_on_the_laboratory_names_what_holds_and_doubts_its_own_advice_where_due():
    given = {"settings": 9, "studies": 800}
    good = significance.laboratory_in_words(summary(0.96), **given)
    assert "settings: out-of-fold, corrected t, all repeats." in good
    assert "trust this table" not in good
    bad = significance.laboratory_in_words(summary(0.7), **given)
    assert "settings: corrected t, all repeats." in bad
    assert "trust this table" in bad


def test_the_laboratory_is_recorded_by_procedure():
    results = run()
    significance.record_laboratory(results, summary(0.96), settings=9, studies=800)
    assert len(results.records) == 3 * len(significance.RIVALS) + 2
    low, high = results["laboratory_lowest_coverage_out_of_fold"].interval
    assert low < 0.96 < high


def test_one_sided_readings_halve_p_on_the_side_asked_for_only():
    p = pd.Series({"t": 0.08, "mcnemar": 0.2})
    below = significance.readings_below
    assert below(p, ahead=True, exact_one_sided=None) == 0.25
    assert below(p, ahead=False, exact_one_sided=None) == 0
    assert below(p, ahead=True, exact_one_sided=0.01) == 0.5
    assert p["mcnemar"] == 0.2


def test_an_accuracy_is_set_against_references_with_its_side():
    results = run()
    said = significance.against_references(run(a=(0.56, 0.42, 0.69)), results, "a")
    assert "right in 28 of 50: 6 points above 50 % (p = 0.48)" in said
    assert "19 points below 75 % (p = 0.0031)" in said
    assert results["p_resnet50_50"].value == pytest.approx(0.47988766)
    assert significance.against_references(None, results, "a") is None


def test_the_lines_to_type_hand_the_first_folder_to_the_second():
    said = significance.lines_to_run("04_a", "08_b", {"cohort": "images:x"}, "resnet50")
    assert "medlib run 04_a -p cohort images:x --out DIR/first" in said
    assert "-p resnet50 DIR/first --out DIR/second" in said
