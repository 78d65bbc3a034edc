"""Questions about more than two classes, asked of repeated cross-validation or of one test set.

Each measure is written as a mean of *shares*, one a case (its influence): a case's share says how
the measure moves with it. So the variance of a mean holds for all of them: by patient for one
fixed model, and with the luck of the models as in `out_of_fold` where cases were predicted out of
fold. Tables are repeats x cases; a table of one row is one fixed model on a test set.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.statistics._checks import as_fraction, as_groups, as_table
from medlib.statistics._sample import Patients
from medlib.statistics.auc import around, drawn_out
from medlib.statistics.out_of_fold import variance_parts
from medlib.statistics.out_of_fold_auc import case_shares
from medlib.statistics.outcome import Interval
from medlib.statistics.proportions import wilson_ends
from medlib.types import Floats, Integers

NONE = 1e-15
"""A variance up to here is rounding: every case has the same share."""


class _Variance(NamedTuple):
    mean: float
    variance: float
    basis: str
    target: str
    caution: str


def accuracy_of_cases(
    correct: ArrayLike,
    folds: ArrayLike | None = None,
    groups: Patients = None,
    *,
    confidence: float = 0.95,
) -> Interval:
    """Return the share of cases that are right, with Wilson's interval for cases in patients.

    correct: repeats x cases, 1 for right; folds: which fold tested the case, or None for one fixed
    model (then one row); groups: patient of each case. The interval is Wilson's for as many cases
    as would give the variance if they were independent, at most all of them; with one image a
    patient and one model it is Wilson's own. Raises InputError for other shapes.
    """
    right = as_table(correct, "correct", "repeats x cases")
    cases = right.shape[1]
    return _share("accuracy", right, cases, _patients(groups, cases), folds, groups, confidence)


def macro_sensitivity(
    labels: ArrayLike,
    predicted: ArrayLike,
    folds: ArrayLike | None = None,
    groups: Patients = None,
    *,
    confidence: float = 0.95,
) -> Interval:
    """Return the mean over classes of the share called right (balanced accuracy).

    labels: class 0, 1, ... of each case; predicted: repeats x cases; folds: which fold tested the
    case, or None for one fixed model. Guessing gives 1 / classes, however unequal these are. With
    p_c the rate of class c, the share of a case of that class is n / (k n_c) (right - p_c) + mean
    p, whose variance over independent cases is the sum over classes of p_c (1 - p_c) / n_c / k^2.
    The interval is Wilson's for n_effective = p (1 - p) / V cases, at most k^2 / sum(1 / n_c).

    In simulation (nearest centroid on 8 features, 5 x 5 folds, 2,000 studies each: 50 cases of 3
    classes, alike or 60/30/10, rates .55 to .99; 200 cases of these and of 4 classes 40/30/20/10,
    rates near .9; 50 cases of these 4, rate .46) it covered what the procedure reaches in 0.934 to
    0.973.

    Raises InputError for a class without cases, and as variance_parts does.
    """
    truth, given, classes = _checked(labels, predicted)
    sizes = np.bincount(truth, minlength=classes)
    right = (given == truth).astype(np.float64)
    rates = np.stack([right[:, truth == k].mean(axis=1) for k in range(classes)], axis=1)
    weight = (truth.size / classes / sizes)[truth]
    shares = rates.mean(axis=1)[:, None] + weight * (right - rates[:, truth])
    most = classes**2 / float((1 / sizes).sum())
    certain = most * _patients(groups, truth.size) / truth.size
    return _share("macro sensitivity", shares, most, certain, folds, groups, confidence)


def sensitivity_of_class(
    labels: ArrayLike,
    predicted: ArrayLike,
    number: int,
    folds: ArrayLike | None = None,
    groups: Patients = None,
    *,
    confidence: float = 0.95,
) -> Interval:
    """Return the share of one class that is called right, also where it has one patient a fold.

    As out_of_fold_interval of the cases of that class alone, but the luck of the models is judged
    from all cases, as shares p + n / n_c (right - p) of those of the class, and p of all others.
    Where the class has two patients or more in each fold, take out_of_fold_interval of its cases.
    Raises InputError as macro_sensitivity does.
    """
    truth, given, _ = _checked(labels, predicted)
    those = truth == number
    right = (given == number).astype(np.float64)
    rate = right[:, those].mean(axis=1, keepdims=True)
    shares = rate + truth.size / those.sum() * those * (right - rate)
    patients = len(np.unique(as_groups(groups, truth.size)[those]))
    return _share("sensitivity", shares, patients, patients, folds, groups, confidence)


def cohens_kappa(
    labels: ArrayLike,
    predicted: ArrayLike,
    folds: ArrayLike | None = None,
    groups: Patients = None,
    *,
    confidence: float = 0.95,
) -> Interval:
    """Return Cohen's kappa of prediction and reference standard: agreement beyond chance.

    kappa = (p_o - p_e) / (1 - p_e), with p_o the accuracy and p_e what two unrelated lists with
    these class shares would agree in: 0 is chance, 1 complete. Unweighted: classes have no order.
    The variance over independent cases is Fleiss, Cohen and Everitt's (1969, Psychol. Bull.
    72:323), as statsmodels and R's psych have it. The interval is Wilson's of the accuracy for as
    many cases as give that variance, carried over to kappa with p_e as it is, so it stays below 1
    and exists where all are right.

    In the simulation of macro_sensitivity it covered in 0.934 to 0.970.
    Raises InputError as macro_sensitivity does, and where all cases have and get one class.
    """
    truth, given, classes = _checked(labels, predicted)
    rows = [_kappa_shares(truth, row, classes) for row in given]
    shares = np.stack([row for row, _ in rows])
    chance = float(np.mean([by_chance for _, by_chance in rows]))
    found = _variance(shares, folds, groups)
    scale = 1 - chance
    accuracy = min(1.0, max(0.0, found.mean * scale + chance))
    size = _effective(accuracy, found.variance * scale**2, _patients(groups, truth.size))
    level = as_fraction(confidence, "confidence", open_ends=True)
    low, high = ((end - chance) / scale for end in wilson_ends(accuracy, size, level))
    return Interval(
        "Cohen's kappa", found.mean, low, high, level, "Wilson of the agreement", found.basis,
        found.target, found.caution,
    )  # fmt: skip


def one_against_rest_auc(
    labels: ArrayLike,
    probabilities: ArrayLike,
    folds: ArrayLike | None = None,
    groups: Patients = None,
    *,
    confidence: float = 0.95,
) -> tuple[Interval, ...]:
    """Return the AUC of each class against all others, and last their plain mean (macro).

    probabilities: repeats x cases x classes. Each is DeLong's with the patients, and out of fold
    the luck of the models, as in out_of_fold_auc; that of the mean comes from the mean of the
    shares, so what a case does to several of them counts once. Near 1 an interval is drawn out as
    in auc_interval, that of the mean as for the smallest class.

    In the simulation of macro_sensitivity the mean's covered in 0.941 to 0.999, in 0.910 where a
    class had 5 of 50 cases and the AUC was .75; near 1 it is wider than needed.

    Sources: Hand & Till 2001 (there pairs of classes; here one against rest, as in scikit-learn's
    roc_auc_score(multi_class="ovr")). Raises InputError as out_of_fold_auc does.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    if scores.ndim != 3 or not np.isfinite(scores).all():
        raise InputError(
            f"probabilities has shape {scores.shape}; give repeats x cases x classes, all finite."
        )
    truth, _, classes = _checked(labels, scores.argmax(axis=2), classes=scores.shape[2])
    level = as_fraction(confidence, "confidence", open_ends=True)
    shares = np.stack(
        [[case_shares(truth == k, row[:, k]) for row in scores] for k in range(classes)]
    )
    sizes = np.bincount(truth, minlength=classes)
    each = [
        _area(f"AUC of class {k} against the rest", shares[k], int(sizes[k]), folds, groups, level)
        for k in range(classes)
    ]
    smallest = int(sizes.min())
    macro = _area("macro AUC", shares.mean(axis=0), smallest, folds, groups, level)
    return (*each, macro)


def _area(
    quantity: str,
    shares: Floats,
    positive: int,
    folds: ArrayLike | None,
    groups: Patients,
    level: float,
) -> Interval:
    found = _variance(shares, folds, groups)
    area = min(1.0, max(0.0, found.mean))
    ends = around(area, float(np.sqrt(found.variance)), level, "logit")
    low, high = drawn_out(area, ends, positive, shares.shape[1] - positive, level)
    return Interval(
        quantity, area, low, high, level, "DeLong by patient", found.basis, found.target,
        found.caution,
    )  # fmt: skip


def binary_auc(
    labels: ArrayLike, scores: ArrayLike, groups: Patients = None, *, confidence: float = 0.95
) -> Interval:
    """Return the AUC of one fixed model on a test set, with DeLong's interval by patient.

    As auc_interval, with the shares of a patient's images added up first (Obuchowski 1997). Raises
    InputError as auc_interval does.
    """
    score = np.asarray(scores, dtype=np.float64)
    return one_against_rest_auc(
        labels, np.stack([-score, score], axis=1)[None], None, groups, confidence=confidence
    )[1]


def _share(
    quantity: str,
    shares: Floats,
    most: float,
    certain: float,
    folds: ArrayLike | None,
    groups: Patients,
    confidence: float,
) -> Interval:
    """Wilson's interval of a mean of shares that is itself a share of cases.

    most: effective cases at the most; certain: how many where all are right, or none.
    """
    level = as_fraction(confidence, "confidence", open_ends=True)
    found = _variance(shares, folds, groups)
    p = min(1.0, max(0.0, found.mean))
    size = min(most, _effective(p, found.variance, certain))
    low, high = wilson_ends(p, size, level)
    basis = f"{found.basis}, {size:.0f} effective"
    return Interval(
        quantity, p, low, high, level, "Wilson by patient", basis, found.target, found.caution
    )


def _effective(p: float, variance: float, patients: float) -> float:
    """Return how many independent cases give this variance; all patients' where there is none."""
    return p * (1 - p) / variance if variance > NONE and 0 < p < 1 else patients


def _patients(groups: Patients, cases: int) -> int:
    return int(as_groups(groups, cases).max()) + 1


def _variance(shares: Floats, folds: ArrayLike | None, groups: Patients) -> _Variance:
    """Return mean and variance of shares: out of fold, or of one fixed model by patient."""
    if folds is not None:
        parts = variance_parts(shares, folds, groups)
        basis = f"{len(shares)} repeats, {parts.basis}"
        return _Variance(parts.mean, parts.procedure, basis, "procedure", parts.caution)
    if len(shares) != 1:
        raise InputError(
            f"There are {len(shares)} rows of predictions and no folds; give the folds of repeated "
            "cross-validation, or one row for one model."
        )
    patient = as_groups(groups, shares.shape[1])
    count, n = int(patient.max()) + 1, shares.shape[1]
    if count < 2:
        raise InputError("All cases are of one patient; an interval needs two or more.")
    mean = float(shares.mean())
    sums = np.bincount(patient, shares[0] - mean)
    basis = f"n = {n}" if count == n else f"{n} images of {count} patients"
    few = count / (count - 1) if count < n else 1.0  # Wilson counts n, not n - 1
    return _Variance(mean, float((sums**2).sum()) / n**2 * few, basis, "model", "")


def _kappa_shares(truth: Integers, given: Integers, classes: int) -> tuple[Floats, float]:
    """Return one share a case whose mean is kappa, and the agreement by chance."""
    rows = np.bincount(truth, minlength=classes) / truth.size
    columns = np.bincount(given, minlength=classes) / truth.size
    agreed, chance = float((truth == given).mean()), float(rows @ columns)
    if chance > 1 - NONE:
        raise InputError("All cases have, and are given, one class; kappa does not exist.")
    slope = (truth == given) / (1 - chance)
    slope = slope - (1 - agreed) * (columns[truth] + rows[given]) / (1 - chance) ** 2
    return (agreed - chance) / (1 - chance) + slope - slope.mean(), chance


def _checked(
    labels: ArrayLike, predicted: ArrayLike, classes: int | None = None
) -> tuple[Integers, Integers, int]:
    """Return classes as whole numbers, and how many; InputError for a class without cases."""
    given = as_table(predicted, "predicted", "repeats x cases")
    truth = np.asarray(labels, dtype=np.float64)
    both = np.concatenate([truth.ravel(), given.ravel()])
    if truth.shape != given.shape[1:] or (both != both.round()).any() or both.min() < 0:
        raise InputError(
            f"labels of shape {truth.shape} and predictions of {given.shape}: give one class, "
            "0, 1, 2, ..., a case and repeat."
        )
    number = classes or int(truth.max()) + 1
    present = np.unique(truth)
    if len(present) != number or number < 2 or both.max() >= number:
        raise InputError(
            f"labels hold classes {present.astype(int).tolist()} and predictions up to "
            f"{int(both.max())}; give cases of each of two or more classes."
        )
    return truth.astype(np.int64), given.astype(np.int64), number
