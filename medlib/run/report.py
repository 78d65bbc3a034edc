"""The report of a run on one page: what was asked, what came out, what to distrust.

Everything in it is read from the results file, the audit and the chapter's own text. It is one
file of HTML without scripts or requests, in light and dark, and prints on one sheet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

import nbformat

from medlib.results.checklists.fields import performance
from medlib.results.markdown import number, with_interval
from medlib.results.records import CONFIDENCE, Record, Results
from medlib.run.data_check import DataCheck
from medlib.run.doubts import doubts, is_null, limits, majority, name_of, title
from medlib.run.said import rows_of

MOST: Final = 12
"""Numbers on the page; the rest is in results.json."""

WRITTEN_FOR: Final = (
    "The chapter's author wrote these about simulated patients; what they say of data, training "
    "and results may not hold of yours."
)
"""What stands before the limits of a chapter that was run on other data."""

PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report: {title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8a8a8a; --warn: #fdf0e0; --edge: #a04a00; }}
@media (prefers-color-scheme: dark) {{ :root {{ --warn: #33240f; --edge: #ffb061; }} }}
body {{ font: 1rem/1.45 sans-serif; max-width: 58rem; margin: 1rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0.4rem 0; }} h2 {{ font-size: 1.15rem; margin: 1rem 0 0.3rem; }}
p, ul, ol, dl {{ margin: 0.3rem 0; }} li {{ margin: 0.15rem 0; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; }}
dd {{ margin: 0; }} dt {{ font-weight: bold; }}
table {{ border-collapse: collapse; width: 100%; }}
caption {{ text-align: left; font-style: italic; }}
th, td {{ text-align: left; padding: 0.15rem 0.6rem 0.15rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-weight: normal; overflow-wrap: anywhere; }}
thead th {{ font-weight: bold; }}
.warn {{ background: var(--warn); border-left: 0.3rem solid var(--edge); padding: 0.3rem 0.8rem; }}
@media (max-width: 30rem) {{ dl {{ grid-template-columns: 1fr; }} }}
@media print {{
  @page {{ size: A4; margin: 10mm; }}
  :root {{ color-scheme: light; --warn: #fff; --edge: #000; }}
  body {{ font-size: 7.4pt; line-height: 1.22; margin: 0; max-width: none; padding: 0; }}
  h1 {{ font-size: 12pt; }} h2 {{ font-size: 9.5pt; margin: 1.2mm 0 0.5mm; }}
  p, ul, ol, dl, li {{ margin: 0.2mm 0; }} th, td {{ padding: 0.1mm 2mm 0.1mm 0; }}
}}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{caution}
<h2>What was asked</h2>
<dl>{asked}</dl>
<h2>What came out</h2>
{came_out}
<h2>What to distrust</h2>
<ul>{distrust}</ul>
{alone}
<h2>What this chapter shows, and what not</h2>
{written}
<ul>{limits}</ul>
<p>{more}</p>
</main>
</body>
</html>
"""


def report(
    notebook: nbformat.NotebookNode,
    parameters: Mapping[str, Any],
    run: Results,
    check: DataCheck | None,
) -> str:
    """Return the report of a run as HTML, complete in itself."""
    return PAGE.format(
        title=escape(title(notebook)),
        caution=_caution(check),
        asked="".join(
            f"<dt>{a}</dt><dd>{escape(b)}</dd>" for a, b in _asked(notebook, parameters, run)
        ),
        came_out=_came_out(run),
        distrust=_items(doubts(run, main_numbers(run), check)),
        alone=_alone(check),
        written="" if run.cohort.get("simulated") else f"<p>{WRITTEN_FOR}</p>",
        limits="".join(f"<li>{one}</li>" for one in limits(notebook)),
        more="The limits are shortened. All of the chapter, with figures, code and what the words "
        f"mean: {escape(run.notebook)}.html. All numbers: results.json. "
        "Teaching and research software, no medical device.",
    )


def main_numbers(run: Results) -> list[Record]:
    """Return the numbers that stand on the page: performance with an interval comes first.

    Of that accuracies, an external test's too, then AUCs, then what is said of single classes;
    null runs last.
    """
    scores = sorted(performance(run), key=_rank)
    single = [r for r in run.records.values() if type(r.value) in (int, float) and r.compared]
    ordered = [
        *(r for r in scores if r.kind == CONFIDENCE),
        *(r for r in scores if r.kind != CONFIDENCE),
        *(r for r in single if r.interval),
        *(r for r in single if not r.interval and r.below is None),
    ]
    return list({record.key: record for record in ordered}.values())[:MOST]


def _rank(record: Record) -> int:
    words = record.key.split("_")
    of_null = 3 * is_null(record)
    return of_null + next((n for n, word in enumerate(("accuracy", "auc")) if words[-1] == word), 2)


def _caution(check: DataCheck | None) -> str:
    if check is None or not check.caution:
        return ""
    return f'<p class="warn"><strong>Before you read a number:</strong> {escape(check.caution)}</p>'


def _asked(
    notebook: nbformat.NotebookNode, parameters: Mapping[str, Any], run: Results
) -> Iterator[tuple[str, str]]:
    cohort = run.cohort
    yield "chapter", run.notebook
    kind = "simulated patients" if cohort.get("simulated") else "your images"
    yield "data", f"{parameters.get('cohort') or cohort.get('name', 'unnamed')} ({kind})"
    if "images" in cohort:
        who = "groups" if cohort.get("patient_id_kind") == "surrogate" else "patients"
        yield "cases", f"{cohort['images']} images of {cohort.get('patients', '?')} {who}"
    classes = cohort.get("images_per_class") or {}
    if len(classes) > 1:
        yield "classes", ", ".join(f"{name} {count}" for name, count in classes.items())
    yield "settings", _settings(notebook, parameters)


def _settings(notebook: nbformat.NotebookNode, parameters: Mapping[str, Any]) -> str:
    usual = _defaults(notebook)
    other = {k: v for k, v in parameters.items() if k != "cohort" and v != usual.get(k)}
    said = (f"{name} {value} (usually {usual.get(name)!r})" for name, value in other.items())
    return ", ".join(said) or "the chapter's own, unchanged"


def _defaults(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Names and values of the chapter's `parameters` cell."""
    cells = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    lines = (line for cell in cells for line in ast.parse(cell.source).body)
    return {
        ast.unparse(line.target): ast.literal_eval(line.value)
        for line in lines
        if isinstance(line, ast.AnnAssign) and line.value
    }


def _came_out(run: Results) -> str:
    shown = main_numbers(run)
    rows = [(name_of(r), f"{with_interval(r)} {r.unit}".rstrip()) for r in shown]
    share = majority(run)
    if share is not None:
        usual = "accuracy of always answering the most frequent class, for comparison"
        rows.insert(0, (usual, number(share, 0.1)))
    rest = len(run.records) - len(shown)
    more = f"<p>results.json holds {len(run.records)} numbers in all.</p>" if rest else ""
    return _table("Numbers of this run; brackets hold the 95 % interval or what they say",
                  ("number", "value"), rows) + more  # fmt: skip


def _alone(check: DataCheck | None) -> str:
    if check is None or not check.accuracies:
        return ""
    head = ("quick model, for comparison", "kept in one fold", "accuracy (95 % interval)")
    return _table("Nothing about these models was chosen on the data", head, rows_of(check))


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)


def _table(caption: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{_cells(list(row))}</tr>" for row in rows)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _cells(row: list[str]) -> str:
    first, *rest = map(escape, row)
    return f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest)
