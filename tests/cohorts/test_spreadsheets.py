"""A table of labels may be a spreadsheet: the same table gives the same cohort as its csv."""

from datetime import datetime

import pytest
from files import grey, save, write
from openpyxl import Workbook

from medlib.cohorts import load
from medlib.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for i in range(2):
        save(tmp_path / "normal" / f"{i}.png", grey(i))
    return tmp_path


def test_a_spreadsheet_of_a_kind_that_is_not_read_is_told_to_be_saved_as_another(folder):
    (folder / "labels.ods").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"labels\.ods is a spreadsheet .* save it as xlsx or csv"):
        load(f"images:{folder}")
    (folder / "labels.ods").rename(folder / "grades.xls")
    with pytest.raises(InputError, match=r"grades\.xls is a spreadsheet .* save it as xlsx or csv"):
        load(f"images:{folder}?labels=grades.xls")


def test_a_spreadsheet_that_is_damaged_is_told(folder):
    (folder / "labels.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"labels\.xlsx is no readable spreadsheet"):
        load(f"images:{folder}")


def test_a_table_as_csv_and_as_the_first_sheet_of_an_xlsx_gives_the_equal_cohort(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i + 1}.png", grey(i))
        save(tmp_path / f"00{i + 4}.png", grey(5 + i))
    rows = [("file", "patient_id", "label", "site", "taken", "dose", "sure")]
    day = datetime(2024, 3, 1)
    rows += [(i + 1, 70 + i, "ill", "0012", day, 0.1 + 0.2, True) for i in range(3)]
    rows += [(f"00{i + 4}", f"00{i}", 0, "NA", day, 2.0, False) for i in range(3)]
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.active.append([None] * 7)
    book.create_sheet("notes").append(("anything", "else"))
    book.save(tmp_path / "labels.xlsx")
    sheet = load(f"images:{tmp_path}")
    (tmp_path / "labels.xlsx").unlink()
    ill = [f"{i + 1},{70 + i},ill,0012,2024-03-01,0.3,TRUE" for i in range(3)]
    write(
        tmp_path / "labels.csv",
        ",".join(rows[0]),
        *ill,
        *(f"00{i + 4},00{i},0,NA,2024-03-01,2,FALSE" for i in range(3)),
    )
    text = load(f"images:{tmp_path}")
    assert sheet.table.equals(text.table)
    assert sheet.content_hash == text.content_hash
    assert sheet.table.patient_id.tolist() == ["70", "71", "72", "000", "001", "002"]


def test_an_empty_cell_of_a_spreadsheet_is_told_with_its_line(folder):
    book = Workbook()
    for row in (("file", "label"), ("normal/0.png", "a"), (None, None), ("normal/1.png", None)):
        book.active.append(row)
    book.save(folder / "labels.xlsx")
    with pytest.raises(InputError, match="empty label in 1 rows, first in line 4"):
        load(f"images:{folder}")
