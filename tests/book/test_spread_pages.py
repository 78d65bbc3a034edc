"""The page on reproducibility shows what was measured, and nothing else."""

import json

import spread_pages

from medlib.processors.spread import Moved


def test_each_number_that_moved_is_shown_with_its_ranges_and_tolerance():
    values = {"native": 0.5, "avx2": 0.51, "seed-1": 0.6, "seed-2": 0.4}
    text = spread_pages.moved_table([Moved("accuracy", values, (0.3, 0.7), 0.3)])
    row = next(line for line in text.splitlines() if "accuracy" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[0] == "`accuracy`"
    assert [float(cell) for cell in cells[1:]] == [0.5, 0.01, 0.2, 0.3]


def test_a_chapter_in_which_nothing_moved_says_so():
    assert spread_pages.moved_table([]) == "No number moved."


def test_exact_numbers_are_those_compared_that_never_moved(tmp_path, monkeypatch):
    monkeypatch.setattr(spread_pages, "names", lambda root: ["06_x"])
    folder = tmp_path / "results" / spread_pages.COHORT
    (folder / "spread").mkdir(parents=True)
    plain = {"value": 1, "unit": "", "interval": None, "claims": [], "compared": True}
    records = [
        {**plain, "key": "a"},
        {**plain, "key": "b"},
        {**plain, "key": "s", "compared": False},
    ]
    whole = {"notebook": "06_x", "cohort": {"name": "p"}, "parameters": {}, "environment": {}}
    (folder / "06_x.json").write_text(json.dumps({**whole, "records": records}), "utf-8")
    moved = [{"key": "b", "tolerance": 1.5, "interval": None, "values": {"native": 1, "avx2": 2}}]
    content = {"machine": {"processor": "P"}, "profiles": {"avx2": "older"}, "moved": moved}
    (folder / "spread/06_x.json").write_text(json.dumps(content), "utf-8")
    cells = [
        c.strip() for c in spread_pages.counts(tmp_path).splitlines()[-1].strip("|").split("|")
    ]
    assert cells == ["06_x", "1", "3", "1", "1", "1"]
    assert "older" in spread_pages.profiles(tmp_path)
