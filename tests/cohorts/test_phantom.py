"""Simulated patients are made once, the same for the same seed, and read back as DICOM."""

import hashlib

import numpy as np
import pytest

from medlib.cohorts import load
from medlib.cohorts.sources import phantom
from medlib.cohorts.sources.kept import content_key
from medlib.errors import InputError
from medlib.phantom.scanner.sites import SITES


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A cache that the tests of this page share, filled with two patients a class."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLIB_CACHE", str(folder))
        yield folder, load("phantom-chest-ct", per_class=2, seed=7, jobs=1)


@pytest.fixture
def cohort(home, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(home[0]))
    return home[1]


def digest(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in files]


def test_the_task_can_be_chosen_in_the_cohort_name(cohort):
    with pytest.raises(InputError, match="task is 'whole'"):
        load("phantom-chest-ct?task=whole", per_class=1, jobs=1)
    whole = load("phantom-chest-ct?task=slice", per_class=1, jobs=1)
    assert whole.table.rows.min() > cohort.table.rows.max()


def test_simulated_patients_say_that_they_are(cohort):
    assert cohort.simulated
    assert cohort.patient_id_kind == "simulated"
    assert "CT, HU, simulated" in repr(cohort)
    assert cohort.classes == ("control", "cancer")
    assert np.bincount(cohort.labels).tolist() == [2, 2]
    assert cohort.table.patient_id.is_unique


def test_pixels_are_hounsfield_units_with_lung_and_soft_tissue(cohort):
    images = cohort.images(64)
    assert images.shape == (4, 64, 64)
    assert np.percentile(images, 5) < -600
    assert np.percentile(images, 99) > -50


def test_masks_lie_beside_the_series_and_only_cancers_have_a_lesion(cohort):
    for i, row in enumerate(cohort.table.itertuples()):
        with np.load(f"{row.folder}/{phantom.MASKS}") as masks:
            assert masks["lesion"].shape == (1, *cohort.pixels(i).shape)
            assert masks["lesion"].any() == (row.label == "cancer")


def test_what_is_in_the_cache_is_not_made_again(cohort, monkeypatch):
    monkeypatch.setattr(phantom, "make_case", None)
    again = load("phantom-chest-ct", per_class=2, seed=7, jobs=1)
    assert again.content_hash == cohort.content_hash


def test_a_smaller_study_has_the_same_first_patients(cohort, monkeypatch):
    monkeypatch.setattr(phantom, "make_case", None)
    one = load("phantom-chest-ct", per_class=1, seed=7)
    assert one.content_hash == cohort.select([0, 1]).content_hash


def test_the_same_seed_gives_the_same_bytes_elsewhere(cohort, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))
    load("phantom-chest-ct", per_class=1, seed=7)
    made = tmp_path / "phantom-chest-ct"
    for folder in made.iterdir():
        assert digest(folder) == digest(cohort_folder(cohort, folder.name))
    assert len(list(made.iterdir())) == 2


def cohort_folder(cohort, name):
    return next(phantom.Path(f) for f in cohort.table.folder if f.endswith(name))


def test_an_interrupted_case_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path))

    def interrupted(*_args, **_arrays):
        raise KeyboardInterrupt

    monkeypatch.setattr(phantom.np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("phantom-chest-ct", per_class=1)
    assert not list((tmp_path / "phantom-chest-ct").iterdir())


def test_the_key_of_the_cache_follows_the_options_and_the_code(tmp_path):
    case = {"seed": 1, "cancer": True, "stratum": "easy"}
    source, changed = tmp_path / "a" / "phantom.py", tmp_path / "b" / "phantom.py"
    for file, text in ((source, "x = 1"), (changed, "x = 2")):
        file.parent.mkdir()
        file.write_text(text, "utf-8")
    first = content_key(case, (source,))
    assert content_key(dict(case), (source,)) == first
    assert content_key(case | {"stratum": "hard"}, (source,)) != first
    assert content_key(case, (changed,)) != first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "whole"}, "task is 'whole'"),
        ({"stratum": "easy"}, "stratum is 'easy'"),
        ({"matrix": "big"}, "matrix is 'big'"),
        ({"matrix": 15}, "matrix is 15"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_simulated_is_refused_at_once(cohort, options, message):
    with pytest.raises(InputError, match=message):
        load("phantom-chest-ct", per_class=1, **options)


@pytest.fixture
def at_sites(home, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(home[0]))
    return load("phantom-chest-ct?sites=eight", per_class=8, seed=7, jobs=1)


def test_each_of_eight_sites_has_both_classes_and_its_own_protocol(at_sites):
    table = at_sites.table
    assert table.groupby(["site", "label"]).size().tolist() == [1] * 16
    for site, rows in table.groupby("site"):
        protocol = SITES[site]
        assert set(rows.ConvolutionKernel) == {protocol["kernel"]}
        assert set(rows.Exposure.astype(float)) == {protocol["mas"]}
        side = rows.spacing_x.astype(float) * rows["columns"].astype(float)
        np.testing.assert_allclose(side, protocol["field_of_view_mm"], rtol=1e-4)


def test_at_the_same_scanner_the_sites_are_names_only_and_the_patients_the_same(at_sites):
    same = load("phantom-chest-ct", per_class=8, seed=7, sites="same", jobs=1)
    assert same.table.site.tolist() == at_sites.table.site.tolist()
    assert same.table.chest_width_mm.tolist() == at_sites.table.chest_width_mm.tolist()
    for name in ("ConvolutionKernel", "Exposure", "KVP", "SliceThickness", "spacing_x"):
        assert same.table[name].nunique() == 1
    first = (same.table.site == "site 1").to_numpy()
    equal = (same.table.sha256 == at_sites.table.sha256).to_numpy()
    np.testing.assert_array_equal(equal, first)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": "nine"}, "sites is 'nine'; choose one of eight, same"),
        ({"sites": "eight", "task": "slice"}, "sites need task 'crop', not 'slice'"),
    ],
)
def test_sites_that_cannot_be_are_refused(cohort, options, message):
    with pytest.raises(InputError, match=message):
        load("phantom-chest-ct", per_class=1, **options)
