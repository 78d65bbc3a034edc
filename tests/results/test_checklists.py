"""A checklist holds every item of its guideline once, and says only what the run recorded."""

import json
import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from medlib.chapters.parameters import declared_parameters
from medlib.errors import InputError
from medlib.results import Results, checklists, read
from medlib.results.checklists import FILLED, NAMES, NOT_APPLICABLE, PARTLY, STATUSES, TO_WRITE
from medlib.results.checklists.fields import FIELDS, Missing
from medlib.run.execution import read_chapter

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = sorted(ROOT.glob("results/*/*.json"))
LETTERS = {  # items of the guideline that have parts, and the last part's letter
    "reforms": {1: "c", 2: "e", 3: "g", 4: "c", 5: "f", 6: "c", 7: "c", 8: "b"},
    "claim": {},
    "tripod_ai": {
        **{3: "c", 5: "b", 6: "c", 8: "c", 9: "c", 12: "g", 18: "f", 20: "c", 23: "b", 27: "c"}
    },
    "stard_ai": {15: "d", 16: "c", 17: "b", 26: "b", 40: "b"},
}
LAST = {"reforms": 8, "claim": 44, "tripod_ai": 27, "stard_ai": 40}
ROWS = {"reforms": 32, "claim": 44, "tripod_ai": 52, "stard_ai": 48}


@pytest.fixture
def content():
    """A results file of a study on real images, as `medlib run` writes it."""
    return {
        "notebook": "04_resnet50_cv",
        "cohort": {
            "name": "clinic",
            "classes": ["healthy", "ill"],
            "images": 61,
            "patients": 57,
            "images_per_class": {"healthy": 31, "ill": 30},
            "sites": 3,
            "label_level": "patient",
            "patient_id_kind": "recorded",
            "simulated": False,
            "modality": "CT",
            "units": "HU",
            "licence": "CC BY 4.0",
            "citation": "Somebody 2020",
            "content_hash": "ab" * 32,
            "refused_files": 2,
            "notes": ["Nine files have no label."],
        },
        "parameters": {
            "per_class": 30,
            "folds": 5,
            "seed": 7,
            "network": "resnet50",
            "image_size": 64,
            "epochs": 12,
        },
        "environment": {
            "python": "3.11.7",
            "system": "Linux",
            "machine": "x86_64",
            "processor": "a processor",
            "cores": 4,
            "memory_gib": 24,
            "bf16_in_hardware": False,
            "packages": {"medlib": "0.1.0", "torch": "2.14.1"},
        },
        "records": [
            record("scratch_accuracy", 0.81234, interval=[0.7, 0.9]),
            record("scratch_auc", 0.876),
            record("scratch_fold_sd", 0.11),
            record("p_mcnemar", 0.0321),
            record("confusion", [[25, 6], [5, 25]]),
            record("strongest_shortcut", "corner"),
        ],
    }


def record(key, value, interval=None):
    shape = {"unit": "", "interval": interval, "claims": []}
    return {"key": key, "value": value, **shape}


def filled(folder, content):
    path = folder / "results.json"
    path.write_text(json.dumps(content))
    return checklists.from_file(path)


def run_of(folder, content):
    path = folder / "results.json"
    path.write_text(json.dumps(content))
    return read(path)


def answer(key, item, run):
    found = [a for section in checklists.answers(key, run).values() for a in section]
    return next(a for a in found if a.item.id == item)


@pytest.mark.parametrize("key", NAMES)
def test_every_item_of_the_guideline_is_there_once_and_in_order(key):
    numbers = [
        f"{number}{chr(letter)}" if last else str(number)
        for number in range(1, LAST[key] + 1)
        for last in [LETTERS[key].get(number, "")]
        for letter in range(ord("a"), ord(last or "a") + 1)
    ]
    assert [item.id for item in checklists.guideline(key).items] == numbers
    assert len(numbers) == ROWS[key]
    said = re.findall(r"\d+", checklists.guideline(key).count)
    assert str(ROWS[key]) in said
    assert {str(LAST[key]), str(ROWS[key])} >= set(said[:1])


@pytest.mark.parametrize("key", NAMES)
def test_every_row_of_the_guideline_is_a_row_of_the_page(key, tmp_path, content):
    text = checklists.tables(checklists.answers(key, run_of(tmp_path, content)))
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    ids = [row.removeprefix("| ") for row in rows if row not in ("| item", "| ---")]
    assert ids == [item.id for item in checklists.guideline(key).items]


def test_items_name_only_what_there_is_and_leave_no_reader_without_a_word():
    items = [item for key in NAMES for item in checklists.guideline(key).items]
    assert {name for item in items for name in item.fill} == set(FIELDS)
    assert {item.needs for item in items} == {"", *checklists.NEEDS}
    assert [item for item in items if not item.topic or not (item.fill or item.write)] == []


def test_each_guideline_says_how_sure_its_list_is_and_is_in_the_references():
    references = (ROOT / "book/references.bib").read_text()
    for key in NAMES:
        its = checklists.guideline(key)
        assert "official" in its.known
        assert f"{{{its.cite}," in references
        assert f'checklists["{key}"]' in (ROOT / f"book/checklists/{key}.md").read_text()


def leaves(part):
    """Paths of all values of a results file that a checklist reports."""
    for name in ("cohort", "parameters", "environment"):
        yield from ((name, key) for key in part[name])
    yield from (("records", number, "value") for number in range(5))
    yield ("records", 0, "interval")


def changed(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "surrogate" if value == "recorded" else f"other{value}"
    if isinstance(value, list):
        return [changed(value[0]), *value[1:]]
    if isinstance(value, dict):
        return {key: changed(entry) for key, entry in value.items()}
    return value + 1 if isinstance(value, int) else 0.9 * value


def test_whatever_changes_in_the_file_changes_the_checklist(tmp_path, content):
    before, silent = filled(tmp_path, content), []
    for *way, last in leaves(content):
        other = json.loads(json.dumps(content))
        place = other
        for step in way:
            place = place[step]
        place[last] = changed(place[last])
        if filled(tmp_path, other) == before:
            silent.append((*way, last))
    assert silent == []


def test_what_the_file_lacks_is_said_to_be_missing_and_nothing_is_made_up(tmp_path, content):
    for part in ("cohort", "parameters", "environment"):
        for name in content[part]:
            less = json.loads(json.dumps(content))
            del less[part][name]
            text = filled(tmp_path, less)
            assert text != filled(tmp_path, content), f"{part}.{name} is not missed"
    empty = Results("01_empty", {}, {}, {})
    told = {name for name, field in FIELDS.items() if not _is_missing(field, empty)}
    assert told == {"command", "files"}  # these need the chapter's name alone
    for key in NAMES:
        found = [a for section in checklists.answers(key, empty).values() for a in section]
        untold = [a for a in found if not told & set(a.item.fill)]
        assert {a.status for a in untold} == {TO_WRITE, NOT_APPLICABLE}
    assert "missing from results.json: cohort.images, cohort.patients" not in filled(
        tmp_path, content
    )
    assert "missing from results.json: cohort.images" in checklists.document(empty)


def _is_missing(field, run):
    try:
        field(run)
    except Missing:
        return True
    return False


@pytest.mark.parametrize("unknown", ["unknown", "", None])
def test_an_unknown_licence_is_a_missing_one(tmp_path, content, unknown):
    content["cohort"]["licence"] = unknown
    found = answer("reforms", "2a", run_of(tmp_path, content))
    assert "missing from results.json: cohort.licence" in found.says
    assert (found.status, found.rest) == (PARTLY, "cohort.licence")


def test_numbers_are_given_with_their_interval_or_said_to_have_none(tmp_path, content):
    found = answer("reforms", "7b", run_of(tmp_path, content))
    assert "`scratch_accuracy` 0.81 [95 % CI: 0.70, 0.90]" in found.says
    assert "no interval for `scratch_auc`" in found.says


def test_a_spread_of_draws_does_not_pass_for_a_confidence_interval(tmp_path, content):
    content["records"][0] |= {"kind": "quantile range"}
    content["records"][1] |= {"interval": [0.8, 0.95]}
    found = answer("reforms", "7b", run_of(tmp_path, content))
    assert "no interval for `scratch_accuracy`" in found.says


def test_long_lists_say_how_much_they_leave_out(tmp_path, content):
    content["records"] = [record(f"accuracy_{number}", 0.5) for number in range(14)]
    assert answer("reforms", "7a", run_of(tmp_path, content)).says.endswith("and 4 more")


def test_a_chapter_without_split_or_model_says_what_does_not_apply_to_it(tmp_path, content):
    content["parameters"] = {"seed": 0}
    run = run_of(tmp_path, content)
    for key, item in zip(NAMES, ["5c", "20", "12a", "15b"], strict=True):
        assert answer(key, item, run).status == NOT_APPLICABLE
        assert "records no split" in answer(key, item, run).rest
    assert "records no model" in answer("claim", "25", run).rest
    arithmetic = read(ROOT / "results/phantom-chest-ct/02_reported_numbers.json")
    assert answer("stard_ai", "31", arithmetic).status == NOT_APPLICABLE


def test_simulated_patients_need_no_ethics_and_real_ones_do(tmp_path, content):
    assert answer("stard_ai", "6", run_of(tmp_path, content)).status == TO_WRITE
    content["cohort"]["simulated"] = True
    simulated = answer("stard_ai", "6", run_of(tmp_path, content))
    assert (simulated.status, simulated.rest) == (
        NOT_APPLICABLE,
        "simulated patients: no patients",
    )


def test_one_item_of_each_status(tmp_path, content):
    run = run_of(tmp_path, content)
    assert answer("reforms", "3e", run).row == (
        "3e",
        "number of samples",
        "61 images of 57 patients; images a class: healthy 31, ill 30",
        f"**{FILLED}**",
    )
    assert answer("reforms", "8a", run).status == PARTLY
    assert answer("reforms", "1b", run).says == "nothing"
    counted = checklists.counts(checklists.answers("reforms", run))
    assert tuple(counted) == STATUSES
    assert sum(counted.values()) == ROWS["reforms"]


def test_outlines_of_one_class_have_no_positive_class(tmp_path, content):
    content["cohort"] |= {"classes": ["outlined"], "images_per_class": {"outlined": 61}}
    says = answer("reforms", "3d", run_of(tmp_path, content)).says
    assert says.startswith("1 class: outlined; ")


def test_names_from_the_readers_data_cannot_break_a_table(tmp_path, content):
    content["cohort"]["classes"] = ["a|b", "{{ x }}\n\n# <script>"]
    content["cohort"]["notes"] = ["`code` $x$ [link](there)", "| a | row |"]
    content["parameters"]["network"] = "a`|b"
    text = filled(tmp_path, content)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = {len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows}
    assert cells == {len(checklists.HEADER), 2 + len(STATUSES)}
    assert "<script>" not in text.replace("\\<", "")
    assert "{{" not in text
    assert len([line for line in text.splitlines() if line.startswith("# ")]) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"notebook": "x"}', '{"records": []}'])
def test_a_malformed_file_is_refused_by_name(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"results\.json holds no results"):
        checklists.from_file(path)


@pytest.mark.parametrize(
    ("name", "value"), [("images", "many"), ("classes", "ill"), ("images_per_class", [3, 4])]
)
def test_an_entry_of_the_wrong_kind_is_refused_by_name(tmp_path, content, name, value):
    content["cohort"][name] = value
    with pytest.raises(InputError, match=rf"cohort\.{name} in the results of 04_resnet50_cv"):
        filled(tmp_path, content)


def test_a_reversed_interval_is_refused_by_name(tmp_path, content):
    content["records"][0]["interval"] = [0.9, 0.7]
    with pytest.raises(InputError, match="interval of 'scratch_accuracy' is reversed"):
        filled(tmp_path, content)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_command_a_checklist_gives_is_one_the_chapter_takes(path):
    run = read(path)
    assert checklists.from_file(path).startswith("# Reporting checklists")
    words = shlex.split(answer("reforms", "2e", run).says.strip("`"))
    assert words[:3] == ["medlib", "run", run.notebook]
    given = {words[at + 1] for at, word in enumerate(words) if word == "-p"}
    assert given <= set(declared_parameters(read_chapter(run.notebook)))


def test_the_command_names_the_classes_and_asks_for_nothing_that_is_an_outcome(tmp_path, content):
    content["cohort"]["classes"] = ["no cancer", "cancer"]
    content["parameters"]["precision"] = "bf16"
    says = answer("reforms", "2e", run_of(tmp_path, content)).says
    assert "-p classes 'no cancer,cancer' " in says
    assert "precision" not in says


def test_two_runs_differ_in_the_items_that_are_shown(tmp_path, content):
    first = run_of(tmp_path, content)
    assert checklists.differences("claim", first, first) == []
    content["cohort"]["sites"] = 4
    shown = checklists.differences("claim", first, run_of(tmp_path, content))
    assert [a.item.id for a, _ in shown] == ["7", "13"]


def test_the_lists_are_installed_with_the_package():
    packaging = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = packaging["package-data"]["medlib.results.checklists"]
    lists = {path.name for path in (ROOT / "medlib/results/checklists").glob("*.yml")}
    form = "preregistration.yml"  # filled in before a run, not from it
    assert lists == {*(f"{key}.yml" for key in NAMES), form}
    assert all(any(fnmatch(name, pattern) for pattern in patterns) for name in lists)
