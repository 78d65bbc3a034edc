"""Leaks to plant: a table of what each is, and one small function for each that needs one.

The codes are those of Kapoor & Narayanan 2023, Patterns 4:100804. `leaks.py` and `guards.py` hold
what stops them; `medlib.study.faked` measures what they fake.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage

from medlib.types import Bools, Floats, Integers

Bytes = npt.NDArray[np.uint8]
Change = Callable[[Bytes, bool, int], Bytes]
"""What a shortcut does to a grey image, by whether it is positive and by its number."""


class Leak(NamedTuple):
    """Type of a leak, what is done, statements of the source text it bears on, measured on what."""

    code: str
    what: str
    claims: tuple[str, ...] = ()
    data: str = "images"


LEAKS: Final = {
    "no test set": Leak("L1.1", "the model is scored on the cases it was fitted on"),
    "scaling on all data": Leak("L1.2", "mean and SD are those of all cases", ("C36",)),
    "supervised reduction on all data": Leak(
        "L1.2", "sums of features are made with all labels", ("C36",)
    ),
    "feature selection on all data": Leak("L1.3", "features are chosen with all labels"),
    "augmentation before the split": Leak("L1.2", "mirrored copies lie in other folds"),
    "oversampling before the split": Leak("L1.2", "repeated positives lie in other folds"),
    "duplicates, one case in five": Leak("L1.4", "the release has some cases twice", ("C34",)),
    "burned-in marker": Leak("L2", "most positives carry a mark in a corner"),
    "image size": Leak("L2", "positives were stored with fewer pixels"),
    "file size (compression)": Leak("L2", "positives were compressed more"),
    "scanner": Leak("L2", "most positives come from a softer scanner"),
    "crop by lesion": Leak("L2", "positives are cut out along the lesion", ("C36",)),
    "training on the future": Leak("L3.1", "training cases come after test cases", data="toy"),
    "slices of a patient apart": Leak(
        "L3.2", "slices of a patient lie in several folds", ("C34", "C43"), "toy, random labels"
    ),
    "borderline cases left out": Leak("L3.3", "the least certain third is not scored", ("C34",)),
    "epoch chosen on the test fold": Leak(
        "L1.1", "each fold is scored at its best epoch", ("C40",)
    ),
    "best epoch, random labels": Leak(
        "L1.1", "the same, with nothing to be learned", ("C40",), "images, random labels"
    ),
}
"""The leaks of chapter 6, by name."""


def untouched(image: Bytes, positive: bool, number: int) -> Bytes:
    """Return the image as it is."""
    return image


def marker(image: Bytes, positive: bool, number: int) -> Bytes:
    """Return the image with a white bar on black in a corner of four in five positives."""
    image = image.copy()
    if positive and number % 5:
        image[2:22, -20:-2] = 0
        image[5:19, -15:-7] = 255
    return image


def small(image: Bytes, positive: bool, number: int) -> Bytes:
    """Return positives at 64 pixels a side."""
    if not positive:
        return image
    return np.asarray(Pillow.fromarray(image).resize((64, 64), Pillow.Resampling.LANCZOS))


def from_soft_scanner(positive: bool, number: int) -> bool:
    """Whether a case is from the softer scanner: nine in ten positives, one in ten negatives."""
    return (number % 10 == 0) != positive


def soft(image: Bytes, positive: bool, number: int) -> Bytes:
    """Return the image with a softer reconstruction kernel where it is from that scanner."""
    return ndimage.gaussian_filter(image, 1.0) if from_soft_scanner(positive, number) else image


def crop_along(image: Bytes, outline: Bools) -> Bytes:
    """Return the square around an outlined lesion, with a margin of half the lesion's size.

    `outline`: rows x columns, True in the lesion; of any size, it covers the image's field.
    """
    side = image.shape[0]
    place = [np.flatnonzero(outline.any(axis=a)) * side / outline.shape[1 - a] for a in (1, 0)]
    half = max(8, 0.75 * max(np.ptp(p) for p in place))
    ends = [np.clip([p.mean() - half, p.mean() + half], 0, side).astype(int) for p in place]
    return image[slice(*ends[0]), slice(*ends[1])]


def crop_by_lesion(outline: Callable[[int], Bools]) -> Change:
    """Return the change that cuts positives out along their `outline`, by number."""
    return lambda image, positive, n: crop_along(image, outline(n)) if positive else image


def as_png(positive: bool) -> tuple[str, dict[str, Any]]:
    """Return how a picture is saved that loses nothing."""
    return ".png", {}


def as_jpeg(positive: bool) -> tuple[str, dict[str, Any]]:
    """Return how a picture is saved: positives at JPEG quality 30, negatives at 95."""
    return ".jpg", {"quality": 30 if positive else 95}


class Shortcut(NamedTuple):
    """What a release does to its images that has nothing to do with the disease."""

    change: Change = untouched
    saved: Callable[[bool], tuple[str, dict[str, Any]]] = as_png

    def file(self, image: Bytes, positive: bool, number: int) -> tuple[str, bytes]:
        """Return the ending and the bytes of the picture file of one case."""
        ending, options = self.saved(positive)
        stream = io.BytesIO()
        changed = Pillow.fromarray(self.change(image, positive, number))
        changed.save(stream, {".png": "PNG", ".jpg": "JPEG"}[ending], **options)
        return ending, stream.getvalue()

    def picture(self, image: Bytes, positive: bool, number: int) -> Bytes:
        """Return one case as a reader of its file sees it."""
        return np.asarray(Pillow.open(io.BytesIO(self.file(image, positive, number)[1])))


SHORTCUTS: Final = {
    "burned-in marker": Shortcut(marker),
    "image size": Shortcut(small),
    "file size (compression)": Shortcut(saved=as_jpeg),
    "scanner": Shortcut(soft),
}
"""Those that need no outline of the lesion."""


class Copies(NamedTuple):
    """Cases that are scored (rows), whose copy each image is, and the seed of the careless deal."""

    cases: Integers
    origin: Integers
    seed: int


def plant_copies(y: Integers, fewest: int, rng: np.random.Generator) -> dict[str, Copies]:
    """Return the copies of each leak; of a study with classes `y`, at least `fewest` positives.

    `origin` numbers the scored cases; these come first, their copies follow.
    """
    own = np.arange(len(y))
    augmented = Copies(own, np.tile(own, 3), int(rng.integers(1 << 30)))
    twice = np.append(own, rng.permutation(own)[: len(own) // 5])
    duplicated = Copies(own, twice, int(rng.integers(1 << 30)))
    few = own[y == 1][: max(fewest, (y == 0).sum() // 4)]
    rare = np.sort(np.append(own[y == 0], few))
    again = np.repeat(np.flatnonzero(y[rare] == 1), (y == 0).sum() // len(few) - 1)
    repeated = Copies(rare, np.append(np.arange(len(rare)), again), int(rng.integers(1 << 30)))
    return {
        "augmentation before the split": augmented,
        "oversampling before the split": repeated,
        "duplicates, one case in five": duplicated,
    }


def drifting(rng: np.random.Generator, n: int = 200, d: int = 5) -> tuple[Floats, Integers, Floats]:
    """Return toy cases in order of time: features (the year last), class, year.

    The direction that separates the classes turns by half a circle from 2014 to 2024.
    """
    year = np.sort(rng.uniform(2014, 2024, n))
    angle = (year - 2014) / 10 * np.pi
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, d))
    x[:, :2] += 1.5 * (2 * y - 1)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.column_stack([x, year - 2019]), y, year


def slices_without_signal(
    rng: np.random.Generator, within: float = 0.53, patients: int = 50, slices: int = 20
) -> tuple[Floats, Integers, Integers]:
    """Return toy slices: ten features, labels dealt to patients at random, patient.

    Patients differ with an SD of 1 a feature, slices of one patient with an SD of `within`.
    """
    patient = np.repeat(np.arange(patients), slices)
    own = rng.normal(size=(patients, 10))[patient]
    x = own + within * rng.normal(size=(len(patient), 10))
    return x, rng.permutation(np.arange(patients) % 2)[patient], patient
