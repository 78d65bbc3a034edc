"""The ledger has a verdict for every statement, and no verdict outlives its numbers."""

from dataclasses import replace

import pytest
import yaml

from medlib import chapters
from medlib.errors import InputError
from medlib.processors import on_record
from medlib.results import Results, read_all
from medlib.results.claims import (
    EVIDENCE,
    VERDICTS,
    Claim,
    Condition,
    board,
    check,
    evidence,
    measured,
    read_claims,
)
from medlib.runtime.paths import project_root

LEDGER = project_root() / "book/claims.yml"
TOYS = {
    "slices_of_a_patient_apart_faked_points",
    "crop_by_lesion_faked_points",
    "typeI_naive_5x5",
    "growth_made_up_blurred_diameter",
}
"""Outcomes that were the same in every run: random numbers from one seed, no images of a cohort."""

ONE_COHORT = {
    "all_early_minus_best_points",
    "all_late_minus_best_points",
    "all_gated_minus_best_points",
    "strangers_that_help",
    "one_fusions_that_help",
    "one_early_minus_best_points",
    "one_attention_minus_best_points",
    "either_early_minus_best_points",
    "either_late_minus_best_points",
    "own_minus_other_auc_points",
    "equal_random_minus_left_out_auc_points",
    "unequal_random_minus_left_out_auc_points",
    "all_random_minus_left_out_auc_points",
    "remedies_that_helped",
    "wait_change_bleeds_flagged",
    "wait_change_bleeds_missed",
}
"""Outcomes of one cohort each, by heads that give the same on the processors tried: other patients
would give others."""


def runs(kind="confidence interval", **values):
    results = Results("08_x", {"name": "phantom", "simulated": True}, {}, {})
    for key, value in values.items():
        results.record(key, value, interval=(0.1, 0.9), kind=kind)
    return {("phantom", "08_x"): results}


def claim(**changes):
    plain = Claim("C43", "result", "标准差为2%", "SD 2 %", "refuted", "No.", "too small")
    return replace(plain, **changes)


def condition(test, part="value", key="sd", hangs_on="outcome"):
    return Condition("08_x", key, test, "phantom", hangs_on, part)


def test_the_ledger_of_the_book_follows_from_its_results():
    assert check(read_claims(LEDGER), read_all(project_root() / "results")) == []


def test_the_board_counts_every_statement_once():
    counts = board(read_claims(LEDGER))
    assert list(counts) == list(VERDICTS)
    assert sum(counts.values()) == 46


@pytest.mark.parametrize(
    ("test", "part", "holds"),
    [("> 0.02", "value", True), ("< 0.02", "value", False), (">= 0.1", "low", True),
     ("> 0.9", "high", False), ("== 0.04", "value", True)],
)  # fmt: skip
def test_a_verdict_falls_with_its_number(test, part, holds):
    faults = check([claim(rule=(condition(test, part),))], runs(sd=0.04))
    assert (faults == []) is holds


@pytest.mark.parametrize("text", ["", "C01: refuted", "- C01", "- ["])
def test_a_file_that_is_no_ledger_is_refused_by_name(text, tmp_path):
    (tmp_path / "claims.yml").write_text(text)
    with pytest.raises(InputError, match=r"claims\.yml (is no list|cannot be read)"):
        read_claims(tmp_path / "claims.yml")


@pytest.mark.parametrize("kind", ["quantile range", "range"])
def test_no_verdict_rests_on_ends_that_are_no_confidence_interval(kind):
    faults = check([claim(rule=(condition("< 0.5", "low"),))], runs(kind, sd=0.04))
    assert faults == ["C43: 'sd' has no confidence interval"]


def conditions():
    """Every condition of the ledger, with the values that all cohorts recorded."""
    found = read_all(project_root() / "results")
    for claim in read_claims(LEDGER):
        for each in claim.rule:
            values = [
                run[each.key].value
                for (_, notebook), run in found.items()
                if notebook == each.notebook and each.key in run.records
            ]
            yield claim.id, each, values, found[each.cohort, each.notebook][each.key].compared


def has_moved(condition, values, compared):
    """Whether the number was seen to differ between cohorts, processors or seeds, or may."""
    moved = on_record.read(condition.notebook, chapters.cohort_of(condition.notebook))
    seen_to_move = any(one.key == condition.key for one in moved)
    return seen_to_move or not compared or any(value != values[0] for value in values)


def test_what_is_called_arithmetic_never_came_out_otherwise():
    wrong = [
        f"{claim}: {each}"
        for claim, each, values, compared in conditions()
        if each.hangs_on == "arithmetic" and has_moved(each, values, compared)
    ]
    assert wrong == []


def test_what_is_called_an_outcome_came_out_otherwise_or_is_drawn_at_random():
    wrong = [
        f"{claim}: {each}"
        for claim, each, values, compared in conditions()
        if each.hangs_on == "outcome"
        and each.key not in TOYS | ONE_COHORT
        and not has_moved(each, values, compared)
    ]
    assert wrong == []


def test_every_verdict_hangs_on_one_thing_or_is_to_come():
    claims = read_claims(LEDGER)
    found = evidence(claims)
    assert list(found) == list(EVIDENCE)
    ids = [one.id for those in found.values() for one in those]
    assert len(ids) == len(set(ids)) == 46 - board(claims)["to be tested"]


@pytest.mark.parametrize(
    ("kinds", "evidence"),
    [((), "reading"), (("arithmetic",) * 2, "arithmetic"), (("arithmetic", "outcome"), "outcome")],
)
def test_one_outcome_is_enough_for_a_verdict_to_hang_on_it(kinds, evidence):
    rule = tuple(condition("> 0", hangs_on=kind) for kind in kinds)
    assert claim(rule=rule).evidence == evidence
    assert claim(rule=rule, verdict="to be tested").evidence == ""


@pytest.mark.parametrize(
    "verdict", ["not reported", "no source found", "not testable", "misquoted"]
)
def test_what_the_text_leaves_out_hangs_on_reading_whatever_was_measured(verdict):
    """No number could put the unit of the fifty into the text; conditions hold the reason."""
    rule = (condition("> 0"), condition("> 0", hangs_on="arithmetic"))
    assert claim(rule=rule, verdict=verdict).evidence == "reading"
    assert check([claim(rule=(condition("> 1"),), verdict=verdict)], runs(sd=0.04)) != []


def test_significance_is_judged_by_arithmetic_on_the_printed_line():
    """46 of 50 pass against guessing in every reading, against 85 % they do not."""
    said = read_claims(LEDGER)[44]
    assert said.verdict == "depends on what is left open"
    assert said.evidence == "arithmetic"


def test_the_spread_of_2_percent_is_judged_under_both_readings():
    """Over folds it is a theorem, over repeats an outcome; the text does not say which."""
    said = read_claims(LEDGER)[42]
    assert {each.key: each.hangs_on for each in said.rule} == {
        "min_population_sd": "arithmetic",
        "vectors_with_sd_of_2_percent": "arithmetic",
        "five_by_five_repeat_means_possible": "arithmetic",
        "draws_repeat_sd_printed_as_2_percent": "outcome",
    }
    assert "does not say which" in " ".join(said.reason.split())


def test_what_the_text_leaves_out_is_told_from_what_no_source_says():
    verdicts = {one.id: one.verdict for one in read_claims(LEDGER)}
    left_out = ["C34", "C36", "C39", "C40", "C41", "C44"]
    assert {verdicts[name] for name in left_out} == {"not reported"}
    assert {verdicts[name] for name in ("C01", "C19", "C20", "C22")} == {"no source found"}
    assert verdicts["C10"] == verdicts["C11"] == "misquoted"


def test_pooled_rates_of_978_and_996_force_an_accuracy_above_95_percent():
    assert read_claims(LEDGER)[12].verdict == "reproduced with limits"  # C13
    for sick, healthy in ((1, 9999), (28, 972), (500, 500), (9999, 1)):
        accuracy = (0.978 * sick + 0.996 * healthy) / (sick + healthy)
        assert 0.978 <= accuracy <= 0.996


def test_a_vanished_number_is_named():
    faults = check([claim(measured=(("08_x", "gone"),))], runs(sd=0.04))
    assert faults == ["C43: no cohort has 'gone' of 08_x"]


def test_a_rule_on_a_vanished_number_is_a_fault():
    assert "gone" in check([claim(rule=(condition("> 1", key="gone"),))], runs(sd=0.04))[0]


def test_a_rule_that_cannot_be_read_is_a_fault():
    assert "cannot be read" in check([claim(rule=(condition("about 3"),))], runs(sd=0.04))[0]


@pytest.mark.parametrize("test", ["> high", "> [", "< [1, 2]", "> null"])
def test_a_rule_that_compares_a_number_with_something_else_is_a_fault(test):
    assert "cannot be compared" in check([claim(rule=(condition(test),))], runs(sd=0.04))[0]


@pytest.mark.parametrize(("test", "faults"), [("> 1e-3", 0), ("< 1e-3", 1)])
def test_a_number_in_scientific_notation_is_a_number(test, faults):
    assert len(check([claim(rule=(condition(test),))], runs(sd=0.04))) == faults


def test_a_rule_without_all_its_parts_is_refused(tmp_path):
    entries = yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    del entries[42]["rule"][0]["test"]
    (tmp_path / "claims.yml").write_text(yaml.safe_dump(entries, allow_unicode=True))
    with pytest.raises(InputError, match=r"a rule of C43 in the ledger cannot be read .*test"):
        read_claims(tmp_path / "claims.yml")


def test_a_statement_to_be_tested_names_its_chapter():
    assert check([claim(verdict="to be tested")], {}) != []
    assert check([claim(verdict="to be tested", chapter="10_few_samples")], {}) == []


def test_measured_values_come_with_their_cohort():
    found = measured(claim(measured=(("08_x", "sd"),)), runs(sd=0.04))
    assert [(c, n, r.value) for c, n, r in found] == [("phantom", "08_x", 0.04)]


@pytest.mark.parametrize("spoil", [{"verdict": "true"}, {"verdict": ""}, {"reason": ""}])
def test_a_statement_without_a_verdict_or_reason_is_refused(tmp_path, spoil):
    entries = yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    entries[7] |= spoil
    (tmp_path / "claims.yml").write_text(yaml.safe_dump(entries, allow_unicode=True))
    with pytest.raises(InputError, match="C08"):
        read_claims(tmp_path / "claims.yml")


@pytest.mark.parametrize("spoil", ["luck", None])
def test_a_condition_that_does_not_say_what_it_hangs_on_is_refused(tmp_path, spoil):
    entries = yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    entries[42]["rule"][0]["hangs_on"] = spoil
    (tmp_path / "claims.yml").write_text(yaml.safe_dump(entries, allow_unicode=True))
    with pytest.raises(InputError, match=r"a rule of C43 on .* has to say `hangs_on: outcome`"):
        read_claims(tmp_path / "claims.yml")


def test_a_missing_statement_is_noticed(tmp_path):
    entries = yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    (tmp_path / "claims.yml").write_text(yaml.safe_dump(entries[:-1], allow_unicode=True))
    with pytest.raises(InputError, match="C46"):
        read_claims(tmp_path / "claims.yml")
