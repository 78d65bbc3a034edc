"""A chapter opens by its own parameters: what it loads, draws and records follows from its cell."""

import numpy as np
import pytest
from PIL import Image

from medlib import chapters
from medlib.chapters import opening
from medlib.errors import InputError
from medlib.results import read
from medlib.runtime.paths import project_root

HERE = {"cohort": "phantom-chest-ct", "classes": "", "seed": 0, "pool_per_class": 3}


@pytest.mark.parametrize("name", chapters.names())
def test_parameters_are_those_of_the_text_but_for_where_data_come_from(name):
    committed = read(
        project_root() / "results" / chapters.cohort_of(name) / f"{name}.json"
    ).parameters
    named = [key for key in opening.parameter_names(name) if key not in opening.SOURCES]
    assert set(committed) - {"precision"} == set(named)


def test_what_is_recorded_are_the_values_that_the_chapter_used():
    names = opening.parameter_names("02_reported_numbers")
    here = HERE | dict.fromkeys(names, 7) | HERE | {"image_size": 48}
    pool, cases, results = opening.begin("02_reported_numbers", here)
    assert (len(pool), len(cases), pool.simulated) == (6, 6, True)
    assert results.notebook == "02_reported_numbers"
    assert results.cohort["content_hash"] == pool.content_hash
    assert results.parameters == {
        "pool_per_class": 3, "draws": 7, "repeats": 7, "repeated_draws": 7, "image_size": 48,
        "seed": 0,
    }  # fmt: skip


def test_cases_are_drawn_by_the_seed_and_results_name_them_or_the_pool():
    here = HERE | dict.fromkeys(opening.parameter_names("08_significance"), 5) | HERE
    here["per_class"] = 2
    pool, cases, results = opening.begin("08_significance", here)
    assert cases.content_hash == pool.draw(2, seed=0).content_hash == results.cohort["content_hash"]
    _, _, of_pool = opening.begin("08_significance", here, of_pool=True)
    assert of_pool.cohort["content_hash"] == pool.content_hash


def test_a_real_set_gives_all_it_has_and_copies_can_be_left_out(tmp_path):
    rng = np.random.default_rng(0)
    for k, name in enumerate("aaaabbbb"):
        (tmp_path / name).mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    Image.fromarray(pixels).save(tmp_path / "b" / "copy.png")
    here = HERE | dict.fromkeys(opening.parameter_names("12_handmade_or_deep"), 2) | HERE
    here |= {"cohort": f"images:{tmp_path}", "per_class": 2}
    pool, _, _ = opening.begin("12_handmade_or_deep", here)
    fewer, _, _ = opening.begin("12_handmade_or_deep", here, copies=False)
    assert not pool.simulated
    assert (len(pool), len(fewer)) == (9, 8)


def test_a_parameter_that_was_deleted_is_named():
    with pytest.raises(InputError, match="lost its parameter 'seed'"):
        opening.results_of(
            "03_cohort", None, {"cohort": ""} | dict.fromkeys(["per_class", "folds"])
        )


def test_no_chapter_guesses_from_the_name_of_its_cohort_whether_it_is_simulated():
    for name in chapters.names():
        text = chapters.text_path(name).read_text(encoding="utf-8")
        assert "cohort.startswith" not in text, name
