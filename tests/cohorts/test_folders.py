"""Folders of pictures of any kind become a cohort, or one sentence says why not."""

import zipfile

import numpy as np
import pytest
from files import grey, save, write
from PIL import Image

from medlib.cohorts import load
from medlib.cohorts.sources.pictures import natural, read, read_picture
from medlib.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """Three normal and three ill pictures, ill ones a level deeper."""
    for i in range(3):
        save(tmp_path / "scans" / "normal" / f"{i}.png", grey(i))
        save(tmp_path / "scans" / "ill" / "deep" / f"{i}.png", grey(10 + i))
    return tmp_path / "scans"


def test_a_folder_of_class_folders_loads_with_its_pixels(folder):
    cohort = load(f"images:{folder}")
    assert cohort.classes == ("normal", "ill")
    assert cohort.name == "images-scans"
    assert np.bincount(cohort.labels).tolist() == [3, 3]
    first = cohort.table.set_index("image_id").index.get_loc("normal/1.png")
    assert np.array_equal(cohort.pixels(first), grey(1))
    assert cohort.modality == "unknown"


def test_without_patient_ids_groups_are_surrogates_and_the_cohort_says_so(folder):
    save(folder / "normal" / "copy.png", grey(1))
    cohort = load(f"images:{folder}")
    assert cohort.patient_id_kind == "surrogate"
    assert any("No patient ids" in note for note in cohort.notes)
    of = cohort.table.set_index("image_id").patient_id
    assert of["normal/copy.png"] == of["normal/1.png"]
    assert of.nunique() == 6


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_lossless_formats_give_the_same_pixels(tmp_path, suffix):
    path = save(tmp_path / f"a.{suffix}", grey())
    assert np.array_equal(read(path), grey())


def test_jpeg_is_close_to_what_was_saved(tmp_path):
    smooth = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    path = save(tmp_path / "a.JPG", smooth, quality=95)
    assert np.abs(read(path) - smooth).max() < 8


def test_sixteen_bit_keeps_the_values_of_the_file(tmp_path):
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    pixels, remarks, stored = read_picture(save(tmp_path / "a.png", deep))
    assert pixels.tolist() == deep.tolist()
    assert (remarks, stored.container) == ((), "16 bits")


def test_colour_becomes_luma_with_a_remark_and_grey_stored_as_colour_does_not(tmp_path):
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    pixels, remarks, _ = read_picture(save(tmp_path / "red.png", red))
    assert pixels[0, 0] == pytest.approx(0.299 * 200, abs=0.01)
    assert "colour" in remarks[0]
    same = np.repeat(grey()[..., None], 3, axis=2)
    pixels, remarks, _ = read_picture(save(tmp_path / "grey.png", same))
    assert np.array_equal(pixels, grey())
    assert remarks == ()


def test_a_palette_is_read_as_its_colours_not_its_numbers(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([10, 10, 10, 240, 240, 240])
    picture.save(tmp_path / "p.png")
    assert read(tmp_path / "p.png").tolist() == [[10, 240]]


def test_transparent_pixels_are_black(tmp_path):
    clear = np.full((2, 2, 4), 255, np.uint8)
    clear[0, 0, 3] = 0
    pixels, remarks, _ = read_picture(save(tmp_path / "a.png", clear))
    assert pixels.tolist() == [[0, 255], [255, 255]]
    assert "transparency" in remarks[0]


def test_an_opaque_picture_with_an_alpha_channel_has_no_transparency_to_speak_of(tmp_path):
    opaque = np.full((2, 2, 4), 255, np.uint8)
    opaque[0, 0, :3] = 7
    pixels, remarks, _ = read_picture(save(tmp_path / "a.png", opaque))
    assert pixels.tolist() == [[7, 255], [255, 255]]
    assert remarks == ()


def test_a_photo_taken_sideways_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees clockwise to see it upright
    pixels, remarks, _ = read_picture(save(tmp_path / "a.png", grey(), exif=exif))
    assert np.array_equal(pixels, np.rot90(grey(), -1))
    assert "EXIF" in remarks[0]


def test_of_several_frames_the_first_is_used(tmp_path):
    frames = [Image.fromarray(grey(i)) for i in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    pixels, remarks, _ = read_picture(tmp_path / "a.tif")
    assert np.array_equal(pixels, grey(0))
    assert "frames" in remarks[0]


def test_remarks_are_counted_in_the_notes(folder):
    save(folder / "ill" / "colour.png", np.dstack([grey(1), grey(2), grey(3)]))
    assert any(n.startswith("1 of 7 images: colour") for n in load(f"images:{folder}").notes)


def test_slice_2_comes_before_slice_10():
    assert sorted(["s (10).jpg", "s (2).jpg", "s (1).jpg"], key=natural) == [
        "s (1).jpg",
        "s (2).jpg",
        "s (10).jpg",
    ]


def test_hidden_files_and_other_files_are_no_images(folder):
    save(folder / "normal" / "._0.png", grey(99))
    save(folder / "__MACOSX" / "normal" / "0.png", grey(99))
    (folder / "normal" / "Thumbs.db").write_bytes(b"x")
    assert len(load(f"images:{folder}")) == 6


def test_a_zip_of_the_folder_is_the_same_cohort(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, "wrapped/" + str(path.relative_to(folder)))
    zipped = load(f"images:{tmp_path / 'scans.zip'}")
    assert zipped.content_hash == load(f"images:{folder}").content_hash


def test_a_zip_that_writes_elsewhere_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../../out.png", b"x")
    with pytest.raises(InputError, match="outside its folder"):
        load(f"images:{tmp_path / 'bad.zip'}")
    assert not list((tmp_path / "cache" / "unpacked").iterdir())


def test_split_folders_are_kept_as_a_split(tmp_path):
    for split in ("train", "test"):
        for label in ("no", "yes"):
            seed = len(split) * 10 + len(label)
            save(tmp_path / split / label / "1.png", grey(seed))
    cohort = load(f"images:{tmp_path}")
    assert cohort.classes == ("no", "yes")
    assert sorted(cohort.table.split) == ["test", "test", "train", "train"]


def test_patients_csv_gives_patients_and_sites(folder):
    lines = [f"normal/{i}.png,P{i % 2},Bonn" for i in range(3)]
    write(
        folder / "patients.csv",
        "file,patient_id,site",
        *lines,
        *(f"deep/{i}.png,Q,Köln" for i in range(3)),
    )
    cohort = load(f"images:{folder}")
    assert cohort.patient_id_kind == "recorded"
    assert cohort.table.set_index("image_id").patient_id["normal/2.png"] == "P0"
    assert set(cohort.table.site) == {"Bonn", "Köln"}
    assert not any("No patient ids" in note for note in cohort.notes)


def test_labels_csv_replaces_class_folders(tmp_path):
    for i in range(4):
        save(tmp_path / f"{i}.png", grey(i))
    write(
        tmp_path / "labels.csv",
        "Image;Diagnosis;PatientID",
        *(f"{i};{'ab'[i % 2]};p{i}" for i in range(4)),
    )
    cohort = load(f"images:{tmp_path}")
    assert cohort.labels.tolist() == [0, 1, 0, 1]
    assert cohort.table.patient_id.tolist() == ["p0", "p1", "p2", "p3"]


def test_a_column_can_be_named_when_it_is_not_to_be_guessed(tmp_path):
    for i in range(4):
        save(tmp_path / f"{i}.png", grey(i))
    write(tmp_path / "labels.csv", "file,label,grade", *(f"{i}.png,x,{i % 2}" for i in range(4)))
    cohort = load(f"images:{tmp_path}?label_column=grade")
    assert cohort.classes == ("0", "1")
    with pytest.raises(InputError, match="no column 'stage'"):
        load(f"images:{tmp_path}", label_column="stage")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (["file,who", "normal/0.png,1"], "lacks a column 'patient_id'"),
        (
            ["file,patient_id", "normal/9.png,1"],
            r"names 1 files that are not there: 'normal/9.png'",
        ),
        (["file,patient_id", "0.png,1"], "fit several: '0.png'"),
        (
            ["file,patient_id", "normal/0.png,1", "normal/0.png,1"],
            "more than one row for 'normal/0",
        ),
        (["file,patient_id", "normal/0.png,"], "empty patient_id in 1 rows, first in line 2"),
        (["file,patient_id", "normal/0.png,1"], "no row for 5 pictures"),
        (["file,patient_id"], "no rows"),
    ],
)
def test_a_patients_table_that_does_not_fit_is_refused(folder, table, message):
    write(folder / "patients.csv", *table)
    with pytest.raises(InputError, match=message):
        load(f"images:{folder}")


def test_a_patient_in_two_class_folders_is_named(folder):
    rows = [f"{path.relative_to(folder)},same" for path in folder.rglob("*.png")]
    write(folder / "patients.csv", "file,patient_id", *rows)
    with pytest.raises(InputError, match="'same' in 'ill' and 'normal'"):
        load(f"images:{folder}")
    assert len(load(f"images:{folder}", allow_mixed_patients=True)) == 6
    assert len(load(f"images:{folder}?allow_mixed_patients=true")) == 6


def test_a_switch_given_as_text_is_read_not_taken_for_true(folder):
    rows = [f"{path.relative_to(folder)},same" for path in folder.rglob("*.png")]
    write(folder / "patients.csv", "file,patient_id", *rows)
    with pytest.raises(InputError, match="two classes"):
        load(f"images:{folder}?allow_mixed_patients=false")
    with pytest.raises(InputError, match="give true or false"):
        load(f"images:{folder}?allow_mixed_patients=perhaps")


def test_a_table_in_another_encoding_and_arrays_for_pictures_are_named(folder):
    (folder / "labels.csv").write_bytes("file,label\nnormal/0.png,正常\n".encode("gbk"))
    with pytest.raises(InputError, match="encoded as UTF-8"):
        load(f"images:{folder}")
    np.savez(folder / "set.npz", images=np.zeros((2, 8, 8)), labels=[0, 1])
    with pytest.raises(InputError, match="write npz:"):
        load(f"images:{folder}/set.npz")


def test_an_empty_label_is_refused(tmp_path):
    save(tmp_path / "0.png", grey())
    write(tmp_path / "labels.csv", "file,label", "0.png, ")
    with pytest.raises(InputError, match="empty label"):
        load(f"images:{tmp_path}")


def test_unreadable_files_are_named_and_the_rest_loads(folder):
    whole = (folder / "normal" / "0.png").read_bytes()
    (folder / "normal" / "short.png").write_bytes(whole[: len(whole) // 2])
    (folder / "ill" / "text.jpg").write_text("not a picture")
    (folder / "ill" / "empty.tif").write_bytes(b"")
    cohort = load(f"images:{folder}")
    assert len(cohort) == 6
    assert sorted(cohort.refused.file) == ["ill/empty.tif", "ill/text.jpg", "normal/short.png"]
    assert cohort.refused.reason.str.len().min() > 5
    assert "normal/short.png" in " ".join(cohort.notes)


def test_a_folder_that_is_mostly_unreadable_stops(folder):
    for i in range(7):
        (folder / "ill" / f"bad{i}.png").write_bytes(b"x")
    with pytest.raises(InputError, match="7 of 13 images cannot be read"):
        load(f"images:{folder}")


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match=r"holds no pictures.*dicom:DIR"):
        load(f"images:{tmp_path}")


def test_pictures_beside_the_class_folders_are_refused(folder):
    save(folder / "stray.png", grey())
    with pytest.raises(InputError, match=r"outside class folders, such as 'stray.png'"):
        load(f"images:{folder}")


def test_one_class_folder_is_refused(tmp_path):
    save(tmp_path / "only" / "a.png", grey())
    save(tmp_path / "only" / "b.png", grey(1))
    with pytest.raises(InputError, match="one class only"):
        load(f"images:{tmp_path}")


def test_slices_listed_scan_by_scan_can_be_grouped_by_likeness(tmp_path):
    scans = [np.kron(grey(i, (4, 4)), np.ones((8, 8), np.uint8)) for i in range(4)]
    for i, scan in enumerate(scans):
        for slice_ in range(3):
            noisy = np.clip(scan + np.random.default_rng(slice_).normal(0, 20, scan.shape), 0, 255)
            save(tmp_path / "ab"[i // 2] / f"{i}_{slice_}.png", noisy.astype(np.uint8))
    cohort = load(f"images:{tmp_path}", groups="runs")
    assert cohort.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    with pytest.raises(InputError, match='choose "copies", "exact" or "runs"'):
        load(f"images:{tmp_path}", groups="patients")


@pytest.mark.parametrize("shape", [(1, 1), (30, 20)])
def test_pictures_without_content_are_refused_flat_ones_among_others_are_noted(tmp_path, shape):
    for i in range(6):
        save(tmp_path / "ab"[i % 2] / f"{i}.png", np.full(shape, 40 * i, np.uint8))
    with pytest.raises(InputError, match="one value in all its pixels"):
        load(f"images:{tmp_path}")
    save(tmp_path / "a" / "real.png", grey())
    cohort = load(f"images:{tmp_path}")
    assert any(note.startswith("6 of 7 images: all pixels") for note in cohort.notes)


def test_a_slice_of_pictures_is_refused(folder):
    with pytest.raises(InputError, match=r"slice is '3', but the folder holds pictures"):
        load(f"images:{folder}?slice=3")
