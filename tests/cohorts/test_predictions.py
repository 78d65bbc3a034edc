"""A table of predictions is read as it stands, or refused with the line that is wrong."""

import numpy as np
import pytest

from medlib.cohorts.predictions import read_predictions
from medlib.errors import InputError

GOOD = "patient_id,label,score\np7,1,0.9\np3,0,0.2\np7,1,0.6\n"


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a text to a csv file."""

    def write(text):
        path = tmp_path / "predictions.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_labels_scores_and_patients_keep_their_order(written):
    found = read_predictions(written(GOOD))
    assert found.labels.tolist() == [1, 0, 1]
    assert found.scores.tolist() == [0.9, 0.2, 0.6]
    assert found.groups.tolist() == [0, 1, 0]


def test_without_patients_each_row_is_one_and_the_result_says_so(written):
    found = read_predictions(written("label;score;site\n1;0.9;a\n0;0.2;b\n"))
    assert found.groups.tolist() == [0, 1]
    assert found.identity()["patients"] == 2
    assert any("each row is taken for a patient" in note for note in found.identity()["notes"])


def test_the_result_names_its_data_without_naming_a_patient(written):
    identity = read_predictions(written(GOOD)).identity()
    assert (identity["images"], identity["patients"], identity["simulated"]) == (3, 2, False)
    assert "p7" not in str(identity)
    other = read_predictions(written(GOOD.replace("0.9", "0.8"))).identity()
    assert other["notes"] != identity["notes"]


def test_out_of_fold_predictions_as_this_package_writes_them_are_read(written):
    text = (
        "image_id,patient_id,label,fold,score,predicted\na.dcm,p1,0,0,0.25,0\nb.dcm,p2,1,1,1e-3,0\n"
    )
    found = read_predictions(written(text))
    assert np.allclose(found.scores, [0.25, 0.001])


def test_class_names_stand_for_labels_where_the_columns_of_scores_name_them(written):
    found = read_predictions(
        written("label,repeat,score_ok,score_ill\nill,1,0.3,0.7\nok,1,0.8,0.2\nok,2,0.6,0.4\n")
    )
    assert (found.labels.tolist(), found.scores.tolist()) == ([1, 0], [0.7, 0.2])
    assert found.identity()["classes"] == ["ok", "ill"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label,score_a,score_b\na,0.9,0.1\nc,0,1\n", "label 'c' in line 3, not 'a' or 'b'"),
        ("label,score_a,score_b,score_c\na,1,0,0\n", "has scores of 3 classes"),
        ("label,repeat,score_a,score_b\na,1,1,0\nb,2,0,x\nb,1,0,y\n", "score 'y' in line 4"),
        ("label,probability\n1,0.9\n", "lacks a column 'score'"),
        ("label,score\n1,0.9\nill,0.2\n", "label 'ill' in line 3, not a number"),
        ("label,score\n1,0.9\n2,0.2\n", "label '2' in line 3, not 0 or 1"),
        ("label,score\n1,0.9\n0,-3.1\n", "score '-3.1' in line 3, not a probability"),
        ("label,score\n1,\n0,0.1\n", "score '' in line 2"),
        ("label,score\n1,0.9\n1,0.2\n", "label 1 only"),
        ("patient,label,score\np,1,0.9\n,0,0.2\n", "patient_id '' in line 3"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(written, text, words):
    with pytest.raises(InputError, match=words):
        read_predictions(written(text))
