"""Chapters of two classes say which two of several to type; the others take all."""

import re

import numpy as np
import pytest
from PIL import Image

from medlib.chapters import contents
from medlib.errors import InputError
from medlib.run import leaving


def three_classes(folder):
    for i in range(9):
        path = folder / ("normal", "cyst", "big tumour")[i % 3] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (24, 24), np.uint8)).save(path)
    return f"images:{folder}"


@pytest.mark.parametrize("number", ["02", "05", "06", "08", "10", "12", "13", "21"])
def test_a_chapter_of_two_classes_says_before_it_starts_which_two_to_type(tmp_path, number):
    chapter = contents.read(number)
    with pytest.raises(InputError, match="has 3 classes") as refused:
        leaving.look(chapter, {"cohort": three_classes(tmp_path)}, print, print)
    typed = re.search(r'-p classes ("[^"]+"|\S+) \(medlib run\)', str(refused.value))[1].strip('"')
    assert typed == "normal,cyst"
    given = {"cohort": f"images:{tmp_path}", "classes": typed}
    assert leaving.look(chapter, given, print, print).images == 6


def test_a_chapter_of_several_classes_takes_all_three(tmp_path):
    chapter = contents.read("resnet50_cv")
    assert leaving.look(chapter, {"cohort": three_classes(tmp_path)}, print, print).images == 9
