"""Simulated patients with chest CT: made once, written as DICOM, read back like any other."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import medlib
from medlib import dicom
from medlib.cohorts.cohort import Cohort
from medlib.cohorts.sources.dicom_folder import from_series
from medlib.cohorts.sources.kept import content_key, make_side_by_side
from medlib.errors import InputError
from medlib.phantom import screening
from medlib.phantom.chest import SimulatedCase, simulate
from medlib.phantom.scanner.sites import protocol_of
from medlib.runtime.paths import cache_folder
from medlib.runtime.whole_numbers import as_number, as_seed

CLASSES: Final = ("control", "cancer")
PER_CLASS: Final = 25
"""Patients a class unless asked otherwise: the 50 of the text."""
SERIES: Final = "dicom"
CASE: Final = "case.json"
MASKS: Final = "masks.npz"
"""Beside each series: lesion, finding (bool) and tissue (uint8), slices x rows x columns."""
NODULES: Final = "nodules.json"
"""Beside a series of the stratum "nodules": all its findings, as `screening.Nodule` has them."""


def load(
    *,
    seed: int = 0,
    per_class: int | None = None,
    task: str = "crop",
    stratum: str = "default",
    slices: int = 24,
    matrix: int | None = None,
    sites: str = "",
    jobs: int = 2,
) -> Cohort:
    """Simulate ``per_class`` (25) cancers and as many controls, or take them from the cache.

    Options as in `medlib.phantom.chest.simulate`; the stratum "nodules" of the task "volume" is
    `medlib.phantom.screening.simulate`, several nodules a patient. Patient i is the same whatever
    the number of patients and jobs. For task "volume" the image of a case is the slice where its
    finding is largest, or the middle one. ``sites`` "eight" sends the patients to eight sites, each
    with its scanner and protocol (`medlib.phantom.scanner.sites`), crops only; "same" to eight that
    have the same one. The table has ``finding`` (what the crop shows) and ``folder`` (DICOM files
    and masks), of sites also ``chest_width_mm``. Raises InputError for what cannot be simulated.
    """
    wanted = PER_CLASS if per_class is None else as_number(per_class, "per_class")
    plan = _plan(as_seed(seed), wanted, task, stratum, slices, matrix, sites)
    folders = make_cases(plan, jobs=jobs)
    told = pd.DataFrame([json.loads((folder / CASE).read_text("utf-8")) for folder in folders])
    told["file"] = [f"{f.name}/{SERIES}/{file}" for f, file in zip(folders, told.file, strict=True)]
    scans = [dicom.scan(folder / SERIES) for folder in folders]
    found = dicom.Scan(
        folders[0].parent,
        tuple(header for scan in scans for header in scan.headers),
        tuple(refusal for scan in scans for refusal in scan.refusals),
    )
    cohort = from_series(
        found,
        told,
        folders[0].parent,
        name="phantom-chest-ct",
        licence="CC0 1.0",
        citation="Simulated by medlib; no patient.",
        simulated=True,
        patient_id_kind="simulated",
        notes=(),
    )
    table = cohort.table.set_index("patient_id").loc[told.patient_id].reset_index()
    table["folder"] = [str(folder) for folder in folders]
    table["image_id"] = table.patient_id  # the place in the cache is no name
    return replace(cohort, table=table, classes=CLASSES)


def _plan(
    seed: int,
    per_class: int,
    task: str,
    stratum: str,
    slices: int,
    matrix: int | None,
    sites: str,
) -> list[dict[str, Any]]:
    """Arguments of each case: controls and cancers by turns, each with a seed of its own."""
    options: dict[str, Any] = {"task": task, "stratum": stratum}
    if stratum == "nodules" and task != "volume":
        raise InputError(f"The stratum 'nodules' needs task 'volume', not {task!r}.")
    if matrix is not None:
        options["matrix"] = _whole("matrix", matrix)
    if task == "volume":
        options["slices"] = _whole("slices", slices)
    if sites and task != "crop":
        raise InputError(f"sites need task 'crop', not {task!r}: leave one of the two out.")
    return [
        {
            "seed": int(np.random.SeedSequence([seed, i]).generate_state(1)[0]),
            "cancer": bool(i % 2),
            "patient_id": f"SIM-{seed:03d}-{i:04d}",
            **options,
            **(_at_site(i, sites) if sites else {}),
        }
        for i in range(2 * per_class)
    ]


def _at_site(i: int, sites: str) -> dict[str, Any]:
    name, protocol = protocol_of(i, sites)
    return {"site": name, **protocol}


def _whole(name: str, value: object) -> int:
    if not str(value).isdigit():
        raise InputError(f"{name} is {value!r}: give a whole number.")
    return int(str(value))


def make_cases(plan: list[dict[str, Any]], *, jobs: int = 2) -> list[Path]:
    """Return the cache folder of each case, simulating those that are not there yet."""
    home = cache_folder("phantom-chest-ct")
    folders = [home / content_key(case, _sources()) for case in plan]
    lacking = [(c, f) for c, f in zip(plan, folders, strict=True) if not (f / MASKS).is_file()]
    make_side_by_side(make_case, lacking, jobs)
    return folders


def make_case(case: Mapping[str, Any], folder: Path) -> None:
    """Simulate one case and write DICOM series, masks and case.json; whole or not at all."""
    made, found = _simulated({k: v for k, v in case.items() if k not in ("patient_id", "site")})
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".case-"))
    try:
        _write(made, case["patient_id"], case.get("site"), temporary)
        if found:
            (temporary / NODULES).write_text(json.dumps(found), "utf-8")
        if not folder.exists():  # another process may have been quicker
            os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _simulated(options: dict[str, Any]) -> tuple[SimulatedCase, list[dict[str, Any]]]:
    """One case, and what is known of its findings where it may have several."""
    if options["stratum"] != "nodules":
        return simulate(**options), []
    made = screening.simulate(**{k: v for k, v in options.items() if k not in ("task", "stratum")})
    return made.case, made.told()


def _write(made: SimulatedCase, patient_id: str, site: str | None, folder: Path) -> None:
    files = dicom.write_series(
        made.hu,
        folder / SERIES,
        patient_id=patient_id,
        spacing=made.spacing,
        origin=(0.0, 0.0, float(made.z_mm[0])),
        tags=_tags(made),
    )
    np.savez_compressed(
        folder / MASKS, lesion=made.lesion_mask, finding=made.finding_mask, tissue=made.tissue
    )
    areas = made.finding_mask.sum(axis=(1, 2))
    shown = int(areas.argmax()) if areas.any() else len(areas) // 2
    label = CLASSES[int(made.cancer)]
    facts: dict[str, Any] = {"file": files[shown].name, "patient_id": patient_id, "label": label}
    if site:
        facts |= {"site": site, "chest_width_mm": round(made.patient.width_mm)}
    (folder / CASE).write_text(json.dumps(facts | {"finding": made.finding}), "utf-8")


def _tags(made: SimulatedCase) -> dict[str, Any]:
    """What a scanner would write; the class is not among it."""
    scanner, patient = made.scanner, made.patient
    return {
        "Manufacturer": scanner.manufacturer,
        "ManufacturerModelName": scanner.model,
        "ConvolutionKernel": scanner.kernel,
        "KVP": scanner.kvp,
        "XRayTubeCurrent": round(scanner.mas),  # of a rotation of one second
        "ExposureTime": 1000,
        "Exposure": round(scanner.mas),
        "PatientSex": patient.sex,
        "PatientAge": f"{patient.age:03d}Y",
        "InstitutionName": f"Site of {scanner.model}",
        "BodyPartExamined": "CHEST",
        "ImageComments": "Simulated; no patient",
    }


def _sources() -> tuple[Path, ...]:
    """The code that decides what a case looks like on disk."""
    package = Path(medlib.__file__).parent
    return (*package.glob("phantom/**/*.py"), *package.glob("dicom/*.py"), Path(__file__))
