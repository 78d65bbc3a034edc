"""How many patients, and sites, a chapter needs where that is no choice of the reader's."""

from typing import Final

from medlib.cohorts.cohort import Cohort
from medlib.errors import InputError

FEWEST_SITES: Final = 3


def require_patients(cohort: Cohort, least: int, *, why: str) -> Cohort:
    """Return the cohort, if each class has `least` patients; else InputError says `why` so many."""
    patients = cohort.table.groupby("label").patient_id.nunique()
    for name in cohort.classes:
        found = int(patients.get(name, 0))
        if found < least:
            raise InputError(
                f"Class {name!r} of {cohort.name} has {found} patients; this chapter needs "
                f"{least} of each class, because {why}: add patients, or run another chapter."
            )
    return cohort


def require_sites(cohort: Cohort, least: int, *, leave_out: bool = False) -> Cohort:
    """Return the cohort, if each of its sites has `least` patients of each class.

    With `leave_out` it is returned without the sites that have not, which a note says. Raises
    InputError for a patient at two sites, for a site that lacks patients, and for fewer than
    `FEWEST_SITES` sites: a model has to learn at two, so that it can be chosen between them.
    """
    table = cohort.table
    moved = table.groupby("patient_id").site.nunique()
    if (moved > 1).any():
        raise InputError(
            f"Patient {moved.idxmax()!r} of {cohort.name} is at {moved.max()} sites: a site left "
            "out has to be new patients too; give each patient one site."
        )
    _require_several(cohort, table.site.nunique(), "")
    counts = table.groupby(["site", "label"]).patient_id.nunique().unstack(fill_value=0)
    counts = counts.reindex(columns=list(cohort.classes), fill_value=0)
    few = counts[(counts < least).any(axis=1)]
    if few.empty:
        return cohort
    if not leave_out:
        name, row = few.index[0], few.iloc[0]
        raise InputError(
            f"Site {name!r} of {cohort.name} has {int(row.min())} patients of class "
            f"{row.idxmin()!r} and needs {least} ({len(few)} such sites of {len(counts)}): add "
            'patients, or leave such sites out with -p small_sites "leave out".'
        )
    _require_several(cohort, len(counts) - len(few), f" with {least} patients of each class")
    kept = cohort.select((~table.site.isin(few.index)).to_numpy())
    return kept.noted(f"Left out, too few patients of a class: {', '.join(map(str, few.index))}.")


def _require_several(cohort: Cohort, sites: int, which: str) -> None:
    if sites < FEWEST_SITES:
        raise InputError(
            f"{cohort.name} has {sites} {'site' if sites == 1 else 'sites'}{which}, and this "
            f"chapter needs {FEWEST_SITES} or more: name a column that tells them with -p site_by "
            "COLUMN, or add images of other sites."
        )
