"""`medlib audit` says what a data set is, what of it cannot be read, and what the audit finds."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from medlib.cli import app


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(12):
        path = tmp_path / ("ill" if i % 2 else "normal") / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 24), dtype=np.uint8)).save(path)
    (tmp_path / "ill" / "text.png").write_text("no picture")
    return tmp_path


def test_the_audit_names_cohort_refused_files_with_reasons_and_shortcuts(folder):
    result = CliRunner().invoke(app, ["audit", f"images:{folder}"])
    assert result.exit_code == 0
    assert "12 of 12 surrogate groups" in result.stdout
    refused = result.stdout.split("Refused files:")[1].split("Audit of")[0]
    assert "ill/text.png" in refused
    assert "cannot identify image file" in refused
    assert "AUC of single statistics, ill against normal" in result.stdout


def test_a_set_without_unreadable_files_shows_no_table_of_them(folder):
    (folder / "ill" / "text.png").unlink()
    result = CliRunner().invoke(app, ["audit", f"images:{folder}"])
    assert "Refused files" not in result.stdout
