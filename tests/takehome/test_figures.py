"""Figures and table of a cross-validation hold what they say, for eyes, ears and other programs."""

import xml.etree.ElementTree as ET
from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit, ndtr, ndtri
from stored_models import made_cases

from medlib.cohorts.predictions import read_predictions
from medlib.learning.crossval import CrossValidation, stratified_patient_folds
from medlib.statistics import out_of_fold_auc
from medlib.takehome.curves import roc_band
from medlib.takehome.figures import calibration_figure, png_of, roc_figure, svg_of
from medlib.takehome.out_of_fold_table import as_csv, out_of_fold_table

SEPARATION = 1.5  # of the simulated scores' two means, in SD


def simulated_study(each, seed, repeats=2):
    """Scores of a fixed rule on `each` cases a class, in folds dealt anew each repeat."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], each)
    scores = np.tile(rng.normal(size=2 * each) + SEPARATION * labels, (repeats, 1))
    patients = np.arange(2 * each)
    folds = [stratified_patient_folds(labels, patients, seed=r) for r in range(repeats)]
    return labels, scores, np.stack(folds), patients


@pytest.fixture(scope="module")
def cases():
    return made_cases(each=20)


@pytest.fixture(scope="module")
def runs(cases):
    return [cross_validation(cases, seed) for seed in range(3)]


def cross_validation(cases, seed):
    """A cross-validation with simulated scores."""
    rng = np.random.default_rng(seed)
    score = expit(rng.normal(size=len(cases)) + 2 * cases.labels - 1).astype(np.float32)
    table = cases.table[["image_id", "patient_id"]].assign(
        label=cases.labels,
        fold=stratified_patient_folds(cases.labels, cases.groups, seed=seed),
        score=score.astype(float),
        predicted=(score > 0.5).astype(int),
    )
    return CrossValidation(table, pd.DataFrame(), "fp32")


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.6])
def test_the_band_holds_the_true_sensitivity_at_a_false_positive_rate(rate):
    """95 % at least, of simulated studies of 25 and 25; the truth is known in closed form."""
    truth = ndtr(SEPARATION + ndtri(rate))
    inside = []
    for seed in range(60):
        band = roc_band(*simulated_study(25, seed))
        low, high = (
            np.interp(rate, band.false_positive_rate, band[end]) for end in ("low", "high")
        )
        inside.append(low <= truth <= high)
    assert np.mean(inside) >= 0.95


def test_the_curve_lies_in_its_band_rises_and_has_the_area_that_is_reported():
    labels, scores, folds, patients = simulated_study(40, seed=1)
    band = roc_band(labels, scores, folds, patients)
    assert (band.low <= band.sensitivity).all()
    assert (band.sensitivity <= band.high).all()
    for name in ("sensitivity", "low", "high"):
        assert band[name].is_monotonic_increasing
    area = np.trapezoid(band.sensitivity, band.false_positive_rate)
    assert area == pytest.approx(
        out_of_fold_auc(labels, scores, folds, patients).estimate, abs=1 / 40
    )


def test_classes_that_are_separated_still_have_a_band():
    labels, scores, folds, patients = simulated_study(25, seed=0)
    band = roc_band(labels, scores + 100 * labels, folds, patients)
    assert (band.sensitivity == 1).all()
    assert (band.low < 0.9).all()


@pytest.mark.parametrize("draw", [roc_figure, calibration_figure])
def test_a_figure_says_in_words_what_it_shows_and_of_how_many(draw, runs, cases):
    described = draw(runs, cases, "a model")
    [axis] = described.figure.axes
    assert axis.get_xlabel()
    assert axis.get_ylabel()
    root = ET.fromstring(svg_of(described))
    told = {child.tag.rpartition("}")[2]: child.text for child in root}
    assert told["title"].endswith("of a model")
    assert "n = 40 cases of 40 patients" in told["desc"]
    assert "kind 1" in told["desc"]
    assert Image.open(BytesIO(png_of(described))).text["Description"] == told["desc"]


@pytest.mark.parametrize("draw", [roc_figure, calibration_figure])
def test_the_same_predictions_give_the_same_bytes(draw, runs, cases):
    first, second = (draw(runs, cases, "a model") for _ in range(2))
    assert svg_of(first) == svg_of(second)
    assert png_of(first) == png_of(second)


def test_the_table_has_a_row_a_case_and_repeat_and_loses_no_digit(runs, cases):
    again = pd.read_csv(StringIO(as_csv(out_of_fold_table(runs, cases))))
    assert len(again) == 3 * len(cases)
    assert again.groupby("repeat").image_id.nunique().tolist() == [40, 40, 40]
    assert (again.groupby(["repeat", "patient_id"]).fold.nunique() == 1).all()
    for number, run in enumerate(runs, 1):
        rows = again[again["repeat"] == number]
        assert rows["score_kind 1"].astype(np.float32).tolist() == run.scores.tolist()
        assert (rows.predicted == rows.label).tolist() == run.correct.tolist()


def test_the_table_can_be_given_to_the_chapter_on_use(runs, cases, tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text(as_csv(out_of_fold_table(runs, cases)), encoding="utf-8")
    found = read_predictions(path)
    assert found.labels.tolist() == cases.labels.tolist()
    assert np.allclose(found.scores, runs[0].scores, rtol=1e-8)
    assert found.groups.tolist() == cases.groups.tolist()
    assert found.identity()["images_per_class"] == {"kind 0": 20, "kind 1": 20}
    assert any("3 repeats of each case; the first" in note for note in found.identity()["notes"])
