"""`medlib audit` says what a data set is, what of it cannot be read, and what the audit finds."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from medlib.cli import app, main
from medlib.cohorts import load
from medlib.errors import InputError


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
    assert result.stdout.startswith("Audit of images-")
    assert "12 of 12 surrogate groups" in result.stdout
    refused = result.stdout.split("Refused files:")[1]
    assert "ill/text.png" in refused
    assert "cannot identify image file" in refused
    assert "AUC of single statistics, ill against normal" in result.stdout


def test_a_set_without_unreadable_files_shows_no_table_of_them(folder):
    (folder / "ill" / "text.png").unlink()
    result = CliRunner().invoke(app, ["audit", f"images:{folder}"])
    assert "Refused files" not in result.stdout


def copied(folder):
    """Three copies of a picture of one class in the other, half as bright."""
    (folder / "ill" / "text.png").unlink()
    rng = np.random.default_rng(1)
    for i in range(3):
        coarse = np.kron(rng.integers(60, 250, (8, 8)), np.ones((8, 8))).astype(np.uint8)
        Image.fromarray(coarse).save(folder / "normal" / f"a{i}.png")
        Image.fromarray(coarse // 2).save(folder / "ill" / f"b{i}.png")


def test_pairs_of_copies_are_listed_by_name_and_shown_as_pictures(folder):
    copied(folder)
    page = folder / "pairs.html"
    result = CliRunner().invoke(app, ["audit", f"images:{folder}", "--pairs", str(page)])
    assert result.exit_code == 1
    listed = result.stdout.split("Pairs that seem to be copies")[1]
    for i in range(3):
        assert f"ill/b{i}.png" in listed
    html = page.read_text("utf-8")
    assert html.count('<img src="data:image/png;base64,') == 6
    assert "http" not in html
    assert f'write "images:{folder}?groups=exact"' in result.stdout  # as it is typed


def test_a_page_that_cannot_be_written_is_named(folder):
    page = folder / "nowhere" / "pairs.html"
    result = CliRunner().invoke(app, ["audit", f"images:{folder}", "--pairs", str(page)])
    assert isinstance(result.exception, InputError)
    assert "nowhere" in str(result.exception)


def test_copies_across_the_split_of_an_npz_file_are_reported_not_refused(tmp_path):
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (24, 28, 28), dtype=np.uint8)
    images[20] = images[3]
    labels = np.arange(24) % 2
    labels[20] = labels[3]
    file = tmp_path / "official.npz"
    np.savez(
        file,
        train_images=images[:16], train_labels=labels[:16, None],
        test_images=images[16:], test_labels=labels[16:, None],
    )  # fmt: skip
    result = CliRunner().invoke(app, ["audit", f"npz:{file}"])
    assert result.exit_code == 1
    assert "'00003' (fold train) and '00020' (fold test, exact)" in result.stdout
    assert "no internal test" in result.stdout


def test_data_that_cannot_be_read_are_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["medlib", "audit", f"images:{tmp_path / 'nothing'}"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "nothing" in capsys.readouterr().err


def test_a_choice_of_classes_is_asked_for_as_it_is_typed(folder):
    (folder / "very ill").mkdir()
    Image.new("L", (8, 8), 9).save(folder / "very ill" / "1.png")
    with pytest.raises(InputError, match='-p classes "normal,very ill"'):
        load(f"images:{folder}")


def test_more_than_two_classes_are_audited_each_against_all_others(folder):
    for i in range(6):
        path = folder / "very ill" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (24, 24), 9 + i).save(path)
    result = CliRunner().invoke(app, ["audit", f"images:{folder}"])
    assert "a class against all others" in result.stdout
    two = CliRunner().invoke(app, ["audit", f"images:{folder}", "--classes", "normal,ill"])
    assert "ill against normal" in two.stdout
