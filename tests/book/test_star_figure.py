"""The figure of the front page shows the studies on record, and says what grim says."""

import star_figure

from medlib.results import read
from medlib.runtime.paths import project_root

ROOT = project_root()


def test_each_study_on_record_is_a_dot():
    shown = star_figure.studies(ROOT)
    assert len(shown) == 2
    for cohort, pairs in zip(star_figure.COHORTS, shown.values(), strict=True):
        run = read(ROOT / "results" / cohort / "02_reported_numbers.json")
        assert [mean for mean, _ in pairs] == run["draws_accuracies"].value
        assert [sd for _, sd in pairs] == run["draws_fold_sds"].value


def test_caption_and_description_say_what_can_be():
    shown = {"3 studies, made up": [(0.8, 0.09)] * 3}
    caption = star_figure.caption(shown)
    assert caption.startswith("With 46 of 50 right, no 5 folds of 10 have a standard deviation")
    assert "3 studies, made up" in caption
    said = star_figure.description(shown)
    assert "between 0 and 4.5 percent" in said
    assert "the lowest at 9.0 percent" in said


def test_the_figure_is_the_same_bytes_each_time_and_has_a_description():
    once = star_figure.html(ROOT)
    assert once == star_figure.html(ROOT)
    assert 'alt="Standard deviation over the folds' in once
    assert len(once) < 150_000
