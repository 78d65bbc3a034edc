"""Numbers are kept whole, read back as written, and compared within what was promised."""

import json
from dataclasses import replace

import numpy as np
import pytest

from medlib import statistics
from medlib.errors import InputError
from medlib.results import KINDS, Results, compare, environment, location, read, read_all
from medlib.runtime.arithmetic import has_bf16
from medlib.runtime.paths import project_root


def make(**values):
    results = Results("06_x", {"name": "phantom-chest-ct"}, {"seed": 0})
    for key, value in values.items():
        results.record(key, value)
    return results


def test_what_is_saved_is_read_back(tmp_path):
    results = make(counts=[9, 10], name="solid")
    results.record("accuracy", np.float32(0.9), unit="", interval=(0.8, 0.95), claims=["C42"])
    path = results.save(tmp_path / "phantom-chest-ct/06_x.json")
    assert read(path).records == results.records
    assert read_all(tmp_path)["phantom-chest-ct", "06_x"]["accuracy"].interval == (0.8, 0.95)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"a text"',
        "[]",
        '{"notebook": "n", "cohort": 3, "parameters": {}, "environment": {}, "records": []}',
        '{"notebook": "n", "cohort": {}, "parameters": {}, "environment": {}, "records": 1}',
        '{"notebook": "n", "cohort": {}, "parameters": {}, "environment": {}, "records":'
        ' [{"key": "accuracy", "value": NaN, "interval": null, "claims": []}]}',
    ],
)
def test_a_file_that_holds_no_results_is_named_and_refused(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"results.json holds no results"):
        read(path)


def test_the_machine_is_recorded_with_its_memory_and_arithmetic():
    machine = environment()
    assert machine["cores"] >= 1
    assert 1 <= machine["memory_gib"] < 100_000
    assert machine["bf16_in_hardware"] == has_bf16()


@pytest.mark.parametrize("value", [float("nan"), np.inf, None, {"a": 1}])
def test_what_is_not_a_finite_number_is_not_recorded(value):
    with pytest.raises(InputError, match="accuracy"):
        make(accuracy=value)


def test_a_key_names_one_number():
    results = make(accuracy=0.9)
    with pytest.raises(InputError, match="twice"):
        results.record("accuracy", 0.8)


def test_a_reversed_interval_is_refused():
    with pytest.raises(InputError, match="reversed"):
        make().record("accuracy", 0.9, interval=(0.95, 0.8))


@pytest.mark.parametrize("ends", [(0.1, 0.2, 0.3), (0.1,), 0.5, ("a", "b"), ([0.1], [0.2])])
def test_an_interval_of_other_than_two_numbers_is_refused(ends):
    with pytest.raises(InputError, match="not two numbers"):
        make().record("accuracy", 0.9, interval=ends)


@pytest.mark.parametrize("kind", KINDS)
def test_what_two_ends_are_is_read_back(tmp_path, kind):
    results = make(plain=1)
    results.record("mean", 0.9, interval=(0.8, 0.95), kind=kind)
    kept = read(results.save(tmp_path / "x.json"))
    assert (kept["mean"].kind, kept["plain"].kind) == (kind, None)
    assert kind in kept.table().kind.tolist()


def test_ends_are_those_of_a_confidence_interval_unless_another_kind_is_named():
    results = make()
    results.record("accuracy", 0.9, interval=(0.8, 0.95))
    assert results["accuracy"].kind == "confidence interval"
    with pytest.raises(InputError, match="choose confidence interval, quantile range, range"):
        results.record("draws", 0.9, interval=(0.8, 0.95), kind="spread")


def as_before(tmp_path, notebook, key):
    """A number in a file written before records said what their ends are."""
    record = {"key": key, "value": 0.9, "unit": "", "interval": [0.8, 0.95], "claims": []}
    whole = {"notebook": notebook, "cohort": {"name": "c"}, "parameters": {}, "environment": {}}
    (tmp_path / "old.json").write_text(json.dumps({**whole, "records": [record]}))
    return read(tmp_path / "old.json")[key]


@pytest.mark.parametrize(
    ("notebook", "key", "kind"),
    [
        ("04_resnet50_cv", "features_accuracy", "confidence interval"),
        ("04_resnet50_cv", "features_draws_mean", "quantile range"),
        ("04_resnet50_cv", "scratch_draws_mean", "quantile range"),
        ("03_cohort", "baseline_mean", "quantile range"),
        ("08_significance", "typeI_naive_5x5", "range"),
        ("08_significance", "features_typeI_naive_5x5", "confidence interval"),
        ("02_reported_numbers", "draws_mean", "quantile range"),
        ("02_reported_numbers", "ppv_at_1_1_percent", "range"),
        ("06_leakage", "random_labels_fold_sd_by_slice", "quantile range"),
        ("a reader's own", "draws_mean", "confidence interval"),
    ],
)
def test_ends_in_an_older_file_keep_their_meaning(tmp_path, notebook, key, kind):
    record = as_before(tmp_path, notebook, key)
    assert (record.kind, record.interval) == (kind, (0.8, 0.95))


def test_p_values_in_an_older_file_are_no_ends_of_a_share(tmp_path):
    record = as_before(tmp_path, "08_significance", "text_share_significant_75")
    assert (record.value, record.interval, record.kind) == (0.9, None, None)


def test_a_file_with_an_unknown_kind_of_ends_is_refused(tmp_path):
    path = tmp_path / "x.json"
    results = make()
    results.record("a", 0.9, interval=(0.8, 0.95))
    path.write_text(results.save(path).read_text().replace("confidence interval", "tolerance"))
    with pytest.raises(InputError, match="unknown kind, 'tolerance'"):
        read(path)


@pytest.mark.parametrize("path", sorted(project_root().glob("results/*/*.json")), ids=str)
def test_a_95_percent_interval_on_record_holds_its_number(path):
    """Ends of another quantity, such as p-values beside a share, would not."""
    outside = [
        record.key
        for record in read(path).records.values()
        if record.interval and not record.interval[0] <= record.value <= record.interval[1]
    ]
    assert outside == []


def test_a_re_run_within_tolerance_agrees():
    old, new = make(a=0.9, b=[1, 2.05]), make(a=0.95, b=[1, 2])
    assert compare(new, old, {"a": 0.06, "b": 0.06}) == []
    assert len(compare(new, old, {"a": 0.04, "b": 0.04})) == 2


def test_a_number_without_a_tolerance_has_to_come_again_exactly():
    assert compare(make(a=0.9), make(a=0.9)) == []
    assert len(compare(make(a=0.9001), make(a=0.9))) == 1


def with_interval(*ends, value=0.9, **parts):
    results = make()
    results.record("a", value, interval=ends or None, **parts)
    return results


def test_the_interval_of_an_exact_number_has_to_come_again_exactly():
    assert compare(with_interval(0.8, 1.0), with_interval(0.8, 1.0)) == []
    assert len(compare(with_interval(0.8, 0.99), with_interval(0.8, 1.0))) == 1
    assert len(compare(with_interval(), with_interval(0.8, 1.0))) == 1


def test_the_interval_of_a_number_that_moves_may_move_and_not_be_another():
    old, tolerance = with_interval(0.8, 1.0), {"a": 0.005}
    assert compare(with_interval(0.75, 1.0), old, tolerance) == []
    assert len(compare(with_interval(0.1, 0.2), old, tolerance)) == 1
    assert len(compare(with_interval(0.5, 1.0), old, tolerance)) == 1


def test_the_interval_of_what_training_moves_may_be_as_wide_as_few_trainings_make_it():
    old, tolerance = with_interval(0.8, 1.0), {"a": 0.05}
    assert compare(with_interval(0.5, 1.3), old, tolerance) == []
    assert len(compare(with_interval(0.5, 0.8), old, tolerance)) == 1  # without the old number


def test_other_patients_parameters_or_units_are_told():
    old = make(a=1)
    for changed in ({"cohort": {**old.cohort, "content_hash": "0"}}, {"parameters": {"epochs": 1}}):
        [told] = compare(replace(make(a=1), **changed), old)
        assert "the run has other" in told
    assert len(compare(with_interval(0.8, 1, unit="mm"), with_interval(0.8, 1, unit="cm"))) == 1


def test_the_precision_is_the_processors_and_may_differ():
    runs = [replace(make(a=1), parameters={"precision": p}) for p in ("bf16", "fp32")]
    assert compare(*runs) == []


@pytest.mark.parametrize("bound", [np.inf, np.nan])
def test_a_bound_that_everything_is_below_is_refused(bound):
    with pytest.raises(InputError, match="not below"):
        make().record("identity", 1e300, below=bound)


def test_of_an_identity_the_bound_is_compared_and_not_the_digits(tmp_path):
    def of(difference):
        results = make()
        results.record("identity", difference, below=1e-12)
        return read(results.save(tmp_path / f"{difference}.json"))

    assert compare(of(9e-13), of(1e-16)) == []
    broken = replace(of(0.0)["identity"], value=1e-9)
    fresh = make()
    fresh.records["identity"] = broken
    assert len(compare(fresh, of(0.0))) == 1


def test_an_identity_that_does_not_hold_is_not_recorded():
    with pytest.raises(InputError, match="'identity' of 06_x is 1e-09, not below"):
        make().record("identity", 1e-9, below=1e-12)


def test_what_describes_the_machine_is_kept_and_not_compared(tmp_path):
    old, new = make(a=1), make(a=1)
    for results, seconds in ((old, 3.0), (new, 90.0)):
        results.record("seconds", seconds, compared=False)
    assert compare(read(new.save(tmp_path / "new.json")), old) == []


@pytest.mark.parametrize(
    ("fresh", "word"),
    [
        ({"a": 0.9}, "vanished"),
        ({"a": 0.9, "b": 1, "c": 2}, "new"),
        ({"a": 0.9, "b": 1.2}, "was 1"),
    ],
)
def test_a_re_run_beyond_tolerance_is_told(fresh, word):
    found = compare(make(**fresh), make(a=0.9, b=1), {"a": 0.1, "b": 0.1})
    assert len(found) == 1
    assert word in found[0]


def test_playing_never_changes_the_numbers_of_the_book(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDLIB_RESULTS", raising=False)
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    assert location("06_x", "c") == tmp_path / "results/c/06_x.json"
    monkeypatch.setenv("MEDLIB_RESULTS", str(tmp_path / "results.json"))
    assert location("06_x", "c") == tmp_path / "results.json"


def test_a_file_that_holds_no_results_says_so(tmp_path):
    (tmp_path / "x.json").write_text('{"notebook": "06_x"}')
    with pytest.raises(InputError, match="holds no results"):
        read(tmp_path / "x.json")


def test_an_interval_a_comparison_and_a_spread_bring_their_ends_and_what_these_are():
    span = statistics.Interval("accuracy", 0.8, 0.7, 0.9, 0.95, "Wilson")
    gap = statistics.Comparison("difference", 0.1, 0.04, "t", interval=span)
    results = Results("06_x", {"name": "c"}, {}, {})
    results.record("accuracy", span)
    results.record("gap_points", gap, points=True)
    results.record("without", statistics.Comparison("difference", 0.1, 0.04, "sign"))
    results.record("draws", statistics.middle_95(np.arange(41)))
    results.record("readings", statistics.extremes([0.2, 0.7, 0.3]))
    results.record("median", statistics.extremes([0.2, 0.7, 0.3], 0.3))
    rows = {k: (r.value, r.interval, r.kind, r.unit) for k, r in results.records.items()}
    assert rows == {
        "accuracy": (0.8, (0.7, 0.9), "confidence interval", ""),
        "gap_points": (10.0, (70.0, 90.0), "confidence interval", "percentage points"),
        "without": (0.1, None, None, ""),
        "draws": (20.0, (1.0, 39.0), "quantile range", ""),
        "readings": (0.4, (0.2, 0.7), "range", ""),
        "median": (0.3, (0.2, 0.7), "range", ""),
    }
