"""Numbers in prose: `results/*.json`, `benchmarks/results.json` and the source text's statements.

Pages use MyST substitutions. A key that does not exist is an undefined value: MyST warns, and the
build, which takes warnings for errors, fails.

- ``{{ r["04_resnet50_cv"]["iq-oth-nccd"]["accuracy"].text }}``: a value with its ends and what they
  are, rounded to what the ends support; ``.value``, ``.unit``, ``.low``, ``.high`` and ``.kind``
  are its parts.
- ``{{ ends }}``: what the words in the brackets mean.
- ``{{ tables["04_resnet50_cv"] }}``: all numbers of a chapter, one column a cohort, and below it
  where each cohort comes from.
- ``{{ benchmarks["NAME"] }}``: one table a task. ``{{ statements }}``: the 46 statements.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.results import Record, Results, read_all
from medlib.results.markdown import ENDS, number, table, with_interval

Runs = Mapping[tuple[str, str], Results]


def parts(record: Record) -> dict[str, Any]:
    """A record as a page uses it."""
    low, high = record.interval or (None, None)
    return {
        "value": record.value,
        "unit": record.unit,
        "low": low,
        "high": high,
        "kind": record.kind,
        "text": f"{with_interval(record)} {record.unit}".rstrip(),
    }


def by_notebook(runs: Runs) -> dict[str, dict[str, Results]]:
    """Runs as notebook -> cohort -> results, simulated cohorts first."""
    found: dict[str, dict[str, Results]] = {}
    for (cohort, notebook), run in sorted(runs.items(), key=lambda item: _order(*item)):
        found.setdefault(notebook, {})[cohort] = run
    return found


def _order(key: tuple[str, str], run: Results) -> tuple[str, bool, str]:
    return key[1], not run.cohort.get("simulated", False), key[0]


def side_by_side(cohorts: Mapping[str, Results]) -> str:
    """All numbers of one chapter, one column a cohort, then the source of each cohort."""
    keys = dict.fromkeys(key for run in cohorts.values() for key in run.records)
    header = ["number", *(_column(name, run) for name, run in cohorts.items()), "claims"]
    rows = [_row(key, list(cohorts.values())) for key in keys]
    return table(header, rows) + "\n\n" + "\n".join(map(source, cohorts.values()))


def _column(name: str, run: Results) -> str:
    return f"{name} ({'simulated' if run.cohort.get('simulated') else 'real'})"


def _row(key: str, runs: Sequence[Results]) -> list[str]:
    found = [run.records.get(key) for run in runs]
    known = next(record for record in found if record)
    unit = f" ({known.unit})" if known.unit else ""
    claims = sorted({claim for record in found if record for claim in record.claims})
    cells = [with_interval(record) if record else "not recorded" for record in found]
    return [f"`{key}`{unit}", *cells, ", ".join(claims)]


def source(run: Results) -> str:
    """Where the data of a run come from: size, classes, hash, licence, citation, machine."""
    cohort = run.cohort
    hashed = str(cohort.get("content_hash", ""))[:16]
    facts = [
        f"**{cohort['name']}**",
        f"{cohort['images']} images of {cohort['patients']} patients"
        if "patients" in cohort
        else "",
        f"patient ids {cohort['patient_id_kind']}" if "patient_id_kind" in cohort else "",
        f"data SHA-256 `{hashed}`..." if hashed else "",
        f"licence: {cohort['licence']}" if cohort.get("licence") else "",
        str(cohort.get("citation", "")),
        f"run on {run.environment.get('processor', 'an unnamed processor')}",
    ]
    return "- " + "; ".join(
        fact.rstrip(".") if "..." not in fact else fact for fact in facts if fact
    )


def benchmark_tables(path: Path) -> dict[str, str]:
    """One table a task: tool, seconds, peak memory, accuracy, and its seconds over ours."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    tasks = dict.fromkeys(row["task"] for row in rows)
    return {task: _benchmark([row for row in rows if row["task"] == task]) for task in tasks}


MEASURES = {
    "seconds": "seconds",
    "cpu_seconds": "processor seconds",
    "peak_mb": "peak memory (MB)",
    "accuracy": "accuracy",
    "ratio": "its time over ours",
}


def _benchmark(rows: Sequence[Mapping[str, Any]]) -> str:
    """A row a tool, with the measures that any of them has; then our share of the peak."""
    names = [name for name in MEASURES if any(row.get(name) is not None for row in rows)]
    cells = (
        [str(row["tool"]), *(number(row[n]) if row.get(n) is not None else "" for n in names)]
        for row in rows
    )
    shares = [
        f"A training step of {row['tool']} reaches {row['share_of_peak']:.0%} of the "
        f"{row['peak_gflops']:.0f} GFLOP/s of a large matrix product on one core, in "
        f"{row['precision']}.\n"
        for row in rows
        if "share_of_peak" in row
    ]
    return "\n".join([table(["tool", *(MEASURES[name] for name in names)], cells), "", *shares])


def statements(path: Path) -> str:
    """The statements of the source text, one row each."""
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = ([f"{s['id']}", s["section"], s["zh"], s["en"]] for s in listed)
    return table(["id", "where", "quotation", "in English"], rows)


def fill(app: Sphinx, config: Config) -> None:
    """Give the pages their numbers; a changed number makes Sphinx read the pages again."""
    root = Path(app.srcdir)
    notebooks = by_notebook(read_all(root / "results"))
    measured = benchmark_tables(root / "benchmarks/results.json")
    config.myst_substitutions = {
        **config.myst_substitutions,
        "r": {
            notebook: {
                cohort: {key: parts(record) for key, record in run.records.items()}
                for cohort, run in cohorts.items()
            }
            for notebook, cohorts in notebooks.items()
        },
        "ends": ENDS,
        "tables": {name: side_by_side(cohorts) for name, cohorts in notebooks.items()},
        "benchmarks": measured,
        "all_benchmarks": "\n\n".join(f"**{task}**\n\n{text}" for task, text in measured.items())
        or "No benchmark has been recorded: run `make benchmark`.",
        "statements": statements(root / "book/claims.yml"),
    }
    config.book_inputs = _fingerprint(root / "book")


def _fingerprint(book: Path) -> str:
    """A hash of what every page depends on, so that no page keeps an old sidebar or style."""
    shared = [
        book / "_toc.yml",
        *sorted(book.glob("_ext/*.py")),
        *sorted(book.glob("_templates/*")),
    ]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in shared)).hexdigest()


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_config_value("book_inputs", "", "env")
    app.connect("config-inited", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
