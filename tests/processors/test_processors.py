"""The same seed gives the same patients on every processor that can be imitated here."""

import json
import subprocess
import sys

import numpy as np
import pytest

from medlib import chapters
from medlib.cli import app
from medlib.cohorts import SIMULATED
from medlib.errors import InputError
from medlib.processors import cells, ledger, on_record, patients, profiles, spread
from medlib.processors.profiles import NATIVE, PROCESSORS, Profile
from medlib.processors.runs import plan
from medlib.results import Results, read
from medlib.runtime.paths import project_root
from medlib.statistics.proportions import wilson_ends

FEW = {"phantom-chest-ct": (2, 0), "phantom-chest-ct?task=slice&stratum=hard": (1, 0)}
# Unrounded HU of a few patients, so that a test can see what digitising takes away.
UNROUNDED = """
import sys
import numpy as np
from medlib.phantom import chest
from medlib.phantom.scanner import ct
kept, whole = [], ct.digitised
ct.digitised = lambda hu: kept.append(hu.copy()) or whole(hu)
for seed in (0, 1):
    chest.simulate(seed, cancer=bool(seed))
chest.simulate(2, cancer=True, task="slice", matrix=128)
np.savez(sys.argv[1], *kept)
"""


@pytest.fixture(scope="module")
def few():
    """Content hashes of a handful of patients on this processor."""
    return patients.hashes(NATIVE, FEW)


def unrounded(profile, path):
    """HU before digitising, of a few images, in a fresh process of a profile."""
    command = [sys.executable, "-c", UNROUNDED, str(path)]
    subprocess.run(command, env=profile.environment(), cwd=project_root(), check=True)
    with np.load(path) as images:
        return np.concatenate([images[name].ravel() for name in images])


@pytest.mark.parametrize("profile", profiles.usable()[1:], ids=lambda profile: profile.name)
def test_the_same_seed_gives_the_same_bytes_on_every_processor(few, profile):
    assert patients.hashes(profile, FEW) == few


def test_a_last_digit_is_far_from_tipping_a_pixel(tmp_path):
    """What processors round otherwise is a thousandth of what the nearest pixel would need."""
    oldest = next(p for p in PROCESSORS if p.name == "baseline")
    here, there = (unrounded(p, tmp_path / f"{p.name}.npz") for p in (NATIVE, oldest))
    apart = np.abs(here - there).max()
    margin = np.abs(np.abs(here - np.floor(here)) - 0.5).min()
    assert 0 < apart < 1e-8  # 0 would mean that the profile changes nothing here
    assert margin > 1000 * apart


@pytest.mark.parametrize("cohort", SIMULATED)
def test_the_default_patients_have_the_bytes_on_record(cohort):
    found = patients.hashes(NATIVE, {cohort: patients.COHORTS[cohort]})
    assert found[cohort] == patients.known_hashes()[cohort], (
        "the simulation makes other patients than before; if that is meant, renew the record with "
        "`medlib processors --renew-patients` and run all chapters anew"
    )


def test_a_profile_sets_its_own_variables_and_no_others(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("MEDLIB_TRAINING_SEED", "7")
    assert set(NATIVE.environment()).isdisjoint({"OPENBLAS_CORETYPE", "MEDLIB_TRAINING_SEED"})
    for profile in (*PROCESSORS, *profiles.seeds(2)):
        assert set(profile.variables) <= set(profiles.CONTROLS)
        assert profile.environment().items() >= profile.variables.items()


def test_profiles_that_this_processor_lacks_are_left_out(monkeypatch):
    monkeypatch.setattr("medlib.results.machine.processor_flags", lambda: {"avx2"})
    names = [profile.name for profile in profiles.usable()]
    assert "skylakex" not in names
    assert "zen" in names
    assert names[0] == "native"


def test_seeds_are_only_tried_where_networks_are_trained():
    runs = plan(chapters.names(), profiles.seeds(1))
    trained = {run.chapter for run in runs}
    assert "04_resnet50_cv" in trained
    assert "13_cost" not in trained


# --- tolerances


PROCESSORS_BY_NAME = {p.name: p for p in PROCESSORS}


def run(**values):
    results = Results("06_x", {"name": "phantom-chest-ct", "simulated": True}, {}, {})
    for key, value in values.items():
        results.record(key, value, interval=(0.4, 0.6) if key == "accuracy" else None)
    return results


def test_a_number_that_never_moves_is_exact():
    assert spread.moved({"native": run(a=1, b=0.5), "avx2": run(a=1, b=0.5)}) == []


def test_the_tolerance_is_one_and_a_half_ranges_rounded_up():
    [found] = spread.moved({p: run(a=v) for p, v in (("native", 1.0), ("x", 1.1), ("y", 0.9))})
    assert found.tolerance == pytest.approx(0.3)
    assert spread.tolerance([[1.0], [1.0 + 1.23e-7]]) == pytest.approx(1.9e-7)


def test_a_number_that_moves_in_its_last_digits_gets_a_ten_thousandth():
    assert spread.tolerance([0.2, 0.2 + 1e-7, 0.2]) == pytest.approx(2e-5)
    assert spread.tolerance([0.2, 0.2]) == 0


def with_intervals(**values):
    results = Results("06_x", {"name": "phantom-chest-ct", "simulated": True}, {}, {})
    for key, value in values.items():
        results.record(key, value, interval=(value - 0.1, value + 0.1))
    return results


def test_a_number_that_few_runs_hardly_moved_may_move_as_far_as_its_chapters_others():
    native = with_intervals(a=0.5, b=0.5, lucky=0.5)
    other = with_intervals(a=0.52, b=0.53, lucky=0.502)
    least = spread.floors(spread.moved({"native": native, "x": other}), native.records)
    assert least["lucky"] == pytest.approx(0.03)  # of 1.5 times 0.002, 0.02 and 0.03 the middle


def test_a_number_with_an_interval_may_always_move_by_a_hundredth_of_its_half():
    native = with_intervals(a=0.5, b=0.5)
    native.record("count", 7)
    moved = spread.moved({"native": native})
    assert spread.floors(moved, native.records) == pytest.approx({"a": 0.001, "b": 0.001})


@pytest.mark.parametrize("n", [10, 50, 400, 9_000])
def test_one_case_more_is_always_seen(n):
    low, high = wilson_ends(0.5, n, 0.95)
    native = Results("06_x", {"name": "phantom-chest-ct", "simulated": True}, {}, {})
    native.record("a", 0.5, interval=(float(low), float(high)))
    assert spread.floors([], native.records)["a"] < 1 / n


def test_a_list_moves_as_far_as_its_most_restless_place():
    assert spread.tolerance([[1, 10], [2, 10], [1, 14]]) == 6


@pytest.mark.parametrize("values", [["a", "b"], [True, False], [[1, 2], [1, 2, 3]]])
def test_what_has_no_size_gets_no_tolerance(values):
    assert spread.tolerance(values) is None


def test_a_tolerance_wider_than_half_the_interval_is_called_out():
    calm, wild = (
        spread.moved({"native": run(accuracy=0.5), "x": run(accuracy=0.5 + step)})[0]
        for step in (0.02, 0.1)
    )
    assert not calm.is_chaotic
    assert wild.is_chaotic


def test_without_an_interval_a_tolerance_wider_than_the_number_is_called_out():
    calm, wild = (
        spread.moved({"native": run(sd=0.10), "x": run(sd=0.10 + step)})[0] for step in (0.02, 0.30)
    )
    assert not calm.is_chaotic
    assert wild.is_chaotic


def test_an_interval_that_became_narrower_calls_a_kept_tolerance_out(tmp_path):
    moving = {"native": run(accuracy=0.5), "avx2": run(accuracy=0.55)}
    on_record.write(moving, PROCESSORS_BY_NAME, tmp_path)
    narrower = run()
    narrower.record("accuracy", 0.5, interval=(0.45, 0.55))
    narrower.save(tmp_path / "results/phantom-chest-ct/06_x.json")
    [moved] = on_record.read("06_x", "phantom-chest-ct", tmp_path)
    assert moved.is_chaotic


@pytest.mark.parametrize("name", chapters.names())
def test_every_tolerance_of_the_book_can_fail(name):
    wide = [one.key for one in on_record.read(name, chapters.cohort_of(name)) if one.is_chaotic]
    assert not wide, f"{name} records single draws; record means over several instead of: {wide}"


def test_an_identity_is_held_by_its_bound_and_does_not_move():
    here, there = run(a=1), run(a=1)
    here.record("identity", 1e-16, below=1e-12)
    there.record("identity", 3e-16, below=1e-12)
    assert spread.moved({"native": here, "avx2": there}) == []


def test_times_are_left_out():
    fast, slow = run(a=1), run(a=1)
    fast.record("seconds", 1.0, compared=False)
    slow.record("seconds", 9.0, compared=False)
    assert spread.moved({"native": fast, "baseline": slow}) == []


def test_runs_of_different_texts_are_not_compared():
    with pytest.raises(InputError, match="other keys"):
        spread.moved({"native": run(a=1), "avx2": run(b=1)})


def test_what_moved_is_kept_and_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(on_record, "project_root", lambda: tmp_path)
    runs = {"native": run(a=1.0, c=[1, 2]), "avx2": run(a=1.2, c=[1, 4])}
    on_record.write(runs, PROCESSORS_BY_NAME)
    assert on_record.read("06_x", "phantom-chest-ct") == spread.moved(runs)
    assert on_record.tolerances("06_x", "phantom-chest-ct") == {"a": 0.3, "c": 3.0}


def kept_twice(folder, second, *, committed=None):
    """Profiles on record after two rounds, the numbers committed in between."""
    known = PROCESSORS_BY_NAME
    first = {"native": run(a=1.0, b=1), "avx2": run(a=1.2, b=1)}
    on_record.write(first, known, folder)
    (committed or first["native"]).save(folder / "results/phantom-chest-ct/06_x.json")
    on_record.write(second, known, folder)
    return on_record.read("06_x", "phantom-chest-ct", folder)


def test_further_profiles_join_those_on_record(tmp_path):
    [moved] = kept_twice(tmp_path, {"native": run(a=1.0, b=1), "zen": run(a=0.9, b=1)})
    assert moved.values == {"native": 1.0, "avx2": 1.2, "again": 1.0, "zen": 0.9}
    assert moved.tolerance == pytest.approx(0.45)


def test_a_later_run_nearer_to_the_number_narrows_no_tolerance(tmp_path):
    [moved] = kept_twice(tmp_path, {"native": run(a=1.25, b=1)})
    on_record.write({"native": run(a=1.05, b=1)}, PROCESSORS_BY_NAME, tmp_path)
    assert on_record.read("06_x", "phantom-chest-ct", tmp_path) == [moved]
    assert moved.values["again"] == 1.25


def test_another_processor_joins_under_its_name(tmp_path):
    other = run(a=1.8, b=1)
    other.environment = {"processor": "Intel"}
    [moved] = kept_twice(tmp_path, {"native": other})
    assert moved.values == {"native": 1.0, "avx2": 1.2, "native (Intel)": 1.8}
    assert moved.tolerance == pytest.approx(1.2)


def test_a_fresh_native_run_is_a_further_one_and_the_committed_stays(tmp_path):
    [moved] = kept_twice(tmp_path, {"native": run(a=1.1, b=1)})
    assert moved.values == {"native": 1.0, "avx2": 1.2, "again": 1.1}
    assert on_record.former(run(a=1.0, b=1), tmp_path) == []
    assert on_record.former(run(a=1.6, b=1, c=1), tmp_path) == ["a", "c"]


def test_another_processor_that_moves_too_far_ran_other_text(tmp_path):
    other = run(a=3.9, b=1)
    other.environment = {"processor": "Intel"}
    with pytest.raises(InputError, match=r"'a' was 1\.0, is 3\.9"):
        kept_twice(tmp_path, {"native": other})


def test_runs_of_another_value_are_forgotten_and_those_of_the_same_stay(tmp_path):
    moved = kept_twice(
        tmp_path,
        {"native": run(a=1.0, b=9), "zen": run(a=1.0, b=8)},
        committed=run(a=1.0, b=9),
    )
    assert {one.key: one.values for one in moved} == {
        "a": {"native": 1.0, "avx2": 1.2, "again": 1.0, "zen": 1.0},
        "b": {"native": 9, "zen": 8},
    }


def test_a_text_that_changed_without_its_committed_numbers_forgets_them(tmp_path):
    assert kept_twice(tmp_path, {"native": run(a=9.0, b=1)}) == []


def test_a_third_round_knows_which_profiles_a_number_had(tmp_path):
    second = {"native": run(a=1.0, b=1, c=2), "zen": run(a=1.0, b=1, c=2)}
    kept_twice(tmp_path, second, committed=run(a=1.0, b=1, c=2))
    third = {"native": run(a=1.0, b=1, c=2), "fp32": run(a=1.0, b=1, c=3)}
    on_record.write(third, PROCESSORS_BY_NAME, tmp_path)
    moved = {m.key: m.values for m in on_record.read("06_x", "phantom-chest-ct", tmp_path)}
    assert moved["c"] == {"native": 2, "zen": 2, "again": 2, "fp32": 3}
    assert set(moved["a"]) == {"native", "avx2", "again", "zen", "fp32"}


def test_what_was_measured_with_other_parameters_widens_no_tolerance(tmp_path):
    five, eight = run(a=1.0, b=1), run(a=1.1, b=1)
    eight.parameters = {"repeats": 8, "precision": "bf16"}
    more = run(a=1.15, b=1)
    more.parameters = {"repeats": 8, "precision": "fp32"}
    on_record.write({"native": five, "avx2": run(a=1.2, b=1)}, PROCESSORS_BY_NAME, tmp_path)
    eight.save(tmp_path / "results/phantom-chest-ct/06_x.json")
    assert on_record.former(eight, tmp_path) == ["a"]
    on_record.write({"native": eight, "fp32": more}, PROCESSORS_BY_NAME, tmp_path)
    [moved] = on_record.read("06_x", "phantom-chest-ct", tmp_path)
    assert moved.values == {"native": 1.1, "fp32": 1.15}
    assert on_record.former(eight, tmp_path) == []


def test_where_nobody_has_looked_the_command_is_named(tmp_path):
    with pytest.raises(InputError, match="make processors"):
        on_record.read("06_x", "phantom-chest-ct", tmp_path)


@pytest.mark.parametrize("chapter", chapters.names())
def test_what_moved_is_still_recorded(chapter):
    committed = read(project_root() / "results" / chapters.cohort_of(chapter) / f"{chapter}.json")
    assert on_record.former(committed) == [], "measured around other values: `make processors`"
    gone = [
        m.key
        for m in on_record.read(chapter, chapters.cohort_of(chapter))
        if m.key not in committed.records
    ]
    assert gone == []


# --- cells and verdicts


def notebook(folder, name, *, output, tags=()):
    folder.mkdir(parents=True)
    shown = {"output_type": "stream", "name": "stdout", "text": output}
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": "", "id": "a",
            "execution_count": 1, "outputs": [shown]}  # fmt: skip
    whole = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{name}.ipynb").write_text(json.dumps(whole), encoding="utf-8")


@pytest.mark.parametrize(
    ("output", "tags", "faults"),
    [("0.5", (), 0), ("0.6", (), 1), ("0.6", ("nbval-ignore-output",), 0), ("took 3 s", (), 1)],
)
def test_a_cell_that_shows_something_else_needs_its_tag(
    tmp_path, monkeypatch, output, tags, faults
):
    monkeypatch.setattr("medlib.processors.runs.project_root", lambda: tmp_path)
    pair = plan(["06_x"], [NATIVE, Profile("other", "")])
    for each, text in zip(pair, ("0.5", output), strict=True):
        notebook(each.folder, "06_x", output=text, tags=tags)
    assert len(cells.changed(pair)) == faults


def test_a_verdict_that_does_not_follow_from_fresh_numbers_is_told():
    committed = read(project_root() / "results" / chapters.COHORT / "02_reported_numbers.json")
    assert ledger.with_fresh(committed) == []
    del committed.records["vectors_with_sd_of_2_percent"]
    committed.record("vectors_with_sd_of_2_percent", 12)
    assert any("C43" in fault for fault in ledger.with_fresh(committed))


def test_an_unknown_profile_or_chapter_is_refused_before_any_work():
    from typer.testing import CliRunner

    for wrong in (["--profile", "amiga"], ["--chapter", "99_nothing"]):
        result = CliRunner().invoke(app, ["processors", *wrong])
        assert isinstance(result.exception, InputError)
        assert "there" in str(result.exception)
