"""Small volumes with masks, as an npz file of a reader's own would have them."""

import numpy as np

SIDE = 32


def balls(n=6, channels=2, side=SIDE, seed=0, parts=2):
    """Arrays of n patients with a bright ball; part 2 is its middle, dark in the last channel."""
    rng = np.random.default_rng(seed)
    place = np.stack(np.indices((side,) * 3))
    images = rng.normal(10, 1, (n, channels, side, side, side)).astype(np.float32)
    masks = np.zeros((n, side, side, side), np.uint8)
    for image, mask in zip(images, masks, strict=True):
        away = np.sqrt(((place - rng.integers(12, side - 12, (3, 1, 1, 1))) ** 2).sum(axis=0))
        mask[away < 7] = 1
        image[:, away < 7] += 6
        if parts == 2:
            mask[away < 4] = 2
            image[-1, away < 4] -= 8
    return {
        "images": images,
        "masks": masks,
        "patient_ids": np.array([f"P{i}" for i in range(n)]),
        "spacing_mm": np.array([2.0, 2.0, 2.0]),
        "channels": np.array(["t1", "t2", "flair", "t1c"][:channels]),
    }


def write(path, **changes):
    """An npz file of `balls` with other arrays; None leaves one out."""
    arrays = {k: v for k, v in (balls() | changes).items() if v is not None}
    np.savez(path, **arrays)
    return f"npz:{path}"
