"""The page on reproducibility shows what was measured, and nothing else."""

import json

import spread_figure
import spread_pages

from medlib.processors.spread import Moved
from medlib.runtime.paths import project_root

ROOT = project_root()


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
    monkeypatch.setattr(spread_pages, "cohort_of", lambda name, root: "p")
    folder = tmp_path / "results/p"
    (folder / "spread").mkdir(parents=True)
    plain = {"value": 1, "unit": "", "interval": None, "claims": [], "compared": True}
    records = [
        {**plain, "key": "a"},
        {**plain, "key": "b"},
        {**plain, "key": "s", "compared": False},
        {**plain, "key": "identity", "value": 1e-16, "below": 1e-12},
    ]
    whole = {"notebook": "06_x", "cohort": {"name": "p"}, "parameters": {}, "environment": {}}
    (folder / "06_x.json").write_text(json.dumps({**whole, "records": records}), "utf-8")
    moved = [{"key": "b", "tolerance": 1.5, "interval": None, "values": {"native": 1, "avx2": 2}}]
    content = {"machine": {"processor": "P"}, "profiles": {"avx2": "older"}, "moved": moved}
    (folder / "spread/06_x.json").write_text(json.dumps(content), "utf-8")
    cells = [
        c.strip() for c in spread_pages.counts(tmp_path).splitlines()[-1].strip("|").split("|")
    ]
    assert cells == ["06_x", "1", "4", "2", "1", "1"]
    assert "older" in spread_pages.profiles(tmp_path)


ROWS = [
    spread_figure.Row("frozen (04)", 0.9, (0.8, 0.95), (0.9, 0.9), ()),
    spread_figure.Row("scratch (06)", 0.5, (0.35, 0.65), (0.5, 0.53), (0.46, 0.55)),
]


def test_the_caption_of_the_figure_states_the_ranges_that_were_measured():
    text = spread_figure.caption(ROWS)
    assert "moves 1 of these 2 numbers" in text
    assert "up to 3.0 points" in text
    assert "up to 9.0" in text
    assert "spans 15 points" in text


def test_the_figure_says_in_words_what_it_shows_and_is_the_same_each_time():
    html = spread_figure.html(ROWS)
    for row in ROWS:
        assert row.label in html
    assert html == spread_figure.html(ROWS)


def test_every_number_of_the_figure_is_on_record():
    assert len(spread_figure.rows(ROOT)) == len(spread_figure.SHOWN)
