"""An image may have several labels: one is studied against its absence, the audit sees them all."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from medlib.chapters.contents import read as read_chapter
from medlib.cli import app
from medlib.cohorts import SeveralLabelsError, load, load_each_label
from medlib.cohorts.sources.several_labels import labels_of, together
from medlib.errors import InputError
from medlib.run import leaving
from medlib.run.data_check import from_dict
from medlib.run.said import lines, markdown

NAMES = ("cataract", "diabetic retinopathy", "glaucoma")
N = 24


def eyes(n=N):
    """Flags of each label: every combination of the three comes, none included."""
    return {name: (np.arange(n) >> k) % 2 for k, name in enumerate(NAMES)}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(N):
        Image.fromarray(rng.integers(0, 256, (24, 24), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    return tmp_path


def with_columns(folder, **others):
    files = {"file": [f"{i}.png" for i in range(N)], "patient_id": [f"p{i}" for i in range(N)]}
    pd.DataFrame({**files, **eyes(), **others}).to_csv(folder / "labels.csv", index=False)


def with_names(folder, mark):
    flags = eyes()
    cells = [mark.join(name for name in NAMES if flags[name][i]) for i in range(N)]
    files = {"file": [f"{i}.png" for i in range(N)], "patient_id": [f"p{i}" for i in range(N)]}
    pd.DataFrame({**files, "Finding Labels": cells}).to_csv(folder / "labels.csv", index=False)


def test_columns_of_0_and_1_are_several_labels_of_which_one_is_chosen(folder):
    with_columns(folder, age=np.arange(40, 40 + N))
    cohort = load(f"images:{folder}?label=glaucoma")
    assert cohort.classes == ("no glaucoma", "glaucoma")
    assert cohort.labels.tolist() == eyes()["glaucoma"].tolist()
    assert {name: flags.tolist() for name, flags in labels_of(cohort).items()} == {
        name: flags.tolist() for name, flags in eyes().items()
    }


@pytest.mark.parametrize("mark", ["|", ";", " | "])
def test_names_in_one_column_give_the_cohort_of_the_same_columns(folder, mark):
    with_columns(folder)
    columns = load(f"images:{folder}?label=cataract")
    with_names(folder, mark)
    named = load(f"images:{folder}?label_column=Finding Labels&label=Cataract")
    assert named.content_hash == columns.content_hash
    assert list(labels_of(named)) == list(NAMES)


def test_without_a_choice_the_refusal_names_the_labels_and_what_is_typed(folder):
    with_columns(folder)
    with pytest.raises(SeveralLabelsError) as refused:
        load(f"images:{folder}")
    said = str(refused.value)
    assert "several labels an image (cataract, diabetic retinopathy, glaucoma)" in said
    typed = said.split('-p cohort "')[1].split('"')[0]
    assert load(typed).classes == ("no cataract", "cataract")


def test_what_is_typed_keeps_other_options_and_signs_of_their_own(folder):
    with_columns(folder, **{"A & B + 50%": np.arange(N) % 2})
    (folder / "labels.csv").rename(folder / "grades.csv")
    with pytest.raises(SeveralLabelsError) as refused:
        load(f"images:{folder}?labels=grades.csv")
    for name in refused.value.labels:
        assert load(refused.value.choosing(name)).classes == (f"no {name}", name)


@pytest.mark.parametrize("number", ["cohort", "resnet50_cv"])
def test_a_chapter_refuses_before_it_starts_with_its_own_command(folder, number):
    with_columns(folder)
    chapter = read_chapter(number)
    given = {"cohort": f"images:{folder}"}
    with pytest.raises(
        InputError, match=rf'medlib run {chapter.name} -p cohort "images:.*\?label='
    ):
        leaving.look(chapter, given, print, print)


def test_the_audit_looks_at_each_label_and_shows_how_often_they_come_together(folder):
    with_columns(folder)
    result = CliRunner().invoke(app, ["audit", f"images:{folder}"])
    assert result.exit_code in (0, 1)
    for name in NAMES:
        assert f"{name} against no {name}" in result.stdout
    assert "Of 24 images 3 have none, 9 one, 12 several." in result.stdout
    assert result.stdout.count("black and white") == 3


def test_the_audit_of_one_label_by_itself_says_the_same_as_among_all(folder):
    with_columns(folder)
    every = CliRunner().invoke(app, ["audit", f"images:{folder}"]).stdout
    one = CliRunner().invoke(app, ["audit", f"images:{folder}?label=glaucoma"]).stdout
    statistics = one.split("against no glaucoma")[1].split("\n\n")[0]
    assert len(statistics.splitlines()) > 5
    assert statistics in every


def test_a_shortcut_of_one_label_is_accused_for_that_label_only(folder):
    with_columns(folder)
    flags = eyes()["cataract"]
    for i in range(N):
        shade = np.random.default_rng(i).integers(0, 100, (24, 24)) + 120 * flags[i]
        Image.fromarray(shade.astype(np.uint8)).save(folder / f"{i}.png")
    result = CliRunner().invoke(app, ["audit", f"images:{folder}"])
    assert result.exit_code == 1
    parts = result.stdout.split("Audit of ")[1:]
    assert [part.splitlines()[1].startswith("1. ") for part in parts] == [True, False, False]


def test_how_many_images_have_both_of_two_labels_is_counted_one_by_one():
    flags = eyes()
    counts = together(flags)
    for a in NAMES:
        for b in NAMES:
            both = sum(x and y for x, y in zip(flags[a], flags[b], strict=True))
            assert counts.loc[a, b] == both


def test_a_label_that_no_image_or_every_image_has_is_not_offered(folder):
    with_columns(folder, normal=0, fundus=1)
    assert [cohort.classes[1] for cohort in load_each_label(f"images:{folder}")] == list(NAMES)


def test_one_label_an_image_is_one_cohort(folder):
    with_columns(folder)
    cohorts = list(load_each_label(f"images:{folder}?label=glaucoma"))
    assert [cohort.classes for cohort in cohorts] == [("no glaucoma", "glaucoma")]


def test_the_class_that_has_the_label_comes_last_whatever_its_name(folder):
    with_columns(folder, **{"No Finding": np.arange(N) % 3 == 0})
    cohort = load(f"images:{folder}?label=no finding")
    assert cohort.classes == ("no No Finding", "No Finding")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("glaucom", "has no label 'glaucom'; .* did you mean 'glaucoma'"),
        ("stage", "has no label 'stage'"),
    ],
)
def test_a_label_that_is_not_there_is_told_those_that_are(folder, label, message):
    with_columns(folder)
    with pytest.raises(InputError, match=message):
        load(f"images:{folder}?label={label}")


def test_a_cell_that_does_not_say_yes_or_no_is_named_with_its_line(folder):
    rows = [f"{i}.png,p{i},{('0', '1', '', '-1')[i % 4]}" for i in range(N)]
    (folder / "labels.csv").write_text("file,patient_id,edema\n" + "\n".join(rows))
    with pytest.raises(InputError, match=r"has '' for edema in line 4, not 0 or 1 \(12 such rows"):
        load(f"images:{folder}?label=edema")


def test_a_folder_of_classes_has_no_label_to_choose(tmp_path):
    for i in range(4):
        path = tmp_path / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 40 * i, np.uint8)).save(path)
    with pytest.raises(InputError, match=r"has no table of labels.*leave out label=glaucoma"):
        load(f"images:{tmp_path}?label=glaucoma")


def test_labels_of_an_npz_file_are_audited_one_by_one(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (N, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=np.stack(list(eyes().values()), axis=1))
    cohorts = list(load_each_label(f"npz:{tmp_path}/set.npz"))
    assert [cohort.labels.tolist() for cohort in cohorts] == [x.tolist() for x in eyes().values()]
    assert all(list(labels_of(cohort)) == ["0", "1", "2"] for cohort in cohorts)
    assert cohorts[2].classes == ("no label 2", "label 2")
    assert load(f"npz:{tmp_path}/set.npz?label=2&names=well,ill").classes == ("well", "ill")


def with_sex(folder):
    with_columns(folder, sex=(np.arange(N) // 5) % 2)


def test_the_refusal_says_which_columns_were_taken_and_how_to_name_others(folder):
    with_sex(folder)
    with pytest.raises(SeveralLabelsError) as refused:
        load(f"images:{folder}")
    said = str(refused.value)
    assert "(cataract, diabetic retinopathy, glaucoma, sex)" in said
    assert "They are the columns of nothing but 0 and 1; if one is no label" in said
    typed = said.rpartition('those that are: "')[2].split('"')[0]
    with pytest.raises(SeveralLabelsError) as named:
        load(typed)
    assert named.value.labels == ("cataract", "diabetic retinopathy")
    assert "nothing but 0 and 1" not in str(named.value)


def test_a_column_that_is_no_label_is_left_out_where_labels_are_named(folder):
    with_columns(folder)
    plain = load(f"images:{folder}?label=glaucoma")
    with_sex(folder)
    named = f"images:{folder}?label_columns={','.join(NAMES)}"
    cohort = load(f"{named}&label=glaucoma")
    assert list(labels_of(cohort)) == list(NAMES)
    assert cohort.content_hash == plain.content_hash
    assert any("3 labels, cataract, diabetic retinopathy, glaucoma" in n for n in cohort.notes)
    assert [each.classes[1] for each in load_each_label(named)] == list(NAMES)
    with pytest.raises(InputError, match="has no label 'sex'"):
        load(f"{named}&label=sex")


def test_a_single_column_named_needs_no_choice(folder):
    with_sex(folder)
    cohort = load(f"images:{folder}?label_columns=Glaucoma")
    assert cohort.classes == ("no glaucoma", "glaucoma")
    assert list(labels_of(cohort)) == ["glaucoma"]


def test_names_in_one_cell_can_be_named_as_labels_too(folder):
    with_names(folder, "|")
    spec = f"images:{folder}?label_column=Finding Labels&label_columns=glaucoma,cataract"
    assert list(labels_of(load(f"{spec}&label=glaucoma"))) == ["cataract", "glaucoma"]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("glaucom,cataract", "has no label 'glaucom'; .* did you mean 'glaucoma'"),
        ("glaucoma,age", "has '40' for age in line 2, not 0 or 1"),
    ],
)
def test_a_named_column_that_is_no_label_is_refused(folder, named, message):
    with_columns(folder, age=np.arange(40, 40 + N))
    with pytest.raises(InputError, match=message):
        load(f"images:{folder}?label_columns={named}&label=glaucoma")


def test_label_columns_of_a_folder_of_classes_are_refused(tmp_path):
    for i in range(4):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.new("L", (8, 8), 40 * i).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    with pytest.raises(InputError, match=r"leave out label_columns=a,b, or add labels\.csv"):
        load(f"images:{tmp_path}?label_columns=a,b")


def looked_at(folder, number, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
    given = {"cohort": f"images:{folder}?label=glaucoma"}
    return leaving.look(read_chapter(number), given, lambda line: None, lambda line: None)


def test_the_chapter_on_the_cohort_shows_all_labels_in_one_table(
    folder, monkeypatch, tmp_path_factory
):
    with_columns(folder)
    flags = eyes()
    for i in range(N):
        shade = np.random.default_rng(i).integers(0, 100, (24, 24)) + 120 * flags["cataract"][i]
        Image.fromarray(shade.astype(np.uint8)).save(folder / f"{i}.png")
    check = looked_at(folder, "cohort", monkeypatch, tmp_path_factory)
    assert [row.label for row in check.labels] == list(NAMES)
    assert [row.images for row in check.labels] == [int(x.sum()) for x in flags.values()]
    for row in check.labels:
        both = {name: int((flags[row.label] & flags[name]).sum()) for name in NAMES}
        assert row.both == both
        assert row.share == row.images / N
    assert [row.shortcut_auc for row in check.labels] == [1.0, None, None]
    assert "label cataract: 12 images (0.50), 6 also" in "\n".join(lines(check))
    text = markdown(check)
    assert "| cataract | 12 | 0.50 | 12 | 6 | 6 | shortcut: " in text
    assert json.loads(json.dumps(check.as_dict()))["labels"][2]["label"] == "glaucoma"
    assert from_dict(json.loads(json.dumps(check.as_dict()))) == check


def test_a_run_of_one_label_says_what_is_typed_for_the_others(
    folder, monkeypatch, tmp_path_factory
):
    with_columns(folder)
    check = looked_at(folder, "resnet50_cv", monkeypatch, tmp_path_factory)
    assert check.labels == ()
    assert "This run studies glaucoma, one of 3 labels" in check.one_a_run
    typed = [part.split('"')[0] for part in check.one_a_run.split('-p cohort "')[1:]]
    assert [load(spec).classes[1] for spec in typed] == list(NAMES[:2])
    assert check.one_a_run in lines(check)
    assert f'`medlib run 04_resnet50_cv -p cohort "images:{folder}?label=cataract"`' in markdown(
        check
    )
