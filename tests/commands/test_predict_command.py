"""`medlib predict`: a row an image, a warning where it is due, a sentence where it cannot be."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from stored_models import LEARNERS, made_cases, stored
from typer.testing import CliRunner

from medlib.cli import app
from medlib.cohorts import from_arrays
from medlib.dicom import write_series
from medlib.errors import InputError
from medlib.takehome.likeness import SIZE, Likeness
from medlib.takehome.prediction import SEEN
from medlib.takehome.stored_model import save_model


@pytest.fixture(scope="module")
def cases():
    """Whole grey levels, so that a picture file holds them."""
    made = made_cases()
    images = np.stack([made.pixels(i) for i in range(len(made))]).round()
    ids = made.table.patient_id
    return from_arrays(images, made.labels, classes=made.classes, patient_ids=ids, name="made")


@pytest.fixture(scope="module")
def model(cases):
    folds = np.arange(len(cases)) % 4
    likeness = Likeness.fit(cases.images(SIZE), folds, cases.units)
    return replace(stored(LEARNERS["network"], cases), likeness=likeness)


@pytest.fixture(scope="module")
def home(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_model(model, folder)
    return folder


@pytest.fixture(scope="module")
def home_for_ct(model, tmp_path_factory):
    """The same model, as if it had learned from the middle slices of CT series."""
    folder = tmp_path_factory.mktemp("ct")
    takes = model.card["input"] | {"units": "HU", "modality": "CT", "dicom_slice": "middle"}
    save_model(replace(model, card={**model.card, "input": takes}), folder)
    return folder


@pytest.fixture
def pictures(cases, tmp_path):
    """The training images as png files, at two depths."""
    for i in range(len(cases)):
        path = tmp_path / "pictures" / ("deeper" * (i % 2)) / f"{i:02d}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(cases.pixels(i).astype(np.uint8)).save(path)
    return tmp_path / "pictures"


def predicted(*arguments):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    assert result.exit_code == 0, result.exception
    return pd.read_csv(StringIO(result.stdout), keep_default_na=False), result.stderr


def refusal(*arguments):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    assert isinstance(result.exception, InputError), result.exception
    assert "\n" not in str(result.exception)
    assert not result.stdout
    return str(result.exception)


def test_files_get_what_the_fitted_model_said_of_their_images(home, model, cases, pictures):
    table, _ = predicted(home, pictures)
    numbers = [int(file.rpartition("/")[2].removesuffix(".png")) for file in table.file]
    said = model.fitted.predict(cases.images(model.size))[numbers]
    assert [f"{p:.6g}" for p in table["score_kind 1"]] == [f"{p:.6g}" for p in said[:, 1]]
    assert table.predicted.tolist() == [cases.classes[int(p > 0.5)] for p in said[:, 1]]


def test_an_image_that_was_trained_on_is_no_test_and_says_so(home, pictures):
    Image.fromarray(made_cases(seed=9).pixels(0).astype(np.uint8)).save(pictures / "99.png")
    table, _ = predicted(home, pictures)
    told = table.warning.str.contains(SEEN)
    assert told.sum() == 16
    assert not told[table.file == "99.png"].any()


def test_the_last_lines_count_what_is_unlike_and_what_was_not_read(home, pictures):
    Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(pictures / "98.png")
    (pictures / "97.png").write_text("no picture")
    (pictures / "notes.txt").write_text("is passed by")
    table, said = predicted(home, pictures)
    unlike = table[table.unlikeness > 1]
    assert "98.png" in unlike.file.tolist()
    assert unlike.warning.str.contains("unlike|grey levels").all()
    assert "97.png" not in table.file.tolist()
    assert "not read: 97.png (cannot identify image file" in said
    assert f"{len(unlike)} of 17 images are unlike the training images" in said
    assert "1 files could not be read" in said
    assert "not a medical device" in said
    assert "notes.txt" not in said


def test_the_table_can_go_to_a_file(home, pictures, tmp_path):
    out = tmp_path / "new.csv"
    result = CliRunner().invoke(app, ["predict", str(home), str(pictures), "--out", str(out)])
    assert result.stdout == f"{out}\n"
    assert len(pd.read_csv(out)) == 16


def test_a_cohort_is_predicted_whose_labels_are_not_read(home, cases, tmp_path):
    path = tmp_path / "new.npz"
    np.savez(path, images=np.stack([cases.pixels(i) for i in range(3)]))
    by_path, _ = predicted(home, path)
    by_name, _ = predicted(home, f"npz:{path}")
    assert len(by_path) == 3
    assert by_path.equals(by_name)


def test_of_a_ct_series_the_slice_is_taken_that_the_model_learned_from(home_for_ct, tmp_path):
    for patient in "AB":
        hu = np.random.default_rng(0).integers(-1000, 400, (5, 16, 16)).astype(float)
        write_series(hu, tmp_path / "ct" / patient, patient_id=patient, spacing=(5.0, 1.0, 1.0))
    (tmp_path / "ct" / "labels.csv").write_text("patient_id,label\nA,0\n")
    middle, _ = predicted(home_for_ct, tmp_path / "ct")
    every, _ = predicted(home_for_ct, f"dicom:{tmp_path}/ct?slice=all")
    assert len(middle) == 2
    assert len(every) == 10
    assert set(middle.file) <= set(every.file)


def test_pictures_for_a_model_of_hounsfield_units_are_refused(home_for_ct, pictures):
    assert "takes Hounsfield units (HU) and pictures holds grey level 0-255" in refusal(
        home_for_ct, pictures
    )


def test_ct_for_a_model_of_pictures_is_refused(home, tmp_path):
    write_series(np.zeros((1, 16, 16)), tmp_path / "ct", patient_id="A", spacing=(5.0, 1.0, 1.0))
    assert "holds Hounsfield units (HU)" in refusal(home, tmp_path / "ct")


def test_a_folder_that_cannot_be_predicted_is_refused_in_a_sentence(home, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/a.png").write_text("no picture")
    assert "empty holds no pictures and no readable DICOM" in refusal(home, tmp_path / "empty")
    assert "None of 1 images of broken can be read" in refusal(home, tmp_path / "broken")
    assert "did you mean 'empty'" in refusal(home, tmp_path / "empti")
    assert "There is no folder or file" in refusal(home, f"images:{tmp_path}/none")
    assert "holds no model" in refusal(tmp_path / "empty", tmp_path / "broken")


def test_a_file_that_cannot_be_written_is_refused(home, pictures):
    assert "is a folder: name a file in it" in refusal(home, pictures, "--out", pictures)
    assert "cannot be written in" in refusal(home, pictures, "--out", pictures / "00.png/new.csv")
