"""The ledger's tables say what each verdict means, and what it hangs on."""

import re
from pathlib import Path

import dots
import ledger
import pytest

from medlib.results import Record, read_all
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


def test_every_verdict_is_given_in_a_sentence_of_at_most_thirty_words():
    long = {c.id: c.in_short for c in CLAIMS if not 3 <= len(c.in_short.split()) <= 30}
    assert long == {}
    assert [c.id for c in CLAIMS if not c.in_short.endswith(".")] == []


def test_every_number_of_a_statement_has_words_and_no_words_are_left_over():
    assert set(ledger.words(ROOT)) == {key for claim in CLAIMS for _, key in claim.measured}


def card(name):
    runs, words = read_all(ROOT / "results"), ledger.words(ROOT)
    text = ledger.ledger_cards(CLAIMS, runs, ROOT / "notebooks", words)
    return next(part for part in text.split("::::{div} claim-card") if f'id="{name}"' in part)


def test_a_card_says_how_many_of_its_conditions_hang_on_an_outcome():
    rule = CLAIMS[42].rule
    outcomes = sum(each.hangs_on == "outcome" for each in rule)
    assert f"{outcomes} on outcomes, {len(rule) - outcomes} arithmetic" in card("C43")
    assert "[middle 95 %: " in card("C32")


def test_a_card_shows_each_cohort_as_a_dot_with_its_interval_and_in_words():
    shown = card("C42")
    assert CLAIMS[41].in_short in shown
    assert shown.count("<svg") == len(CLAIMS[41].measured)
    assert (
        'aria-label="ResNet-50 from scratch, accuracy, 50 cases: simulated 0.56 [95 % CI' in shown
    )
    assert "scratch_accuracy<" not in shown, "keys are for code, words for readers"


def record(value, interval=None, unit=""):
    return Record("a", value, unit=unit, interval=interval)


@pytest.mark.parametrize(
    ("record", "axis"),
    [
        (record(0.5, (0.2, 0.9)), (0, 1)),
        (record(0.04), (0, 0.2)),
        (record(-8.0, (-20.0, 4.0), "percentage points"), (-60, 60)),
        (record(28.0, None, "% of the analyses"), (0, 100)),
        (record(49), None),  # a count
        (record(2e-16), None),  # a rounding error
        (record(4.9), None),  # a ratio
        (record([4]), None),
    ],
)
def test_an_axis_fits_its_number_or_words_alone_give_it(record, axis):
    assert dots.Measure("words", "x.html", {"simulated": record}).axis == axis


def test_a_dot_lies_where_its_value_is_and_its_bar_ends_where_the_interval_does():
    shown = dots.html([dots.Measure("w", "x.html", {"simulated": record(0.25, (0.0, 1.0))})])
    assert '<path d="M8.0 8H232.0" stroke="#0072b2"' in shown
    assert '<text x="64.0" y="12" text-anchor="middle" fill="#0072b2">●</text>' in shown


def test_what_is_the_same_in_every_run_is_shown_once():
    same = {"simulated": record(0.92), "iq-oth-nccd": record(0.92)}
    shown = dots.html([dots.Measure("w", "x.html", same)])
    assert "the same in every run 0.92" in shown
    assert "iq-oth-nccd" not in shown


def test_tiles_count_every_statement_and_link_to_its_card():
    shown = ledger.tiles(CLAIMS)
    assert sum(map(int, re.findall(r"<strong>(\d+)</strong>", shown))) == len(CLAIMS)
    assert all(f'href="ledger.html#{claim.id}"' in shown for claim in CLAIMS)


def test_a_key_leads_to_its_section_though_the_gap_in_its_name_is_empty(tmp_path):
    chapter = tmp_path / "01_x.md"
    chapter.write_text('## Some shares\n\nresults.record(f"share_{name}_sided{ending}", 1)\n')
    for key in ("share_two_sided", "share_two_sided_without_fault"):
        assert "01_x.html#some-shares" in ledger.source("01_x", key, tmp_path)
