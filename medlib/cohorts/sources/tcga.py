"""CT slices of the TCGA lung cohorts: real DICOM, patients, sites and scanners; no controls."""

from __future__ import annotations

from typing import Final

from medlib.cohorts.cohort import Cohort
from medlib.cohorts.selection import keep_classes
from medlib.cohorts.sources import archives
from medlib.cohorts.sources.dicom_folder import from_series
from medlib.cohorts.sources.tables import read_table
from medlib.dicom import scan
from medlib.errors import InputError

CONTRAST: Final = {"0": "no contrast", "1": "contrast"}
"""What the codes of the file mean."""


def load(place: str) -> Cohort:
    """Load the slices that ``index.csv`` lists (file, pid, contrast), zipped or unpacked.

    The label is contrast medium, of the slice: one patient may have both. The site is the
    tissue-source code of the TCGA barcode (the second part of TCGA-17-Z034). Raises InputError
    if the table is not that of the release.
    """
    home = archives.folder(place, "tcga-lung-ct")
    path = archives.nearest(home, "index.csv")
    columns = {"patient_id": "pid", "label": "contrast"}
    table = read_table(path, required=("file", "patient_id", "label"), columns=columns)
    barcode = table.patient_id.str.split("-", expand=True)
    if barcode.shape[1] < 3 or not set(table.label) <= set(CONTRAST):
        raise InputError(
            f"{path} needs barcodes such as TCGA-17-Z034 in pid and 0 or 1 in contrast: "
            "use the table of the release."
        )
    table = table[["file", "patient_id", "label"]]
    table = table.assign(label=table.label.map(CONTRAST), site="TSS " + barcode[1])
    cohort = from_series(
        scan(archives.unpacked_beside(home, "*.dcm")),
        table,
        path,
        name="tcga-lung-ct",
        licence="CC BY 3.0",
        citation="Albertina et al. 2016, TCGA-LUAD, doi:10.7937/K9/TCIA.2016.JGNIHEP5",
        label_level="image",
    )
    both = cohort.table.groupby("patient_id").label.nunique()
    return keep_classes(cohort, tuple(CONTRAST.values())).noted(
        "All patients have cancer: there are no normal controls, and the label is contrast medium.",
        f"{int((both > 1).sum())} patients have slices with and without contrast.",
    )
