"""Pictures and tables, made and written."""

import numpy as np
from PIL import Image


def grey(seed=0, shape=(24, 32)):
    """Noise in 8 bits."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def pictures(n, seed=0, shape=(28, 28)):
    """n of them."""
    return grey(seed, (n, *shape))


def save(path, pixels, **options):
    """Write a picture into a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def write(path, *lines):
    """Write lines into a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
