"""The claims ledger: `book/claims.yml` and `results/` as the tables of the book.

- ``{{ board }}``: how many statements have each verdict.
- ``{{ ledger }}``: a row a statement with quotation, verdict, numbers and literature.
- ``{{ claims["C43"].verdict }}``, ``.reason``, ``.en``: one statement's parts for prose.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.claims import Claim, Runs, board, measured, read_claims
from medlib.markdown import table, with_interval
from medlib.results import read_all


def board_table(claims: Sequence[Claim]) -> str:
    """Counts of the verdicts, and which statements have them."""
    rows = [
        [verdict, str(count), ", ".join(c.id for c in claims if c.verdict == verdict)]
        for verdict, count in board(claims).items()
    ]
    return table(["verdict", "statements", "which"], rows)


def ledger_table(claims: Sequence[Claim], runs: Runs, chapters: Path) -> str:
    """A row a statement; numbers link to the chapter that made them."""
    header = ["id", "statement", "verdict", "measured", "why"]
    return table(header, [_row(claim, runs, chapters) for claim in claims])


def _row(claim: Claim, runs: Runs, chapters: Path) -> list[str]:
    numbers = [
        f"{'simulated' if runs[cohort, notebook].cohort.get('simulated') else cohort}: "
        f"`{record.key}` {with_interval(record)} {record.unit}".rstrip()
        for cohort, notebook, record in measured(claim, runs)
    ]
    cited = " ".join(f"{{cite:t}}`{key}`" for key in claim.literature)
    reason = " ".join(filter(None, [claim.reason, cited, _chapter(claim.chapter, chapters)]))
    return [
        f"{claim.id}",
        f"{claim.zh}<br>{claim.en}",
        f"**{claim.verdict}**",
        "<br>".join(numbers),
        reason,
    ]


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
        "ledger": ledger_table(claims, runs, root / "notebooks"),
        "claims": parts(claims),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill, priority=600)  # after the results' pages
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
