"""The ledger has a verdict for every statement, and no verdict outlives its numbers."""

from dataclasses import replace

import pytest
import yaml

from medlib.claims import (
    VERDICTS,
    Claim,
    Condition,
    board,
    check,
    measured,
    read_claims,
)
from medlib.errors import InputError
from medlib.paths import project_root
from medlib.results import Results, read_all

LEDGER = project_root() / "book/claims.yml"


def runs(**values):
    results = Results("08_x", {"name": "phantom", "simulated": True}, {}, {})
    for key, value in values.items():
        results.record(key, value, interval=(0.1, 0.9))
    return {("phantom", "08_x"): results}


def claim(**changes):
    plain = Claim("C43", "result", "标准差为2%", "SD 2 %", "impossible as stated", "too small")
    return replace(plain, **changes)


def condition(test, part="value", key="sd"):
    return Condition("08_x", key, test, "phantom", part)


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


def test_a_vanished_number_is_named():
    faults = check([claim(measured=(("08_x", "gone"),))], runs(sd=0.04))
    assert faults == ["C43: no cohort has 'gone' of 08_x"]


def test_a_rule_on_a_vanished_number_is_a_fault():
    assert "gone" in check([claim(rule=(condition("> 1", key="gone"),))], runs(sd=0.04))[0]


def test_a_rule_that_cannot_be_read_is_a_fault():
    assert "cannot be read" in check([claim(rule=(condition("about 3"),))], runs(sd=0.04))[0]


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


def test_a_missing_statement_is_noticed(tmp_path):
    entries = yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    (tmp_path / "claims.yml").write_text(yaml.safe_dump(entries[:-1], allow_unicode=True))
    with pytest.raises(InputError, match="C46"):
        read_claims(tmp_path / "claims.yml")
