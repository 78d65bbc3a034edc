"""What a multiverse is run on, and what moves its accuracies."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from medlib.cohorts import from_arrays
from medlib.errors import InputError
from medlib.multiverse import (
    all_reports,
    draw_worth,
    imitated,
    kept_images,
    moved_by,
    one_study,
    printed_as_two,
    views_of,
)


def cohort(patients=24, each=1, side=32, seed=0):
    """Images of patients; in the second class the middle is brighter."""
    rng, patient = np.random.default_rng(seed), np.repeat(np.arange(patients), each)
    images = rng.normal(100, 20, (len(patient), side, side)).astype(np.float32)
    images[patient % 2 == 1, 12:20, 12:20] += 60
    return from_arrays(images, patient % 2, patient_ids=[f"P{p}" for p in patient])


def test_images_are_kept_by_patient():
    kept = kept_images(cohort(each=4), patients=5, each=3, seed=1)
    assert kept.groupby("label").patient.nunique().tolist() == [5, 5]
    assert all(list(some["nth"]) == [0, 1, 2] for _, some in kept.groupby("patient"))


def test_one_image_a_patient_gets_imitations():
    kept = kept_images(cohort(), patients=5, each=3, seed=1)
    pictures = np.random.default_rng(0).random((len(kept), 32, 32))
    more, images = imitated(pictures, kept, 3)
    assert len(more) == len(images) == 30
    assert more[10:20].std() < more[:10].std() < more[20:].std()  # smoothed, as it is, sharpened
    same, _ = imitated(pictures, kept, 1)
    assert same is pictures


def test_a_study_is_drawn_from_views_of_all_images():
    source = cohort()
    kept = kept_images(source, patients=12, each=1, seed=0)
    pictures, images = imitated(source.select(kept.row).unit_images(128), kept, 1)
    views = views_of(pictures)
    assert len(views) == 12
    found = one_study(views, images, per_class=11, seed=0, draw=2)
    assert len(found.table) == 864
    assert {len(right[0]) for right in found.correct} == {22}
    table = all_reports(found)
    assert table.significant.equals((table.p < 0.05) & (table.difference > 0))


def test_what_moves_a_grid_is_found():
    rng = np.random.default_rng(0)
    grid = 3 * rng.normal(size=400) + rng.normal(size=(300, 1)) + 2 * rng.normal(size=(300, 400))
    assert moved_by(grid) == pytest.approx((3, 1, 2, 5**0.5), rel=0.12)
    with pytest.raises(InputError, match="two draws of two"):
        moved_by(grid[:1])


def test_spreads_print_as_two_percent():
    spreads = pd.Series([0.0149, 0.015, 0.0249, 0.025, np.nan])
    assert printed_as_two(spreads).tolist() == [False, True, True, False, False]


def test_the_worth_of_options_is_drawn_with_chance_below():
    row = {"choice": "folds", "option": "10", "against": "5", "low": -0.05, "high": 0.05}
    gains = pd.DataFrame([{**row, "mean": 0.01 * draw, "draw": draw} for draw in (0, 1)])
    _, axis = plt.subplots()
    draw_worth(axis, gains, np.arange(-5.0, 6.0))
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "folds: 10\nagainst 5",
        "another deal, same choices",
    ]
    assert axis.lines[1].get_xdata() == pytest.approx([0, 1])  # range of the draws' means
    plt.close()
