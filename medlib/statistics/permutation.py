"""Tests that exchange what the hypothesis calls exchangeable, to see what chance would do."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.statistics._checks import (
    MOST_REPLICATES,
    as_count,
    as_finite,
    as_generator,
    as_groups,
    as_labels,
)
from medlib.statistics._sample import Patients, Sample, Seed
from medlib.statistics.dealing import deal_by_images, score_by_patient
from medlib.statistics.outcome import Comparison
from medlib.statistics.threshold import THRESHOLD
from medlib.statistics.weighted import Metric, Weights, checked, one_metric
from medlib.types import Array, Bools, Floats, Integers

ROUNDING = 1e-12
"""Two values of a metric closer than this are the same one, computed in another order."""


def paired_permutation_test(
    labels: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    groups: Patients = None,
    *,
    metric: str | Metric = "accuracy",
    threshold: float = THRESHOLD,
    replicates: int = 10_000,
    seed: Seed = 0,
) -> Comparison:
    """Return whether two models differ in a metric, by swapping their scores patient by patient.

    If the models are interchangeable, each patient's scores could as well be the other way round.
    p is the share of swaps with a difference at least as far from 0 as the one seen: of all 2^G
    swaps of G patients if these are no more than replicates, else of random ones (one added to both
    counts). For accuracy with one image a patient it is the exact McNemar test.

    Both scores must be on one scale (probabilities); above threshold they count as positive.
    Assumes independent patients and fixed models; the hypothesis, exchangeable predictions, is
    stricter than equal accuracy. On out-of-fold predictions it rejects too often (use
    out_of_fold_test). Source: Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses,
    3rd ed.
    Raises InputError for NaN or constant scores, one class, unequal lengths, an unknown metric.
    """
    given = {"scores_a": scores_a, "scores_b": scores_b}
    sample = Sample.check(labels, given, groups, threshold, replicates)
    name, function = one_metric(metric)
    a, b = sample.cases
    both = a.joined(b)

    def difference(swap: Weights) -> Floats:
        stay = 1 - swap
        return function(np.hstack([stay, swap]), both) - function(np.hstack([swap, stay]), both)

    seen = float(difference(np.zeros((1, sample.labels.size)))[0])
    drawn = checked(np.concatenate([difference(s) for s in sample.swaps(seed)]), name)
    extreme = int((np.abs(drawn) >= abs(seen) - ROUNDING).sum())
    p_value = extreme / drawn.size if sample.exact else (extreme + 1) / (drawn.size + 1)
    kind = "all" if sample.exact else "random"
    method = f"paired permutation, {drawn.size:,} {kind} swaps"
    return Comparison(f"difference in {name}", seen, p_value, method, basis=sample.basis)


def label_permutation_test(
    labels: ArrayLike,
    evaluate: Callable[[Bools], float | Array],
    groups: Patients = None,
    *,
    permutations: int = 199,
    seed: Seed = 0,
) -> Comparison:
    """Return whether a whole procedure finds more than chance, by running it on shuffled labels.

    evaluate(labels) runs everything that ever saw the labels (selection, training, splits, testing)
    and is called 1 + permutations times. It returns the prediction (class or score) of each case,
    scored by the AUC with every patient counted once; or one number, higher is better. Labels are
    shuffled among patients, all images of one keeping one label. p = (1 + number of shuffles at
    least as good) / (1 + permutations), so the smallest is 1 / (1 + permutations). The difference
    is to the mean of the shuffles.

    A number depends on the classes' shares of images: where patients have unequally many, shuffles
    keep the number of images of a class, not of its patients, and the test is no longer exact.
    In 3,000 studies of noise (50, 100 and 200 patients with one image or 1 to 6, a class of a
    tenth or a fifth, 5 and 10 folds; linear discriminant and nearest neighbour; shares, classes and
    scores) p was .05 or less in 4.4 % (standard error 0.4 points), of eight combinations in 1.9 to
    6.4 (1.1 points). Where one class has more images a patient, labels are not exchangeable,
    whichever is returned: with 6 and 2 images in 2.8 % of 1,125 studies, but with other numbers in
    2 of 72 (shares) and 7 of 72 (predictions).

    Valid with cross-validation, and the test that shows leakage: shuffled labels must give chance.
    Not a test that one model beats another. Source: Ojala & Garriga 2010, J. Mach. Learn. Res.
    11:1833 (test 1). Raises InputError for one class, images of one patient that differ in label,
    or an evaluate that returns no finite number.
    """
    truth = as_labels(labels)
    patient = as_groups(groups, truth.size)
    times = as_count(permutations, "permutations", least=19, most=MOST_REPLICATES)
    of_patient = _labels_of_patients(truth, patient)
    if not callable(evaluate):
        raise InputError(f"evaluate = {evaluate!r} is no function; give one of the labels.")
    rng = as_generator(seed)
    images = np.bincount(patient)
    given = np.asarray(evaluate(truth))
    seen = _score(given, truth, patient, "evaluate(labels)")

    dealt = (
        (rng.permutation(of_patient) if given.ndim else deal_by_images(of_patient, images, rng))
        for _ in range(times)
    )
    shuffled = np.array(
        [
            _score(evaluate(y), y, patient, "evaluate(shuffled labels)")
            for y in (each[patient] for each in dealt)
        ]
    )
    as_good = int((shuffled >= seen - ROUNDING).sum())
    chance = float(shuffled.mean())
    basis = f"{seen:.3f} against {chance:.3f} on shuffled labels, one-sided"
    p_value = (1 + as_good) / (1 + times)
    method = f"label permutation, {times:,} shuffles"
    return Comparison("score above chance", seen - chance, p_value, method, basis=basis)


def _score(given: Any, labels: Bools, patient: Integers, name: str) -> float:
    found = np.asarray(given)
    return score_by_patient(found, labels, patient) if found.ndim else as_finite(given, name)


def _labels_of_patients(labels: Bools, patient: Integers) -> Bools:
    positive = np.bincount(patient, weights=labels)
    mixed = np.flatnonzero((positive > 0) & (positive < np.bincount(patient)))
    if mixed.size:
        case = int(np.flatnonzero(patient == mixed[0])[0])
        raise InputError(
            f"labels differ between images of one patient (the one of groups[{case}]), so labels "
            "cannot be shuffled among patients; give one label a patient."
        )
    return np.asarray(positive > 0)
