"""Public releases load in the layout their readers have them in (tiny stand-ins here)."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from medlib.cohorts import load
from medlib.dicom import write_series
from medlib.errors import InputError


def save(path, seed, shape=(32, 32)):
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4)).astype(np.uint8)
    scale = np.ones((shape[0] // 4, shape[1] // 4), np.uint8)
    Image.fromarray(np.kron(blocks, scale)).save(path, quality=95)


@pytest.fixture
def iq_oth(tmp_path):
    for n, (folder, case) in enumerate(
        [("Normal cases", "Normal"), ("Bengin cases", "Bengin"), ("Malignant cases", "Malignant")]
    ):
        for i in range(1, 13):
            save(tmp_path / folder / f"{case} case ({i}).jpg", 100 * n + (i - 1) // 3)
    return tmp_path


def test_iq_oth_compares_normal_with_malignant_and_keeps_benign_for_the_audit(iq_oth):
    cohort = load(f"iq-oth-nccd:{iq_oth}")
    assert cohort.classes == ("normal", "malignant")
    assert len(cohort) == 24
    assert len(cohort.with_left_out()) == 36
    assert (cohort.name, cohort.modality) == ("iq-oth-nccd", "CT")
    assert load(f"iq-oth-nccd:{iq_oth}", classes="benign,malignant").classes[0] == "benign"
    assert load(f"iq-oth-nccd:{iq_oth}", classes="all").classes == ("normal", "benign", "malignant")


def test_without_a_list_iq_oth_groups_are_runs_of_similar_slices(iq_oth):
    cohort = load(f"iq-oth-nccd:{iq_oth}")
    assert cohort.patient_id_kind == "surrogate"
    assert np.bincount(cohort.groups).tolist() == [3] * 8
    assert "Malignant case (2)" in cohort.table.image_id[1]  # not (10)


def test_a_list_of_surrogate_groups_is_used_where_it_is_there(iq_oth):
    files = sorted(p.name for p in iq_oth.rglob("*.jpg"))
    rows = [f"{name},{name.split()[0][0]}{i % 5}" for i, name in enumerate(files)]
    (iq_oth / "surrogate_groups.csv").write_text("file,group\n" + "\n".join(rows))
    cohort = load(f"iq-oth-nccd:{iq_oth}", per_class=4, seed=3)
    assert len(cohort) == 8
    assert cohort.table.patient_id.is_unique
    assert set(cohort.table.patient_id.str[0]) == {"N", "M"}


def test_iq_oth_in_another_folder_is_refused(tmp_path):
    save(tmp_path / "cats" / "1.jpg", 0)
    with pytest.raises(InputError, match="'Bengin cases'"):
        load(f"iq-oth-nccd:{tmp_path}")


@pytest.fixture
def luna(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    home = tmp_path / "luna"
    rows = [(7 + 2600 * i, i % 2) for i in range(8)]
    with zipfile.ZipFile((home.mkdir() or home) / "patches.zip", "w") as archive:
        for row, _ in rows:
            save(tmp_path / f"image_{row}.jpg", row, (48, 48))
            archive.write(tmp_path / f"image_{row}.jpg", f"train/image_{row}.jpg")
    lines = [f"train/image_{row}.jpg,{row},{label},train" for row, label in rows]
    (home / "labels.csv").write_text(
        "file,candidates_csv_row,is_nodule,source_split\n" + "\n".join(lines)
    )
    return home


def test_luna_patches_come_out_of_the_zip_in_blocks_of_rows(luna):
    cohort = load(f"luna16-patches:{luna}")
    assert cohort.classes == ("other", "nodule")
    assert cohort.labels.tolist() == [0, 1] * 4
    assert cohort.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert cohort.patient_id_kind == "surrogate"
    assert cohort.table.patient_id[0] == "rows 0-4999"


def test_luna_labels_that_are_no_zero_or_one_are_refused(luna):
    path = luna / "labels.csv"
    path.write_text(path.read_text().replace(",1,train", ",yes,train"))
    with pytest.raises(InputError, match="0 or 1 in is_nodule"):
        load(f"luna16-patches:{luna}")


@pytest.mark.parametrize("zipped", [True, False])
def test_tcga_slices_have_patient_site_and_scanner(tmp_path, monkeypatch, zipped):
    monkeypatch.setenv("MEDLIB_CACHE", str(tmp_path / "cache"))
    home, lines = tmp_path / "tcga", ["file,pid,contrast"]
    for i, pid in enumerate(["TCGA-17-Z034", "TCGA-17-Z034", "TCGA-50-5931", "TCGA-50-5932"]):
        hu = np.full((1, 16, 16), 10.0 * i)
        hu[:, 4:9, 4:9] += 40.0
        vendor = {"Manufacturer": ["SIEMENS", "GE"][i // 2]}
        file = write_series(
            hu, tmp_path / f"{i}", patient_id=pid, spacing=(1, 1, 1), study=str(i), tags=vendor
        )[0]
        target = home / "dicom_dir" / f"ID_{i}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
        lines.append(f"ID_{i}.dcm,{pid},{i % 2}")
    (home / "index.csv").write_text("\n".join(lines))
    if zipped:
        with zipfile.ZipFile(home / "dicom_dir.zip", "w") as archive:
            for path in (home / "dicom_dir").iterdir():
                archive.write(path, f"dicom_dir/{path.name}")
                path.unlink()
    cohort = load(f"tcga-lung-ct:{home}")
    assert cohort.classes == ("no contrast", "contrast")
    assert len(cohort) == 4
    assert set(cohort.table.site) == {"TSS 17", "TSS 50"}
    assert cohort.table.groupby("patient_id").size()["TCGA-17-Z034"] == 2
    assert any("1 patients have slices with and without" in note for note in cohort.notes)
    of = cohort.table.set_index("patient_id").index.get_loc("TCGA-50-5932")
    assert cohort.pixels(of)[0, 0] == 30
    assert cohort.units == "HU"
