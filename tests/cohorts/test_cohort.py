"""A cohort keeps patients, labels and pixels together, and chooses among them fairly."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.cohorts import Cohort, from_arrays, load, require_cases
from medlib.cohorts.selection import choose_classes, require_one_label
from medlib.errors import InputError


def pictures(n, seed=0, shape=(20, 30)):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)


def cohort(n_patients=10, images_each=3, **facts):
    """Patients 0, 1, 2... in turns normal and ill, with several images each."""
    patient = np.repeat(np.arange(n_patients), images_each)
    labels = np.array(["normal", "ill"])[patient % 2]
    return from_arrays(
        pictures(len(patient)), labels, patient_ids=patient, classes=("normal", "ill"), **facts
    )


def test_labels_are_zero_for_the_negative_class_and_one_for_the_positive():
    assert cohort(4, 1).labels.tolist() == [0, 1, 0, 1]
    assert cohort(4, 1).classes == ("normal", "ill")


def test_images_of_a_patient_share_a_group_and_no_others_do():
    assert cohort(3, 2).groups.tolist() == [0, 0, 1, 1, 2, 2]


def test_images_are_padded_to_a_square_and_not_stretched():
    white = np.full((1, 10, 40), 200, np.uint8)
    white[0, 0, 0] = 0  # black, so that padding is black
    shown = from_arrays([white[0], white[0]], ["a", "b"]).images(20)
    assert shown.shape == (2, 20, 20)
    assert shown.dtype == np.float32
    assert shown[0, 10].mean() > 190
    assert shown[0, :6].max() == 0


def test_the_content_hash_follows_pixels_labels_and_patients_but_not_names():
    images, labels = pictures(4), ["a", "b", "a", "b"]
    first = from_arrays(images, labels, patient_ids=[1, 2, 3, 4])
    renamed = from_arrays(images, labels, patient_ids=[1, 2, 3, 4], name="other")
    assert len(first.content_hash) == 64
    assert first.content_hash == renamed.content_hash
    changed = images.copy()
    changed[2, 0, 0] ^= 1
    others = [
        from_arrays(changed, labels, patient_ids=[1, 2, 3, 4]),
        from_arrays(images, labels[::-1], patient_ids=[1, 2, 3, 4]),
        from_arrays(images, labels, patient_ids=[1, 1, 3, 4], allow_mixed_patients=True),
        first.select([0, 1, 2]),
    ]
    assert len({c.content_hash for c in [first, *others]}) == 5


def test_a_cohort_cannot_be_changed_not_even_by_its_table():
    one = cohort()
    with pytest.raises(AttributeError):
        one.name = "other"
    table = one.table
    table["label"] = "ill"
    table.loc[0, "patient_id"] = "someone else"
    assert one.labels.tolist() == cohort().labels.tolist()
    assert one.table.patient_id[0] == "0"


def test_a_selection_keeps_each_image_with_its_patient():
    one = cohort()
    part = one.select([7, 2])
    assert np.array_equal(part.pixels(0), one.pixels(7))
    assert part.table.patient_id.tolist() == one.table.patient_id[[7, 2]].tolist()
    assert one.select(one.labels == 1).labels.tolist() == [1] * 15


def test_a_draw_takes_one_image_a_patient_and_as_many_of_each_class():
    drawn = cohort(12, 3).draw(4, seed=1)
    assert np.bincount(drawn.labels).tolist() == [4, 4]
    assert drawn.table.patient_id.is_unique
    assert drawn.table.image_id.tolist() == cohort(12, 3).draw(4, seed=1).table.image_id.tolist()
    assert drawn.content_hash != cohort(12, 3).draw(4, seed=2).content_hash


def test_every_image_of_a_patient_and_every_patient_is_drawn_equally_often():
    source = cohort(6, 2)
    counts = np.zeros(12)
    for seed in range(240):
        counts[source.draw(1, seed).table["index"]] += 1
    assert np.all(np.abs(counts - 40) < 29)  # 480 draws over 12 images; 29 is 4.8 SD


def test_a_patient_with_many_images_is_not_drawn_more_often():
    patient = [0] * 20 + [1, 2, 3]
    source = from_arrays(
        pictures(23), ["a"] * 20 + ["a", "b", "b"], patient_ids=patient, classes=("a", "b")
    )
    first = [source.draw(1, seed).table.patient_id[0] for seed in range(100)]
    assert 30 < first.count("0") < 70


def test_a_class_with_too_few_patients_gives_all_it_has_and_says_so():
    drawn = cohort(6, 1).draw(5, seed=0)
    assert np.bincount(drawn.labels).tolist() == [3, 3]
    assert "Only 3 of 5" in drawn.notes[-1]


@pytest.mark.parametrize("per_class", [0, -3])
def test_drawing_no_patient_is_refused(per_class):
    with pytest.raises(InputError, match="at least 1"):
        cohort().draw(per_class, seed=0)


@pytest.mark.parametrize("per_class", [0, -1, 2.5, "ten"])
def test_loading_checks_per_class_before_it_reads(per_class):
    with pytest.raises(InputError, match="per_class"):
        load("images:/nowhere", per_class=per_class)


def three(labels=("normal", "benign", "malignant")):
    return from_arrays(pictures(6), [*labels, *labels], patient_ids=list(range(6)))


def test_two_classes_are_chosen_and_ordered_by_name():
    chosen = choose_classes(three(), "Malignant, normal")
    assert chosen.classes == ("malignant", "normal")
    assert len(chosen) == 4
    assert chosen.left_out.table.label.unique().tolist() == ["benign"]
    assert len(chosen.with_left_out()) == 6


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, "3 classes .*choose two"),
        ("normal,malign", "did you mean 'malignant'"),
        ("normal", "two different"),
        ("normal,normal", "two different"),
        ("", "two different"),
        ("normal,benign,malignant", "two different"),
    ],
)
def test_a_choice_that_is_not_two_known_classes_is_refused(classes, message):
    with pytest.raises(InputError, match=message):
        choose_classes(three(), classes)


@pytest.mark.parametrize(
    ("names", "positive"),
    [
        (("Malignant cases", "Normal cases"), "Malignant cases"),
        (("healthy", "COVID"), "COVID"),
        (("no_tumor", "glioma"), "glioma"),
        (("0", "1"), "1"),
        (("ctrl", "case"), "case"),
        (("恶性", "良性"), "恶性"),
        (("正常 normal", "肺癌"), "肺癌"),
        (("adenocarcinoma", "squamous"), "squamous"),
    ],
)
def test_the_class_without_the_finding_comes_first(names, positive):
    two = from_arrays(pictures(4), [*names, *names], patient_ids=[0, 1, 2, 3])
    assert choose_classes(two, None).classes[-1] == positive


def test_an_order_by_the_alphabet_is_said():
    two = from_arrays(pictures(2), ["b", "a"], patient_ids=[0, 1])
    assert "by the alphabet" in choose_classes(two, None).notes[-1]


def test_more_than_two_classes_are_kept_where_a_chapter_takes_several_the_normal_one_first():
    three = from_arrays(pictures(3), ["cyst", "normal", "tumor"], patient_ids=[0, 1, 2])
    assert choose_classes(three, None, several=True).classes == ("normal", "cyst", "tumor")
    assert choose_classes(three, "tumor,cyst,normal", several=True).classes[0] == "tumor"
    two = choose_classes(three, "normal,tumor", several=True)
    assert (two.classes, len(two)) == (("normal", "tumor"), 2)
    with pytest.raises(InputError, match="two or more different ones of"):
        choose_classes(three, "tumor,tumor,normal", several=True)


def test_a_chapter_of_two_classes_says_which_to_choose_and_who_takes_all():
    three = from_arrays(pictures(6), ["cyst", "normal", "tumor"] * 2, patient_ids=range(6))
    said = "compares two: choose them, the negative one first: -p classes normal,tumor.*04 take all"
    with pytest.raises(InputError, match=said):
        require_cases(choose_classes(three, "all"), 2)
    assert require_cases(choose_classes(three, "all"), 2, several=True)


def test_one_class_is_no_study():
    with pytest.raises(InputError, match="one class only"):
        choose_classes(from_arrays(pictures(2), ["a", "a"], patient_ids=[0, 1]), None)


def test_a_patient_in_two_classes_is_named():
    facts = {"patient_ids": ["Ann", "Bob", "Ann"], "classes": ("normal", "ill")}
    labels = ["normal", "ill", "ill"]
    with pytest.raises(InputError, match="'Ann' in 'normal' and 'ill'"):
        require_one_label(from_arrays(pictures(3), labels, **facts))
    mixed = from_arrays(pictures(3), labels, allow_mixed_patients=True, **facts)
    assert require_one_label(mixed) is mixed


def test_patients_count_for_folds_and_images_do_not():
    assert require_cases(cohort(10, 3), 5)
    with pytest.raises(InputError, match="'normal' of arrays has 5 patients and there are 6"):
        require_cases(cohort(10, 3), 6)
    with pytest.raises(InputError, match="at least 2"):
        require_cases(cohort(), 1)


def test_the_display_says_what_is_simulated_surrogate_and_unknown():
    text = repr(from_arrays(pictures(2), ["a", "<b>"], simulated=True, modality="CT", units="HU"))
    assert "surrogate groups (no patient ids recorded)" in text
    assert "CT, HU, simulated" in text
    html = from_arrays(pictures(2), ["a", "<b>"])._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_a_result_can_name_its_data_by_class_site_and_note():
    cases = cohort(3, 2)
    told = cases.draw(2, seed=0).identity()
    assert told["images_per_class"] == {"normal": 2, "ill": 1}
    assert told["sites"] == 0
    assert told["notes"][-1].startswith("Only 1 of 2 patients")
    named = replace(cases, table=cases.table.assign(site=[*"AABBCC"])).identity()
    assert (named["sites"], named["label_level"]) == (3, "patient")


def test_a_table_must_have_what_a_cohort_needs():
    one = cohort()
    with pytest.raises(InputError, match="lacks sha256"):
        Cohort(name="x", table=one.table.drop(columns="sha256"), classes=("a",), reader=one.reader)
    with pytest.raises(InputError, match="name all classes"):
        Cohort(name="x", table=one.table, classes=("normal", "other"), reader=one.reader)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("image:x", "did you mean 'images'"),
        ("iq-oth-nced:x", "did you mean 'iq-oth-nccd'"),
        ("xyz", "phantom-kidney, phantom-fundus, phantom-head-mri, images:PATH"),
        ("", "name one"),
        ("images", "needs a place"),
        ("images:/nowhere/at/all", "no folder or file"),
        ("phantom-chest-ct:here", "has no place"),
    ],
)
def test_an_unknown_cohort_is_refused_with_a_way_out(spec, message):
    with pytest.raises(InputError, match=message):
        load(spec)


def test_a_folder_without_its_kind_gets_the_kind_suggested(tmp_path):
    with pytest.raises(InputError, match=f"images:{tmp_path}"):
        load(str(tmp_path))


def test_a_misspelt_folder_gets_its_neighbour_suggested(tmp_path):
    (tmp_path / "chest").mkdir()
    with pytest.raises(InputError, match="did you mean 'chest'"):
        load(f"images:{tmp_path}/chst")


def test_an_unknown_option_is_refused_before_reading(tmp_path):
    with pytest.raises(InputError, match=r"no option 'patient' .*did you mean 'patients'"):
        load(f"images:{tmp_path}", patient="x.csv")
    with pytest.raises(InputError, match="no option 'stratm'"):
        load("phantom-chest-ct", stratm="hard")
