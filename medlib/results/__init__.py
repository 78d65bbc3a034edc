"""What a chapter found: records with their ends, the ledger of claims, reporting checklists."""

from medlib.results.machine import environment, processor_flags
from medlib.results.records import (
    CONFIDENCE,
    KINDS,
    Kind,
    Record,
    Results,
    Value,
    compare,
    compared_parameters,
    is_close,
    location,
    read,
    read_all,
)

__all__ = [
    "CONFIDENCE",
    "KINDS",
    "Kind",
    "Record",
    "Results",
    "Value",
    "compare",
    "compared_parameters",
    "environment",
    "is_close",
    "location",
    "processor_flags",
    "read",
    "read_all",
]
