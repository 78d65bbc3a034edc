"""What chapters record is what its name says: ends of what kind, shares of what."""

import ast

import jupytext
import numpy as np
import pytest
from scipy import stats

from medlib import chapters, consistency, results
from medlib.runtime.paths import project_root

NO_CONFIDENCE = {"quantile", "min", "max"}
"""Functions whose results are ends of a spread or a range, not of a confidence interval."""


def recorded(name):
    """Every call of `record` in a chapter."""
    notebook = jupytext.read(chapters.text_path(name))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "record":
                    yield {keyword.arg: keyword.value for keyword in node.keywords}


def called(node):
    """Names of the functions called to make a value."""
    calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {getattr(func, "attr", getattr(func, "id", "")) for func in calls}


@pytest.mark.parametrize("name", chapters.names())
def test_quantiles_and_extremes_are_not_recorded_as_confidence_intervals(name):
    silent = [
        ast.unparse(given["interval"])
        for given in recorded(name)
        if "interval" in given and called(given["interval"]) & NO_CONFIDENCE and "kind" not in given
    ]
    assert silent == []


def on_all_data():
    """Files of numbers on every cohort."""
    return sorted(project_root().glob("results/*/*.json"))


@pytest.mark.parametrize("record", on_all_data(), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_numbers_on_other_data_come_from_the_text_of_today(record):
    """A chapter that gained or lost a parameter has to be run anew on all data it reports."""
    built_in = results.read(
        project_root() / "results" / chapters.cohort_of(record.stem) / record.name
    )
    assert results.read(record).parameters.keys() == built_in.parameters.keys()


def test_with_46_of_50_right_most_studies_pass_75_percent_in_any_reading():
    """Patterns weigh as chance deals them: .92 on average of four readings, not 13 of 20."""
    vectors, _ = consistency.find_vectors((10,) * 5, consistency.parse("92%", "mean"))
    weights = np.array([vector.probability for vector in vectors])
    p = np.array([[v.p(0.75, corrected=c) / h for c in (False, True) for h in (1, 2)]
                  for v in vectors])  # fmt: skip
    passes = weights @ (p < 0.05)
    assert (p < 0.05).mean() == 0.65
    assert passes.mean() == pytest.approx(0.9214, abs=5e-5)
    assert passes.min() == pytest.approx(0.8033, abs=5e-5)


def test_the_same_by_dealing_four_errors_to_fifty_cases():
    rng = np.random.default_rng(0)
    right = np.argsort(rng.random((20_000, 50)), axis=1) >= 4
    folds = right.reshape(-1, 5, 10).mean(axis=2)
    gain, error = folds.mean(axis=1) - 0.75, folds.std(axis=1, ddof=1)
    for variance, shares in ((1 / 5, (0.9954, 0.9954)), (1 / 5 + 1 / 4, (0.8033, 0.8912))):
        two_sided = 2 * stats.t.sf(gain / (error * np.sqrt(variance)), 4)
        for halved, share in zip((1, 2), shares, strict=True):
            assert (two_sided / halved < 0.05).mean() == pytest.approx(share, abs=0.01)
