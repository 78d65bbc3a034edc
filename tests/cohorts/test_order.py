"""A data set is the same cohort however a machine lists its files and spells their names."""

import os
import subprocess
import sys
import unicodedata

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medlib.cohorts import load
from medlib.cohorts.sources.archives import nearest
from medlib.cohorts.sources.pictures import natural
from medlib.cohorts.sources.tables import match_files

NAMES = ("a 1.png", "a 01.png", "a 001.png", "b².png", "ä.png", "B.png")


@pytest.fixture
def folder(tmp_path):
    for kind in ("ill", "normal"):
        for i, name in enumerate(NAMES):
            path = tmp_path / "scans" / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([i, len(kind)]).integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(path)
    return tmp_path / "scans"


class Listed:
    """Entries of a folder in the order of a key, as `os.scandir` returns them."""

    def __init__(self, entries, backwards):
        with entries:
            self.entries = iter(sorted(entries, key=lambda e: e.name, reverse=backwards))

    def __iter__(self):
        return self.entries

    def __next__(self):
        return next(self.entries)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def close(self):
        pass


@pytest.fixture(params=[False, True], ids=["forwards", "backwards"])
def listing(request, monkeypatch):
    """File systems list a folder in any order; here by name, forwards or backwards."""
    scandir, listdir, backwards = os.scandir, os.listdir, request.param
    monkeypatch.setattr(os, "scandir", lambda p=".": Listed(scandir(p), backwards))
    monkeypatch.setattr(os, "listdir", lambda p=".": sorted(listdir(p), reverse=backwards))


def test_images_come_in_one_order_however_the_folder_is_listed(folder, listing):
    ids = load(f"images:{folder}").table.image_id.tolist()
    by_name = ["B.png", "a 001.png", "a 01.png", "a 1.png", "b².png", "ä.png"]
    assert ids == [f"{kind}/{name}" for kind in ("ill", "normal") for name in by_name]


def test_of_several_tables_the_nearest_is_read_however_the_folder_is_listed(tmp_path, listing):
    for place in ("__MACOSX", "a/deep", "b", "c"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "labels.csv").touch()
    assert nearest(tmp_path, "labels.csv") == tmp_path / "b/labels.csv"
    assert nearest(tmp_path, "index.csv") == tmp_path / "index.csv"


def test_a_digit_that_is_no_number_is_a_letter():
    assert sorted(["10²/a", "2²/a", "²"], key=natural) == ["2²/a", "10²/a", "²"]


def test_a_table_names_a_file_with_an_umlaut_as_any_system_spells_it(tmp_path):
    one, two = (unicodedata.normalize(form, "Köln/ä.png") for form in ("NFC", "NFD"))
    assert one != two
    for spelled, there in ((one, two), (two, one), (one, one)):
        table = pd.DataFrame({"file": [spelled]})
        assert match_files(table, [there], tmp_path / "labels.csv") == [there]


@pytest.mark.parametrize("hash_seed", ["0", "1", "2", "3"])
def test_classes_that_are_one_number_have_one_order_whatever_the_hashes_of_texts(hash_seed):
    """A set of texts comes in an order that differs between two starts of Python."""
    code = (
        "import numpy as np; from medlib.cohorts import from_arrays;"
        "labels = np.array(['10', '1', '01', '001', 'b', 'a']);"
        "print(from_arrays(np.eye(6)[:, None] * np.ones((6, 6, 1)), labels).classes)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8"
    )
    assert done.stdout.strip() == "('001', '01', '1', '10', 'a', 'b')", done.stderr
