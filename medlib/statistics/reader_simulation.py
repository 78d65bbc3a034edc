"""Simulated readers: scores of several readers in several modalities, with known AUCs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from medlib.errors import InputError
from medlib.statistics._checks import as_count, as_generator, as_numbers
from medlib.statistics._sample import Seed
from medlib.types import Floats, Labels

MOST = 100_000
"""Readers, or cases of a class: more fill a computer's memory."""


@dataclass(frozen=True, slots=True)
class ReaderVariances:
    """Variances of the parts of a score; those of cases and of the rest sum to 1.

    Attributes: reader and reader_modality (how readers, and readers in a modality, separate the
    classes differently), case and case_modality (cases that are hard for all), reader_case (cases
    that are hard for one reader), rest.
    """

    reader: float
    reader_modality: float
    case: float
    case_modality: float
    reader_case: float
    rest: float


ROE_METZ = {
    "HH": ReaderVariances(0.011, 0.011, 0.3, 0.3, 0.2, 0.2),
    "HL": ReaderVariances(0.0055, 0.0055, 0.3, 0.3, 0.2, 0.2),
    "LH": ReaderVariances(0.011, 0.011, 0.1, 0.1, 0.2, 0.6),
    "LL": ReaderVariances(0.0055, 0.0055, 0.1, 0.1, 0.2, 0.6),
}
"""Readers of Roe & Metz 1997 at AUC 0.70: scores of cases that correlate much (H) or little (L),
readers who differ much (H) or little (L)."""


@dataclass(frozen=True, slots=True)
class ReaderStudy:
    """Labels (one a case) and scores (readers x modalities x cases) of one simulated study."""

    labels: Labels
    scores: Floats


def simulate_readers(
    readers: int,
    negatives: int,
    positives: int,
    *,
    aucs: Sequence[float] = (0.7, 0.7),
    variances: ReaderVariances = ROE_METZ["LL"],
    seed: Seed = 0,
) -> ReaderStudy:
    """Return a study in which each reader scored every case in every modality.

    aucs: of the mean reader, one a modality; as separation sqrt(2) z(AUC) of two normal classes of
    variance 1. score = separation x label + reader + reader in modality + case + case in modality
    + reader of case + rest, the first two drawn for each class, all normal and independent. An AUC
    averaged over readers is a little nearer to 1/2, as the normal curve bends.

    Source: Roe & Metz 1997, Academic Radiology 4:298.
    Raises InputError for counts below 1, AUCs outside 0..1 or negative variances.
    """
    r = as_count(readers, "readers", least=1, most=MOST)
    n = (
        as_count(negatives, "negatives", least=1, most=MOST),
        as_count(positives, "positives", least=1, most=MOST),
    )
    area = as_numbers(aucs, "aucs")
    if np.any((area <= 0) | (area >= 1)):
        raise InputError(f"aucs = {list(area)} must lie between 0 and 1; give one a modality.")
    if not isinstance(variances, ReaderVariances):
        raise InputError(f"variances = {variances!r}; give ReaderVariances, or one of ROE_METZ.")
    rng = as_generator(seed)
    separation = np.sqrt(2) * stats.norm.ppf(area)
    sides = [
        _scores_of_class(rng, r, area.size, size, variances) + label * separation[:, None]
        for label, size in enumerate(n)
    ]
    return ReaderStudy(np.repeat([0, 1], n), np.concatenate(sides, axis=2))


def _scores_of_class(
    rng: np.random.Generator, readers: int, modalities: int, cases: int, of: ReaderVariances
) -> Floats:
    """Return the random parts of one class's scores, readers x modalities x cases."""
    parts = (
        (of.reader, (readers, 1, 1)),
        (of.reader_modality, (readers, modalities, 1)),
        (of.case, (1, 1, cases)),
        (of.case_modality, (1, modalities, cases)),
        (of.reader_case, (readers, 1, cases)),
        (of.rest, (readers, modalities, cases)),
    )
    if not all(0 <= variance < np.inf for variance, _ in parts):
        raise InputError(f"variances = {of} hold one that is none; give numbers, 0 or more.")
    scores = np.zeros((readers, modalities, cases))
    for variance, shape in parts:
        scores = scores + np.sqrt(variance) * rng.standard_normal(shape)
    return scores
