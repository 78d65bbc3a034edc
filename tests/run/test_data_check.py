"""Before a chapter runs on real data: what a shortcut, or runs of one scan, would give alone."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from medlib.cohorts.audit.verdict import Finding
from medlib.errors import InputError
from medlib.run import data_check, execution
from medlib.run.data_check import BY_SCAN, QUICK, DataCheck, check_data, wanted
from medlib.run.said import lines, markdown

CHAPTER = """---
jupytext:
  formats: ipynb,md:myst
---

# A chapter

```{code-cell} python
:tags: [parameters]

cohort: str = "phantom-chest-ct"
classes: str = ""
```

```{code-cell} python
from medlib.cohorts import load
from medlib.results import Results

cases = load(cohort, classes=classes or None, per_class=20)
results = Results("01_small", cases.identity(), {"folds": 5, "seed": 0, "network": "none"})
results.record("accuracy", 0.94, interval=(0.85, 0.98))
results.save()
print("accuracy 0.94")
```
"""


def pattern(rng):
    return gaussian_filter(rng.normal(size=(40, 40)), 2) * 200 + 110


def write(folder, images):
    """A set of grey pictures; images: pairs of class and pixels."""
    for number, (label, pixels) in enumerate(images):
        (folder / label).mkdir(parents=True, exist_ok=True)
        grey = np.clip(pixels, 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / label / f"{number:03d}.png")
    return f"images:{folder}"


@pytest.fixture
def clean(tmp_path):
    rng = np.random.default_rng(1)  # about one such set in twenty is accused by chance
    return write(tmp_path / "clean", [(k, pattern(rng)) for k in ("ill", "normal") * 20])


@pytest.fixture
def bright(tmp_path):
    """Ill and normal differ in brightness, and in nothing else."""
    rng = np.random.default_rng(0)
    lighter = {"ill": 30, "normal": 0}
    images = [(k, pattern(rng) + lighter[k]) for k in ("ill", "normal") * 20]
    return write(tmp_path / "bright", images)


@pytest.fixture
def scans(tmp_path):
    """Ten scans of eight slices that differ a little; ill or normal says nothing of the pixels."""
    rng = np.random.default_rng(0)
    images = []
    for scan in range(20):
        base, label = pattern(rng), ("ill", "normal")[scan % 2]
        images += [(label, 0.88 * base + 0.6 * pattern(rng) - 50) for _ in range(8)]
    images.sort(key=lambda image: image[0])
    return write(tmp_path / "scans", images)


def test_a_set_that_brightness_gives_away_is_called_so_before_any_accuracy(bright):
    found = check_data(bright, None, print)
    assert "brightness" in found.caution
    assert found.caution.startswith("These classes can be told apart without looking at the dis")
    alone, as_it_is, residual = found.accuracies
    assert alone.low > 0.8  # thirty grey levels are three times the spread of a mean
    assert as_it_is.value > 0.8
    assert residual.low < 0.5 < residual.high  # nothing else tells them apart
    assert found.majority == 0.5


def test_of_a_set_without_faults_nothing_is_said_before_accuracies(clean):
    found = check_data(clean, None, print)
    assert found.caution == ""
    assert found.accuracies == ()
    assert found.verdict.startswith("Nothing was found")
    assert list(lines(found)) == [f"audit: {found.verdict}"]


def test_slices_of_one_scan_on_both_sides_of_a_split_are_what_the_accuracy_came_from(scans):
    found = check_data(scans, None, print)
    assert found.scans == pytest.approx(20, abs=4)
    free, kept = (row for row in found.accuracies if row.what == QUICK)
    assert free.groups == 160
    assert kept.groups == found.scans
    assert kept.kept == BY_SCAN
    assert free.low > 0.8  # remembered
    assert kept.low < 0.5 < kept.high  # labels were dealt to scans
    assert "likely scans in one fold" in found.caution
    assert any("groups=runs" in line for line in lines(found))


def test_what_is_to_be_typed_keeps_its_dashes_and_quotes_on_a_page():
    do = 'Add --pairs pairs.html, or write "images:my_set?groups=runs" <now>.'
    found = DataCheck("It.", (Finding("Copies.", do),), 0.5, 2, 2)
    said = markdown(found)
    assert 'Add `--pairs` pairs.html, or write `"images:my_set?groups=runs"` \\<now\\>.' in said


def test_a_second_look_is_read_from_the_cache_and_says_the_same(bright, monkeypatch):
    first = check_data(bright, None, print)
    monkeypatch.setattr(data_check, "audit", lambda *_: pytest.fail("looked again"))
    assert check_data(bright, None, lambda line: pytest.fail(line)) == first


def test_a_look_that_was_cut_off_is_done_again(bright, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    first = check_data(bright, None, print)
    [stored] = (tmp_path / "cache/audits").iterdir()
    stored.write_text(stored.read_text()[:50])
    assert check_data(bright, None, print) == first


def test_a_chapter_of_several_classes_is_told_of_all_of_them(tmp_path):
    rng = np.random.default_rng(0)
    lighter = {"a": 0, "b": 0, "c": 40}
    images = [(k, pattern(rng) + lighter[k]) for k in "abc" * 15]
    spec = write(tmp_path / "three", images)
    with pytest.raises(InputError, match="3 classes"):
        check_data(spec, None, print)
    found = check_data(spec, None, print, several=True)
    assert "'c'" in found.caution
    assert found.majority == pytest.approx(1 / 3)
    assert all(row.value < 0.8 for row in found.accuracies)  # a and b stay alike


def test_simulated_patients_are_not_looked_at():
    assert [wanted(name) for name in ("phantom-chest-ct", "phantom-chest-ct?task=slice", "")] == [
        False
    ] * 3
    assert wanted("images:DIR")


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_small.md").write_text(CHAPTER)
    monkeypatch.setattr(execution, "project_root", lambda: tmp_path)
    return tmp_path


def run(project, spec):
    said, warned = [], []
    out = project / "out"
    execution.run_chapter(
        "01", {"cohort": spec}, out, say=said.append, warn=warned.append, page=False
    )
    cells = json.loads((out / "01_small.ipynb").read_text())["cells"]
    content = json.loads((out / "results.json").read_text())
    return warned, cells, content, (out / "checklist.md").read_text()


def test_the_sentence_stands_in_front_of_every_accuracy_that_a_run_leaves(project, bright):
    warned, cells, content, checklist = run(project, bright)
    found = check_data(bright, None, print)
    assert warned == list(lines(found))
    place = next(i for i, cell in enumerate(cells) if cell["id"] == "cell-audit")
    assert "".join(cells[place]["source"]) == markdown(found)
    assert all(cell["cell_type"] == "markdown" for cell in cells[:place])
    assert content["audit"]["caution"] == found.caution
    assert content["audit"]["shortcut_auc"] > 0.9
    rows = [line for line in checklist.splitlines() if "`accuracy` 0.94" in line]
    assert rows
    assert all(row.index("without looking at the disease") < row.index("0.94") for row in rows)


def test_a_file_of_results_names_no_folder_of_the_reader(project, scans):
    warned, _, content, checklist = run(project, scans)
    assert any(f'"{scans}?groups=runs"' in line for line in warned)  # to be typed as it stands
    assert '"images:DIR?groups=runs"' in content["audit"]["findings"][0]["do"]
    assert str(project) not in json.dumps(content["audit"]) + checklist


def test_a_run_on_data_without_faults_says_so_and_warns_of_nothing(project, clean):
    warned, _, content, checklist = run(project, clean)
    assert warned == []
    assert content["audit"]["verdict"].startswith("Nothing was found")
    assert "audit of these data" not in checklist


def test_a_reader_is_told_which_words_are_of_other_data():
    assert "written about simulated patients" in markdown(DataCheck("Nothing.", (), 0.5, 10, 10))


@pytest.mark.parametrize("kind", ["bright", "clean"])
def test_a_quick_search_for_copies_is_said_once_with_and_without_findings(
    kind, request, monkeypatch
):
    monkeypatch.setattr("medlib.cohorts.similar.search.MANY", 20)
    check = check_data(request.getfixturevalue(kind), None, lambda _: None)
    assert bool(check.findings) == (kind == "bright")
    for said in ("\n".join(lines(check)), markdown(check)):
        assert said.count("copies were looked for quickly") == 1
