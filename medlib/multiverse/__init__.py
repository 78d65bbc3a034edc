"""The multiverse of a study: all analyses that its description allows, and what they would report.

`kept_images`, `imitated` and `views_of` make what it is run on. `analyse` predicts under every
specification of `ANALYSIS`; `outcomes` and `p_values` say what each would report;
`worth` compares specifications that differ in one choice, `moved_by` choices with patients;
`specification_curve` and `draw_worth` draw them. Sources: Steegen et al. 2016, Perspect. Psychol.
Sci. 11:702; Simonsohn, Simmons & Nelson 2020, Nat. Hum. Behav. 4:1208.
"""

from medlib.multiverse.analyses import Analyses, analyse
from medlib.multiverse.choices import (
    ANALYSIS,
    FAULTS,
    REPORT,
    Choice,
    faulty,
    specifications,
    worth,
)
from medlib.multiverse.curve import draw_worth, specification_curve
from medlib.multiverse.material import imitated, kept_images, one_study, views_of
from medlib.multiverse.reports import all_reports, outcomes, p_values, printed_as_two
from medlib.multiverse.spread import moved_by

__all__ = [
    "ANALYSIS",
    "FAULTS",
    "REPORT",
    "Analyses",
    "Choice",
    "all_reports",
    "analyse",
    "draw_worth",
    "faulty",
    "imitated",
    "kept_images",
    "moved_by",
    "one_study",
    "outcomes",
    "p_values",
    "printed_as_two",
    "specification_curve",
    "specifications",
    "views_of",
    "worth",
]
