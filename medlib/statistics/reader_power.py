"""How often simulated reader studies find what is there, and how wide their intervals are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medlib.errors import InputError
from medlib.statistics._checks import as_count, as_generator
from medlib.statistics._sample import Seed
from medlib.statistics.outcome import Interval
from medlib.statistics.proportions import proportion_interval
from medlib.statistics.reader_simulation import ReaderStudy, simulate_readers
from medlib.statistics.readers import model_against_readers, reader_analysis


class ReaderPower(NamedTuple):
    """What many studies of the same size find of the gain from one modality to another.

    share: of the studies that find a gain, with its interval. width: of the interval of a mean
    reader's AUC in the first modality, on average. gain: found by those that find one, on average.
    """

    share: Interval
    width: float
    gain: float


def reader_power(
    readers: int, cases: int, *, aucs: Sequence[float], studies: int, seed: Seed = 0
) -> ReaderPower:
    """Return how often readers of two modalities are found to do better in the second.

    cases: half of them positive. aucs: true ones of a mean reader, one a modality. A study finds a
    gain if the interval of the difference (Obuchowski-Rockette) lies above 0.
    Raises InputError for counts below 2, AUCs that are not two, and as `simulate_readers` does.
    """
    if len(aucs) != 2:
        raise InputError(f"aucs has {len(aucs)} numbers; give two, one a modality.")
    rng, gains, widths = as_generator(seed), [], []
    studies = as_count(studies, "studies", least=1, most=100_000)
    for _ in range(studies):
        one = _study(readers, cases, aucs, rng)
        seen = reader_analysis(one.labels, one.scores)
        less = seen.differences[0, 1]  # the first modality less the second
        if less.interval is not None and less.interval.high < 0:
            gains.append(-less.difference)
        widths.append(seen.modalities[0].width)
    share = proportion_interval(len(gains), studies)
    return ReaderPower(share, float(np.mean(widths)), float(np.mean(gains or [0])))


def model_power(
    readers: int, cases: int, *, aucs: Sequence[float], studies: int, seed: Seed = 0
) -> Interval:
    """Return how often a model, drawn as one more reader, is found to be better than readers.

    aucs: true ones of the mean reader and of the mean model. Else as `reader_power`.
    """
    if len(aucs) != 2:
        raise InputError(f"aucs has {len(aucs)} numbers; give the readers' and the model's.")
    rng, wins = as_generator(seed), 0
    studies = as_count(studies, "studies", least=1, most=100_000)
    for _ in range(studies):
        one = _study(readers + 1, cases, aucs, rng)
        found = model_against_readers(one.labels, one.scores[-1, 1], one.scores[:-1, 0])
        wins += found.interval is not None and found.interval.low > 0
    return proportion_interval(wins, studies)


def _study(
    readers: int, cases: int, aucs: Sequence[float], rng: np.random.Generator
) -> ReaderStudy:
    """One study with as many positive as negative cases."""
    half = as_count(cases, "cases", least=4, most=100_000) // 2
    return simulate_readers(readers, half, half, aucs=aucs, seed=rng)
