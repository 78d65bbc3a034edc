"""How many patients a chapter needs whose number of folds is no choice of the reader's."""

from medlib.cohorts.cohort import Cohort
from medlib.errors import InputError


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
