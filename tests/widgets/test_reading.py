"""A reading asks of each picture which class it is, and knows what every score leaves open."""

import re

import numpy as np
import pytest

from medlib.errors import InputError
from medlib.statistics import proportion_interval
from medlib.widgets.reading import reading

PICTURES = [np.full((8, 8), k / 4) for k in range(4)]
SCORES = {"a network": (0.56, 0.42, 0.69)}


def page(truth=(0, 1, 1, 0), classes=("harmless", "cancer"), others=SCORES):
    return reading(PICTURES, truth, classes, others).data


def test_each_picture_is_asked_about_with_both_classes():
    shown = page()
    assert shown.count("<fieldset>") == 4
    assert shown.count('src="data:image/png;base64,') == 4
    assert len(re.findall(r'type="radio" name="reading-2" value="[01]"', shown)) == 2


def test_every_number_of_right_answers_has_its_interval():
    three = proportion_interval(3, 4)
    ends = f"{100 * three.low:.0f} % to {100 * three.high:.0f} %"
    assert f"3 of 4 right, 75 % (95 % interval {ends})" in page()
    assert page().count(" of 4 right") == 5


def test_the_answers_stand_below_for_those_whom_no_script_serves():
    assert "<p>1 harmless, 2 cancer, 3 cancer, 4 harmless</p>" in page()


def test_the_scores_of_others_are_told_in_words_too():
    assert 'aria-label="a network: 56 % (95 % interval 42 % to 69 %)"' in page()


def test_a_class_name_cannot_end_the_script_or_the_form():
    shown = page(classes=("</script><b>", "</form>"))
    assert shown.count("</script>") == 1
    assert shown.count("</form>") == 1


@pytest.mark.parametrize(
    ("truth", "classes"), [((0, 1, 1), ("a", "b")), ((0, 1, 2, 0), ("a", "b")), ((0, 1, 1, 0), "a")]
)
def test_what_is_no_reading_is_refused(truth, classes):
    with pytest.raises(InputError, match="a reading needs two classes"):
        page(truth, classes)
