"""Can reported numbers be true? GRIM, GRIMMER, feasible 2 x 2 tables, readings of a spread.

Numbers come in as text, because trailing zeros are data; whole numbers and fractions decide.
"""

from medlib.consistency.auc import AccuracyBounds, accuracy_bounds, auc_bounds
from medlib.consistency.confusion import RATES, Table, Tables, feasible_tables
from medlib.consistency.counting import Spectrum, spectrum
from medlib.consistency.folds import FoldVector, every_result, expected_sd, fold_sizes
from medlib.consistency.grim import fold_counts, possible_counts
from medlib.consistency.grimmer import (
    STANDARD_DEVIATIONS,
    STANDARD_ERRORS,
    Spread,
    find_vectors,
    matching_vectors,
    roundings_matched,
    spreads_matched,
)
from medlib.consistency.rates import rates_possible
from medlib.consistency.readings import (
    Reading,
    finer_units,
    over_folds,
    percent,
    repeat_means,
    standard_error,
)
from medlib.consistency.reported import (
    COVERING,
    ORDINARY,
    Reported,
    Rounding,
    Window,
    parse,
    parse_count,
    parse_counts,
)

__all__ = [
    "COVERING",
    "ORDINARY",
    "RATES",
    "STANDARD_DEVIATIONS",
    "STANDARD_ERRORS",
    "AccuracyBounds",
    "FoldVector",
    "Reading",
    "Reported",
    "Rounding",
    "Spectrum",
    "Spread",
    "Table",
    "Tables",
    "Window",
    "accuracy_bounds",
    "auc_bounds",
    "every_result",
    "expected_sd",
    "feasible_tables",
    "find_vectors",
    "finer_units",
    "fold_counts",
    "fold_sizes",
    "matching_vectors",
    "over_folds",
    "parse",
    "parse_count",
    "parse_counts",
    "percent",
    "possible_counts",
    "rates_possible",
    "repeat_means",
    "roundings_matched",
    "spectrum",
    "spreads_matched",
    "standard_error",
]
