"""The ledger's tables say what each verdict means, and what it hangs on."""

import re
from pathlib import Path

import ledger

from medlib.results import read_all
from medlib.results.claims import EVIDENCE, VERDICTS, board, evidence, read_claims

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = read_claims(ROOT / "book/claims.yml")


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_board_is_a_legend_of_all_verdicts():
    rows = [cells(line) for line in ledger.board_table(CLAIMS).splitlines()[2:]]
    counts = board(CLAIMS)
    assert [row[1] for row in rows] == list(VERDICTS.values())
    for verdict, row in zip(VERDICTS, rows, strict=True):
        assert f">{verdict}</span>" in row[0]
        assert row[2] == str(counts[verdict])


def test_every_verdict_has_a_look_of_its_own():
    """Colour or line differs, so that no two are told apart by their words alone."""
    style = (ROOT / "book/_static/medlib.css").read_text()
    base = re.search(r"\.verdict \{ (.+?) \}", style)
    assert base
    looks = {}
    for verdict in VERDICTS:
        rule = re.search(rf"\.verdict\.{verdict.replace(' ', '-')} \{{ (.+?) \}}", style)
        assert rule, f"medlib.css has no look for '{verdict}'"
        looks[verdict] = rule[1]
    assert len(set(looks.values())) == len(VERDICTS)


def test_what_verdicts_hang_on_is_counted_from_their_rules():
    rows = [cells(line) for line in ledger.evidence_table(CLAIMS).splitlines()[2:]]
    found, rules = evidence(CLAIMS), [each for claim in CLAIMS for each in claim.rule]
    for kind, row in zip(EVIDENCE, rows, strict=True):
        assert ": ".join(row[:2]) == EVIDENCE[kind]
        assert row[2] == str(len(found[kind]))
        assert int(row[3]) == sum(each.hangs_on == kind for each in rules)
        assert len(row[0]) < 30, "the first column does not wrap and would push the others out"


def test_a_row_says_how_many_of_its_conditions_hang_on_an_outcome():
    text = ledger.ledger_table(CLAIMS, read_all(ROOT / "results"), ROOT / "notebooks")
    lines = text.splitlines()
    row = next(line for line in lines if 'id="C43"' in line)
    rule = CLAIMS[42].rule
    outcomes = sum(each.hangs_on == "outcome" for each in rule)
    assert f"{outcomes} on outcomes, {len(rule) - outcomes} arithmetic" in row
    assert "[middle 95 %: " in next(line for line in lines if 'id="C32"' in line)


def test_a_key_leads_to_its_section_though_the_gap_in_its_name_is_empty(tmp_path):
    chapter = tmp_path / "01_x.md"
    chapter.write_text('## Some shares\n\nresults.record(f"share_{name}_sided{ending}", 1)\n')
    for key in ("share_two_sided", "share_two_sided_without_fault"):
        assert "01_x.html#some-shares" in ledger._source("01_x", key, tmp_path)
