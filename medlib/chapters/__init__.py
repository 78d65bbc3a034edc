"""What a chapter is: its text, its stage, its parameters, its sections."""

from medlib.chapters.catalogue import (
    COHORT,
    HEADER,
    LOCK,
    PACKAGE,
    closure,
    cohort_of,
    names,
    problems,
    reading_order,
    renew,
    stage,
    stage_text,
    text_path,
    toc_files,
)

__all__ = [
    "COHORT",
    "HEADER",
    "LOCK",
    "PACKAGE",
    "closure",
    "cohort_of",
    "names",
    "problems",
    "reading_order",
    "renew",
    "stage",
    "stage_text",
    "text_path",
    "toc_files",
]
