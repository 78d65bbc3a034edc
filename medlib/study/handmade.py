"""Hand-made features against networks: what chapter 12 records of methods, sizes and shortcuts."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from medlib import statistics
from medlib.results import Results
from medlib.types import Floats, Integers

KEYS: Final = {
    "hand-made, logistic regression": "handmade_logistic",
    "hand-made, SVM": "handmade_svm",
    "hand-made, random forest": "handmade_forest",
    "hand-made, gradient boosting": "handmade_boosting",
    "hand-made, chosen inside": "handmade",
    "deep, ResNet-50 from scratch": "scratch",
    "deep, frozen features": "frozen",
    "deep, frozen, few pixels": "frozen_few_pixels",
    "deep, fine-tuned EfficientNet-Lite0": "finetuned",
}
"""How the methods are called in results, by their names in tables."""
CURVES: Final = {"deep, frozen": ("frozen", "C32"), "hand-made": ("handmade", "C31")}
"""Of the methods studied at several sizes: key, and the claim it bears on."""
RECORDED: Final = ("shortcuts alone", "top eighth alone", "hand-made without shortcuts")
"""Kinds of features whose AUC is kept."""
REPLICATES: Final = 2000
"""Of each bootstrap over patients."""


def record_methods(
    results: Results,
    scores: Mapping[str, Floats],
    truth: Integers,
    split: Integers,
    patient: Integers,
) -> pd.DataFrame:
    """Accuracy of each method, and AUC where one can be had: method, accuracy, low, high, AUC.

    `scores` are P(positive) by the name of a method, repeats x cases, as `split` (folds) is.
    """
    rows = []
    for name, score in scores.items():
        right = (score > 0.5) == truth
        accuracy = statistics.out_of_fold_interval(right, split, patient, labels=truth)
        # scores of different classifiers share no scale, nor do those of networks trained apart
        mixed = any(word in name for word in ("inside", "scratch", "tuned"))
        mixed |= bool((np.ptp(score, axis=1) == 0).any())  # and equal ones rank nothing
        claims = ["C31"] if name.startswith("hand") else ["C32"]
        results.record(f"{KEYS[name]}_accuracy", accuracy, claims=claims)
        area = ""
        if not mixed:
            auc = statistics.out_of_fold_auc(truth, score, split, patient)
            results.record(f"{KEYS[name]}_auc", auc)
            area = f"{auc.estimate:.2f}"
        rows.append((name, accuracy.estimate, accuracy.low, accuracy.high, area))
    return pd.DataFrame(rows, columns=["method", "accuracy", "low", "high", "AUC"])


def record_curve(
    results: Results,
    curve: Mapping[tuple[str, int], Floats],
    sizes: Sequence[int],
    y: Integers,
    group: Integers,
    seed: int,
) -> pd.DataFrame:
    """Both methods and their paired difference at each size: n, metric, what, value, low, high.

    `curve` are scores of all cases by (method of `CURVES`, size). What the whole pool gives has a
    second key, "of_all", so that data sets of unequal size can be compared.
    """
    rows = []
    for n in sizes:
        tags = [f"at_{n}", "of_all"][: 1 + (n == len(y))]
        deep, hand = (curve[name, n] for name in CURVES)
        for metric, short in (("accuracy", "accuracy"), ("AUC", "auc")):
            gap = statistics.paired_bootstrap(
                y, deep, hand, group, metric=metric, seed=seed, replicates=REPLICATES
            ).interval
            assert gap is not None  # a bootstrap has one
            for tag in tags:
                key = f"frozen_minus_handmade_{short}_points_{tag}"
                results.record(key, gap, points=True, claims=["C02"])
            for name, (key, claim) in CURVES.items():
                own = statistics.cluster_bootstrap(
                    y, curve[name, n], group, metrics=[metric], seed=seed, replicates=REPLICATES
                )[metric]
                for tag in tags:
                    results.record(f"{key}_{short}_{tag}", own, claims=[claim])
                rows.append((n, metric, key, own.estimate, own.low, own.high))
            rows.append((n, metric, "difference", gap.estimate, gap.low, gap.high))
    return pd.DataFrame(rows, columns=["n", "metric", "what", "value", "low", "high"])


def record_kinds(
    results: Results, kinds: Mapping[str, Floats], y: Integers, group: Integers, seed: int
) -> pd.DataFrame:
    """Accuracy and AUC of scores by kinds of features, in words; AUCs of `RECORDED` are kept."""
    rows = []
    for name, score in kinds.items():
        if not np.ptp(score):
            rows.append((name, "all scores are equal", "nothing is left to learn"))
            continue
        found = statistics.cluster_bootstrap(
            y, score, group, metrics=["accuracy", "AUC"], seed=seed, replicates=REPLICATES
        )
        accuracy, auc = (
            f"{found[m].estimate:.3f} ({found[m].low:.3f} to {found[m].high:.3f})"
            for m in ("accuracy", "AUC")
        )
        rows.append((name, accuracy, auc))
        if name in RECORDED:
            key = name.replace(" ", "_").replace("-", "")
            results.record(f"{key}_auc", found["AUC"], claims=["C31"])
    return pd.DataFrame(rows, columns=["features", "accuracy, 95 % interval", "AUC, 95 % interval"])
