"""The cache is bounded, gives up first what nobody used for longest, and mends what was cut off."""

import os
import shutil

import pytest
from learners import MeanLearner, study
from typer.testing import CliRunner

from medlib.cli import app
from medlib.cohorts import load
from medlib.cohorts.sources import phantom
from medlib.errors import InputError
from medlib.learning.crossval import cross_validate
from medlib.runtime import cache

MB = 10**6


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "my cache"))
    monkeypatch.delenv("MEDLIB_CACHE_LIMIT", raising=False)
    monkeypatch.delenv("MEDLIB_PROGRESS", raising=False)
    return tmp_path / "my cache"


def put(path, size, used):
    """A file of so many bytes that was last used at that time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (used, used))


@pytest.fixture
def filled(home):
    """A fold with its model, a fold without, a patient and an archive, by age."""
    put(home / "folds/old.json", 1, used=1000)
    put(home / "folds/old.model", 3 * MB, used=1000)
    put(home / "unpacked/archive/a.png", 2 * MB, used=2000)
    put(home / "phantom-chest-ct/patient/masks.npz", MB, used=3000)
    put(home / "folds/new.json", MB, used=4000)
    put(home / "surroundings/fonts.json", MB, used=0)
    for folder in ("unpacked/archive", "phantom-chest-ct/patient"):
        os.utime(home / folder, (2000, 2000))
    return home


def left(home):
    return sorted(p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file())


def test_what_nobody_used_for_longest_goes_first_and_a_fold_goes_with_its_model(filled):
    gone = cache.shrink(5 * MB)
    assert [path.name for entry in gone for path in entry.paths] == ["old.json", "old.model"]
    assert "folds/new.json" in left(filled)
    cache.shrink(2 * MB + 100_000)
    assert left(filled) == [
        "folds/new.json", "phantom-chest-ct/patient/masks.npz", "surroundings/fonts.json",
    ]  # fmt: skip


def test_nothing_goes_below_the_limit_and_everything_at_none(filled):
    before = left(filled)
    assert cache.shrink(8 * MB) == []
    assert left(filled) == before
    cache.shrink(0)
    assert left(filled) == ["surroundings/fonts.json"]


def test_a_fold_that_was_read_counts_as_used(home):
    cross_validate(MeanLearner(), study(seed=1), jobs=1)
    read = {path.stem for path in (home / "folds").glob("*.json")}
    cross_validate(MeanLearner(), study(seed=2), jobs=1)
    for path in (home / "folds").iterdir():
        os.utime(path, (1000, 1000))
    cross_validate(MeanLearner(), study(seed=1), jobs=1)
    assert {entry.paths[0].stem for entry in cache.entries()[-5:]} == read


def test_the_limit_is_kept_after_a_run_and_says_what_went(filled, monkeypatch):
    assert cache.keep_limit() == ""
    monkeypatch.setenv("MEDLIB_CACHE_LIMIT", "5 MB")
    assert "the 1 longest unused entries (3 MB) were removed" in cache.keep_limit()
    monkeypatch.setenv("MEDLIB_CACHE_LIMIT", "none")
    assert cache.keep_limit() == ""


@pytest.mark.parametrize(
    ("text", "size"),
    [("5GB", 5e9), ("1.5 gb", 1.5e9), ("300MB", 3e8), ("0", 0), ("2TB", 2e12), ("7 B", 7)],
)
def test_a_size_is_read_as_people_write_it(text, size):
    assert cache.size_of(text, "--limit") == size


@pytest.mark.parametrize("text", ["5", "much", "-1GB", "5 G", ""])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match=r"--limit is .*write a number and MB or GB"):
        cache.size_of(text, "--limit")


def test_the_command_says_where_the_cache_is_and_how_large_by_kind(filled):
    said = " ".join(CliRunner().invoke(app, ["cache"]).output.split())
    assert str(filled) in said
    assert "finished folds and their models 2 4 MB folds" in said
    assert "simulated patients 1 1 MB" in said
    assert "20.0 GB are kept" in said


def test_the_command_makes_room(filled):
    assert "removed: 1 entries" in CliRunner().invoke(app, ["cache", "--limit", "5MB"]).output
    assert "removed: 3 entries" in CliRunner().invoke(app, ["cache", "--clear"]).output
    assert left(filled) == ["surroundings/fonts.json"]
    assert "removed: nothing" in CliRunner().invoke(app, ["cache", "--clear"]).output


@pytest.mark.parametrize("length", [0, 10, -1])
@pytest.mark.parametrize("ending", ["json", "model"])
def test_a_fold_that_was_cut_off_is_trained_again_and_named(home, capsys, ending, length):
    def run():
        return cross_validate(MeanLearner(), study(), jobs=1, keep_models=True).predictions

    first = run()
    damaged = sorted((home / "folds").glob(f"*.{ending}"))[2]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:length])
    assert run().equals(first)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" is damaged")[0] for line in lines] == [str(damaged)]
    assert damaged.read_bytes() == whole
    run()
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """A cache with four simulated patients: two crops, two whole slices."""
    home = tmp_path_factory.mktemp("patients")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLIB_CACHE", str(home))
        phantom.load(per_class=1, jobs=1)
        phantom.load(per_class=1, jobs=1, task="slice", matrix=64)
    return home


def test_whole_patients_are_left_alone_and_not_counted_as_used(patients, home):
    shutil.copytree(patients, home)
    used = {entry.paths: entry.used for entry in cache.entries()}
    assert list(cache.mend()) == []
    assert {entry.paths: entry.used for entry in cache.entries()} == used


@pytest.mark.parametrize("length", [0, 50, -1])
@pytest.mark.parametrize("name", ["case.json", "masks.npz", "dicom/00001.dcm"])
def test_a_patient_that_was_cut_off_is_simulated_again_and_named(patients, home, name, length):
    shutil.copytree(patients, home)
    damaged = sorted((home / "phantom-chest-ct").glob(f"*/{name}"))[1]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:length])
    assert [line.split(" is damaged")[0] for line in cache.mend()] == [str(damaged)]
    assert list(cache.mend()) == []
    assert not damaged.exists()
    load("phantom-chest-ct", per_class=1)
    load("phantom-chest-ct?task=slice&matrix=64", per_class=1)
    assert damaged.read_bytes() == whole


def test_a_patient_without_one_of_its_files_is_simulated_again(patients, home):
    shutil.copytree(patients, home)
    first = min((home / "phantom-chest-ct").iterdir())
    shutil.rmtree(first / "dicom")
    assert [line.split(" is damaged")[0] for line in cache.mend()] == [str(first / "dicom")]
