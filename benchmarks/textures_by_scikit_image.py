"""scikit-image: a loop over the images, one matrix and its properties each.

Directions are merged, as in the other ways: the four matrices are added up before the properties.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from skimage.feature import graycomatrix, graycoprops

from medlib.features import discretise

ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
NAMES = {
    "contrast": "contrast",
    "dissimilarity": "dissimilarity",
    "homogeneity": "inverse_difference_moment",
    "ASM": "angular_second_moment",
    "correlation": "correlation",
    "mean": "joint_average",
    "variance": "joint_variance",
    "entropy": "joint_entropy",
}


def main(task, folder):
    """Print seconds and number of features; write the values."""
    images = np.load(folder / "images.npy")
    begun = time.perf_counter()
    found = np.array([of_image(grey) for grey in discretise(images, levels=32)])
    seconds = time.perf_counter() - begun
    found[:, list(NAMES).index("mean")] += 1  # its first level is 0, IBSI's is 1
    found[:, list(NAMES).index("entropy")] /= np.log(2)  # in bits
    columns = {f"glcm_{name}": found[:, k] for k, name in enumerate(NAMES.values())}
    np.savez(folder / f"{task}_scikit-image.npz", **columns)
    print(json.dumps({"seconds": seconds, "features": found.shape[1]}))


def of_image(grey):
    """Return the properties of one image's merged matrix."""
    counts = graycomatrix((grey - 1).astype(np.uint8), [1], ANGLES, levels=32, symmetric=True)
    merged = counts.sum(axis=3, keepdims=True)
    return [graycoprops(merged, name)[0, 0] for name in NAMES]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
