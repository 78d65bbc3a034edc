"""What an audit finds in a cohort: leaks, copies, shortcuts; and the guards."""

from medlib.cohorts.audit.findings import (
    PAIRS,
    PAIRS_TITLE,
    STATISTICS,
    Audit,
    Looked,
    audit,
    look,
    p_value,
    with_regions,
)
from medlib.cohorts.audit.leaks import LeakageError, assert_no_leakage, assert_patients_apart

__all__ = [
    "PAIRS",
    "PAIRS_TITLE",
    "STATISTICS",
    "Audit",
    "LeakageError",
    "Looked",
    "assert_no_leakage",
    "assert_patients_apart",
    "audit",
    "look",
    "p_value",
    "with_regions",
]
