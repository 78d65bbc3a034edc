"""ComBat: each site's mean and spread of every feature made alike, learned from training only.

Johnson, Li & Rabinovic 2007 (Biostatistics 8:118), for images Fortin et al. 2018 (NeuroImage
167:104). The usual packages take all sites at once and cannot be asked about a new one. What is
learned in training here is the grand mean and the pooled variance of each feature; the shift and
scale of a site, shrunk by empirical Bayes, come from that site's own images, without their labels.
Fitted on all sites it gives neuroCombat's numbers (`tests/test_sites_combat.py`).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from medlib.errors import InputError
from medlib.types import Bools, Floats, Integers

CONVERGED: Final = 1e-4
"""Largest relative change of a shift or scale in the last step, as in the original code."""
STEPS: Final = 500
"""Steps after which the fixed point is taken as it is."""
ROUNDING: Final = 1e-12
"""SD of a feature, in parts of its largest value, below which it is constant."""
FEWEST: Final = 2
"""Images of a site, below which it has no spread."""


@dataclass(frozen=True)
class ComBat:
    """Grand mean and pooled variance of each feature, and the effect of each covariate."""

    mean: Floats
    variance: Floats
    effects: Floats
    """covariates x features; none where nothing is to be preserved."""
    varies: Bools
    """Which features do; the others stay as they are, and have no say in how the rest is shrunk."""

    @classmethod
    def fit(cls, x: Floats, site: Integers, covariates: Floats | None = None) -> "ComBat":
        """Learn from rows x features at the sites given; `covariates` (rows x k) are preserved.

        Raises InputError where a site has fewer than two rows, and for NaN.
        """
        if not np.isfinite(x).all():
            raise InputError("Features hold NaN or infinity: leave out what could not be computed.")
        names, place, counts = np.unique(site, return_inverse=True, return_counts=True)
        if counts.min() < FEWEST:
            raise InputError(
                f"Site {names[counts.argmin()]} has {counts.min()} image: ComBat needs two or more "
                "of each site; leave the site out."
            )
        kept = np.empty((len(x), 0)) if covariates is None else np.asarray(covariates, np.float64)
        design = np.hstack([np.eye(len(names))[place], kept])
        found = np.linalg.lstsq(design, x, rcond=None)[0]
        variance = np.asarray(((x - design @ found) ** 2).mean(axis=0), np.float64)
        varies = variance > (ROUNDING * np.abs(x).max(axis=0)) ** 2
        variance[~varies] = 1.0
        grand = np.asarray(counts / len(x) @ found[: len(names)], np.float64)
        return cls(grand, variance, np.asarray(found[len(names) :], np.float64), varies)

    def transform(self, x: Floats, site: Integers, covariates: Floats | None = None) -> Floats:
        """Return the rows with the shift and scale of their site taken out, site by site.

        A site need not have been in `fit`: its shift and scale are those of the rows given here.
        Raises InputError for other covariates than in `fit`.
        """
        kept = np.empty((len(x), 0)) if covariates is None else np.asarray(covariates, np.float64)
        if kept.shape[1] != len(self.effects):
            raise InputError(
                f"ComBat was fitted with {len(self.effects)} covariates and is given "
                f"{kept.shape[1]}: give those of the fit."
            )
        expected = self.mean + kept @ self.effects
        standard = (x - expected) / np.sqrt(self.variance)
        out = np.zeros_like(standard)
        for name in np.unique(site):
            rows = site == name
            effect = _site_effect(standard[np.ix_(rows, self.varies)])
            own = (standard[np.ix_(rows, self.varies)] - effect.shift) / np.sqrt(effect.scale)
            out[np.ix_(rows, self.varies)] = own
        return np.asarray(np.where(self.varies, out * np.sqrt(self.variance) + expected, x))


def aligned(x: Floats, site: Integers, train: Bools) -> Floats:
    """All rows harmonised, by a ComBat that learned from the training rows (and from no label)."""
    return ComBat.fit(x[train], site[train]).transform(x, site)


class _Effect(NamedTuple):
    """Shift and squared scale of a site, one a feature."""

    shift: Floats
    scale: Floats


def _site_effect(z: Floats) -> _Effect:
    """Posterior mean of both by the original's fixed point: rows x features, standardised."""
    n, shift = len(z), z.mean(axis=0)
    if n < FEWEST or not z.shape[1]:
        return _Effect(np.zeros_like(shift), np.ones_like(shift))
    scale = z.var(axis=0, ddof=1)
    scale[scale == 0] = 1.0
    if len(shift) < 2:  # one feature: no others to shrink towards
        return _Effect(shift, scale)
    centre, spread = shift.mean(), shift.var(ddof=1)
    m, v = scale.mean(), scale.var(ddof=1)
    if v == 0 or spread == 0:  # copies of one image: nothing to shrink towards
        return _Effect(shift, scale)
    a, b = (2 * v + m**2) / v, (m * v + m**3) / v
    found, squares = _Effect(shift, scale), (z**2).sum(axis=0)
    for _ in range(STEPS):
        new = (spread * n * shift + found.scale * centre) / (spread * n + found.scale)
        around = squares - 2 * n * new * shift + n * new**2
        step = _Effect(new, (around / 2 + b) / (n / 2 + a - 1))
        moved = max(_moved(new, old) for new, old in zip(step, found, strict=True))
        found = step
        if moved <= CONVERGED:
            break
    return found


def _moved(new: Floats, old: Floats) -> float:
    """Largest relative change; of a feature that never varied there is none."""
    there = old != 0
    return float(np.abs(new[there] / old[there] - 1).max(initial=0.0))
