"""Questions about repeated cross-validation, one row a repeat and one column a case.

The variance of a cross-validated mean has three parts (Bengio & Grandvalet 2004). Cases differ. Two
cases judged by one fit share its luck (covariance omega), of its seed and of its training sample.
Two cases judged by different fits share what the training samples have in common (gamma). Repeats
show the first, and omega - gamma; as each fit draws its own luck, they divide it by the number of
fits. gamma itself no one can see in one data set. It is taken to be SHARED x (omega - gamma), but
between LEAST and MOST of the cases' own part; and where omega - gamma is so large that the seed
must be at work (SEED), LEAST of it.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from medlib.errors import InputError
from medlib.statistics._checks import as_binary, as_choice, as_fraction, as_groups, as_table
from medlib.statistics._sample import Patients
from medlib.statistics.outcome import Comparison, Interval, student
from medlib.statistics.proportions import wilson_ends
from medlib.types import Array, Floats, Integers

Target: TypeAlias = Literal["procedure", "model"]
"""Whose accuracy: the procedure's, expected over training samples and seeds, or one model's."""

SHARED = 1.5
"""Assumed gamma / (omega - gamma), for 5 and for 10 folds alike.

What training samples share would give 16/9 for 5 folds and 81/19 for 10, were luck a matter of the
training sample alone. But a case also trains the fits that test the others, and is tested by fits
that these trained: in simulations the ratio was 0.4 to 3, about 1 in balanced studies, and no
higher for 10 folds than for 5.
"""
LEAST, MOST = 0.1, 1.5
"""Bounds of gamma, in parts of the variance due to cases (variance of their means / cases).

Eight simulated learners (5 to 40 features, 30 to 200 cases, 5 and 10 folds, balanced and 20/80) had
gamma from -0.2 to 0.9 of it; a rule that chooses one of many equal features had more (1 to 2).
"""
SEED = (4.0, 6.0)
"""omega - gamma above the second number of parts is the seed's luck, below the first the training
sample's. In between the upper bound of gamma falls in proportion, so that no last digit decides.

Without a seed it was 0.1 to 2 parts in the same simulations, on average; where fits fail by seed,
10 and more. Two seeds a partition would tell the two apart in principle: with five partitions of 50
cases the standard error of that is five times the cases' part, so it would not help.
"""
FORM = "repeats x cases"
FEW_PATIENTS, FEW_REPEATS, FOLDS, RARE = 50, 5, 5, 0.3
"""Fewer patients or repeats, other folds, a rarer class: level or coverage not kept, or unknown."""


def out_of_fold_test(
    correct_a: ArrayLike,
    correct_b: ArrayLike,
    folds: ArrayLike,
    groups: Patients = None,
    *,
    labels: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Return whether two learners differ on new cases, from repeated cross-validation.

    correct_a, correct_b: repeats x cases, 1 where the out-of-fold prediction is right and 0 where
    not (or any score a case, as a loss); folds: repeats x cases, which fold tested the case, the
    same for both learners; groups: patient of each case; labels: class of each case, 0 or 1, so
    that the result can warn where one is rare. Ten repeats of 5 folds are recommended; five do.

    With d the difference averaged over repeats and all cases: t = d / sqrt(V), V and df those of
    the procedure in `VarianceParts` of the differences. It asks about the learners trained on new
    samples of this size with new seeds, not about two given models (mcnemar_test on new cases).

    At a nominal 5 % two equally good learners were called different (1,500 or 2,000 simulated
    studies a setting, standard error 0.6 points; 10 x 5 folds, 50, 100 and 200 patients, two
    classes alike; no constant was fitted to these learners, but the form of df was chosen on a part
    of them) in 3 to 5 %: linear and Bayesian ones, nearest means and medians, trees of two levels,
    also where 10 or 20 % of fits failed by seed; 4 to 6 % for 3 and 5 nearest neighbours, 4 to 7 %
    where a few of 40 or 60 features are chosen. Too bold: 7 to 8 % for the one nearest neighbour
    and for one threshold on one feature. Too careful: under 1 % for linear learners that share
    their informative features. With a class of 20 % in 2 to 6 % (under 1 and 8 % for the same
    exceptions); with five repeats 1 point less; with 10 folds 3 to 5 %, and 8 to 9 % for those too
    bold. Of learners tried later (RBF kernel, random hidden layer, logistic, quadratic, perceptron,
    7 and 15 neighbours; 120 to 1,000 studies) 1 to 6 %. 128 projections of a frozen network were
    not tried anew (notebook 07 does). A result has a caution where trouble can be seen; it cannot
    see the learner. Not for leave-one-out, nor for 2 folds.

    Sources: Bengio & Grandvalet 2004, J. Mach. Learn. Res. 5:1089 (the three parts); the bounds of
    gamma are this package's own. Raises InputError for NaN, unequal shapes, two folds, fewer than
    two repeats or patients a fold, and differences that are all equal but not 0.
    """
    first = as_table(correct_a, "correct_a", FORM)
    second = as_table(correct_b, "correct_b", FORM)
    if first.shape != second.shape:
        raise InputError(
            f"correct_a has shape {first.shape} and correct_b {second.shape}; give both learners "
            "the same repeats x cases."
        )
    level = as_fraction(confidence, "confidence", open_ends=True)
    rare = _rare_class(labels, first.shape[1])
    parts = variance_parts(first - second, folds, groups)
    method = f"out-of-fold t over {first.shape[0]} repeats"
    basis = f"{first.mean():.3f} against {second.mean():.3f}, {parts.basis}"
    quantity = "difference in mean score"
    if parts.procedure > 1e-15:
        se = float(np.sqrt(parts.procedure))
        found = student(quantity, parts.mean, se, parts.df, level, method, basis)
    elif abs(parts.mean) > 1e-12:
        raise InputError(
            f"correct_a - correct_b is {parts.mean:g} for every patient; without variance "
            "there is no t-test; use mcnemar_test."
        )
    else:
        found = Comparison(quantity, 0.0, 1.0, method, 0.0, float(parts.df), basis=basis)
    return replace(found, target="procedure", caution=join_cautions(parts.caution, rare))


def out_of_fold_interval(
    correct: ArrayLike,
    folds: ArrayLike,
    groups: Patients = None,
    *,
    target: Target = "procedure",
    labels: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Return how accurate a learner is on new cases, from repeated cross-validation.

    correct, folds, labels: as in out_of_fold_test. target: "procedure" asks for the
    accuracy expected over training samples and seeds, at this size less one fold; "model" for that
    of one fit, as it will be used: wider, by the luck of its seed and its training sample.

    Wilson's interval for the accuracy p averaged over repeats, with as many cases as would give the
    variance V (`VarianceParts`, of the target) if they were independent: n_effective =
    p (1 - p) / V, at most n (and where all or none are right, the number of patients).

    For the same learners, those tried later too, it covered 0.93 to 1.00, and too little for the
    one nearest neighbour (0.92 to 0.94), one threshold on one feature (0.92 to 0.97) and few of 60
    features chosen at 50 patients (0.91); with 10 folds the first two 0.92 and 0.87. It was 0.19 to
    0.27, 0.14 to 0.20 and 0.10 to 0.14 wide at 50, 100 and 200 patients, also where 20 % of fits
    failed. Wilson on one run and all n, as commonly reported, covered 0.48 to 0.98. Of target
    "model", 0.92 to 0.98 held the accuracy of the study's one model (ridge, 30 to 200 patients).

    Sources and limits as out_of_fold_test; Wilson as proportion_interval. Raises InputError as
    out_of_fold_test does, for values other than 0 and 1 and for an unknown target.
    """
    right = as_table(correct, "correct", FORM)
    as_binary(right.ravel(), "correct (flattened)")
    level = as_fraction(confidence, "confidence", open_ends=True)
    as_choice(target, "target", get_args(Target))
    caution = _rare_class(labels, right.shape[1])
    parts = variance_parts(right, folds, groups)
    variance = parts.procedure if target == "procedure" else parts.model
    p, n = parts.mean, right.shape[1]
    size = min(float(n), p * (1 - p) / variance) if variance > 1e-15 else float(parts.count)
    low, high = wilson_ends(p, size, level)
    basis = f"{right.shape[0]} repeats, {parts.basis}, {size:.0f} effective"
    method = "out-of-fold Wilson"
    return Interval(
        "accuracy",
        p,
        low,
        high,
        level,
        method,
        basis,
        target=target,
        caution=join_cautions(parts.caution, caution),
    )


@dataclass(frozen=True, slots=True)
class VarianceParts:
    """Where the variance of a repeated cross-validation's mean comes from.

    Attributes: mean; patients (who is in the study, fits given); luck (omega - gamma, of one fit,
    not below 0); luck_error (its standard error); left (the part of one fit's luck that the mean
    over all fits keeps); count (of patients); basis (counts in words); caution (where the parts are
    known to be unsure, else empty).
    """

    mean: float
    patients: float
    luck: float
    luck_error: float
    left: float
    count: int
    basis: str
    caution: str = ""

    @property
    def fits(self) -> float:
        """Return the part of seed, partition and training sample, averaged over the fits."""
        return self.left * self.luck

    @property
    def shared(self) -> float:
        """Return gamma: the luck that all fits share, because they train on the same patients."""
        return float(shared_luck(self.luck, self.patients))

    @property
    def df(self) -> float:
        """Return what degrees_of_freedom gives for the procedure's variance."""
        luck, error, patients = np.array([[self.luck], [self.luck_error], [self.patients]])
        return degrees_of_freedom(luck, error, patients, self.left, self.count).item()

    @property
    def procedure(self) -> float:
        """Return the variance of the mean about what the procedure reaches on average."""
        return self.patients + self.fits + self.shared

    @property
    def model(self) -> float:
        """Return the variance of the mean about what one new fit reaches."""
        return self.procedure + self.luck + self.shared


def shared_luck(luck: float | Floats, patients: float | Floats) -> Floats:
    """Return gamma from omega - gamma (not below 0) and the variance due to the patients."""
    own, wide = np.asarray(patients, dtype=np.float64), np.asarray(luck, dtype=np.float64)
    # without patients' own part there is nothing to share
    parts = np.divide(wide, own, out=np.zeros(np.broadcast(wide, own).shape), where=own > 0)
    most = np.interp(parts, SEED, (MOST, LEAST))
    return np.clip(SHARED * parts, LEAST, most) * own


def degrees_of_freedom(
    luck: Floats, error: Floats, patients: Floats, left: float, count: int
) -> Floats:
    """Return the degrees of freedom of the procedure's variance V, one a study (Satterthwaite).

    1 / df = 1 / (count - 1) + (d / V)^2 / 2, d half of V(luck + error) - V(luck - error): over a
    standard error and not at a point, so that df does not jump at the bounds of gamma.
    """

    def of_luck(value: Floats) -> Floats:
        return left * value + shared_luck(value, patients)

    variance = patients + of_luck(luck)
    moved = (of_luck(luck + error) - of_luck(np.maximum(luck - error, 0))) / 2
    unsure = np.divide(moved, variance, out=np.zeros_like(variance), where=variance > 0)
    return np.asarray(1 / (1 / (count - 1) + unsure**2 / 2))


def variance_parts(scores: ArrayLike, folds: ArrayLike, groups: Patients = None) -> VarianceParts:
    """Return the parts of the variance of scores (repeats x cases) averaged over everything.

    Raises InputError as out_of_fold_test does.
    """
    values = as_table(scores, "scores", FORM)
    patient = as_groups(groups, values.shape[1])
    cells = _cells(folds, values.shape, patient)
    n = values.shape[1]
    count = int(patient.max()) + 1
    of_patient = np.zeros((n, count))
    of_patient[np.arange(n), patient] = 1
    mean = float(values.mean())
    deviation = (values.mean(axis=0) - mean) @ of_patient
    patients = float((deviation**2).sum()) / n**2 * count / (count - 1)
    excess = (values - values.mean(axis=0)) @ of_patient  # repeats x patients
    luck, error, together = _within(excess, of_patient.sum(axis=0), cells)
    luck = max(0.0, luck)
    basis = f"{n} cases" if count == n else f"{n} images of {count} patients"
    caution = _caution(cells, luck > SEED[0] * patients)
    left = together / len(values)
    return VarianceParts(mean, patients, luck, error, left, count, basis, caution)


def _within(excess: Floats, size: Floats, cells: Integers) -> tuple[float, float, float]:
    """Return omega - gamma, from products of excesses of two patients' cases in one fold.

    Each excess is from the case's own mean over R repeats, in which the pair shares a fold again
    with probability rho; so the mean product is (omega - gamma) (R - 1)(R - 1 + rho) / R^2. Second
    comes its standard error, from what each patient adds, were the pairs' products uncorrelated
    (else up to sqrt(2) times as much), third rho.
    """
    of_patient, pairs = np.zeros(excess.shape[1]), 0.0
    for row, cell in zip(excess, cells, strict=True):
        sums, sizes = np.bincount(cell, row), np.bincount(cell, size)
        of_patient += row * (sums[cell] - row)
        pairs += float((sizes**2).sum() - (size**2).sum())
    again, count = excess.shape
    rho = pairs / again / float(size.sum() ** 2 - (size**2).sum())
    of_patient *= again**2 / ((again - 1) * (again - 1 + rho)) / pairs
    error = float(np.sqrt(2 * count * of_patient.var(ddof=1)))
    return float(of_patient.sum()), error, rho


def _caution(cells: Integers, seeds_dominate: bool) -> str:
    """Return what is known to be unsure about the variance of such a study, or nothing."""
    repeats, patients = cells.shape
    folds = int(cells.max()) + 1
    doubts = []
    if patients < FEW_PATIENTS:
        doubts.append(f"only {patients} patients")
    if repeats < FEW_REPEATS:
        doubts.append(f"only {repeats} repeats")
    if folds != FOLDS:
        doubts.append(f"{folds} folds, where {FOLDS} keep the level of most learners")
    if seeds_dominate:
        doubts.append("fits differ far more than patients, as where training fails by seed")
    return join_cautions(*doubts)


def _rare_class(labels: ArrayLike | None, cases: int) -> str:
    """Return a doubt where one class has less than RARE of the cases; InputError as as_binary."""
    if labels is None:
        return ""
    share = float(as_binary(labels, "labels", length=cases).mean())
    rare = min(share, 1 - share)
    return f"one class has {100 * rare:.0f} % of the cases" if 0 < rare < RARE else ""


def join_cautions(*doubts: str) -> str:
    """Return the doubts there are, as one text for a result."""
    return "; ".join(doubt for doubt in doubts if doubt)


def _cells(folds: ArrayLike, shape: tuple[int, ...], patient: Integers) -> Integers:
    """Return each patient's fold in each repeat, numbered from 0; InputError if not one."""
    table = as_table(folds, "folds", FORM)
    if table.shape != shape:
        raise InputError(
            f"folds has shape {table.shape} where {shape} (repeats x cases) is needed."
        )
    if shape[0] < 2:
        raise InputError(
            f"folds has {shape[0]} repeat; two or more are needed to see what the partition does "
            "(with one, use corrected_t on the folds)."
        )
    _, first = np.unique(patient, return_index=True)
    rows = [_one_repeat(row, first, patient, r) for r, row in enumerate(table)]
    return np.stack(rows)


def _one_repeat(row: Floats, first: Array, patient: Integers, repeat: int) -> Integers:
    if not np.array_equal(row, row[first][patient]):
        raise InputError(f"folds[{repeat}] puts images of one patient into two folds: leakage.")
    cell = np.unique(row[first], return_inverse=True)[1]
    sizes = np.bincount(cell)
    if sizes.size < 3 or sizes.max() < 2:
        raise InputError(
            f"folds[{repeat}] has {sizes.size} folds of at most {sizes.max()} patients; three or "
            "more folds of two or more patients are needed (5 folds are recommended)."
        )
    return np.asarray(cell, dtype=np.int64)
