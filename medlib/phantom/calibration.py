"""How hard a simulated task is, and what gives it away: the same scores for any features.

`statistics` are what a shortcut would use: no anatomy, one number an image. `score_draws` says what
a logistic regression makes of features of many small cohorts, as the phantom was tuned.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.errors import InputError
from medlib.runtime.whole_numbers import as_number, as_seed
from medlib.statistics.threshold import called_positive
from medlib.types import Features, Floats, Images, Labels, Reals

_SOFT_TISSUE_HU = -300.0  # above: vessel, nodule, wall; below: lung
_LUNG_HU = (-980.0, -700.0)


def statistics(images: Images) -> dict[str, Reals]:
    """Single numbers of each image (n x rows x columns, HU): each an array of length n."""
    if images.ndim != 3:
        raise InputError(f"images is {images.shape}; it must be n x rows x columns.")
    side = max(2, images.shape[1] // 8)
    ends = (slice(None, side), slice(-side, None))
    corners = [images[:, rows, columns].mean((1, 2)) for rows in ends for columns in ends]
    low, high = _LUNG_HU
    return {
        "mean": images.mean((1, 2)),
        "SD": images.std((1, 2)),
        "minimum": images.min((1, 2)),
        "99th percentile": np.percentile(images, 99, axis=(1, 2)).astype(np.float32),
        "soft-tissue share": (images > _SOFT_TISSUE_HU).mean((1, 2)).astype(np.float32),
        "lung share": ((images > low) & (images < high)).mean((1, 2)).astype(np.float32),
        "corners": np.mean(corners, axis=0),
        **{f"corner {k + 1}": corner for k, corner in enumerate(corners)},
    }


def separation(labels: Labels, statistic: Reals) -> float:
    """AUC of one statistic, in whichever direction separates: 0.5 (nothing) to 1."""
    auc = float(roc_auc_score(labels, statistic))
    return max(auc, 1 - auc)


@dataclass(frozen=True)
class Draws:
    """Accuracy and AUC of each small cohort."""

    accuracy: Floats
    auc: Floats

    def __str__(self) -> str:
        """Both as mean and SD over the draws."""
        return (
            f"accuracy {self.accuracy.mean():.3f} +- {self.accuracy.std(ddof=1):.3f}, "
            f"AUC {self.auc.mean():.3f} +- {self.auc.std(ddof=1):.3f} over {len(self.auc)} draws"
        )


def score_draws(
    features: Features,
    labels: Labels,
    *,
    per_class: int = 25,
    draws: int = 20,
    folds: int = 5,
    seed: int = 0,
) -> Draws:
    """Cross-validated logistic regression on `draws` cohorts of `per_class` a class (0 and 1).

    Cohorts are drawn without replacement, so a case is in a cohort at most once; scaling is fitted
    inside each fold. Raises InputError where a class has fewer than `per_class` cases, and for
    counts and seeds that are none.
    """
    per_class, draws = as_number(per_class, "per_class"), as_number(draws, "draws")
    folds, seed = as_number(folds, "folds", least=2), as_seed(seed)
    pools = [np.flatnonzero(labels == c) for c in (0, 1)]
    if min(map(len, pools)) < per_class:
        raise InputError(
            f"{per_class} cases a class are asked for, but the classes have "
            f"{len(pools[0])} and {len(pools[1])}; simulate more or ask for fewer."
        )
    accuracy, auc = np.empty(draws), np.empty(draws)
    for draw, stream in enumerate(np.random.SeedSequence(seed).spawn(draws)):
        rng = np.random.default_rng(stream)
        chosen = np.concatenate([rng.choice(pool, per_class, replace=False) for pool in pools])
        truth = labels[chosen]
        score = _out_of_fold(features[chosen], truth, folds, draw)
        accuracy[draw] = (called_positive(score) == truth).mean()
        auc[draw] = roc_auc_score(truth, score)
    return Draws(accuracy, auc)


def _out_of_fold(features: Features, labels: Labels, folds: int, seed: int) -> Floats:
    """Probability of class 1 of each case, from a model that has not seen it."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, features, labels, cv=splits, method="predict_proba")
    return np.asarray(scores[:, 1])
