"""Images that are copies of one another: exact, altered, flipped, turned or cropped.

Two images are *exact* duplicates if their decoded pixels are equal. They are *near* duplicates
if one can be had from the other by what happens to files and in augmentation, not to patients:
`near_duplicates.py` says how they are found.

Found, of copies of images that no constant was tuned on (IQ-OTH/NCCD slices at 64 pixels a side, 25
of each kind; LUNA16 patches of 50 pixels, 30 of each kind):

- all: quarter turns, flips, transposition, inversion, half the size, gamma, noise, JPEG quality 60;
- JPEG quality 30: 25 and 28; quality 20: 25 and 28;
- turned by 2 degrees: 25 and 30; by 5 degrees: 25 and 28;
- cropped by 2 % a side: 24 and 30; by 5 %: 24 and 30; by 10 % off the middle: 23 and 29;
- burned-in text in two corners: 25 and 26; contrast that clips: 25 and 26;
- flip or not, 5 degrees, a crop of 8 %, brightness and JPEG 60 at once: 24 and 28.

These were counted before pairs were compared once more inside what they show. Counted with it: of
24 other IQ-OTH/NCCD slices at 64 pixels, all that were flipped, inverted, turned by 2 and 5
degrees, cropped by 5 %, compressed to quality 30, of half the size and with another gamma, as
before. Of 24 simulated photographs in a round mask, all of these but 4 compressed ones (none
missed before) and all the cropped ones (missed before as well: the mask leads the search astray).
Of different photographs, some 270 pairs among 48 were taken for copies before, and none since, but
for 22 pairs where half of the images are of half the size.

Not measured: larger turns and crops, parts of a picture, elastic changes.

IQ-OTH/NCCD slices at 50 and at 128 pixels, 16 of each kind: all but 2 and 2 of the 2 % crops, 0 and
1 of the 5 % crops, 2 and 2 of those off the middle, 5 and 2 of the augmented.

False alarms: none among 245,000 pairs of LUNA16 patches of 50 pixels. Of 148,000 pairs of
IQ-OTH/NCCD slices, ten across surrogate groups, all between two groups that to the eye show one
scan (under two labels): no false alarms. Neighbouring slices of one scan are taken for copies
where they hardly differ at 48 pixels (1,046 pairs inside 47 groups of similar slices); they belong
in one fold as well. A thousand images take about 15 seconds of one core and 0.4 GB; the time of
the search grows with the square of their number. Of an image with more than eight copies not all
pairs are listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from medlib.cohorts.near_duplicates import near_duplicates
from medlib.imaging import Image, resize

if TYPE_CHECKING:
    from medlib.cohorts.cohort import Cohort

FINE: Final = 48
"""Pixels a side of a thumbnail: keeps organs and vessels, loses compression artefacts."""


def thumbnails(cohort: Cohort) -> Image:
    """Return n x 48 x 48 thumbnails, stretched to a square so that stretched copies match."""
    return np.stack(cohort.map(lambda image: resize(image, FINE)))


def find_duplicates(cohort: Cohort, stack: Image | None = None) -> pd.DataFrame:
    """Return one row a duplicate: ``i, j`` (rows of the table), ``kind``, ``correlation``.

    An image with several copies is listed once for each later copy (``exact``: j is a copy of
    the first, i); near duplicates are pairs of images that are not exact copies.
    """
    hashes = cohort.table.sha256
    first = ~hashes.duplicated()
    origin = dict(zip(hashes[first], hashes.index[first], strict=True))
    exact = [(origin[hashes[j]], j, "exact", 1.0) for j in hashes.index[~first]]
    rows = np.flatnonzero(first)
    stack = thumbnails(cohort) if stack is None else stack
    near = [(rows[i], rows[j], kind, c) for i, j, kind, c in near_duplicates(stack[rows])]
    return pd.DataFrame(exact + near, columns=["i", "j", "kind", "correlation"])


def joined(i: npt.NDArray[np.int64], j: npt.NDArray[np.int64], *, n: int) -> npt.NDArray[np.int64]:
    """Return the number of the set each of n images is in when images i and j are linked."""
    links = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n))
    groups: npt.NDArray[np.int64] = csgraph.connected_components(links, directed=False)[1]
    return groups.astype(np.int64)
