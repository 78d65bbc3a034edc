"""The claims ledger: `book/claims.yml` and `results/` as the cards and tables of the book.

- ``{{ board }}``: how many statements have each verdict, and what it means.
- ``{{ evidence }}``: how many verdicts hang on an outcome, on arithmetic alone, on reading.
- ``{{ tiles }}``: the same for the front page.
- ``{{ ledger }}``: a card a statement with quotation, verdict in one sentence, its numbers as dots
  that link to the section whose cell recorded them, and the reason and rule folded away.
- ``{{ claims["C43"].verdict }}``, ``.in_short``, ``.reason``, ``.en``: a statement's parts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import dots
import yaml
from docutils.nodes import make_id
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.results import Record, read_all
from medlib.results.claims import (
    EVIDENCE,
    VERDICTS,
    Claim,
    Condition,
    Runs,
    board,
    evidence,
    measured,
    read_claims,
)
from medlib.results.markdown import table


def board_table(claims: Sequence[Claim]) -> str:
    """Counts of the verdicts with their meaning, and which statements have them: the legend."""
    rows = [
        [
            _badge(verdict),
            VERDICTS[verdict],
            str(count),
            _links(c for c in claims if c.verdict == verdict),
        ]
        for verdict, count in board(claims).items()
    ]
    return table(["verdict", "it means", "statements", "which"], rows)


def _links(claims: Iterable[Claim]) -> str:
    return ", ".join(_to(claim.id) for claim in claims)


def _badge(verdict: str) -> str:
    """A verdict with the colour of its kind beside it; the words say it without the colour."""
    return f'<span class="verdict {verdict.replace(" ", "-")}">{verdict}</span>'


def evidence_table(claims: Sequence[Claim]) -> str:
    """What the verdicts hang on, and how many conditions of all rules are of each kind."""
    conditions = Counter(each.hangs_on for claim in claims for each in claim.rule)
    rows = [
        [*EVIDENCE[kind].split(": ", 1), str(len(found)), str(conditions[kind]), _links(found)]
        for kind, found in evidence(claims).items()
    ]
    header = ["the verdict hangs on", "that is", "verdicts", "conditions in all rules", "which"]
    return table(header, rows)


def ledger_cards(
    claims: Sequence[Claim], runs: Runs, chapters: Path, words: Mapping[str, str]
) -> str:
    """A card a statement: what it says, verdict in a sentence, numbers as dots; the rest folded."""
    return "\n\n".join(_card(claim, runs, chapters, words) for claim in claims)


def _card(claim: Claim, runs: Runs, chapters: Path, words: Mapping[str, str]) -> str:
    cited = " ".join(f"{{cite:t}}`{key}`" for key in claim.literature)
    chapter = _chapter(claim.chapter, chapters)
    parts = [
        "::::{div} claim-card",
        f'<span id="{claim.id}"></span>**{claim.id}** {claim.zh}<br>{claim.en}',
        f"{_badge(claim.verdict)} {claim.in_short}",
        dots.html(_measures(claim, runs, chapters, words)),
        ":::{dropdown} Why, and by which rule",
        " ".join(filter(None, [claim.reason, cited, chapter])),
        _conditions(claim, words),
        ":::",
        "::::",
    ]
    return "\n\n".join(filter(None, parts))


def _measures(
    claim: Claim, runs: Runs, chapters: Path, words: Mapping[str, str]
) -> list[dots.Measure]:
    """The numbers a statement is judged by, each with its records on all cohorts."""
    found: dict[tuple[str, str], dict[str, Record]] = {}
    for cohort, notebook, record in measured(claim, runs):
        name = dots.cohort_name(cohort, runs[cohort, notebook].cohort)
        found.setdefault((notebook, record.key), {})[name] = record
    return [
        dots.Measure(words[key], source(notebook, key, chapters), records)
        for (notebook, key), records in found.items()
    ]


def _conditions(claim: Claim, words: Mapping[str, str]) -> str:
    """The conditions that hold a verdict, or the numbers in its reason, as a list."""
    if not claim.rule:
        return ""
    what = "numbers in this reason" if claim.evidence == "reading" else "verdict"
    outcomes = sum(condition.hangs_on == "outcome" for condition in claim.rule)
    head = (
        f"The {what} stand{'' if claim.evidence == 'reading' else 's'} as long as (conditions: "
        f"{outcomes} on outcomes, {len(claim.rule) - outcomes} arithmetic):"
    )
    return "\n".join([head, "", *(f"- {_condition(each, words)}" for each in claim.rule)])


def _condition(each: Condition, words: Mapping[str, str]) -> str:
    end = "" if each.part == "value" else f", {each.part} end of the interval,"
    return f"{words.get(each.key, f'`{each.key}`')}{end} `{each.test}` ({each.cohort})"


def _to(claim_id: str) -> str:
    """A link to a statement's card, from any page beside the ledger."""
    return f'<a href="ledger.html#{claim_id}">{claim_id}</a>'


def tiles(claims: Sequence[Claim]) -> str:
    """The verdicts as tiles: how many statements, what it means, and which."""
    said = board(claims)
    return f'<div class="tiles">{"".join(_tile(v, n, claims) for v, n in said.items() if n)}</div>'


def _tile(verdict: str, count: int, claims: Sequence[Claim]) -> str:
    which = " ".join(
        f'<a href="ledger.html#{c.id}" title="{escape(c.en)}">{c.id}</a>'
        for c in claims
        if c.verdict == verdict
    )
    return (
        f'<div class="tile"><p><strong>{count}</strong> {_badge(verdict)}</p>'
        f"<p>{VERDICTS[verdict]}</p><p>{which}</p></div>"
    )


def source(notebook: str, key: str, chapters: Path) -> str:
    """The section of the chapter whose cell records a number, as an address."""
    section = next(
        (id_ for name, id_ in _recorded(chapters / f"{notebook}.md") if re.fullmatch(name, key)), ""
    )
    return f"../notebooks/{notebook}.html#{section}"


@cache
def _recorded(chapter: Path) -> list[tuple[str, str]]:
    """Pattern of each recorded key and its section's id, exact keys before those with gaps."""
    parts = re.split(r"^## (.+)$", chapter.read_text(encoding="utf-8"), flags=re.MULTILINE)
    recorded, named = [], []
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        section = make_id(re.sub(r"\{\w+\}`([^`<]+?)(?: <[^`]*)?`", r"\1", title))
        for name in re.findall(r"""record\(\s*f?"([^"]+)""", text):
            pieces = (re.escape(piece) for piece in re.split(r"\{[^}]*\}", name))
            recorded.append((r"\w*".join(pieces), section))
        named += [(name, section) for name in re.findall(r'"(\w{8,})"', text)]  # keys in a loop
    return sorted(recorded, key=lambda pair: pair[0].count(r"\w*")) + named


def _chapter(name: str, chapters: Path) -> str:
    """A link to the chapter, or its name while it is still to come."""
    if not name:
        return ""
    if (chapters / f"{name}.md").exists():
        return f"{{doc}}`../notebooks/{name}`"
    return f"Chapter to come: {name.replace('_', ' ')}."


def parts(claims: Sequence[Claim]) -> Mapping[str, Mapping[str, str]]:
    """Statements by id, as prose uses them."""
    return {
        c.id: {
            "verdict": _badge(c.verdict),
            "in_short": c.in_short,
            "reason": c.reason,
            "en": c.en,
            "zh": c.zh,
        }
        for c in claims
    }


def words(root: Path) -> Mapping[str, str]:
    """What numbers are called in words, by key."""
    text = (root / "book/number_words.yml").read_text(encoding="utf-8")
    said: Mapping[str, str] = yaml.safe_load(text)
    return said


def fill(app: Sphinx, config: Config) -> None:
    """Give the pages the ledger."""
    root = Path(app.srcdir)
    claims, runs = read_claims(root / "book/claims.yml"), read_all(root / "results")
    config.myst_substitutions = {
        **config.myst_substitutions,
        "board": board_table(claims),
        "evidence": evidence_table(claims),
        "tiles": tiles(claims),
        "ledger": ledger_cards(claims, runs, root / "notebooks", words(root)),
        "claims": parts(claims),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill, priority=600)  # after the results' pages
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
