"""A laboratory of variance: what moves a cross-validated accuracy, what interval allows for it.

`variance_components` takes apart patients, training sample, partition and seed for one learner on
one simulated population; `compare` runs the procedures of the literature side by side on the same
studies and says how often each errs. Beside it, `ct_bench`: a simulated CT scanner
and its test objects.
"""

from medlib.laboratory.components import variance_components
from medlib.laboratory.designs import failing, nested_scores, subsampled_scores
from medlib.laboratory.populations import blended_population
from medlib.laboratory.procedures import (
    bayle_ends,
    conservative_z_ends,
    corrected_t_ends,
    nested_ends,
)
from medlib.laboratory.side_by_side import Population, compare

__all__ = [
    "Population",
    "bayle_ends",
    "blended_population",
    "compare",
    "conservative_z_ends",
    "corrected_t_ends",
    "failing",
    "nested_ends",
    "nested_scores",
    "subsampled_scores",
    "variance_components",
]
