"""Intervals and tests that hold for a small study: one function, one question, one sentence.

Which to use. One model on independent cases: proportion_interval, auc_interval. Several images a
patient: cluster_bootstrap. Two fixed models on the same cases: mcnemar_test,
paired_difference_interval, delong_test, or with patients paired_bootstrap and
paired_permutation_test. No worse, or as good, by a margin: margin_test, margin_test_auc. Cross-
validation, where models share training cases: out_of_fold_interval (of the procedure, or of one
model), out_of_fold_auc and out_of_fold_test on repeated predictions; with fold scores alone
corrected_t. More than two classes: macro_sensitivity, cohens_kappa, one_against_rest_auc, of
repeated predictions or of one test set. Anything at all above chance: label_permutation_test.
Several readers of the same cases: reader_analysis, and model_against_readers for a model beside
them. Any number of marks in a scan: froc, froc_test. Many tests: holm.

In use: whether probabilities are right, calibration_measures; whether acting on them does good,
decision_curve; what a result is worth where fewer are ill, predictive_value_intervals,
at_prevalence.

Before the study: power_mcnemar, sample_size_mcnemar, sample_size_for_interval,
detectable_difference; with a margin sample_size_margin_test, sample_size_margin_test_auc; before a
prediction model sample_size_for_development, sample_size_for_validation.
"""

from medlib.statistics.auc import auc_interval, delong_test
from medlib.statistics.bootstrap import Bootstrap, cluster_bootstrap, paired_bootstrap
from medlib.statistics.calibration_measures import CalibrationMeasures, calibration_measures
from medlib.statistics.crossed import crossed_auc, crossed_interval, crossed_test
from medlib.statistics.crossval_tests import (
    Posterior,
    bayesian_correlated_t,
    corrected_t,
    five_by_two_f,
    five_by_two_t,
    naive_t,
)
from medlib.statistics.decision_curve import DecisionCurve, decision_curve
from medlib.statistics.free_response import LUNA16_RATES, Froc, Marks, froc, froc_test
from medlib.statistics.free_response import chance as froc_chance
from medlib.statistics.margin_sample_size import (
    power_margin_test,
    sample_size_margin_test,
    sample_size_margin_test_auc,
)
from medlib.statistics.multiclass import (
    accuracy_of_cases,
    binary_auc,
    cohens_kappa,
    macro_sensitivity,
    one_against_rest_auc,
    sensitivity_of_class,
)
from medlib.statistics.multiplicity import Adjusted, benjamini_hochberg, holm
from medlib.statistics.noninferiority import (
    MarginTest,
    margin_test,
    margin_test_auc,
    margin_test_counts,
)
from medlib.statistics.out_of_fold import out_of_fold_interval, out_of_fold_test
from medlib.statistics.out_of_fold_auc import out_of_fold_auc
from medlib.statistics.outcome import Comparison, Interval, Spread, extremes, middle_95
from medlib.statistics.paired import (
    mcnemar_counts,
    mcnemar_test,
    paired_difference_interval,
    tango_score,
)
from medlib.statistics.permutation import label_permutation_test, paired_permutation_test
from medlib.statistics.power import (
    Power,
    SampleSize,
    detectable_difference,
    power_mcnemar,
    power_two_proportions,
    sample_size_for_interval,
    sample_size_mcnemar,
)
from medlib.statistics.prevalence import (
    PredictiveIntervals,
    at_prevalence,
    predictive_value_intervals,
)
from medlib.statistics.proportions import (
    PredictiveValues,
    binomial_test,
    predictive_values,
    proportion_interval,
)
from medlib.statistics.reader_power import ReaderPower, model_power, reader_power
from medlib.statistics.reader_simulation import (
    ROE_METZ,
    ReaderStudy,
    ReaderVariances,
    simulate_readers,
)
from medlib.statistics.readers import (
    ErrorCovariance,
    ReaderAnalysis,
    auc_covariance,
    model_against_readers,
    obuchowski_rockette,
    reader_analysis,
)
from medlib.statistics.sample_size import (
    SampleSizes,
    cox_snell_from_auc,
    sample_size_for_development,
    sample_size_for_validation,
)
from medlib.statistics.weighted import METRICS, Cases, Metric

__all__ = [
    "LUNA16_RATES",
    "METRICS",
    "ROE_METZ",
    "Adjusted",
    "Bootstrap",
    "CalibrationMeasures",
    "Cases",
    "Comparison",
    "DecisionCurve",
    "ErrorCovariance",
    "Froc",
    "Interval",
    "MarginTest",
    "Marks",
    "Metric",
    "Posterior",
    "Power",
    "PredictiveIntervals",
    "PredictiveValues",
    "ReaderAnalysis",
    "ReaderPower",
    "ReaderStudy",
    "ReaderVariances",
    "SampleSize",
    "SampleSizes",
    "Spread",
    "accuracy_of_cases",
    "at_prevalence",
    "auc_covariance",
    "auc_interval",
    "bayesian_correlated_t",
    "benjamini_hochberg",
    "binary_auc",
    "binomial_test",
    "calibration_measures",
    "cluster_bootstrap",
    "cohens_kappa",
    "corrected_t",
    "cox_snell_from_auc",
    "crossed_auc",
    "crossed_interval",
    "crossed_test",
    "decision_curve",
    "delong_test",
    "detectable_difference",
    "extremes",
    "five_by_two_f",
    "five_by_two_t",
    "froc",
    "froc_chance",
    "froc_test",
    "holm",
    "label_permutation_test",
    "macro_sensitivity",
    "margin_test",
    "margin_test_auc",
    "margin_test_counts",
    "mcnemar_counts",
    "mcnemar_test",
    "middle_95",
    "model_against_readers",
    "model_power",
    "naive_t",
    "obuchowski_rockette",
    "one_against_rest_auc",
    "out_of_fold_auc",
    "out_of_fold_interval",
    "out_of_fold_test",
    "paired_bootstrap",
    "paired_difference_interval",
    "paired_permutation_test",
    "power_margin_test",
    "power_mcnemar",
    "power_two_proportions",
    "predictive_value_intervals",
    "predictive_values",
    "proportion_interval",
    "reader_analysis",
    "reader_power",
    "sample_size_for_development",
    "sample_size_for_interval",
    "sample_size_for_validation",
    "sample_size_margin_test",
    "sample_size_margin_test_auc",
    "sample_size_mcnemar",
    "sensitivity_of_class",
    "simulate_readers",
    "tango_score",
]
