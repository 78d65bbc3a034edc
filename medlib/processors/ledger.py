"""Verdicts under each profile: the rules of the ledger, on numbers made on another processor."""

from collections.abc import Sequence

from medlib.processors.runs import Run
from medlib.results import claims
from medlib.results.records import Results, read_all
from medlib.runtime.paths import project_root


def fallen(runs: Sequence[Run]) -> list[str]:
    """One sentence for each verdict that does not follow from the numbers of a run."""
    return [
        f"under '{run.profile.name}': {fault}"
        for run in runs
        for fault in with_fresh(run.results())
    ]


def with_fresh(fresh: Results) -> list[str]:
    """What the ledger's rules say with these numbers in place of the committed ones."""
    root = project_root()
    committed = read_all(root / "results")
    runs = {**committed, (str(fresh.cohort["name"]), fresh.notebook): fresh}
    return claims.check(claims.read_claims(root / "book" / "claims.yml"), runs)
