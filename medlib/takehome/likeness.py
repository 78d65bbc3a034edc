"""How unlike its training images an image is, before a model is believed about it.

Three rules, each with its own limit. *Look*: Mahalanobis distance to the training images among the
features of a frozen ImageNet network, with the covariance shrunk as by Ledoit & Wolf 2004, J.
Multivar. Anal. 88:365, since there are more features than images. *Pattern*: the same among the
means of COARSE x COARSE parts, which know where bright and dark lie; features that were averaged
over the image do not. *Grey levels*: how many standard deviations of the training images the mean,
the SD, or the 1st, 50th or 99th percentile of an image's pixels is away.

Limits are set on training images of patients that were held out while the rest was fitted, so that
no more than `false_alarms` of new images of the same kind are called unlike: 5 %, and with under
100 images, where a limit is the largest value seen, up to 3 in n + 1. A network's own features are
no measure: in them, images that it was trained on lie apart from all others.

On IQ-OTH/NCCD (CT slices, three models of 50), 4 % of 180 slices of other groups were called
unlike; so were all that were inverted, blurred, noisy, darker by .7 or on a scale of 0 to 1, all
brain MR and lung nodule patches, 80 % in a narrow and 68 % in a wide window, 72 % turned by a right
angle and 45 % upside down. No rule knows what a disease looks like: an image without a warning can
still be of another kind, and a rare case of the right kind can have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from sklearn.covariance import ledoit_wolf_shrinkage

from medlib import imaging
from medlib.errors import InputError
from medlib.models.frozen import remembered_features
from medlib.types import Array, Features, Floats, Images

SIZE: Final = 224
"""Pixels a side of the images that are compared."""
NETWORK: Final = "efficientnet_lite0"
"""Whose features are compared; its weights are installed, so nothing is fetched."""
ALARMS: Final = (0.03, 0.01, 0.01)
"""Share of images of the same kind that look, pattern and grey levels call unlike."""
COARSE: Final = 8
"""Parts a side of the pattern."""
PERCENTILES: Final = (1, 50, 99)
LEVELS: Final = ("mean", "SD", "1st percentile", "median", "99th percentile")
"""Of the grey levels of an image."""
FLOOR: Final = 0.01
"""Of the training images' grey range: what a spread of levels is at least."""
LEAST: Final = 4
"""Images that a spread is estimated from."""


@dataclass(frozen=True)
class Cloud:
    """Where points lie: a mean, and a covariance of a few axes and one variance for the rest."""

    centre: Floats
    axes: Floats
    """Orthonormal, axes x features."""
    variances: Floats
    """Along each axis."""
    rest: Floats
    """Across all axes, one number."""

    @classmethod
    def fit(cls, points: ArrayLike) -> Cloud:
        """Return the cloud of points (n x features) by Ledoit and Wolf; exact, never inverted."""
        rows = np.asarray(points, dtype=np.float64)
        centre = rows.mean(axis=0)
        _, singular, axes = np.linalg.svd(rows - centre, full_matrices=False)
        share = float(ledoit_wolf_shrinkage(rows))
        own = singular**2 / len(rows)
        evenly = own.sum() / rows.shape[1]
        rest = max(share * evenly, np.finfo(np.float32).eps)  # points that are all one
        return cls(centre, axes, (1 - share) * own + rest, np.array(rest))

    def distances(self, points: ArrayLike) -> Floats:
        """Return the Mahalanobis distance of each point (n x features)."""
        away = np.asarray(points, dtype=np.float64) - self.centre
        along = away @ self.axes.T
        across = np.clip((away**2).sum(axis=1) - (along**2).sum(axis=1), 0, None)
        squared: Floats = (along**2 / self.variances).sum(axis=1) + across / self.rest
        return np.sqrt(squared)


@dataclass(frozen=True)
class Levels:
    """Where the grey levels of images lie: mean, SD, lowest and highest of each of `LEVELS`."""

    centre: Floats
    spread: Floats
    lowest: Floats
    highest: Floats

    @classmethod
    def fit(cls, levels: Floats) -> Levels:
        """Learn from the `levels_of` training images."""
        least = FLOOR * float(np.ptp(levels)) + np.finfo(np.float32).tiny
        spread = np.maximum(levels.std(axis=0), least)
        return cls(levels.mean(axis=0), spread, levels.min(axis=0), levels.max(axis=0))

    def distances(self, levels: Floats) -> Floats:
        """Return the largest deviation of each image, in SD."""
        largest: Floats = self._deviations(levels).max(axis=1)
        return largest

    def sentence(self, levels: Floats) -> str:
        """Say which of one image's levels deviates most."""
        worst = int(self._deviations(levels[None])[0].argmax())
        return (
            f"grey levels: {LEVELS[worst]} {levels[worst]:.4g}, in training "
            f"{self.lowest[worst]:.4g} to {self.highest[worst]:.4g}"
        )

    def _deviations(self, levels: Floats) -> Floats:
        away: Floats = np.abs(levels - self.centre) / self.spread
        return away


Rules = tuple[Cloud, Cloud, Levels]
Seen = tuple[Array, Floats, Floats]
"""What the three rules look at, a row an image: features, pattern, levels."""


@dataclass(frozen=True)
class Likeness:
    """Training images as far as they are needed to tell what is unlike them."""

    window: tuple[float, float]
    """Grey levels that the frozen network is given as black and white."""
    look: Cloud
    pattern: Cloud
    levels: Levels
    limits: Floats
    """Largest usual distance of the look, of the pattern and of the grey levels."""

    @classmethod
    def fit(cls, images: Images, folds: ArrayLike, units: str) -> Likeness:
        """Learn from training images, n x SIZE x SIZE in `units`.

        `folds`: for each image the number of its fold, with patients whole; each fold is held out
        once to set the limits. Raises InputError for fewer than LEAST images beside a fold.
        """
        window = _grey_window(images, units)
        seen = _features(images, window), pattern_of(images), levels_of(images)
        held_out = _held_out(seen, np.asarray(folds))
        limits = [_limit(some, alarms) for some, alarms in zip(held_out, ALARMS, strict=True)]
        return cls(window, *_fitted(seen), np.array(limits))

    def judge(self, images: Images) -> tuple[Floats, list[str]]:
        """Return how unlike each image (n x SIZE x SIZE) is, and a warning or "".

        1 is the limit: the largest of the rules' distances over their limits.
        """
        levels = levels_of(images)
        seen = _features(images, self.window), pattern_of(images), levels
        rules = self.look, self.pattern, self.levels
        parts = _distances(rules, seen).T / self.limits
        return parts.max(axis=1), [self._warning(*pair) for pair in zip(parts, levels, strict=True)]

    def tensors(self) -> dict[str, Array]:
        """Return all numbers by name."""
        named = {f"look.{name}": value for name, value in vars(self.look).items()}
        named |= {f"pattern.{name}": value for name, value in vars(self.pattern).items()}
        named |= {f"levels.{name}": value for name, value in vars(self.levels).items()}
        return named | {"window": np.array(self.window), "limits": self.limits}

    @classmethod
    def of_tensors(cls, named: Mapping[str, Array]) -> Likeness:
        """Return what `tensors` was called on; KeyError for a name that is missing."""
        look, pattern = (
            Cloud(**{name: named[f"{rule}.{name}"] for name in Cloud.__annotations__})
            for rule in ("look", "pattern")
        )
        levels = Levels(**{name: named[f"levels.{name}"] for name in Levels.__annotations__})
        low, high = named["window"].tolist()
        return cls((low, high), look, pattern, levels, named["limits"])

    def _warning(self, parts: Floats, levels: Floats) -> str:
        said = []
        if parts[0] > 1:
            said.append(f"looks unlike the training images ({parts[0]:.2f} times the limit)")
        if parts[1] > 1:
            said.append(f"bright and dark lie elsewhere ({parts[1]:.2f} times the limit)")
        if parts[2] > 1:
            said.append(self.levels.sentence(levels))
        return "; ".join(said)


def false_alarms(images: int) -> float:
    """Return which share of images of the same kind is called unlike, at most."""
    return sum(1 - _rank(images, share) / (images + 1) for share in ALARMS)


def levels_of(images: Images) -> Floats:
    """Return the `LEVELS` of each image (n x height x width), n x 5."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    low, middle, high = np.percentile(flat, PERCENTILES, axis=1)
    return np.stack([flat.mean(axis=1), flat.std(axis=1), low, middle, high], axis=1)


def pattern_of(images: Images) -> Floats:
    """Return the mean of each of COARSE x COARSE parts (n x SIZE x SIZE in, n x 64 out)."""
    side = SIZE // COARSE
    parts = images.reshape(len(images), COARSE, side, COARSE, side)
    means: Floats = parts.mean(axis=(2, 4), dtype=np.float64).reshape(len(images), -1)
    return means


def _fitted(seen: Seen) -> Rules:
    return Cloud.fit(seen[0]), Cloud.fit(seen[1]), Levels.fit(seen[2])


def _distances(rules: Rules, seen: Seen) -> Floats:
    """Return the distances of each rule, rules x images."""
    look, pattern, levels = rules
    points, parts, summary = seen
    return np.stack([look.distances(points), pattern.distances(parts), levels.distances(summary)])


def _features(images: Images, window: tuple[float, float]) -> Features:
    low, high = window
    grey = imaging.window(images, (low + high) / 2, high - low)
    return remembered_features(grey, NETWORK, SIZE)


def _grey_window(images: Images, units: str) -> tuple[float, float]:
    """Return the lung window for HU, else all grey levels of the training images."""
    if units == "HU":
        centre, width = imaging.LUNG_WINDOW
        return centre - width / 2, centre + width / 2
    return float(images.min()), float(images.max())


def _held_out(seen: Seen, folds: Array) -> Floats:
    """Return the distances of each image to those of the other folds, rules x images."""
    distances = np.empty((len(seen), len(folds)))
    for fold in np.unique(folds):
        test = folds == fold
        if (~test).sum() < LEAST:
            raise InputError(
                f"{len(folds)} training images are too few to tell what is unlike them; give more."
            )
        rules = _fitted((seen[0][~test], seen[1][~test], seen[2][~test]))
        distances[:, test] = _distances(rules, (seen[0][test], seen[1][test], seen[2][test]))
    return distances


def _limit(held_out: Floats, alarms: float) -> float:
    """Return what so small a share of new ones exceeds (split conformal), at most the largest.

    At least one SD: images that are all one keep no distance.
    """
    return max(1.0, float(np.sort(held_out)[_rank(len(held_out), alarms) - 1]))


def _rank(n: int, alarms: float) -> int:
    """Return which of n distances, sorted, is the limit (from 1)."""
    return min(int(np.ceil((n + 1) * (1 - alarms))), n)
