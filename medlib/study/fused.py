"""What a study of several modalities looks at: tokens of all its images, and of changed ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from medlib.cohorts import Cohort
from medlib.cohorts.modalities import require_modalities, seen
from medlib.learning.fusing import Seen
from medlib.models.tokens import imagenet_tokens
from medlib.types import Floats, Images

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


def with_strangers(seen: Seen, keep: str, seed: int) -> Seen:
    """Return the cases with one modality their own and all others those of another patient.

    Nothing that the others show can then help: whoever finds a gain by fusion here is mistaken.
    """
    tokens, present = seen.tokens.copy(), seen.present.copy()
    order = np.random.default_rng([seed, 4]).permutation(len(tokens))
    other = np.empty_like(order)
    other[order] = np.roll(order, 1)  # nobody is their own stranger
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

    `order` (cases x modalities x places): the places of the highest values go, so many that they
    are this `share` of all.
    """
    n, modalities, places, channels = seen.tokens.shape
    number = round(share * modalities * places)
    gone = np.argsort(-order.reshape(n, -1), axis=1, kind="stable")[:, :number]
    mean = seen.tokens.mean(axis=(0, 2))  # modalities x channels
    tokens = seen.tokens.copy().reshape(n, -1, channels)
    rows = np.arange(n)[:, None]
    tokens[rows, gone] = mean[gone // places]
    return replace(seen, tokens=tokens.reshape(seen.tokens.shape))
