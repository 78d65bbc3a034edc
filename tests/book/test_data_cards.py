"""Every data set has a card that says what it must, and a manifest that can be checked."""

import csv
import re
from pathlib import Path

import data_cards
import pytest
import yaml

from medlib.errors import InputError

DATA = Path(__file__).resolve().parents[2] / "data"
PUBLIC = [name for name in data_cards.ORDER if (DATA / name / "manifest.csv").is_file()]


def test_the_page_shows_every_card_there_is():
    assert sorted(data_cards.ORDER) == sorted(path.parent.name for path in DATA.glob("*/card.yml"))


@pytest.mark.parametrize("name", data_cards.ORDER)
def test_a_card_has_a_licence_an_origin_and_a_manifest(name):
    shown = data_cards.section(DATA / name)
    assert "\nLicence\n: " in shown
    assert "\nWhere from\n: " in shown
    assert f"<../data/{name}/manifest." in shown


@pytest.mark.parametrize("name", PUBLIC)
def test_a_manifest_names_each_file_once_with_its_size_and_hash(name):
    rows = list(csv.DictReader((DATA / name / "manifest.csv").open(encoding="utf-8")))
    assert len({row["file"] for row in rows}) == len(rows)
    assert all(re.fullmatch("[0-9a-f]{64}", row["sha256"]) for row in rows)
    assert all(int(row["bytes"]) > 0 for row in rows)


def test_the_manifest_has_the_classes_of_the_card():
    rows = list(csv.DictReader((DATA / "iq-oth-nccd/manifest.csv").open(encoding="utf-8")))
    counts = {
        label: sum(row["label"] == label for row in rows) for label in ("malignant", "normal")
    }
    said = data_cards.read(DATA / "iq-oth-nccd")["what"]
    assert all(f"{count} {label}" in said for label, count in counts.items())


def test_a_card_without_a_licence_is_refused(tmp_path):
    card = dict(data_cards.read(DATA / "iq-oth-nccd"))
    del card["licence"]
    (tmp_path / "card.yml").write_text(yaml.safe_dump(card), encoding="utf-8")
    with pytest.raises(InputError, match="lacks licence"):
        data_cards.read(tmp_path)
