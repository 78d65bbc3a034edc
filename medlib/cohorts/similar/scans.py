"""Do the images of a source come in runs of one scan? Estimated from their order in the source.

Where no patient ids are recorded, slices of one scan that lie on both sides of a split are
remembered, not recognised. In a list of slices an image's most similar image is the next or the
one before; among images of different patients in any order it may stand anywhere. What all
images of a class share (a body, a round frame) is taken out first, so that it makes no runs.

Blind to scans whose images are listed in a random order, and to patients whose images do not
look alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from medlib.cohorts.similar.duplicates import joined
from medlib.cohorts.similar.surrogate import RUN_SIZE, SAME_RUN
from medlib.imaging import resize
from medlib.runtime.whole_numbers import as_seed
from medlib.types import Floats, Images, Integers, Singles

SIDE: Final = 24
"""Pixels a side of what is compared: neighbouring slices differ in detail."""
NEAR: Final = 2
"""Images before and after in the list that count as neighbours."""
ORDERS: Final = 999
"""Random orders that the order of the source is compared with."""
FEWEST: Final = 8
"""Images a class below which nothing is estimated."""
UNRELATED: Final = 0.99
"""Quantile of the similarity of images far apart in the list: neighbours beyond it are one scan."""
STRETCH: Final = 4
"""Successive images that get one label when labels are dealt."""
DEALS: Final = 10
"""Times that labels are dealt."""
LEVEL: Final = 0.01
"""p below which the order of the source is no accident."""
MANY: Final = 0.3
"""Least share of images, above that by chance, whose most similar one is a neighbour."""
FEWER: Final = 0.8
"""Likely scans an image, at most, for runs to be likely."""


@dataclass(frozen=True)
class Scans:
    """Which images are likely of one scan; `scan` numbers them, one an image.

    `neighbours`: share of images whose most similar one of the class is among the four next to
    it; `by_chance`: in a random order; `p` of the difference. `dealt`: accuracy of the nearest
    neighbour in other folds on labels dealt to stretches of four successive images, chance 0.5.
    `unrelated`: share of images far apart that `groups=runs` would join if they were neighbours.
    """

    scan: Integers
    neighbours: float
    by_chance: float
    p: float
    dealt: float
    unrelated: float

    @property
    def number(self) -> int:
        """Return how many scans are likely."""
        return len(np.unique(self.scan))

    @property
    def likely(self) -> bool:
        """Return whether images come in runs: surely, many of them, and into fewer scans."""
        fewer = self.number <= FEWER * len(self.scan)
        return self.p <= LEVEL and self.neighbours - self.by_chance >= MANY and fewer

    def kept_together(self, groups: Integers) -> float:
        """Return the share of neighbours of one scan that share a group already."""
        same = self.scan[1:] == self.scan[:-1]
        return float((groups[1:] == groups[:-1])[same].mean()) if same.any() else 1.0


def likely_scans(stack: Images, labels: npt.ArrayLike, *, seed: int = 0) -> Scans | None:
    """Return the likely scans of n x h x w thumbnails in the source's order.

    None if no class has 8 images. Scans never cross labels. ``seed``: of orders and deals.
    """
    label, rng = np.asarray(labels), np.random.default_rng(as_seed(seed))
    classes = [np.flatnonzero(label == name) for name in dict.fromkeys(label)]
    classes = [rows for rows in classes if len(rows) >= FEWEST]
    if not classes:
        return None
    links, nearest, dealt = [], [], []
    for rows in classes:
        likeness = _likeness(stack[rows])
        links += [(rows[i], rows[j]) for i, j in _links(likeness)]
        nearest.append(likeness.argmax(axis=1))
        dealt.append(_on_dealt_labels(likeness, rng))
    i, j = (np.concatenate(ends) for ends in zip(*links, strict=True))
    share, chance = _neighbours(nearest, rng)
    return Scans(
        scan=joined(i, j, n=len(stack)),
        neighbours=share,
        by_chance=float(chance.mean()),
        p=float((1 + (chance >= share - 1e-12).sum()) / (1 + len(chance))),
        dealt=float(np.average(dealt, weights=[len(rows) for rows in classes])),
        unrelated=_joined_unrelated([stack[rows] for rows in classes]),
    )


def _likeness(stack: Images) -> Singles:
    """Correlation of n images without what they share: n x n, -inf of an image with itself."""
    flat = resize(stack, SIDE).reshape(len(stack), -1)
    flat = _unit(_unit(flat) - _unit(flat).mean(axis=0))
    likeness: Singles = flat @ flat.T
    np.fill_diagonal(likeness, -np.inf)
    return likeness


def _unit(flat: Singles) -> Singles:
    flat = flat - flat.mean(axis=1, keepdims=True)
    unit: Singles = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return unit


def _links(likeness: Singles) -> list[tuple[Integers, Integers]]:
    """Pairs of neighbours more alike than 99 of 100 pairs half a list apart."""
    n = len(likeness)
    far = likeness[np.triu_indices(n, n // 2)]
    bound = np.quantile(far, UNRELATED)
    links = []
    for step in range(1, NEAR + 1):
        i = np.flatnonzero(np.diag(likeness, step) > bound)
        links.append((i, i + step))
    return links


def _neighbours(nearest: list[Integers], rng: np.random.Generator) -> tuple[float, Floats]:
    """Share of images whose nearest is a neighbour in the list, and the same in random orders."""

    def count(of: Integers, place: Integers) -> int:
        return int((np.abs(place - place[of]) <= NEAR).sum())

    total = sum(map(len, nearest))
    share = sum(count(of, np.arange(len(of))) for of in nearest) / total
    orders = [sum(count(of, rng.permutation(len(of))) for of in nearest) for _ in range(ORDERS)]
    return share, np.array(orders) / total


def _on_dealt_labels(likeness: Singles, rng: np.random.Generator) -> float:
    """Accuracy of the nearest neighbour in another of five folds, on labels of stretches."""
    n = len(likeness)
    right = []
    for _ in range(DEALS):
        dealt = rng.permutation(np.arange(-(-n // STRETCH)) % 2)[np.arange(n) // STRETCH]
        fold = rng.permutation(np.arange(n) % 5)
        apart = np.where(fold[:, None] == fold, -np.inf, likeness)
        right.append((dealt[apart.argmax(axis=1)] == dealt).mean())
    return float(np.mean(right))


def _joined_unrelated(classes: list[Singles]) -> float:
    """Share of pairs half a list apart that the rule of `surrogate.runs` takes for one run."""
    found = []
    for stack in classes:
        flat = _unit(resize(stack, RUN_SIZE).reshape(len(stack), -1))
        i, j = np.triu_indices(len(stack), len(stack) // 2)
        found.append(((flat @ flat.T)[i, j] >= SAME_RUN).mean())
    return float(np.mean(found))
