"""What a network is shown of a colour photograph, and how like a real one a simulated one is."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy import ndimage
from skimage import filters, morphology
from sklearn.ensemble import RandomForestClassifier

from medlib.cohorts import Cohort
from medlib.cohorts.colours import colour_images
from medlib.models.classifiers import imagenet_features
from medlib.types import Bools, Features, Floats, Mask, Reals, Singles

SPOT: Final = 0.28
"""Side of the square round the optic disc, as a share of the picture's."""
SEEN_SPOT: Final = 160
"""Pixels a side at which the network sees that square."""
DISC: Final = 0.10
ROUND: Final = 0.36
"""Sizes of the disc and of its surround, shares of the side, by which the disc is found."""
OFF_DISC: Final = 0.10
"""Distance from the disc, a share of the side, within which its edge passes for a vessel."""
INSIDE: Final = 0.44
"""How far from the middle it may lie, as a share of the side."""


AT_ONCE: Final = 128
"""Photographs in memory; a multiple of what the network takes at a time."""


class Views(NamedTuple):
    """Features of the whole picture, of the brightest spot, and of a square at its mirror place.

    facts: single numbers of each file: mean and SD of red, green and blue, and its rows, columns
    and bytes where the table has them.
    """

    whole: Features
    spot: Features
    control: Features
    facts: Floats


def views(cohort: Cohort, size: int) -> Views:
    """Return what a frozen network sees in each photograph: cases x 1280 three times, and facts.

    So many photographs at a time as `AT_ONCE`: thousands would not fit into memory.
    """
    starts = range(0, len(cohort), AT_ONCE)
    parts = [_views(cohort.select(np.arange(len(cohort))[i : i + AT_ONCE]), size) for i in starts]
    return Views(*map(np.concatenate, zip(*parts, strict=True)))


def _views(cohort: Cohort, size: int) -> Views:
    images = colour_images(cohort, size)
    at = np.stack([brightest(image) for image in images])
    squares = [
        np.stack([square(image, *place) for image, place in zip(images, places, strict=True)])
        for places in (at, np.stack([at[:, 0], size - 1 - at[:, 1]], axis=1))
    ]
    whole = imagenet_features(images, size=size)
    spot, control = (imagenet_features(part, size=SEEN_SPOT) for part in squares)
    return Views(whole, spot, control, _facts(cohort, images))


def _facts(cohort: Cohort, images: Singles) -> Floats:
    table, flat = cohort.table, images.reshape(len(images), -1, 3).astype(np.float64)
    sizes = [table[name].to_numpy(float) for name in ("rows", "columns", "bytes") if name in table]
    numbers = [flat.mean(axis=1), flat.std(axis=1), *(size[:, None] for size in sizes)]
    return np.concatenate(numbers, axis=1)


def forest() -> RandomForestClassifier:
    """Return a model of single numbers, before training."""
    return RandomForestClassifier(100, min_samples_leaf=5, random_state=0)


def brightest(image: Singles) -> tuple[int, int]:
    """Return row and column of the spot that is brightest against its surround: the optic disc."""
    green, side = image[..., 1].astype(np.float64), image.shape[0]
    inner, outer = (ndimage.uniform_filter(green, round(share * side)) for share in (DISC, ROUND))
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    contrast = np.where(np.hypot(rows, columns) < INSIDE * side, inner - outer, -np.inf)
    row, column = np.unravel_index(int(np.round(contrast, 6).argmax()), contrast.shape)
    return int(row), int(column)


def square(image: Singles, row: int, column: int) -> Singles:
    """Return the square round a place, moved inside the picture where it would stick out."""
    side = image.shape[0]
    half = round(SPOT * side) // 2
    top, left = (min(max(at, half), side - half) - half for at in (row, column))
    return image[top : top + 2 * half, left : left + 2 * half]


class Appearance(NamedTuple):
    """Of one photograph: levels (0..255) of its field, share of vessels, widths of vessels.

    Widths are those along all middle lines, in thousandths of the picture's side.
    """

    levels: Floats
    vessels: Mask
    share: float
    widths: Reals


def appearance(image: Singles) -> Appearance:
    """Measure a photograph (side x side x 3 in 0..1) whose field fills the picture."""
    inside = field(image)
    vessels = vessels_of(image, inside)
    middle = morphology.skeletonize(vessels)  # type: ignore[no-untyped-call]
    widths = 2000 * ndimage.distance_transform_edt(vessels)[middle] / image.shape[0]
    return Appearance(
        255 * image[inside].astype(np.float64), vessels, float(vessels[inside].mean()), widths
    )


def field(image: Singles) -> Bools:
    """Return the lit part of the picture, a little inside its rim."""
    lit = ndimage.binary_fill_holes(image.max(axis=2) > 0.12)
    return np.asarray(ndimage.binary_erosion(lit, iterations=round(0.03 * image.shape[0])))


def vessels_of(image: Singles, inside: Bools) -> Mask:
    """Return dark ridges of the green channel (Sato's filter, a threshold by Otsu's rule)."""
    green, side = image[..., 1].astype(np.float64), len(image)
    level = ndimage.gaussian_filter(green, 0.08 * side)
    even = green / np.maximum(level, 1e-3)
    ridges = filters.sato(even, sigmas=[1.0, 1.5, 2.2])  # type: ignore[no-untyped-call]
    row, column = brightest(image)
    rows, columns = np.mgrid[:side, :side]
    off_disc = inside & (np.hypot(rows - row, columns - column) > OFF_DISC * side)
    cut = filters.threshold_otsu(ridges[off_disc])  # type: ignore[no-untyped-call]
    found = (ridges > cut) & off_disc
    return np.asarray(morphology.remove_small_objects(found, max_size=round(0.0008 * green.size)))
