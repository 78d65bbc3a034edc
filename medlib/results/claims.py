"""The ledger: what each of the source text's 46 statements is worth, and on what evidence.

A verdict that depends on numbers states its rule; `check` holds ledger, rules and results to
each other, so a verdict cannot outlive the numbers it rests on.
"""

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from medlib.errors import InputError
from medlib.results.records import CONFIDENCE, Record, Results

VERDICTS: Final[Mapping[str, str]] = {
    "reproduced": "what was measured here, or follows from what was published, says the same",
    "reproduced with limits": "so in part, or only under conditions that the text does not name",
    "depends on what is left open": "true, or possible, under one reading of the text and not under"
    " another",
    "refuted": "what was measured here says otherwise",
    "misquoted": "the source found says something else",
    "no source found": "no source that says so could be found; the text resolves none",
    "not reported": "the text leaves out what a reader needs to judge it",
    "not testable": "no computation can decide it",
    "to be tested": "a chapter is still to come",
}
"""Each verdict, and what it means."""
EVIDENCE: Final[Mapping[str, str]] = {
    "outcome": "an outcome: other data, seeds or machines could have given another answer",
    "arithmetic": "arithmetic alone: it cannot come out otherwise, whatever the data",
    "reading": "reading: the text itself and the literature, no number of this book",
}
"""What a verdict hangs on; the first two are also the kinds of a `Condition`."""
OF_THE_TEXT: Final = {"not reported", "no source found", "not testable", "misquoted"}
"""Verdicts that no number could change; conditions hold the numbers in their reasons."""
NUMBER_OF_CLAIMS: Final = 46
"""Statements that the text makes."""
COMPARE: Final = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
"""The comparisons that a condition may ask for."""
REQUIRED: Final = ("id", "section", "zh", "en", "verdict", "in_short", "reason")
"""What every statement of the ledger has."""
PARTS: Final = ("value", "low", "high")
"""What of a record a condition may look at."""

Runs = Mapping[tuple[str, str], Results]


@dataclass(frozen=True)
class Condition:
    """A number that a verdict, or its reason, needs: ``PART of KEY in NOTEBOOK on COHORT is TEST``.

    part: "value", or "low" or "high" end of its confidence interval. test: "> 0.04", "== true".
    hangs_on: "outcome" if other data, seeds or machines could make it fail; "arithmetic" if nothing
    but other code could (identities, counts, enumerations). A theorem that holds is no evidence.
    """

    notebook: str
    key: str
    test: str
    cohort: str
    hangs_on: str
    part: str = "value"

    def __str__(self) -> str:
        of = "" if self.part == "value" else f" ({self.part} end)"
        return f"{self.key}{of} {self.test} in {self.notebook} on {self.cohort}"

    def holds(self, runs: Runs) -> bool:
        """Whether the recorded number passes; InputError where it is gone or the test is none."""
        sign, _, wanted = self.test.partition(" ")
        if sign not in COMPARE or not wanted or self.part not in PARTS:
            raise InputError(f"the rule '{self}' cannot be read; write a test such as '> 0.04'")
        run = runs.get((self.cohort, self.notebook))
        if run is None:
            raise InputError(f"the rule '{self}' needs results that are not there")
        try:
            return bool(COMPARE[sign](_part(run[self.key], self.part), _read_value(wanted)))
        except (TypeError, yaml.YAMLError):
            raise InputError(f"the rule '{self}' compares what cannot be compared") from None


@dataclass(frozen=True)
class Claim:
    """One statement, its verdict and the evidence.

    in_short: the verdict in one sentence of at most 30 words, for a reader in a hurry.
    measured: (notebook, key) pairs, shown for every cohort that has them. chapter: where it is or
    will be tested. literature: keys of the bibliography.
    """

    id: str
    section: str
    zh: str
    en: str
    verdict: str
    in_short: str
    reason: str
    chapter: str = ""
    measured: tuple[tuple[str, str], ...] = ()
    rule: tuple[Condition, ...] = ()
    literature: tuple[str, ...] = field(default=())

    @property
    def evidence(self) -> str:
        """What the verdict hangs on, a key of `EVIDENCE`; empty while it is to be tested.

        A verdict about the text or its sources hangs on reading, whatever its conditions hold.
        """
        if self.verdict == "to be tested":
            return ""
        if self.verdict in OF_THE_TEXT:
            return "reading"
        kinds = {condition.hangs_on for condition in self.rule}
        return next((kind for kind in EVIDENCE if kind in kinds), "reading")


def read_claims(path: Path) -> list[Claim]:
    """The ledger from its YAML; InputError where a statement or a verdict is missing."""
    claims = [_claim(entry) for entry in _entries(Path(path))]
    wanted = [f"C{number:02d}" for number in range(1, NUMBER_OF_CLAIMS + 1)]
    if [claim.id for claim in claims] != wanted:
        raise InputError(f"{path} must hold {wanted[0]} to {wanted[-1]}, each once and in order")
    return claims


def check(claims: Sequence[Claim], runs: Runs) -> list[str]:
    """One sentence for each verdict that no longer follows and each number that vanished."""
    return [fault for claim in claims for fault in _faults(claim, runs)]


def board(claims: Sequence[Claim]) -> dict[str, int]:
    """How many statements have each verdict, in the order of `VERDICTS`."""
    counts = Counter(claim.verdict for claim in claims)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def evidence(claims: Sequence[Claim]) -> dict[str, list[Claim]]:
    """The statements whose verdicts hang on an outcome, on arithmetic alone, or on reading."""
    return {kind: [claim for claim in claims if claim.evidence == kind] for kind in EVIDENCE}


def measured(claim: Claim, runs: Runs) -> list[tuple[str, str, Record]]:
    """Cohort, notebook and record of each number a claim names, simulated cohorts first."""
    order = sorted(runs, key=lambda pair: (not runs[pair].cohort.get("simulated", False), pair))
    return [
        (cohort, notebook, runs[cohort, notebook].records[key])
        for wanted, key in claim.measured
        for cohort, notebook in order
        if notebook == wanted and key in runs[cohort, notebook].records
    ]


def _entries(path: Path) -> list[Mapping[str, Any]]:
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as YAML ({type(error).__name__})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise InputError(f"{path} is no list of statements; each begins with '- id: C01'")
    return entries


def _claim(entry: Mapping[str, Any]) -> Claim:
    name = entry.get("id", "a claim without id")
    lacking = [k for k in REQUIRED if not entry.get(k)]
    if lacking:
        raise InputError(f"{name} lacks {', '.join(lacking)} in the ledger")
    if entry["verdict"] not in VERDICTS:
        raise InputError(
            f"{name} has the verdict '{entry['verdict']}'; choose {', '.join(VERDICTS)}"
        )
    return Claim(
        **{
            **entry,
            "measured": tuple((m["notebook"], m["key"]) for m in entry.get("measured", [])),
            "rule": tuple(_condition(name, each) for each in entry.get("rule", [])),
            "literature": tuple(entry.get("literature", [])),
        }
    )


def _condition(claim: str, entry: Mapping[str, Any]) -> Condition:
    if entry.get("hangs_on") not in ("outcome", "arithmetic"):
        raise InputError(
            f"a rule of {claim} on '{entry.get('key')}' has to say `hangs_on: outcome` or "
            "`hangs_on: arithmetic` in the ledger"
        )
    try:
        return Condition(**entry)
    except TypeError as error:
        raise InputError(f"a rule of {claim} in the ledger cannot be read ({error})") from None


def _faults(claim: Claim, runs: Runs) -> list[str]:
    faults = [
        f"{claim.id}: no cohort has '{key}' of {notebook}"
        for notebook, key in claim.measured
        if not any(key in run.records for (_, name), run in runs.items() if name == notebook)
    ]
    if claim.verdict == "to be tested" and not claim.chapter:
        faults.append(f"{claim.id} is to be tested, but no chapter is named")
    for condition in claim.rule:
        try:
            if not condition.holds(runs):
                faults.append(f"{claim.id}: '{claim.verdict}' needs {condition}; it does not hold")
        except InputError as error:
            faults.append(f"{claim.id}: {error}")
    return faults


def _read_value(text: str) -> Any:
    """What is written on the right of a test; YAML takes 1e-3 for text, but it is a number."""
    value = yaml.safe_load(text)
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _part(record: Record, part: str) -> Any:
    if part == "value":
        return record.value
    if record.interval is None or record.kind != CONFIDENCE:
        raise InputError(f"'{record.key}' has no confidence interval")
    return record.interval[part == "high"]
