"""What a study of several modalities looks at: tokens of all its images, and of changed ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from medlib.cohorts import Cohort
from medlib.cohorts.modalities import require_modalities, seen
from medlib.errors import InputError
from medlib.learning.fusing import Seen
from medlib.models.tokens import imagenet_tokens
from medlib.types import Floats, Images, Integers

Change = Callable[[str, Images], Images]
"""From the name of a modality and its images (n x size x size) to other images."""


def look(cohort: Cohort, size: int, change: Change | None = None) -> Seen:
    """Return what the frozen network sees of a cohort in each modality.

    `change` is done to the images before. Raises InputError for a cohort with one modality.
    """
    names = require_modalities(cohort)
    tokens, present = [], []
    for name in names:
        images, here = seen(cohort, name, size)
        images = images if change is None else change(name, images)
        tokens.append(imagenet_tokens(images, size=size))
        present.append(here)
    return Seen(names, np.stack(tokens, axis=1), np.stack(present, axis=1))


def moved_by(pixels: float, seed: int, *, still: str) -> Change:
    """Return a change that moves each image by so many pixels, each in a direction of its own.

    The modality `still` stays, so that the others no longer lie on it.
    """

    def change(name: str, images: Images) -> Images:
        if name == still or not pixels:
            return images
        rng = np.random.default_rng([seed, *name.encode()])
        turns = rng.uniform(0, 2 * np.pi, len(images))
        ways = pixels * np.stack([np.sin(turns), np.cos(turns)], axis=1)
        pairs = zip(images, ways, strict=True)
        return np.stack([ndimage.shift(one, by, order=1, mode="nearest") for one, by in pairs])

    return change


def with_strangers(seen: Seen, keep: str, groups: Integers, seed: int) -> Seen:
    """Return the cases with one modality their own and all others those of another patient.

    Nothing that the others show can then help: whoever finds a gain by fusion here is mistaken.
    groups: patient of each case. Raises InputError where one patient has more than half of them.
    """
    tokens, present = seen.tokens.copy(), seen.present.copy()
    _, patient, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if 2 * (most := int(counts.max())) > len(tokens):
        raise InputError(
            f"One patient has {most} of {len(tokens)} cases, so that others have no stranger each: "
            "add patients."
        )
    order = np.random.default_rng([seed, 4]).permutation(len(tokens))
    _, first, mine = np.unique(patient[order], return_index=True, return_inverse=True)
    order = order[np.argsort(first[mine], kind="stable")]  # cases of one patient side by side
    other = np.empty_like(order)
    other[order] = np.roll(order, most)  # nobody is their own stranger
    for k, name in enumerate(seen.names):
        if name != keep:
            tokens[:, k], present[:, k] = seen.tokens[other, k], seen.present[other, k]
    return replace(seen, tokens=tokens, present=present)


def lacking_one(seen: Seen, seed: int) -> Seen:
    """Return the cases, each with one of its modalities masked at random, if it has two or more."""
    present = seen.present.copy()
    lots = np.where(present, np.random.default_rng([seed, 5]).random(present.shape), -1)
    several = present.sum(axis=1) > 1
    present[several, lots[several].argmax(axis=1)] = False
    return replace(seen, present=present)


def filled_with_black(seen: Seen, size: int) -> Seen:
    """Return the cases with a black image where one is absent, and nobody told."""
    black = imagenet_tokens(np.zeros((1, size, size), np.float32), size=size)[0]
    tokens = seen.tokens.copy()
    tokens[~seen.present] = black
    return replace(seen, tokens=tokens, present=np.ones_like(seen.present))


def deleted(seen: Seen, order: Floats, share: float) -> Seen:
    """Return the cases with some places replaced by what is there on average.

    `order` (cases x modalities x places): of what is present in a case the places of the highest
    values go, so many that they are this `share`. The average is that of the cases that have the
    modality.
    """
    n, modalities, places, _ = seen.tokens.shape
    here = np.repeat(seen.present, places, axis=1)
    ranked = np.argsort(-np.where(here, order.reshape(n, -1), -np.inf), axis=1, kind="stable")
    number = np.round(share * here.sum(axis=1, keepdims=True))
    gone = np.zeros_like(here)
    np.put_along_axis(gone, ranked, np.arange(here.shape[1]) < number, axis=1)
    mean = np.stack([seen.tokens[own, k].mean(axis=(0, 1)) for k, own in enumerate(seen.present.T)])
    away = gone.reshape(n, modalities, places, 1)
    return replace(seen, tokens=np.where(away, mean[:, None], seen.tokens))
