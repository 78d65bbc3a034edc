"""The claims ledger: `book/claims.yml` and `results/` as the tables of the book.

- ``{{ board }}``: how many statements have each verdict, and what it means.
- ``{{ evidence }}``: how many verdicts hang on an outcome, on arithmetic alone, on reading.
- ``{{ ledger }}``: a row a statement with quotation, verdict, literature, and numbers that link
  to the section whose cell recorded them.
- ``{{ claims["C43"].verdict }}``, ``.reason``, ``.en``: one statement's parts for prose.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from docutils.nodes import make_id
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.results import read_all
from medlib.results.claims import (
    EVIDENCE,
    VERDICTS,
    Claim,
    Runs,
    board,
    evidence,
    measured,
    read_claims,
)
from medlib.results.markdown import table, with_interval


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


def ledger_table(claims: Sequence[Claim], runs: Runs, chapters: Path) -> str:
    """A row a statement; numbers link to the section that made them."""
    header = ["statement", "verdict, and why", "measured"]
    return table(header, [_row(claim, runs, chapters) for claim in claims])


def _row(claim: Claim, runs: Runs, chapters: Path) -> list[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for cohort, notebook, record in measured(claim, runs):
        name = _data(cohort, runs[cohort, notebook].cohort)
        said = f"{name} {with_interval(record)} {record.unit}".rstrip()
        found.setdefault((notebook, record.key), []).append(said)
    numbers = [f"{_source(*where, chapters)}: {'; '.join(said)}" for where, said in found.items()]
    cited = " ".join(f"{{cite:t}}`{key}`" for key in claim.literature)
    reason = " ".join(filter(None, [claim.reason, cited, _chapter(claim.chapter, chapters)]))
    return [
        f'<span id="{claim.id}"></span>**{claim.id}** {claim.zh}<br>{claim.en}',
        f"**{_badge(claim.verdict)}**{_hangs_on(claim)}<br>{reason}",
        "<br>".join(numbers),
    ]


def _hangs_on(claim: Claim) -> str:
    """How many conditions of a verdict's rule, or of its reason's numbers, hang on an outcome."""
    if not claim.rule:
        return ""
    of = "conditions of the reason" if claim.evidence == "reading" else "conditions"
    outcomes = sum(condition.hangs_on == "outcome" for condition in claim.rule)
    return f" ({of}: {outcomes} on outcomes, {len(claim.rule) - outcomes} arithmetic)"


def _data(folder: str, cohort: Mapping[str, Any]) -> str:
    """What a number was measured on; a run with other settings lies in a folder of its own."""
    if not cohort.get("simulated"):
        return folder
    return "simulated" if folder == cohort["name"] else f"{cohort['patients']:,} simulated"


def _to(claim_id: str) -> str:
    """A link to a statement's row, from any page beside the ledger."""
    return f'<a href="ledger.html#{claim_id}">{claim_id}</a>'


def _source(notebook: str, key: str, chapters: Path) -> str:
    """The key of a number, linked to the section of the chapter whose cell records it."""
    section = next(
        (id_ for name, id_ in _recorded(chapters / f"{notebook}.md") if re.fullmatch(name, key)), ""
    )
    return f'<a href="../notebooks/{notebook}.html#{section}"><code>{key}</code></a>'


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
        c.id: {"verdict": c.verdict, "reason": c.reason, "en": c.en, "zh": c.zh} for c in claims
    }


def fill(app: Sphinx, config: Config) -> None:
    """Give the pages the ledger."""
    root = Path(app.srcdir)
    claims, runs = read_claims(root / "book/claims.yml"), read_all(root / "results")
    config.myst_substitutions = {
        **config.myst_substitutions,
        "board": board_table(claims),
        "evidence": evidence_table(claims),
        "ledger": ledger_table(claims, runs, root / "notebooks"),
        "claims": parts(claims),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill, priority=600)  # after the results' pages
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
