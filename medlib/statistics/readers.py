"""Questions about several readers and several cases: does a modality, or a model, read better."""

from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from medlib.errors import InputError
from medlib.statistics._checks import (
    as_choice,
    as_floats,
    as_fraction,
    as_labels,
    as_numbers,
    as_table,
)
from medlib.statistics.auc import delong_covariance, placements
from medlib.statistics.outcome import Comparison, Interval, p_text, student
from medlib.types import Bools, Floats

Readers: TypeAlias = Literal["random", "fixed"]
Covariance: TypeAlias = Literal["jackknife", "delong"]


@dataclass(frozen=True, slots=True)
class ErrorCovariance:
    """How the errors of AUCs go together because the same cases were read.

    Attributes: variance of one reader's AUC in one modality; cov1 same reader, two modalities;
    cov2 two readers, same modality; cov3 two readers, two modalities. Each is a mean over all such
    pairs; not a number where there is no such pair.
    """

    variance: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True, slots=True)
class ReaderAnalysis:
    """AUCs of readers in modalities, their means with intervals, and the differences.

    Attributes: aucs (a row a reader, a column a modality); modalities (the mean AUC of each, with
    its interval from the data of that modality alone); differences (first minus second, a
    Comparison for each pair of modalities: (0, 1), (0, 2), ...); p_value (all modalities alike; of
    the F or chi-squared test, equal to the one difference's where there are two); covariance;
    readers (random: of other readers too; fixed: of these alone).
    """

    aucs: pd.DataFrame
    modalities: tuple[Interval, ...]
    differences: dict[tuple[int, int], Comparison]
    p_value: float
    covariance: ErrorCovariance
    readers: Readers

    def __str__(self) -> str:
        """Return the sentences a report would hold."""
        sentences = [*map(str, self.modalities), *map(str, self.differences.values())]
        if len(self.differences) > 1:
            sentences.append(f"all modalities alike: {p_text(self.p_value)}")
        return "; ".join(sentences)


def reader_analysis(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    readers: Readers = "random",
    covariance: Covariance = "jackknife",
    confidence: float = 0.95,
) -> ReaderAnalysis:
    """Return the analysis of a study in which every reader scored every case in every modality.

    labels: one 0 or 1 a case. scores: readers x modalities x cases, any numbers that rank (ratings
    1 to 5, probabilities); decisions 0 or 1 make the AUC the balanced accuracy. A modality may be
    reading with and without a model. The AUC is that of Mann-Whitney; its errors covary by the
    jackknife over cases or by DeLong; the rest as obuchowski_rockette.

    Random readers and cases: a statement about other readers and other cases. Fixed readers: about
    these readers on other cases, and a smaller interval. Assumes independent cases, each read once.
    In 1,500 simulated studies a setting (Roe & Metz's four kinds of readers, 25 or 100 cases a
    class, AUC 0.7 or 0.9; standard error 0.006) equal modalities were called different at 0.05 in
    0.031 to 0.065 with 5 and 10 readers, 0.034 to 0.071 with 4 and 0.047 to 0.077 with 3: use it
    with 4 or more. The interval of one modality alone is a little too narrow: it held the AUC of
    the mean reader in 0.904 to 0.953, least where the AUC is 0.9 and cases are 25 a class.

    Raises InputError for scores of another shape, missing scores, constant scores, one class, or
    one reader.
    """
    truth = as_labels(labels)
    table = _as_scores(scores, truth, 3, "readers x modalities x cases")
    shape = table.shape[:2]
    aucs, errors = auc_covariance(truth, table.reshape(-1, truth.size), method=covariance)
    return obuchowski_rockette(aucs.reshape(shape), errors, readers=readers, confidence=confidence)


def obuchowski_rockette(
    aucs: ArrayLike,
    covariance: ArrayLike,
    *,
    readers: Readers = "random",
    confidence: float = 0.95,
) -> ReaderAnalysis:
    """Return the analysis of variance of AUCs whose errors covary, with Hillis's df.

    aucs: r readers x t modalities. covariance: of the AUCs' errors, (r t) x (r t), a reader's
    modalities side by side. With the mean squares of the table and Cov1..3 the means over pairs:

    random readers: F = MS(T) / E, E = MS(TR) + r max(Cov2 - Cov3, 0), with t - 1 and
    E^2 / (MS(TR)^2 / ((t - 1)(r - 1))) degrees of freedom; a difference has the variance 2 E / r.
    One modality: variance (MS(R) + r max(Cov2, 0)) / r with the MS(R) and Cov2 of its own readings
    and (MS(R) + r max(Cov2, 0))^2 / (MS(R)^2 / (r - 1)) degrees of freedom.
    fixed readers: normal, with 2 / r (Var - Cov1 + (r - 1) max(Cov2 - Cov3, 0)) for a difference
    and (Var + (r - 1) max(Cov2, 0)) / r for one modality.

    Sources: Obuchowski & Rockette 1995, Commun. Stat. Simul. Comput. 24:285; Hillis 2007, Statist.
    Med. 26:596 (degrees of freedom). Equals OR-DBM MRMC and R's MRMCaov.
    Raises InputError for one reader, AUCs outside 0..1, a covariance of another shape, or nothing
    that varies.
    """
    table = _as_aucs(aucs)
    errors = _as_covariance(covariance, table.size).reshape(table.shape * 2)
    as_choice(readers, "readers", ("random", "fixed"))
    level = as_fraction(confidence, "confidence", open_ends=True)
    components = _components(errors)
    means = tuple(
        _mean_interval(table[:, i], errors[:, i, :, i], f"AUC of modality {i}", level, readers)
        for i in range(table.shape[1])
    )
    if table.shape[1] == 1:
        return ReaderAnalysis(_frame(table), means, {}, float("nan"), components, readers)
    variance, df = _difference_variance(table, components, readers)
    pairs = combinations(range(table.shape[1]), 2)
    differences = {pair: _difference(table, pair, variance, df, level, readers) for pair in pairs}
    p_value = _all_alike(table, variance, df)
    return ReaderAnalysis(_frame(table), means, differences, p_value, components, readers)


def model_against_readers(
    labels: ArrayLike,
    model_scores: ArrayLike,
    reader_scores: ArrayLike,
    *,
    covariance: Covariance = "jackknife",
    confidence: float = 0.95,
) -> Comparison:
    """Return how much a model's AUC exceeds the mean AUC of readers of the same cases.

    model_scores: one a case; reader_scores: readers x cases. The differences of the model and each
    reader are one modality of an Obuchowski-Rockette analysis with random readers and cases: their
    mean has the variance (MS(R) + r max(Cov2, 0)) / r, Cov2 the mean covariance of two readers'
    differences, and Hillis's degrees of freedom. The model is one fixed model.

    Not "the model beats doctors" but "beats the mean of such readers on such cases"; readers in a
    study know that they are studied, and read without the patient's history.

    Sources: Hillis 2007, Statist. Med. 26:596; Chakraborty 2017, Observer Performance Methods, 22.
    Raises InputError as reader_analysis does.
    """
    truth = as_labels(labels)
    model = as_numbers(model_scores, "model_scores", length=truth.size)
    readers = _as_scores(reader_scores, truth, 2, "readers x cases")
    if len(readers) < 2:
        raise InputError("reader_scores hold one reader; two or more are needed, or delong_test.")
    level = as_fraction(confidence, "confidence", open_ends=True)
    aucs, errors = auc_covariance(truth, np.vstack([model, readers]), method=covariance)
    contrast = np.hstack([np.ones((len(readers), 1)), -np.eye(len(readers))])
    name = "AUC of the model minus the readers' mean"
    differences = contrast @ aucs, contrast @ errors @ contrast.T
    mean, variance, df = _mean_variance(*differences, name, "random")
    basis = f"{aucs[0]:.3f} against {aucs[1:].mean():.3f}, {len(readers)} readers"
    return student(name, mean, float(np.sqrt(variance)), df, level, _method("random"), basis)


def auc_covariance(
    labels: ArrayLike, scores: ArrayLike, *, method: Covariance = "jackknife"
) -> tuple[Floats, Floats]:
    """Return the AUCs of rows of scores (rows x cases) and the covariance of their errors.

    jackknife: (n - 1) / n times the sum over cases of products of the deviations of the AUCs
    without that case. delong: as auc_interval. Source: DeLong et al. 1988, Biometrics 44:837.
    Raises InputError for one class, fewer than two cases in a class, or constant scores.
    """
    truth = as_labels(labels)
    rows = _as_scores(scores, truth, 2, "rows x cases")
    pairs = [placements(truth, row) for row in rows]
    positive, negative = (np.stack(side) for side in zip(*pairs, strict=True))
    aucs = positive.mean(axis=1)
    if as_choice(method, "covariance", ("jackknife", "delong")) == "delong":
        return aucs, delong_covariance(positive, negative)
    # the AUC is a mean of placements over either class, so what it is without a case is known
    sides = [(aucs[:, None] - side) / (side.shape[1] - 1) for side in (positive, negative)]
    without = np.hstack(sides)
    without = without - without.mean(axis=1, keepdims=True)
    return aucs, np.asarray(without @ without.T * (truth.size - 1) / truth.size)


def _components(errors: Floats) -> ErrorCovariance:
    """Return the means over pairs of errors (reader, modality, reader, modality)."""
    readers, modalities = errors.shape[:2]
    same_reader = np.eye(readers, dtype=bool)[:, None, :, None]
    same_modality = np.eye(modalities, dtype=bool)[None, :, None, :]

    def mean(which: Bools) -> float:
        chosen = errors[np.broadcast_to(which, errors.shape)]
        return float(chosen.mean()) if chosen.size else float("nan")

    return ErrorCovariance(
        mean(same_reader & same_modality),
        mean(same_reader & ~same_modality),
        mean(~same_reader & same_modality),
        mean(~same_reader & ~same_modality),
    )


def _method(readers: Readers) -> str:
    return f"Obuchowski-Rockette, {readers} readers"


def _mean_variance(
    aucs: Floats, errors: Floats, name: str, readers: Readers
) -> tuple[float, float, float]:
    """Return mean, its variance and degrees of freedom of one modality (readers, readers^2)."""
    r = aucs.size
    shared = max(float(errors[~np.eye(r, dtype=bool)].mean()), 0.0)
    if readers == "fixed":
        variance, df = (float(np.trace(errors)) / r + (r - 1) * shared) / r, np.inf
    else:
        between = float(aucs.var(ddof=1))
        total = between + r * shared
        variance = total / r
        df = total**2 / (between**2 / (r - 1)) if between > 0 else np.inf
    if variance <= 0:
        raise InputError(f"{name} does not vary among readers or cases; there is nothing to test.")
    return float(aucs.mean()), variance, df


def _mean_interval(
    aucs: Floats, errors: Floats, name: str, level: float, readers: Readers
) -> Interval:
    mean, variance, df = _mean_variance(aucs, errors, name, readers)
    half = float(stats.t.ppf((1 + level) / 2, df) * np.sqrt(variance))
    basis = f"{aucs.size} readers"
    return Interval(name, mean, mean - half, mean + half, level, _method(readers), basis)


def _difference_variance(
    table: Floats, covariance: ErrorCovariance, readers: Readers
) -> tuple[float, float]:
    """Return the variance of a difference of two modalities' means, and its degrees of freedom."""
    r, t = table.shape
    shared = max(covariance.cov2 - covariance.cov3, 0.0)
    if readers == "fixed":
        error = covariance.variance - covariance.cov1 + (r - 1) * shared
        df = np.inf
    else:
        inner = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
        interaction = float((inner**2).sum()) / ((r - 1) * (t - 1))
        error = interaction + r * shared
        df = error**2 / (interaction**2 / ((r - 1) * (t - 1))) if interaction > 0 else np.inf
    if error <= 1e-15:
        raise InputError(
            "scores give every reader the same difference between modalities, which then has no "
            "variance; nothing is left to test."
        )
    return 2 * error / r, df


def _difference(
    table: Floats, pair: tuple[int, int], variance: float, df: float, level: float, readers: Readers
) -> Comparison:
    first, second = table[:, pair[0]].mean(), table[:, pair[1]].mean()
    name = f"difference in AUC of modalities {pair[0]} and {pair[1]}"
    basis = f"AUC {first:.3f} against {second:.3f}, {len(table)} readers"
    se = float(np.sqrt(variance))
    return student(name, float(first - second), se, df, level, _method(readers), basis)


def _all_alike(table: Floats, variance: float, df: float) -> float:
    """Return p of the F test (chi-squared where df is infinite) of equal modalities."""
    r, t = table.shape
    f = r * float(table.mean(axis=0).var(ddof=1)) / (variance * r / 2)
    return float(stats.chi2.sf(f * (t - 1), t - 1) if np.isinf(df) else stats.f.sf(f, t - 1, df))


def _frame(table: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        table,
        index=pd.RangeIndex(len(table), name="reader"),
        columns=pd.RangeIndex(table.shape[1], name="modality"),
    )


def _as_scores(scores: ArrayLike, labels: Bools, dimensions: int, form: str) -> Floats:
    table = as_floats(scores, "scores")
    if table.ndim != dimensions or table.shape[-1] != labels.size or table.size == 0:
        raise InputError(f"scores have shape {table.shape}; give {form} ({labels.size} cases).")
    rows = table.reshape(-1, labels.size)
    bad = np.argwhere(~np.isfinite(rows))
    if bad.size:
        raise InputError(
            f"scores miss {len(bad)} readings (first: row {bad[0][0]}, case {bad[0][1]}); every "
            "reader must score every case in every modality: leave out cases that were not read."
        )
    if np.any(rows.max(axis=1) == rows.min(axis=1)):
        raise InputError("scores of one reader are all equal; such a reader ranks nothing.")
    return table


def _as_aucs(aucs: ArrayLike) -> Floats:
    table = as_table(aucs, "aucs", "readers x modalities")
    if len(table) < 2:
        raise InputError("aucs hold one reader; two readers or more are needed, for they vary.")
    if not np.all((table >= 0) & (table <= 1)):
        raise InputError("aucs hold values outside 0..1; give areas.")
    return table


def _as_covariance(covariance: ArrayLike, size: int) -> Floats:
    errors = as_table(covariance, "covariance", f"{size} x {size}")
    if errors.shape != (size, size):
        raise InputError(
            f"covariance has shape {errors.shape} where ({size}, {size}) finite numbers are needed:"
            " a row and a column for each AUC, a reader's modalities side by side."
        )
    return errors
