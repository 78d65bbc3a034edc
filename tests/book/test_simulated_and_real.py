"""The page on real data shows what matters first, and leads to every number."""

from pathlib import Path

import simulated_and_real as page

from medlib.results import read_all

ROOT = Path(__file__).resolve().parents[2]


def test_every_number_shown_was_measured_on_simulated_and_on_real_data():
    shown = page.measures(ROOT)
    assert len(shown) == len(page.SHOWN)
    for each in shown:
        assert "simulated" in each.records
        assert set(each.records) & {"iq-oth-nccd", "luna16-patches", "tcga-lung-ct"}, each.label
        assert each.axis is not None, f"{each.label} is not drawn"


def test_every_results_file_can_be_downloaded():
    links = page.downloads(ROOT)
    for cohort, chapter in read_all(ROOT / "results"):
        assert f"<../results/{cohort}/{chapter}.json>" in links
