"""Seeds and counts are whole numbers at every public door, or one sentence says what to give."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from medlib import laboratory
from medlib.cohorts import audit, from_arrays, load
from medlib.cohorts.audit import guards, shortcuts
from medlib.cohorts.similar import scans
from medlib.cohorts.sources import phantom
from medlib.errors import InputError
from medlib.learning import crossval, nested
from medlib.learning.frozen import FeatureLearner
from medlib.learning.network import NetworkLearner
from medlib.models import classifiers
from medlib.multiverse import analyses
from medlib.phantom import calibration, chest
from medlib.runtime.whole_numbers import as_generator, as_number, as_seed
from medlib.statistics import batches, cluster_bootstrap
from medlib.study.cases import load_study

NO_SEEDS = (-1, 2.0, 0.5, True, np.True_, None, "7", float("nan"), [1], 2**32)
NO_COUNTS = (-1, 0, 2.0, 1.5, True, None, "7", float("inf"), [1], 10**12)
N = 24
LABELS = np.arange(N) % 2
FEATURES = np.random.default_rng(0).random((N, 3))
IMAGES = np.random.default_rng(0).random((N, 32, 32)).astype(np.float32)
GROUPS = np.arange(N)


def cohort():
    return from_arrays(IMAGES * 255, LABELS, patient_ids=[f"P{i}" for i in range(N)])


def learner():
    return FeatureLearner(size=32)


def quick(*arguments):
    return np.zeros(arguments[-1].shape[:2], bool)


def population(**counts):
    options = {"patients": 8, "studies": 2, "new": 8, "rng": np.random.default_rng(0)}
    pool = np.stack([FEATURES, FEATURES])
    return laboratory.blended_population(pool, LABELS, **options | counts)


STATISTICS = pd.DataFrame({"mean": FEATURES[:, 0]})
MODELS = {"regression": [LogisticRegression()]}
OPTIONS = {"cache": None, "jobs": 1, "progress": False}
SEEDS = {
    "Cohort.draw": lambda seed: cohort().draw(2, seed),
    "load": lambda seed: load("phantom-chest-ct", seed=seed, per_class=1),
    "phantom.load": lambda seed: phantom.load(seed=seed, per_class=1),
    "load_study": lambda seed: load_study("phantom-chest-ct", seed=seed),
    "audit": lambda seed: audit.audit(cohort(), seed=seed),
    "likely_scans": lambda seed: scans.likely_scans(IMAGES, LABELS, seed=seed),
    "shortcuts": lambda seed: shortcuts.shortcuts(cohort(), STATISTICS, FEATURES, seed),
    "stratified_patient_folds": lambda seed: crossval.stratified_patient_folds(
        LABELS, GROUPS, seed=seed
    ),
    "cross_validate": lambda seed: crossval.cross_validate(
        learner(), cohort(), seed=seed, **OPTIONS
    ),
    "cross_validate_many": lambda seed: crossval.cross_validate_many(
        learner(), [cohort()], seed=seed, **OPTIONS
    ),
    "cross_validate_repeatedly": lambda seed: crossval.cross_validate_repeatedly(
        learner(), cohort(), repeats=2, seed=seed, **OPTIONS
    ),
    "train_and_test": lambda seed: crossval.train_and_test(
        learner(), cohort(), cohort(), seed=seed, cache=None, progress=False
    ),
    "NetworkLearner.fit": lambda seed: NetworkLearner("resnet18", size=32, epochs=1).fit(
        IMAGES, LABELS, seed=seed
    ),
    "NetworkLearner.untrained": lambda seed: NetworkLearner("resnet18").untrained(seed=seed),
    "FeatureLearner.fit": lambda seed: learner().fit(IMAGES, LABELS, seed=seed),
    "nested_scores": lambda seed: nested.nested_scores(
        FEATURES, LABELS, GROUPS, MODELS, folds=3, inner_folds=2, seed=seed, jobs=1
    ),
    "nested.classifiers": lambda seed: nested.classifiers(seed),
    "nested.weights": lambda seed: nested.weights(
        FEATURES, LABELS, GROUPS, folds=3, inner_folds=2, seed=seed
    ),
    "score_draws": lambda seed: calibration.score_draws(FEATURES, LABELS, per_class=8, seed=seed),
    "analyse": lambda seed: analyses.analyse({}, STATISTICS, seed=seed),
    "simulate": lambda seed: chest.simulate(seed, cancer=False),
}
"""Public functions with a seed, called with it."""
COUNTS = {
    "Cohort.draw per_class": lambda n: cohort().draw(n, 0),
    "Cohort.images size": lambda n: cohort().images(n),
    "load per_class": lambda n: load("phantom-chest-ct", per_class=n if n is not None else 0),
    "repeats": lambda n: crossval.cross_validate_repeatedly(
        learner(), cohort(), repeats=n, **OPTIONS
    ),
    "folds": lambda n: crossval.stratified_patient_folds(LABELS, GROUPS, folds=n, seed=0),
    "epochs": lambda n: NetworkLearner(epochs=n),
    "batch_size": lambda n: NetworkLearner(batch_size=n),
    "size of a network": lambda n: NetworkLearner(size=n),
    "size of features": lambda n: FeatureLearner(size=n),
    "classes": lambda n: classifiers.build("resnet18", classes=n),
    "inner_folds": lambda n: nested.nested_scores(
        FEATURES, LABELS, GROUPS, MODELS, folds=3, inner_folds=n, seed=0, jobs=1
    ),
    "draws": lambda n: calibration.score_draws(FEATURES, LABELS, per_class=8, draws=n),
    "slices": lambda n: chest.simulate(0, cancer=False, slices=n),
    "permutations": lambda n: guards.assert_chance_when_permuted(
        lambda labels: 0.5, LABELS, permutations=n
    ),
    "deals": lambda n: analyses.analyse({}, STATISTICS, deals=n),
    "deal folds": lambda n: batches.deal(LABELS, folds=n, repeats=1, rng=np.random.default_rng(0)),
    "deal repeats": lambda n: batches.deal(
        LABELS, folds=2, repeats=n, rng=np.random.default_rng(0)
    ),
    "patients of a population": lambda n: population(patients=n),
    "studies of a population": lambda n: population(studies=n),
    "repeats of a comparison": lambda n: laboratory.compare(
        quick, population(), repeats=n, rng=np.random.default_rng(0)
    ),
    "partitions": lambda n: laboratory.variance_components(
        quick, lambda rng: FEATURES[None], LABELS, partitions=n, rng=np.random.default_rng(0)
    ),
}
"""Public functions with a count, called with it."""
TOO_FEW_OF_ITS_OWN = ("deal folds", "patients of a population", "partitions")
"""Those that say in words of their own why none are too few."""


def one_sentence(refused):
    said = str(refused.value)
    assert "whole number" in said
    assert "\n" not in said
    assert not re.search(r"\. [A-Z]", said)


@pytest.mark.parametrize("door", SEEDS)
@pytest.mark.parametrize("seed", NO_SEEDS, ids=repr)
def test_what_is_no_seed_is_refused_at_every_door(door, seed):
    with pytest.raises(InputError) as refused:
        SEEDS[door](seed)
    one_sentence(refused)


@pytest.mark.parametrize("door", COUNTS)
@pytest.mark.parametrize("count", NO_COUNTS, ids=repr)
def test_what_is_no_count_is_refused_at_every_door(door, count):
    with pytest.raises(InputError) as refused:
        COUNTS[door](count)
    if count != 0 or door not in TOO_FEW_OF_ITS_OWN:
        one_sentence(refused)


@pytest.mark.parametrize("seed", [True, "7", 1.0, None, -1], ids=repr)
def test_statistics_refuse_what_is_no_seed_too(seed):
    with pytest.raises(InputError, match="give a whole number from 0 or a numpy Generator"):
        cluster_bootstrap(LABELS, FEATURES[:, 0], seed=seed)


def seeded(module):
    """Names of the public functions of a module that take a seed."""
    functions = inspect.getmembers(module, inspect.isfunction)
    own = ((name, f) for name, f in functions if f.__module__ == module.__name__)
    return {name for name, f in own if "seed" in inspect.signature(f).parameters and name[0] != "_"}


@pytest.mark.parametrize(
    "module", [audit, scans, crossval, nested, calibration, phantom, chest, analyses]
)
def test_every_public_function_with_a_seed_is_tried_here(module):
    assert seeded(module) <= {door.split(".")[-1] for door in SEEDS}


@given(st.integers(0, 2**32 - 1))
def test_a_whole_number_is_a_seed_whatever_its_type(number):
    assert as_seed(number) == as_seed(np.uint32(number)) == number
    assert type(as_seed(np.int64(number))) is int


@given(st.one_of(st.floats(), st.text(), st.booleans(), st.none(), st.binary()))
def test_nothing_else_is_a_seed_or_a_count(value):
    for check in (as_seed, as_generator, lambda x: as_number(x, "n", least=0)):
        with pytest.raises(InputError):
            check(value)
