"""The multiverse of a study: all analyses that its description allows, and what they would report.

`analyse` predicts under every specification of `ANALYSIS`; `outcomes` and `p_values` say what each
would report; `worth` compares specifications that differ in one choice; `specification_curve`
draws them. Sources: Steegen et al. 2016, Perspect. Psychol. Sci. 11:702; Simonsohn, Simmons &
Nelson 2020, Nat. Hum. Behav. 4:1208.
"""

from medlib.multiverse.analyses import Analyses, analyse
from medlib.multiverse.choices import ANALYSIS, REPORT, Choice, faulty, specifications, worth
from medlib.multiverse.curve import specification_curve
from medlib.multiverse.reports import outcomes, p_values

__all__ = [
    "ANALYSIS",
    "REPORT",
    "Analyses",
    "Choice",
    "analyse",
    "faulty",
    "outcomes",
    "p_values",
    "specification_curve",
    "specifications",
    "worth",
]
