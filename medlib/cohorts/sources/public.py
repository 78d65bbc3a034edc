"""Public data sets in the layout of their release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from medlib.cohorts.cohort import Cohort
from medlib.cohorts.sources import archives, pictures
from medlib.cohorts.sources.arrays import without_ids
from medlib.cohorts.sources.folders import from_pictures, pictures_of_table
from medlib.cohorts.sources.tables import match_files, read_table
from medlib.errors import InputError

IQ_OTH_FOLDERS: Final = {
    "normal cases": "normal",
    "bengin cases": "benign",  # as the release spells it
    "benign cases": "benign",
    "malignant cases": "malignant",
}
"""Folders of IQ-OTH/NCCD, as spelt there, and their classes."""
IQ_OTH_CLASSES: Final = ("normal", "benign", "malignant")
"""Classes of IQ-OTH/NCCD."""
LUNA_BLOCK: Final = 5000
"""Rows of candidates.csv in a block. A scan of LUNA16 has about 620 of them, so a block holds
some 8 scans and at most one scan in 8 lies across the edge of two blocks."""


def iq_oth_nccd(place: str) -> Cohort:
    """Load IQ-OTH/NCCD: CT slices as jpg, already windowed; normal, benign, malignant.

    The release has no case ids. Groups come from ``surrogate_groups.csv`` (file, group) if it is
    there, else from runs of similar slices. They are surrogates, not patients.
    """
    home = archives.folder(place, "iq-oth-nccd")
    found = [(p, IQ_OTH_FOLDERS.get(p.parent.name.lower())) for p in pictures.find(home)]
    rows = [(path.relative_to(home).as_posix(), str(path), label) for path, label in found if label]
    if not rows:
        raise InputError(
            f"{home} has no pictures in folders 'Normal cases', 'Bengin cases' or 'Malignant "
            "cases': give the folder that holds these."
        )
    table = pd.DataFrame(rows, columns=["image_id", "path", "label"]).assign(site="IQ-OTH/NCCD")
    cohort = from_pictures(
        table,
        name="iq-oth-nccd",
        modality="CT",
        units="grey level 0-255 of an unrecorded window",
        licence="CC BY 4.0",
        citation="Alyasriy & Al-Huseiny, Mendeley Data, doi:10.17632/bhmdr45bh2",
    )
    present = tuple(c for c in IQ_OTH_CLASSES if c in cohort.classes)
    return _iq_oth_groups(replace(cohort, classes=present), home).noted(
        "Some malignant slices were stretched to a square before the release: body shape is "
        "a shortcut."
    )


def _iq_oth_groups(cohort: Cohort, home: Path) -> Cohort:
    listed = home / "surrogate_groups.csv"
    if not listed.is_file():
        return without_ids(cohort, groups="runs")
    table = cohort.table
    groups = read_table(listed, required=("file", "group"))
    known = list(table.image_id) + list(cohort.refused.file)
    groups["image_id"] = match_files(groups, known, listed)
    group = table.image_id.map(groups.set_index("image_id").group)
    table["patient_id"] = group.fillna("alone " + table.image_id)
    return replace(cohort, table=table, patient_id_kind="surrogate", label_level="image").noted(
        "The release has no case ids: groups of similar slices stand in for patients."
    )


def luna16_patches(place: str) -> Cohort:
    """Load LUNA16 candidate patches, 50 x 50 jpg (HU -1000 to 400 on 0-255): other, nodule.

    ``labels.csv`` has file, candidates_csv_row, is_nodule, source_split. The scan of a patch is
    not recorded; blocks of rows of the candidate list, which goes scan by scan, stand in for it.
    """
    home = archives.folder(place, "luna16-patches")
    path = archives.nearest(home, "labels.csv")
    columns = {"label": "is_nodule", "split": "source_split"}
    required = ("file", "label", "candidates_csv_row")
    table = read_table(path, required=required, columns=columns)
    row = pd.to_numeric(table.candidates_csv_row, errors="coerce")
    if row.isna().any() or not set(table.label) <= {"0", "1"}:
        raise InputError(
            f"{path} needs whole numbers in candidates_csv_row and 0 or 1 in is_nodule: "
            "use the table of the release."
        )
    block = np.asarray(row // LUNA_BLOCK, dtype=int)
    table = table.assign(
        label=table.label.map({"0": "other", "1": "nodule"}),
        patient_id=[f"rows {b * LUNA_BLOCK}-{(b + 1) * LUNA_BLOCK - 1}" for b in block],
        site="LUNA16",
    ).iloc[np.argsort(row, kind="stable")]
    table = table.rename(columns={"split": "source_split"})  # random, not by patient: see audit
    cohort = from_pictures(
        pictures_of_table(archives.unpacked_beside(home, "*.jpg"), table, path),
        name="luna16-patches",
        modality="CT",
        units="grey level 0-255 of HU -1000 to 400",
        licence="LUNA16 CC BY 4.0, LIDC-IDRI CC BY 3.0",
        citation="Armato et al. 2011; Setio et al. 2017",
        patient_id_kind="surrogate",
        label_level="image",
    )
    note = (
        f"Blocks of {LUNA_BLOCK} rows of the candidate list stand in for scans; the label is "
        "nodule or not, not cancer; the release's own split is random and kept as source_split."
    )
    return replace(cohort, classes=("other", "nodule")).noted(note)
