"""Simulates four patients a seed, both tasks and strata, and prints the hash of each one's arrays.

Needs no more than NumPy and SciPy, so that it runs where little else does: see `emulated.sh`.
Called with the number of seeds.
"""

import hashlib
import sys
from itertools import product
from typing import Final

import numpy as np

from medlib.phantom.chest import Stratum, Task, simulate

KINDS: Final[tuple[tuple[Task, Stratum, bool], ...]] = (
    ("crop", "default", False),
    ("crop", "hard", True),
    ("slice", "default", True),
    ("slice", "hard", False),
)
"""Task, stratum and whether an even seed has a cancer; an odd one is of the other class."""


def content_hash(seed: int, task: Task, stratum: Stratum, *, cancer: bool) -> str:
    """Hash of image, masks and tissue of one patient."""
    case = simulate(seed, cancer=cancer, task=task, stratum=stratum)
    arrays = (case.hu, case.lesion_mask, case.finding_mask, case.tissue)
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


if __name__ == "__main__":
    for seed, (task, stratum, even) in product(range(int(sys.argv[1])), KINDS):
        cancer = even ^ bool(seed % 2)
        made = content_hash(seed, task, stratum, cancer=cancer)
        print(f"{task}, {stratum}, seed {seed}, {cancer=}: {made}", flush=True)
