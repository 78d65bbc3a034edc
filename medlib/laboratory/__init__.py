"""A laboratory of variance: what moves a cross-validated accuracy, what interval allows for it.

`variance_components` takes apart patients, training sample, partition and seed for one learner on
one simulated population; `compare` runs the procedures of the literature side by side on the same
studies and says how often each errs. `equal_pairs` are learners between which every difference is
a false alarm; `false_alarms` and `coverage` count how often tests and intervals err on them.
Beside it, `ct_bench`: a simulated CT scanner and its test objects.
"""

from medlib.laboratory.components import variance_components
from medlib.laboratory.designs import failing, nested_scores, subsampled_scores
from medlib.laboratory.equal_pairs import equal_pairs, judge, power_at, two_scans
from medlib.laboratory.error_rates import (
    coverage,
    false_alarms,
    names_of_intervals,
    names_of_tests,
    p_by_test,
)
from medlib.laboratory.populations import blended_population
from medlib.laboratory.procedures import (
    bayle_ends,
    conservative_z_ends,
    corrected_t_ends,
    nested_ends,
)
from medlib.laboratory.side_by_side import Population, compare, over_settings

__all__ = [
    "Population",
    "bayle_ends",
    "blended_population",
    "compare",
    "conservative_z_ends",
    "corrected_t_ends",
    "coverage",
    "equal_pairs",
    "failing",
    "false_alarms",
    "judge",
    "names_of_intervals",
    "names_of_tests",
    "nested_ends",
    "nested_scores",
    "over_settings",
    "p_by_test",
    "power_at",
    "subsampled_scores",
    "two_scans",
    "variance_components",
]
