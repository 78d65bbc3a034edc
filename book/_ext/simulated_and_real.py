"""The numbers that matter, simulated beside real, as dots; and every results file to download.

``{{ real_dots }}``: a line a number of `SHOWN`. ``{{ runs }}``: a row a chapter, a link a cohort.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import dots
import ledger
from results_pages import by_notebook
from sphinx.application import Sphinx
from sphinx.config import Config

from medlib.chapters import names
from medlib.results import Record, Results, read_all
from medlib.results.markdown import table

SHOWN: Final = (
    ("12_handmade_or_deep", "handmade_accuracy"),
    ("12_handmade_or_deep", "frozen_accuracy"),
    ("12_handmade_or_deep", "finetuned_accuracy"),
    ("12_handmade_or_deep", "scratch_accuracy"),
    ("12_handmade_or_deep", "frozen_minus_handmade_accuracy_points_of_all"),
    ("12_handmade_or_deep", "frozen_minus_handmade_auc_points_of_all"),
    ("12_handmade_or_deep", "top_eighth_alone_auc"),
    ("04_resnet50_cv", "scratch_accuracy"),
    ("04_resnet50_cv", "features_accuracy"),
    ("02_reported_numbers", "draws_share_reaching_92_percent"),
    ("06_leakage", "scaling_on_all_data_faked_points"),
    ("06_leakage", "supervised_reduction_on_all_data_faked_points"),
    ("06_leakage", "epoch_chosen_on_the_test_fold_faked_points"),
    ("05_multiverse", "gain_unit_several_dealt_apart"),
    ("05_multiverse", "gain_crop_central_half"),
    ("05_multiverse", "gain_features_ImageNet_network"),
    ("08_significance", "true_test_accuracy"),
)
"""Chapter and key of the numbers that say something about data, not about arithmetic."""


def measures(root: Path) -> list[dots.Measure]:
    """The numbers of `SHOWN` with their records on every cohort that has them."""
    runs, words = by_notebook(read_all(root / "results")), ledger.words(root)
    return [_measure(runs[chapter], chapter, key, words[key], root) for chapter, key in SHOWN]


def _measure(
    cohorts: Mapping[str, Results], chapter: str, key: str, label: str, root: Path
) -> dots.Measure:
    records: dict[str, Record] = {
        dots.cohort_name(folder, run.cohort): run.records[key]
        for folder, run in cohorts.items()
        if key in run.records
    }
    return dots.Measure(label, ledger.source(chapter, key, root / "notebooks"), records)


def downloads(root: Path) -> str:
    """Every results file, a row a chapter and a column a cohort."""
    found = read_all(root / "results")
    cohorts = sorted(
        {folder for folder, _ in found}, key=lambda name: ("phantom" not in name, name)
    )
    rows = [
        [
            f"{{doc}}`{name.replace('_', ' ')} <../notebooks/{name}>`",
            *(_link(found, folder, name) for folder in cohorts),
        ]
        for name in names(root)
    ]
    return table(["chapter", *cohorts], rows)


def _link(found: Mapping[tuple[str, str], Results], folder: str, name: str) -> str:
    if (folder, name) not in found:
        return ""
    return f"{{download}}`json <../results/{folder}/{name}.json>`"


def fill(app: Sphinx, config: Config) -> None:
    """Give the page its dots and links."""
    root = Path(app.srcdir)
    config.myst_substitutions = {
        **config.myst_substitutions,
        "real_dots": dots.html(measures(root)),
        "runs": downloads(root),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("config-inited", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
